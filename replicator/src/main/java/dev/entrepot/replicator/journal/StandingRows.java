package dev.entrepot.replicator.journal;

import dev.entrepot.replicator.journal.SqlThread.Statements;
import java.sql.SQLException;

/**
 * Which run served a target of a rule last, and after which it lacked nothing last, as rows; 0 is none. A target
 * without a name stands for the rule as a whole. Those runs are not forgotten for being many: how a rule stands goes by
 * them.
 */
final class StandingRows {
    static final String TABLE = """
        CREATE TABLE standing(rule TEXT NOT NULL, target TEXT NOT NULL, served INTEGER NOT NULL, success INTEGER NOT NULL,
            PRIMARY KEY(rule, target)) WITHOUT ROWID""";

    /** The runs that are kept, by number. */
    static final String RUNS = "SELECT served FROM standing UNION SELECT success FROM standing";

    private static final String OF_RULE =
            "SELECT served FROM standing WHERE rule = ?1 UNION SELECT success FROM standing WHERE rule = ?1";

    /** The last runs of a rule, so many, and those that it stands by; newest first. */
    static final String SELECT_RUNS = RunRows.SELECT + " WHERE rule = ?1 AND (id IN (" + OF_RULE
            + ") OR id IN (SELECT id FROM run WHERE rule = ?1 ORDER BY id DESC LIMIT ?2)) ORDER BY id DESC";

    /** Notes where all runs were that have ended with a report. */
    static final String NOTE_ALL = note("> 0");

    private static final String NOTE = note("= ?1");

    private StandingRows() {}

    /** Notes where a run that has ended with a report was. */
    static void ended(Statements statements, long run) throws SQLException {
        statements.update(NOTE, run);
    }

    private static String note(String which) {
        return """
                INSERT INTO standing(rule, target, served, success)
                SELECT run.rule, '', run.id, CASE run.outcome WHEN 'complete' THEN run.id ELSE 0 END FROM run
                WHERE run.id %1$s AND run.summary IS NOT NULL
                UNION ALL
                SELECT run.rule, target.value ->> '$.target', run.id, CASE target.value ->> '$.failed' WHEN 0 THEN run.id ELSE 0 END
                FROM run, json_each(run.summary, '$.targets') AS target
                WHERE run.id %1$s AND target.type = 'object' AND target.value ->> '$.target' IS NOT NULL
                ON CONFLICT(rule, target) DO UPDATE SET
                    served = MAX(served, excluded.served), success = MAX(success, excluded.success)""".replace("%1$s", which);
    }
}
