package dev.entrepot.cache;

/**
 * The bytes that count against the capacity, by what they are.
 *
 * @param stored blobs and manifests
 * @param coming of blobs that are still coming, and of partial files
 * @param quarantine what was found to be something else, and waits for people to look at it
 * @param ballast of the {@link Ballast}
 */
public record DiskUsage(long stored, long coming, long quarantine, long ballast) {
    /** All of it. */
    public long total() {
        return stored + coming + quarantine + ballast;
    }
}
