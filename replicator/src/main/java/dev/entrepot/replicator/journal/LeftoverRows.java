package dev.entrepot.replicator.journal;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** {@link Leftover} as rows. */
final class LeftoverRows {
    static final String SELECT =
            "SELECT rule, target, registry, source, repository, tag, digest, since FROM leftover WHERE rule = ? AND target = ?";

    private LeftoverRows() {}

    /**
     * Notes what of a tag's former graph is not in its present one. What the rule found under a tag that it did not
     * write is not for it to delete; what came from another registry before is not missing because this one lacks it;
     * and where the rule wants something else than before, what is lacking need not be gone at the source.
     *
     * @param wanted the scope key of what the rule wants now
     */
    static void writeDifference(SqlThread.Statements statements, CompletedTag now, String wanted, long millis)
            throws SQLException {
        Optional<CompletedTag> before = CompletedRows.own(statements, now)
                .filter(old -> old.registry().equals(now.registry())
                        && old.source().equals(now.source())
                        && old.scope().equals(wanted));
        if (before.isPresent() && BroughtRows.has(statements, before.get())) {
            Set<Digest> left = digests(before.get());
            left.removeAll(digests(now));
            write(statements, before.get(), left, millis);
        }
    }

    /**
     * Forgets that manifests of a tag's graph were left over: they are wanted again, and have a whole grace time when
     * they are left once more.
     */
    static void wantAgain(SqlThread.Statements statements, CompletedTag tag) throws SQLException {
        for (Digest digest : digests(tag)) {
            statements.update(
                    "DELETE FROM leftover WHERE rule = ? AND target = ? AND repository = ? AND digest = ?",
                    tag.rule(),
                    tag.target(),
                    tag.repository().value(),
                    digest.toString());
        }
    }

    /** Notes all of a tag's graph. */
    static void writeAll(SqlThread.Statements statements, CompletedTag tag, long millis) throws SQLException {
        write(statements, tag, digests(tag), millis);
    }

    /**
     * Notes all of what rules have under a tag that another prunes, as far as they brought it: each deletes its own,
     * and knows it by nothing else any more. Copies and imports by hand, whose names have a space, delete nothing.
     */
    static void writeOthers(SqlThread.Statements statements, List<CompletedTag> others, long millis)
            throws SQLException {
        for (CompletedTag other : others) {
            if (other.rule().indexOf(' ') < 0 && BroughtRows.has(statements, other)) {
                writeAll(statements, other, millis);
            }
        }
    }

    private static Set<Digest> digests(CompletedTag tag) {
        Set<Digest> digests = new HashSet<>(List.of(tag.targetDigest()));
        tag.nodes().forEach(node -> digests.add(node.digest()));
        return digests;
    }

    // What is left a second time, of two tags, has been needed until now.
    private static void write(SqlThread.Statements statements, CompletedTag tag, Set<Digest> digests, long millis)
            throws SQLException {
        for (Digest digest : digests) {
            statements.update(
                    "INSERT OR REPLACE INTO leftover(rule, target, registry, source, repository, tag, digest, since)"
                            + " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    tag.rule(),
                    tag.target(),
                    tag.registry(),
                    tag.source().value(),
                    tag.repository().value(),
                    tag.tag().value(),
                    digest.toString(),
                    millis);
        }
    }

    static Leftover read(ResultSet row) throws SQLException {
        return new Leftover(
                row.getString(1),
                row.getString(2),
                row.getString(3),
                new RepositoryName(row.getString(4)),
                new RepositoryName(row.getString(5)),
                new Tag(row.getString(6)),
                Digest.parse(row.getString(7)),
                Instant.ofEpochMilli(row.getLong(8)));
    }
}
