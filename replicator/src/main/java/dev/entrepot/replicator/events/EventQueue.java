package dev.entrepot.replicator.events;

import dev.entrepot.replicator.RetryPolicy;
import dev.entrepot.replicator.Time;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;

/**
 * Delivers messages to one receiver, in order, on a thread of its own: each is repeated until the receiver answers 2xx,
 * at most so many times, and then dropped. Only a few times, because those behind it wait, goes one that
 *
 * <ul>
 *   <li>is refused: 3xx (nothing is followed), 4xx, 501, 505, but not 408, 425 and 429;
 *   <li>meets another 5xx than 502, 503 and 504 just after another was taken: then the message is more likely to be the
 *       reason than the receiver. Where it was the receiver that had gone, one is lost so, and the next is tried for long.
 * </ul>
 *
 * <p>What does not fit into the queue (so many messages, 64 MiB) is dropped too, oldest first: a receiver that is down
 * must not cost memory. Nothing here is kept over restarts. Safe for all threads.
 */
public final class EventQueue implements AutoCloseable {
    // After so many the listener hears of it, and a refusal is believed.
    private static final int FEW_ATTEMPTS = 4;
    // The receiver is not there, or not now.
    private static final Set<Integer> PASSING = Set.of(408, 425, 429, 502, 503, 504);
    private static final Set<Integer> NEVER = Set.of(501, 505);
    private static final long MAX_BYTES = 64L * 1024 * 1024;

    private final EventSink sink;
    private final RetryPolicy retries;
    private final Time time;
    private final int capacity;
    private final Optional<String> secret;
    private final Listener listener;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Deque<Message> waiting = new ArrayDeque<>();
    private final Thread thread;
    // Of the thread that delivers: what it has told the listener, and whether the message before this one was taken.
    private boolean failing;
    private boolean tookTheLast;
    private long waitingBytes;
    private boolean busy;
    private boolean closed;
    private long delivered;
    private long dropped;
    // When something was taken last, or when the first came of those that wait.
    private long progressNanos;

    private record Message(String contentType, byte[] body) {}

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
         * A message was not taken in a few attempts, after one that was taken or as the first; not told of those that follow.
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
        this.listener = listener;
        this.sink = sink;
        this.capacity = capacity;
        this.secret = secret;
        this.retries = retries;
        this.time = time;
        this.thread = Thread.ofVirtual().name("event-delivery").start(this::deliverAll);
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
            waiting.addLast(new Message(contentType, body));
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

    private void deliverAll() {
        try {
            while (true) {
                Optional<Message> message = next();
                if (message.isEmpty()) {
                    return;
                }
                boolean taken = deliver(message.get());
                if (taken && failing) {
                    failing = false;
                    listener.takesAgain();
                }
                tookTheLast = taken;
                done(taken);
            }
        } catch (InterruptedException e) {
            done(false);
        }
    }

    private Optional<Message> next() throws InterruptedException {
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

    private void done(boolean taken) {
        lock.lock();
        try {
            if (busy) {
                delivered += taken ? 1 : 0;
                dropped += taken ? 0 : 1;
            }
            if (taken) {
                progressNanos = System.nanoTime();
            }
            busy = false;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private boolean deliver(Message message) throws InterruptedException {
        Map<String, String> headers = new LinkedHashMap<>();
        headers.put("Content-Type", message.contentType());
        secret.ifPresent(
                key -> headers.put(EventFormats.SIGNATURE_HEADER, EventFormats.signature(message.body(), key)));
        int few = Math.min(FEW_ATTEMPTS, retries.attempts());
        for (int attempt = 1; attempt <= retries.attempts(); attempt++) {
            if (attempt > 1) {
                time.sleeper().sleep(retries.pause(attempt - 1));
            }
            boolean refused = false;
            String failure;
            try {
                int status = sink.post(headers, message.body());
                if (status >= 200 && status < 300) {
                    return true;
                }
                refused = isRefusal(status);
                failure = "it answered " + status;
            } catch (IOException | RuntimeException e) {
                // The next attempt. One message is never the end of the thread.
                failure = String.valueOf(e.getMessage());
            }
            if (Thread.interrupted()) {
                // Closed: what came of this attempt says nothing of the receiver.
                throw new InterruptedException("closed while a message was delivered");
            }
            if (attempt >= few) {
                tell(failure);
                if (refused) {
                    return false;
                }
            }
        }
        return false;
    }

    private boolean isRefusal(int status) {
        boolean serverError = status / 100 == 5 && !NEVER.contains(status);
        return !PASSING.contains(status) && (!serverError || tookTheLast);
    }

    private void tell(String failure) {
        if (!failing) {
            failing = true;
            listener.fails(failure);
        }
    }
}
