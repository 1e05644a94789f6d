package dev.entrepot.replicator;

import dev.entrepot.oci.RepositoryName;
import dev.entrepot.replicator.select.TagDecision;
import java.time.Instant;
import java.util.List;

/**
 * What a run of a rule would do now.
 *
 * @param rule name of the rule
 * @param source name of the source
 * @param at when the plan was made
 * @param choices each tag that was looked at, kept or dropped, with the condition that decided
 * @param targets what is to be done at each target
 * @param made what making the plan has sent to the source
 * @param forecast what a run sends to the source that follows now
 * @param warnings what of the rule's selection finds nothing, what the source lists and does not have, and immutable
 *     tags that it has moved, where they were looked at; each a line for people
 */
public record ReplicationPlan(
        String rule,
        String source,
        Instant at,
        List<Choice> choices,
        List<TargetPlan> targets,
        SourceRequests made,
        SourceRequests forecast,
        List<String> warnings) {
    /** Copies the lists. */
    public ReplicationPlan {
        choices = List.copyOf(choices);
        targets = List.copyOf(targets);
        warnings = List.copyOf(warnings);
    }

    /** This plan with these warnings. */
    ReplicationPlan withWarnings(List<String> lines) {
        return new ReplicationPlan(rule, source, at, choices, targets, made, forecast, lines);
    }

    /**
     * A tag that was looked at.
     *
     * @param repository repository at the source
     * @param decision whether it is kept, and why
     */
    public record Choice(RepositoryName repository, TagDecision decision) {}

    /**
     * What is to be done at one target.
     *
     * @param target name of the target
     * @param images the tags, in the order in which they are begun
     * @param pruning what would be deleted, and what is due and stays
     * @param forecast requests that the target will be sent, about; those of {@code pruning} come on top
     */
    public record TargetPlan(String target, List<ImagePlan> images, List<PruneStep> pruning, TargetRequests forecast) {
        /** Copies the lists. */
        public TargetPlan {
            images = List.copyOf(images);
            pruning = List.copyOf(pruning);
        }

        /** The tags, and the digests without one, that would be deleted, with their repositories. */
        public List<String> prune() {
            return pruning.stream()
                    .filter(step -> step.action() == PruneStep.Action.DELETE)
                    .map(PruneStep::name)
                    .toList();
        }

        /** Bytes of blobs that will be sent. */
        public long blobBytes() {
            return images.stream().mapToLong(ImagePlan::blobBytes).sum();
        }

        /** Bytes of blobs and manifests that will be sent, which is what a report counts. */
        public long bytes() {
            return blobBytes()
                    + images.stream().mapToLong(ImagePlan::manifestBytes).sum();
        }

        /** How many tags get an action. */
        public long count(ImagePlan.Action action) {
            return images.stream().filter(image -> image.action() == action).count();
        }
    }
}
