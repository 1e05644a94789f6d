package dev.entrepot.replicator.journal;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;

/** {@link CompletedTag} as rows. */
final class CompletedRows {
    static final String SELECT =
            "SELECT rule, target, source, repository, tag, source_digest, target_digest, scope, nodes, at, registry FROM completed";

    private CompletedRows() {}

    static void write(SqlThread.Statements statements, CompletedTag tag) throws SQLException {
        statements.update(
                "INSERT OR REPLACE INTO completed(rule, target, source, repository, tag, source_digest, target_digest, scope, nodes, at, registry)"
                        + " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                tag.rule(),
                tag.target(),
                tag.source().value(),
                tag.repository().value(),
                tag.tag().value(),
                tag.sourceDigest().toString(),
                tag.targetDigest().toString(),
                tag.scope(),
                tag.encodedNodes(),
                tag.at().toEpochMilli(),
                tag.registry());
    }

    static CompletedTag read(ResultSet row) throws SQLException {
        return new CompletedTag(
                row.getString(1),
                row.getString(2),
                row.getString(11),
                new RepositoryName(row.getString(3)),
                new RepositoryName(row.getString(4)),
                new Tag(row.getString(5)),
                Digest.parse(row.getString(6)),
                Digest.parse(row.getString(7)),
                row.getString(8),
                CompletedTag.decodeNodes(row.getString(9)),
                Instant.ofEpochMilli(row.getLong(10)));
    }
}
