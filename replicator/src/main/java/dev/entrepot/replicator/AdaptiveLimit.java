package dev.entrepot.replicator;

import dev.entrepot.oci.AdaptiveWindow;
import dev.entrepot.replicator.graph.RequestLimit;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * How many uploads of blobs may be under way to one place, of all runs together. It adapts to the place ({@link AdaptiveWindow}). The small requests are limited by the
 * registry's client, which leaves out bodies that are streamed. Safe for all threads.
 */
final class AdaptiveLimit {
    private final AdaptiveWindow window;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition turn = lock.newCondition();
    private int running;

    /**
     * With nothing under way.
     *
     * @param most uploads at a time that it never exceeds, at least 1
     * @param time whose steady part counts
     */
    AdaptiveLimit(int most, Time time) {
        this.window = new AdaptiveWindow(
                most, () -> TimeUnit.NANOSECONDS.toMillis(time.nanoTime().getAsLong()));
    }

    /**
     * Uploads when it is its turn.
     *
     * @throws IOException as {@code upload} does
     * @throws InterruptedIOException if interrupted while waiting
     */
    <T> T send(RequestLimit.Request<T> upload) throws IOException {
        enter();
        try {
            return upload.send();
        } finally {
            leave();
        }
    }

    private void enter() throws InterruptedIOException {
        try {
            lock.lockInterruptibly();
            try {
                while (running >= window.size()) {
                    turn.await();
                }
                running++;
            } finally {
                lock.unlock();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while waiting to upload");
        }
    }

    private void leave() {
        lock.lock();
        try {
            running--;
            turn.signal();
        } finally {
            lock.unlock();
        }
    }

    /** Says that an upload has ended well. */
    void succeeded() {
        lock.lock();
        try {
            if (window.succeeded()) {
                turn.signal();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Says that the place asked for fewer requests. */
    void throttled() {
        lock.lock();
        try {
            window.throttled();
        } finally {
            lock.unlock();
        }
    }

    /** How many may be under way now. */
    int allowed() {
        lock.lock();
        try {
            return window.size();
        } finally {
            lock.unlock();
        }
    }
}
