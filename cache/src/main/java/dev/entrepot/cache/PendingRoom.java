package dev.entrepot.cache;

import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * How much may wait for {@link IndexWriter}, by the rough size in memory, counted in KiB of which each change takes one
 * at least. Safe for all threads.
 *
 * <p>There are two shares of the same size. The first is for what may be left out: links, tags, documents. Who finds
 * none waits a little while, unless somebody has waited in vain and nothing was written since. The second is filled by
 * what is noted in any case, a KiB for each change: what lies on the disk, since the sums go by it; pins; that a link
 * is proven for good, since somebody has gone by it; and that a tag or list is forgotten, which would come back. When
 * it is full, nothing more is to be stored.
 */
final class PendingRoom {
    private final int kib;
    private final Duration patience;
    private final Semaphore free;
    private final AtomicInteger contents = new AtomicInteger();
    private volatile boolean stuck;

    /**
     * Room of which nothing is taken.
     *
     * @param kib the size of each of the shares
     * @param patience how long somebody waits for the first of them
     */
    PendingRoom(int kib, Duration patience) {
        this.kib = kib;
        this.patience = patience;
        this.free = new Semaphore(kib);
    }

    /**
     * Takes room of the first share.
     *
     * @param mayWait whether to wait for it at all
     * @return whether there was room; it must be {@linkplain #release given back} then
     */
    boolean take(int bytes, boolean mayWait) throws InterruptedException {
        int permits = permits(bytes);
        if (free.tryAcquire(permits)) {
            return true;
        }
        if (!mayWait || stuck) {
            return false;
        }
        boolean taken = free.tryAcquire(permits, patience.toNanos(), TimeUnit.NANOSECONDS);
        // One pull makes many changes, and would wait for each.
        stuck = !taken;
        return taken;
    }

    /** Gives back what was {@linkplain #take taken}. */
    void release(int bytes) {
        free.release(permits(bytes));
    }

    private int permits(int bytes) {
        return Math.min(kib, (bytes + 1023) / 1024);
    }

    /** Notes a change of the second share. */
    void addContent() {
        contents.incrementAndGet();
    }

    /** Notes that one of these is written, or given up. */
    void removeContent() {
        contents.decrementAndGet();
    }

    /** Whether the second share is full, so that nothing more is to be stored. */
    boolean isFull() {
        return contents.get() >= kib;
    }

    /** Notes that something was written. */
    void moved() {
        stuck = false;
    }
}
