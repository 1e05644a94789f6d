package dev.entrepot.cache;

import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.Repository;

/**
 * Is told of each manifest that was fetched for clients, also behind their backs. Called by all threads, and must
 * return at once.
 */
@FunctionalInterface
public interface FetchListener {
    /** Does nothing. */
    FetchListener NONE = (repository, reference, manifest) -> {};

    /**
     * Takes note of it.
     *
     * @param reference what was asked for: a tag, if it was a tag
     */
    void fetched(Repository repository, ManifestReference reference, ManifestBytes manifest);
}
