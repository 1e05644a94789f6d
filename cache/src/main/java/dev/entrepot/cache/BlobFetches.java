package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositorySource;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;

/**
 * The blobs on their way into the store, at most one fetch for each digest. Who may join a fetch is decided by the caller: this table knows
 * nothing of rights. Thread-safe.
 */
final class BlobFetches {
    /** A fetch, and whether it was under way before. */
    record Joined(BlobFetch fetch, boolean underWay) {}

    private final ConcurrentHashMap<Digest, BlobFetch> running = new ConcurrentHashMap<>();
    private final ContentStore store;
    private final BlobFetch.Keeper keeper;
    private final FetchSettings settings;
    private final CacheStatistics statistics;
    private final Executor executor;

    BlobFetches(
            ContentStore store,
            BlobFetch.Keeper keeper,
            FetchSettings settings,
            CacheStatistics statistics,
            Executor executor) {
        this.store = store;
        this.keeper = keeper;
        this.settings = settings;
        this.statistics = statistics;
        this.executor = executor;
    }

    /** Whether the digest is being fetched: such content must not be evicted. */
    boolean isRunning(Digest digest) {
        return running.containsKey(digest);
    }

    /** How many fetches are under way. */
    int count() {
        return running.size();
    }

    /**
     * Joins the fetch of this digest, or starts one from {@code upstream}. A fetch that was begun in the background for the same repository becomes urgent with the first
     * client that joins it.
     *
     * @param credential as {@link Readers#credential()}
     * @param urgent whether a client waits
     */
    Joined join(
            Digest digest,
            Repository repository,
            Optional<Object> credential,
            RepositorySource upstream,
            boolean urgent,
            OptionalLong declaredBytes,
            boolean named,
            Optional<BlobLimit> limit) {
        BlobFetch mine = new BlobFetch(
                digest,
                repository,
                credential,
                upstream,
                urgent,
                declaredBytes,
                named,
                limit,
                store,
                keeper,
                settings,
                statistics);
        BlobFetch other = running.putIfAbsent(digest, mine);
        if (other != null) {
            statistics.joined.increment();
            if (urgent && other.isFor(repository, credential)) {
                other.hurry(upstream);
            }
            return new Joined(other, true);
        }
        statistics.fills.increment();
        start(digest, mine);
        return new Joined(mine, false);
    }

    private void start(Digest digest, BlobFetch fetch) {
        try {
            executor.execute(() -> {
                try {
                    fetch.run();
                } finally {
                    running.remove(digest, fetch);
                }
            });
        } catch (RuntimeException e) {
            running.remove(digest, fetch);
            throw e;
        }
    }
}
