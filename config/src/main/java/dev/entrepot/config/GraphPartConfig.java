package dev.entrepot.config;

import dev.entrepot.oci.Platform;
import java.util.List;

/**
 * How much of an image's graph is meant.
 *
 * @param enabled whether any of it is
 * @param platforms these platforms of an index; if empty, those of {@link CacheConfig#platforms}
 * @param referrers whether signatures, SBOMs and other referrers are meant too
 */
public record GraphPartConfig(boolean enabled, List<Platform> platforms, boolean referrers) {
    /** Copies the list. */
    public GraphPartConfig {
        platforms = List.copyOf(platforms);
    }

    /** All of it, or nothing. */
    static GraphPartConfig all(boolean enabled) {
        return new GraphPartConfig(enabled, List.of(), enabled);
    }
}
