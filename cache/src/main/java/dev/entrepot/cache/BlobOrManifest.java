package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositorySource;
import java.io.IOException;

/** Keeps the two kinds of content apart where an upstream does not: a manifest is never served as a blob. */
final class BlobOrManifest {
    private BlobOrManifest() {}

    /**
     * Whether the upstream has a manifest of this digest. One that fails when it is asked for a blob as a manifest
     * (distribution 2.8: 500) has none: that is no reason to withhold the blob.
     */
    static boolean isManifest(RepositorySource upstream, Digest digest) throws IOException {
        try {
            return upstream.resolve(digest).isPresent();
        } catch (RegistryException e) {
            return false;
        }
    }

    /** The answer to a request for a manifest as a blob. */
    static NotFoundException notABlob(Digest digest, Repository repository) {
        return new NotFoundException(
                NotFoundException.Kind.BLOB,
                digest + " of " + repository
                        + " has the content of a manifest, and no manifest names it as a blob: ask for it under /manifests/");
    }
}
