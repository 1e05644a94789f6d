package dev.entrepot.proxy.replication;

import dev.entrepot.cache.CacheRules;
import dev.entrepot.cache.CacheSettings;
import dev.entrepot.cache.Setting;
import dev.entrepot.config.UpstreamConfig;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.Priority;
import dev.entrepot.oci.client.RegistryClient;
import dev.entrepot.oci.client.Safeguards;
import dev.entrepot.replicator.graph.ArtifactGraph;
import dev.entrepot.replicator.graph.GraphScope;
import dev.entrepot.replicator.graph.GraphText;
import dev.entrepot.replicator.graph.GraphWalker;
import dev.entrepot.replicator.graph.ManifestShelf;
import dev.entrepot.replicator.graph.RepositoryDiscovery;
import dev.entrepot.replicator.graph.RequestLimit;
import dev.entrepot.replicator.graph.WalkLimits;
import java.io.IOException;
import java.net.URI;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * The whole graph of an image, as its registry has it.
 *
 * @param image the image, as it was asked for
 * @param graph what was found
 */
public record ImageTree(String image, ArtifactGraph graph) {
    private static final int REQUESTS = 16;
    private static final long SHELF_BYTES = 32L << 20;

    /** Opens the configured upstreams, the cheapest way that there is. */
    @FunctionalInterface
    public interface Opening {
        /** The upstreams, which are closed after use. */
        ExportSources open() throws IOException, InterruptedException;
    }

    /**
     * Discovers the graph of an image. Of a configured upstream, which may count pulls, nothing is fetched again that
     * is at hand where it is opened, and nothing that is kept for clients. Children of its indexes that the registry
     * does not have are {@link #absent()}.
     *
     * @param text a reference of a configured upstream, or one with {@code http://} or {@code https://} before it
     * @param rules say which upstreams are never contacted
     * @throws BadRequestException if the text does not say where the image is
     * @throws IOException if the image is not there, or any other part of its graph is not to be had
     */
    public static ImageTree read(
            String text,
            Map<RegistryHost, UpstreamConfig> upstreams,
            CacheRules rules,
            ClientEnvironment environment,
            Opening opening)
            throws BadRequestException, IOException, InterruptedException {
        ImageName image = ImageName.parse(text);
        Optional<UpstreamConfig> upstream = upstream(image, upstreams);
        if (upstream.filter(config -> config.passThrough().isEmpty()).isPresent()) {
            RegistryHost name = upstream.get().name();
            refuseOffline(new Repository(name, image.repository()), rules);
            try (ExportSources sources = opening.open()) {
                return read(text, image, sources.source(name).repository(image.repository()));
            }
        }
        try (RegistryClient client = connect(image, upstream, upstreams, environment)) {
            refuseOffline(new Repository(client.endpoint().registry(), image.repository()), rules);
            return read(text, image, client.repository(image.repository(), Priority.INTERACTIVE));
        }
    }

    private static ImageTree read(String text, ImageName image, RepositorySource source) throws IOException {
        RepositoryDiscovery discovery = new RepositoryDiscovery(
                source, GraphScope.WHOLE, new RequestLimit(REQUESTS), new ManifestShelf(SHELF_BYTES));
        ManifestReference reference = image.digest()
                .<ManifestReference>map(digest -> digest)
                .orElseGet(() -> image.tag().orElseGet(() -> new Tag("latest")));
        Optional<Descriptor> root = discovery.resolve(reference);
        if (root.isEmpty()) {
            throw new NotFoundException(NotFoundException.Kind.MANIFEST, image + " does not exist, or may not be seen");
        }
        return new ImageTree(text, GraphWalker.look(discovery, root.get(), WalkLimits.DEFAULT));
    }

    private static void refuseOffline(Repository repository, CacheRules rules) throws OutageException {
        CacheSettings settings = rules.of(repository);
        if (settings.offline()) {
            throw new OutageException(
                    OutageException.Reason.NOT_ASKED,
                    repository + " is not looked at: its upstream is offline by " + settings.rule(Setting.OFFLINE));
        }
    }

    private static Optional<UpstreamConfig> upstream(ImageName image, Map<RegistryHost, UpstreamConfig> upstreams) {
        Optional<URI> url = image.url();
        return url.isEmpty()
                ? Optional.ofNullable(upstreams.get(image.registry()))
                : upstreams.values().stream()
                        .filter(config -> Endpoints.same(config.url(), url.get()))
                        .findFirst();
    }

    private static RegistryClient connect(
            ImageName image,
            Optional<UpstreamConfig> upstream,
            Map<RegistryHost, UpstreamConfig> upstreams,
            ClientEnvironment environment)
            throws BadRequestException, IOException {
        if (upstream.isPresent()) {
            return new RegistryClient(
                    Endpoints.of(upstream.get(), environment).withoutClients(),
                    Safeguards.ofCommand(Endpoints.reserve(upstream.get())),
                    environment);
        }
        Registries registries = new Registries(upstreams, Map.of(), Optional.empty(), environment);
        return OtherSources.client(registries.place(image), environment);
    }

    /** What indexes name that is not there. */
    public Set<Digest> absent() {
        return graph.nodes().stream()
                .flatMap(node -> node.omitted().stream())
                .map(Descriptor::digest)
                .collect(Collectors.toUnmodifiableSet());
    }

    /**
     * One line for each manifest and blob, indented by depth: what it is, digest, type and size, and behind them
     * whether it is {@link #absent()}; then the sums.
     */
    public String toText() {
        Set<Digest> absent = absent();
        return text(digest -> absent.contains(digest) ? " (not there)" : "");
    }

    /** The same, and behind each line whether it is of something that is not here because the target has it. */
    public String toText(Predicate<Digest> held) {
        return text(digest -> held.test(digest) ? " (the target has it)" : "");
    }

    private String text(Function<Digest, String> note) {
        return GraphText.draw(graph, note)
                + graph.nodes().size() + " manifests, " + graph.blobs().size() + " blobs, " + graph.totalBytes()
                + " bytes\n";
    }

    /** One JSON object. */
    public String toJson() {
        return toJson(digest -> false);
    }

    /** The same with {@code "held": true} at what is not here because the target has it. */
    public String toJson(Predicate<Digest> held) {
        return GraphJson.write(image, graph, held);
    }
}
