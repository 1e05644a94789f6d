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
import java.util.concurrent.atomic.LongAdder;

/**
 * Knows the socket of each connection by the addresses of its two ends, which the server itself does not hand out: it
 * tells every socket that it accepts to the options that it was given, and these listen. Closes connections of a client
 * that has too many. Safe for all threads.
 */
final class ConnectionChannels implements SocketOptions {
    private final SocketOptions options;
    /** The two ends of a connection; one alone is not unique. */
    record Ends(SocketAddress client, SocketAddress server) {}

    private final Map<Ends, SocketChannel> channels = new ConcurrentHashMap<>();

    private final int mostOfOneClient;
    private final SilenceWatchdog silence;
    private final Map<ClientAddress, Integer> open = new ConcurrentHashMap<>();
    private final LongAdder refused = new LongAdder();

    /**
     * Listens in front of these options.
     *
     * @param mostOfOneClient how many connections one client may have; 0 for any number
     * @param silence is told of each connection
     */
    ConnectionChannels(SocketOptions options, int mostOfOneClient, SilenceWatchdog silence) {
        this.options = options;
        this.mostOfOneClient = mostOfOneClient;
        this.silence = silence;
    }

    @Override
    public void configureSocket(SocketChannel channel) {
        options.configureSocket(channel);
        try {
            SocketAddress client = channel.getRemoteAddress();
            SocketAddress server = channel.getLocalAddress();
            if (client != null && server != null) {
                Ends ends = new Ends(client, server);
                // A client may take its port again within a second of closing.
                if (channels.put(ends, channel) != null) {
                    forgotten(ends);
                }
                silence.accepted(ends, channel);
                refuseTooMany(client, channel);
            }
        } catch (IOException e) {
            // It is closed already.
        }
    }

    private void refuseTooMany(SocketAddress address, SocketChannel channel) throws IOException {
        if (mostOfOneClient == 0) {
            return;
        }
        ClientAddress client = ClientAddress.of(address);
        if (open.merge(client, 1, Integer::sum) > mostOfOneClient && count(client) > mostOfOneClient) {
            refused.increment();
            channel.close();
        }
    }

    // The number in the map is brought down once a second only, so that it may be too high.
    private int count(ClientAddress client) {
        check();
        return open.getOrDefault(client, 0);
    }

    /** How many connections were closed because their client had too many. */
    long refused() {
        return refused.sum();
    }

    /** The open connection between two addresses, if it is known. */
    Optional<SocketChannel> of(Ends ends) {
        return Optional.ofNullable(channels.get(ends)).filter(SocketChannel::isOpen);
    }

    /** Forgets what is closed; called about once a second. */
    void check() {
        channels.forEach((ends, channel) -> {
            if (!channel.isOpen() && channels.remove(ends, channel)) {
                forgotten(ends);
            }
        });
    }

    private void forgotten(Ends ends) {
        if (mostOfOneClient > 0) {
            open.computeIfPresent(ClientAddress.of(ends.client()), (_, count) -> count > 1 ? count - 1 : null);
        }
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
