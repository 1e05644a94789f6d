package dev.entrepot.replicator;

import dev.entrepot.oci.Digest;
import dev.entrepot.replicator.graph.RepositoryDiscovery;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Names what fallback tags of the source list and the source does not have. It may have been deleted, and the list
 * kept; or it is there, and only was not to be had.
 */
final class DanglingWarnings {
    private static final int NAMED = 10;

    private DanglingWarnings() {}

    /** The warnings of what a run has come across, a line for each fallback tag; mostly none. */
    static List<String> of(SourceSurvey survey) {
        List<String> warnings = new ArrayList<>();
        for (RepositoryDiscovery discovery : survey.asked()) {
            discovery
                    .dangling()
                    .forEach((subject, gone) -> warnings.add(discovery.source().repository() + ": the fallback tag of "
                            + subject + " lists " + names(gone) + ", which the source answers that it does not have;"
                            + " not copied, and looked for again in the next run"));
        }
        return warnings;
    }

    private static String names(Collection<Digest> digests) {
        String named = digests.stream().limit(NAMED).map(Digest::toString).collect(Collectors.joining(", "));
        return digests.size() > NAMED ? named + " and " + (digests.size() - NAMED) + " more" : named;
    }
}
