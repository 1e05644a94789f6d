package dev.entrepot.proxy.http;

import io.helidon.webserver.WebServer;
import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.Optional;

/** Starts servers so that a failure is an exception that says why; the server itself only logs it. */
public final class Listening {
    /** The address that stands for every interface. */
    public static final String EVERY_INTERFACE = "0.0.0.0";

    private Listening() {}

    /**
     * Starts a server.
     *
     * @param what what is served, for the message
     * @param host the address it is set up for; empty for every interface
     * @param port the port it is set up for
     * @throws IOException if it cannot listen there
     */
    public static void start(WebServer server, String what, Optional<String> host, int port) throws IOException {
        InetSocketAddress address = new InetSocketAddress(host.orElse(EVERY_INTERFACE), port);
        String shown = host.orElse("") + ":" + port;
        if (address.isUnresolved()) {
            throw new IOException("cannot listen for " + what + " on " + shown + ": the host is unknown");
        }
        try (ServerSocket trial = new ServerSocket()) {
            trial.setReuseAddress(true);
            trial.bind(address);
        } catch (BindException e) {
            throw new IOException("cannot listen for " + what + " on " + shown + ": " + e.getMessage(), e);
        }
        server.start();
        if (!server.isRunning()) {
            throw new IOException("cannot listen for " + what + " on " + shown + "; the log says why");
        }
    }
}
