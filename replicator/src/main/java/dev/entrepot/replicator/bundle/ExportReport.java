package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Digest;
import java.util.List;
import java.util.Optional;

/**
 * What an export carries, and where it was written.
 *
 * @param name the rule, or the images, that it is of
 * @param inventory what it carries
 * @param id the id of the bundle; empty if nothing was written
 * @param signed whether it is signed
 * @param volumes the volumes, in order; of a dry run, where they would be
 * @param isReissue whether these are volumes of a bundle that were written again, some or all; the rest says what all
 *     of it has
 * @param lostAgain what the other side had and lost, and is in the bundle again
 * @param sourceRequests requests sent to find out what it carries
 * @param read what was read to write it
 * @param warnings what of the selection found nothing, and what the source lists and does not have, each a line for
 *     people
 */
public record ExportReport(
        String name,
        Inventory inventory,
        Optional<Digest> id,
        boolean signed,
        List<BundleWriter.Volume> volumes,
        boolean isReissue,
        List<Digest> lostAgain,
        long sourceRequests,
        ReadTally.Sums read,
        List<String> warnings) {
    /** Copies the lists. */
    public ExportReport {
        volumes = List.copyOf(volumes);
        lostAgain = List.copyOf(lostAgain);
        warnings = List.copyOf(warnings);
    }

    /**
     * A number of nodes and the sum of their sizes.
     *
     * @param manifests how many manifests
     * @param blobs how many blobs
     * @param bytes of both together
     */
    public record Sum(long manifests, long blobs, long bytes) {}

    /** What is in the volumes. */
    public Sum carried() {
        return sum(false);
    }

    /** What is left out because of the receipt. */
    public Sum held() {
        return sum(true);
    }

    /** Bytes of the volumes that are named. */
    public long volumeBytes() {
        return volumes.stream().mapToLong(BundleWriter.Volume::bytes).sum();
    }

    // What is both a manifest and a blob is there once, and counts as a manifest.
    private Sum sum(boolean held) {
        List<BundledManifest> manifests = inventory.manifests().values().stream()
                .filter(manifest -> manifest.placement() instanceof Placement.Held == held)
                .toList();
        List<BundledBlob> blobs = inventory.blobs().values().stream()
                .filter(blob -> blob.placement() instanceof Placement.Held == held)
                .filter(blob -> !inventory.manifests().containsKey(blob.digest()))
                .toList();
        return new Sum(
                manifests.size(),
                blobs.size(),
                manifests.stream()
                                .mapToLong(manifest -> manifest.descriptor().sizeBytes())
                                .sum()
                        + blobs.stream().mapToLong(BundledBlob::sizeBytes).sum());
    }
}
