package dev.entrepot.cache;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * What is stored, a page at a time, for people who look around. Every question reads a bounded number of rows, however
 * large the index is; where a bound cut the answer short, the answer says so. Safe for all threads.
 */
public final class Browsing {
    /** Links of one repository that are summed up. */
    static final int LINKS_SUMMED = 20_000;

    /** Tags, of all repositories, that a search looks at. */
    static final int TAGS_SEARCHED = 500_000;

    /** Lists of referrers, of all repositories, that a search looks at. */
    static final int LISTS_SEARCHED = 20_000;

    private static final String OF_REPOSITORY = "(SELECT id FROM repositories WHERE registry = ? AND name = ?)";

    // The tags that stand for referrers: sha256-HASH with or without a suffix. People look for them under their
    // subject.
    private static final String FOR_REFERRERS = "(length(tag) >= 71 AND tag GLOB 'sha*-*')";

    private static final String SUMMARY = "SELECT (SELECT count(*) FROM tags WHERE repository = r.id AND NOT "
            + FOR_REFERRERS + "), (SELECT count(*) FROM (SELECT 1 FROM links WHERE repository = r.id LIMIT "
            + (LINKS_SUMMED + 1) + ")) FROM repositories r WHERE registry = ? AND name = ?";
    private static final String SUMS = "SELECT count(*) FILTER (WHERE c.kind = 1), count(*) FILTER (WHERE c.kind = 0),"
            + " coalesce(sum(c.bytes), 0), max(c.last_used) FROM (SELECT digest FROM links WHERE repository = "
            + OF_REPOSITORY + " LIMIT " + LINKS_SUMMED + ") l JOIN content c ON c.digest = l.digest";
    private static final String TAGS = "SELECT t.tag, t.digest, t.checked_at, t.first_seen_at, c.bytes, c.media_type"
            + " FROM tags t LEFT JOIN content c ON c.digest = t.digest WHERE t.repository = " + OF_REPOSITORY
            + " AND t.tag > ? AND instr(lower(t.tag), ?) > 0 AND (? OR NOT " + FOR_REFERRERS
            + ") ORDER BY t.tag LIMIT ?";
    private static final String MANIFESTS =
            "SELECT c.digest, c.bytes, c.media_type, c.last_used FROM (SELECT digest FROM links WHERE repository = "
                    + OF_REPOSITORY + " AND manifest = 1 LIMIT " + LINKS_SUMMED
                    + ") l JOIN content c ON c.digest = l.digest WHERE c.kind = 1 ORDER BY c.last_used DESC LIMIT ?";
    private static final String SEARCH_TAGS = "SELECT r.registry, r.name, t.tag, t.digest, t.checked_at FROM"
            + " (SELECT repository, tag, digest, checked_at FROM tags LIMIT " + TAGS_SEARCHED + ") t"
            + " JOIN repositories r ON r.id = t.repository WHERE instr(lower(t.tag), ?) > 0"
            + " AND instr(r.registry || '/' || r.name, ?) > 0 AND NOT " + FOR_REFERRERS + " LIMIT ?";
    private static final String SEARCH_LISTS = "SELECT r.registry, r.name, d.subject, d.json FROM"
            + " (SELECT repository, subject, json FROM documents WHERE length(subject) > 0 LIMIT " + LISTS_SEARCHED
            + ") d JOIN repositories r ON r.id = d.repository WHERE instr(d.json, CAST(? AS BLOB)) > 0";

    private static final String HAVING = "SELECT r.registry, r.name FROM repositories r WHERE EXISTS"
            + " (SELECT 1 FROM links l WHERE l.repository = r.id AND l.digest = ?) LIMIT ?";

    /**
     * A repository in a list. What several repositories have counts for each, though it is stored once.
     *
     * @param tags known here, without those that stand for referrers
     * @param manifests stored
     * @param blobs stored
     * @param bytes of both
     * @param atLeast whether there is more than was summed up
     * @param lastUsed of any of them
     */
    public record RepositoryLine(
            Repository repository,
            long tags,
            long manifests,
            long blobs,
            long bytes,
            boolean atLeast,
            Optional<Instant> lastUsed) {}

    /**
     * A tag in a list.
     *
     * @param digest what the upstream last said that it names
     * @param checkedAt when the upstream last said so
     * @param firstSeenAt when the upstream first said so
     * @param manifest the manifest, if it is stored
     */
    public record TagLine(
            Tag tag, Digest digest, Instant checkedAt, Instant firstSeenAt, Optional<StoredManifest> manifest) {}

    /**
     * A stored manifest.
     *
     * @param mediaType its type; empty if that is not known
     */
    public record StoredManifest(long bytes, Optional<String> mediaType) {}

    /** A stored manifest in a list. */
    public record ManifestLine(Digest digest, StoredManifest manifest, Instant lastUsed) {}

    /** A tag that was found. */
    public record FoundTag(Repository repository, Tag tag, Digest digest, Instant checkedAt) {}

    /** What refers to something, and was found by its type. */
    public record FoundReferrer(Repository repository, Digest subject, Descriptor referrer) {}

    /**
     * What a search found.
     *
     * @param complete whether everything was looked at, and everything found is here
     */
    public record Found<T>(List<T> found, boolean complete) {
        /** Copies the list. */
        public Found {
            found = List.copyOf(found);
        }
    }

    private final CacheIndex index;

    /** Of an index. */
    public Browsing(CacheIndex index) {
        this.index = index;
    }

    /**
     * Sums up repositories.
     *
     * @param repositories a page of them
     * @throws IOException if the index cannot be read
     */
    public List<RepositoryLine> lines(List<Repository> repositories) throws IOException {
        return index.ask(reader -> {
            List<RepositoryLine> lines = new ArrayList<>();
            try (PreparedStatement summary = reader.prepare(SUMMARY);
                    PreparedStatement sums = reader.prepare(SUMS)) {
                for (Repository repository : repositories) {
                    lines.add(line(bound(summary, repository), bound(sums, repository), repository));
                }
            }
            return lines;
        });
    }

    private static RepositoryLine line(PreparedStatement summary, PreparedStatement sums, Repository repository)
            throws SQLException {
        try (ResultSet counts = summary.executeQuery();
                ResultSet sum = sums.executeQuery()) {
            boolean known = counts.next();
            sum.next();
            long lastUsed = sum.getLong(4);
            return new RepositoryLine(
                    repository,
                    known ? counts.getLong(1) : 0,
                    sum.getLong(1),
                    sum.getLong(2),
                    sum.getLong(3),
                    known && counts.getLong(2) > LINKS_SUMMED,
                    lastUsed == 0 ? Optional.empty() : Optional.of(Instant.ofEpochMilli(lastUsed)));
        }
    }

    /**
     * Tags of a repository that are known here, in order; the upstream may have others.
     *
     * @param after only those behind this one
     * @param text only those that contain it, whatever the case
     * @param all whether those that stand for referrers too
     * @param n the most that are returned
     * @throws IOException if the index cannot be read
     */
    public List<TagLine> tags(Repository repository, Optional<Tag> after, String text, boolean all, int n)
            throws IOException {
        return index.ask(reader -> {
            try (PreparedStatement tags = bound(reader.prepare(TAGS), repository)) {
                tags.setString(3, after.map(Tag::value).orElse(""));
                tags.setString(4, text.toLowerCase(Locale.ROOT));
                tags.setBoolean(5, all);
                tags.setInt(6, n);
                return rows(tags, row -> {
                    long bytes = row.getLong(5);
                    Optional<StoredManifest> stored = row.wasNull()
                            ? Optional.empty()
                            : Optional.of(new StoredManifest(bytes, Optional.ofNullable(row.getString(6))));
                    return new TagLine(
                            new Tag(row.getString(1)),
                            DigestCode.decode(row.getBytes(2)),
                            Instant.ofEpochMilli(row.getLong(3)),
                            Instant.ofEpochMilli(row.getLong(4)),
                            stored);
                });
            }
        });
    }

    /**
     * Stored manifests of a repository, tagged or not, the last used first.
     *
     * @param n the most that are returned
     * @throws IOException if the index cannot be read
     */
    public List<ManifestLine> manifests(Repository repository, int n) throws IOException {
        return index.ask(reader -> {
            try (PreparedStatement manifests = bound(reader.prepare(MANIFESTS), repository)) {
                manifests.setInt(3, n);
                return rows(
                        manifests,
                        row -> new ManifestLine(
                                DigestCode.decode(row.getBytes(1)),
                                new StoredManifest(row.getLong(2), Optional.ofNullable(row.getString(3))),
                                Instant.ofEpochMilli(row.getLong(4))));
            }
        });
    }

    /** When the upstream's own tag list was last kept, and how many bytes it has; empty if none is kept. */
    public Optional<KeptDocument> upstreamTags(Repository repository) {
        return index.lists().tags(repository);
    }

    /**
     * Finds tags of all repositories.
     *
     * @param text what they contain, whatever the case
     * @param name what their repository contains; empty for any
     * @param n the most that are returned
     * @throws IOException if the index cannot be read
     */
    public Found<FoundTag> searchTags(String text, String name, int n) throws IOException {
        return index.ask(reader -> {
            try (PreparedStatement search = reader.prepare(SEARCH_TAGS)) {
                search.setString(1, text.toLowerCase(Locale.ROOT));
                search.setString(2, name.toLowerCase(Locale.ROOT));
                search.setInt(3, n + 1);
                List<FoundTag> found = rows(
                        search,
                        row -> new FoundTag(
                                repository(row),
                                new Tag(row.getString(3)),
                                DigestCode.decode(row.getBytes(4)),
                                Instant.ofEpochMilli(row.getLong(5))));
                boolean all = atMost(reader, "SELECT 1 FROM tags", TAGS_SEARCHED);
                return new Found<>(found.subList(0, Math.min(n, found.size())), found.size() <= n && all);
            }
        });
    }

    /**
     * Finds referrers by their artifact type, in the referrers lists that are kept.
     *
     * @param text what the type contains
     * @param n the most that are returned
     * @throws IOException if the index cannot be read
     */
    public Found<FoundReferrer> searchReferrers(String text, int n) throws IOException {
        String wanted = text.toLowerCase(Locale.ROOT);
        return index.ask(reader -> {
            List<FoundReferrer> found = new ArrayList<>();
            try (PreparedStatement search = reader.prepare(SEARCH_LISTS)) {
                search.setBytes(1, wanted.getBytes(StandardCharsets.UTF_8));
                try (ResultSet row = search.executeQuery()) {
                    while (found.size() <= n && row.next()) {
                        found.addAll(matching(row, wanted));
                    }
                }
            } catch (IllegalArgumentException e) {
                throw new SQLException("a row of the index does not make sense: " + e.getMessage(), e);
            }
            boolean all = atMost(reader, "SELECT 1 FROM documents WHERE length(subject) > 0", LISTS_SEARCHED);
            return new Found<>(found.subList(0, Math.min(n, found.size())), found.size() <= n && all);
        });
    }

    /**
     * Finds the repositories that have a piece of content, stored or not.
     *
     * @param n the most that are returned
     * @throws IOException if the index cannot be read
     */
    public Found<Repository> having(Digest digest, int n) throws IOException {
        return index.ask(reader -> {
            try (PreparedStatement search = reader.prepare(HAVING)) {
                search.setBytes(1, DigestCode.encode(digest));
                search.setInt(2, n + 1);
                List<Repository> found = rows(search, Browsing::repository);
                return new Found<>(found.subList(0, Math.min(n, found.size())), found.size() <= n);
            }
        });
    }

    private static List<FoundReferrer> matching(ResultSet row, String wanted) throws SQLException {
        Repository repository = repository(row);
        Digest subject = DigestCode.decode(row.getBytes(3));
        return ListCache.readReferrers(row.getBytes(4)).map(Referrers::descriptors).orElse(List.of()).stream()
                .filter(descriptor -> descriptor
                        .artifactType()
                        .filter(type -> type.contains(wanted))
                        .isPresent())
                .map(descriptor -> new FoundReferrer(repository, subject, descriptor))
                .toList();
    }

    private static boolean atMost(IndexReader reader, String rows, int most) throws SQLException {
        try (PreparedStatement count = reader.prepare("SELECT count(*) FROM (" + rows + " LIMIT " + (most + 1) + ")");
                ResultSet row = count.executeQuery()) {
            return row.next() && row.getLong(1) <= most;
        }
    }

    private static Repository repository(ResultSet row) throws SQLException {
        return new Repository(new RegistryHost(row.getString(1)), new RepositoryName(row.getString(2)));
    }

    private static PreparedStatement bound(PreparedStatement statement, Repository repository) throws SQLException {
        statement.setString(1, repository.registry().value());
        statement.setString(2, repository.name().value());
        return statement;
    }

    private interface Row<T> {
        T read(ResultSet row) throws SQLException;
    }

    private static <T> List<T> rows(PreparedStatement statement, Row<T> mapper) throws SQLException {
        try (ResultSet row = statement.executeQuery()) {
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
