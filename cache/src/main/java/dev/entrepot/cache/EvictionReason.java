package dev.entrepot.cache;

/** Why content was evicted. */
public enum EvictionReason {
    /** The capacity was needed for other content. */
    CAPACITY,
    /** The file system had too little left. */
    FREE_SPACE,
    /** Its group had more than its share of the disk, when room was needed. */
    SHARE,
    /** An operator asked for it. */
    ASKED
}
