package dev.entrepot.proxy.http;

import io.helidon.common.socket.SocketOptions;
import io.helidon.webserver.http1.Http1ConnectionListener;
import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * What ends the connections of a port that the server itself would leave open for ever: those that stop within the
 * handshake of TLS or before their first request, those that dawdle over headers, and those of a client that has too
 * many. Safe for all threads.
 */
public final class ConnectionWatch {
    private final SilenceWatchdog silence;
    private final ConnectionChannels channels;
    private final HeaderWatchdog slowHeaders;

    /**
     * A watch over one port; it sees what {@link #options()} and {@link #listener()} are told.
     *
     * @param firstRequest how long the line of the first request may take
     * @param headers how long the headers of a request may take after its first line
     * @param mostOfOneClient how many connections one client may have; 0 for any number
     */
    public ConnectionWatch(Duration firstRequest, Duration headers, int mostOfOneClient, LongSupplier nanoClock) {
        this.silence = new SilenceWatchdog(firstRequest, nanoClock);
        this.channels =
                new ConnectionChannels(SocketOptions.builder().tcpNoDelay(true).build(), mostOfOneClient, silence);
        this.slowHeaders = new HeaderWatchdog(
                headers,
                nanoClock,
                connection -> silence.spoke(new ConnectionChannels.Ends(
                        connection.remotePeer().address(),
                        connection.localPeer().address())));
    }

    /** The options to accept connections with. */
    public SocketOptions options() {
        return channels;
    }

    /** What is to hear of each request that comes. */
    public Http1ConnectionListener listener() {
        return slowHeaders;
    }

    /** Ends what has taken too long, and forgets what is closed; called about once a second. */
    public void check() {
        slowHeaders.check();
        silence.check();
        channels.check();
    }

    /** The sockets of the connections. */
    ConnectionChannels channels() {
        return channels;
    }
}
