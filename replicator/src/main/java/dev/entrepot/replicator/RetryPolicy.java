package dev.entrepot.replicator;

import java.time.Duration;

/**
 * How long outages are borne.
 *
 * @param attempts how often one request is made at most, the first time included
 * @param first the pause after the first failure; it doubles with each further one, plus or minus a quarter
 * @param longest the longest pause; what a host asks a longer one for is given up for the run
 * @param giveUpAfter outages in a row after which the host is not asked again for this run for what met them
 *     ({@link RequestKind}); those of requests under way together count once
 */
public record RetryPolicy(int attempts, Duration first, Duration longest, int giveUpAfter) {
    /**
     * Four attempts within about seven seconds; a host is given up after seven outages in a row, within about a minute.
     */
    public static final RetryPolicy DEFAULT = new RetryPolicy(4, Duration.ofSeconds(1), Duration.ofMinutes(15), 7);

    /** Validates the bounds. */
    public RetryPolicy {
        if (attempts < 1 || giveUpAfter < 1 || first.isNegative() || longest.compareTo(first) < 0) {
            throw new IllegalArgumentException("retry policy " + attempts + ", " + first + " to " + longest);
        }
    }

    /** The pause after so many failures in a row, before it is spread. */
    public Duration pause(int failures) {
        Duration pause = first.multipliedBy(1L << Math.min(failures - 1, 20));
        return pause.compareTo(longest) > 0 ? longest : pause;
    }
}
