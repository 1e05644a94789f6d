package dev.entrepot.replicator;

/**
 * What was done, counted. What is sent again because the target had lost or never listed it is counted as repaired and
 * nowhere else: so what a run that ends complete pushed and mounted is what its plan says, exactly.
 *
 * @param manifestsPushed manifests sent by digest
 * @param blobsPushed blobs sent
 * @param blobsMounted blobs linked from another repository of the target
 * @param blobsPresent blobs that were there
 * @param tagsMoved tags written, those of cosign included
 * @param referrerSetsWritten fallback tags written
 * @param manifestsRepaired manifests sent again by digest
 * @param blobsRepaired blobs sent again
 * @param bytes bytes of blobs and manifests sent, those sent again included
 */
public record Tally(
        long manifestsPushed,
        long blobsPushed,
        long blobsMounted,
        long blobsPresent,
        long tagsMoved,
        long referrerSetsWritten,
        long manifestsRepaired,
        long blobsRepaired,
        long bytes) {
    /** Nothing was done. */
    public static final Tally NONE = new Tally(0, 0, 0, 0, 0, 0, 0, 0, 0);

    /** Manifests and blobs sent again. */
    public long repaired() {
        return manifestsRepaired + blobsRepaired;
    }

    /** This, of a run that found there what was sent before it. */
    Tally afterSending(Tally before) {
        return plus(new Tally(
                0,
                before.blobsPushed(),
                0,
                -Math.min(before.blobsPushed(), blobsPresent),
                0,
                0,
                0,
                before.blobsRepaired(),
                before.bytes()));
    }

    /** The sum of both. */
    public Tally plus(Tally other) {
        return new Tally(
                manifestsPushed + other.manifestsPushed,
                blobsPushed + other.blobsPushed,
                blobsMounted + other.blobsMounted,
                blobsPresent + other.blobsPresent,
                tagsMoved + other.tagsMoved,
                referrerSetsWritten + other.referrerSetsWritten,
                manifestsRepaired + other.manifestsRepaired,
                blobsRepaired + other.blobsRepaired,
                bytes + other.bytes);
    }
}
