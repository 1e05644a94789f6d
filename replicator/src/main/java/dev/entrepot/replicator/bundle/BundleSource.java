package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.replicator.SourceRegistry;
import dev.entrepot.replicator.graph.GraphScope;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A bundle as a source of replication: its images by the names of the source that it was exported from. What the
 * inventory says is answered from it; content is read from the volumes, and from elsewhere what they do not have.
 */
public final class BundleSource implements SourceRegistry {
    private static final RegistryHost NO_HOST = RegistryHost.parse("localhost");

    private final Bundle bundle;
    private final Elsewhere elsewhere;
    private final ReadToTheEnd readToTheEnd = new ReadToTheEnd();
    private final ConcurrentHashMap<RepositoryName, RepositorySource> repositories = new ConcurrentHashMap<>();

    /** Of an open bundle; what is read of its blobs is not verified. */
    public BundleSource(Bundle bundle, Elsewhere elsewhere) {
        this.bundle = bundle;
        this.elsewhere = elsewhere;
    }

    @Override
    public String name() {
        return "bundle " + bundle.id().shortForm();
    }

    @Override
    public RepositorySource repository(RepositoryName name) {
        return repositories.computeIfAbsent(name, this::open);
    }

    private RepositorySource open(RepositoryName name) {
        RegistryHost host = bundle.inventory().images().stream()
                .filter(image -> image.repository().equals(name))
                .map(image -> image.source().registry())
                .findFirst()
                .orElse(NO_HOST);
        return new BundleRepository(bundle, elsewhere, readToTheEnd, new Repository(host, name));
    }

    /** Blobs of the volumes that were read from their first byte to their end. */
    Set<Digest> readToTheEnd() {
        return readToTheEnd.digests();
    }

    @Override
    public List<RepositoryName> catalog() {
        return bundle.inventory().images().stream()
                .map(BundledImage::repository)
                .distinct()
                .toList();
    }

    @Override
    public GraphScope scope(GraphScope wanted) {
        Map<Digest, Set<Digest>> omitted = new HashMap<>();
        for (BundledManifest manifest : bundle.inventory().manifests().values()) {
            if (!manifest.omitted().isEmpty()) {
                omitted.put(manifest.digest(), Set.copyOf(manifest.omitted()));
            }
        }
        return wanted.without(omitted);
    }
}
