package dev.entrepot.replicator.journal;

import dev.entrepot.replicator.journal.SqlThread.Statements;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Rules that are to run once more, and why, as rows: for what came after a certain run had begun. A round that began
 * later and came to its end pays for that if it was at all targets. What it left out is owed in its turn.
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

    /** Owes nothing of other rules than these. */
    static void keep(Statements statements, Set<String> rules) throws SQLException {
        List<String> gone = new ArrayList<>();
        try (ResultSet row = statements.bound("SELECT rule FROM owed").executeQuery()) {
            while (row.next()) {
                gone.add(row.getString(1));
            }
        }
        gone.removeAll(rules);
        for (String rule : gone) {
            statements.update("DELETE FROM owed WHERE rule = ?", rule);
        }
    }

    /** A round has come to its end; one that began later may have before it, and have been where this one was not. */
    static void ended(Statements statements, long round) throws SQLException {
        statements.update("""
                DELETE FROM owed WHERE rule = (SELECT rule FROM run WHERE id = ?1 AND left_out = 0) AND last_run < ?1""", round);
        statements.update("""
                INSERT INTO owed(rule, cause, last_run) SELECT rule, cause, id FROM run WHERE id = ? AND left_out > 0
                AND NOT EXISTS (SELECT 1 FROM run AS later WHERE later.rule = run.rule AND later.id > run.id
                    AND later.left_out = 0 AND later.outcome NOT IN ('running', 'interrupted', 'broken-off'))
                ON CONFLICT(rule) DO UPDATE SET last_run = MAX(last_run, excluded.last_run)""", round);
    }
}
