package dev.entrepot.proxy.replication;

import dev.entrepot.config.ReplicationConfig;
import dev.entrepot.config.ReplicationRuleConfig;
import dev.entrepot.config.ReplicationRuleConfig.OnSparseRefused;
import dev.entrepot.config.TargetConfig;
import dev.entrepot.config.UpstreamConfig;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.RegistryClient;
import dev.entrepot.oci.client.RegistryEndpoint;
import dev.entrepot.replicator.SourceRegistry;
import dev.entrepot.replicator.TargetRegistry;
import dev.entrepot.replicator.bundle.ImportTarget;
import dev.entrepot.replicator.layout.LayoutTargets;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * Finds out where a bundle is to be imported to. A registry that is configured, as the target of a rule or as an
 * upstream, is reached as configured; any other with the credentials that the user's docker {@code config.json} has for
 * it.
 *
 * @param upstreams the upstreams of the configuration
 * @param replication the rules of the configuration
 * @param environment the world around the client
 */
public record ImportTargets(
        Map<RegistryHost, UpstreamConfig> upstreams, ReplicationConfig replication, ClientEnvironment environment) {
    private static final String LAYOUT = "layout:";

    /**
     * A target that is open.
     *
     * @param target for the import
     * @param source the same, for reading what it has
     * @param prefix what goes before each repository
     * @param client its client, where it is a registry
     */
    public record Opened(
            ImportTarget target,
            SourceRegistry source,
            Optional<RepositoryName> prefix,
            Optional<RegistryClient> client)
            implements AutoCloseable {
        @Override
        public void close() {
            client.ifPresent(RegistryClient::close);
        }
    }

    /** Where a registry is, and the path behind its host. */
    private record Place(Optional<URI> url, RegistryHost host, Optional<RepositoryName> prefix) {
        static Place parse(String text) {
            int scheme = text.indexOf("://");
            String rest = scheme < 0 ? text : text.substring(scheme + 3);
            int slash = rest.indexOf('/');
            RegistryHost host = RegistryHost.parse(slash < 0 ? rest : rest.substring(0, slash));
            String path = slash < 0 ? "" : rest.substring(slash + 1);
            Optional<URI> url =
                    scheme < 0 ? Optional.empty() : Optional.of(URI.create(text.substring(0, scheme + 3) + host));
            boolean http = url.isEmpty()
                    || url.get().getScheme().equals("http")
                    || url.get().getScheme().equals("https");
            if (!http) {
                throw new IllegalArgumentException("expected http:// or https://");
            }
            Optional<RepositoryName> prefix =
                    path.isEmpty() ? Optional.empty() : Optional.of(new RepositoryName(path.replaceAll("/$", "")));
            return new Place(url, host, prefix);
        }

        boolean is(URI other, RegistryHost name) {
            return url.map(own -> Endpoints.same(own, other)).orElse(host.equals(name));
        }
    }

    /**
     * The absolute path of the layout that a target is; empty of a registry.
     *
     * @param folder where relative paths start
     * @throws BadRequestException if it is to be a layout and has no path
     */
    public static Optional<Path> layout(String text, Path folder) throws BadRequestException {
        if (text.equals(LAYOUT)) {
            throw new BadRequestException(
                    text + " is no target: there is no path behind it, such as layout:/srv/images");
        }
        return text.startsWith(LAYOUT)
                // What imports have brought is remembered by the name: the same words name another layout elsewhere.
                ? Optional.of(folder.resolve(text.substring(LAYOUT.length()))
                        .toAbsolutePath()
                        .normalize())
                : Optional.empty();
    }

    /**
     * Opens a target; connects to nothing yet.
     *
     * @param text {@code http(s)://HOST[/PREFIX]}, or the same without scheme of a host that is configured, or
     *     {@code layout:PATH}
     * @param folder where relative paths start
     * @param onSparseRefused what to do where it refuses an index without some of its platforms; without, what the rule
     *     says whose target it is
     * @throws BadRequestException if it does not say where
     * @throws IOException if a certificate cannot be read
     */
    public Opened open(String text, Path folder, Optional<OnSparseRefused> onSparseRefused)
            throws BadRequestException, IOException {
        Optional<Path> inLayout = layout(text, folder);
        if (inLayout.isPresent()) {
            Path path = inLayout.get();
            LayoutTargets layouts = new LayoutTargets();
            TargetRegistry layout = layouts.target(path.toString(), path);
            ImportTarget target = new ImportTarget(
                    layout, TargetConfig.DEFAULT_MAX_CONCURRENT_REQUESTS, onSparseRefused.orElse(OnSparseRefused.FAIL));
            return new Opened(target, layouts.source(path.toString(), path), Optional.empty(), Optional.empty());
        }
        UserInName.refuse(text);
        Place place;
        try {
            place = Place.parse(text);
        } catch (IllegalArgumentException e) {
            throw new BadRequestException(text + " is not a target, such as https://registry.internal/mirror or"
                    + " layout:images.tar: " + e.getMessage());
        }
        Optional<TargetConfig> configured = configured(place);
        int concurrency = configured
                .map(TargetConfig::maxConcurrentRequests)
                .orElse(TargetConfig.DEFAULT_MAX_CONCURRENT_REQUESTS);
        RegistryClient client = new RegistryClient(endpoint(place, configured), environment);
        TargetRegistry registry = new RegistryTarget(ReplicationTargets.name(client), client);
        OnSparseRefused sparse = onSparseRefused
                .or(() -> replication.rules().stream()
                        .filter(rule -> rule.targets().stream().anyMatch(target -> is(place, target)))
                        .map(ReplicationRuleConfig::onSparseRefused)
                        .findFirst())
                .orElse(OnSparseRefused.FAIL);
        return new Opened(
                new ImportTarget(registry, concurrency, sparse),
                new RegistrySource(client, Optional.empty()),
                place.prefix(),
                Optional.of(client));
    }

    private Optional<TargetConfig> configured(Place place) {
        return replication.rules().stream()
                .flatMap(rule -> rule.targets().stream())
                .filter(target -> is(place, target))
                .findFirst();
    }

    private static boolean is(Place place, TargetConfig target) {
        return target.destination() instanceof TargetConfig.RegistryDestination registry
                && place.is(registry.url(), Endpoints.host(registry.url()));
    }

    private RegistryEndpoint endpoint(Place place, Optional<TargetConfig> configured) throws BadRequestException {
        if (configured.isPresent()
                && configured.get().destination() instanceof TargetConfig.RegistryDestination registry) {
            return Endpoints.of(registry, configured.get().maxConcurrentRequests(), environment);
        }
        Optional<UpstreamConfig> upstream = upstreams.values().stream()
                .filter(config -> place.is(config.url(), config.name()))
                .findFirst();
        if (upstream.isPresent()) {
            return Endpoints.of(upstream.get(), environment).withoutClients();
        }
        URI url = place.url()
                .orElseThrow(() -> new BadRequestException("no registry is called " + place.host()
                        + " in the configuration; write where it is: https://" + place.host() + " or http://"
                        + place.host()));
        return Endpoints.of(url, environment).withoutClients();
    }
}
