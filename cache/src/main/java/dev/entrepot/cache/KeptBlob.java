package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.UnreadableBlobException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A blob from the store.
 *
 * @param path where the file is
 * @param unreadable is run before the failure of a read is told, so that whoever comes again finds it done
 */
record KeptBlob(Digest digest, BlobFile file, Path path, Runnable unreadable) implements BlobContent {
    private static final Logger LOG = LoggerFactory.getLogger(KeptBlob.class);

    @Override
    public OptionalLong totalBytes() {
        return OptionalLong.of(file.sizeBytes());
    }

    @Override
    public int read(long position, byte[] buffer, int offset, int length) throws IOException {
        try {
            return file.read(position, buffer, offset, length);
        } catch (IOException e) {
            if (!file.isOpen() || Thread.currentThread().isInterrupted()) {
                throw e;
            }
            unreadable.run();
            throw new UnreadableBlobException(digest, path, position, e);
        }
    }

    @Override
    public Optional<Stored> stored(long position) {
        return position < file.sizeBytes()
                ? Optional.of(new Stored(file.channel(), file.sizeBytes()))
                : Optional.empty();
    }

    @Override
    public void close() {
        try {
            file.close();
        } catch (IOException e) {
            // Nothing was written through this handle: a failure to close it loses nothing.
            LOG.debug("closing a blob: {}", e.toString());
        }
    }
}
