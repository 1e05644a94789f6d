package dev.entrepot.proxy;

import dev.entrepot.cache.CacheIndex;
import dev.entrepot.cache.ContentStore;
import dev.entrepot.cache.Evictor;
import dev.entrepot.cache.FetchSettings;
import dev.entrepot.cache.PullThroughCache;
import dev.entrepot.config.AccessLogFormat;
import dev.entrepot.config.CacheConfig;
import dev.entrepot.config.EntrepotConfig;
import dev.entrepot.config.ServerConfig;
import dev.entrepot.config.UpstreamConfig;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.proxy.admin.AccessLog;
import dev.entrepot.proxy.admin.AdminServer;
import dev.entrepot.proxy.admin.Metrics;
import dev.entrepot.proxy.admin.Readiness;
import dev.entrepot.proxy.admin.RequestMetrics;
import dev.entrepot.proxy.http.RegistryServer;
import dev.entrepot.proxy.http.RequestObserver;
import dev.entrepot.proxy.http.ServerSettings;
import dev.entrepot.proxy.http.UpstreamNames;
import dev.entrepot.proxy.http.UpstreamRouter;
import io.helidon.common.tls.Tls;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A running mirror: all parts, put together from a configuration. Closing it drains: not ready, nothing new accepted, running answers
 * end, then everything is closed in the opposite order of its opening.
 */
final class Mirror implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Mirror.class);
    private static final Duration FETCHES_END = Duration.ofSeconds(5);

    /** Something to close. */
    private interface Closing {
        void close() throws IOException;
    }

    private final EntrepotConfig config;
    private final ClientEnvironment environment;
    private final Deque<Closing> open = new ArrayDeque<>();
    private final Metrics metrics = new Metrics();
    private int port;
    private int adminPort;

    private Mirror(EntrepotConfig config, ClientEnvironment environment) {
        this.config = config;
        this.environment = environment;
    }

    /**
     * Opens everything and begins to listen.
     *
     * @param config the configuration
     * @param environment the world around the upstream clients
     * @param accessLog where the access log goes
     * @throws IOException if the store, a certificate or an address cannot be had; the message says which
     */
    static Mirror start(EntrepotConfig config, ClientEnvironment environment, OutputStream accessLog)
            throws IOException {
        Mirror mirror = new Mirror(config, environment);
        try {
            mirror.open(accessLog);
            return mirror;
        } catch (IOException | RuntimeException e) {
            mirror.close();
            throw e;
        }
    }

    private void open(OutputStream accessLogOutput) throws IOException {
        MirrorMetrics.ofProcess(metrics, Version.current());
        Optional<Tls> tls = config.server().tls().isPresent()
                ? Optional.of(ServerCertificate.load(config.server().tls().get()))
                : Optional.empty();
        CacheConfig cacheConfig = config.cache();
        ContentStore store = ContentStore.open(cacheConfig.directory(), environment.clock());
        open.push(store::close);
        CacheIndex index = CacheIndex.open(store, environment.clock());
        open.push(index::close);
        Evictor evictor = new Evictor(
                store,
                index,
                cacheConfig.capacity().bytes(),
                cacheConfig.minFree().bytes());
        open.push(evictor::close);
        Map<RegistryHost, Upstream> upstreams = openUpstreams();
        ExecutorService fetching = Executors.newVirtualThreadPerTaskExecutor();
        open.push(() -> stopFetching(fetching));
        PullThroughCache cache = new PullThroughCache(
                store,
                index,
                evictor,
                environment.clock(),
                cacheConfig.memory().bytes(),
                FetchSettings.DEFAULT,
                fetching);
        MirrorMetrics.ofCache(metrics, cache, index, evictor);
        Readiness readiness = new Readiness(List.of(() -> storeProblem(index)));
        openAdmin(readiness);
        RegistryServer server = new RegistryServer(
                settings(config.server(), tls),
                new CachedRepositories(cache, upstreams),
                router(),
                observer(accessLogOutput),
                environment.clock(),
                System::nanoTime);
        server.start();
        port = server.port();
        open.push(server::close);
        open.push(readiness::drain);
    }

    private Map<RegistryHost, Upstream> openUpstreams() throws IOException {
        ClientEnvironment observed = environment.withObserver(MirrorMetrics.ofUpstreams(metrics));
        Map<RegistryHost, Upstream> upstreams = new LinkedHashMap<>();
        for (UpstreamConfig upstreamConfig : config.upstreams().values()) {
            Upstream upstream = Upstream.open(upstreamConfig, config.cache(), observed);
            open.push(upstream::close);
            upstreams.put(upstreamConfig.name(), upstream);
        }
        return upstreams;
    }

    /** Fetches that outlive their clients are broken off; what they have is kept and taken up at the next request. */
    private static void stopFetching(ExecutorService fetching) {
        fetching.shutdownNow();
        try {
            if (!fetching.awaitTermination(FETCHES_END.toMillis(), TimeUnit.MILLISECONDS)) {
                LOG.warn("fetches did not end within {} s", FETCHES_END.toSeconds());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private Optional<String> storeProblem(CacheIndex index) {
        if (index.isFailing()) {
            return Optional.of("the index of the store cannot be written");
        }
        return Files.isWritable(config.cache().directory())
                ? Optional.empty()
                : Optional.of("the folder of the store cannot be written");
    }

    private void openAdmin(Readiness readiness) throws IOException {
        AdminServer admin = new AdminServer(
                config.server().admin().host(), config.server().admin().port(), metrics, readiness);
        admin.start();
        adminPort = admin.port();
        open.push(admin::close);
    }

    private RequestObserver observer(OutputStream accessLogOutput) {
        RequestMetrics counted = new RequestMetrics(metrics);
        if (config.server().accessLog() == AccessLogFormat.OFF) {
            return counted;
        }
        AccessLog log = config.server().accessLog() == AccessLogFormat.JSON
                ? AccessLog.json(accessLogOutput)
                : AccessLog.text(accessLogOutput);
        open.push(log::close);
        metrics.counterFrom("entrepot_access_log_dropped_total", "Lines of the access log dropped.", log::dropped);
        return new BothObservers(counted, log);
    }

    private static ServerSettings settings(ServerConfig config, Optional<Tls> tls) {
        return new ServerSettings(
                config.listen().host(),
                config.listen().port(),
                tls,
                config.maxConnections(),
                config.drain(),
                config.clientStall(),
                ServerSettings.DEFAULT_HEADER_TIME,
                ServerSettings.DEFAULT_IDLE);
    }

    private UpstreamRouter router() {
        List<UpstreamNames> names = new ArrayList<>();
        for (UpstreamConfig upstream : config.upstreams().values()) {
            names.add(new UpstreamNames(
                    upstream.name(),
                    upstream.aliases(),
                    upstream.hosts().stream().map(RegistryHost::value).toList()));
        }
        return new UpstreamRouter(names, config.defaultUpstream());
    }

    /** The port of the registry API. */
    int port() {
        return port;
    }

    /** The port of the admin API. */
    int adminPort() {
        return adminPort;
    }

    @Override
    public void close() {
        while (!open.isEmpty()) {
            try {
                open.pop().close();
            } catch (IOException | RuntimeException e) {
                LOG.error("closing: {}", e.toString(), e);
            }
        }
    }
}
