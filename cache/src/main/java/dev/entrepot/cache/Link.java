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
 */
public record Link(Digest digest, OptionalLong sizeBytes, boolean manifest) {
    /** Validates the size. */
    public Link {
        if (sizeBytes.isPresent() && sizeBytes.getAsLong() < 0) {
            throw new IllegalArgumentException("link to " + digest + " with " + sizeBytes.getAsLong() + " bytes");
        }
    }
}
