package dev.entrepot.proxy.http;

import io.helidon.common.buffers.BufferData;
import io.helidon.common.concurrency.limits.Limit;
import io.helidon.common.task.InterruptableTask;
import io.helidon.webserver.ConnectionContext;
import io.helidon.webserver.http1.Http1Config;
import io.helidon.webserver.http1.Http1ConnectionSelector;
import io.helidon.webserver.spi.ServerConnection;
import io.helidon.webserver.spi.ServerConnectionSelector;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The server's own HTTP/1.1, of which connections that end because a request could not be read take what their client
 * still sends ({@link UnreadBodies}) before they are closed: the answer, which the server has written by then, reaches
 * who is still sending. Safe for all threads.
 */
public final class RefusedConnections implements ServerConnectionSelector {
    private final ServerConnectionSelector http1;
    private final UnreadBodies unread;
    /** The threads of connections that end so: each reads nothing else until its connection has ended. */
    private final Set<Thread> refused = ConcurrentHashMap.newKeySet();

    /** With these settings of the server. */
    public RefusedConnections(Http1Config config, UnreadBodies unread) {
        this.http1 = Http1ConnectionSelector.builder().config(config).build();
        this.unread = unread;
    }

    /** Notes that what the connection of this thread sent cannot be read, and that it ends after the answer. */
    void refuse() {
        refused.add(Thread.currentThread());
    }

    @Override
    public int bytesToIdentifyConnection() {
        return http1.bytesToIdentifyConnection();
    }

    @Override
    public Support supports(BufferData data) {
        return http1.supports(data);
    }

    @Override
    public Set<String> supportedApplicationProtocols() {
        return http1.supportedApplicationProtocols();
    }

    @Override
    public ServerConnection connection(ConnectionContext context) {
        return new Watched(http1.connection(context), context);
    }

    /** One connection. That it can be interrupted while it waits for a request is how the server stops. */
    private final class Watched implements ServerConnection, InterruptableTask<Void> {
        private final ServerConnection connection;
        private final ConnectionContext context;

        Watched(ServerConnection connection, ConnectionContext context) {
            this.connection = connection;
            this.context = context;
        }

        @Override
        public void handle(Limit limit) throws InterruptedException {
            try {
                connection.handle(limit);
            } finally {
                if (refused.remove(Thread.currentThread())) {
                    unread.drop(context);
                }
            }
        }

        @Override
        public Duration idleTime() {
            return connection.idleTime();
        }

        @Override
        public void close(boolean interrupt) {
            connection.close(interrupt);
        }

        @Override
        public boolean canInterrupt() {
            return connection instanceof InterruptableTask<?> task && task.canInterrupt();
        }
    }
}
