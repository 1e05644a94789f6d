package dev.entrepot.oci.client;

import java.util.Optional;

/** Requests that fail together: what a circuit breaker is about. */
public enum OperationClass {
    /** Those to the token service. */
    TOKEN("token"),
    /** Manifests, tags, referrers, lists, {@code /v2/}. */
    METADATA("metadata"),
    /** Blobs, wherever they come from. */
    BLOBS("blobs");

    private final String label;

    OperationClass(String label) {
        this.label = label;
    }

    /** The name as a metric label. */
    public String label() {
        return label;
    }

    /** The class of an operation; empty for those that write, which are always tried. */
    static Optional<OperationClass> of(Operation operation) {
        return switch (operation) {
            case TOKEN -> Optional.of(TOKEN);
            case PING, ENTER, CATALOG, RESOLVE, MANIFEST, TAGS, REFERRERS -> Optional.of(METADATA);
            case STAT_BLOB, BLOB -> Optional.of(BLOBS);
            case UPLOAD, MOUNT, PUSH_MANIFEST, DELETE_MANIFEST -> Optional.empty();
        };
    }
}
