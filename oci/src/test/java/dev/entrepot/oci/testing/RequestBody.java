package dev.entrepot.oci.testing;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * The body of a request, framed by {@code Content-Length} or in chunks, behind the obstacles of faults. Ends at the end
 * of the body.
 */
final class RequestBody extends InputStream {
    private final InputStream in;
    private final OutputStream out;
    private final boolean chunked;
    private final List<Obstacle> obstacles = new ArrayList<>();
    private boolean continueOwed;
    private boolean ended;
    private long frameRemaining;
    private long position;

    RequestBody(Request request, InputStream in, OutputStream out) {
        this.in = in;
        this.out = out;
        this.chunked = request.headers().hasToken("Transfer-Encoding", "chunked");
        this.frameRemaining = chunked
                ? 0
                : request.header("Content-Length").map(Long::parseLong).orElse(0L);
        this.ended = !chunked && frameRemaining == 0;
        this.continueOwed = request.headers().hasToken("Expect", "100-continue");
    }

    void behind(Obstacle obstacle) {
        obstacles.add(obstacle);
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] buffer, int offset, int length) throws IOException {
        if (length == 0) {
            return 0;
        }
        sendContinue();
        if (!ended && chunked && frameRemaining == 0) {
            nextChunk();
        }
        if (ended) {
            return -1;
        }
        int count = in.read(buffer, offset, (int) Math.min(Math.min(length, frameRemaining), allowance()));
        if (count < 0) {
            throw new EOFException("the client left in the middle of its request");
        }
        frameRemaining -= count;
        position += count;
        if (frameRemaining == 0) {
            endFrame();
        }
        return count;
    }

    /** Reads what is left; false if the connection cannot be used again because the body was never sent. */
    boolean drain() throws IOException {
        if (continueOwed && !ended) {
            return false;
        }
        obstacles.clear();
        byte[] buffer = new byte[16 * 1024];
        int count = 0;
        while (count >= 0) {
            count = read(buffer, 0, buffer.length);
        }
        return true;
    }

    private long allowance() throws IOException {
        long allowed = Long.MAX_VALUE;
        try {
            for (Obstacle obstacle : obstacles) {
                allowed = Math.min(allowed, obstacle.pass(position));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("stopped in an upload");
        }
        return allowed;
    }

    private void sendContinue() throws IOException {
        if (continueOwed) {
            continueOwed = false;
            out.write("HTTP/1.1 100 Continue\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            out.flush();
        }
    }

    private void nextChunk() throws IOException {
        String line = HeadReader.line(in, 1024);
        int semicolon = line.indexOf(';');
        frameRemaining = Long.parseLong((semicolon < 0 ? line : line.substring(0, semicolon)).strip(), 16);
        if (frameRemaining == 0) {
            while (!HeadReader.line(in, 8192).isEmpty()) {
                continue;
            }
            ended = true;
        }
    }

    private void endFrame() throws IOException {
        if (chunked) {
            HeadReader.line(in, 2);
        } else {
            ended = true;
        }
    }
}
