package dev.entrepot.oci;

/** The limits of docs/design.md, section 6, stated once. */
public final class OciLimits {
    /** Largest manifest that is read, in bytes. */
    public static final int MAX_MANIFEST_BYTES = 4 * 1024 * 1024;
    /** Deepest nesting of indexes within indexes. */
    public static final int MAX_INDEX_DEPTH = 8;
    /** Longest chain of referrers of referrers. */
    public static final int MAX_REFERRER_DEPTH = 32;
    /** Most nodes in one graph. */
    public static final int MAX_GRAPH_NODES = 100_000;
    /** Largest header block that is accepted, in bytes: lazy pullers send range headers of 20 KiB. */
    public static final int MAX_HEADER_BYTES = 64 * 1024;
    /** Most tags of one repository that are listed. */
    public static final int MAX_TAGS = 1_000_000;

    private OciLimits() {}
}
