package dev.entrepot.proxy.bundle;

import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.proxy.http.ServedRepositories;
import dev.entrepot.proxy.http.ServedRepository;
import dev.entrepot.replicator.bundle.Bundle;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The repositories of a bundle as they are served: under the names of the registries that they came from, which are all
 * that there are. Each blob is verified once before its first byte is served. Safe for all threads.
 */
public final class BundleRepositories implements ServedRepositories, AutoCloseable {
    private final VerifiedBlobs verified;
    private final SortedMap<Repository, ServedRepository> repositories = new TreeMap<>();

    /** Of an open bundle; begins to verify its blobs. */
    public BundleRepositories(Bundle bundle) {
        this.verified = new VerifiedBlobs(bundle);
        bundle.inventory().images().forEach(image -> {
            RepositoryName name = image.repository();
            Repository repository = new Repository(image.source().registry(), name);
            repositories.computeIfAbsent(repository, key -> new BundledRepository(bundle, verified, key));
        });
        verified.start();
    }

    /** The registries that the images came from. */
    public SortedSet<RegistryHost> registries() {
        SortedSet<RegistryHost> registries = new TreeSet<>();
        repositories.keySet().forEach(repository -> registries.add(repository.registry()));
        return registries;
    }

    @Override
    public ServedRepository open(Repository repository) {
        ServedRepository known = repositories.get(repository);
        return known != null ? known : new UnknownRepository(repository);
    }

    @Override
    public List<Repository> kept(Optional<Repository> after, int limit) {
        return repositories.keySet().stream()
                .filter(repository -> after.isEmpty() || repository.compareTo(after.get()) > 0)
                .limit(limit)
                .toList();
    }

    @Override
    public void close() {
        verified.close();
    }
}
