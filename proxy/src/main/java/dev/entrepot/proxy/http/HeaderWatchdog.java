package dev.entrepot.proxy.http;

import io.helidon.http.Headers;
import io.helidon.http.HttpPrologue;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.ConnectionContext;
import io.helidon.webserver.http1.Http1ConnectionListener;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;

/**
 * Cuts connections that send the request line and then dawdle over the headers, which the server itself would wait for without end. A
 * connection that sends nothing, or half a request line, is ended by the server's own idle timeout. Safe for all threads.
 */
public final class HeaderWatchdog implements Http1ConnectionListener {
    private record Waiting(Thread reader, long since) {}

    private final long limitNanos;
    private final LongSupplier nanoClock;
    private final Map<ConnectionContext, Waiting> waiting = new ConcurrentHashMap<>();

    /** Gives headers so much time. */
    public HeaderWatchdog(Duration limit, LongSupplier nanoClock) {
        this.limitNanos = limit.toNanos();
        this.nanoClock = nanoClock;
    }

    @Override
    public void prologue(ConnectionContext connection, HttpPrologue prologue) {
        waiting.put(connection, new Waiting(Thread.currentThread(), nanoClock.getAsLong()));
    }

    @Override
    public void headers(ConnectionContext connection, Headers headers) {
        if (waiting.remove(connection) == null) {
            throw new CloseConnectionException("the headers took too long");
        }
    }

    /** Interrupts the connections that have taken too long; called about once a second. */
    public void check() {
        long now = nanoClock.getAsLong();
        waiting.forEach((connection, entry) -> {
            if (now - entry.since > limitNanos && waiting.remove(connection, entry)) {
                entry.reader.interrupt();
            }
        });
    }
}
