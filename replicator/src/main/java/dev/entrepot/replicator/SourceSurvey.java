package dev.entrepot.replicator;

import dev.entrepot.oci.RepositoryName;
import java.util.List;

/**
 * What of the source a rule selects.
 *
 * @param choices each tag that was looked at, kept or dropped
 * @param tags those kept, repository by repository, in the source's order
 * @param failures repositories that could not be listed
 */
record SourceSurvey(List<ReplicationPlan.Choice> choices, List<SourceTag> tags, List<Unlisted> failures) {
    SourceSurvey {
        choices = List.copyOf(choices);
        tags = List.copyOf(tags);
        failures = List.copyOf(failures);
    }

    /** A repository of which no tag is copied, because its list or a time that its selection needs is not to be had, or has too few tags. */
    record Unlisted(RepositoryName repository, ItemReport.Failure failure) {}
}
