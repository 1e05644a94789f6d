package dev.entrepot.oci.client;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;

/**
 * Which lines may go to the log about what comes and goes: six at most within an hour. Times are of one clock, which
 * never goes back. Whoever uses it sees to it that one thread does so at a time.
 */
final class SixAnHour {
    private static final int MOST = 6;
    private static final Duration WITHIN = Duration.ofHours(1);

    /** When one was said, of those within the hour. */
    private final Deque<Instant> lately = new ArrayDeque<>();

    /** Whether one may be said now, which then counts as said. */
    boolean take(Instant now) {
        while (!lately.isEmpty() && !lately.getFirst().plus(WITHIN).isAfter(now)) {
            lately.removeFirst();
        }
        if (lately.size() >= MOST) {
            return false;
        }
        lately.addLast(now);
        return true;
    }

    /** Until when no other one may be said; empty if one may, after what was taken last. */
    Optional<Instant> spentUntil() {
        return lately.size() < MOST
                ? Optional.empty()
                : Optional.of(lately.getFirst().plus(WITHIN));
    }
}
