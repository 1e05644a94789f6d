package dev.entrepot.cache;

import java.time.Clock;
import java.time.Instant;

/**
 * A time at which ages are measured.
 *
 * @param now the time
 * @param start when this process began to measure, by the same clock
 */
record Moment(Instant now, Instant start) {
    /** Now. */
    static Moment of(Clock clock, Instant start) {
        return new Moment(clock.instant(), start);
    }

    /**
     * The time to measure an age from. What was noted in the future was noted by a process before this one, and the
     * clock was set back since: it is known since the start of this process at least, and so no age stands still until
     * the clock has caught up.
     */
    Instant from(Instant then) {
        return then.isAfter(now) && !start.isAfter(now) ? start : then;
    }
}
