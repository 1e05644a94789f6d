package dev.entrepot.oci.client;

import java.io.IOException;
import java.net.Socket;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import javax.net.ssl.SSLSocket;
import org.apache.hc.client5.http.impl.io.DefaultManagedHttpClientConnection;
import org.apache.hc.client5.http.io.ManagedHttpClientConnection;
import org.apache.hc.core5.http.EndpointDetails;
import org.apache.hc.core5.http.config.Http1Config;
import org.apache.hc.core5.http.io.HttpConnectionFactory;
import org.jspecify.annotations.Nullable;

/**
 * A connection that is kept only while nothing is to be read from it between two answers. What came without having been
 * asked for (an answer sent twice, a body behind a HEAD or longer than its {@code Content-Length}, a 408 to a
 * connection that nobody uses) would be taken for the answer to the next request, whatever that asks for. It is looked
 * for when a connection goes back to the pool and when it is taken from there, without waiting for anything. What comes
 * later yet, {@link WireExchange} deals with.
 *
 * <p>Whoever has the connection from the pool uses it alone; any thread may close it.
 */
final class KeptConnection extends DefaultManagedHttpClientConnection {
    // A peer that closes a connection is noticed before it is used again, unless it was used so lately. Looking costs a
    // millisecond.
    private static final Duration SURELY_OPEN = Duration.ofMillis(50);

    private final AnswerParser parser;
    private volatile @Nullable Socket socket;
    private volatile @Nullable SSLSocket secure;
    private volatile long keptSinceNanos;
    private volatile boolean kept;

    private KeptConnection(String id, Http1Config config, AnswerParser parser) {
        super(id, null, null, config, null, null, null, configured -> parser);
        this.parser = parser;
    }

    /** Makes connections that are not bound to a socket yet. */
    static HttpConnectionFactory<ManagedHttpClientConnection> factory(Http1Config config) {
        AtomicLong count = new AtomicLong();
        return bound -> {
            String id = "http-outgoing-" + count.getAndIncrement();
            KeptConnection made = new KeptConnection(id, config, new AnswerParser(config));
            if (bound != null) {
                made.bind(bound);
            }
            return made;
        };
    }

    @Override
    public void bind(Socket plain) throws IOException {
        super.bind(plain);
        socket = plain;
    }

    @Override
    public void bind(SSLSocket overTls, Socket plain) throws IOException {
        super.bind(overTls, plain);
        secure = overTls;
    }

    /** Whether it may go to the pool: asked by the pool when an answer has been read. */
    @Override
    public boolean isConsistent() {
        try {
            return super.isConsistent() && !hasBytesLeft();
        } catch (IOException e) {
            return false;
        }
    }

    @Override
    public void passivate() {
        super.passivate();
        keptSinceNanos = System.nanoTime();
        kept = true;
    }

    /** As they are now, for the request in hand: {@link Details}. */
    @Override
    public @Nullable EndpointDetails getEndpointDetails() {
        EndpointDetails counts = super.getEndpointDetails();
        return counts == null ? null : new Details(counts, kept);
    }

    /**
     * The ends of a connection, and whether it was in the pool before the request that is told of it. The count of
     * requests does not say that: what is sent to a proxy to have a tunnel opened is among them, once without a
     * password and once with it.
     */
    static final class Details extends EndpointDetails {
        private final EndpointDetails counts;
        private final boolean kept;

        private Details(EndpointDetails counts, boolean kept) {
            super(counts.getRemoteAddress(), counts.getLocalAddress(), counts.getSocketTimeout());
            this.counts = counts;
            this.kept = kept;
        }

        /** Whether it was in the pool. */
        boolean isKept() {
            return kept;
        }

        @Override
        public long getRequestCount() {
            return counts.getRequestCount();
        }

        @Override
        public long getResponseCount() {
            return counts.getResponseCount();
        }

        @Override
        public long getSentBytesCount() {
            return counts.getSentBytesCount();
        }

        @Override
        public long getReceivedBytesCount() {
            return counts.getReceivedBytesCount();
        }
    }

    /** Whether it must not be used again: asked by the pool whenever it is about to be. */
    @Override
    public boolean isStale() throws IOException {
        if (hasBytesLeft()) {
            return true;
        }
        return System.nanoTime() - keptSinceNanos >= SURELY_OPEN.toNanos() && (super.isStale() || hasBytesLeft());
    }

    private boolean hasBytesLeft() throws IOException {
        Socket plain = socket;
        SSLSocket overTls = secure;
        if (parser.hasBytesLeft() || overTls != null && overTls.getInputStream().available() > 0) {
            return true;
        }
        if (plain == null || plain.getInputStream().available() == 0) {
            return false;
        }
        // Over TLS it may be a ticket for a later session: only reading on shows whether there is anything else.
        return overTls == null || super.isStale() || parser.hasBytesLeft();
    }
}
