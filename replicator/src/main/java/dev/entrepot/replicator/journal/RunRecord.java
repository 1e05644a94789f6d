package dev.entrepot.replicator.journal;

import java.time.Instant;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * One run of a rule, or a round of one.
 *
 * @param id number, growing; that of a run is the number of its first round
 * @param rule name of the rule
 * @param trigger why it ran
 * @param started when it began
 * @param ended when it ended; empty while it runs, and for one that was killed
 * @param outcome {@code running}, {@code complete}, {@code partly}, {@code failed}, {@code broken-off} if it was
 *     interrupted or the journal failed, or {@code interrupted} if the process ended during it
 * @param summaryJson what its report says but for the items, once it ended; empty where that is not known. That of an
 *     older version may be anything
 * @param roundOf the run that this is another round of; empty for a run
 */
public record RunRecord(
        long id,
        String rule,
        String trigger,
        Instant started,
        Optional<Instant> ended,
        String outcome,
        Optional<String> summaryJson,
        OptionalLong roundOf) {}
