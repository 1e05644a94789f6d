package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;

/** What readers of a repository wait for together, if they ask in the same way. */
sealed interface Question {
    /** What a tag names now, or the bytes of a digest. */
    record ForManifest(Repository repository, ManifestReference reference, boolean alwaysAsking) implements Question {}

    /** Which digest a tag names now. */
    record ForName(Repository repository, Tag tag, boolean alwaysAsking) implements Question {}

    /** Whether the repository has a blob or manifest. */
    record ForProof(Repository repository, Digest digest, boolean manifest, boolean alwaysAsking) implements Question {}

    /** A blob. */
    record ForBlob(Repository repository, Digest digest) implements Question {}

    /** The referrers of a digest. */
    record ForReferrers(Repository repository, Digest subject, boolean alwaysAsking) implements Question {}

    /** The tag list. */
    record ForTags(Repository repository, boolean alwaysAsking) implements Question {}
}
