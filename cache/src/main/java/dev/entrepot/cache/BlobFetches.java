package dev.entrepot.cache;

import dev.entrepot.oci.Cause;
import dev.entrepot.oci.Causes;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositorySource;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;

/**
 * The blobs on their way into the store, at most one fetch for each digest. Who may join a fetch is decided by the
 * caller: this table knows nothing of rights. Thread-safe.
 */
final class BlobFetches {
    /** A fetch, and whether it was under way before. */
    record Joined(BlobFetch fetch, boolean underWay) {}

    /** A fetch under way, and the piece of work that it is to those who follow what it was begun for. */
    private record Running(BlobFetch fetch, Optional<Cause.Work> work) {
        static Running begun(BlobFetch fetch, Repository repository, Digest digest) {
            return new Running(
                    fetch,
                    Causes.current()
                            .map(cause -> cause.begin(
                                    "fill",
                                    Map.of(
                                            "entrepot.repository",
                                            repository.toString(),
                                            "entrepot.digest",
                                            digest.toString()))));
        }

        void run() {
            if (work.isEmpty()) {
                fetch.run();
                return;
            }
            try {
                Causes.call(work.get().cause(), () -> {
                    fetch.run();
                    return fetch;
                });
            } finally {
                work.get().ended(fetch.progress().failure());
            }
        }

        void joinedByThisThread() {
            work.ifPresent(begun -> Causes.current().ifPresent(cause -> cause.joins(begun.cause())));
        }
    }

    private final ConcurrentHashMap<Digest, Running> running = new ConcurrentHashMap<>();
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
     * Joins the fetch of this digest, or starts one from {@code upstream}. A fetch that was begun in the background for
     * the same repository becomes urgent with the first client that joins it.
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
        BlobFetch fetch = new BlobFetch(
                new WantedBlob(digest, repository, declaredBytes, named, limit),
                credential,
                upstream,
                urgent,
                store,
                keeper,
                settings,
                statistics);
        Running mine = Running.begun(fetch, repository, digest);
        Running other = running.putIfAbsent(digest, mine);
        while (other != null && other.fetch.progress().hasFailed()) {
            // Its file is closed, and its thread is about to take it away: nobody new is to fail by it.
            running.remove(digest, other);
            other = running.putIfAbsent(digest, mine);
        }
        if (other != null) {
            // What was begun for nothing is forgotten: it never ends.
            if (urgent && other.fetch.isFor(repository, credential)) {
                other.fetch.hurry(upstream);
            }
            return joined(other, repository);
        }
        statistics.fills.increment();
        start(digest, mine);
        return new Joined(fetch, false);
    }

    /** Joins the fetch of this digest if one is under way, and starts none. */
    Optional<Joined> joinRunning(Digest digest, Repository repository) {
        Running other = running.get(digest);
        if (other == null || other.fetch.progress().hasFailed()) {
            return Optional.empty();
        }
        return Optional.of(joined(other, repository));
    }

    private Joined joined(Running other, Repository repository) {
        statistics.joined.increment();
        other.joinedByThisThread();
        other.fetch.followers().joinedBy(repository);
        return new Joined(other.fetch, true);
    }

    private void start(Digest digest, Running mine) {
        boolean started = false;
        try {
            executor.execute(() -> {
                try {
                    mine.run();
                } finally {
                    running.remove(digest, mine);
                }
            });
            started = true;
        } finally {
            // Also for want of memory for a thread: else nobody could fetch it until a restart.
            if (!started) {
                running.remove(digest, mine);
                mine.fetch.progress().fail(new IOException("the fetch of blob " + digest + " could not be begun"));
            }
        }
    }
}
