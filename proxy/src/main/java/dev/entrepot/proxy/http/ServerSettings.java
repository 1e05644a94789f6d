package dev.entrepot.proxy.http;

import io.helidon.common.tls.Tls;
import java.time.Duration;
import java.util.Optional;

/**
 * How the registry port behaves.
 *
 * @param host address to listen on; empty for every interface
 * @param port port to listen on; 0 for any
 * @param tls the server's certificate; plain HTTP without one
 * @param maxConnections connections at one time
 * @param maxConnectionsPerClient connections of one client's address at one time; 0 for as many as there are
 * @param rate how many requests one client may make; without it, as many as it likes
 * @param drain how long running requests may go on after a stop was asked for
 * @param clientStall how long a client may take to accept 64 KiB
 * @param headerTime how long a client may take to send the headers of a request
 * @param idle how long a connection may be idle between requests
 */
public record ServerSettings(
        Optional<String> host,
        int port,
        Optional<Tls> tls,
        int maxConnections,
        int maxConnectionsPerClient,
        Optional<Rate> rate,
        Duration drain,
        Duration clientStall,
        Duration headerTime,
        Duration idle) {
    /**
     * How many requests one client may make.
     *
     * @param perSecond each second, in the long run
     * @param burst at once
     */
    public record Rate(int perSecond, int burst) {}

    /** How long a client may take to send the headers of a request, unless a test says otherwise. */
    public static final Duration DEFAULT_HEADER_TIME = Duration.ofSeconds(10);
    /** How long a connection may be idle, unless a test says otherwise. */
    public static final Duration DEFAULT_IDLE = Duration.ofSeconds(75);
}
