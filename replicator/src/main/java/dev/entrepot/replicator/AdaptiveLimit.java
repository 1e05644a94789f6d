package dev.entrepot.replicator;

import dev.entrepot.replicator.graph.RequestLimit;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * How many uploads of blobs may be under way to one place, of all runs together. It adapts to the place, as TCP does to a network (RFC 5681): starting
 * with four, one more after each that succeeds until the place first asks for fewer requests, from then on one more after as many successes as may run at a
 * time; half as many after such an answer, but no more than once in 100 ms, since one overload refuses many. The small requests are limited by the
 * registry's client, which leaves out bodies that are streamed. Safe for all threads.
 */
final class AdaptiveLimit {
    private static final int FIRST = 4;
    private static final Duration BETWEEN_HALVINGS = Duration.ofMillis(100);

    private final int most;
    private final InstantSource clock;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition turn = lock.newCondition();
    private int allowed;
    private int running;
    private int successes;
    private boolean wasThrottled;
    private Instant halved = Instant.MIN;

    /**
     * With nothing under way.
     *
     * @param most uploads at a time that it never exceeds, at least 1
     */
    AdaptiveLimit(int most, InstantSource clock) {
        this.most = most;
        this.clock = clock;
        this.allowed = Math.min(FIRST, most);
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
                while (running >= allowed) {
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
            successes++;
            if (allowed < most && (!wasThrottled || successes >= allowed)) {
                allowed++;
                successes = 0;
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
            successes = 0;
            wasThrottled = true;
            Instant now = clock.instant();
            if (halved.equals(Instant.MIN) || !now.isBefore(halved.plus(BETWEEN_HALVINGS))) {
                halved = now;
                allowed = Math.max(1, allowed / 2);
            }
        } finally {
            lock.unlock();
        }
    }

    /** How many may be under way now. */
    int allowed() {
        lock.lock();
        try {
            return allowed;
        } finally {
            lock.unlock();
        }
    }
}
