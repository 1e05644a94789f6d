package dev.entrepot.bench;

import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** An HTTP/1.1 connection that asks for things and throws them away. Used by one thread at a time. */
final class PullConnection implements Closeable {
    private static final Pattern STATUS = Pattern.compile("HTTP/1\\.1 (\\d{3})");
    private static final Pattern LENGTH = Pattern.compile("(?im)^content-length: *(\\d+)\r?$");
    private static final byte[] HEAD_END = "\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
    private static final int HEAD_LIMIT_BYTES = 64 * 1024;
    private static final long DISCARD_BYTES = 4L << 20;

    private final Transport transport;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment head = arena.allocate(HEAD_LIMIT_BYTES);

    private PullConnection(Transport transport) {
        this.transport = transport;
    }

    /** Connects. */
    static PullConnection open(Place place) throws IOException {
        return new PullConnection(Transport.open(place));
    }

    /**
     * Asks for a path and reads the answer to its end.
     *
     * @throws IOException also if the answer is not 200 or is cut short
     */
    Pull get(String path) throws IOException {
        String request = "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n";
        long start = System.nanoTime();
        transport.send(request.getBytes(StandardCharsets.US_ASCII));
        long received = 0;
        long bodyAt = -1;
        while (bodyAt < 0) {
            received += more(transport.receive(head.asSlice(received)), path);
            bodyAt = bodyAt(received);
        }
        String text = new String(head.asSlice(0, bodyAt).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.ISO_8859_1);
        int status = Integer.parseInt(find(STATUS, text));
        long length = Long.parseLong(find(LENGTH, text));
        if (status != 200) {
            throw new IOException("GET " + path + ": expected 200, got " + status);
        }
        long got = received - bodyAt;
        long firstByteAt = got > 0 ? System.nanoTime() : 0;
        while (got < length) {
            got += more(transport.discard(Math.min(DISCARD_BYTES, length - got)), path);
            firstByteAt = firstByteAt == 0 ? System.nanoTime() : firstByteAt;
        }
        return new Pull(status, got, firstByteAt - start, System.nanoTime() - start);
    }

    private static long more(long count, String path) throws EOFException {
        if (count == 0) {
            throw new EOFException("GET " + path + ": the connection ended before the answer");
        }
        return count;
    }

    private long bodyAt(long received) {
        for (long i = 0; i + HEAD_END.length <= received; i++) {
            if (head.asSlice(i, HEAD_END.length).mismatch(MemorySegment.ofArray(HEAD_END)) < 0) {
                return i + HEAD_END.length;
            }
        }
        return -1;
    }

    private static String find(Pattern pattern, String head) throws IOException {
        Matcher matcher = pattern.matcher(head);
        if (!matcher.find()) {
            throw new IOException("no " + pattern + " in: " + head);
        }
        return matcher.group(1);
    }

    @Override
    public void close() throws IOException {
        transport.close();
        arena.close();
    }
}
