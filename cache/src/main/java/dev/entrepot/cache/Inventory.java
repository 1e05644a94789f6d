package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * What is stored, for people who want to see it. Reads all rows of the index: seconds, with a million pieces of
 * content.
 */
public final class Inventory {
    private static final String REPOSITORIES =
            "SELECT r.registry, r.name, (SELECT count(*) FROM tags t WHERE t.repository = r.id),"
                    + " count(c.digest) FILTER (WHERE c.kind = 1), count(c.digest) FILTER (WHERE c.kind = 0),"
                    + " coalesce(sum(c.bytes), 0), coalesce(max(c.last_used), 0) FROM repositories r"
                    + " JOIN links l ON l.repository = r.id JOIN content c ON c.digest = l.digest GROUP BY r.id ORDER BY 1, 2";
    private static final String OF_REPOSITORY = "(SELECT id FROM repositories WHERE registry = ? AND name = ?)";
    private static final String CONTENTS = "SELECT c.digest, c.kind, c.bytes, c.last_used, c.uses FROM links l"
            + " JOIN content c ON c.digest = l.digest WHERE l.repository = " + OF_REPOSITORY
            + " ORDER BY c.kind DESC, c.last_used DESC";
    private static final String TAGS =
            "SELECT t.tag, t.digest, t.checked_at, EXISTS (SELECT 1 FROM content c WHERE c.digest = t.digest)"
                    + " FROM tags t WHERE t.repository = " + OF_REPOSITORY + " ORDER BY t.tag";

    /**
     * What is stored of a repository. What several repositories have counts for each here, though it is stored once.
     *
     * @param tags known here
     * @param manifests stored
     * @param blobs stored
     * @param bytes of both
     * @param lastUsed of any of them
     */
    public record RepositoryUse(
            Repository repository, long tags, long manifests, long blobs, long bytes, Instant lastUsed) {}

    /**
     * A piece of stored content.
     *
     * @param uses of late, at most 15, those closer together than half a minute as one
     */
    public record Content(Digest digest, boolean manifest, long bytes, Instant lastUsed, int uses) {}

    /**
     * A tag.
     *
     * @param digest what the upstream last said that it names
     * @param stored whether that manifest is stored
     */
    public record KnownTag(Tag tag, Digest digest, Instant checkedAt, boolean stored) {}

    private interface Row<T> {
        T read(ResultSet row) throws SQLException;
    }

    private final CacheIndex index;

    /** Of an index. */
    public Inventory(CacheIndex index) {
        this.index = index;
    }

    /**
     * The repositories of which anything is stored, in order.
     *
     * @throws IOException if the index cannot be read
     */
    public List<RepositoryUse> repositories() throws IOException {
        return index.ask(reader -> all(
                reader.prepare(REPOSITORIES),
                row -> new RepositoryUse(
                        new Repository(new RegistryHost(row.getString(1)), new RepositoryName(row.getString(2))),
                        row.getLong(3),
                        row.getLong(4),
                        row.getLong(5),
                        row.getLong(6),
                        Instant.ofEpochMilli(row.getLong(7)))));
    }

    /**
     * What is stored of a repository: manifests first, the last used first.
     *
     * @throws IOException if the index cannot be read
     */
    public List<Content> contents(Repository repository) throws IOException {
        return index.ask(reader -> all(
                bound(reader.prepare(CONTENTS), repository),
                row -> new Content(
                        DigestCode.decode(row.getBytes(1)),
                        row.getInt(2) == IndexUpdates.MANIFEST,
                        row.getLong(3),
                        Instant.ofEpochMilli(row.getLong(4)),
                        row.getInt(5))));
    }

    /**
     * The tags of a repository that are known here.
     *
     * @throws IOException if the index cannot be read
     */
    public List<KnownTag> tags(Repository repository) throws IOException {
        return index.ask(reader -> all(
                bound(reader.prepare(TAGS), repository),
                row -> new KnownTag(
                        new Tag(row.getString(1)),
                        DigestCode.decode(row.getBytes(2)),
                        Instant.ofEpochMilli(row.getLong(3)),
                        row.getBoolean(4))));
    }

    private static PreparedStatement bound(PreparedStatement statement, Repository repository) throws SQLException {
        statement.setString(1, repository.registry().value());
        statement.setString(2, repository.name().value());
        return statement;
    }

    private static <T> List<T> all(PreparedStatement statement, Row<T> mapper) throws SQLException {
        try (statement;
                ResultSet row = statement.executeQuery()) {
            List<T> found = new ArrayList<>();
            while (row.next()) {
                found.add(mapper.read(row));
            }
            return found;
        } catch (IllegalArgumentException e) {
            throw new SQLException("a row of the index does not make sense: " + e.getMessage(), e);
        }
    }
}
