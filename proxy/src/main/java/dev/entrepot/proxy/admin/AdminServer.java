package dev.entrepot.proxy.admin;

import dev.entrepot.proxy.http.AccessRefusal;
import dev.entrepot.proxy.http.AccessRefusedException;
import dev.entrepot.proxy.http.BodyReader;
import dev.entrepot.proxy.http.ClientAddress;
import dev.entrepot.proxy.http.ConnectionWatch;
import dev.entrepot.proxy.http.Listening;
import dev.entrepot.proxy.http.RefusedConnections;
import dev.entrepot.proxy.http.RequestTarget;
import dev.entrepot.proxy.http.StallWatchdog;
import dev.entrepot.proxy.http.UnreadBodies;
import dev.entrepot.proxy.http.UnreadableRequests;
import dev.entrepot.proxy.http.WebServers;
import io.helidon.common.tls.Tls;
import io.helidon.http.DirectHandler.EventType;
import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.http.Status;
import io.helidon.http.media.MediaContext;
import io.helidon.http.media.StringSupport;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.WebServer;
import io.helidon.webserver.WebServerConfig;
import io.helidon.webserver.http.DirectHandlers;
import io.helidon.webserver.http.FilterChain;
import io.helidon.webserver.http.RoutingRequest;
import io.helidon.webserver.http.RoutingResponse;
import io.helidon.webserver.http1.Http1Config;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The admin port: {@code /healthz}, {@code /readyz}, {@code /metrics}, and what other parts of the process answer
 * there. For operators; not to be exposed to clients. Pages of other sites cannot use it: a POST with an {@code Origin}
 * is refused, so is what a page of another site asks for under {@code /replication}, {@code /upstreams},
 * {@code /ui/api} and the like, and a server on a loopback address answers to no name but {@code localhost} (a page
 * could have its own name resolve there).
 */
public final class AdminServer implements AutoCloseable {
    // What a page of another site may load: it says nothing about what is kept, and costs nothing.
    private static final Set<String> OPEN_TO_PAGES = Set.of("/healthz", "/readyz", "/metrics");

    /** Largest body of a request, in bytes. */
    public static final int MAX_BODY_BYTES = 1024 * 1024;

    private static final Logger LOG = LoggerFactory.getLogger(AdminServer.class);
    private static final int MAX_CONNECTIONS = 64;
    // Of these one client may have all but so many.
    private static final int FOR_OTHERS = 16;
    private static final Duration BODY_COMES = Duration.ofSeconds(5);
    private static final int BODIES_AT_ONCE = 16;
    private static final Duration WRITES_TAKE = Duration.ofSeconds(10);
    private static final Duration REQUESTS_COME = Duration.ofSeconds(30);
    private static final Duration HEADERS_COME = Duration.ofSeconds(10);
    private static final HeaderName SEC_FETCH_SITE = HeaderNames.create("Sec-Fetch-Site");
    private static final String JSON = "application/json";

    private final Optional<String> host;
    private final int port;
    private final Metrics metrics;
    private final Readiness readiness;
    private final List<AdminEndpoint> endpoints;
    private final AdminGuard guard;
    private final BodyReader bodies = new BodyReader(MAX_BODY_BYTES, BODY_COMES, BODIES_AT_ONCE, BODIES_AT_ONCE);
    private final ContentSender contents;
    private final AdminTrail trail = new AdminTrail(System::nanoTime);
    private final ConnectionWatch connections;
    private final UnreadBodies unread;
    private final ScheduledExecutorService watch = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("admin-watch").factory());
    private final boolean local;
    private final WebServer server;

    /**
     * Prepares the server; it listens after {@link #start()}.
     *
     * @param host address to listen on; empty for every interface
     * @param port port to listen on; 0 for any
     * @param endpoints what else is answered here
     * @param guard who may ask what
     * @param tls the certificate; plain HTTP without one
     */
    public AdminServer(
            Optional<String> host,
            int port,
            Metrics metrics,
            Readiness readiness,
            List<AdminEndpoint> endpoints,
            AdminGuard guard,
            Optional<Tls> tls) {
        this(host, port, metrics, readiness, endpoints, guard, tls, REQUESTS_COME, HEADERS_COME);
    }

    /** As above, with other times for the first request of a connection, and for the headers of each, to come. */
    AdminServer(
            Optional<String> host,
            int port,
            Metrics metrics,
            Readiness readiness,
            List<AdminEndpoint> endpoints,
            AdminGuard guard,
            Optional<Tls> tls,
            Duration requestsCome,
            Duration headersCome) {
        this.connections =
                new ConnectionWatch(requestsCome, headersCome, MAX_CONNECTIONS - FOR_OTHERS, System::nanoTime);
        this.unread = new UnreadBodies(connections);
        this.host = host;
        this.port = port;
        this.metrics = metrics;
        this.readiness = readiness;
        this.endpoints = List.copyOf(endpoints);
        this.contents = new ContentSender(this.endpoints, new StallWatchdog(WRITES_TAKE, System::nanoTime));
        this.guard = guard;
        this.local = host.filter(AdminServer::isLoopback).isPresent();
        RefusedConnections refused = new RefusedConnections(
                Http1Config.builder()
                        .sendKeepAliveHeader(false)
                        .addReceiveListener(connections.listener())
                        .build(),
                unread);
        DirectHandlers.Builder handlers = DirectHandlers.builder();
        for (EventType type : EventType.values()) {
            handlers.addHandler(type, new UnreadableRequests(request -> {}, refused));
        }
        WebServerConfig.Builder builder = WebServers.builder();
        builder.host(host.orElse(Listening.EVERY_INTERFACE));
        tls.ifPresent(builder::tls);
        this.server = builder.port(port)
                .useNio(false)
                .connectionOptions(connections.options())
                .maxTcpConnections(MAX_CONNECTIONS)
                .idleConnectionTimeout(Duration.ofSeconds(30))
                .shutdownHook(false)
                .protocolsDiscoverServices(false)
                .addConnectionSelector(refused)
                .directHandlers(handlers.build())
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
        refuseForeign(request, response);
        String who = refuseUnknown(request, response);
        String method = request.prologue().method().text();
        switch (method) {
            case "GET", "HEAD" -> {
                read(request, response, method.equals("HEAD"));
                unread.drop(request);
            }
            case "POST" -> write(request, response, who);
            case "OPTIONS" -> {
                permit(request, response, who);
                unread.drop(request);
            }
            default -> throw refuse(request, response, 405, "only GET, HEAD and POST");
        }
        if (last) {
            throw new CloseConnectionException("connection: close");
        }
    }

    private void refuseForeign(RoutingRequest request, RoutingResponse response) {
        if (local && !isLocalName(request.authority())) {
            throw deny(
                    request,
                    response,
                    "this server listens on a loopback address and answers to localhost and addresses only");
        }
        boolean foreign = request.headers()
                .first(SEC_FETCH_SITE)
                .filter(site -> site.equals("cross-site") || site.equals("same-site"))
                .isPresent();
        String path = request.prologue().uriPath().rawPath();
        if (foreign && !OPEN_TO_PAGES.contains(path) && !isPage(path)) {
            throw deny(request, response, "pages of other sites may not ask here");
        }
    }

    // The page itself is the same for everyone, and a link to it is followed from another site; what it shows is not.
    private static boolean isPage(String path) {
        return path.equals("/") || path.startsWith("/ui/") && !path.startsWith("/ui/api/");
    }

    private String refuseUnknown(RoutingRequest request, RoutingResponse response) {
        String method = request.prologue().method().text();
        AdminRequest asked = asked(request, method.equals("HEAD"), new byte[0]);
        if (endpoints.stream().anyMatch(endpoint -> endpoint.guardsItself(asked))) {
            return "(its own secret)";
        }
        try {
            return guard.require(new AdminApproach(
                    asked.path(),
                    !method.equals("GET") && !method.equals("HEAD"),
                    asked.header().apply("Authorization"),
                    request.remotePeer().tlsPrincipal(),
                    asked.client()));
        } catch (AccessRefusedException e) {
            AccessRefusal.headers(e).forEach(response::header);
            AdminReply reply = AdminReply.error(AccessRefusal.status(e).code(), String.valueOf(e.getMessage()));
            trail.refused(request, reply);
            throw refuse(request, response, reply);
        }
    }

    private static boolean isLoopback(String host) {
        try {
            return host.equalsIgnoreCase("localhost")
                    || InetAddress.ofLiteral(host).isLoopbackAddress();
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    /** Whether the authority of a request is localhost or an address, with or without a port. */
    static boolean isLocalName(String authority) {
        if (authority.startsWith("[")) {
            return true;
        }
        String name = authority.substring(0, authority.indexOf(':') < 0 ? authority.length() : authority.indexOf(':'));
        return name.equalsIgnoreCase("localhost") || name.chars().allMatch(c -> c >= '0' && c <= '9' || c == '.');
    }

    private void read(RoutingRequest request, RoutingResponse response, boolean head) {
        switch (request.prologue().uriPath().rawPath()) {
            case "/healthz" -> send(response, head, Status.OK_200, "text/plain", "ok\n");
            case "/readyz", "/metrics" -> tell(request, response, head);
            default -> show(request, response, head);
        }
    }

    private void tell(RoutingRequest request, RoutingResponse response, boolean head) {
        boolean asksMetrics = request.prologue().uriPath().rawPath().equals("/metrics");
        Optional<String> reason;
        String text;
        try {
            reason = asksMetrics ? Optional.empty() : readiness.reasonAgainst();
            text = asksMetrics ? metrics.render() : said(reason);
        } catch (RuntimeException | Error e) {
            AdminReply failed = failure(asked(request, head, new byte[0]), e);
            send(response, head, failed);
            return;
        }
        send(
                response,
                head,
                reason.isPresent() ? Status.SERVICE_UNAVAILABLE_503 : Status.OK_200,
                asksMetrics ? "text/plain; version=0.0.4; charset=utf-8" : "text/plain; charset=utf-8",
                text);
    }

    private String said(Optional<String> reason) {
        StringBuilder text = new StringBuilder(reason.orElse("ready")).append('\n');
        readiness
                .remarks()
                .forEach(remark -> text.append("note: ").append(remark).append('\n'));
        return text.toString();
    }

    private void write(RoutingRequest request, RoutingResponse response, String who) {
        if (request.headers().contains(HeaderNames.ORIGIN)) {
            throw deny(request, response, "requests of browsers may not change anything");
        }
        AdminRequest announced = asked(request, false, new byte[0]);
        for (AdminEndpoint endpoint : endpoints) {
            Optional<AdminReply> refusal = endpoint.refusal(announced);
            if (refusal.isPresent()) {
                trail.refused(request, refusal.get());
                throw refuse(request, response, refusal.get());
            }
        }
        byte[] body;
        try {
            body = bodies.read(request);
        } catch (BodyReader.RefusedException e) {
            AdminReply reply = AdminReply.error(e.status(), String.valueOf(e.getMessage()));
            trail.refused(request, reply);
            throw refuse(request, response, reply);
        }
        AdminReply reply = reply(asked(request, false, body));
        trail.changed(request, who, reply);
        send(response, false, reply);
    }

    // A server asks so before it posts (CloudEvents 1.0, "HTTP 1.1 Web Hooks", section 4), and a browser for a page.
    private void permit(RoutingRequest request, RoutingResponse response, String who) {
        if (request.headers().contains(HeaderNames.ORIGIN)) {
            throw deny(request, response, "requests of browsers may not change anything");
        }
        AdminRequest asked = asked(request, false, new byte[0]);
        AdminReply reply = endpoints.stream()
                .flatMap(endpoint -> endpoint.permission(asked).stream())
                .findFirst()
                .orElseThrow(() -> refuse(request, response, 405, "only GET, HEAD and POST"));
        if (reply.outcome() == AdminReply.Outcome.REFUSED) {
            trail.refused(request, reply);
        } else {
            trail.changed(request, who, reply);
        }
        send(response, false, reply);
    }

    private void show(RoutingRequest request, RoutingResponse response, boolean head) {
        AdminRequest asked = asked(request, head, new byte[0]);
        Optional<AdminContent> content;
        try {
            content = contents.find(asked);
        } catch (IOException | RuntimeException | Error e) {
            AdminReply failed = failure(asked, e);
            send(response, head, failed);
            return;
        }
        if (content.isPresent()) {
            contents.send(content.get(), response, head);
        } else {
            AdminReply reply = reply(asked);
            send(response, head, reply);
        }
    }

    private static AdminRequest asked(RoutingRequest request, boolean head, byte[] body) {
        return new AdminRequest(
                head ? "GET" : request.prologue().method().text(),
                request.prologue().uriPath().rawPath(),
                request.prologue().query().rawValue(),
                ClientAddress.of(request.remotePeer().address()),
                name -> request.headers().first(HeaderNames.create(name)),
                body);
    }

    private AdminReply reply(AdminRequest request) {
        try {
            for (AdminEndpoint endpoint : endpoints) {
                Optional<AdminReply> reply = endpoint.answer(request);
                if (reply.isPresent()) {
                    return reply.get();
                }
            }
            return AdminReply.error(
                    404,
                    "here are /healthz, /readyz and /metrics; where there is a cache also the page at /ui/, /upstreams,"
                            + " /explain, /cache/stats, /replication/rules and /replication/runs");
        } catch (IOException | RuntimeException | Error e) {
            // An Error, too, as for want of memory: else the server would say that the request could not be read.
            return failure(request, e);
        }
    }

    private static AdminReply failure(AdminRequest request, Throwable e) {
        LOG.error("admin request {} {} failed", request.method(), RequestTarget.withoutUser(request.path()), e);
        return AdminReply.error(
                500, e instanceof IOException ? String.valueOf(e.getMessage()) : "a defect; the log has more");
    }

    private CloseConnectionException deny(RoutingRequest request, RoutingResponse response, String message) {
        AdminReply reply = AdminReply.error(403, message);
        trail.refused(request, reply);
        return refuse(request, response, reply);
    }

    /** Answers without using the body, which is why the connection ends here, by what is returned. */
    private CloseConnectionException refuse(
            RoutingRequest request, RoutingResponse response, int status, String message) {
        return refuse(request, response, AdminReply.error(status, message));
    }

    private CloseConnectionException refuse(RoutingRequest request, RoutingResponse response, AdminReply reply) {
        response.header(HeaderValues.CONNECTION_CLOSE);
        boolean head = request.prologue().method().text().equals("HEAD");
        send(response, head, reply);
        unread.drop(request);
        return new CloseConnectionException("a body that is not read");
    }

    private static void send(RoutingResponse response, boolean head, AdminReply reply) {
        reply.headers().forEach((name, value) -> response.header(HeaderValues.create(name, value)));
        send(response, head, Status.create(reply.status()), JSON, reply.json() + "\n");
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
        watch.scheduleWithFixedDelay(this::lookAfterConnections, 1, 1, TimeUnit.SECONDS);
    }

    private void lookAfterConnections() {
        try {
            connections.check();
            contents.check();
        } catch (RuntimeException | Error e) {
            // As for want of memory: else nobody would ever be cut any more.
            LOG.error("connections could not be looked after", e);
        }
    }

    /** The port that it listens on. */
    public int port() {
        return server.port();
    }

    @Override
    public void close() {
        server.stop();
        watch.shutdownNow();
    }
}
