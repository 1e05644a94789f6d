package dev.entrepot.oci.testing;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ServerSocketFactory;
import org.jspecify.annotations.Nullable;

/**
 * A small HTTP/1.1 server on the loopback address whose every byte is under the control of a test. One virtual thread
 * for each connection. It keeps its port over {@link #stop()} and {@link #start()}, so that an outage can be played.
 * Safe for all threads, but start, stop and close are for one thread at a time.
 */
public final class MiniHttpServer implements AutoCloseable {
    private static final int BACKLOG = 200;

    /** What answers requests. */
    @FunctionalInterface
    public interface Handler {
        /**
         * Answers one request.
         *
         * @param request its head
         * @param body its body, which need not be read
         * @throws IOException to end the connection without an answer
         */
        Response handle(Request request, InputStream body) throws IOException, InterruptedException;
    }

    private final Handler handler;
    private final ServerSocketFactory sockets;
    private final String scheme;
    private final Calls calls = new Calls();
    private final Faults faults = new Faults();
    private final Map<MiniConnection, Thread> connections = new ConcurrentHashMap<>();
    private final AtomicInteger accepted = new AtomicInteger();
    private volatile Duration latency = Duration.ZERO;
    private volatile long bytesPerSecond = Long.MAX_VALUE;
    private int port;
    private @Nullable ServerSocket listener;

    private MiniHttpServer(Handler handler, ServerSocketFactory sockets, String scheme) {
        this.handler = handler;
        this.sockets = sockets;
        this.scheme = scheme;
    }

    /** A started server on a free port. */
    public static MiniHttpServer started(Handler handler) {
        return started(handler, ServerSocketFactory.getDefault(), "http");
    }

    /**
     * A started server whose sockets come from a factory, for example with TLS.
     *
     * @param scheme {@code http} or {@code https}, for {@link #uri()}
     */
    public static MiniHttpServer started(Handler handler, ServerSocketFactory sockets, String scheme) {
        MiniHttpServer server = new MiniHttpServer(handler, sockets, scheme);
        server.start();
        return server;
    }

    /** Listens, on the port that it had before if there was one. Harmless when it already does. */
    public void start() {
        if (listener != null) {
            return;
        }
        try {
            ServerSocket socket = sockets.createServerSocket();
            socket.setReuseAddress(true);
            socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), BACKLOG);
            port = socket.getLocalPort();
            listener = socket;
            Thread.ofVirtual().name("mini-http-" + port).start(() -> accept(socket));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot listen on port " + port, e);
        }
    }

    /**
     * Stops listening and cuts all connections; returns when their threads have ended. Harmless when it has stopped.
     */
    public void stop() {
        ServerSocket socket = listener;
        listener = null;
        try {
            if (socket != null) {
                socket.close();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        dropConnections();
    }

    /**
     * Cuts all connections and goes on listening; returns when their threads have ended. May be called from a fault,
     * that is from such a thread, which then ends by itself.
     */
    public void dropConnections() {
        connections.forEach((connection, thread) -> {
            try {
                connection.close();
                if (thread != Thread.currentThread()) {
                    thread.interrupt();
                    thread.join(Duration.ofSeconds(10));
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    @Override
    public void close() {
        stop();
    }

    /** The port, the same for the life of the server. */
    public int port() {
        return port;
    }

    /** The address, without a path. */
    public URI uri() {
        return URI.create(scheme + "://127.0.0.1:" + port);
    }

    /** What the server was asked. */
    public Calls calls() {
        return calls;
    }

    /** What goes wrong. */
    public Faults faults() {
        return faults;
    }

    /** How many connections were accepted so far. */
    public int connectionsAccepted() {
        return accepted.get();
    }

    /** How many connections are open. */
    public int connectionsOpen() {
        return connections.size();
    }

    /** Waits so long, of real time, before each request is looked at. */
    public void latency(Duration each) {
        latency = each;
    }

    /** Sends each body at no more than so many bytes in a second, of real time. */
    public void bandwidth(long bytesPerSecondEach) {
        bytesPerSecond = bytesPerSecondEach;
    }

    private void accept(ServerSocket socket) {
        try {
            while (true) {
                Socket client = socket.accept();
                accepted.incrementAndGet();
                Thread.ofVirtual().name("mini-http-" + port + "-client").start(() -> serve(socket, client));
            }
        } catch (IOException e) {
            // The listener was closed by stop().
        }
    }

    // The thread enters itself, so that whoever stops the server either finds it or is noticed by it.
    private void serve(ServerSocket socket, Socket client) {
        try (MiniConnection connection = new MiniConnection(client, this)) {
            connections.put(connection, Thread.currentThread());
            try {
                if (!socket.isClosed()) {
                    connection.run();
                }
            } finally {
                connections.remove(connection);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Asks the faults, then the handler, then the faults again. */
    Response answer(Request request, RequestBody body) throws IOException, InterruptedException {
        if (latency.isPositive()) {
            TimeUnit.NANOSECONDS.sleep(latency.toNanos());
        }
        Response response = faults.around(request, body, handler);
        return bytesPerSecond == Long.MAX_VALUE ? response : response.behind(Obstacle.bandwidth(bytesPerSecond));
    }
}
