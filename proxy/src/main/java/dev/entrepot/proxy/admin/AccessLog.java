package dev.entrepot.proxy.admin;

import dev.entrepot.proxy.http.RequestObserver;
import dev.entrepot.proxy.http.RequestRecord;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes one line for each request. Lines are formatted and written by one background thread, some milliseconds later
 * and many at a time, so that a request costs no more than a place in a queue. When the queue is full, lines are
 * dropped and counted rather than requests delayed.
 */
public final class AccessLog implements RequestObserver, AutoCloseable {
    private static final int CAPACITY = 1 << 15;
    private static final long PAUSE_NANOS = 20_000_000;
    private static final int FLUSH_BYTES = 64 * 1024;
    private static final Duration LAST_LINES = Duration.ofSeconds(5);
    private static final Logger LOG = LoggerFactory.getLogger(AccessLog.class);

    private final RecordRing ring = new RecordRing(CAPACITY);
    private final LongAdder dropped = new LongAdder();
    private final AccessLogLines lines;
    private final OutputStream out;
    private final Thread writer;
    private volatile boolean closed;

    /** Lines of {@code key=value} pairs (logfmt), to a stream that is not closed. */
    public static AccessLog text(OutputStream out) {
        return new AccessLog(new TextLines(), out);
    }

    /** Lines that are JSON objects, to a stream that is not closed. */
    public static AccessLog json(OutputStream out) {
        return new AccessLog(new JsonLines(), out);
    }

    private AccessLog(AccessLogLines lines, OutputStream out) {
        this.lines = lines;
        this.out = out;
        this.writer = Thread.ofPlatform().daemon().name("access-log").start(this::write);
    }

    @Override
    public void finished(RequestRecord request) {
        if (!ring.offer(request)) {
            dropped.increment();
        }
    }

    /** Lines that were dropped because the queue was full or could not be written. */
    public long dropped() {
        return dropped.sum();
    }

    private void write() {
        LineBuffer buffer = new LineBuffer();
        int lineCount = 0;
        while (true) {
            boolean last = closed;
            RequestRecord request = ring.poll();
            if (request != null) {
                lineCount = append(request, buffer, lineCount);
            }
            if (request == null || buffer.size() >= FLUSH_BYTES) {
                flush(buffer, lineCount);
                lineCount = 0;
            }
            if (request == null) {
                if (last) {
                    return;
                }
                LockSupport.parkNanos(this, PAUSE_NANOS);
            }
        }
    }

    // What cannot be written, be it for want of memory, is dropped, with what is not yet flushed: the thread goes on.
    private int append(RequestRecord request, LineBuffer buffer, int lineCount) {
        try {
            lines.append(request, buffer);
            return lineCount + 1;
        } catch (RuntimeException | Error e) {
            LOG.error("a line of the access log could not be written", e);
            dropped.add(lineCount + 1L);
            buffer.clear();
            return 0;
        }
    }

    private void flush(LineBuffer buffer, int lineCount) {
        if (lineCount == 0) {
            return;
        }
        try {
            buffer.writeTo(out);
            out.flush();
        } catch (IOException e) {
            dropped.add(lineCount);
        }
        buffer.clear();
    }

    /**
     * Writes what is still in the queue, and ends the thread; after five seconds, in which its reader took nothing, the
     * rest is left.
     */
    @Override
    public void close() {
        closed = true;
        LockSupport.unpark(writer);
        try {
            if (!writer.join(LAST_LINES)) {
                LOG.warn("the access log could not be written to its end within {} s", LAST_LINES.toSeconds());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
