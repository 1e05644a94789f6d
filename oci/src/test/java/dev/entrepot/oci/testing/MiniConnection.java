package dev.entrepot.oci.testing;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** One connection of a {@link MiniHttpServer}: requests in, answers out, one after the other, on one virtual thread. */
final class MiniConnection implements Runnable, AutoCloseable {
    private static final int PIECE_BYTES = 16 * 1024;

    private final Socket socket;
    private final MiniHttpServer server;

    MiniConnection(Socket socket, MiniHttpServer server) {
        this.socket = socket;
        this.server = server;
    }

    @Override
    public void run() {
        try (socket) {
            socket.setTcpNoDelay(true);
            InputStream in = new BufferedInputStream(socket.getInputStream());
            OutputStream out = new BufferedOutputStream(socket.getOutputStream(), PIECE_BYTES);
            boolean more = true;
            while (more) {
                more = serve(in, out);
            }
        } catch (ConnectionCut cut) {
            // Ordered by a test. The reset, if any, was prepared where it was caught first.
        } catch (IOException e) {
            // The client left, or the server is being stopped: both are everyday business of tests.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }

    private boolean serve(InputStream in, OutputStream out) throws IOException, InterruptedException {
        Optional<Request> head = HeadReader.read(in);
        if (head.isEmpty()) {
            return false;
        }
        Request request = head.get();
        RecordedCall call = server.calls().begin(request);
        try {
            RequestBody body = new RequestBody(request, in, out);
            Response response = server.answer(request, body);
            boolean exact = send(request, response, out, call);
            call.completed();
            return exact && body.drain() && !request.headers().hasToken("Connection", "close");
        } catch (ConnectionCut cut) {
            if (cut.reset()) {
                socket.setSoLinger(true, 0);
            }
            out.flush();
            socket.close();
            throw cut;
        } finally {
            server.calls().end();
        }
    }

    /** Sends an answer; false if the connection must end because the body is not as long as was stated. */
    private boolean send(Request request, Response response, OutputStream out, RecordedCall call)
            throws IOException, InterruptedException {
        boolean chunked = response.headers().hasToken("Transfer-Encoding", "chunked");
        boolean bodiless = request.method().equals("HEAD") || response.status() == 204 || response.status() == 304;
        long size = response.body().sizeBytes();
        Response framed = chunked
                        || response.headers().has("Content-Length")
                        || response.status() == 204
                        || response.status() == 304
                ? response
                : response.header("Content-Length", Long.toString(size));
        call.started(response.status());
        writeHead(framed, out);
        if (bodiless) {
            out.flush();
            return true;
        }
        if (!response.obstacles().isEmpty() || size > PIECE_BYTES) {
            out.flush();
        }
        writeBody(response, chunked, out, call);
        out.flush();
        return chunked || framed.headers().first("Content-Length").equals(Optional.of(Long.toString(size)));
    }

    private static void writeHead(Response response, OutputStream out) throws IOException {
        StringBuilder head =
                new StringBuilder("HTTP/1.1 ").append(response.status()).append(" by the test server\r\n");
        for (Headers.Field field : response.headers().fields()) {
            head.append(field.name()).append(": ").append(field.value()).append("\r\n");
        }
        out.write(head.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1));
    }

    private static void writeBody(Response response, boolean chunked, OutputStream out, RecordedCall call)
            throws IOException, InterruptedException {
        byte[] piece = new byte[PIECE_BYTES];
        long size = response.body().sizeBytes();
        long sent = 0;
        try (InputStream body = response.body().open(0)) {
            while (sent < size || chunked) {
                long allowed = PIECE_BYTES;
                for (Obstacle obstacle : response.obstacles()) {
                    allowed = Math.min(allowed, obstacle.pass(sent));
                }
                if (sent == size) {
                    break;
                }
                int count = body.readNBytes(piece, 0, (int) Math.min(allowed, size - sent));
                writePiece(piece, count, chunked, out);
                if (!response.obstacles().isEmpty()) {
                    out.flush();
                }
                sent += count;
                call.sent(count);
            }
        }
        if (chunked) {
            out.write("0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        }
    }

    private static void writePiece(byte[] piece, int count, boolean chunked, OutputStream out) throws IOException {
        if (chunked) {
            out.write((Integer.toHexString(count) + "\r\n").getBytes(StandardCharsets.US_ASCII));
        }
        out.write(piece, 0, count);
        if (chunked) {
            out.write("\r\n".getBytes(StandardCharsets.US_ASCII));
        }
    }
}
