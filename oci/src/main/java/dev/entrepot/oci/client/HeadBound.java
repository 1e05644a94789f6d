package dev.entrepot.oci.client;

import java.time.Duration;

/** Cuts a request whose answer has no complete head after a while: a socket bounds the time of each read, never that of all. Runs on a thread of its own until it is closed. */
final class HeadBound {
    private final Thread thread;
    private volatile boolean fired;

    /**
     * Starts to wait.
     *
     * @param longest how long all of it may take
     * @param cancel cuts the connection
     */
    HeadBound(Duration longest, Runnable cancel) {
        this.thread = Thread.ofVirtual().name("head bound").start(() -> {
            try {
                Thread.sleep(longest);
                fired = true;
                cancel.run();
            } catch (InterruptedException e) {
                // Closed: the head is there.
                return;
            }
        });
    }

    /** Whether it has cut the connection. */
    boolean hasFired() {
        return fired;
    }

    /** The head is there, or there is none. */
    void close() {
        thread.interrupt();
    }
}
