package dev.entrepot.cache;

import dev.entrepot.oci.Platform;
import java.util.List;

/**
 * How much of an image's graph a rule means.
 *
 * @param platforms these platforms of an index; all of them if empty
 * @param referrers whether what refers to any of it is meant too
 */
public record GraphPart(List<Platform> platforms, boolean referrers) {
    /** Copies the list. */
    public GraphPart {
        platforms = List.copyOf(platforms);
    }
}
