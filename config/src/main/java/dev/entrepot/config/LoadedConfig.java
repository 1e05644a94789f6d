package dev.entrepot.config;

import dev.entrepot.oci.Digest;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * A configuration and where it comes from.
 *
 * @param config the configuration
 * @param file the file, as it was named; empty if there is none
 * @param origins where each value comes from, by path, for example {@code server.listen},
 *     {@code upstreams[ghcr.io].url}, {@code replication.rules[0].name}
 * @param content the digest of the bytes that were read; empty if there is no file
 */
public record LoadedConfig(
        EntrepotConfig config, Optional<Path> file, Map<String, Origin> origins, Optional<Digest> content) {
    private static final Origin DEFAULT = new Origin.Default();

    /** Copies the map. */
    public LoadedConfig {
        origins = Collections.unmodifiableMap(new LinkedHashMap<>(origins));
    }

    /** Where the value at a path comes from: its own entry, else that of the nearest path above it, else a default. */
    public Origin originOf(String path) {
        String at = path;
        while (!at.isEmpty()) {
            Origin origin = origins.get(at);
            if (origin != null) {
                return origin;
            }
            at = ConfigNode.parent(at);
        }
        return DEFAULT;
    }
}
