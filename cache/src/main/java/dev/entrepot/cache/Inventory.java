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
import java.util.Optional;

/**
 * What is stored, for people who want to see it: in pages, so that no list is ever in memory as a whole. A page costs
 * what it looks at, wherever in the list it is. What comes and goes while somebody goes from page to page may be in
 * none of them.
 */
public final class Inventory {
    private static final String REPOSITORIES =
            "SELECT r.registry, r.name, (SELECT count(*) FROM tags t WHERE t.repository = r.id),"
                    + " count(c.digest) FILTER (WHERE c.kind = 1), count(c.digest) FILTER (WHERE c.kind = 0),"
                    + " coalesce(sum(c.bytes), 0), coalesce(max(c.last_used), 0) FROM"
                    + " (SELECT * FROM repositories WHERE (registry, name) > (?, ?) ORDER BY registry, name LIMIT ?) r"
                    + " LEFT JOIN links l ON l.repository = r.id LEFT JOIN content c ON c.digest = l.digest"
                    + " GROUP BY r.id ORDER BY 1, 2";
    private static final String OF_REPOSITORY = "(SELECT id FROM repositories WHERE registry = ? AND name = ?)";
    private static final String CONTENTS = "SELECT l.digest, c.kind, c.bytes, c.last_used, c.uses FROM"
            + " (SELECT digest FROM links WHERE repository = " + OF_REPOSITORY
            + " AND digest > ? ORDER BY digest LIMIT ?) l"
            + " LEFT JOIN content c ON c.digest = l.digest ORDER BY 1";
    private static final String TAGS =
            "SELECT t.tag, t.digest, t.checked_at, EXISTS (SELECT 1 FROM content c WHERE c.digest = t.digest)"
                    + " FROM tags t WHERE t.repository = " + OF_REPOSITORY + " AND t.tag > ? ORDER BY t.tag LIMIT ?";

    /**
     * A page of a list.
     *
     * @param rows in order; may be none though there are more pages
     * @param last what the next page comes after; empty if this is the last
     */
    public record Page<T, K>(List<T> rows, Optional<K> last) {}

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

    // A row of what is looked at: its place in the order, and what is shown of it, if anything is.
    private record Looked<T, K>(K key, Optional<T> shown) {}

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
     * @param after the repository after which the page begins; empty for the first
     * @param most how many are looked at
     * @throws IOException if the index cannot be read
     */
    public Page<RepositoryUse, Repository> repositories(Optional<Repository> after, int most) throws IOException {
        return index.ask(reader -> {
            PreparedStatement statement = reader.prepare(REPOSITORIES);
            statement.setString(1, after.map(last -> last.registry().value()).orElse(""));
            statement.setString(2, after.map(last -> last.name().value()).orElse(""));
            statement.setInt(3, most);
            return page(statement, most, Inventory::repository);
        });
    }

    private static Looked<RepositoryUse, Repository> repository(ResultSet row) throws SQLException {
        Repository repository =
                new Repository(new RegistryHost(row.getString(1)), new RepositoryName(row.getString(2)));
        RepositoryUse use = new RepositoryUse(
                repository,
                row.getLong(3),
                row.getLong(4),
                row.getLong(5),
                row.getLong(6),
                Instant.ofEpochMilli(row.getLong(7)));
        return new Looked<>(repository, Optional.of(use).filter(found -> found.manifests() + found.blobs() > 0));
    }

    /**
     * What is stored of a repository, in the order of the digests' codes.
     *
     * @param after the digest after which the page begins; empty for the first
     * @param most how many are looked at
     * @throws IOException if the index cannot be read
     */
    public Page<Content, Digest> contents(Repository repository, Optional<Digest> after, int most) throws IOException {
        return index.ask(reader -> {
            PreparedStatement statement = bound(reader.prepare(CONTENTS), repository);
            statement.setBytes(3, after.map(DigestCode::encode).orElse(new byte[0]));
            statement.setInt(4, most);
            return page(statement, most, Inventory::content);
        });
    }

    private static Looked<Content, Digest> content(ResultSet row) throws SQLException {
        Digest digest = DigestCode.decode(row.getBytes(1));
        int kind = row.getInt(2);
        if (row.wasNull()) {
            return new Looked<>(digest, Optional.empty());
        }
        return new Looked<>(
                digest,
                Optional.of(new Content(
                        digest,
                        kind == IndexUpdates.MANIFEST,
                        row.getLong(3),
                        Instant.ofEpochMilli(row.getLong(4)),
                        row.getInt(5))));
    }

    /**
     * The tags of a repository that are known here, in order.
     *
     * @param after the tag after which the page begins; empty for the first
     * @param most how many are looked at
     * @throws IOException if the index cannot be read
     */
    public Page<KnownTag, Tag> tags(Repository repository, Optional<Tag> after, int most) throws IOException {
        return index.ask(reader -> {
            PreparedStatement statement = bound(reader.prepare(TAGS), repository);
            statement.setString(3, after.map(Tag::value).orElse(""));
            statement.setInt(4, most);
            return page(statement, most, Inventory::tag);
        });
    }

    private static Looked<KnownTag, Tag> tag(ResultSet row) throws SQLException {
        Tag tag = new Tag(row.getString(1));
        return new Looked<>(
                tag,
                Optional.of(new KnownTag(
                        tag,
                        DigestCode.decode(row.getBytes(2)),
                        Instant.ofEpochMilli(row.getLong(3)),
                        row.getBoolean(4))));
    }

    private static PreparedStatement bound(PreparedStatement statement, Repository repository) throws SQLException {
        statement.setString(1, repository.registry().value());
        statement.setString(2, repository.name().value());
        return statement;
    }

    private static <T, K> Page<T, K> page(PreparedStatement statement, int most, Row<Looked<T, K>> mapper)
            throws SQLException {
        try (statement;
                ResultSet row = statement.executeQuery()) {
            List<T> shown = new ArrayList<>();
            Optional<K> last = Optional.empty();
            int looked = 0;
            while (row.next()) {
                Looked<T, K> found = mapper.read(row);
                found.shown().ifPresent(shown::add);
                last = Optional.of(found.key());
                looked++;
            }
            return new Page<>(shown, looked < most ? Optional.empty() : last);
        } catch (IllegalArgumentException e) {
            throw new SQLException("a row of the index does not make sense: " + e.getMessage(), e);
        }
    }
}
