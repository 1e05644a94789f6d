package dev.entrepot.replicator;

import dev.entrepot.oci.RepositoryName;
import dev.entrepot.replicator.graph.RepositoryDiscovery;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What of the source a rule selects.
 *
 * @param choices each tag that was looked at, kept or dropped
 * @param tags those kept, repository by repository, in the source's order
 * @param failures repositories that could not be listed
 * @param asked the repositories in which tags were selected, those without a selected one too, without those that
 *     failed
 * @param catalog all names of the source's catalog, if it was read
 */
record SourceSurvey(
        List<ReplicationPlan.Choice> choices,
        List<SourceTag> tags,
        List<Unlisted> failures,
        List<RepositoryDiscovery> asked,
        Optional<Set<RepositoryName>> catalog) {
    SourceSurvey {
        choices = List.copyOf(choices);
        tags = List.copyOf(tags);
        failures = List.copyOf(failures);
        asked = List.copyOf(asked);
        catalog = catalog.map(Set::copyOf);
    }

    /** Tags that were named one by one. */
    static SourceSurvey of(List<SourceTag> tags) {
        return new SourceSurvey(
                List.of(),
                tags,
                List.of(),
                tags.stream().map(SourceTag::discovery).distinct().toList(),
                Optional.empty());
    }

    /** {@link #asked} by name. */
    Map<RepositoryName, RepositoryDiscovery> askedByName() {
        Map<RepositoryName, RepositoryDiscovery> byName = new LinkedHashMap<>();
        asked.forEach(discovery -> byName.put(discovery.source().repository().name(), discovery));
        return byName;
    }

    /**
     * A repository of which no tag is copied, because its list or a time that its selection needs is not to be had, or
     * has too few tags.
     */
    record Unlisted(RepositoryName repository, ItemReport.Failure failure) {}
}
