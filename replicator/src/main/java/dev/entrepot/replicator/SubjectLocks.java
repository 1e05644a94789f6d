package dev.entrepot.replicator;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.replicator.graph.RequestLimit;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;

/**
 * One writer per subject: registries, and the fallback tag more than any, lose referrers that are written at the same
 * time. Shared by all runs of this process. Under the lock there are requests to the one target, never waits for other
 * tasks. Safe for all threads.
 */
final class SubjectLocks {
    private final ConcurrentHashMap<Key, Held> locks = new ConcurrentHashMap<>();

    private record Key(String place, RepositoryName repository, Digest subject) {}

    private record Held(ReentrantLock lock, int users) {}

    /**
     * Does something as the only writer of the referrers of {@code subject}. A thread that is that already may do so
     * again.
     *
     * @param place where the repository is
     * @throws IOException as {@code work} does
     * @throws InterruptedIOException if interrupted while waiting
     */
    <T> T alone(String place, RepositoryName repository, Digest subject, RequestLimit.Request<T> work)
            throws IOException {
        Key key = new Key(place, repository, subject);
        ReentrantLock lock = locks.compute(
                        key,
                        (k, held) -> held == null
                                ? new Held(new ReentrantLock(true), 1)
                                : new Held(held.lock(), held.users() + 1))
                .lock();
        try {
            lock.lockInterruptibly();
            try {
                return work.send();
            } finally {
                lock.unlock();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while waiting to write the referrers of " + subject);
        } finally {
            locks.computeIfPresent(
                    key, (k, held) -> held.users() == 1 ? null : new Held(held.lock(), held.users() - 1));
        }
    }

    /** The number of subjects being written or waited for. */
    int size() {
        return locks.size();
    }
}
