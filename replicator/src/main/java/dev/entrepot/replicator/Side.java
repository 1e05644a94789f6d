package dev.entrepot.replicator;

/** Where something went wrong. */
public enum Side {
    /** At the registry that is copied from. */
    SOURCE,
    /** At the registry that is copied to. */
    TARGET,
    /** In this process or on its disk. */
    LOCAL
}
