package dev.entrepot.cache;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes out of a damaged index what nobody else knows: the pins, with those of the {@link PinList}, and of pinned
 * repositories what their tags name and named and which referrers there are, so that a pin protects and serves what it
 * did before any upstream was asked. Each row must make sense, and what a tag names must be stored. Which content those
 * repositories have is not taken over but worked out anew from their manifests, whose digests are checked. All else can
 * be asked for again, and is not trusted.
 */
final class IndexSalvage {
    private static final Logger LOG = LoggerFactory.getLogger(IndexSalvage.class);

    private static final String OF_REPOSITORY =
            " WHERE repository = (SELECT id FROM repositories WHERE registry = ? AND name = ?)";

    /**
     * What was taken over.
     *
     * @param pins all pins that could be read, there or in the {@link PinList}
     * @param tags the tags of their repositories that could be
     */
    record Found(int pins, int tags) {
        /** Nothing, as of a file that is no database. */
        static final Found NOTHING = new Found(0, 0);
    }

    /** Makes a value of the row that the result stands on. */
    private interface Row<T> {
        T read(ResultSet row) throws SQLException;
    }

    private record NamedBy(Tag tag, TagRecord record) {}

    private record NamedBefore(Tag tag, TagHistory history) {}

    private record ReferredTo(Digest subject, KeptDocument document, List<Descriptor> referrers) {}

    private final StoreLayout layout;
    private final Connection damaged;
    private final IndexUpdates updates;

    private IndexSalvage(StoreLayout layout, Connection damaged, IndexUpdates updates) {
        this.layout = layout;
        this.damaged = damaged;
        this.updates = updates;
    }

    /**
     * Takes what can be read of the index of a store over into an empty one.
     *
     * @param empty of the present format; closed by the caller
     * @throws SQLException if the new one cannot be written
     */
    static Found run(StoreLayout layout, Connection empty) throws SQLException {
        // Closed by whoever opened the connection.
        IndexUpdates updates = new IndexUpdates(empty);
        updates.begin();
        Found found = Found.NOTHING;
        try (Opened damaged = Opened.of(layout)) {
            if (damaged.connection().isPresent()) {
                found = new IndexSalvage(layout, damaged.connection().get(), updates).run();
            }
        }
        updates.commit();
        return found;
    }

    /** A damaged index, if it can be opened at all. */
    private record Opened(Optional<Connection> connection) implements AutoCloseable {
        static Opened of(StoreLayout layout) {
            try {
                return new Opened(Optional.of(IndexDatabase.connect(layout.index(), true)));
            } catch (SQLException e) {
                LOG.debug("nothing can be read of the damaged index: {}", e.getMessage());
                return new Opened(Optional.empty());
            }
        }

        @Override
        public void close() {
            try {
                if (connection.isPresent()) {
                    connection.get().close();
                }
            } catch (SQLException e) {
                LOG.debug("the damaged index cannot be closed: {}", e.getMessage());
            }
        }
    }

    private Found run() throws SQLException {
        Map<Repository, Set<Digest>> pinned = new HashMap<>();
        Collection<Pin> pins = pins();
        for (Pin pin : pins) {
            updates.savePin(pin);
            Set<Digest> roots = pinned.computeIfAbsent(pin.repository(), same -> new LinkedHashSet<>());
            if (pin.reference() instanceof Digest digest) {
                roots.add(digest);
            }
        }
        int tags = 0;
        for (Map.Entry<Repository, Set<Digest>> entry : pinned.entrySet()) {
            tags += tags(entry.getKey(), entry.getValue());
            histories(entry.getKey(), entry.getValue());
            referrers(entry.getKey(), entry.getValue());
            link(entry.getKey(), entry.getValue());
        }
        return new Found(pins.size(), tags);
    }

    // Those that are only in the list need their tags no less, and those can only be read here.
    private Collection<Pin> pins() {
        Map<IndexTables.PinKey, Pin> pins = new LinkedHashMap<>();
        for (Pin pin : rows("pins", IndexReader.PINS, Optional.empty(), IndexReader::pinOf)) {
            pins.merge(new IndexTables.PinKey(pin.repository(), pin.reference()), pin, Pin::with);
        }
        try {
            for (Pin pin : new PinList(layout).read().orElse(List.of())) {
                pins.merge(new IndexTables.PinKey(pin.repository(), pin.reference()), pin, Pin::with);
            }
        } catch (IOException e) {
            // Said when it is written anew.
            LOG.debug("the list of pins cannot be used: {}", e.getMessage());
        }
        return pins.values();
    }

    private int tags(Repository repository, Set<Digest> roots) throws SQLException {
        int kept = 0;
        for (NamedBy named : rows(
                "tags",
                "SELECT tag, digest, checked_at, first_seen_at FROM tags" + OF_REPOSITORY,
                Optional.of(repository),
                row -> new NamedBy(
                        new Tag(row.getString(1)),
                        new TagRecord(DigestCode.decode(row.getBytes(2)), instant(row, 3), instant(row, 4))))) {
            if (isStored(named.record().digest())) {
                updates.saveTag(repository, named.tag(), named.record());
                roots.add(named.record().digest());
                kept++;
            }
        }
        return kept;
    }

    private void histories(Repository repository, Set<Digest> roots) throws SQLException {
        for (NamedBefore before : rows(
                "former tags",
                "SELECT tag, former FROM tag_history" + OF_REPOSITORY,
                Optional.of(repository),
                row -> new NamedBefore(new Tag(row.getString(1)), TagHistory.decode(row.getBytes(2))))) {
            updates.saveTagHistory(repository, before.tag(), before.history());
            before.history().former().stream().map(TagHistory.Former::digest).forEach(roots::add);
        }
    }

    private void referrers(Repository repository, Set<Digest> roots) throws SQLException {
        for (ReferredTo found : rows(
                "referrers",
                "SELECT subject, fetched_at, json FROM documents" + OF_REPOSITORY + " AND length(subject) > 0",
                Optional.of(repository),
                IndexSalvage::referredTo)) {
            updates.saveDocument(repository, Optional.of(found.subject()), found.document());
            found.referrers().stream()
                    .filter(Descriptor::isManifest)
                    .map(Descriptor::digest)
                    .forEach(roots::add);
        }
    }

    private static ReferredTo referredTo(ResultSet row) throws SQLException {
        KeptDocument document = new KeptDocument(row.getBytes(3), instant(row, 2));
        return new ReferredTo(
                DigestCode.decode(row.getBytes(1)),
                document,
                ListCache.readReferrers(document.json())
                        .orElseThrow(() -> new IllegalArgumentException("a list of referrers that is none"))
                        .descriptors());
    }

    // What the repository had because of its manifests: as when they were fetched.
    private void link(Repository repository, Set<Digest> roots) throws SQLException {
        Set<Digest> seen = new HashSet<>(roots);
        Deque<Digest> manifests = new ArrayDeque<>(roots);
        while (!manifests.isEmpty()) {
            for (Link link : links(manifests.remove())) {
                // Pinned here: where it came from is lost, and it is to be served without an upstream.
                updates.saveLink(repository, new Link(link.digest(), link.sizeBytes(), link.manifest()));
                if (link.manifest() && seen.add(link.digest())) {
                    manifests.add(link.digest());
                }
            }
        }
    }

    private List<Link> links(Digest digest) {
        if (!isStored(digest)) {
            return List.of();
        }
        try {
            byte[] bytes = ContentStore.readManifest(layout.content(ContentKind.MANIFEST, digest));
            return ManifestLinks.of(ManifestBytes.verified(MediaType.OCTET_STREAM, digest, bytes));
        } catch (NoSuchFileException e) {
            return List.of();
        } catch (IOException e) {
            LOG.warn("what is under manifest {} is asked for again: {}", digest, e.toString());
            return List.of();
        }
    }

    private boolean isStored(Digest digest) {
        return digest.algorithm().isVerifiable() && Files.isRegularFile(layout.content(ContentKind.MANIFEST, digest));
    }

    // Those that can be read and make sense.
    private <T> List<T> rows(String what, String sql, Optional<Repository> repository, Row<T> mapper) {
        List<T> found = new ArrayList<>();
        try (PreparedStatement statement = damaged.prepareStatement(sql)) {
            if (repository.isPresent()) {
                statement.setString(1, repository.get().registry().value());
                statement.setString(2, repository.get().name().value());
            }
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    read(what, row, mapper).ifPresent(found::add);
                }
            }
        } catch (SQLException e) {
            LOG.debug("the {} of the damaged index cannot all be read: {}", what, e.getMessage());
        }
        return found;
    }

    private static <T> Optional<T> read(String what, ResultSet row, Row<T> mapper) throws SQLException {
        try {
            return Optional.of(mapper.read(row));
        } catch (RuntimeException e) {
            LOG.warn("a row of the {} of the damaged index makes no sense: {}", what, e.getMessage());
            return Optional.empty();
        }
    }

    private static Instant instant(ResultSet row, int column) throws SQLException {
        return Instant.ofEpochMilli(row.getLong(column));
    }
}
