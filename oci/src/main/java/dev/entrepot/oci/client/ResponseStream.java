package dev.entrepot.oci.client;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/** The body of an answer: faults of the wire become outages, and the end releases the connection. */
final class ResponseStream extends FilterInputStream {
    private final ApiResponse response;

    ResponseStream(InputStream raw, ApiResponse response) {
        super(raw);
        this.response = response;
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
        response.requireInTime();
        int count;
        try {
            count = in.read(buffer, offset, length);
        } catch (IOException e) {
            throw WireFaults.translate(
                    e, response.request().what(), response.request().host());
        }
        if (count < 0) {
            response.finished();
        } else {
            // An interrupt while this is held up is no fault of the wire.
            response.progressed(count);
        }
        return count;
    }

    @Override
    public long skip(long count) throws IOException {
        byte[] buffer = new byte[(int) Math.min(Math.max(count, 0), 8192)];
        long skipped = 0;
        while (skipped < count) {
            int read = read(buffer, 0, (int) Math.min(buffer.length, count - skipped));
            if (read < 0) {
                break;
            }
            skipped += read;
        }
        return skipped;
    }

    @Override
    public boolean markSupported() {
        return false;
    }

    @Override
    public void close() {
        response.close();
    }
}
