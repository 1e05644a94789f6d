package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.util.Optional;

/** What readers of a repository wait for together, if they ask in the same way. */
sealed interface Question {
    /** What a tag names now, or the bytes of a digest. */
    record ForManifest(Repository repository, ManifestReference reference, Readers readers) implements Question {}

    /** Which digest a tag names now. */
    record ForName(Repository repository, Tag tag, Readers readers) implements Question {}

    /** Whether the repository has a blob or manifest. */
    record ForProof(Repository repository, Digest digest, boolean manifest, Readers readers) implements Question {}

    /**
     * A blob.
     *
     * @param credential as {@link Readers#credential()}
     */
    record ForBlob(Repository repository, Digest digest, Optional<Object> credential) implements Question {}

    /** The referrers of a digest. */
    record ForReferrers(Repository repository, Digest subject, Readers readers) implements Question {}

    /** The tag list. */
    record ForTags(Repository repository, Readers readers) implements Question {}
}
