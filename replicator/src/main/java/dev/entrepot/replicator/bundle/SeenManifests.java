package dev.entrepot.replicator.bundle;

import dev.entrepot.replicator.graph.ManifestShelf;

/**
 * The manifests that one export has read last, so that what was compared with the inventory need not be asked for again
 * when it is written. Takes 8 MiB at most. Safe for all threads.
 */
public final class SeenManifests {
    private static final long SHELF_BYTES = 8L << 20;

    private final ManifestShelf shelf = new ManifestShelf(SHELF_BYTES);

    /** With none. */
    public SeenManifests() {}

    ManifestShelf shelf() {
        return shelf;
    }
}
