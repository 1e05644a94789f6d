package dev.entrepot.replicator.journal;

import java.time.Instant;
import java.util.Optional;

/**
 * How the last runs of a rule went, for who has to know what it missed.
 *
 * @param began when the last one began that came to an end, complete or not
 * @param unfinished how many began after that one and came to none: the process ended, or broke them off
 */
public record LastRuns(Optional<Instant> began, int unfinished) {
    /** Of a rule that never ran. */
    public static final LastRuns NONE = new LastRuns(Optional.empty(), 0);
}
