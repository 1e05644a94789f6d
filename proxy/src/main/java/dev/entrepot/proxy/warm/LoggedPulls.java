package dev.entrepot.proxy.warm;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.Reference;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Finds out which image a line of the access log is about.
 *
 * @param prefixes for each upstream the first path components that mean it, besides its name
 */
public record LoggedPulls(Map<RegistryHost, List<String>> prefixes) {
    /** The fields of a line that are needed. */
    static final Set<String> FIELDS = Set.of("method", "path", "status", "upstream");

    private static final String VERSION = "/v2/";
    private static final String MANIFESTS = "/manifests/";

    /** Copies the map. */
    public LoggedPulls {
        prefixes = Map.copyOf(prefixes);
    }

    /** The image of a line of {@code key=value} pairs; empty if it is not about a manifest that was served. */
    Optional<Reference> ofText(String line) {
        Map<String, String> fields = new HashMap<>();
        for (String word : line.split(" ", -1)) {
            int equals = word.indexOf('=');
            if (equals > 0 && FIELDS.contains(word.substring(0, equals))) {
                fields.putIfAbsent(word.substring(0, equals), word.substring(equals + 1));
            }
        }
        return of(fields);
    }

    /** The image of a line with these fields; empty if it is not about a manifest that was served. */
    Optional<Reference> of(Map<String, String> fields) {
        String path = fields.getOrDefault("path", "").replace("%3A", ":").replace("%3a", ":");
        String status = fields.getOrDefault("status", "");
        int version = path.indexOf(VERSION);
        int manifests = path.lastIndexOf(MANIFESTS);
        boolean served = status.startsWith("2") || status.equals("304");
        if (!served || version < 0 || manifests <= version + VERSION.length()) {
            return Optional.empty();
        }
        String name = path.substring(version + VERSION.length(), manifests);
        String reference = path.substring(manifests + MANIFESTS.length());
        try {
            RegistryHost upstream = RegistryHost.parse(fields.getOrDefault("upstream", ""));
            Repository repository = repository(upstream, name);
            return Optional.of(
                    reference.indexOf(':') < 0
                            ? new Reference(repository, Optional.of(new Tag(reference)), Optional.empty())
                            : new Reference(repository, Optional.empty(), Optional.of(Digest.parse(reference))));
        } catch (InvalidNameException e) {
            return Optional.empty();
        }
    }

    private Repository repository(RegistryHost upstream, String path) {
        int slash = path.indexOf('/');
        String first = slash < 0 ? "" : path.substring(0, slash);
        boolean prefixed = first.equals(upstream.value())
                || prefixes.getOrDefault(upstream, List.of()).contains(first);
        RepositoryName name = new RepositoryName(prefixed ? path.substring(slash + 1) : path);
        return new Repository(
                upstream, upstream.isDockerHub() && !name.isNested() ? new RepositoryName("library/" + name) : name);
    }
}
