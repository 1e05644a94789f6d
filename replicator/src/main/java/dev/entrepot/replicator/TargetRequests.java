package dev.entrepot.replicator;

import dev.entrepot.replicator.ImagePlan.Step;
import java.util.List;

/**
 * Requests that a run sends to a target, by kind, as a plan expects them. Uploads in parts, repairs, and reading back
 * ({@code verify: deep}) come on top; a referrers list that is right at once costs one request of the four that are
 * expected.
 *
 * @param asked to compare: as many as making the plan sent
 * @param uploads of blobs, two for each
 * @param mounts of blobs
 * @param manifests that are pushed
 * @param verified what is asked for after it was sent
 * @param referrers four for each list that is to be kept
 * @param tags that are written, and two for each that is kept under another
 */
public record TargetRequests(
        long asked, long uploads, long mounts, long manifests, long verified, long referrers, long tags) {
    private static final int FOR_AN_UPLOAD = 2;
    private static final int FOR_A_LIST = 4;
    private static final int FOR_A_BACKUP = 2;

    /** What these images need of a target that was asked so often while they were planned. */
    static TargetRequests of(long asked, List<ImagePlan> images) {
        long blobs = images.stream()
                .mapToLong(image -> image.count(false, Step.PUSH))
                .sum();
        long mounts = images.stream()
                .mapToLong(image -> image.count(false, Step.MOUNT))
                .sum();
        long manifests =
                images.stream().mapToLong(image -> image.count(true, Step.PUSH)).sum();
        return new TargetRequests(
                asked,
                FOR_AN_UPLOAD * blobs,
                mounts,
                manifests,
                blobs + mounts + manifests,
                FOR_A_LIST
                        * images.stream()
                                .mapToLong(image -> image.referrerSets().size())
                                .sum(),
                images.stream()
                        .mapToLong(image -> image.tags().size()
                                + (long) FOR_A_BACKUP * image.backups().size())
                        .sum());
    }

    /** All of them. */
    public long total() {
        return asked + uploads + mounts + manifests + verified + referrers + tags;
    }
}
