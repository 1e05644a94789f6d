package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import java.util.OptionalLong;

/**
 * That a repository has a piece of content, and so may serve it.
 *
 * @param digest the content
 * @param sizeBytes its length, where a manifest or the upstream stated it
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
