package dev.entrepot.oci;

import java.util.List;

/**
 * What refers to a subject, and how that is known (distribution-spec, "Listing Referrers" and "Referrers Tag Schema").
 *
 * @param origin how the list was obtained
 * @param descriptors the referring manifests, each with its artifact type and annotations, without repetitions
 */
public record Referrers(Origin origin, List<Descriptor> descriptors) {
    /** How a list of referrers was obtained. */
    public enum Origin {
        /** From the registry's referrers API: complete, and if empty truly empty. */
        API,
        /** From the fallback tag that clients maintain on registries without the API. */
        FALLBACK_TAG,
        /** The registry has neither the API nor a fallback tag for the subject. */
        NONE
    }

    /** Copies the list. */
    public Referrers {
        descriptors = List.copyOf(descriptors);
    }

    /** Neither API nor fallback tag. */
    public static final Referrers NONE = new Referrers(Origin.NONE, List.of());
}
