package dev.entrepot.cache;

import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.LongAdder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How much content was evicted since the start, by reason, and how much should be and may not. Safe for all threads.
 */
final class EvictionCounts {
    private static final Logger LOG = LoggerFactory.getLogger(EvictionCounts.class);

    private final Map<EvictionReason, LongAdder> evictions = adders();
    private final Map<EvictionReason, LongAdder> bytes = adders();
    private volatile long lackingBytes;

    private static Map<EvictionReason, LongAdder> adders() {
        Map<EvictionReason, LongAdder> adders = new EnumMap<>(EvictionReason.class);
        for (EvictionReason reason : EvictionReason.values()) {
            adders.put(reason, new LongAdder());
        }
        return adders;
    }

    /** Counts a piece of content. */
    void evicted(EvictionReason reason, long sizeBytes) {
        of(evictions, reason).increment();
        of(bytes, reason).add(sizeBytes);
    }

    /** The pieces that went for a reason. */
    long evictions(EvictionReason reason) {
        return of(evictions, reason).sum();
    }

    /** The bytes that went for a reason. */
    long bytes(EvictionReason reason) {
        return of(bytes, reason).sum();
    }

    /** All pieces that went. */
    long evictions() {
        return sum(evictions);
    }

    /** All bytes that went. */
    long bytes() {
        return sum(bytes);
    }

    private static LongAdder of(Map<EvictionReason, LongAdder> adders, EvictionReason reason) {
        return Objects.requireNonNull(adders.get(reason));
    }

    private static long sum(Map<EvictionReason, LongAdder> adders) {
        return adders.values().stream().mapToLong(LongAdder::sum).sum();
    }

    /** Notes how much would still have to go and may not. */
    void lacking(long bytes) {
        if (bytes > 0 && lackingBytes == 0) {
            LOG.warn(
                    "{} bytes more would have to go for capacity and min-free to be kept, and nothing more may go: see what is"
                            + " pinned (entrepot cache pin), free space on the disk, or raise the capacity",
                    bytes);
        }
        lackingBytes = bytes;
    }

    /** How much would still have to go and may not, as it was noted last. */
    long lackingBytes() {
        return lackingBytes;
    }
}
