package dev.entrepot.replicator;

import dev.entrepot.oci.RepositoryName;
import java.io.InterruptedIOException;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Who writes to which repositories of the targets: many runs may copy into one, or one run may prune it. What may be
 * deleted follows from what the journal knows of all tags there, and that is not everything while another run has found
 * something present that it has not yet put a tag on. Who copies waits for a prune in progress: for its requests to the
 * one target, at most as long as that host's gate repeats requests and heeds {@code Retry-After}. Who prunes never
 * waits, and asks the source nothing meanwhile. Shared by all runs of this process. Safe for all threads.
 */
final class RepositoryClaims {
    private static final int PRUNED = -1;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition pruned = lock.newCondition();
    // How many copy into each; repositories that nobody claims are not in it.
    private final Map<Key, Integer> users = new HashMap<>();

    private record Key(String place, RepositoryName repository) {}

    /** What is claimed of a target whose repositories have their content in common: all of it at once. */
    static final RepositoryName ALL = new RepositoryName("all");

    /** The right to write; ends, once, when it is closed. */
    final class Claim implements AutoCloseable {
        private final List<Key> keys;

        private Claim(List<Key> keys) {
            this.keys = keys;
        }

        @Override
        public void close() {
            release(keys);
        }
    }

    /**
     * Claims repositories for copying, all at once, as soon as none of them is being pruned.
     *
     * @param place where they are
     * @throws InterruptedIOException if interrupted while waiting
     */
    Claim copying(String place, Collection<RepositoryName> repositories) throws InterruptedIOException {
        List<Key> keys = repositories.stream()
                .distinct()
                .map(name -> new Key(place, name))
                .toList();
        try {
            lock.lockInterruptibly();
            try {
                while (keys.stream().anyMatch(key -> users.getOrDefault(key, 0) == PRUNED)) {
                    pruned.await();
                }
                keys.forEach(key -> users.merge(key, 1, Integer::sum));
            } finally {
                lock.unlock();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException(
                    "interrupted while waiting for a repository of " + place + " to be pruned");
        }
        return new Claim(keys);
    }

    /** Claims a repository for pruning, unless somebody else writes to it. */
    Optional<Claim> pruning(String place, RepositoryName repository) {
        Key key = new Key(place, repository);
        lock.lock();
        try {
            return users.putIfAbsent(key, PRUNED) == null ? Optional.of(new Claim(List.of(key))) : Optional.empty();
        } finally {
            lock.unlock();
        }
    }

    private void release(List<Key> keys) {
        lock.lock();
        try {
            keys.forEach(key -> users.computeIfPresent(key, (k, count) -> count > 1 ? count - 1 : null));
            pruned.signalAll();
        } finally {
            lock.unlock();
        }
    }
}
