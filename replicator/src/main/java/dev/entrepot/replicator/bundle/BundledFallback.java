package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Digest;

/**
 * An index behind a fallback tag, generated for readers of the layout and never imported.
 *
 * @param subject the manifest whose referrers it lists
 * @param digest the digest of its bytes
 * @param sizeBytes its size
 * @param volume the volume that it is in
 */
public record BundledFallback(Digest subject, Digest digest, long sizeBytes, int volume) {
    /** Checks the ranges. */
    public BundledFallback {
        Checks.volume(volume);
        Checks.that(sizeBytes > 0, "the fallback index of " + subject + " is empty");
    }

    /** The same index elsewhere. */
    BundledFallback at(int other) {
        return new BundledFallback(subject, digest, sizeBytes, other);
    }
}
