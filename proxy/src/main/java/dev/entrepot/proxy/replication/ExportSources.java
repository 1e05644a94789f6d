package dev.entrepot.proxy.replication;

import dev.entrepot.cache.PullThroughCache;
import dev.entrepot.config.UpstreamConfig;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.Credential;
import dev.entrepot.oci.client.CredentialSource;
import dev.entrepot.oci.client.Priority;
import dev.entrepot.oci.client.RegistryClient;
import dev.entrepot.oci.client.RegistryEndpoint;
import dev.entrepot.oci.client.RemoteRepository;
import dev.entrepot.oci.client.Safeguards;
import dev.entrepot.replicator.SourceRegistry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The upstreams as sources of exports: through the cache, past it, out of it, or through a server that has it open. Not
 * safe for several threads.
 */
public final class ExportSources implements AutoCloseable {
    private final Map<RegistryHost, UpstreamConfig> upstreams;
    private final Opening opening;
    private final List<RegistryClient> own;
    private final Map<RegistryHost, SourceRegistry> opened = new LinkedHashMap<>();

    private interface Opening {
        SourceRegistry open(UpstreamConfig upstream) throws IOException;
    }

    private ExportSources(Map<RegistryHost, UpstreamConfig> upstreams, List<RegistryClient> own, Opening opening) {
        this.upstreams = upstreams;
        this.own = own;
        this.opening = opening;
    }

    /** Through a cache, as replication reads. */
    public static ExportSources cached(Registries registries) {
        return new ExportSources(
                registries.upstreams(), new ArrayList<>(), upstream -> registries.source(upstream.name()));
    }

    /** Through a cache, which keeps no blob because of it: one that it does not have comes from the upstream. */
    public static ExportSources passing(Registries registries) {
        return new ExportSources(
                registries.upstreams(),
                new ArrayList<>(),
                upstream -> registries.source(upstream.name()).passingBlobs());
    }

    /** Out of a cache, without asking any upstream. */
    public static ExportSources kept(Registries registries) {
        PullThroughCache cache = registries.cache().orElseThrow();
        return new ExportSources(
                registries.upstreams(), new ArrayList<>(), upstream -> new Kept(cache, upstream.name()));
    }

    /** From the upstreams themselves. */
    public static ExportSources direct(Map<RegistryHost, UpstreamConfig> upstreams, ClientEnvironment environment) {
        List<RegistryClient> own = new ArrayList<>();
        return new ExportSources(upstreams, own, upstream -> direct(upstream, environment, own));
    }

    private static SourceRegistry direct(
            UpstreamConfig upstream, ClientEnvironment environment, List<RegistryClient> own) throws IOException {
        RegistryClient client =
                UpstreamClients.open(upstream, Safeguards.ofCommand(Endpoints.reserve(upstream)), false, environment);
        own.add(client);
        return new RegistrySource(client, Optional.empty());
    }

    /**
     * Through the pull API of a server, whose cache and limits are shared so; the catalog, of which a server shows what
     * it keeps, is the upstream's.
     *
     * @param registry where its pull API is
     * @param token what a command on its data folder shows there; empty if it wants nothing
     * @param passing the header that shows it where the server is to keep no blob because of this; empty where it may
     */
    public static ExportSources through(
            URI registry,
            String token,
            Optional<String> passing,
            Map<RegistryHost, UpstreamConfig> upstreams,
            ClientEnvironment environment) {
        List<RegistryClient> own = new ArrayList<>();
        return new ExportSources(upstreams, own, upstream -> {
            // With a quarter of the requests left out: the server has clients besides this.
            RegistryEndpoint endpoint =
                    RegistryEndpoint.of(upstream.name(), URI.create(registry + "/" + upstream.name()));
            CredentialSource shown =
                    token.isEmpty() ? CredentialSource.NONE : CredentialSource.fixed(new Credential.BearerToken(token));
            RegistryClient client = new RegistryClient(endpoint.withCredentials(shown), environment);
            own.add(client);
            return new ThroughServer(client, token, passing, direct(upstream, environment, own));
        });
    }

    /**
     * An upstream.
     *
     * @throws BadRequestException if it is not configured
     * @throws IOException if its client cannot be set up
     */
    public SourceRegistry source(RegistryHost name) throws BadRequestException, IOException {
        SourceRegistry known = opened.get(name);
        if (known != null) {
            return known;
        }
        UpstreamConfig upstream = upstreams.get(name);
        if (upstream == null) {
            throw new BadRequestException("no registry is called " + name
                    + " in the configuration; add it: upstreams: {\"" + name + "\": {url: \"https://" + name + "\"}}");
        }
        Registries.refuseWithoutClient(upstream);
        SourceRegistry source = opening.open(upstream);
        opened.put(name, source);
        return source;
    }

    /**
     * An upstream, where nothing else can be thrown.
     *
     * @throws UncheckedIOException if it is not configured, or its client cannot be set up
     */
    public SourceRegistry configured(RegistryHost name) {
        try {
            return source(name);
        } catch (BadRequestException e) {
            throw new UncheckedIOException(new IOException(e.getMessage(), e));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        own.forEach(RegistryClient::close);
    }

    private record Kept(PullThroughCache cache, RegistryHost registry) implements SourceRegistry {
        @Override
        public String name() {
            return registry.value();
        }

        @Override
        public RepositorySource repository(RepositoryName name) {
            return new KeptRepository(cache, new Repository(registry, name));
        }

        @Override
        public List<RepositoryName> catalog() throws IOException {
            return cache.cachedRepositories(Optional.empty(), Integer.MAX_VALUE).stream()
                    .filter(repository -> repository.registry().equals(registry))
                    .map(Repository::name)
                    .toList();
        }
    }

    private record ThroughServer(RegistryClient client, String token, Optional<String> passing, SourceRegistry upstream)
            implements SourceRegistry {
        @Override
        public String name() {
            return upstream.name();
        }

        @Override
        public RepositorySource repository(RepositoryName name) {
            RemoteRepository repository = client.repository(name, Priority.BACKGROUND);
            return repository.ofServer(passing.isEmpty() || token.isEmpty() ? Map.of() : Map.of(passing.get(), token));
        }

        @Override
        public List<RepositoryName> catalog() throws IOException {
            return upstream.catalog();
        }
    }
}
