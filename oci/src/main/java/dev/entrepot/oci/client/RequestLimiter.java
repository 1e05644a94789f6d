package dev.entrepot.oci.client;

import dev.entrepot.oci.AdaptiveWindow;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;

/**
 * Slots at one registry, for requests or for bodies of blobs. A quarter of them, at least one, is for interactive requests alone, and no
 * background request gets a slot while an interactive one waits. How many background requests run at a time adapts to the registry ({@link AdaptiveWindow}): it
 * asks for fewer by 429. Safe for all threads.
 */
final class RequestLimiter {
    private final int slots;
    private final AdaptiveWindow window;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition interactiveTurn = lock.newCondition();
    private final Condition backgroundTurn = lock.newCondition();
    private int running;
    private int runningBackground;
    private int waitingInteractive;

    /**
     * A limiter with all its slots free.
     *
     * @param slots requests, or bodies, at a time, at least 1
     */
    RequestLimiter(int slots, Clock clock) {
        this.slots = slots;
        this.window = new AdaptiveWindow(Math.max(1, slots - Math.max(1, slots / 4)), clock::millis);
    }

    /** A slot; given back once, by {@link #close}, from any thread. */
    final class Permit implements AutoCloseable {
        private final Priority priority;
        private final AtomicBoolean returned = new AtomicBoolean();

        private Permit(Priority priority) {
            this.priority = priority;
        }

        @Override
        public void close() {
            if (returned.compareAndSet(false, true)) {
                release(priority);
            }
        }
    }

    /**
     * Waits for a slot.
     *
     * @param longest how long
     * @return empty if there is none in time
     * @throws InterruptedException if the thread is interrupted while waiting
     */
    Optional<Permit> acquire(Priority priority, Duration longest) throws InterruptedException {
        return acquire(priority, longest, () -> 0);
    }

    /**
     * Waits for a slot as long as something moves.
     *
     * @param longest how long without progress
     * @param progress a number that changes as long as those that have slots get on
     * @return empty if there was neither a slot nor progress in time
     * @throws InterruptedException if the thread is interrupted while waiting
     */
    Optional<Permit> acquire(Priority priority, Duration longest, LongSupplier progress) throws InterruptedException {
        long nanos = longest.toNanos();
        long before = progress.getAsLong();
        boolean interactive = priority == Priority.INTERACTIVE;
        Condition turn = interactive ? interactiveTurn : backgroundTurn;
        lock.lockInterruptibly();
        try {
            waitingInteractive += interactive ? 1 : 0;
            try {
                while (!mayRun(interactive)) {
                    if (nanos <= 0) {
                        long now = progress.getAsLong();
                        if (now == before) {
                            return Optional.empty();
                        }
                        before = now;
                        nanos = longest.toNanos();
                    }
                    nanos = turn.awaitNanos(nanos);
                }
                running++;
                runningBackground += interactive ? 0 : 1;
                return Optional.of(new Permit(priority));
            } finally {
                waitingInteractive -= interactive ? 1 : 0;
                // Whoever leaves, with a slot or without, may have been what the others waited for.
                signalNext();
            }
        } finally {
            lock.unlock();
        }
    }

    private boolean mayRun(boolean interactive) {
        return running < slots && (interactive || waitingInteractive == 0 && runningBackground < window.size());
    }

    private void signalNext() {
        if (running < slots) {
            if (waitingInteractive > 0) {
                interactiveTurn.signal();
            } else if (runningBackground < window.size()) {
                backgroundTurn.signal();
            }
        }
    }

    private void release(Priority priority) {
        lock.lock();
        try {
            running--;
            runningBackground -= priority == Priority.BACKGROUND ? 1 : 0;
            signalNext();
        } finally {
            lock.unlock();
        }
    }

    /** Says that the registry answered a background request and was not over its limits. */
    void succeeded() {
        lock.lock();
        try {
            if (window.succeeded()) {
                signalNext();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Says that the registry answered a background request that this is not about: that counts as long as it never asked for fewer here. */
    void succeededElsewhere() {
        lock.lock();
        try {
            if (!window.wasThrottled() && window.succeeded()) {
                signalNext();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Says that the registry answered a request with 429. */
    void throttled() {
        lock.lock();
        try {
            window.throttled();
        } finally {
            lock.unlock();
        }
    }

    /** Whether an interactive request would have a slot at once. */
    boolean hasRoom() {
        lock.lock();
        try {
            return running < slots && waitingInteractive == 0;
        } finally {
            lock.unlock();
        }
    }

    /** How many background requests may run at a time now. */
    int window() {
        lock.lock();
        try {
            return window.size();
        } finally {
            lock.unlock();
        }
    }
}
