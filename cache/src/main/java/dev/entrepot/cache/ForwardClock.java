package dev.entrepot.cache;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The wall clock, but time goes on where that is set back: from the last time that was looked at, by the measure of the
 * machine, until the wall clock is there too. So what is kept grows older all the while, and no rule about its age
 * stands still for hours. What goes forward is believed, since a machine that slept cannot tell it from time that has
 * passed. Safe for all threads; costs a look at the wall clock.
 */
public final class ForwardClock extends Clock {
    private static final Logger LOG = LoggerFactory.getLogger(ForwardClock.class);
    private static final long BETWEEN_NOTES_MILLIS = 1000;
    // Clocks are corrected by less all the time.
    private static final Duration NOTICED = Duration.ofSeconds(1);

    /** A time, and what the machine measured then; whether the wall clock was behind it. */
    private record Note(Instant time, long nanos, boolean ahead) {
        Instant plusSince(long now) {
            return time.plusNanos(now - nanos);
        }
    }

    private final Clock wall;
    private final LongSupplier nanoTime;
    private volatile Note last;

    /**
     * A clock that begins with the wall clock.
     *
     * @param nanoTime nanoseconds from some point on, never going back
     */
    public ForwardClock(Clock wall, LongSupplier nanoTime) {
        this.wall = wall;
        this.nanoTime = nanoTime;
        this.last = new Note(wall.instant(), nanoTime.getAsLong(), false);
    }

    @Override
    public Instant instant() {
        Instant shown = wall.instant();
        Note note = last;
        if (note.ahead()) {
            Instant time = note.plusSince(nanoTime.getAsLong());
            return shown.isBefore(time) ? time : look();
        }
        long since = shown.toEpochMilli() - note.time().toEpochMilli();
        return since >= 0 && since < BETWEEN_NOTES_MILLIS ? shown : look();
    }

    // The same without an instant: most who ask want no more, and they ask with each request.
    @Override
    public long millis() {
        long shown = wall.millis();
        Note note = last;
        long since = shown - note.time().toEpochMilli();
        return !note.ahead() && since >= 0 && since < BETWEEN_NOTES_MILLIS
                ? shown
                : instant().toEpochMilli();
    }

    private synchronized Instant look() {
        Instant shown = wall.instant();
        long nanos = nanoTime.getAsLong();
        Note note = last;
        boolean back = Duration.between(shown, note.time()).compareTo(NOTICED) > 0;
        if (!note.ahead() && !back || note.ahead() && !shown.isBefore(note.plusSince(nanos))) {
            last = new Note(shown, nanos, false);
            return shown;
        }
        if (!note.ahead()) {
            LOG.warn(
                    "the clock was set back by {} s: until it is there again, ages of what is kept go by the measure of the"
                            + " machine",
                    Duration.between(shown, note.plusSince(nanos)).toSeconds());
            last = new Note(note.plusSince(nanos), nanos, true);
        }
        return last.plusSince(nanos);
    }

    @Override
    public ZoneId getZone() {
        return wall.getZone();
    }

    @Override
    public Clock withZone(ZoneId zone) {
        return new ForwardClock(wall.withZone(zone), nanoTime);
    }
}
