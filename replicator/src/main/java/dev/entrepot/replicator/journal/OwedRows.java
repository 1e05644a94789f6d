package dev.entrepot.replicator.journal;

import dev.entrepot.replicator.journal.SqlThread.Statements;
import java.sql.SQLException;

/**
 * Rules that are to run once more, and why, as rows: for what came after a certain run had begun. A round that began later and came to
 * its end pays for that if it was at all targets. What it left out is owed in its turn.
 */
final class OwedRows {
    static final String SELECT = "SELECT cause FROM owed WHERE rule = ?";

    private OwedRows() {}

    /** Owes a run that begins after all that have begun. */
    static void owe(Statements statements, String rule, String trigger) throws SQLException {
        statements.update("""
                INSERT INTO owed(rule, cause, last_run) SELECT ?, ?, COALESCE(MAX(id), 0) FROM run WHERE true
                ON CONFLICT(rule) DO UPDATE SET cause = excluded.cause, last_run = excluded.last_run""", rule, trigger);
    }

    /** A round has come to its end. */
    static void ended(Statements statements, long round) throws SQLException {
        statements.update("""
                DELETE FROM owed WHERE rule = (SELECT rule FROM run WHERE id = ?1 AND left_out = 0) AND last_run < ?1""", round);
        statements.update("""
                INSERT INTO owed(rule, cause, last_run) SELECT rule, cause, id FROM run WHERE id = ? AND left_out > 0
                ON CONFLICT(rule) DO UPDATE SET last_run = MAX(last_run, excluded.last_run)""", round);
    }
}
