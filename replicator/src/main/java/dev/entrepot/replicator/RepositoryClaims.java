package dev.entrepot.replicator;

import dev.entrepot.oci.RepositoryName;
import java.io.InterruptedIOException;
import java.time.Duration;
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
 * one target, at most as long as that host's gate repeats requests and heeds {@code Retry-After}. Who prunes waits for
 * who copies, for a while in all, and asks the source nothing meanwhile: of two rules that share a repository one works
 * out what it would copy, and has it claimed, mostly when the other would delete, and each would turn the other away
 * again and again. Shared by all runs of this process. Safe for all threads.
 */
final class RepositoryClaims {
    private static final int PRUNED = -1;

    /** How long a run of a server or of a command waits, before it leaves what it would prune for the next. */
    static final Duration PATIENCE = Duration.ofSeconds(30);

    private final Duration patience;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition released = lock.newCondition();
    // How many copy into each; repositories that nobody claims are not in it.
    private final Map<Key, Integer> users = new HashMap<>();

    private record Key(String place, RepositoryName repository) {}

    /**
     * Nothing is claimed.
     *
     * @param patience how long a run that prunes one target waits in all
     */
    RepositoryClaims(Duration patience) {
        this.patience = patience;
    }

    /** How long a run that prunes one target waits in all. */
    Duration patience() {
        return patience;
    }

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
                    released.await();
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
            return pruning(key);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Claims a repository for pruning, as soon as nobody else writes to it.
     *
     * @param atMost how long that is waited for
     * @return empty if somebody still does
     * @throws InterruptedIOException if interrupted while waiting
     */
    Optional<Claim> pruning(String place, RepositoryName repository, Duration atMost) throws InterruptedIOException {
        Key key = new Key(place, repository);
        try {
            lock.lockInterruptibly();
            try {
                long left = atMost.toNanos();
                Optional<Claim> claim = pruning(key);
                while (claim.isEmpty() && left > 0) {
                    left = released.awaitNanos(left);
                    claim = pruning(key);
                }
                return claim;
            } finally {
                lock.unlock();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException(
                    "interrupted while waiting for who writes to " + repository + " of " + place);
        }
    }

    private Optional<Claim> pruning(Key key) {
        return users.putIfAbsent(key, PRUNED) == null ? Optional.of(new Claim(List.of(key))) : Optional.empty();
    }

    private void release(List<Key> keys) {
        lock.lock();
        try {
            keys.forEach(key -> users.computeIfPresent(key, (k, count) -> count > 1 ? count - 1 : null));
            released.signalAll();
        } finally {
            lock.unlock();
        }
    }
}
