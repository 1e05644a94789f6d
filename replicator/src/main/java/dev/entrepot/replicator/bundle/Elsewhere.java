package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.ManifestBytes;
import java.io.IOException;
import java.util.Optional;

/**
 * Where the content of a bundle is read that is not in the volumes at hand. Implementations are safe for all threads.
 */
public interface Elsewhere {
    /** Nowhere. */
    Elsewhere NOWHERE = new Elsewhere() {
        @Override
        public String name() {
            return "nobody";
        }

        @Override
        public Optional<ManifestBytes> manifest(BundledManifest manifest) {
            return Optional.empty();
        }

        @Override
        public Optional<BlobBody> blob(BundledBlob blob, ByteRange range) {
            return Optional.empty();
        }
    };

    /** Who is asked, for messages. */
    String name();

    /**
     * A manifest, with the digest that the inventory says.
     *
     * @throws IOException if whoever was asked gave no answer
     */
    Optional<ManifestBytes> manifest(BundledManifest manifest) throws IOException;

    /**
     * A blob, which the caller closes.
     *
     * @throws IOException if whoever was asked gave no answer
     */
    Optional<BlobBody> blob(BundledBlob blob, ByteRange range) throws IOException;
}
