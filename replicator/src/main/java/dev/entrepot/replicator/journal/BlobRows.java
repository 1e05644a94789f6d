package dev.entrepot.replicator.journal;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Where blobs are, as rows. */
final class BlobRows {
    private BlobRows() {}

    static void write(SqlThread.Statements statements, String target, RepositoryName repository, List<Digest> blobs)
            throws SQLException {
        for (Digest blob : blobs) {
            statements.update(
                    "INSERT OR IGNORE INTO blob(target, digest, repository) VALUES (?, ?, ?)",
                    target,
                    blob.toString(),
                    repository.value());
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
