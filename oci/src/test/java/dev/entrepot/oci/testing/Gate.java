package dev.entrepot.oci.testing;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A place where a server waits until the test lets it go on, and where the test can wait until a server has come to it.
 * Safe for all threads. Both waits are bounded, so that a forgotten gate ends a test instead of hanging it.
 */
public final class Gate {
    private static final long BOUND_SECONDS = 30;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private long arrivals;
    private long permits;
    private boolean open;

    /** Lets {@code steps} more arrivals through. */
    public void release(int steps) {
        lock.lock();
        try {
            permits += steps;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Lets all through, now and later. */
    public void open() {
        lock.lock();
        try {
            open = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** How many have come to the gate, through it or not. */
    public long arrivals() {
        lock.lock();
        try {
            return arrivals;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Waits until so many have come to the gate.
     *
     * @throws AssertionError if they do not come within 30 s
     */
    public void awaitArrivals(long count) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            long nanos = TimeUnit.SECONDS.toNanos(BOUND_SECONDS);
            while (arrivals < count) {
                if (nanos <= 0) {
                    throw new AssertionError(arrivals + " of " + count + " came to the gate");
                }
                nanos = changed.awaitNanos(nanos);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Comes to the gate and waits to be let through. */
    void pass() throws InterruptedException {
        lock.lockInterruptibly();
        try {
            arrivals++;
            changed.signalAll();
            long nanos = TimeUnit.SECONDS.toNanos(BOUND_SECONDS);
            while (!open && permits == 0) {
                if (nanos <= 0) {
                    throw new InterruptedException("nobody opened the gate");
                }
                nanos = changed.awaitNanos(nanos);
            }
            if (!open) {
                permits--;
            }
        } finally {
            lock.unlock();
        }
    }
}
