package dev.entrepot.cache;

import java.io.IOException;
import java.util.Optional;
import java.util.OptionalLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A blob from the store. */
record KeptBlob(BlobFile file) implements BlobContent {
    private static final Logger LOG = LoggerFactory.getLogger(KeptBlob.class);

    @Override
    public OptionalLong totalBytes() {
        return OptionalLong.of(file.sizeBytes());
    }

    @Override
    public int read(long position, byte[] buffer, int offset, int length) throws IOException {
        return file.read(position, buffer, offset, length);
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
