package dev.entrepot.replicator.events;

import dev.entrepot.replicator.RetryPolicy;
import dev.entrepot.replicator.Time;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;

/**
 * Delivers messages to one receiver, in order, on a thread of its own: each is repeated until the receiver answers 2xx,
 * at most so many times, and then dropped. Because those behind it wait, one goes sooner that
 *
 * <ul>
 *   <li>is refused a few times: 3xx (nothing is followed), 4xx, 501, 505, but not 408, 425 and 429;
 *   <li>meets another 5xx than 502, 503 and 504, while one behind it is taken: then the message is the reason, and not
 *       the receiver ({@link EventDelivery} says how that is found out, and what becomes of several in a row).
 * </ul>
 *
 * <p>A receiver that is out for longer than one message is repeated so loses one for each such time, and no more. What
 * does not fit into the queue (so many messages, 64 MiB) is dropped too, oldest first: a receiver that is down must not
 * cost memory. Nothing here is kept over restarts. Safe for all threads.
 */
public final class EventQueue implements AutoCloseable {
    private static final long MAX_BYTES = 64L * 1024 * 1024;

    private final int capacity;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Deque<Message> waiting = new ArrayDeque<>();
    private final Thread thread;
    private long waitingBytes;
    private long added;
    private boolean busy;
    private boolean closed;
    private long delivered;
    private long dropped;
    // When something was taken last, or when the first came of those that wait.
    private long progressNanos;

    /**
     * What is posted: told apart by identity.
     *
     * @param number greater than those of all that were added before
     */
    record Message(long number, String contentType, byte[] body) {}

    /** Hears of a receiver that takes nothing; is told on the thread that delivers. */
    public interface Listener {
        /** Nobody. */
        Listener NONE = new Listener() {
            @Override
            public void fails(String why) {}

            @Override
            public void takesAgain() {}
        };

        /**
         * A message was not taken in a few attempts, after one that was taken or as the first; not told of those that
         * follow.
         *
         * @param why what came of the last attempt
         */
        void fails(String why);

        /** A message was taken, after that. */
        void takesAgain();
    }

    /** As below, with nobody who hears of it. */
    public EventQueue(EventSink sink, int capacity, Optional<String> secret, RetryPolicy retries, Time time) {
        this(sink, capacity, secret, retries, time, Listener.NONE);
    }

    /**
     * Starts to deliver.
     *
     * @param capacity messages that may wait, at least 1; together at most 64 MiB, but one of any size
     * @param secret key of the signature header; unsigned without
     */
    public EventQueue(
            EventSink sink, int capacity, Optional<String> secret, RetryPolicy retries, Time time, Listener listener) {
        this.capacity = capacity;
        EventDelivery delivery = new EventDelivery(this, new EventPost(sink, secret), retries, time, listener);
        this.thread = Thread.ofVirtual().name("event-delivery").start(delivery::all);
    }

    /** Puts a message at the end of the queue; does not wait. */
    public void add(String contentType, byte[] body) {
        lock.lock();
        try {
            if (closed) {
                dropped++;
                return;
            }
            if (!busy && waiting.isEmpty()) {
                progressNanos = System.nanoTime();
            }
            while (!waiting.isEmpty() && (waiting.size() >= capacity || waitingBytes + body.length > MAX_BYTES)) {
                waitingBytes -= waiting.removeFirst().body().length;
                dropped++;
            }
            waiting.addLast(new Message(++added, contentType, body));
            waitingBytes += body.length;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Messages that the receiver took. */
    public long delivered() {
        lock.lock();
        try {
            return delivered;
        } finally {
            lock.unlock();
        }
    }

    /** Messages that were given up. */
    public long dropped() {
        lock.lock();
        try {
            return dropped;
        } finally {
            lock.unlock();
        }
    }

    /** Messages that are neither taken nor given up yet. */
    public int left() {
        lock.lock();
        try {
            return waiting.size() + (busy ? 1 : 0);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Waits until nothing waits any more, or something waits and nothing was taken for a time: however many messages
     * there are, a receiver that takes one after the other is waited for.
     *
     * @param without how long to wait without a message being taken
     * @return whether nothing waits any more
     */
    public boolean awaitEmpty(Duration without) throws InterruptedException {
        return await(() -> without.toNanos() - (System.nanoTime() - progressNanos));
    }

    /**
     * Waits until nothing waits any more, or a time has passed.
     *
     * @param deadlineNanos when, by {@link System#nanoTime()}
     * @return whether nothing waits any more
     */
    public boolean awaitEmptyUntil(long deadlineNanos) throws InterruptedException {
        return await(() -> deadlineNanos - System.nanoTime());
    }

    private boolean await(LongSupplier nanosLeft) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            while (busy || !waiting.isEmpty()) {
                long nanos = nanosLeft.getAsLong();
                if (nanos <= 0) {
                    return false;
                }
                changed.awaitNanos(nanos);
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Ends at once; what waits is lost. */
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            dropped += waiting.size();
            waiting.clear();
            waitingBytes = 0;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        thread.interrupt();
    }

    /** Waits for the first message and takes it out; none when closed. */
    Optional<Message> next() throws InterruptedException {
        lock.lockInterruptibly();
        try {
            while (waiting.isEmpty() && !closed) {
                changed.await();
            }
            Optional<Message> first = Optional.ofNullable(waiting.pollFirst());
            busy = first.isPresent();
            first.ifPresent(message -> waitingBytes -= message.body().length);
            return first;
        } finally {
            lock.unlock();
        }
    }

    /** Counts what {@link #next} gave as taken, or as given up. */
    void done(boolean taken) {
        lock.lock();
        try {
            if (busy) {
                count(taken);
            }
            busy = false;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** How many wait behind what {@link #next} gave. */
    int behind() {
        lock.lock();
        try {
            return waiting.size();
        } finally {
            lock.unlock();
        }
    }

    /** The first of those that wait and were added after one, whether that one still waits or not; it stays there. */
    Optional<Message> firstBehind(Message one) {
        lock.lock();
        try {
            return waiting.stream()
                    .filter(message -> message.number() > one.number())
                    .findFirst();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Takes out one of those that wait, and counts it as taken, or as given up; what had to make room meanwhile was
     * counted then.
     */
    void settle(Message settled, boolean taken) {
        lock.lock();
        try {
            if (waiting.removeIf(message -> message == settled)) {
                waitingBytes -= settled.body().length;
                count(taken);
            }
        } finally {
            lock.unlock();
        }
    }

    private void count(boolean taken) {
        delivered += taken ? 1 : 0;
        dropped += taken ? 0 : 1;
        if (taken) {
            progressNanos = System.nanoTime();
        }
    }
}
