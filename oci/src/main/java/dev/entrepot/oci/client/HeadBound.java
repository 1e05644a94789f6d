package dev.entrepot.oci.client;

import java.time.Duration;

/**
 * Cuts a request whose answer has no complete head after a while: a socket bounds the time of each read, never that of
 * all. Watched until it is closed.
 */
final class HeadBound implements OverdueWatch.Watched {
    private final OverdueWatch watch;
    private final long longestNanos;
    private final Runnable cancel;
    private final long startNanos = System.nanoTime();
    private volatile boolean fired;

    /**
     * Starts to wait.
     *
     * @param watch what looks at it
     * @param longest how long all of it may take
     * @param cancel cuts the connection
     */
    HeadBound(OverdueWatch watch, Duration longest, Runnable cancel) {
        this.watch = watch;
        this.longestNanos = longest.toNanos();
        this.cancel = cancel;
        watch.add(this);
    }

    @Override
    public void look() {
        if (!fired && System.nanoTime() - startNanos >= longestNanos) {
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

    /** Whether it has cut the connection. */
    boolean hasFired() {
        return fired;
    }

    /** The head is there, or there is none. */
    void close() {
        watch.remove(this);
    }
}
