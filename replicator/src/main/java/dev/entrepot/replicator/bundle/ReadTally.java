package dev.entrepot.replicator.bundle;

import java.util.concurrent.atomic.LongAdder;

/** Counts what an export reads of content, and from where. Safe for all threads. */
public final class ReadTally {
    private final LongAdder blobsFromCache = new LongAdder();
    private final LongAdder bytesFromCache = new LongAdder();
    private final LongAdder blobsFromUpstream = new LongAdder();
    private final LongAdder bytesFromUpstream = new LongAdder();
    private final LongAdder requests = new LongAdder();

    /** Nothing was read yet. */
    public ReadTally() {}

    /**
     * What was read so far. What was read again after a break, or once more for the digests of parts, counts again.
     *
     * @param blobsFromCache blobs that a cache had already
     * @param bytesFromCache of those
     * @param blobsFromUpstream the others, each part of one by itself
     * @param bytesFromUpstream of those
     * @param requests for blobs and manifests, also those that a cache answered
     */
    public record Sums(
            long blobsFromCache, long bytesFromCache, long blobsFromUpstream, long bytesFromUpstream, long requests) {}

    void requested() {
        requests.increment();
    }

    void opened(boolean cached) {
        (cached ? blobsFromCache : blobsFromUpstream).increment();
    }

    void read(boolean cached, int bytes) {
        (cached ? bytesFromCache : bytesFromUpstream).add(bytes);
    }

    /** What was read so far. */
    public Sums sums() {
        return new Sums(
                blobsFromCache.sum(),
                bytesFromCache.sum(),
                blobsFromUpstream.sum(),
                bytesFromUpstream.sum(),
                requests.sum());
    }
}
