package dev.entrepot.replicator;

import dev.entrepot.oci.AdaptiveWindow;
import dev.entrepot.oci.Meter;
import dev.entrepot.replicator.graph.RequestLimit;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * How many uploads of blobs may be under way to one place, of all runs together. It adapts to the place
 * ({@link AdaptiveWindow}). The small requests are limited by the registry's client, which leaves out bodies that are
 * streamed. Safe for all threads.
 *
 * <p>An upload that its rule's bandwidth holds back may take hours in which the place has next to nothing to do. Such
 * uploads are counted apart from the others, so that they keep none of those waiting, and a rule that has none under
 * way may always have one, so that they keep no such rule waiting.
 */
final class AdaptiveLimit {
    private final AdaptiveWindow window;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition turn = lock.newCondition();
    private final Condition pacedTurn = lock.newCondition();
    private int running;
    /** Uploads that are held back by a bandwidth, by whose that is. */
    private final Map<Meter, Integer> paced = new HashMap<>();

    private int runningPaced;

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
     * @param account whose bandwidth is used; {@link Meter#NONE} where there is no limit to it
     * @throws IOException as {@code upload} does
     * @throws InterruptedIOException if interrupted while waiting
     */
    <T> T send(Meter account, RequestLimit.Request<T> upload) throws IOException {
        enter(account);
        try {
            return upload.send();
        } finally {
            leave(account);
        }
    }

    private void enter(Meter account) throws InterruptedIOException {
        try {
            lock.lockInterruptibly();
            try {
                Condition waitedFor = account == Meter.NONE ? turn : pacedTurn;
                while (!mayEnter(account)) {
                    waitedFor.await();
                }
                count(account, 1);
            } finally {
                lock.unlock();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while waiting to upload");
        }
    }

    private boolean mayEnter(Meter account) {
        return account == Meter.NONE
                ? running < window.size()
                : runningPaced < window.size() || !paced.containsKey(account);
    }

    private void count(Meter account, int change) {
        if (account == Meter.NONE) {
            running += change;
        } else {
            runningPaced += change;
            paced.merge(account, change, AdaptiveLimit::sum);
        }
    }

    // A value of null takes the key away.
    private static @Nullable Integer sum(int before, int change) {
        return before + change == 0 ? null : Integer.valueOf(before + change);
    }

    private void leave(Meter account) {
        lock.lock();
        try {
            count(account, -1);
            if (account == Meter.NONE) {
                turn.signal();
            } else {
                // Not each of those who wait may have what this one had.
                pacedTurn.signalAll();
            }
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
                pacedTurn.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Allows so many at a time, if it does not allow more already.
     *
     * @param most uploads at a time that it never exceeds from now on
     */
    void allow(int most) {
        lock.lock();
        try {
            window.allow(most);
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
