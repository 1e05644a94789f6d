package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Repository;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * The lists that a {@link CacheIndex} keeps as documents: the tag list of a repository, and the referrers of a digest.
 * Each is forgotten after 30 days at the latest. Safe for all threads.
 */
public final class ListRecords {
    /** How long a list is kept. */
    static final Duration LIFE = Duration.ofDays(30);

    private final WriteBehind<IndexTables.DocumentKey, KeptDocument> documents;
    private final IndexWriter writer;
    private final StoredContents contents;
    private final Clock clock;

    /**
     * The lists of a database.
     *
     * @param contents has the one who hears of referrers that change
     * @param clock says which lists are old
     */
    ListRecords(
            WriteBehind<IndexTables.DocumentKey, KeptDocument> documents,
            IndexWriter writer,
            StoredContents contents,
            Clock clock) {
        this.documents = documents;
        this.writer = writer;
        this.contents = contents;
        this.clock = clock;
    }

    /** The tag list that is kept for a repository. */
    public Optional<KeptDocument> tags(Repository repository) {
        return documents.get(new IndexTables.DocumentKey(repository, Optional.empty()));
    }

    /** Keeps a tag list. */
    public void putTags(Repository repository, KeptDocument document) {
        documents.put(new IndexTables.DocumentKey(repository, Optional.empty()), Optional.of(document));
    }

    /** Forgets the tag list of a repository. */
    public void removeTags(Repository repository) {
        documents.remove(new IndexTables.DocumentKey(repository, Optional.empty()));
    }

    /** The referrers list that is kept for a subject. */
    public Optional<KeptDocument> referrers(Repository repository, Digest subject) {
        return documents.get(new IndexTables.DocumentKey(repository, Optional.of(subject)));
    }

    /** Keeps a referrers list. */
    public void putReferrers(Repository repository, Digest subject, KeptDocument document) {
        AtomicReference<@Nullable KeptDocument> replaced = new AtomicReference<>();
        documents.merge(new IndexTables.DocumentKey(repository, Optional.of(subject)), known -> {
            replaced.set(known.orElse(null));
            return Optional.of(document);
        });
        // The same list comes again and again: lists are fresh for a minute, and clients ask after each.
        KeptDocument before = replaced.get();
        if (before == null || !ListCache.nameTheSame(before, document)) {
            contents.watcher().changed(repository, subject);
        }
    }

    /** Forgets the referrers of a digest. */
    public void removeReferrers(Repository repository, Digest subject) {
        documents.remove(new IndexTables.DocumentKey(repository, Optional.of(subject)));
    }

    /** Has the lists forgotten that are older than they are kept, behind what was put before. */
    void forgetOld() {
        writer.enqueue(new OldLists(clock.instant().minus(LIFE)));
    }

    private record OldLists(Instant before) implements IndexChange {
        @Override
        public int admittedBytes() {
            return 0;
        }

        @Override
        public void save(IndexUpdates updates) throws SQLException {
            updates.deleteDocumentsBefore(before);
        }

        @Override
        public void settled() {}
    }
}
