package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Repository;
import java.io.IOException;
import java.util.Optional;

/**
 * How content leaves the store and the index. For one thread at a time, which is the one that has the lock of the
 * {@link Evictor}; others may store the same content meanwhile.
 *
 * <p>The file goes first, then its row in the index. A crash in between leaves a row without a file: the store is
 * thought fuller than it is, until the index is compared with the files at the next start. The other order would leave
 * a file that nobody counts and nobody evicts. What is fetched again in that same moment, as either kind, is looked for
 * after its row is gone, and registered again.
 */
final class Removal {
    private final ContentStore store;
    private final CacheIndex index;
    private final EvictionCounts counts;

    /** From a store and its index, counted there. */
    Removal(ContentStore store, CacheIndex index, EvictionCounts counts) {
        this.store = store;
        this.index = index;
        this.counts = counts;
    }

    /**
     * Begins to remove a piece of content; whether it may go is asked after this, and {@link #remove} called, or not,
     * before it is closed. Who wants it kept has said so before, or waits: {@link FileChanges#awaitRemoval}.
     *
     * @throws IOException if the index is closed
     */
    FileChanges.Change begin(Digest digest) throws IOException {
        return store.changes().beginRemoval(digest);
    }

    /**
     * Deletes a piece of content.
     *
     * @return the bytes that are free by that: fewer than it had, if it was fetched again in this moment
     * @throws IOException if the disk refuses; what could not be deleted keeps its row
     */
    long remove(Candidate candidate, EvictionReason reason) throws IOException {
        Digest digest = candidate.digest();
        Optional<Repository> owner = index.contents().get(digest).flatMap(IndexedContent::owner);
        store.deleteBlob(digest);
        store.deleteManifest(digest);
        index.contents().removed(digest);
        Optional<StoredContent> back = store.findEither(candidate.kind(), digest);
        back.ifPresent(
                found -> index.contents().stored(digest, found.kind(), found.sizeBytes(), Optional.empty(), owner));
        counts.evicted(reason, candidate.bytes());
        return candidate.bytes() - back.map(StoredContent::sizeBytes).orElse(0L);
    }
}
