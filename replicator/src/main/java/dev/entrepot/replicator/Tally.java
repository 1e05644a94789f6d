package dev.entrepot.replicator;

/**
 * What was done, counted.
 *
 * @param manifestsPushed manifests sent by digest
 * @param blobsPushed blobs sent
 * @param blobsMounted blobs linked from another repository of the target
 * @param blobsPresent blobs that were there
 * @param tagsMoved tags written, those of cosign included
 * @param referrerSetsWritten fallback tags written
 * @param repaired nodes sent again because the target had lost or never listed them
 * @param bytes bytes of blobs and manifests sent
 */
public record Tally(
        long manifestsPushed,
        long blobsPushed,
        long blobsMounted,
        long blobsPresent,
        long tagsMoved,
        long referrerSetsWritten,
        long repaired,
        long bytes) {
    /** Nothing was done. */
    public static final Tally NONE = new Tally(0, 0, 0, 0, 0, 0, 0, 0);

    /** The sum of both. */
    public Tally plus(Tally other) {
        return new Tally(
                manifestsPushed + other.manifestsPushed,
                blobsPushed + other.blobsPushed,
                blobsMounted + other.blobsMounted,
                blobsPresent + other.blobsPresent,
                tagsMoved + other.tagsMoved,
                referrerSetsWritten + other.referrerSetsWritten,
                repaired + other.repaired,
                bytes + other.bytes);
    }
}
