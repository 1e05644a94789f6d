package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositorySource;
import java.io.IOException;
import java.util.OptionalLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A blob on its way from the upstream to one reader, of which nothing is kept: no file, and in memory what
 * {@link DirectRead} holds. Resumed where its connection breaks. Used by one thread at a time.
 */
final class PassedBlob implements BlobContent {
    private static final Logger LOG = LoggerFactory.getLogger(PassedBlob.class);

    private final DirectRead read;
    private final OptionalLong totalBytes;

    /**
     * Opens the upstream.
     *
     * @param from where the reader is about to begin; from 0 on the blob is verified before its last bytes are handed
     *     on, from elsewhere it cannot be
     * @param hintBytes the size that a manifest states
     */
    PassedBlob(
            Digest digest,
            RepositorySource upstream,
            long from,
            OptionalLong hintBytes,
            FetchSettings settings,
            CacheStatistics statistics)
            throws IOException {
        FetchProgress.Degraded nothingYet =
                new FetchProgress.Degraded(0, digest.algorithm().newMessageDigest(), OptionalLong.empty());
        this.read =
                new DirectRead(digest, upstream, nothingYet, hintBytes, settings, null, statistics.bytesFetched::add);
        this.totalBytes = read.begin(from);
    }

    @Override
    public OptionalLong totalBytes() {
        return totalBytes;
    }

    @Override
    public int read(long position, byte[] buffer, int offset, int length) throws IOException {
        return read.read(position, buffer, offset, length);
    }

    @Override
    public void close() {
        try {
            read.close();
        } catch (IOException e) {
            LOG.debug("closing a blob: {}", e.toString());
        }
    }
}
