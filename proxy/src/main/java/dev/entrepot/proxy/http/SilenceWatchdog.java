package dev.entrepot.proxy.http;

import java.io.IOException;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;

/**
 * Closes connections that do not come to a first request in time. Of those that stop within the handshake of TLS the
 * server itself (Helidon 4.5.0) knows nothing, so that its idle timeout never ends them, and a few thousand of them
 * would keep everybody else out for as long as they like. Safe for all threads.
 */
final class SilenceWatchdog {
    private final long limitNanos;
    private final LongSupplier nanoClock;
    private final Map<ConnectionChannels.Ends, Silent> silent = new ConcurrentHashMap<>();

    private record Silent(SocketChannel channel, long sinceNanos) {}

    /** Gives a connection so much time from its beginning to the line of its first request. */
    SilenceWatchdog(Duration limit, LongSupplier nanoClock) {
        this.limitNanos = limit.toNanos();
        this.nanoClock = nanoClock;
    }

    /** A connection begins. */
    void accepted(ConnectionChannels.Ends ends, SocketChannel channel) {
        silent.put(ends, new Silent(channel, nanoClock.getAsLong()));
    }

    /** The line of its first request has come. */
    void spoke(ConnectionChannels.Ends ends) {
        silent.remove(ends);
    }

    /** Closes those that have taken too long, and forgets what is closed; called about once a second. */
    void check() {
        long now = nanoClock.getAsLong();
        silent.forEach((ends, connection) -> {
            boolean open = connection.channel().isOpen();
            if (open && now - connection.sinceNanos() <= limitNanos) {
                return;
            }
            if (silent.remove(ends, connection) && open) {
                close(connection.channel());
            }
        });
    }

    private static void close(SocketChannel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            // It is gone in any case.
        }
    }
}
