package dev.entrepot.cache;

import java.util.concurrent.atomic.LongAdder;

/** What the cache has done since it was opened; read by the metrics. Thread-safe. */
public final class CacheStatistics {
    final LongAdder fills = new LongAdder();
    final LongAdder fillsFailed = new LongAdder();
    final LongAdder degraded = new LongAdder();
    final LongAdder joined = new LongAdder();
    final LongAdder bytesFetched = new LongAdder();
    final LongAdder bytesAhead = new LongAdder();

    /** The figures at one moment. */
    public record Snapshot(
            long fills, long fillsFailed, long degraded, long joined, long bytesFetched, long bytesAhead) {}

    /**
     * Reads all figures: fetches begun, failed and degraded; readers that joined one; bytes fetched, and bytes read
     * ahead of a fetch. One has failed if it ended without the blob, however many waited for it; not if it was resumed,
     * if a rule refused the blob, or if the upstream does not have what no manifest names.
     */
    public Snapshot snapshot() {
        return new Snapshot(
                fills.sum(), fillsFailed.sum(), degraded.sum(), joined.sum(), bytesFetched.sum(), bytesAhead.sum());
    }
}
