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
     * ahead of a fetch.
     */
    public Snapshot snapshot() {
        return new Snapshot(
                fills.sum(), fillsFailed.sum(), degraded.sum(), joined.sum(), bytesFetched.sum(), bytesAhead.sum());
    }
}
