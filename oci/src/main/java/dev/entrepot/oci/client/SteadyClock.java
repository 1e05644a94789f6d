package dev.entrepot.oci.client;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.function.LongSupplier;

/**
 * The time of the wall clock when it was made, plus what has passed since by a source that never goes back. What is
 * left alone until a time by this clock is left alone for that long, even if somebody sets the wall clock meanwhile.
 * Safe for all threads.
 */
final class SteadyClock extends Clock {
    // Less is no step of the wall clock, but the two being read one after the other.
    private static final Duration STEP = Duration.ofSeconds(1);

    private final Clock wall;
    private final LongSupplier nanoTime;
    private final Instant start;
    private final long startNanos;

    SteadyClock(Clock wall, LongSupplier nanoTime) {
        this.wall = wall;
        this.nanoTime = nanoTime;
        this.start = wall.instant();
        this.startNanos = nanoTime.getAsLong();
    }

    @Override
    public Instant instant() {
        return start.plusNanos(nanoTime.getAsLong() - startNanos);
    }

    /** A time of this clock as the wall clock, as it stands now, will show it. */
    Instant onWall(Instant steady) {
        return steady.plus(ahead());
    }

    /** A time of the wall clock, as it stands now, by this clock. */
    Instant ofWall(Instant onWall) {
        return onWall.minus(ahead());
    }

    private Duration ahead() {
        Duration ahead = Duration.between(instant(), wall.instant());
        return ahead.abs().compareTo(STEP) < 0 ? Duration.ZERO : ahead;
    }

    @Override
    public ZoneId getZone() {
        return wall.getZone();
    }

    /** Not needed by anybody. */
    @Override
    public Clock withZone(ZoneId zone) {
        throw new UnsupportedOperationException("the times of this clock are compared, not shown");
    }
}
