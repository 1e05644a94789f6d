package dev.entrepot.oci;

import java.io.IOException;
import java.util.Optional;

/**
 * A place that manifests are read from (distribution-spec, "Pulling manifests"). Implementations are safe for all
 * threads.
 */
public interface ManifestSource {
    /**
     * Asks what a reference names now, without spending a pull where the source counts them (a HEAD).
     *
     * @return its descriptor, or empty if the source answered that there is no such manifest
     * @throws RegistryException if the source gave no such answer
     */
    Optional<Descriptor> resolve(ManifestReference reference) throws IOException;

    /**
     * Fetches the exact bytes. For a digest, they match it.
     *
     * @throws NotFoundException if the source answered that there is no such manifest
     * @throws InvalidContentException if the bytes do not match, are too many, or are of a dead schema
     * @throws RegistryException if the source gave no answer
     */
    ManifestBytes fetchManifest(ManifestReference reference) throws IOException;
}
