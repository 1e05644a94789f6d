package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import java.util.OptionalLong;

/**
 * That a repository has a piece of content, and so may serve it.
 *
 * @param digest the content
 * @param sizeBytes its length, as the manifest said that was read last, or the upstream: a hint, because manifests may
 *     contradict each other. What is sent or kept goes by the upstream's own word and the digest
 * @param manifest whether it is fetched as a manifest
 * @param proven whether its upstream has said so itself, or has sent it; else a manifest of the repository names it,
 *     which proves nothing of what is kept of another upstream
 */
public record Link(Digest digest, OptionalLong sizeBytes, boolean manifest, boolean proven) {
    /** What the upstream has said. */
    public Link(Digest digest, OptionalLong sizeBytes, boolean manifest) {
        this(digest, sizeBytes, manifest, true);
    }

    /** Validates the size. */
    public Link {
        if (sizeBytes.isPresent() && sizeBytes.getAsLong() < 0) {
            throw new IllegalArgumentException("link to " + digest + " with " + sizeBytes.getAsLong() + " bytes");
        }
    }

    /**
     * This one, with what is known of the same content besides. What is proven stays proven. A size that is known stays
     * known where this one does not state one, and what a manifest names as a blob stays one whatever others call it:
     * layers are opaque, and may be manifests of something else.
     */
    Link with(Link known) {
        return new Link(
                digest,
                sizeBytes.isPresent() ? sizeBytes : known.sizeBytes,
                manifest && known.manifest,
                proven || known.proven);
    }

    /** The same, as its upstream has it. */
    Link asProven() {
        return new Link(digest, sizeBytes, manifest);
    }
}
