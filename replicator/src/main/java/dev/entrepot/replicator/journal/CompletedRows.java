package dev.entrepot.replicator.journal;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** {@link CompletedTag} as rows. */
final class CompletedRows {
    static final String SELECT =
            "SELECT rule, target, source, repository, tag, source_digest, target_digest, scope, nodes, at, registry, kept FROM completed";

    private CompletedRows() {}

    /** What a rule knows of a tag; nothing if the row is damaged. */
    static Optional<CompletedTag> own(SqlThread.Statements statements, CompletedTag tag) throws SQLException {
        try (ResultSet row = statements
                .bound(
                        SELECT + " WHERE target = ? AND repository = ? AND tag = ? AND rule = ?",
                        tag.target(),
                        tag.repository().value(),
                        tag.tag().value(),
                        tag.rule())
                .executeQuery()) {
            return row.next() ? Optional.of(read(row)) : Optional.empty();
        } catch (InvalidNameException e) {
            return Optional.empty();
        }
    }

    /** What other rules know of a tag; without rows that are damaged. */
    static List<CompletedTag> others(SqlThread.Statements statements, CompletedTag tag) throws SQLException {
        List<CompletedTag> others = new ArrayList<>();
        try (ResultSet row = statements
                .bound(
                        SELECT + " WHERE target = ? AND repository = ? AND tag = ? AND rule <> ?",
                        tag.target(),
                        tag.repository().value(),
                        tag.tag().value(),
                        tag.rule())
                .executeQuery()) {
            while (row.next()) {
                try {
                    others.add(read(row));
                } catch (InvalidNameException e) {
                    // As if it were not there: it is forgotten with the others.
                }
            }
        }
        return others;
    }

    /**
     * In place of what the rule knew of the tag before; it is at the source, and what else the rule wrote is not there
     * any more.
     */
    static void write(SqlThread.Statements statements, CompletedTag now) throws SQLException {
        CompletedTag tag = own(statements, now).map(now::after).orElse(now);
        statements.update(
                "INSERT OR REPLACE INTO completed(rule, target, source, repository, tag, source_digest, target_digest, scope, nodes, at, registry, kept)"
                        + " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
                tag.registry(),
                tag.encodedKept());
        statements.update(
                "DELETE FROM brought WHERE target = ? AND repository = ? AND tag = ? AND rule = ? AND digest <> ?",
                tag.target(),
                tag.repository().value(),
                tag.tag().value(),
                tag.rule(),
                tag.targetDigest().toString());
        forgetEarlierByHand(statements, tag);
    }

    // Copies and imports by hand have names of their own, which say more than a rule's may: the last is enough, or each
    // bundle would leave a row for each of its tags.
    private static void forgetEarlierByHand(SqlThread.Statements statements, CompletedTag tag) throws SQLException {
        if (tag.rule().indexOf(' ') < 0) {
            return;
        }
        for (String table : List.of("completed", "brought")) {
            statements.update(
                    "DELETE FROM " + table
                            + " WHERE target = ? AND repository = ? AND tag = ? AND rule <> ? AND instr(rule, ' ') > 0",
                    tag.target(),
                    tag.repository().value(),
                    tag.tag().value(),
                    tag.rule());
        }
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
                CompletedTag.decodeKept(row.getString(12)),
                Instant.ofEpochMilli(row.getLong(10)));
    }
}
