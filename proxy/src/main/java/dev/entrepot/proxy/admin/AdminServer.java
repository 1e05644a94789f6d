package dev.entrepot.proxy.admin;

import dev.entrepot.proxy.http.Listening;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.http.Status;
import io.helidon.http.media.MediaContext;
import io.helidon.http.media.StringSupport;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.WebServer;
import io.helidon.webserver.WebServerConfig;
import io.helidon.webserver.http.FilterChain;
import io.helidon.webserver.http.RoutingRequest;
import io.helidon.webserver.http.RoutingResponse;
import io.helidon.webserver.http1.Http1Config;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;

/** The admin port: {@code /healthz}, {@code /readyz} and {@code /metrics}. For operators; not to be exposed to clients. */
public final class AdminServer implements AutoCloseable {
    private static final int MAX_CONNECTIONS = 64;

    private final Optional<String> host;
    private final int port;
    private final Metrics metrics;
    private final Readiness readiness;
    private final WebServer server;

    /**
     * Prepares the server; it listens after {@link #start()}.
     *
     * @param host address to listen on; empty for every interface
     * @param port port to listen on; 0 for any
     */
    public AdminServer(Optional<String> host, int port, Metrics metrics, Readiness readiness) {
        this.host = host;
        this.port = port;
        this.metrics = metrics;
        this.readiness = readiness;
        WebServerConfig.Builder builder = WebServer.builder();
        builder.host(host.orElse(Listening.EVERY_INTERFACE));
        this.server = builder.port(port)
                .useNio(false)
                .connectionOptions(options -> options.tcpNoDelay(true))
                .maxTcpConnections(MAX_CONNECTIONS)
                .idleConnectionTimeout(Duration.ofSeconds(30))
                .shutdownHook(false)
                .protocolsDiscoverServices(false)
                .addProtocol(Http1Config.builder().sendKeepAliveHeader(false).build())
                .contentEncoding(encoding -> encoding.contentEncodingsDiscoverServices(false))
                .mediaContext(MediaContext.builder()
                        .mediaSupportsDiscoverServices(false)
                        .addMediaSupport(StringSupport.create())
                        .build())
                .routing(routing -> routing.addFilter(this::answer))
                .build();
    }

    private void answer(FilterChain chain, RoutingRequest request, RoutingResponse response) {
        String method = request.prologue().method().text();
        if (!method.equals("GET") && !method.equals("HEAD")) {
            send(response, false, Status.METHOD_NOT_ALLOWED_405, "text/plain", "only GET and HEAD\n");
            throw new CloseConnectionException("a body that is not read");
        }
        boolean head = method.equals("HEAD");
        switch (request.prologue().uriPath().rawPath()) {
            case "/healthz" -> send(response, head, Status.OK_200, "text/plain", "ok\n");
            case "/readyz" -> {
                Optional<String> reason = readiness.reasonAgainst();
                Status status = reason.isPresent() ? Status.SERVICE_UNAVAILABLE_503 : Status.OK_200;
                send(response, head, status, "text/plain", reason.orElse("ready") + "\n");
            }
            case "/metrics" ->
                send(response, head, Status.OK_200, "text/plain; version=0.0.4; charset=utf-8", metrics.render());
            default ->
                send(response, head, Status.NOT_FOUND_404, "text/plain", "here are /healthz, /readyz and /metrics\n");
        }
        if (request.headers().containsToken(HeaderValues.CONNECTION_CLOSE)
                || request.headers().contains(HeaderNames.TRANSFER_ENCODING)
                || request.headers().contains(HeaderNames.CONTENT_LENGTH)) {
            throw new CloseConnectionException("connection: close");
        }
    }

    private static void send(RoutingResponse response, boolean head, Status status, String type, String text) {
        byte[] body = text.getBytes(StandardCharsets.UTF_8);
        response.status(status);
        response.header(HeaderValues.create(HeaderNames.CONTENT_TYPE, type));
        response.header(HeaderValues.create(HeaderNames.CACHE_CONTROL, "no-store"));
        if (head) {
            response.headers().contentLength(body.length);
            response.send();
        } else {
            response.send(body);
        }
    }

    /**
     * Begins to listen.
     *
     * @throws IOException if the address cannot be had
     */
    public void start() throws IOException {
        Listening.start(server, "the admin API", host, port);
    }

    /** The port that it listens on. */
    public int port() {
        return server.port();
    }

    @Override
    public void close() {
        server.stop();
    }
}
