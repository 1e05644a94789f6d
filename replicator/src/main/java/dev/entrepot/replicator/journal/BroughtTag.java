package dev.entrepot.replicator.journal;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;

/**
 * A tag that a rule itself has written at a target, or was about to write when its process ended. What it only found
 * there, complete, is a {@link CompletedTag} alone.
 *
 * @param rule the rule
 * @param target the place of the target
 * @param registry the name of the registry that it came from; empty if an earlier version wrote this down
 * @param source the repository at the source
 * @param repository the repository at the target
 * @param tag the tag
 * @param digest what it was made to name
 */
public record BroughtTag(
        String rule,
        String target,
        String registry,
        RepositoryName source,
        RepositoryName repository,
        Tag tag,
        Digest digest) {
    /** Whether this is what is known of a completed tag's writing. */
    public boolean isOf(CompletedTag completed) {
        return rule.equals(completed.rule())
                && target.equals(completed.target())
                && repository.equals(completed.repository())
                && tag.equals(completed.tag())
                && digest.equals(completed.targetDigest());
    }
}
