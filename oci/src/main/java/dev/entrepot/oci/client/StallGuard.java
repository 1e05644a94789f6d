package dev.entrepot.oci.client;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Cuts a connection whose peer stops taking bytes: a socket bounds the time of a read, never that of a write. Watched
 * until it is closed.
 */
final class StallGuard implements OverdueWatch.Watched, AutoCloseable {
    private final OverdueWatch watch;
    private final long longestNanos;
    private final Runnable cancel;
    // Odd while a write is under way.
    private final AtomicLong steps = new AtomicLong();
    // What was seen last, and when it was seen first: for the thread of the watch alone.
    private long seen;
    private long sinceNanos = System.nanoTime();
    private volatile boolean fired;

    /**
     * Starts to watch.
     *
     * @param watch what looks at it
     * @param longest how long one write may take
     * @param cancel cuts the connection
     */
    StallGuard(OverdueWatch watch, Duration longest, Runnable cancel) {
        this.watch = watch;
        this.longestNanos = longest.toNanos();
        this.cancel = cancel;
        watch.add(this);
    }

    @Override
    public void look() {
        long step = steps.get();
        long now = System.nanoTime();
        if (step != seen) {
            seen = step;
            sinceNanos = now;
        } else if (!fired && step % 2 == 1 && now - sinceNanos >= longestNanos) {
            fired = true;
            boolean started = false;
            try {
                watch.start("overdue", cancel);
                started = true;
            } finally {
                // For want of memory for a thread it is cut when it is looked at next.
                fired = started;
            }
            watch.remove(this);
        }
    }

    void beforeWrite() {
        steps.incrementAndGet();
    }

    void afterWrite() {
        steps.incrementAndGet();
    }

    /** Whether it has cut the connection. */
    boolean hasFired() {
        return fired;
    }

    @Override
    public void close() {
        watch.remove(this);
    }
}
