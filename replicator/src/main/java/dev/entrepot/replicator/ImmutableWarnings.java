package dev.entrepot.replicator;

import dev.entrepot.oci.Digest;
import java.util.ArrayList;
import java.util.List;

/** Names the tags that the rule calls immutable and that the source names something else by than what was copied. */
final class ImmutableWarnings {
    private ImmutableWarnings() {}

    /** The warnings of what a run has come across, a line for each tag and digest that is kept; mostly none. */
    static List<String> of(SourceSurvey survey) {
        List<String> warnings = new ArrayList<>();
        for (SourceTag tag : survey.tags()) {
            for (SourceTag.Moved moved : tag.moved()) {
                String now = moved.now().map(Digest::toString).orElse("nothing");
                warnings.add(tag.discovery().source().repository() + ":" + tag.tag()
                        + " is immutable by the rule, and names " + now + " at the source by now; the target keeps "
                        + moved.kept() + ", as the journal has it");
            }
        }
        return warnings;
    }
}
