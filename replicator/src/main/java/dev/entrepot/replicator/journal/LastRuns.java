package dev.entrepot.replicator.journal;

import java.time.Instant;
import java.util.Optional;

/**
 * How the last runs of a rule went, for who has to know what it missed.
 *
 * @param began when the last one began that came to an end, complete or not, at all targets and with all its rounds
 * @param unfinished 0 if the last one came to an end. Else how many in a row, up to the last, came to none in any
 *     round, because the process ended or broke them off; at least 1, also where rounds of the last one came to their
 *     ends and left something out that none served later
 */
public record LastRuns(Optional<Instant> began, int unfinished) {
    /** Of a rule that never ran. */
    public static final LastRuns NONE = new LastRuns(Optional.empty(), 0);
}
