package dev.entrepot.cache;

import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.LongAdder;

/** How much content was evicted since the start, by reason. Safe for all threads. */
final class EvictionCounts {
    private final Map<EvictionReason, LongAdder> evictions = adders();
    private final Map<EvictionReason, LongAdder> bytes = adders();

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
}
