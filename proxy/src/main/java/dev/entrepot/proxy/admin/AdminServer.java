package dev.entrepot.proxy.admin;

import dev.entrepot.oci.OciJson;
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
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The admin port: {@code /healthz}, {@code /readyz}, {@code /metrics}, and what other parts of the process answer there. For operators; not to be
 * exposed to clients. Pages of browsers cannot make it do anything: what changes something is a POST, and one with an {@code Origin} is refused.
 */
public final class AdminServer implements AutoCloseable {
    /** Largest body of a request, in bytes. */
    public static final int MAX_BODY_BYTES = 1024 * 1024;

    private static final Logger LOG = LoggerFactory.getLogger(AdminServer.class);
    private static final int MAX_CONNECTIONS = 64;
    private static final Duration BODY_COMES = Duration.ofSeconds(30);
    private static final String JSON = "application/json";

    private final Optional<String> host;
    private final int port;
    private final Metrics metrics;
    private final Readiness readiness;
    private final List<AdminEndpoint> endpoints;
    private final BodyReader bodies = new BodyReader(MAX_BODY_BYTES, BODY_COMES);
    private final WebServer server;

    /**
     * Prepares the server; it listens after {@link #start()}.
     *
     * @param host address to listen on; empty for every interface
     * @param port port to listen on; 0 for any
     * @param endpoints what else is answered here
     */
    public AdminServer(
            Optional<String> host, int port, Metrics metrics, Readiness readiness, List<AdminEndpoint> endpoints) {
        this.host = host;
        this.port = port;
        this.metrics = metrics;
        this.readiness = readiness;
        this.endpoints = List.copyOf(endpoints);
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
        boolean last = request.headers().containsToken(HeaderValues.CONNECTION_CLOSE)
                || request.headers().contains(HeaderNames.TRANSFER_ENCODING)
                || request.headers().contains(HeaderNames.CONTENT_LENGTH);
        if (last) {
            // Said before, so that no client sends another request into a connection that ends.
            response.header(HeaderValues.CONNECTION_CLOSE);
        }
        switch (request.prologue().method().text()) {
            case "GET" -> read(request, response, false);
            case "HEAD" -> read(request, response, true);
            case "POST" -> write(request, response);
            default -> refuse(response, 405, "only GET, HEAD and POST");
        }
        if (last) {
            throw new CloseConnectionException("connection: close");
        }
    }

    private void read(RoutingRequest request, RoutingResponse response, boolean head) {
        switch (request.prologue().uriPath().rawPath()) {
            case "/healthz" -> send(response, head, Status.OK_200, "text/plain", "ok\n");
            case "/readyz" -> {
                Optional<String> reason = readiness.reasonAgainst();
                Status status = reason.isPresent() ? Status.SERVICE_UNAVAILABLE_503 : Status.OK_200;
                send(response, head, status, "text/plain", reason.orElse("ready") + "\n");
            }
            case "/metrics" ->
                send(response, head, Status.OK_200, "text/plain; version=0.0.4; charset=utf-8", metrics.render());
            default -> ask(request, response, head, new byte[0]);
        }
    }

    private void write(RoutingRequest request, RoutingResponse response) {
        if (request.headers().contains(HeaderNames.ORIGIN)) {
            refuse(response, 403, "requests of browsers may not change anything");
        }
        byte[] body;
        try {
            body = bodies.read(request);
        } catch (BodyReader.RefusedException e) {
            refuse(response, e.status(), String.valueOf(e.getMessage()));
            return;
        }
        ask(request, response, false, body);
    }

    private void ask(RoutingRequest request, RoutingResponse response, boolean head, byte[] body) {
        AdminRequest asked = new AdminRequest(
                head ? "GET" : request.prologue().method().text(),
                request.prologue().uriPath().rawPath(),
                request.prologue().query().rawValue(),
                name -> request.headers().first(HeaderNames.create(name)),
                body);
        AdminReply reply = reply(asked);
        send(response, head, Status.create(reply.status()), JSON, reply.json() + "\n");
    }

    private AdminReply reply(AdminRequest request) {
        try {
            for (AdminEndpoint endpoint : endpoints) {
                Optional<AdminReply> reply = endpoint.answer(request);
                if (reply.isPresent()) {
                    return reply.get();
                }
            }
            return error(404, "here are /healthz, /readyz, /metrics and /replication");
        } catch (IOException | RuntimeException e) {
            LOG.error("admin request {} {} failed", request.method(), request.path(), e);
            return error(500, e instanceof IOException ? String.valueOf(e.getMessage()) : "a defect; the log has more");
        }
    }

    private static AdminReply error(int status, String message) {
        return new AdminReply(
                status,
                OciJson.mapper().createObjectNode().put("error", message).toString());
    }

    /** Answers without reading the body, which is why the connection ends here. */
    private static void refuse(RoutingResponse response, int status, String message) {
        AdminReply reply = error(status, message);
        response.header(HeaderValues.CONNECTION_CLOSE);
        send(response, false, Status.create(status), JSON, reply.json() + "\n");
        throw new CloseConnectionException("a body that is not read");
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
