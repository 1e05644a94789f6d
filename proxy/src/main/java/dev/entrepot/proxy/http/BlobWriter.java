package dev.entrepot.proxy.http;

import dev.entrepot.cache.BlobContent;
import dev.entrepot.oci.OutageException;
import dev.entrepot.proxy.http.RangeHeader.Span;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Optional;

/**
 * Writes consecutive bytes of a blob, through one buffer of at most 64 KiB; those of a stored blob go from its file to
 * the socket without passing through this process where that is possible. Closing it closes the content.
 */
final class BlobWriter implements ReplyBody.Writer {
    /** The buffer that one reader costs. */
    static final int BUFFER_BYTES = 64 * 1024;
    /**
     * What is written to a client that takes no more of the file at once: a write waits for it, and the file follows.
     */
    private static final int WAIT_BYTES = 16 * 1024;

    private final BlobContent content;
    private final long first;
    private final long end;

    private BlobWriter(BlobContent content, long first, long end) {
        this.content = content;
        this.first = first;
        this.end = end;
    }

    /** Writes these bytes of the blob. */
    static BlobWriter of(BlobContent content, Span span) {
        return new BlobWriter(content, span.first(), span.last() + 1);
    }

    /** Writes all that comes, for a blob whose size is not known. */
    static BlobWriter toTheEnd(BlobContent content) {
        return new BlobWriter(content, 0, Long.MAX_VALUE);
    }

    @Override
    public void writeTo(ClientStream out) throws IOException {
        boolean sends = out.sendsFiles() && end != Long.MAX_VALUE;
        byte[] buffer = new byte[(int) Math.min(sends ? WAIT_BYTES : BUFFER_BYTES, end - first)];
        long position = first;
        while (position < end) {
            long next = sends ? Math.min(position + buffer.length, end) : end;
            copy(content, position, next, buffer, out);
            position = sends ? next + send(next, out) : next;
        }
    }

    private long send(long position, ClientStream out) throws IOException {
        Optional<BlobContent.Stored> stored = position < end ? content.stored(position) : Optional.empty();
        if (stored.isEmpty()) {
            return 0;
        }
        long until = Math.min(end, stored.get().endBytes());
        return out.send(stored.get().file(), stored.get().startBytes() + position, until - position);
    }

    /**
     * Copies the bytes from {@code first} to before {@code end}.
     *
     * @param end the first byte that is not copied; {@link Long#MAX_VALUE} for the end of the blob
     * @throws IOException if the content cannot be read or ends before
     */
    static void copy(BlobContent content, long first, long end, byte[] buffer, OutputStream out) throws IOException {
        long position = first;
        while (position < end) {
            int count = content.read(position, buffer, 0, (int) Math.min(buffer.length, end - position));
            if (count < 0) {
                if (end == Long.MAX_VALUE) {
                    return;
                }
                throw new OutageException(
                        OutageException.Reason.SERVER_ERROR,
                        "blob ended after " + position + " bytes, expected at least " + end);
            }
            out.write(buffer, 0, count);
            position += count;
        }
    }

    @Override
    public void close() {
        content.close();
    }
}
