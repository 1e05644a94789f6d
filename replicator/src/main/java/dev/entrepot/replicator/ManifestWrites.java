package dev.entrepot.replicator;

import dev.entrepot.oci.Digest;
import dev.entrepot.replicator.graph.RequestLimit;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * Keeps manifests of one repository from being written again while another one that names them is taken in.
 * docker-registry empties the file by which it knows a manifest before it writes it anew, as it does when the manifest
 * gets a tag; who names it at that moment is refused with MANIFEST_BLOB_UNKNOWN. Writes of manifests that have nothing
 * to do with each other go side by side, but for a few that share a lock. Safe for all threads.
 *
 * <p>A lock is held for one request, and locks are taken in one order, so that no wait is circular and each is bounded
 * by the bounds of requests. It must be taken before the permit of a gate.
 */
final class ManifestWrites {
    // More than are ever written at one time, and few enough for every repository to have them.
    private static final int LOCKS = 1024;

    private final ConcurrentHashMap<Integer, ReadWriteLock> locks = new ConcurrentHashMap<>();

    /**
     * Writes a manifest when nobody else is writing it, anything that it names, or anything that names it.
     *
     * @param named what the manifest names
     * @throws InterruptedIOException if interrupted while waiting
     */
    <T> T write(Digest manifest, Collection<Digest> named, RequestLimit.Request<T> request) throws IOException {
        Map<Integer, Boolean> wanted = new TreeMap<>();
        named.forEach(digest -> wanted.put(number(digest), false));
        wanted.put(number(manifest), true);
        Deque<Lock> held = new ArrayDeque<>();
        try {
            for (Map.Entry<Integer, Boolean> entry : wanted.entrySet()) {
                ReadWriteLock lock = locks.computeIfAbsent(entry.getKey(), key -> new ReentrantReadWriteLock());
                Lock part = entry.getValue() ? lock.writeLock() : lock.readLock();
                part.lockInterruptibly();
                held.push(part);
            }
            return request.send();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while waiting to write " + manifest);
        } finally {
            held.forEach(Lock::unlock);
        }
    }

    private static int number(Digest digest) {
        return Math.floorMod(digest.hashCode(), LOCKS);
    }
}
