package dev.entrepot.replicator.journal;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import java.io.IOException;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Where blobs are, as rows, in the order in which that was last confirmed: the row number grows. A row that is among
 * the older half of those that are kept gets a new number when it is confirmed; the others stay as they are, so that
 * what is confirmed each day is not written each day.
 */
final class BlobRows {
    private static final int AT_ONCE = 2_000;

    // A run notes fewer as a rule; what a journal of an earlier version has over the bound goes in some runs.
    private static final int PIECES = 100;

    private static final String WRITE = "INSERT OR REPLACE INTO blob(target, digest, repository) SELECT ?1, ?2, ?3"
            + " WHERE NOT EXISTS (SELECT 1 FROM blob WHERE target = ?1 AND digest = ?2 AND repository = ?3"
            + " AND rowid > (SELECT MAX(rowid) FROM blob) - " + CopyJournal.BLOBS / 2 + ")";

    // By the numbers, of which some are not used any more: so fewer may be left than the bound, never more.
    private static final String OLD = "DELETE FROM blob WHERE rowid IN (SELECT rowid FROM blob"
            + " WHERE rowid <= (SELECT MAX(rowid) FROM blob) - " + CopyJournal.BLOBS + " ORDER BY rowid LIMIT "
            + AT_ONCE + ")";

    private BlobRows() {}

    static void write(SqlThread.Statements statements, String target, RepositoryName repository, List<Digest> blobs)
            throws SQLException {
        for (Digest blob : blobs) {
            statements.update(WRITE, target, blob.toString(), repository.value());
        }
    }

    /**
     * Forgets what is over the bound, oldest first, in pieces, each a transaction of its own; a part of it if it is
     * much.
     */
    static void trim(SqlThread sql) throws IOException {
        for (int piece = 0; piece < PIECES; piece++) {
            Integer gone = sql.call(statements -> statements.update(OLD));
            if (gone == null || gone < AT_ONCE) {
                return;
            }
        }
    }

    /** The repositories that have each, most recent first, at most eight; nothing for those that none has. */
    static Map<Digest, List<RepositoryName>> locations(
            SqlThread.Statements statements, String target, List<Digest> blobs) throws SQLException {
        Map<Digest, List<RepositoryName>> locations = new HashMap<>();
        for (Digest blob : blobs) {
            try (ResultSet row = statements
                    .bound(
                            "SELECT repository FROM blob WHERE target = ? AND digest = ? ORDER BY rowid DESC LIMIT 8",
                            target,
                            blob.toString())
                    .executeQuery()) {
                while (row.next()) {
                    locations.computeIfAbsent(blob, _ -> new ArrayList<>()).add(new RepositoryName(row.getString(1)));
                }
            }
        }
        return locations;
    }
}
