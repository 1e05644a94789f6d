package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiConsumer;
import java.util.function.Predicate;

/**
 * The last uses that the database does not know yet: at most one per digest, and none within {@link #PAUSE} of the one
 * before, so that a hot blob costs one look into a table. Safe for all threads, without locks on the way of those who
 * serve.
 */
final class Touches {
    /** Uses closer together than this count as one. */
    static final Duration PAUSE = Duration.ofSeconds(30);

    private final ConcurrentHashMap<Digest, Long> recent = new ConcurrentHashMap<>();
    private final ConcurrentHashMap<Digest, Long> pending = new ConcurrentHashMap<>();
    private volatile BiConsumer<Digest, Instant> written = (digest, at) -> {};

    /** Has one hear of uses that the database knows from now on, before they are no longer pending. */
    void whenWritten(BiConsumer<Digest, Instant> listener) {
        written = listener;
    }

    /** Notes a use, in milliseconds since the epoch. Returns whether it counts as one of its own. */
    boolean add(Digest digest, long nowMillis) {
        Long before = recent.get(digest);
        if (before != null && nowMillis - before < PAUSE.toMillis()) {
            return false;
        }
        recent.put(digest, nowMillis);
        pending.put(digest, nowMillis);
        return true;
    }

    /** The uses that are not written yet. A view that may change while it is walked. */
    Map<Digest, Long> pending() {
        return pending;
    }

    /** What is to be written; without the digests that must wait. */
    List<IndexChange> changes(Predicate<Digest> mustWait) {
        List<IndexChange> changes = new ArrayList<>();
        pending.forEach((digest, millis) -> {
            if (!mustWait.test(digest)) {
                changes.add(new Use(digest, millis, this));
            }
        });
        return changes;
    }

    private record Use(Digest digest, long millis, Touches touches) implements IndexChange {
        @Override
        public int admittedBytes() {
            return 0;
        }

        @Override
        public void save(IndexUpdates updates) throws SQLException {
            updates.touch(digest, Instant.ofEpochMilli(millis));
        }

        @Override
        public void settled() {
            touches.written.accept(digest, Instant.ofEpochMilli(millis));
            // Unless there was a later one.
            touches.pending.remove(digest, millis);
        }
    }

    /** Drops all uses of content that is gone. */
    void forget(Digest digest) {
        recent.remove(digest);
        pending.remove(digest);
    }

    /** Drops what only held back uses that would now be let through. */
    void tidy(long nowMillis) {
        recent.values().removeIf(at -> nowMillis - at >= PAUSE.toMillis());
    }
}
