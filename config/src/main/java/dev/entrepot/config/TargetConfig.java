package dev.entrepot.config;

import dev.entrepot.oci.RepositoryName;
import java.net.URI;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * A place that content is copied to.
 *
 * @param destination what it is
 * @param prefix path components to put before every repository name
 * @param map repositories, or their leading path components, that get another name, before the prefix is put
 * @param maxConcurrentRequests requests at one time, at least 1
 */
public record TargetConfig(
        Destination destination,
        Optional<RepositoryName> prefix,
        Map<RepositoryName, RepositoryName> map,
        int maxConcurrentRequests) {
    /** Requests at one time where nothing else is configured. */
    public static final int DEFAULT_MAX_CONCURRENT_REQUESTS = 32;

    /** Copies the map and validates the limit. */
    public TargetConfig {
        map = Collections.unmodifiableMap(new LinkedHashMap<>(map));
        Checks.between("max-concurrent-requests", maxConcurrentRequests, 1, 10_000);
    }

    /**
     * The name that a repository of the source gets here: the longest entry of the map that is the name or leading
     * components of it replaces them, then the prefix goes before it.
     *
     * @throws dev.entrepot.oci.InvalidNameException if the name becomes longer than 255 characters
     */
    public RepositoryName nameFor(RepositoryName source) {
        String name = source.value();
        RepositoryName best = null;
        for (RepositoryName candidate : map.keySet()) {
            boolean leads = name.equals(candidate.value()) || name.startsWith(candidate.value() + "/");
            if (leads
                    && (best == null
                            || candidate.value().length() > best.value().length())) {
                best = candidate;
            }
        }
        RepositoryName replacement = best == null ? null : map.get(best);
        String mapped = best == null || replacement == null
                ? name
                : replacement.value() + name.substring(best.value().length());
        return new RepositoryName(prefix.map(p -> p.value() + "/" + mapped).orElse(mapped));
    }

    /** What a target is. */
    public sealed interface Destination {}

    /**
     * A registry.
     *
     * @param url where its API is: scheme, host and port only; plain HTTP if, and only if, the scheme is {@code http}
     * @param credentials how to authenticate; anonymous without
     * @param ca PEM file with the authorities to trust in addition to the platform's
     * @param clientCertificate certificate to show to it
     * @param proxy HTTP proxy to reach it through
     */
    public record RegistryDestination(
            URI url,
            Optional<CredentialsConfig> credentials,
            Optional<Path> ca,
            Optional<ClientCertificate> clientCertificate,
            Optional<URI> proxy)
            implements Destination {}

    /**
     * An OCI image layout.
     *
     * @param path a folder, or a tar file if the name ends in {@code .tar}
     */
    public record LayoutDestination(Path path) implements Destination {}
}
