package dev.entrepot.oci;

import java.io.IOException;
import java.util.Optional;

/**
 * Manifests of one repository that somebody has already, so that what is read for a list of referrers need not be
 * fetched again. Safe for all threads.
 */
public interface KnownManifests {
    /** None, and what is fetched is not kept. */
    KnownManifests NONE = new KnownManifests() {
        @Override
        public Optional<ManifestBytes> named(Digest digest) {
            return Optional.empty();
        }

        @Override
        public Optional<ManifestBytes> listed(Digest digest) {
            return Optional.empty();
        }

        @Override
        public void fetched(ManifestBytes manifest) {}
    };

    /**
     * A manifest that a tag of the repository names, by the word of its registry.
     *
     * @throws IOException if it is there and cannot be used
     */
    Optional<ManifestBytes> named(Digest digest) throws IOException;

    /** A manifest that is only listed as being in the repository, which proves nothing. */
    Optional<ManifestBytes> listed(Digest digest);

    /** Is given what had to be fetched. */
    void fetched(ManifestBytes manifest);
}
