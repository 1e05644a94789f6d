package dev.entrepot.replicator.bundle;

/** How large what a bundle states about itself may be. */
public final class BundleLimits {
    /** Longest inventory and longest receipt, in bytes. */
    public static final int DOCUMENT_BYTES = 64 << 20;
    /** Most volumes of a bundle, and most parts of a blob. */
    public static final int VOLUMES = 9999;
    /** Longest signature, in bytes: one block of a tar. */
    public static final int SIGNATURE_BYTES = 512;
    /** Most entries of any one list of a document. */
    static final int LIST = 1_000_000;

    private BundleLimits() {}
}
