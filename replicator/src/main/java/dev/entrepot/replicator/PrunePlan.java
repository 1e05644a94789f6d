package dev.entrepot.replicator;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.replicator.journal.CompletedTag;
import dev.entrepot.replicator.journal.Leftover;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What is to be deleted at one target, found out before anything is copied there.
 *
 * @param tags the tags that are due, by repository; none if they are too many
 * @param leftovers what is left over and due, by repository; none if it is too much
 * @param steps what becomes of each
 */
record PrunePlan(
        Map<RepositoryName, List<CompletedTag>> tags,
        Map<RepositoryName, List<Leftover>> leftovers,
        List<PruneStep> steps) {
    static final PrunePlan NOTHING = new PrunePlan(Map.of(), Map.of(), List.of());

    PrunePlan {
        steps = List.copyOf(steps);
    }

    /** The manifests that may be deleted in a repository: those that the plan names. */
    Set<Digest> manifests(RepositoryName repository) {
        Set<Digest> manifests = new HashSet<>();
        steps.stream()
                .filter(step -> step.repository().equals(repository) && step.action() == PruneStep.Action.DELETE)
                .forEach(step -> manifests.addAll(step.manifests()));
        return manifests;
    }
}
