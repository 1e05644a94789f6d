package dev.entrepot.replicator;

import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.RepositoryTarget;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.Priority;
import dev.entrepot.oci.client.QuotaReserve;
import dev.entrepot.oci.client.RegistryClient;
import dev.entrepot.oci.client.RegistryEndpoint;
import dev.entrepot.oci.client.RequestObserver;
import dev.entrepot.oci.client.Safeguards;
import dev.entrepot.replicator.fill.FilledCache;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Clock;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Registries over real sockets, as sources and targets. Closing it closes its clients. */
public final class HttpRegistries implements AutoCloseable {
    private static final long ROOMY = 1L << 30;

    private final List<RegistryClient> clients = new ArrayList<>();
    private final List<FilledCache> caches = new ArrayList<>();
    private final ClientEnvironment environment;
    private final Clock clock;

    public HttpRegistries() {
        this.environment = ClientEnvironment.system("test");
        this.clock = Clock.systemUTC();
    }

    /** Registries whose clients wait in this time. */
    HttpRegistries(VirtualTime time) {
        this.clock = time.withZone(ZoneOffset.UTC);
        this.environment = new ClientEnvironment(
                clock, time::sleep, new Random(5), RequestObserver.NONE, Map.of(), "entrepot/test");
    }

    private RegistryClient client(URI uri, Safeguards safeguards) throws IOException {
        return new RegistryClient(
                RegistryEndpoint.of(new RegistryHost(uri.getAuthority()), uri), safeguards, environment);
    }

    private RegistryClient client(URI uri) throws IOException {
        RegistryClient client = client(uri, Safeguards.NONE);
        clients.add(client);
        return client;
    }

    /** A source that is read directly. */
    SourceRegistry source(URI uri) throws IOException {
        RegistryClient client = client(uri);
        return new SourceRegistry() {
            @Override
            public String name() {
                return uri.getAuthority();
            }

            @Override
            public RepositorySource repository(RepositoryName name) {
                return client.repository(name, Priority.BACKGROUND);
            }

            @Override
            public List<RepositoryName> catalog() {
                throw new AssertionError("these rules name their repositories");
            }
        };
    }

    /** A source as in production: through a cache in this folder. */
    public SourceRegistry cached(URI uri, Path folder) throws IOException {
        FilledCache cache =
                new FilledCache(folder, client(uri, Safeguards.ofCommand(QuotaReserve.DEFAULT)), clock, ROOMY);
        caches.add(cache);
        return cache.source();
    }

    public TargetRegistry target(URI uri) throws IOException {
        RegistryClient client = client(uri);
        return new TargetRegistry() {
            @Override
            public String name() {
                return uri.getAuthority();
            }

            @Override
            public RepositoryTarget target(RepositoryName name) {
                return client.target(name);
            }

            @Override
            public RepositorySource reader(RepositoryName name) {
                return client.target(name);
            }
        };
    }

    @Override
    public void close() throws IOException {
        for (FilledCache cache : caches) {
            cache.close();
        }
        clients.forEach(RegistryClient::close);
    }
}
