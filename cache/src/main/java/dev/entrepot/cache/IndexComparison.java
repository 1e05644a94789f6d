package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Compares an index in use with the files of its store, and makes the index agree with them. Others may store, evict
 * and serve meanwhile. For an index that nobody uses yet there is {@link IndexReconciliation}.
 */
public final class IndexComparison {
    /**
     * What was found.
     *
     * @param registered files that the index did not know
     * @param forgotten rows without a file
     */
    public record Result(long registered, long forgotten) {}

    private final ContentStore store;
    private final CacheIndex index;
    private final StoreRepair repair;
    private long registered;
    private long forgotten;

    private IndexComparison(ContentStore store, CacheIndex index) {
        this.store = store;
        this.index = index;
        this.repair = new StoreRepair(store, index);
    }

    /**
     * Compares everything: about a second for 100 000 files.
     *
     * @throws IOException if the index or a folder cannot be read
     * @throws InterruptedIOException if the thread is interrupted
     */
    public static Result run(ContentStore store, CacheIndex index) throws IOException {
        IndexComparison comparison = new IndexComparison(store, index);
        for (DigestAlgorithm algorithm : StoreLayout.ALGORITHMS) {
            for (int shard = 0; shard < StoreLayout.SHARDS; shard++) {
                if (Thread.currentThread().isInterrupted()) {
                    throw new InterruptedIOException("the comparison of index and files was broken off");
                }
                comparison.compare(algorithm, shard);
            }
        }
        index.flush();
        index.agrees();
        return new Result(comparison.registered, comparison.forgotten);
    }

    // The rows first: what comes in between is looked at again, and a row without a file too.
    private void compare(DigestAlgorithm algorithm, int shard) throws IOException {
        Set<Digest> known = index.ask(reader -> reader.shard(algorithm, shard));
        Set<Digest> present = new HashSet<>();
        for (ContentKind kind : List.of(ContentKind.MANIFEST, ContentKind.BLOB)) {
            for (Digest digest : store.shard(kind, algorithm, shard)) {
                if (present.add(digest) && !known.contains(digest)) {
                    register(kind, digest);
                }
            }
        }
        for (Digest digest : known) {
            if (!present.contains(digest)) {
                forget(digest);
            }
        }
    }

    private void register(ContentKind kind, Digest digest) throws IOException {
        // What is being written registers itself.
        if (index.contents().isStored(digest) || store.ingests().isOpen(digest)) {
            return;
        }
        Optional<StoredContent> file = store.find(kind, digest);
        if (file.isPresent()) {
            index.contents().stored(digest, kind, file.get().sizeBytes(), Optional.empty());
            registered++;
        }
    }

    private void forget(Digest digest) throws IOException {
        Optional<IndexedContent> row = index.contents().get(digest);
        if (row.isPresent()) {
            repair.absent(row.get().kind(), digest);
            forgotten += index.contents().isStored(digest) ? 0 : 1;
        }
    }
}
