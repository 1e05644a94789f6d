package dev.entrepot.proxy.http;

import dev.entrepot.oci.OciLimits;
import io.helidon.http.DirectHandler.EventType;
import io.helidon.http.media.MediaContext;
import io.helidon.http.media.StringSupport;
import io.helidon.webserver.WebServer;
import io.helidon.webserver.WebServerConfig;
import io.helidon.webserver.http.DirectHandlers;
import io.helidon.webserver.http1.Http1Config;
import java.io.IOException;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The registry port: an HTTP/1.1 server (Helidon), set up around the defects of its version 4.5.0, each of which has a
 * test by its name. Stopping it lets running answers end, for at most the configured time.
 */
public final class RegistryServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RegistryServer.class);
    private static final int MAX_REQUEST_LINE = 16 * 1024;
    // Each of them is in a write or a read that has just been interrupted.
    private static final Duration LONGEST_FOR_REPORTS = Duration.ofSeconds(2);

    private final ServerSettings settings;
    private final WebServer server;
    private final FrontDoor frontDoor;
    private final ConnectionWatch connections;
    private final ScheduledExecutorService watch;

    /**
     * Prepares the server; it listens after {@link #start()}.
     *
     * @param settings how the port behaves
     * @param repositories what is served
     * @param router which upstream a request means
     * @param gate who may pull what
     * @param own which upstreams are asked with the credentials of each client
     * @param observer is told of every request
     * @param clock the time of day, for logs
     * @param nanoClock a clock for durations
     */
    public RegistryServer(
            ServerSettings settings,
            ServedRepositories repositories,
            UpstreamRouter router,
            Gate gate,
            OwnCredentials own,
            RequestObserver observer,
            InstantSource clock,
            LongSupplier nanoClock) {
        this(settings, repositories, router, gate, own, "", observer, Optional.empty(), clock, nanoClock);
    }

    /**
     * As above.
     *
     * @param local what commands on the data folder show; empty if there are none
     * @param tracing follows requests; nobody does without
     */
    public RegistryServer(
            ServerSettings settings,
            ServedRepositories repositories,
            UpstreamRouter router,
            Gate gate,
            OwnCredentials own,
            String local,
            RequestObserver observer,
            Optional<RequestTracing> tracing,
            InstantSource clock,
            LongSupplier nanoClock) {
        this.settings = settings;
        this.connections = new ConnectionWatch(
                settings.idle(), settings.headerTime(), settings.maxConnectionsPerClient(), nanoClock);
        ConnectionChannels channels = connections.channels();
        UnreadBodies unread = new UnreadBodies(connections);
        StallWatchdog stalls = new StallWatchdog(settings.clientStall(), nanoClock);
        this.frontDoor = new FrontDoor(
                repositories,
                router,
                gate,
                own,
                settings.rate().map(rate -> new RequestRates<>(rate.perSecond(), rate.burst(), nanoClock)),
                settings.tls().isPresent() ? "https" : "http",
                new Passing(local),
                new BlobHandler(() -> boundary(new SecureRandom())),
                new ReplySender(stalls, settings.tls().isPresent() ? _ -> Optional.empty() : channels::of),
                unread,
                observer,
                tracing,
                clock,
                nanoClock);
        this.server = server(observer, unread);
        this.watch = Executors.newSingleThreadScheduledExecutor(
                Thread.ofPlatform().daemon().name("connection-watch").factory());
        Duration shortest = Stream.of(settings.clientStall(), settings.headerTime(), settings.idle())
                .min(Comparator.naturalOrder())
                .orElseThrow();
        long periodMillis = Math.clamp(shortest.toMillis() / 4, 10, 1000);
        watch.scheduleWithFixedDelay(
                () -> {
                    try {
                        stalls.check();
                        connections.check();
                    } catch (RuntimeException | Error e) {
                        // As for want of memory: else nobody would ever be cut any more.
                        LOG.error("connections could not be looked after", e);
                    }
                },
                periodMillis,
                periodMillis,
                TimeUnit.MILLISECONDS);
    }

    private static String boundary(RandomGenerator random) {
        byte[] bytes = new byte[16];
        random.nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }

    private WebServer server(RequestObserver observer, UnreadBodies unread) {
        Http1Config http1 = Http1Config.builder()
                .maxPrologueLength(MAX_REQUEST_LINE)
                .maxHeadersSize(OciLimits.MAX_HEADER_BYTES)
                .sendKeepAliveHeader(false)
                .validateResponseHeaders(false)
                .validatePath(false)
                .addReceiveListener(connections.listener())
                .build();
        RefusedConnections refused = new RefusedConnections(http1, unread);
        UnreadableRequests unreadable = new UnreadableRequests(observer, refused);
        DirectHandlers.Builder handlers = DirectHandlers.builder();
        for (EventType type : EventType.values()) {
            handlers.addHandler(type, unreadable);
        }
        WebServerConfig.Builder builder = WebServers.builder();
        builder.host(settings.host().orElse(Listening.EVERY_INTERFACE));
        settings.tls().ifPresent(builder::tls);
        return builder.port(settings.port())
                .useNio(false)
                .connectionOptions(connections.options())
                .writeBufferSize(0)
                .maxTcpConnections(settings.maxConnections())
                .idleConnectionTimeout(settings.idle())
                .idleConnectionPeriod(
                        Duration.ofMillis(Math.clamp(settings.idle().toMillis() / 5, 10, 15_000)))
                .shutdownGracePeriod(settings.drain())
                .shutdownHook(false)
                .protocolsDiscoverServices(false)
                .addConnectionSelector(refused)
                .contentEncoding(encoding -> encoding.contentEncodingsDiscoverServices(false))
                .mediaContext(MediaContext.builder()
                        .mediaSupportsDiscoverServices(false)
                        .addMediaSupport(StringSupport.create())
                        .build())
                .directHandlers(handlers.build())
                .routing(routing -> routing.addFilter(frontDoor))
                .build();
    }

    /**
     * Begins to listen.
     *
     * @throws IOException if the address cannot be had
     */
    public void start() throws IOException {
        Listening.start(server, "the registry API", settings.host(), settings.port());
    }

    /** How many connections were closed at once, because their client had too many. */
    public long connectionsRefused() {
        return connections.channels().refused();
    }

    /** How many connections there are; one that has closed within the last second may be among them. */
    public int connections() {
        return connections.channels().size();
    }

    /** The port that it listens on. */
    public int port() {
        return server.port();
    }

    /**
     * Accepts nothing more, lets running answers end, cuts those that take longer than the configured time, and returns
     * when these, too, have been told to the observer, or after two seconds.
     */
    @Override
    public void close() {
        frontDoor.drain();
        server.stop();
        boolean reported = frontDoor.underWay().awaitReports(LONGEST_FOR_REPORTS);
        long cut = frontDoor.underWay().cut();
        if (cut > 0 || !reported) {
            LOG.warn(
                    "{} answers did not come to their end while stopping, which waits for {} s (server.drain){}",
                    cut,
                    settings.drain().toSeconds(),
                    reported ? "" : "; others are not in the access log, because they do not end");
        }
        watch.shutdownNow();
    }
}
