package dev.entrepot.replicator.journal;

import dev.entrepot.replicator.journal.SqlThread.Statements;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * {@link RunRecord} as rows, and the reports of runs, which have a table of their own: they are long, and whoever lists
 * runs wants none of them. A summary or a report that is too long to be read is as good as none, so that nothing in the
 * file takes more memory than this.
 */
final class RunRows {
    /** Bytes of the longest summary that is kept or read: that of a rule with hundreds of targets. */
    static final int SUMMARY_BYTES = 256 << 10;

    /** Bytes of the longest report that is kept or read. */
    static final int REPORT_BYTES = 16 << 20;

    private static final String SUMMARY = "CASE WHEN octet_length(summary) <= " + SUMMARY_BYTES + " THEN summary END";

    static final String SELECT = "SELECT id, rule, cause, started, ended, outcome, " + SUMMARY + ", round_of FROM run";

    /** The report of a run, or its summary if that is all there is. */
    static final String SELECT_REPORT =
            "SELECT COALESCE((SELECT json FROM report WHERE run = ?1 AND octet_length(json) <= " + REPORT_BYTES + "), "
                    + SUMMARY + ") FROM run WHERE id = ?1";

    private RunRows() {}

    static RunRecord read(ResultSet row) throws SQLException {
        long ended = row.getLong(5);
        long roundOf = row.getLong(8);
        return new RunRecord(
                row.getLong(1),
                row.getString(2),
                row.getString(3),
                Instant.ofEpochMilli(row.getLong(4)),
                ended == 0 ? Optional.empty() : Optional.of(Instant.ofEpochMilli(ended)),
                row.getString(6),
                Optional.ofNullable(row.getString(7)),
                roundOf == 0 ? OptionalLong.empty() : OptionalLong.of(roundOf));
    }

    /** Ends a run with its report. */
    static void end(Statements statements, long run, long at, String outcome, String report) throws SQLException {
        statements.update(
                "UPDATE run SET ended = ?2, outcome = ?3, summary = " + summaryOf("?4") + " WHERE id = ?1",
                run,
                at,
                outcome,
                report);
        statements.update(
                "INSERT OR REPLACE INTO report(run, json) SELECT ?1, ?2 WHERE octet_length(?2) <= " + REPORT_BYTES,
                run,
                report);
        StandingRows.ended(statements, run);
    }

    /**
     * An expression for what a report says without its lists: it ends where the items begin, which come last of what a
     * run says; that of an export has other lists. The mark cannot be within a text of it, where quotes are escaped.
     * SQLite does this by itself, so that the longest report of an older version never is in the heap.
     */
    static String summaryOf(String report) {
        String cut = "substr(%1$s, 1, instr(%1$s, ',\"items\":[') - 1) || '}'";
        String removed = "json_remove(%1$s, '$.text', '$.images', '$.lostAgain', '$.problems')";
        String summary = "CASE WHEN instr(%1$s, ',\"items\":[') > 0 THEN " + cut + " WHEN octet_length(%1$s) <= "
                + REPORT_BYTES + " AND json_valid(%1$s) THEN " + removed + " END";
        String sound = "(SELECT whole.summary FROM (SELECT " + summary
                + " AS summary) AS whole WHERE octet_length(whole.summary) <= " + SUMMARY_BYTES
                + " AND json_valid(whole.summary))";
        return sound.replace("%1$s", report);
    }
}
