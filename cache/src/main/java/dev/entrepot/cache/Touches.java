package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The last uses that the database does not know yet: at most one per digest, and none within {@link #PAUSE} of the one before, so that
 * a hot blob costs one look into a table. Safe for all threads, without locks on the way of those who serve.
 */
final class Touches {
    /** Uses closer together than this count as one. */
    static final Duration PAUSE = Duration.ofSeconds(30);

    private final ConcurrentHashMap<Digest, Long> recent = new ConcurrentHashMap<>();
    private final ConcurrentHashMap<Digest, Long> pending = new ConcurrentHashMap<>();

    /** Notes a use, in milliseconds since the epoch. */
    void add(Digest digest, long nowMillis) {
        Long before = recent.get(digest);
        if (before != null && nowMillis - before < PAUSE.toMillis()) {
            return;
        }
        recent.put(digest, nowMillis);
        pending.put(digest, nowMillis);
    }

    /** The uses to be written. A view that may change while it is walked. */
    Map<Digest, Long> pending() {
        return pending;
    }

    /** Drops a use that has been written, unless there was a later one. */
    void written(Digest digest, long millis) {
        pending.remove(digest, millis);
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
