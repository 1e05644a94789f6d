package dev.entrepot.proxy.http;

import io.helidon.http.DirectHandler.EventType;
import io.helidon.http.Header;
import io.helidon.http.Headers;
import io.helidon.http.HttpPrologue;
import io.helidon.http.RequestException;
import io.helidon.http.Status;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.ConnectionContext;
import io.helidon.webserver.http1.Http1ConnectionListener;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * Cuts connections that send the request line and then dawdle over the headers, which the server itself would wait for
 * without end, and refuses requests with too many headers, which the server bounds by their bytes only. A connection
 * that sends nothing, or half a request line, is ended by the server's own idle timeout. Safe for all threads.
 */
final class HeaderWatchdog implements Http1ConnectionListener {
    /** Headers that a request may have, each line counted; browsers and proxies send some thirty. */
    static final int MOST_HEADERS = 200;

    private static final Status TOO_MANY = Status.create(431, "Request Header Fields Too Large");

    // What a connection may be: its headers awaited since a time, which is never one of these.
    private static final long NOT_WAITING = 0;
    private static final long CUT = 1;

    private final long limitNanos;
    private final LongSupplier nanoClock;
    private final Consumer<ConnectionContext> first;
    /** By the thread of a connection, which reads nothing but that connection until it ends. */
    private final Map<Thread, AtomicLong> waitingSince = new ConcurrentHashMap<>();

    /** Gives headers so much time. */
    HeaderWatchdog(Duration limit, LongSupplier nanoClock) {
        this(limit, nanoClock, connection -> {});
    }

    /** As above; tells of each connection when the line of its first request has come. */
    HeaderWatchdog(Duration limit, LongSupplier nanoClock, Consumer<ConnectionContext> first) {
        this.limitNanos = limit.toNanos();
        this.nanoClock = nanoClock;
        this.first = first;
    }

    @Override
    public void prologue(ConnectionContext connection, HttpPrologue prologue) {
        Thread reader = Thread.currentThread();
        AtomicLong since = waitingSince.get(reader);
        if (since == null) {
            since = new AtomicLong();
            waitingSince.put(reader, since);
            first.accept(connection);
        }
        long now = nanoClock.getAsLong();
        since.set(now == NOT_WAITING || now == CUT ? CUT + 1 : now);
    }

    @Override
    public void headers(ConnectionContext connection, Headers headers) {
        AtomicLong since = waitingSince.get(Thread.currentThread());
        if (since == null || since.getAndSet(NOT_WAITING) == CUT) {
            throw new CloseConnectionException("the headers took too long");
        }
        int lines = 0;
        for (Header header : headers) {
            lines += header.valueCount();
        }
        if (lines > MOST_HEADERS) {
            throw RequestException.builder()
                    .type(EventType.BAD_REQUEST)
                    .status(TOO_MANY)
                    .setKeepAlive(false)
                    .message("too many headers")
                    .build();
        }
    }

    /**
     * Interrupts the connections that have taken too long, and forgets those that have ended; called about once a
     * second.
     */
    public void check() {
        long now = nanoClock.getAsLong();
        waitingSince.forEach((reader, state) -> {
            long since = state.get();
            if (!reader.isAlive()) {
                waitingSince.remove(reader);
            } else if (since != NOT_WAITING
                    && since != CUT
                    && now - since > limitNanos
                    && state.compareAndSet(since, CUT)) {
                reader.interrupt();
            }
        });
    }
}
