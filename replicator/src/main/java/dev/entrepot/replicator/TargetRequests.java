package dev.entrepot.replicator;

import dev.entrepot.config.ReplicationRuleConfig.OnConflict;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.ImagePlan.Step;
import java.util.List;
import java.util.function.Predicate;

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
 * @param tags that are written, with what is asked before and after that, and three for each that is kept under another
 */
public record TargetRequests(
        long asked, long uploads, long mounts, long manifests, long verified, long referrers, long tags) {
    private static final int FOR_AN_UPLOAD = 2;
    private static final int FOR_A_LIST = 4;
    private static final int FOR_A_BACKUP = 3;

    /** What these images need of a target that was asked so often while they were planned. */
    static TargetRequests of(long asked, List<ImagePlan> images, ReplicationRule rule) {
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
                ofTags(images, rule));
    }

    // Tags of cosign, and where somebody's may have to be kept the image's, are asked for before they are written;
    // those that no later run asks for after that.
    private static long ofTags(List<ImagePlan> images, ReplicationRule rule) {
        Predicate<Tag> immutable = rule.immutableFilter();
        boolean keeps = rule.onConflict() != OnConflict.OVERWRITE;
        long requests = 0;
        for (ImagePlan image : images) {
            requests += (long) FOR_A_BACKUP * image.backups().size();
            for (Tag tag : image.tags()) {
                boolean cosign = !tag.value().equals(image.tag());
                requests += 1 + (cosign || keeps ? 1 : 0) + (cosign || immutable.test(tag) ? 1 : 0);
            }
        }
        return requests;
    }

    /** All of them. */
    public long total() {
        return asked + uploads + mounts + manifests + verified + referrers + tags;
    }
}
