package dev.entrepot.proxy.replication;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.RepositoryTarget;
import dev.entrepot.oci.client.RegistryClient;
import dev.entrepot.replicator.TargetRegistry;
import java.net.URI;
import java.util.Optional;

/**
 * A registry that is copied to, without a cache before it.
 *
 * @param name the name of it in reports and metrics
 * @param client its client, which others close
 */
record RegistryTarget(String name, RegistryClient client) implements TargetRegistry {
    // Rules that reach one registry in several ways, with a prefix say, call it by several names.
    @Override
    public String place() {
        return ReplicationTargets.name(client);
    }

    @Override
    public Optional<URI> urlOf(RepositoryName repository, Digest manifest) {
        String base = client.endpoint().baseUrl().toString();
        return Optional.of(
                URI.create(base + (base.endsWith("/") ? "v2/" : "/v2/") + repository + "/manifests/" + manifest));
    }

    @Override
    public RepositoryTarget target(RepositoryName repository) {
        return client.target(repository);
    }

    @Override
    public RepositorySource reader(RepositoryName repository) {
        return client.target(repository);
    }

    // The next run may be hours away, and there may be hundreds of targets.
    @Override
    public void end(boolean complete) {
        client.closeIdle();
    }
}
