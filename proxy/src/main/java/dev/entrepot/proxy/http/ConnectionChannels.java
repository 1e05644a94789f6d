package dev.entrepot.proxy.http;

import io.helidon.common.socket.SocketOptions;
import java.io.IOException;
import java.net.SocketAddress;
import java.net.SocketOption;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Knows the socket of each connection by the addresses of its two ends, which the server itself does not hand out: it tells every socket that it
 * accepts to the options that it was given, and these listen. Safe for all threads.
 */
final class ConnectionChannels implements SocketOptions {
    private final SocketOptions options;
    /** The two ends of a connection; one alone is not unique. */
    record Ends(SocketAddress client, SocketAddress server) {}

    private final Map<Ends, SocketChannel> channels = new ConcurrentHashMap<>();

    /** Listens in front of these options. */
    ConnectionChannels(SocketOptions options) {
        this.options = options;
    }

    @Override
    public void configureSocket(SocketChannel channel) {
        options.configureSocket(channel);
        try {
            SocketAddress client = channel.getRemoteAddress();
            SocketAddress server = channel.getLocalAddress();
            if (client != null && server != null) {
                channels.put(new Ends(client, server), channel);
            }
        } catch (IOException e) {
            // It is closed already.
        }
    }

    /** The open connection between two addresses, if it is known. */
    Optional<SocketChannel> of(Ends ends) {
        return Optional.ofNullable(channels.get(ends)).filter(SocketChannel::isOpen);
    }

    /** Forgets what is closed; called about once a second. */
    void check() {
        channels.values().removeIf(channel -> !channel.isOpen());
    }

    /** How many connections are known. */
    int size() {
        return channels.size();
    }

    @Override
    public Map<SocketOption<?>, Object> socketOptions() {
        return options.socketOptions();
    }

    @Override
    public Duration connectTimeout() {
        return options.connectTimeout();
    }

    @Override
    public Duration readTimeout() {
        return options.readTimeout();
    }

    @Override
    public Optional<Integer> socketReceiveBufferSize() {
        return options.socketReceiveBufferSize();
    }

    @Override
    public Optional<Integer> socketSendBufferSize() {
        return options.socketSendBufferSize();
    }

    @Override
    public boolean socketReuseAddress() {
        return options.socketReuseAddress();
    }

    @Override
    public boolean socketKeepAlive() {
        return options.socketKeepAlive();
    }

    @Override
    public boolean tcpNoDelay() {
        return options.tcpNoDelay();
    }
}
