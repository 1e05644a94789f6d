package dev.entrepot.replicator.journal;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import java.sql.SQLException;
import java.util.List;

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
}
