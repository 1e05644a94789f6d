package dev.entrepot.oci.testing;

import dev.entrepot.oci.Digest;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;

/** What a server was asked so far, in order of arrival. Safe for all threads. */
public final class Calls {
    private static final long BOUND_SECONDS = 30;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final List<RecordedCall> calls = new ArrayList<>();
    private int running;
    private int peak;

    /** All calls. */
    public List<RecordedCall> all() {
        return matching(request -> true);
    }

    /** The calls whose request matches. */
    public List<RecordedCall> matching(Predicate<Request> predicate) {
        lock.lock();
        try {
            return calls.stream().filter(call -> predicate.test(call.request())).toList();
        } finally {
            lock.unlock();
        }
    }

    /** How many requests match. */
    public int count(Predicate<Request> predicate) {
        return matching(predicate).size();
    }

    /** How many GET requests there were for the blob or manifest of that digest. */
    public int gets(Digest digest) {
        return count(Requests.get().and(Requests.of(digest)));
    }

    /** The body bytes that were sent in all answers. */
    public long bytesOut() {
        return all().stream().mapToLong(RecordedCall::bytesSent).sum();
    }

    /** The largest number of requests that were in work at one time. */
    public int peakConcurrency() {
        lock.lock();
        try {
            return peak;
        } finally {
            lock.unlock();
        }
    }

    /** Forgets all calls and the peak. */
    public void clear() {
        lock.lock();
        try {
            calls.clear();
            peak = running;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Waits until so many matching requests have arrived.
     *
     * @throws AssertionError if they do not within 30 s
     */
    public List<RecordedCall> await(int count, Predicate<Request> predicate) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            long nanos = TimeUnit.SECONDS.toNanos(BOUND_SECONDS);
            while (count(predicate) < count) {
                if (nanos <= 0) {
                    throw new AssertionError(count(predicate) + " of " + count + " requests came; all: " + calls);
                }
                nanos = changed.awaitNanos(nanos);
            }
            return matching(predicate);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Waits until no request is in work.
     *
     * @throws AssertionError if one still is after 30 s
     */
    public void awaitIdle() throws InterruptedException {
        lock.lockInterruptibly();
        try {
            long nanos = TimeUnit.SECONDS.toNanos(BOUND_SECONDS);
            while (running > 0) {
                if (nanos <= 0) {
                    throw new AssertionError(running + " requests are still in work; all: " + calls);
                }
                nanos = changed.awaitNanos(nanos);
            }
        } finally {
            lock.unlock();
        }
    }

    RecordedCall begin(Request request) {
        RecordedCall call = new RecordedCall(request);
        lock.lock();
        try {
            calls.add(call);
            running++;
            peak = Math.max(peak, running);
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        return call;
    }

    void end() {
        lock.lock();
        try {
            running--;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }
}
