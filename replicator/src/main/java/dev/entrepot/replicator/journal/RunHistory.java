package dev.entrepot.replicator.journal;

import java.io.IOException;

/**
 * Forgets runs: by age, by number, and reports by their size. In pieces, each a transaction of its own, so that a long
 * history of an older version keeps nobody waiting, and without reading any of it.
 */
final class RunHistory {
    private static final int AT_ONCE = 500;

    // How a rule stands at its targets goes by the runs of the table, which are few. Copies and imports by hand are
    // rules of their own there, so those of long ago are forgotten.
    private static final int STANDINGS = 5_000;

    private static final String ENDED = " outcome <> 'running' AND id NOT IN (" + StandingRows.RUNS + ")";

    private static final String OLD = "DELETE FROM run WHERE id IN (SELECT id FROM run WHERE started < ?"
            + " AND outcome <> 'running' LIMIT " + AT_ONCE + ")";

    private static final String MANY_OF_A_RULE = "DELETE FROM run WHERE id IN (SELECT id FROM ("
            + "SELECT id, outcome, ROW_NUMBER() OVER (PARTITION BY rule ORDER BY id DESC) AS place FROM run"
            + " WHERE rule IN (SELECT rule FROM run GROUP BY rule HAVING COUNT(*) > ?1))"
            + " WHERE place > ?1 AND" + ENDED + " LIMIT " + AT_ONCE + ")";

    private static final String MANY = "DELETE FROM run WHERE id IN (SELECT id FROM run"
            + " WHERE id <= (SELECT id FROM run ORDER BY id DESC LIMIT 1 OFFSET ?) AND" + ENDED + " LIMIT " + AT_ONCE
            + ")";

    private static final String OF_NO_RUN = "DELETE FROM report WHERE run IN (SELECT run FROM report"
            + " WHERE run NOT IN (SELECT id FROM run) LIMIT " + AT_ONCE + ")";

    private static final String LARGE = "DELETE FROM report WHERE run IN (SELECT run FROM ("
            + "SELECT run, SUM(octet_length(json)) OVER (ORDER BY run DESC) AS total FROM report)"
            + " WHERE total > ? LIMIT " + AT_ONCE + ")";

    private static final String OLD_STANDINGS = "DELETE FROM standing"
            + " WHERE served <= (SELECT served FROM standing ORDER BY served DESC LIMIT 1 OFFSET ?)";

    private final SqlThread sql;

    RunHistory(SqlThread sql) {
        this.sql = sql;
    }

    /**
     * Forgets what began before a time, and what is over the bounds.
     *
     * @param before in milliseconds of the epoch
     * @return how many runs
     */
    int trim(long before) throws IOException {
        inPieces(OLD_STANDINGS, STANDINGS);
        int runs = inPieces(OLD, before)
                + inPieces(MANY_OF_A_RULE, CopyJournal.RUNS_OF_RULE)
                + inPieces(MANY, CopyJournal.RUNS);
        inPieces(OF_NO_RUN);
        inPieces(LARGE, CopyJournal.REPORT_BYTES);
        return runs;
    }

    private int inPieces(String text, Object... values) throws IOException {
        int all = 0;
        while (true) {
            Integer gone = sql.call(statements -> statements.update(text, values));
            if (gone == null || gone == 0) {
                return all;
            }
            all += gone;
        }
    }
}
