package dev.entrepot.proxy.http;

import io.helidon.common.socket.PeerInfo;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.http.ServerRequestHeaders;
import io.helidon.webserver.ConnectionContext;
import io.helidon.webserver.http.RoutingRequest;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.function.Function;

/**
 * Reads and drops what a client still sends of a body that nobody reads, after it was answered and before its
 * connection is closed. A connection that is closed while bytes lie unread in it, or still come, is reset by the
 * kernel, and who is sending then, or has not read yet, learns only that the connection broke, and not why the request
 * was refused.
 *
 * <p>The client is told at once that nothing more comes, and the connection ends when it has closed its side; after two
 * MiB, which is twice what is taken anywhere but in a request that is refused, or a second at the latest, however
 * slowly it sends; and only so many connections end in this way at one time, others as if this were not there. The
 * bytes are those of the connection, below TLS, and none is kept. The same becomes of what follows a request that the
 * server refuses itself, because it cannot be read ({@link RefusedConnections}). Safe for all threads.
 */
public final class UnreadBodies {
    /** How many bytes of one body are read at most. */
    static final int MOST_BYTES = 2 * 1024 * 1024;

    private static final Duration LONGEST = Duration.ofSeconds(1);
    private static final int AT_ONCE = 64;
    private static final int BUFFER_BYTES = 16 * 1024;
    private static final long NANOS_OF_A_MILLI = 1_000_000;

    private final Function<ConnectionChannels.Ends, Optional<SocketChannel>> channels;
    private final Duration longest;
    private final Semaphore turns;

    /** Of the connections of one port. */
    public UnreadBodies(ConnectionWatch connections) {
        this(connections.channels()::of, LONGEST, AT_ONCE);
    }

    /**
     * Of connections that are found by their ends.
     *
     * @param longest how long one is read at most
     * @param atOnce how many are at one time
     */
    UnreadBodies(Function<ConnectionChannels.Ends, Optional<SocketChannel>> channels, Duration longest, int atOnce) {
        this.channels = channels;
        this.longest = longest;
        this.turns = new Semaphore(atOnce);
    }

    /** Whether a request says that it has a body. */
    static boolean isAnnounced(ServerRequestHeaders headers) {
        return headers.contains(HeaderNames.TRANSFER_ENCODING)
                || headers.contains(HeaderNames.CONTENT_LENGTH) && !headers.contains(HeaderValues.CONTENT_LENGTH_ZERO);
    }

    /**
     * Drops the body of a request that has been answered, if it has one, and closes its connection then; does nothing
     * otherwise. Called on the thread of the connection.
     */
    public void drop(RoutingRequest request) {
        if (isAnnounced(request.headers())) {
            drop(request.remotePeer(), request.localPeer());
        }
    }

    /**
     * Drops whatever comes on a connection on which nothing more can be read, and closes it then. Called on its thread.
     */
    void drop(ConnectionContext connection) {
        drop(connection.remotePeer(), connection.localPeer());
    }

    private void drop(PeerInfo client, PeerInfo server) {
        channels.apply(new ConnectionChannels.Ends(client.address(), server.address()))
                .ifPresent(this::end);
    }

    // At once: over TLS the server itself would first read what else there is, and without a bound.
    private void end(SocketChannel channel) {
        drop(channel);
        try {
            channel.close();
        } catch (IOException e) {
            // It is gone in any case.
        }
    }

    /** Drops what comes; returns how many bytes that was. */
    long drop(SocketChannel channel) {
        if (!turns.tryAcquire()) {
            return 0;
        }
        long dropped = 0;
        try {
            long until = System.nanoTime() + longest.toNanos();
            channel.shutdownOutput();
            InputStream in = channel.socket().getInputStream();
            byte[] buffer = new byte[BUFFER_BYTES];
            while (dropped < MOST_BYTES) {
                long leftMillis = (until - System.nanoTime()) / NANOS_OF_A_MILLI;
                if (leftMillis <= 0) {
                    break;
                }
                channel.socket().setSoTimeout((int) leftMillis);
                int count = in.read(buffer, 0, (int) Math.min(buffer.length, MOST_BYTES - dropped));
                if (count < 0) {
                    break;
                }
                dropped += count;
            }
        } catch (IOException e) {
            // The time is over, or the client has gone: it is closed in any case.
        } finally {
            turns.release();
        }
        return dropped;
    }
}
