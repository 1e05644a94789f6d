package dev.entrepot.replicator;

/**
 * Requests to a host that are limited, held back and given up together: a host that refuses one kind may well answer
 * the others.
 */
enum RequestKind {
    /** Reads of manifests and lists, and every HEAD. */
    LOOK("HEAD, manifests and lists"),
    /** Reads of blobs. */
    READ_BLOB("reads of blobs"),
    /** Uploads and mounts of blobs. */
    UPLOAD("uploads of blobs"),
    /** Pushes of manifests, and deletions. */
    WRITE("writes of manifests");

    private final String words;

    RequestKind(String words) {
        this.words = words;
    }

    /** How messages name them. */
    String words() {
        return words;
    }
}
