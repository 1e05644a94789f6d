package dev.entrepot.replicator;

import dev.entrepot.oci.RepositoryName;
import dev.entrepot.replicator.journal.CompletedTag;
import dev.entrepot.replicator.journal.Leftover;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What is to be deleted at one target, found out before anything is copied there.
 *
 * @param tags the tags that are due, by repository; none if they are too many
 * @param leftovers what is left over and due, by repository; none if it is too much
 * @param questions what was asked of the source to decide what of that goes, by repository
 * @param steps what becomes of each
 */
record PrunePlan(
        Map<RepositoryName, List<CompletedTag>> tags,
        Map<RepositoryName, List<Leftover>> leftovers,
        Map<RepositoryName, Set<Withdrawals.Question>> questions,
        List<PruneStep> steps) {
    static final PrunePlan NOTHING = new PrunePlan(Map.of(), Map.of(), Map.of(), List.of());

    PrunePlan {
        steps = List.copyOf(steps);
    }

    /** The steps of each repository, in their order. */
    Map<RepositoryName, List<PruneStep>> stepsByRepository() {
        return steps.stream().collect(Collectors.groupingBy(PruneStep::repository));
    }
}
