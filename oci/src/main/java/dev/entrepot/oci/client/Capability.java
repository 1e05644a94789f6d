package dev.entrepot.oci.client;

/** What not every registry can do, or not for every repository. */
public enum Capability {
    /** It has the referrers API. */
    REFERRERS("referrers"),
    /** It sends a part of a blob where a part is asked for. */
    RANGES("ranges"),
    /** It answers HEAD of manifests. */
    HEAD_MANIFESTS("head-manifests"),
    /** It answers HEAD of blobs, there or where it redirects to. */
    HEAD_BLOBS("head-blobs"),
    /** It answers 304 for a manifest that is known already. Only asked for where HEAD does not work. */
    CONDITIONAL("conditional"),
    /** It mounts blobs of other repositories. */
    MOUNTS("mounts");

    private final String label;

    Capability(String label) {
        this.label = label;
    }

    /** The name: lower case, words joined by {@code -}. */
    public String label() {
        return label;
    }
}
