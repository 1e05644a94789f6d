package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import java.io.IOException;
import java.sql.SQLException;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes the index agree with the files after it was not closed in good order, or was made anew. A file is published
 * before the index hears of it, and deleted before the index forgets it, so after a crash either may know of what the
 * other does not. The files are right.
 *
 * <p>Folder by folder, so that memory holds a 256th part of the digests, and a file is only looked at if the index does
 * not know it.
 */
final class IndexReconciliation {
    private static final Logger LOG = LoggerFactory.getLogger(IndexReconciliation.class);

    private final ContentStore store;
    private final IndexReaders readers;
    private final IndexUpdates updates;
    private long added;
    private long removed;

    private IndexReconciliation(ContentStore store, IndexReaders readers, IndexUpdates updates) {
        this.store = store;
        this.readers = readers;
        this.updates = updates;
    }

    /** Runs to the end, before anybody else writes to the database. */
    static void run(ContentStore store, IndexReaders readers, IndexUpdates updates) throws IOException {
        var reconciliation = new IndexReconciliation(store, readers, updates);
        try {
            reconciliation.run();
        } catch (SQLException e) {
            throw new IOException(
                    "the index cannot be compared with the files of the store: " + e.getMessage()
                            + IndexDatabase.remedy(e, store.layout()),
                    e);
        }
    }

    private void run() throws IOException, SQLException {
        for (DigestAlgorithm algorithm : StoreLayout.ALGORITHMS) {
            for (int shard = 0; shard < StoreLayout.SHARDS; shard++) {
                compare(algorithm, shard);
            }
        }
        if (added + removed > 0) {
            LOG.info("the index was compared with the files: {} registered, {} forgotten", added, removed);
        }
    }

    private void compare(DigestAlgorithm algorithm, int shard) throws IOException, SQLException {
        Set<Digest> known = readers.ask(reader -> reader.shard(algorithm, shard));
        List<Digest> blobs = store.shard(ContentKind.BLOB, algorithm, shard);
        List<Digest> manifests = store.shard(ContentKind.MANIFEST, algorithm, shard);
        if (known.isEmpty() && blobs.isEmpty() && manifests.isEmpty()) {
            // All of a new store is like this, and each transaction costs a start some time.
            return;
        }
        updates.begin();
        update(known, blobs, manifests);
        updates.commit();
    }

    private void update(Set<Digest> known, List<Digest> blobs, List<Digest> manifests)
            throws IOException, SQLException {
        Set<Digest> present = new HashSet<>();
        for (Digest digest : manifests) {
            register(ContentKind.MANIFEST, digest, known, present);
        }
        for (Digest digest : blobs) {
            register(ContentKind.BLOB, digest, known, present);
        }
        for (Digest digest : known) {
            if (!present.contains(digest)) {
                updates.deleteContent(digest);
                removed++;
            }
        }
    }

    private void register(ContentKind kind, Digest digest, Set<Digest> known, Set<Digest> present)
            throws IOException, SQLException {
        if (!present.add(digest) || known.contains(digest)) {
            return;
        }
        Optional<StoredContent> file = store.find(kind, digest);
        if (file.isPresent()) {
            StoredContent found = file.get();
            updates.saveContent(
                    digest, new IndexedContent(kind, found.sizeBytes(), Optional.empty(), found.lastModified()));
            added++;
        }
    }
}
