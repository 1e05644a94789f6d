package dev.entrepot.replicator.fill;

import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.Platform;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.util.List;

/**
 * A graph that is to be in the cache.
 *
 * @param repository where it is
 * @param reference its root
 * @param platforms the platforms whose images are wanted; all if empty
 * @param referrers whether signatures, SBOMs and what else refers to any of it are wanted
 */
public record FillRequest(
        Repository repository, ManifestReference reference, List<Platform> platforms, boolean referrers) {
    /** Copies the list. */
    public FillRequest {
        platforms = List.copyOf(platforms);
    }

    /** The image, as people write it. */
    public String image() {
        return repository + (reference instanceof Tag ? ":" : "@") + reference;
    }
}
