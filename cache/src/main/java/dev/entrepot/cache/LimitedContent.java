package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import java.io.IOException;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * A blob whose size nobody states, cut where it becomes too large. Not thread-safe.
 *
 * @param content the blob
 * @param digest its digest
 * @param limit how large it may be
 */
record LimitedContent(BlobContent content, Digest digest, BlobLimit limit) implements BlobContent {
    @Override
    public OptionalLong totalBytes() {
        return content.totalBytes();
    }

    @Override
    public int read(long position, byte[] buffer, int offset, int length) throws IOException {
        int count = content.read(position, buffer, offset, length);
        limit.reached(digest, position + Math.max(count, 0));
        return count;
    }

    // Copied, so that every byte passes here.
    @Override
    public Optional<Stored> stored(long position) {
        return Optional.empty();
    }

    @Override
    public void close() {
        content.close();
    }
}
