package dev.entrepot.oci.client;

import java.time.Duration;
import java.time.Instant;
import java.util.OptionalDouble;

/** How fast something is used: a mean over about half an hour, in which older use counts less. Not safe for threads. */
final class UsageRate {
    private static final double SECONDS = 30 * 60;
    private static final Duration TOO_SHORT = Duration.ofMinutes(1);

    private final Instant start;
    private Instant last;
    private double used;

    UsageRate(Instant start) {
        this.start = start;
        this.last = start;
    }

    /** Notes that so many were used. */
    void used(long count, Instant now) {
        used = faded(now) + count;
        last = now.isAfter(last) ? now : last;
    }

    /** Uses in a second; empty in the first minute. */
    OptionalDouble perSecond(Instant now) {
        Duration watched = Duration.between(start, now);
        if (watched.compareTo(TOO_SHORT) < 0) {
            return OptionalDouble.empty();
        }
        double share = 1 - Math.exp(-watched.toMillis() / 1000.0 / SECONDS);
        return OptionalDouble.of(faded(now) / (SECONDS * share));
    }

    private double faded(Instant now) {
        double seconds = Math.max(0, Duration.between(last, now).toMillis() / 1000.0);
        return used * Math.exp(-seconds / SECONDS);
    }
}
