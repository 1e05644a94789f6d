package dev.entrepot.proxy;

import dev.entrepot.cache.CacheIndex;
import dev.entrepot.cache.KeptImages;
import dev.entrepot.config.EntrepotConfig;
import dev.entrepot.config.Origin;
import dev.entrepot.config.ServerConfig;
import dev.entrepot.config.UpstreamConfig;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.proxy.admin.AdminEndpoint;
import dev.entrepot.proxy.admin.AdminServer;
import dev.entrepot.proxy.admin.Metrics;
import dev.entrepot.proxy.admin.Readiness;
import dev.entrepot.proxy.admin.RequestMetrics;
import dev.entrepot.proxy.http.OwnCredentials;
import dev.entrepot.proxy.http.RegistryServer;
import dev.entrepot.proxy.http.RequestObserver;
import dev.entrepot.proxy.http.ServerSettings;
import dev.entrepot.proxy.http.UpstreamNames;
import dev.entrepot.proxy.http.UpstreamRouter;
import dev.entrepot.proxy.page.Page;
import dev.entrepot.proxy.page.PageSources;
import dev.entrepot.proxy.page.Refusals;
import dev.entrepot.proxy.page.Traffic;
import dev.entrepot.proxy.replication.Replication;
import dev.entrepot.proxy.replication.ReplicationService;
import dev.entrepot.proxy.replication.RunTracing;
import dev.entrepot.proxy.rules.RuleSet;
import dev.entrepot.proxy.through.PassedThrough;
import dev.entrepot.proxy.through.ThroughUpstream;
import dev.entrepot.proxy.tracing.Tracing;
import dev.entrepot.proxy.upstreams.UpstreamMetrics;
import dev.entrepot.proxy.upstreams.UpstreamSurvey;
import dev.entrepot.proxy.upstreams.UpstreamsApi;
import dev.entrepot.proxy.warm.PinKeeping;
import dev.entrepot.proxy.warm.Prefetching;
import dev.entrepot.proxy.warm.WarmApi;
import io.helidon.common.tls.Tls;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A running mirror: all parts, put together from a configuration. Closing it drains: not ready, nothing new accepted,
 * running answers end, then everything is closed in the opposite order of its opening.
 */
final class Mirror implements Serving {
    private static final Logger LOG = LoggerFactory.getLogger(Mirror.class);
    private static final String REBUILT =
            "the index was damaged or lost and was made again at this start: see with entrepot cache pin whether all is pinned that was, and"
                    + " look at the disk";

    private final EntrepotConfig config;
    private final Optional<ParsedFile> file;
    private final ClientEnvironment environment;
    private Optional<ConfigReload> reload = Optional.empty();
    private final Closings open = new Closings();
    private final Metrics metrics = new Metrics();
    private final Traffic traffic = new Traffic();
    private final Refusals refusals = new Refusals();
    private int port;
    private int adminPort;

    private Mirror(EntrepotConfig config, Optional<ParsedFile> file, ClientEnvironment environment) {
        this.config = config;
        this.file = file;
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
        return start(config, Optional.empty(), path -> new Origin.Default(), environment, accessLog);
    }

    /**
     * As above, with rules that are read again from a file, when it changes and when {@link #reload} is called.
     *
     * @param file where the configuration comes from, and what of it was read
     * @param origins where each of its paths was written
     */
    static Mirror start(
            EntrepotConfig config,
            Optional<ParsedFile> file,
            Function<String, Origin> origins,
            ClientEnvironment environment,
            OutputStream accessLog)
            throws IOException {
        Mirror mirror = new Mirror(config, file, environment);
        try {
            mirror.open(origins, accessLog);
            return mirror;
        } catch (IOException | RuntimeException e) {
            mirror.close();
            throw e;
        }
    }

    /** What each metric of this server is. */
    List<Metrics.Description> metrics() {
        return metrics.descriptions();
    }

    private void open(Function<String, Origin> origins, OutputStream accessLogOutput) throws IOException {
        MirrorMetrics.ofProcess(metrics, Version.current());
        ServedAccess access = new ServedAccess(config, environment.clock());
        open.push(access::close);
        access.register(metrics);
        String instance = UUID.randomUUID().toString();
        Optional<Tracing> tracing = openTracing(instance);
        ClientEnvironment counted = environment.withObserver(MirrorMetrics.ofUpstreams(metrics));
        OpenedCache cache = OpenedCache.forServing(
                config, tracing.map(on -> on.follow(counted)).orElse(counted));
        open.push(cache::close);
        ManifestMemory.of(config.cache().memory())
                .warning(origins.apply("cache.memory"))
                .ifPresent(warning -> LOG.warn("{}", warning));
        MirrorMetrics.ofCache(metrics, cache.cache(), cache.index(), cache.evictor());
        DiskMetrics.of(metrics, cache);
        cache.scrub().heal(cache::heal);
        cache.scrub().start();
        cache.rules().replace(RuleSet.of(config, origins));
        LiveAccess rules = new LiveAccess(config, cache.rules().current()::where, access.gate()::replace);
        reload = file.map(source -> new ConfigReload(config, source, cache.rules(), (read, server) -> {
            cache.regroup(read);
            rules.apply(read.access(), server, cache.rules().current()::where);
        }));
        MirrorMetrics.ofReload(metrics, reload, rules);
        ReplicationService replication = openReplication(cache, instance, tracing, access);
        Readiness readiness = new Readiness(
                List.of(() -> storeProblem(cache.index())),
                List.of(
                        () -> reload.flatMap(ConfigReload::problem),
                        rules::heldBack,
                        access::problem,
                        replication::problem,
                        () -> cache.index().wasRebuilt() ? Optional.of(REBUILT) : Optional.empty(),
                        () -> DiskMetrics.note(cache.evictor()),
                        () -> DiskMetrics.refusal(cache.store())));
        PinKeeping pins =
                new PinKeeping(cache.cache().rules(), cache.evictor().pins(), cache.filler(), cache.clock(), metrics);
        open.push(pins::close);
        cache.rules().whenReplaced(pins::rulesChanged);
        Prefetching prefetching = new Prefetching(cache.cache().rules(), cache.filler(), cache.clock(), metrics);
        open.push(prefetching::close);
        cache.cache().listen((repository, reference, manifest) -> {
            pins.fetched(repository, reference, manifest);
            if (!cache.passesThrough(repository.registry())) {
                prefetching.fetched(repository, reference, manifest);
            }
        });
        WarmApi warm = new WarmApi(cache.filler(), () -> cache.rules().current().platforms());
        open.push(warm::close);
        UpstreamSurvey upstreams = cache.survey(replication.targetClients());
        UpstreamMetrics.register(metrics, upstreams);
        Page page = page(cache, readiness, upstreams, replication);
        openAdmin(
                readiness,
                List.of(
                        page,
                        replication.api(),
                        cache.explainer(rules::anonymous),
                        warm,
                        new CacheApi(new CacheOperations(cache)),
                        new UpstreamsApi(upstreams)),
                access);
        open.push(page::close);
        CachedRepositories repositories =
                new CachedRepositories(cache.cache(), cache.upstreams(), (repository, reference, answer) -> {
                    pins.pulled(repository, reference, answer);
                    if (!cache.passesThrough(repository.registry())) {
                        prefetching.pulled(repository, reference, answer);
                    }
                });
        RegistryServer server = new RegistryServer(
                settings(config.server(), access.tls()),
                repositories,
                router(),
                access.gate(),
                passedThrough(cache, repositories),
                access.localToken(),
                observer(accessLogOutput),
                tracing.map(on -> on.requests(config.server().tls().isPresent() ? "https" : "http")),
                environment.clock(),
                System::nanoTime);
        server.start();
        port = server.port();
        open.push(server::close);
        MirrorMetrics.ofConnections(metrics, server, config.server().maxConnections());
        access.watch();
        new OwnNote(config, instance, access, port, adminPort).leave(open);
        replication.start();
        reload.ifPresent(watched -> {
            watched.watch();
            open.push(watched::close);
        });
        open.push(readiness::drain);
        readiness.listen();
    }

    private Optional<String> storeProblem(CacheIndex index) {
        return index.problem()
                .or(() -> Files.isWritable(config.cache().directory())
                        ? Optional.empty()
                        : Optional.of("the folder of the store cannot be written"));
    }

    // Where nothing is traced, the class is not even loaded; which a method reference to it would do.
    private Optional<Tracing> openTracing(String instance) throws IOException {
        if (config.tracing().isEmpty()) {
            return Optional.empty();
        }
        Tracing tracing = Tracing.open(config.tracing().get(), Version.current(), instance);
        open.push(tracing::close);
        tracing.register(metrics);
        return Optional.of(tracing);
    }

    private ReplicationService openReplication(
            OpenedCache cache, String instance, Optional<Tracing> tracing, ServedAccess access) throws IOException {
        ClientEnvironment world = tracing.map(on -> on.follow(environment)).orElse(environment);
        Replication replication =
                Replication.openForServing(config.replication(), config.cache().directory(), cache.registries(), world);
        try {
            ReplicationService service = new ReplicationService(
                    replication,
                    config.replication(),
                    instance,
                    metrics,
                    environment,
                    tracing.map(on -> on.runs()).orElse(RunTracing.OFF),
                    access.adminGuard());
            open.push(service::close);
            return service;
        } catch (IOException | RuntimeException e) {
            replication.close();
            throw e;
        }
    }

    private void openAdmin(Readiness readiness, List<AdminEndpoint> endpoints, ServedAccess access) throws IOException {
        AdminServer admin = new AdminServer(
                config.server().admin().host(),
                config.server().admin().port(),
                metrics,
                readiness,
                endpoints,
                access.adminGuard(),
                access.adminTls());
        admin.start();
        adminPort = admin.port();
        open.push(admin::close);
    }

    private Page page(
            OpenedCache cache, Readiness readiness, UpstreamSurvey upstreams, ReplicationService replication) {
        return new Page(new PageSources(
                Version.current(),
                environment.clock(),
                readiness,
                traffic,
                refusals,
                cache.cache(),
                cache.index(),
                cache.evictor(),
                new KeptImages(cache.store(), cache.index(), cache.evictor().pins()),
                upstreams,
                replication.status()));
    }

    private RequestObserver observer(OutputStream accessLogOutput) {
        RequestObserver counted = new BothObservers(new RequestMetrics(metrics), new BothObservers(traffic, refusals));
        return LoggedRequests.of(counted, config.server().accessLog(), accessLogOutput, open, metrics);
    }

    static ServerSettings settings(ServerConfig config, Optional<Tls> tls) {
        return new ServerSettings(
                config.listen().host(),
                config.listen().port(),
                tls,
                config.maxConnections(),
                config.maxConnectionsPerClient(),
                config.clientRate().map(rate -> new ServerSettings.Rate(rate.perSecond(), rate.burst())),
                config.drain(),
                config.clientStall(),
                ServerSettings.DEFAULT_HEADER_TIME,
                ServerSettings.DEFAULT_IDLE);
    }

    private OwnCredentials passedThrough(OpenedCache cache, CachedRepositories repositories) {
        Map<RegistryHost, ThroughUpstream> through = new LinkedHashMap<>();
        cache.upstreams()
                .forEach((name, upstream) -> upstream.passThrough()
                        .ifPresent(settings -> through.put(
                                name,
                                new ThroughUpstream(
                                        upstream.client(),
                                        settings.proofFor(),
                                        !Objects.requireNonNull(
                                                        config.upstreams().get(name))
                                                .hosts()
                                                .isEmpty()))));
        if (through.isEmpty()) {
            return OwnCredentials.NONE;
        }
        byte[] secret = new byte[32];
        new SecureRandom().nextBytes(secret);
        PassedThrough passed = new PassedThrough(
                through,
                config.defaultUpstream(),
                cache.cache(),
                repositories::serving,
                secret,
                environment.nanoTime());
        metrics.gauge(
                "entrepot_passed_credentials",
                "Credentials of clients that were shown to upstreams in the last ten minutes and are in memory.",
                passed::credentialsAtHand);
        return passed;
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

    @Override
    public boolean reload(String cause) {
        return reload.map(source -> source.reload(cause)).orElse(false);
    }

    @Override
    public int port() {
        return port;
    }

    @Override
    public int adminPort() {
        return adminPort;
    }

    @Override
    public void close() {
        open.close();
    }
}
