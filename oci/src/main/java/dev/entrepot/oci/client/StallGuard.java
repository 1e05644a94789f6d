package dev.entrepot.oci.client;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Cuts a connection whose peer stops taking bytes: a socket bounds the time of a read, never that of a write. Runs on a thread of its own
 * until it is closed.
 */
final class StallGuard implements AutoCloseable {
    // Odd while a write is under way.
    private final AtomicLong steps = new AtomicLong();
    private final Thread thread;
    private volatile boolean fired;

    /**
     * Starts to watch.
     *
     * @param longest how long one write may take
     * @param cancel cuts the connection
     */
    StallGuard(Duration longest, Runnable cancel) {
        this.thread = Thread.ofVirtual().name("stall guard").start(() -> watch(longest, cancel));
    }

    private void watch(Duration longest, Runnable cancel) {
        try {
            while (true) {
                long before = steps.get();
                Thread.sleep(longest);
                if (before % 2 == 1 && steps.get() == before) {
                    fired = true;
                    cancel.run();
                    return;
                }
            }
        } catch (InterruptedException e) {
            // Closed: nothing to watch any more.
            return;
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
        thread.interrupt();
    }
}
