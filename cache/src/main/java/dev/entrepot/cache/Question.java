package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.util.Optional;

/**
 * What readers of a repository wait for together, if they ask in the same way. As text it is in words for people, who
 * the readers are left out.
 */
sealed interface Question {
    /** Which repository it is about. */
    Repository repository();

    /** What a tag names now, or the bytes of a digest. */
    record ForManifest(Repository repository, ManifestReference reference, Readers readers) implements Question {
        @Override
        public String toString() {
            return "manifest " + reference + " of " + repository;
        }
    }

    /** What a tag or digest names now, without its bytes. */
    record ForDescriptor(Repository repository, ManifestReference reference, Readers readers) implements Question {
        @Override
        public String toString() {
            return "what manifest " + reference + " of " + repository + " is";
        }
    }

    /** Which digest a tag names now. */
    record ForName(Repository repository, Tag tag, Readers readers) implements Question {
        @Override
        public String toString() {
            return "what tag " + tag + " of " + repository + " names";
        }
    }

    /** Whether the repository has a blob or manifest. */
    record ForProof(Repository repository, Digest digest, boolean manifest, Readers readers) implements Question {
        @Override
        public String toString() {
            return "whether " + (manifest ? "manifest " : "blob ") + digest + " is in " + repository;
        }
    }

    /**
     * A blob.
     *
     * @param credential as {@link Readers#credential()}
     */
    record ForBlob(Repository repository, Digest digest, Optional<Object> credential) implements Question {
        @Override
        public String toString() {
            return "blob " + digest + " of " + repository;
        }
    }

    /**
     * How large a blob is, without the blob: some registries deny one here that they send.
     *
     * @param credential as {@link Readers#credential()}
     */
    record ForBlobSize(Repository repository, Digest digest, Optional<Object> credential) implements Question {
        @Override
        public String toString() {
            return "the size of blob " + digest + " of " + repository;
        }
    }

    /** The referrers of a digest. */
    record ForReferrers(Repository repository, Digest subject, Readers readers) implements Question {
        @Override
        public String toString() {
            return "the referrers of " + subject + " in " + repository;
        }
    }

    /** The tag list. */
    record ForTags(Repository repository, Readers readers) implements Question {
        @Override
        public String toString() {
            return "the tags of " + repository;
        }
    }
}
