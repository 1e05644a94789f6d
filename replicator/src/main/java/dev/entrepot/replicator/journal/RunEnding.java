package dev.entrepot.replicator.journal;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * How a run ended, with all its rounds: whole, if all of them came to their ends. A round that did not is made up for by
 * a later one that was complete, and so served all targets. Others that came later may have served its targets as well;
 * the journal does not say which those were.
 *
 * @param began when its first round did
 * @param whole whether nothing of it is to be made up for
 * @param some whether at least a round came to its end
 */
record RunEnding(Instant began, boolean whole, boolean some) {
    /** The last runs of a rule, newest first, and at most so many. */
    static final String SELECT = """
        SELECT MIN(started), MAX(CASE WHEN outcome IN ('interrupted', 'broken-off') THEN id ELSE 0 END),
            MAX(CASE WHEN outcome = 'complete' THEN id ELSE 0 END), SUM(outcome NOT IN ('interrupted', 'broken-off'))
        FROM run WHERE rule = ? AND outcome <> 'running' GROUP BY COALESCE(round_of, id) ORDER BY COALESCE(round_of, id) DESC LIMIT ?""";

    static RunEnding read(ResultSet row) throws SQLException {
        return new RunEnding(
                Instant.ofEpochMilli(row.getLong(1)), row.getLong(2) <= row.getLong(3), row.getLong(4) > 0);
    }

    /** What of them is to be known later. */
    static LastRuns last(List<RunEnding> newestFirst) {
        Optional<Instant> began = newestFirst.stream()
                .filter(RunEnding::whole)
                .map(RunEnding::began)
                .findFirst();
        if (newestFirst.isEmpty() || newestFirst.getFirst().whole()) {
            return new LastRuns(began, 0);
        }
        long unfinished = newestFirst.stream().takeWhile(run -> !run.some()).count();
        return new LastRuns(began, (int) Math.max(1, unfinished));
    }
}
