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
 * Slots at one registry, for requests or for bodies of blobs. Where clients are served a quarter of them, at least one,
 * is for interactive requests alone, and no background request gets a slot while an interactive one waits. How many
 * background requests run at a time adapts to the registry ({@link AdaptiveWindow}): it asks for fewer by 429. What is
 * read at a pace is counted apart from the rest of the background ({@link PacedShares}), so that it never keeps that
 * waiting. Safe for all threads.
 */
final class RequestLimiter {
    private final int slots;
    private final int background;
    private final AdaptiveWindow window;
    private final PacedShares paced;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition interactiveTurn = lock.newCondition();
    private final Condition backgroundTurn = lock.newCondition();
    private final Condition pacedTurn = lock.newCondition();
    private int running;
    /** Of the background, without what is paced. */
    private int runningBackground;

    private int waitingInteractive;

    /**
     * A limiter with all its slots free, of which it keeps some for clients.
     *
     * @param slots requests, or bodies, at a time, at least 1
     */
    RequestLimiter(int slots, Clock clock) {
        this(slots, true, clock);
    }

    /**
     * A limiter with all its slots free.
     *
     * @param slots requests, or bodies, at a time, at least 1
     * @param servesClients whether some are kept for interactive requests
     */
    RequestLimiter(int slots, boolean servesClients, Clock clock) {
        this.slots = slots;
        this.background = servesClients ? Math.max(1, slots - Math.max(1, slots / 4)) : slots;
        this.window = new AdaptiveWindow(background, clock::millis);
        this.paced = new PacedShares(background);
    }

    /**
     * For whom there is a slot: somebody who waits, whoever has this account at a pace, or the rest of the background.
     */
    private sealed interface Taker {
        record Interactive() implements Taker {}

        record Paced(Object account) implements Taker {}

        record Background() implements Taker {}
    }

    /** A slot; given back once, by {@link #close}, from any thread. */
    final class Permit implements AutoCloseable {
        private final Taker taker;
        private final AtomicBoolean returned = new AtomicBoolean();

        private Permit(Taker taker) {
            this.taker = taker;
        }

        @Override
        public void close() {
            if (returned.compareAndSet(false, true)) {
                release(taker);
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
        return acquire(
                priority == Priority.INTERACTIVE ? new Taker.Interactive() : new Taker.Background(), longest, progress);
    }

    /**
     * As above, for something in the background that is read at a pace.
     *
     * @param account whose pace it is; equal for the same one
     */
    Optional<Permit> acquirePaced(Object account, Duration longest, LongSupplier progress) throws InterruptedException {
        return acquire(new Taker.Paced(account), longest, progress);
    }

    private Optional<Permit> acquire(Taker taker, Duration longest, LongSupplier progress) throws InterruptedException {
        long nanos = longest.toNanos();
        long before = progress.getAsLong();
        Condition turn = turn(taker);
        lock.lockInterruptibly();
        try {
            waits(taker);
            try {
                while (!mayRun(taker)) {
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
                took(taker);
                return Optional.of(new Permit(taker));
            } finally {
                waitsNoLonger(taker);
                // Whoever leaves, with a slot or without, may have been what the others waited for.
                signalNext();
            }
        } finally {
            lock.unlock();
        }
    }

    private Condition turn(Taker taker) {
        return switch (taker) {
            case Taker.Interactive() -> interactiveTurn;
            case Taker.Background() -> backgroundTurn;
            case Taker.Paced(Object account) -> pacedTurn;
        };
    }

    private void waits(Taker taker) {
        switch (taker) {
            case Taker.Interactive() -> waitingInteractive++;
            case Taker.Paced(Object account) -> paced.waits(account);
            case Taker.Background() -> {}
        }
    }

    private void waitsNoLonger(Taker taker) {
        switch (taker) {
            case Taker.Interactive() -> waitingInteractive--;
            case Taker.Paced(Object account) -> paced.waitsNoLonger(account);
            case Taker.Background() -> {}
        }
    }

    private boolean mayRun(Taker taker) {
        return running < slots
                && switch (taker) {
                    case Taker.Interactive() -> true;
                    case Taker.Background() -> mayRunInBackground() && runningBackground < window.size();
                    case Taker.Paced(Object account) -> mayRunInBackground() && paced.mayHave(account, window.size());
                };
    }

    private boolean mayRunInBackground() {
        return waitingInteractive == 0 && runningBackground + paced.all() < background;
    }

    private void took(Taker taker) {
        running++;
        switch (taker) {
            case Taker.Interactive() -> {}
            case Taker.Background() -> runningBackground++;
            case Taker.Paced(Object account) -> paced.took(account);
        }
    }

    private void signalNext() {
        if (running < slots) {
            if (waitingInteractive > 0) {
                interactiveTurn.signal();
                return;
            }
            // Whose turn it is depends on what each has, so that they see for themselves, those who came first before
            // others. They may have few, and so look before the rest, who may have many.
            if (paced.isWaitedFor()) {
                pacedTurn.signalAll();
            }
            if (runningBackground < window.size()) {
                backgroundTurn.signal();
            }
        }
    }

    private void release(Taker taker) {
        lock.lock();
        try {
            running--;
            switch (taker) {
                case Taker.Interactive() -> {}
                case Taker.Background() -> runningBackground--;
                case Taker.Paced(Object account) -> paced.returned(account);
            }
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

    /**
     * Says that the registry answered a background request that this is not about: that counts as long as it never
     * asked for fewer here.
     */
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
