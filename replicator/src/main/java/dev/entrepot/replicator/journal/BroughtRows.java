package dev.entrepot.replicator.journal;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import java.sql.ResultSet;
import java.sql.SQLException;

/** {@link BroughtTag} as rows. */
final class BroughtRows {
    static final String SELECT = "SELECT rule, target, registry, source, repository, tag, digest FROM brought";

    private BroughtRows() {}

    static void write(SqlThread.Statements statements, BroughtTag tag) throws SQLException {
        statements.update(
                "INSERT OR REPLACE INTO brought(rule, target, registry, source, repository, tag, digest) VALUES (?, ?, ?, ?, ?, ?, ?)",
                tag.rule(),
                tag.target(),
                tag.registry(),
                tag.source().value(),
                tag.repository().value(),
                tag.tag().value(),
                tag.digest().toString());
    }

    /** Whether a tag was written by the rule that knows it, as what it names. */
    static boolean has(SqlThread.Statements statements, CompletedTag tag) throws SQLException {
        try (ResultSet row = statements
                .bound(
                        "SELECT 1 FROM brought WHERE target = ? AND repository = ? AND tag = ? AND rule = ? AND digest = ?",
                        tag.target(),
                        tag.repository().value(),
                        tag.tag().value(),
                        tag.rule(),
                        tag.targetDigest().toString())
                .executeQuery()) {
            return row.next();
        }
    }

    static BroughtTag read(ResultSet row) throws SQLException {
        return new BroughtTag(
                row.getString(1),
                row.getString(2),
                row.getString(3),
                new RepositoryName(row.getString(4)),
                new RepositoryName(row.getString(5)),
                new Tag(row.getString(6)),
                Digest.parse(row.getString(7)));
    }
}
