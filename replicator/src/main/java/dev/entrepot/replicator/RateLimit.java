package dev.entrepot.replicator;

import java.io.InterruptedIOException;
import java.time.Duration;
import java.time.Instant;
import java.util.OptionalLong;
import java.util.function.Function;

/**
 * A token bucket whose rate may depend on the time of day. Up to one second's worth may be taken at once after a rest. Whoever
 * takes more than there is goes into debt and the next one waits, so that the size of one piece does not matter. Safe for all threads.
 */
final class RateLimit {
    private static final Duration BURST = Duration.ofSeconds(1);
    // A pause is cut here so that a change of the rate is noticed.
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);

    private final Function<Instant, OptionalLong> perSecond;
    private final Time time;
    private final boolean limits;
    private Instant paidUntil = Instant.EPOCH;

    /** With a rate for each moment; empty is unlimited. */
    RateLimit(Function<Instant, OptionalLong> perSecond, Time time) {
        this(perSecond, time, true);
    }

    private RateLimit(Function<Instant, OptionalLong> perSecond, Time time, boolean limits) {
        this.perSecond = perSecond;
        this.time = time;
        this.limits = limits;
    }

    /** One that never waits, and does not look at the clock. */
    static RateLimit none(Time time) {
        return new RateLimit(now -> OptionalLong.empty(), time, false);
    }

    /**
     * Takes so many units, waiting until they may be taken.
     *
     * @throws InterruptedIOException if interrupted while waiting
     */
    void take(long units) throws InterruptedIOException {
        while (limits) {
            Duration wait = tryTake(units);
            if (wait.isZero()) {
                return;
            }
            time.pause(wait.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : wait);
        }
    }

    private synchronized Duration tryTake(long units) {
        Instant now = time.clock().instant();
        OptionalLong rate = perSecond.apply(now);
        if (rate.isEmpty()) {
            paidUntil = now;
            return Duration.ZERO;
        }
        if (paidUntil.isAfter(now)) {
            return Duration.between(now, paidUntil);
        }
        Instant earliest = now.minus(BURST);
        Instant from = paidUntil.isBefore(earliest) ? earliest : paidUntil;
        long nanos = (long) (units * 1e9 / rate.getAsLong());
        paidUntil = from.plusNanos(nanos);
        return Duration.ZERO;
    }
}
