package dev.entrepot.replicator;

import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;

/** Counts what is done for one image at one target. Safe for all threads. */
final class TallyCounter {
    /** What is counted. */
    enum Kind {
        MANIFEST_PUSHED,
        BLOB_PUSHED,
        BLOB_MOUNTED,
        BLOB_PRESENT,
        TAG_MOVED,
        REFERRER_SET_WRITTEN,
        MANIFEST_REPAIRED,
        BLOB_REPAIRED,
        BYTES
    }

    private final Map<Kind, LongAdder> counts = new EnumMap<>(Kind.class);

    TallyCounter() {
        for (Kind kind : Kind.values()) {
            counts.put(kind, new LongAdder());
        }
    }

    void one(Kind kind) {
        add(kind, 1);
    }

    void add(Kind kind, long count) {
        LongAdder adder = counts.get(kind);
        if (adder != null) {
            adder.add(count);
        }
    }

    private long sum(Kind kind) {
        LongAdder adder = counts.get(kind);
        return adder == null ? 0 : adder.sum();
    }

    Tally tally() {
        return new Tally(
                sum(Kind.MANIFEST_PUSHED),
                sum(Kind.BLOB_PUSHED),
                sum(Kind.BLOB_MOUNTED),
                sum(Kind.BLOB_PRESENT),
                sum(Kind.TAG_MOVED),
                sum(Kind.REFERRER_SET_WRITTEN),
                sum(Kind.MANIFEST_REPAIRED),
                sum(Kind.BLOB_REPAIRED),
                sum(Kind.BYTES));
    }
}
