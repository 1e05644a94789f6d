package dev.entrepot.cache;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.Platform;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Stream;

/** The questions to the database, on one connection. Used by one thread at a time. */
final class IndexReader implements AutoCloseable {
    private static final String OF_REPOSITORY =
            " WHERE repository = (SELECT id FROM repositories WHERE registry = ? AND name = ?)";

    /** All pins, in no order. */
    static final String PINS = "SELECT r.registry, r.name, p.reference, p.platforms, p.referrers, p.ruled"
            + " FROM pins p JOIN repositories r ON r.id = p.repository";

    /** Makes a value of the row that the result stands on. */
    private interface Row<T> {
        T read(ResultSet row) throws SQLException;
    }

    private final Connection connection;
    private final PreparedStatement link;
    private final PreparedStatement tag;
    private final PreparedStatement tagHistory;
    private final PreparedStatement tags;
    private final PreparedStatement document;
    private final PreparedStatement documentTime;
    private final PreparedStatement content;
    private final PreparedStatement leastRecentlyUsed;
    private final PreparedStatement repositories;
    private final PreparedStatement shard;
    private final PreparedStatement totals;
    private final PreparedStatement pin;
    private final PreparedStatement pins;
    private final PreparedStatement number;
    private final PreparedStatement byUse;

    /** Prepares the questions; the connection is closed with this object. */
    IndexReader(Connection connection) throws SQLException {
        this.connection = connection;
        link = connection.prepareStatement(
                "SELECT bytes, manifest, proven FROM links" + OF_REPOSITORY + " AND digest = ?");
        tag = connection.prepareStatement("SELECT digest, checked_at, first_seen_at, media_type, bytes FROM tags"
                + OF_REPOSITORY + " AND tag = ?");
        tagHistory = connection.prepareStatement("SELECT former FROM tag_history" + OF_REPOSITORY + " AND tag = ?");
        tags = connection.prepareStatement("SELECT tag FROM tags" + OF_REPOSITORY + " ORDER BY tag");
        document = connection.prepareStatement(
                "SELECT json, fetched_at FROM documents" + OF_REPOSITORY + " AND subject = ?");
        documentTime = connection.prepareStatement(
                "SELECT fetched_at, length(json) FROM documents" + OF_REPOSITORY + " AND subject = ?");
        content = connection.prepareStatement("SELECT c.kind, c.bytes, c.media_type, c.last_used, r.registry, r.name"
                + " FROM content c LEFT JOIN repositories r ON r.id = c.owner WHERE c.digest = ?");
        leastRecentlyUsed = connection.prepareStatement(
                "SELECT digest, kind, bytes, last_used FROM content INDEXED BY content_by_use ORDER BY last_used LIMIT ?");
        repositories =
                connection.prepareStatement("SELECT registry, name FROM repositories r WHERE (registry, name) > (?, ?)"
                        + " AND EXISTS (SELECT 1 FROM links WHERE repository = r.id) ORDER BY registry, name LIMIT ?");
        pin = connection.prepareStatement(
                "SELECT platforms, referrers, ruled FROM pins" + OF_REPOSITORY + " AND reference = ?");
        pins = connection.prepareStatement(PINS + " ORDER BY 1, 2, 3");
        number = connection.prepareStatement("SELECT value FROM meta WHERE key = ?");
        shard = connection.prepareStatement("SELECT digest FROM content WHERE digest >= ? AND digest < ?");
        totals = connection.prepareStatement(
                "SELECT count(*), coalesce(sum(bytes), 0), coalesce(sum(bytes) FILTER (WHERE kind = "
                        + IndexUpdates.MANIFEST + " OR bytes < " + DiskPolicy.SMALL_BYTES
                        + "), 0) FROM content INDEXED BY content_by_use");
        byUse = connection.prepareStatement(
                "SELECT c.digest, c.kind, c.bytes, c.uses, r.registry, r.name"
                        + " FROM content c INDEXED BY content_by_use LEFT JOIN repositories r ON r.id = c.owner ORDER BY c.last_used");
    }

    /** The link of a repository to a piece of content. */
    Optional<Link> link(Repository repository, Digest digest) throws SQLException {
        bind(link, repository);
        link.setBytes(3, DigestCode.encode(digest));
        return first(link, row -> {
            long bytes = row.getLong(1);
            OptionalLong size = row.wasNull() ? OptionalLong.empty() : OptionalLong.of(bytes);
            return new Link(digest, size, row.getBoolean(2), row.getBoolean(3));
        });
    }

    /** A tag of a repository. */
    Optional<TagRecord> tag(Repository repository, Tag name) throws SQLException {
        bind(tag, repository);
        tag.setString(3, name.value());
        return first(tag, row -> {
            Digest digest = digest(row, 1);
            String type = row.getString(4);
            long bytes = row.getLong(5);
            Optional<Descriptor> descriptor =
                    Optional.ofNullable(type).map(known -> Descriptor.of(new MediaType(known), digest, bytes));
            return new TagRecord(digest, instant(row, 2), instant(row, 3), descriptor);
        });
    }

    /** What a tag of a repository named before. */
    Optional<TagHistory> tagHistory(Repository repository, Tag name) throws SQLException {
        bind(tagHistory, repository);
        tagHistory.setString(3, name.value());
        return first(tagHistory, row -> TagHistory.decode(row.getBytes(1)));
    }

    /** All tags of a repository, in order. */
    List<Tag> tags(Repository repository) throws SQLException {
        bind(tags, repository);
        return all(tags, row -> new Tag(row.getString(1)));
    }

    /** A pin. */
    Optional<Pin> pin(Repository repository, ManifestReference reference) throws SQLException {
        bind(pin, repository);
        pin.setString(3, reference.toString());
        return first(pin, row -> readPin(row, repository, reference, 1));
    }

    /** All pins. */
    List<Pin> pins() throws SQLException {
        return all(pins, IndexReader::pinOf);
    }

    /** The pin of a row of {@link #PINS}. */
    static Pin pinOf(ResultSet row) throws SQLException {
        String reference = row.getString(3);
        Repository repository =
                new Repository(new RegistryHost(row.getString(1)), new RepositoryName(row.getString(2)));
        return readPin(row, repository, reference.contains(":") ? Digest.parse(reference) : new Tag(reference), 4);
    }

    private static Pin readPin(ResultSet row, Repository repository, ManifestReference reference, int column)
            throws SQLException {
        List<Platform> platforms = Stream.of(row.getString(column).split(",", -1))
                .filter(text -> !text.isEmpty())
                .map(Platform::parse)
                .toList();
        return new Pin(repository, reference, platforms, row.getBoolean(column + 1), row.getBoolean(column + 2));
    }

    /** The number under a name; empty if there is none. */
    OptionalLong number(String name) throws SQLException {
        number.setString(1, name);
        return first(number, row -> OptionalLong.of(row.getLong(1))).orElse(OptionalLong.empty());
    }

    /** A document of a repository; no subject for its tag list. */
    Optional<KeptDocument> document(Repository repository, Optional<Digest> subject) throws SQLException {
        bind(document, repository);
        document.setBytes(3, subject.map(DigestCode::encode).orElse(new byte[0]));
        return first(document, row -> new KeptDocument(row.getBytes(1), instant(row, 2)));
    }

    /** Whether a document of a repository is still this one, without reading all of it. */
    boolean isDocument(Repository repository, Optional<Digest> subject, KeptDocument known) throws SQLException {
        bind(documentTime, repository);
        documentTime.setBytes(3, subject.map(DigestCode::encode).orElse(new byte[0]));
        return first(
                        documentTime,
                        row -> instant(row, 1).equals(known.fetchedAt()) && row.getInt(2) == known.json().length)
                .orElse(false);
    }

    /** What is known of stored content. */
    Optional<IndexedContent> content(Digest digest) throws SQLException {
        content.setBytes(1, DigestCode.encode(digest));
        return first(content, row -> {
            Optional<MediaType> type = Optional.ofNullable(row.getString(3)).map(MediaType::new);
            String registry = row.getString(5);
            String name = row.getString(6);
            Optional<Repository> owner = registry == null || name == null
                    ? Optional.empty()
                    : Optional.of(new Repository(new RegistryHost(registry), new RepositoryName(name)));
            return new IndexedContent(kind(row, 1), row.getLong(2), type, instant(row, 4), owner);
        });
    }

    /** The content that was not used for the longest time, longest first. */
    List<Candidate> leastRecentlyUsed(int limit) throws SQLException {
        leastRecentlyUsed.setInt(1, limit);
        return all(
                leastRecentlyUsed, row -> new Candidate(digest(row, 1), kind(row, 2), row.getLong(3), instant(row, 4)));
    }

    /** The repositories that have a link, in order. */
    List<Repository> repositories(Optional<Repository> after, int limit) throws SQLException {
        return repositories(
                after.map(last -> last.registry().value()).orElse(""),
                after.map(last -> last.name().value()).orElse(""),
                limit);
    }

    /** The repositories from the first of a registry on, those of later ones among them. */
    List<Repository> repositories(RegistryHost from, int limit) throws SQLException {
        return repositories(from.value(), "", limit);
    }

    private List<Repository> repositories(String registry, String after, int limit) throws SQLException {
        repositories.setString(1, registry);
        repositories.setString(2, after);
        repositories.setInt(3, limit);
        return all(
                repositories,
                row -> new Repository(new RegistryHost(row.getString(1)), new RepositoryName(row.getString(2))));
    }

    /** A repository that has a link to a piece of content. A question for seldom: it looks into each repository. */
    Optional<Repository> anyWith(Digest digest) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(
                "SELECT registry, name FROM repositories r WHERE EXISTS"
                        + " (SELECT 1 FROM links WHERE repository = r.id AND digest = ?) ORDER BY registry, name LIMIT 1")) {
            statement.setBytes(1, DigestCode.encode(digest));
            return first(
                    statement,
                    row -> new Repository(new RegistryHost(row.getString(1)), new RepositoryName(row.getString(2))));
        }
    }

    /** The digests of one of the folders of an algorithm. */
    Set<Digest> shard(DigestAlgorithm algorithm, int number) throws SQLException {
        shard.setBytes(1, DigestCode.shardStart(algorithm, number));
        shard.setBytes(2, DigestCode.shardStart(algorithm, number + 1));
        return new HashSet<>(all(shard, row -> digest(row, 1)));
    }

    /** Number and bytes of all stored content. */
    Totals totals() throws SQLException {
        return first(totals, row -> new Totals(row.getLong(1), row.getLong(2), row.getLong(3)))
                .orElse(new Totals(0, 0, 0));
    }

    /**
     * Sums over all stored content.
     *
     * @param count number of digests
     * @param bytes sum of their lengths
     * @param smallBytes the part of it that is small, as {@link DiskPolicy#isSmall} has it
     */
    record Totals(long count, long bytes, long smallBytes) {}

    /** Told of stored content, one piece after another. */
    @FunctionalInterface
    interface ContentVisitor {
        /** Takes note of a piece of content; returns whether to go on. */
        boolean visit(Digest digest, ContentKind kind, long bytes, Optional<Repository> owner, int uses);
    }

    /** Visits all stored content, the longest unused first. A long question. */
    void forEachByUse(ContentVisitor visitor) throws SQLException {
        Map<String, Optional<Repository>> owners = new HashMap<>();
        try (ResultSet row = byUse.executeQuery()) {
            boolean more = true;
            while (more && row.next()) {
                String registry = row.getString(5);
                String name = row.getString(6);
                Optional<Repository> owner = registry == null || name == null
                        ? Optional.empty()
                        : owners.computeIfAbsent(
                                registry + "/" + name,
                                same -> Optional.of(
                                        new Repository(new RegistryHost(registry), new RepositoryName(name))));
                more = visitor.visit(digest(row, 1), kind(row, 2), row.getLong(3), owner, row.getInt(4));
            }
        } catch (IllegalArgumentException e) {
            throw new SQLException("a row of the index does not make sense: " + e.getMessage(), e);
        }
    }

    /** Prepares a question that is asked seldom; the caller closes it. */
    PreparedStatement prepare(String sql) throws SQLException {
        return connection.prepareStatement(sql);
    }

    private static void bind(PreparedStatement statement, Repository repository) throws SQLException {
        statement.setString(1, repository.registry().value());
        statement.setString(2, repository.name().value());
    }

    // The result is closed at once in both: an open one holds a snapshot, and then the log can never be folded into the
    // database.
    private static <T> Optional<T> first(PreparedStatement statement, Row<T> mapper) throws SQLException {
        try (ResultSet row = statement.executeQuery()) {
            return row.next() ? Optional.of(mapper.read(row)) : Optional.empty();
        } catch (IllegalArgumentException e) {
            throw new SQLException("a row of the index does not make sense: " + e.getMessage(), e);
        }
    }

    private static <T> List<T> all(PreparedStatement statement, Row<T> mapper) throws SQLException {
        List<T> found = new ArrayList<>();
        try (ResultSet row = statement.executeQuery()) {
            while (row.next()) {
                found.add(mapper.read(row));
            }
        } catch (IllegalArgumentException e) {
            throw new SQLException("a row of the index does not make sense: " + e.getMessage(), e);
        }
        return found;
    }

    private static Digest digest(ResultSet row, int column) throws SQLException {
        return DigestCode.decode(row.getBytes(column));
    }

    private static Instant instant(ResultSet row, int column) throws SQLException {
        return Instant.ofEpochMilli(row.getLong(column));
    }

    private static ContentKind kind(ResultSet row, int column) throws SQLException {
        return row.getInt(column) == IndexUpdates.MANIFEST ? ContentKind.MANIFEST : ContentKind.BLOB;
    }

    @Override
    public void close() throws SQLException {
        connection.close();
    }
}
