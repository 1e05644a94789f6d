package dev.entrepot.cache;

/** What stored content is fetched as; blobs and manifests lie in separate trees and are never served as each other. */
public enum ContentKind {
    /** Fetched from {@code /blobs/}. */
    BLOB,
    /** Fetched from {@code /manifests/}. */
    MANIFEST;

    /** The other of the two. */
    ContentKind other() {
        return this == BLOB ? MANIFEST : BLOB;
    }
}
