package dev.entrepot.replicator.fill;

import dev.entrepot.cache.CacheIndex;
import dev.entrepot.cache.CacheRules;
import dev.entrepot.cache.CacheSettings;
import dev.entrepot.cache.CachedRepository;
import dev.entrepot.cache.ContentStore;
import dev.entrepot.cache.DiskLimits;
import dev.entrepot.cache.DiskShares;
import dev.entrepot.cache.Evictor;
import dev.entrepot.cache.FetchSettings;
import dev.entrepot.cache.PullThrough;
import dev.entrepot.cache.PullThroughCache;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.Priority;
import dev.entrepot.oci.client.RegistryClient;
import dev.entrepot.oci.client.RegistryEndpoint;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.replicator.SourceRegistry;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A real cache in a folder before one registry, over real sockets. */
public final class FilledCache implements AutoCloseable {
    private final ContentStore store;
    private final CacheIndex index;
    private final RegistryClient client;
    private final PullThroughCache cache;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

    FilledCache(Path directory, TestRegistry registry, long capacityBytes) throws IOException {
        this(
                directory,
                new RegistryClient(
                        RegistryEndpoint.of(registry.host(), registry.uri()), ClientEnvironment.system("test")),
                Clock.systemUTC(),
                capacityBytes);
    }

    /** Before the registry of this client, which is closed with it. */
    public FilledCache(Path directory, RegistryClient client, Clock clock, long capacityBytes) throws IOException {
        this.client = client;
        store = ContentStore.open(directory, clock);
        index = CacheIndex.open(store, clock);
        cache = new PullThroughCache(
                store,
                index,
                new Evictor(store, index, DiskLimits.of(capacityBytes, 0), DiskShares.EQUAL, Duration.ZERO),
                clock,
                1 << 20,
                FetchSettings.DEFAULT,
                threads,
                CacheRules.always(
                        CacheSettings.defaults(Duration.ofMinutes(1), Duration.ofDays(7), Duration.ofMinutes(1))));
    }

    GraphFiller filler() {
        return new GraphFiller(this::open);
    }

    PullThrough open(Repository repository) {
        if (!repository.registry().equals(client.endpoint().registry())) {
            throw new IllegalArgumentException("no upstream is called " + repository.registry());
        }
        return cache.alwaysAsking(client.repository(repository.name(), Priority.BACKGROUND));
    }

    /** What rules copy from. */
    public SourceRegistry source() {
        return new SourceRegistry() {
            @Override
            public String name() {
                return client.endpoint().registry().value();
            }

            @Override
            public RepositorySource repository(RepositoryName name) {
                return new CachedRepository(cache.alwaysAsking(client.source(name, Priority.BACKGROUND)));
            }

            @Override
            public List<RepositoryName> catalog() {
                throw new AssertionError("these rules name their repositories");
            }

            @Override
            public boolean keepsWhatIsRead() {
                return true;
            }

            @Override
            public boolean keeps(Digest content, boolean manifest) {
                return cache.keeps(content, manifest);
            }
        };
    }

    /** What clients are served from. */
    PullThrough pull(Repository repository) {
        return cache.repository(client.repository(repository.name(), Priority.INTERACTIVE));
    }

    @Override
    public void close() throws IOException {
        threads.shutdownNow();
        // Waits for them: who is just writing a file would do so in a folder that is being deleted.
        threads.close();
        client.close();
        index.close();
        store.close();
    }
}
