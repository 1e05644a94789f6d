package dev.entrepot.proxy.tracing;

import io.opentelemetry.context.Context;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.trace.ReadWriteSpan;
import io.opentelemetry.sdk.trace.ReadableSpan;
import io.opentelemetry.sdk.trace.SpanProcessor;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ended spans on their way to the receiver: some seconds later and many at a time, by one thread. A span costs a
 * request a place in the queue and nothing else; where there is none left, and where a batch cannot be delivered, spans
 * are dropped and counted. Thread-safe. (The library's own processor tells its counts only to the library's metrics,
 * which would be as large again as all the rest.)
 */
final class SpanQueue implements SpanProcessor {
    /** The most spans that wait. */
    static final int CAPACITY = 4096;

    private static final int BATCH = 512;
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(2);
    private static final Duration DELIVERY = Duration.ofSeconds(15);
    private static final Duration LAST_SPANS = Duration.ofSeconds(5);
    private static final Logger LOG = LoggerFactory.getLogger(SpanQueue.class);

    private final SpanExporter exporter;
    private final String receiver;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final ArrayDeque<ReadableSpan> waiting = new ArrayDeque<>();
    private boolean closed;
    private boolean failing;
    private final LongAdder delivered = new LongAdder();
    private final LongAdder overflown = new LongAdder();
    private final LongAdder undelivered = new LongAdder();
    private final Thread thread;

    /**
     * A queue that delivers by the exporter, which it closes.
     *
     * @param receiver what messages call the receiver
     */
    SpanQueue(SpanExporter exporter, String receiver) {
        this.exporter = exporter;
        this.receiver = receiver;
        this.thread = Thread.ofVirtual().name("traces").start(this::deliverAll);
    }

    /** Spans that the receiver has taken. */
    long delivered() {
        return delivered.sum();
    }

    /** Spans that were dropped because the queue was full. */
    long overflown() {
        return overflown.sum();
    }

    /** Spans that were dropped because the receiver did not take them. */
    long undelivered() {
        return undelivered.sum();
    }

    /** Spans that wait. */
    int waiting() {
        lock.lock();
        try {
            return waiting.size();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void onStart(Context parent, ReadWriteSpan span) {
        // Only ended spans are of interest.
    }

    @Override
    public boolean isStartRequired() {
        return false;
    }

    @Override
    public void onEnd(ReadableSpan span) {
        if (!span.getSpanContext().isSampled()) {
            return;
        }
        lock.lock();
        try {
            if (closed || waiting.size() >= CAPACITY) {
                overflown.increment();
                return;
            }
            waiting.add(span);
            // The first makes the thread wait for more, and a full batch ends its waiting.
            if (waiting.size() == 1 || waiting.size() == BATCH) {
                changed.signal();
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public boolean isEndRequired() {
        return true;
    }

    private void deliverAll() {
        try {
            List<ReadableSpan> batch = take();
            while (!batch.isEmpty()) {
                deliver(batch);
                batch = take();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** The next batch; empty at the end. */
    private List<ReadableSpan> take() throws InterruptedException {
        lock.lock();
        try {
            while (waiting.isEmpty() && !closed) {
                changed.await();
            }
            long left = LONGEST_WAIT.toNanos();
            while (waiting.size() < BATCH && !closed && left > 0) {
                left = changed.awaitNanos(left);
            }
            List<ReadableSpan> batch = new ArrayList<>(Math.min(BATCH, waiting.size()));
            while (batch.size() < BATCH && !waiting.isEmpty()) {
                batch.add(waiting.remove());
            }
            return batch;
        } finally {
            lock.unlock();
        }
    }

    private void deliver(List<ReadableSpan> batch) {
        CompletableResultCode result;
        try {
            List<SpanData> data = batch.stream().map(ReadableSpan::toSpanData).toList();
            result = exporter.export(data).join(DELIVERY.toMillis(), TimeUnit.MILLISECONDS);
        } catch (RuntimeException | LinkageError e) {
            // Also what a part that is missing from the runtime throws: no other thread delivers.
            result = CompletableResultCode.ofExceptionalFailure(e);
        }
        if (result.isSuccess()) {
            delivered.add(batch.size());
            if (failing) {
                LOG.info("spans are delivered to {} again", receiver);
            }
        } else {
            undelivered.add(batch.size());
            if (!failing) {
                LOG.warn("spans cannot be delivered to {} and are dropped: {}", receiver, cause(result));
            }
        }
        failing = !result.isSuccess();
    }

    private static String cause(CompletableResultCode result) {
        Throwable cause = result.getFailureThrowable();
        return cause == null ? "no answer, or one that refuses them" : cause.toString();
    }

    @Override
    public CompletableResultCode forceFlush() {
        return CompletableResultCode.ofSuccess();
    }

    /** Delivers what waits, for some seconds at most, and ends. */
    @Override
    public CompletableResultCode shutdown() {
        lock.lock();
        try {
            closed = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        try {
            if (!thread.join(LAST_SPANS)) {
                LOG.warn("the last spans could not be delivered to {} within {} s", receiver, LAST_SPANS.toSeconds());
                thread.interrupt();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return exporter.shutdown();
    }
}
