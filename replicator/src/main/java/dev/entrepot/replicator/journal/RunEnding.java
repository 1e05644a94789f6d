package dev.entrepot.replicator.journal;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * How a run ended, with all its rounds. Each round was to serve all targets of the rule: what it left out, and all if
 * it came to no end, is owed until a later one, which looked at the source after it, was there and came to its end. So
 * the round that began last tells: if it came to its end, complete or not, and left out nothing, it made up for all
 * before.
 *
 * @param began when its first round did
 * @param whole whether nothing is owed
 * @param some whether at least a round came to its end
 */
record RunEnding(Instant began, boolean whole, boolean some) {
    /** The last runs of a rule, newest first, and at most so many. */
    static final String SELECT = """
        SELECT began, last.outcome NOT IN ('interrupted', 'broken-off') AND last.left_out = 0, rounds_ended
        FROM (
            SELECT COALESCE(round_of, id) AS first, MIN(started) AS began, MAX(id) AS newest,
                SUM(outcome NOT IN ('interrupted', 'broken-off')) AS rounds_ended
            FROM run WHERE rule = ? AND outcome <> 'running' GROUP BY COALESCE(round_of, id)) AS whole
        JOIN run AS last ON last.id = whole.newest
        ORDER BY first DESC LIMIT ?""";

    static RunEnding read(ResultSet row) throws SQLException {
        return new RunEnding(Instant.ofEpochMilli(row.getLong(1)), row.getBoolean(2), row.getLong(3) > 0);
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
