package dev.entrepot.proxy;

import dev.entrepot.cache.CacheIndex;
import dev.entrepot.cache.ComparisonAtStart;
import dev.entrepot.cache.ContentKind;
import dev.entrepot.cache.ContentStore;
import dev.entrepot.cache.DiskLimits;
import dev.entrepot.cache.DiskShares;
import dev.entrepot.cache.Evictor;
import dev.entrepot.cache.FetchSettings;
import dev.entrepot.cache.ForwardClock;
import dev.entrepot.cache.Housekeeping;
import dev.entrepot.cache.PullThrough;
import dev.entrepot.cache.PullThroughCache;
import dev.entrepot.cache.Scrub;
import dev.entrepot.config.CacheConfig;
import dev.entrepot.config.EntrepotConfig;
import dev.entrepot.config.PassThroughConfig;
import dev.entrepot.config.UpstreamConfig;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.Priority;
import dev.entrepot.oci.client.RegistryClient;
import dev.entrepot.proxy.access.AnonymousPulls;
import dev.entrepot.proxy.replication.Registries;
import dev.entrepot.proxy.rules.DiskGrouping;
import dev.entrepot.proxy.rules.Explainable;
import dev.entrepot.proxy.rules.Explainer;
import dev.entrepot.proxy.rules.LiveRules;
import dev.entrepot.proxy.rules.RuleDisk;
import dev.entrepot.proxy.rules.RuleSet;
import dev.entrepot.proxy.upstreams.UpstreamSurvey;
import dev.entrepot.replicator.fill.GraphFiller;
import dev.entrepot.replicator.journal.CopyJournal;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The pull-through cache of a configuration with all that is under it: what both serving and replicating stand on. */
final class OpenedCache implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(OpenedCache.class);
    private static final Duration FETCHES_END = Duration.ofSeconds(5);
    private static final Duration FIRST_MOMENTS = Duration.ofSeconds(2);
    private static final long MUCH = 20_000;

    private final EntrepotConfig config;
    private final ClientEnvironment environment;
    private final boolean serving;
    private final ForwardClock clock;
    private final Closings open = new Closings();
    private final Map<RegistryHost, Upstream> upstreams = new LinkedHashMap<>();
    private final ContentStore store;
    private final CacheIndex index;
    private final Scrub scrub;
    private final Evictor evictor;
    private final PullThroughCache cache;
    private final LiveRules rules;
    private DiskGrouping grouping;

    /**
     * Opens the store of the configuration and the clients of its upstreams.
     *
     * @param environment the world around the clients
     * @throws IOException if the store is in use, unusable, or another user's and this process root's, or a TLS file
     *     cannot be read; the message says which
     */
    OpenedCache(EntrepotConfig config, ClientEnvironment environment) throws IOException {
        this(config, environment, false);
    }

    /**
     * As above, for a server: after a crash, index and files are compared in the background, of the requests to each
     * upstream a quarter is kept for clients, and root serves a store of another user.
     */
    static OpenedCache forServing(EntrepotConfig config, ClientEnvironment environment) throws IOException {
        return new OpenedCache(config, environment, true);
    }

    private OpenedCache(EntrepotConfig config, ClientEnvironment environment, boolean serving) throws IOException {
        this.config = config;
        this.environment = environment;
        this.serving = serving;
        this.clock = new ForwardClock(environment.clock(), environment.nanoTime());
        this.rules = new LiveRules(RuleSet.of(config));
        this.grouping = DiskGrouping.of(config);
        CacheConfig cacheConfig = config.cache();
        try {
            if (!serving) {
                // Before SQLite has files of its own beside the journal.
                ContentStore.refuseForeign(cacheConfig.directory());
            }
            // A folder of a newer version stays as it is, for that version.
            CopyJournal.refuseNewer(cacheConfig.directory());
            store = serving
                    ? ContentStore.openForServing(cacheConfig.directory(), environment.clock())
                    : ContentStore.open(cacheConfig.directory(), environment.clock());
            open.push(store::close);
            index = serving ? CacheIndex.openAtOnce(store, clock) : CacheIndex.open(store, clock);
            open.push(index::close);
            evictor = new Evictor(
                    store,
                    index,
                    DiskLimits.of(
                            cacheConfig.capacity().bytes(),
                            cacheConfig.minFree().bytes(),
                            cacheConfig.highWatermark().value(),
                            cacheConfig.lowWatermark().value()),
                    shares(),
                    settling());
            open.push(evictor::close);
            scrub = new Scrub(
                    store,
                    index,
                    cacheConfig.scrubEvery(),
                    cacheConfig.scrubRate().bytes(),
                    clock,
                    Thread::sleep);
            openUpstreams();
            ExecutorService fetching = Executors.newVirtualThreadPerTaskExecutor();
            open.push(() -> stopFetching(fetching));
            // It fetches what it finds bad.
            open.push(scrub::close);
            cache = new PullThroughCache(
                    store,
                    index,
                    evictor,
                    clock,
                    ManifestMemory.of(cacheConfig.memory()).bytes(),
                    FetchSettings.DEFAULT,
                    fetching,
                    rules);
            ComparisonAtStart comparison = ComparisonAtStart.of(store, index, settling());
            open.push(comparison::close);
            if (serving) {
                lookAfter();
            }
        } catch (IOException | RuntimeException e) {
            open.close();
            throw e;
        }
    }

    private void lookAfter() {
        Housekeeping housekeeping = new Housekeeping(store, index, evictor, environment.clock(), Thread::sleep);
        open.push(housekeeping::close);
        housekeeping.start();
    }

    // What reads all of a large index lets those go first who have waited for the start.
    private Duration settling() {
        return serving && index.contents().storedCount() > MUCH ? FIRST_MOMENTS : Duration.ZERO;
    }

    private void openUpstreams() throws IOException {
        for (UpstreamConfig upstreamConfig : config.upstreams().values()) {
            Upstream upstream = Upstream.open(upstreamConfig, serving, environment);
            open.push(upstream::close);
            upstreams.put(upstreamConfig.name(), upstream);
        }
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

    /** The folder that it is in. */
    Path directory() {
        return config.cache().directory();
    }

    /** The time by which ages are measured: it is not set back. Files have that of the wall clock. */
    Clock clock() {
        return clock;
    }

    /** The cache itself. */
    PullThroughCache cache() {
        return cache;
    }

    /** The rules in effect. */
    LiveRules rules() {
        return rules;
    }

    /**
     * Explains what the cache does.
     *
     * @param access what the rules of access in effect make of clients that do not say who they are
     */
    Explainer explainer(Supplier<AnonymousPulls> access) {
        return new Explainer(
                rules,
                access,
                repository -> Optional.ofNullable(upstreams.get(repository.registry()))
                        .map(upstream -> explainable(upstream, repository)));
    }

    private Explainable explainable(Upstream upstream, Repository repository) {
        return new Explainable(
                cache.repository(upstream.client().source(repository.name(), Priority.INTERACTIVE)),
                (reference, blob) -> upstream.client().places(repository.name(), reference, blob).stream()
                        .map(place -> new Explainable.Place(place.name(), place.isMirror(), place.notAsked()))
                        .toList(),
                upstream.passThrough().map(PassThroughConfig::proofFor));
    }

    /** The files. */
    ContentStore store() {
        return store;
    }

    /** What reads them again. */
    Scrub scrub() {
        return scrub;
    }

    /** What is known of them. */
    CacheIndex index() {
        return index;
    }

    /** What makes room. */
    Evictor evictor() {
        return evictor;
    }

    /** The upstreams, in the order of the configuration. */
    Map<RegistryHost, Upstream> upstreams() {
        return upstreams;
    }

    /** The clients of the upstreams, in the order of the configuration. */
    Map<RegistryHost, RegistryClient> clients() {
        Map<RegistryHost, RegistryClient> clients = new LinkedHashMap<>();
        upstreams.forEach((name, upstream) -> clients.put(name, upstream.client()));
        return clients;
    }

    /**
     * What is known of the upstreams, and a check of them by what is kept, else by what the configuration names.
     *
     * @param targets of replication
     */
    UpstreamSurvey survey(List<RegistryClient> targets) {
        KeptSamples kept = new KeptSamples(this);
        NamedSamples named = new NamedSamples(config, rules);
        return new UpstreamSurvey(clients(), upstream -> kept.of(upstream).or(() -> named.of(upstream)), targets);
    }

    /** The upstreams as sources of replication. */
    Registries registries() {
        Registries registries = new Registries(config.upstreams(), clients(), Optional.of(cache), environment);
        return serving ? registries : registries.withoutClients();
    }

    /**
     * Divides the disk anew, if rules that have changed divide it otherwise than before: it forgets how often things
     * were used.
     */
    synchronized void regroup(EntrepotConfig changed) {
        DiskGrouping next = DiskGrouping.of(changed);
        if (!next.equals(grouping)) {
            evictor.regroup(shares());
            // Not before: what fails is tried again.
            grouping = next;
        }
    }

    /** How the rules divide the disk. */
    DiskShares shares() {
        return new RuleDisk(rules);
    }

    /** Brings graphs into the cache in the background: whoever pulls goes first. */
    GraphFiller filler() {
        return new GraphFiller(this::toFill);
    }

    /**
     * Whether an upstream is asked with the credentials of each client, so that nothing is asked for nobody in
     * particular.
     */
    boolean passesThrough(RegistryHost upstream) {
        Upstream known = upstreams.get(upstream);
        return known != null && known.passThrough().isPresent();
    }

    private PullThrough toFill(Repository repository) {
        Upstream upstream = upstreams.get(repository.registry());
        if (upstream == null) {
            throw new IllegalArgumentException(
                    "no upstream is called " + repository.registry() + "; add it to upstreams in the configuration");
        }
        return rules.of(repository).offline() || upstream.passThrough().isPresent()
                ? cache.whateverIsKept(repository)
                : cache.alwaysAsking(upstream.client().source(repository.name(), Priority.BACKGROUND));
    }

    /**
     * Brings back what was found bad, in the background; what cannot be had now is tried again within an hour, and
     * comes with the next request for it.
     */
    void heal(Repository repository, ContentKind kind, Digest digest) {
        try {
            cache.restore(toFill(repository), kind, digest);
            LOG.info("{} of {} was fetched anew", digest, repository);
        } catch (IOException | IllegalArgumentException e) {
            LOG.warn(
                    "{} of {} cannot be fetched anew now; it is tried again within an hour, and when it is asked for: {}",
                    digest,
                    repository,
                    e.getMessage());
        }
    }

    @Override
    public void close() {
        open.close();
    }
}
