package dev.entrepot.oci;

import java.io.IOException;
import java.util.List;
import java.util.Optional;

/** The referrers API of a repository (distribution-spec, "Listing Referrers"), which not every registry has. */
@FunctionalInterface
public interface ReferrersApi {
    /**
     * All referrers of a subject, all pages.
     *
     * @return the descriptors, which may be none, or empty if the registry has no such API
     * @throws RegistryException if the registry gave no answer, or refused; a failure is never an empty list
     */
    Optional<List<Descriptor>> referrersApi(Digest subject) throws IOException;
}
