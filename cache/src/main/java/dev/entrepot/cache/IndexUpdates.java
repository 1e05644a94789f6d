package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.Platform;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Types;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** The changes to the database, on the one connection that writes. For one thread. */
final class IndexUpdates implements AutoCloseable {
    /** How the kinds are stored. */
    static final int BLOB = 0;
    /** As above. */
    static final int MANIFEST = 1;

    private static final long WEEK_MILLIS = 7L * 24 * 60 * 60 * 1000;

    private final Connection connection;
    private final PreparedStatement findRepository;
    private final PreparedStatement addRepository;
    private final PreparedStatement saveLink;
    private final PreparedStatement saveTag;
    private final PreparedStatement deleteTag;
    private final PreparedStatement saveTagHistory;
    private final PreparedStatement saveDocument;
    private final PreparedStatement deleteDocument;
    private final PreparedStatement deleteDocuments;
    private final PreparedStatement saveContent;
    private final PreparedStatement deleteContent;
    private final PreparedStatement touch;
    private final PreparedStatement saveMeta;
    private final PreparedStatement savePin;
    private final PreparedStatement deletePin;
    // Of this transaction only: a rollback takes them back.
    private final Map<Repository, Long> repositoryIds = new HashMap<>();

    /** Prepares the changes; the connection, in auto-commit mode, is closed with this object. */
    IndexUpdates(Connection connection) throws SQLException {
        this.connection = connection;
        findRepository = connection.prepareStatement("SELECT id FROM repositories WHERE registry = ? AND name = ?");
        addRepository = connection.prepareStatement(
                "INSERT INTO repositories (registry, name) VALUES (?, ?) ON CONFLICT DO NOTHING");
        saveLink = connection.prepareStatement(
                "INSERT INTO links (repository, digest, bytes, manifest, proven) VALUES (?, ?, ?, ?, ?)"
                        + " ON CONFLICT (repository, digest) DO UPDATE SET bytes = coalesce(excluded.bytes, bytes),"
                        + " manifest = excluded.manifest, proven = max(excluded.proven, proven)");
        saveTag = connection.prepareStatement(
                "INSERT OR REPLACE INTO tags (repository, tag, digest, checked_at, first_seen_at, media_type, bytes)"
                        + " VALUES (?, ?, ?, ?, ?, ?, ?)");
        deleteTag = connection.prepareStatement(
                "DELETE FROM tags WHERE repository = (SELECT id FROM repositories WHERE registry = ? AND name = ?) AND tag = ?");
        saveTagHistory = connection.prepareStatement(
                "INSERT OR REPLACE INTO tag_history (repository, tag, former) VALUES (?, ?, ?)");
        saveDocument = connection.prepareStatement(
                "INSERT OR REPLACE INTO documents (repository, subject, fetched_at, json) VALUES (?, ?, ?, ?)");
        deleteDocument = connection.prepareStatement("DELETE FROM documents WHERE repository ="
                + " (SELECT id FROM repositories WHERE registry = ? AND name = ?) AND subject = ?");
        deleteDocuments = connection.prepareStatement("DELETE FROM documents WHERE fetched_at < ?"
                + " AND repository NOT IN (SELECT repository FROM pins WHERE referrers)");
        saveContent = connection.prepareStatement(
                "INSERT INTO content (digest, kind, bytes, media_type, last_used, owner) VALUES (?, ?, ?, ?, ?, ?)"
                        + " ON CONFLICT (digest) DO UPDATE SET kind = excluded.kind, bytes = excluded.bytes,"
                        + " media_type = excluded.media_type, last_used = excluded.last_used,"
                        + " owner = coalesce(excluded.owner, owner)");
        deleteContent = connection.prepareStatement("DELETE FROM content WHERE digest = ?");
        // What was not used for a week has lost half of its uses; four bits are all that the policy counts.
        touch = connection.prepareStatement("UPDATE content SET uses = min(15, 1 + CASE WHEN ?1 - last_used > "
                + WEEK_MILLIS + " THEN uses / 2 ELSE uses END), last_used = max(last_used, ?1) WHERE digest = ?2");
        savePin = connection.prepareStatement(
                "INSERT OR REPLACE INTO pins (repository, reference, platforms, referrers, ruled) VALUES (?, ?, ?, ?, ?)");
        deletePin = connection.prepareStatement("DELETE FROM pins WHERE repository ="
                + " (SELECT id FROM repositories WHERE registry = ? AND name = ?) AND reference = ?");
        saveMeta = connection.prepareStatement("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)");
    }

    /** The same changes on the same connection, with statements that are whole; these are closed. */
    IndexUpdates preparedAgain() throws SQLException {
        IndexUpdates again = new IndexUpdates(connection);
        for (PreparedStatement statement : List.of(
                findRepository,
                addRepository,
                saveLink,
                saveTag,
                deleteTag,
                saveTagHistory,
                saveDocument,
                deleteDocument,
                deleteDocuments,
                saveContent,
                deleteContent,
                touch,
                saveMeta,
                savePin,
                deletePin)) {
            statement.close();
        }
        return again;
    }

    /** Adds a link; a size that is known stays known, and what is proven stays so. */
    void saveLink(Repository repository, Link link) throws SQLException {
        saveLink.setLong(1, id(repository));
        saveLink.setBytes(2, DigestCode.encode(link.digest()));
        if (link.sizeBytes().isPresent()) {
            saveLink.setLong(3, link.sizeBytes().getAsLong());
        } else {
            saveLink.setNull(3, Types.INTEGER);
        }
        saveLink.setBoolean(4, link.manifest());
        saveLink.setBoolean(5, link.proven());
        saveLink.executeUpdate();
    }

    /** Sets a tag. */
    void saveTag(Repository repository, Tag tag, TagRecord value) throws SQLException {
        saveTag.setLong(1, id(repository));
        saveTag.setString(2, tag.value());
        saveTag.setBytes(3, DigestCode.encode(value.digest()));
        saveTag.setLong(4, value.checkedAt().toEpochMilli());
        saveTag.setLong(5, value.firstSeenAt().toEpochMilli());
        if (value.descriptor().isPresent()) {
            saveTag.setString(6, value.descriptor().get().mediaType().value());
            saveTag.setLong(7, value.descriptor().get().sizeBytes());
        } else {
            saveTag.setNull(6, Types.VARCHAR);
            saveTag.setNull(7, Types.INTEGER);
        }
        saveTag.executeUpdate();
    }

    /** Forgets a tag. */
    void deleteTag(Repository repository, Tag tag) throws SQLException {
        deleteTag.setString(1, repository.registry().value());
        deleteTag.setString(2, repository.name().value());
        deleteTag.setString(3, tag.value());
        deleteTag.executeUpdate();
    }

    /** Sets what a tag named before. */
    void saveTagHistory(Repository repository, Tag tag, TagHistory value) throws SQLException {
        saveTagHistory.setLong(1, id(repository));
        saveTagHistory.setString(2, tag.value());
        saveTagHistory.setBytes(3, value.encode());
        saveTagHistory.executeUpdate();
    }

    /** Adds a pin, or changes what it covers. */
    void savePin(Pin pin) throws SQLException {
        savePin.setLong(1, id(pin.repository()));
        savePin.setString(2, pin.reference().toString());
        savePin.setString(3, pin.platforms().stream().map(Platform::toString).collect(Collectors.joining(",")));
        savePin.setBoolean(4, pin.referrers());
        savePin.setBoolean(5, pin.ruled());
        savePin.executeUpdate();
    }

    /** Takes a pin away. */
    void deletePin(Repository repository, ManifestReference reference) throws SQLException {
        deletePin.setString(1, repository.registry().value());
        deletePin.setString(2, repository.name().value());
        deletePin.setString(3, reference.toString());
        deletePin.executeUpdate();
    }

    /** Notes a number under a name. */
    void saveNumber(String name, long value) throws SQLException {
        saveMeta.setString(1, name);
        saveMeta.setLong(2, value);
        saveMeta.executeUpdate();
    }

    /** Keeps a document; no subject for a tag list. */
    void saveDocument(Repository repository, Optional<Digest> subject, KeptDocument value) throws SQLException {
        saveDocument.setLong(1, id(repository));
        saveDocument.setBytes(2, subject.map(DigestCode::encode).orElse(new byte[0]));
        saveDocument.setLong(3, value.fetchedAt().toEpochMilli());
        saveDocument.setBytes(4, value.json());
        saveDocument.executeUpdate();
    }

    /** Forgets a document; no subject for a tag list. */
    void deleteDocument(Repository repository, Optional<Digest> subject) throws SQLException {
        deleteDocument.setString(1, repository.registry().value());
        deleteDocument.setString(2, repository.name().value());
        deleteDocument.setBytes(3, subject.map(DigestCode::encode).orElse(new byte[0]));
        deleteDocument.executeUpdate();
    }

    /** Forgets the documents that are older, except where a pin stands on them. Returns how many. */
    int deleteDocumentsBefore(Instant time) throws SQLException {
        deleteDocuments.setLong(1, time.toEpochMilli());
        return deleteDocuments.executeUpdate();
    }

    /** Registers content, or changes what is known of it. */
    void saveContent(Digest digest, IndexedContent value) throws SQLException {
        saveContent.setBytes(1, DigestCode.encode(digest));
        saveContent.setInt(
                2,
                switch (value.kind()) {
                    case BLOB -> BLOB;
                    case MANIFEST -> MANIFEST;
                });
        saveContent.setLong(3, value.bytes());
        saveContent.setString(4, value.mediaType().map(MediaType::value).orElse(null));
        saveContent.setLong(5, value.lastUsed().toEpochMilli());
        if (value.owner().isPresent()) {
            saveContent.setLong(6, id(value.owner().get()));
        } else {
            saveContent.setNull(6, Types.INTEGER);
        }
        saveContent.executeUpdate();
    }

    /** Forgets content. */
    void deleteContent(Digest digest) throws SQLException {
        deleteContent.setBytes(1, DigestCode.encode(digest));
        deleteContent.executeUpdate();
    }

    /** Moves the last use of content forward, if it is known. */
    void touch(Digest digest, Instant time) throws SQLException {
        touch.setLong(1, time.toEpochMilli());
        touch.setBytes(2, DigestCode.encode(digest));
        touch.executeUpdate();
    }

    /** Notes whether the index was closed in good order. */
    void saveClean(boolean clean) throws SQLException {
        saveMeta.setString(1, IndexDatabase.CLEAN);
        saveMeta.setBoolean(2, clean);
        saveMeta.executeUpdate();
    }

    private long id(Repository repository) throws SQLException {
        Long known = repositoryIds.get(repository);
        if (known != null) {
            return known;
        }
        addRepository.setString(1, repository.registry().value());
        addRepository.setString(2, repository.name().value());
        addRepository.executeUpdate();
        findRepository.setString(1, repository.registry().value());
        findRepository.setString(2, repository.name().value());
        try (ResultSet row = findRepository.executeQuery()) {
            if (!row.next()) {
                throw new SQLException("repository " + repository + " was added and is not there");
            }
            long id = row.getLong(1);
            repositoryIds.put(repository, id);
            return id;
        }
    }

    /**
     * Begins a transaction. By hand: the driver's own way begins the next one with each commit, and holds the lock
     * while idle.
     */
    void begin() throws SQLException {
        repositoryIds.clear();
        run("BEGIN IMMEDIATE");
    }

    /**
     * Makes the changes of the transaction visible, all or none. They outlive the process; a power failure may undo the
     * last few.
     */
    void commit() throws SQLException {
        run("COMMIT");
    }

    /** Undoes the changes of the transaction. */
    void rollback() throws SQLException {
        run("ROLLBACK");
    }

    /** Folds the log into the database and forces it: what was committed outlives a power failure. */
    void checkpoint() throws SQLException {
        run("PRAGMA wal_checkpoint(TRUNCATE)");
    }

    private void run(String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    @Override
    public void close() throws SQLException {
        connection.close();
    }
}
