package dev.entrepot.replicator;

import dev.entrepot.replicator.graph.ArtifactGraph;
import java.util.Optional;

/**
 * A plan together with what is needed to do it.
 *
 * @param tag the tag at the source, unless the repository could not be listed
 * @param graph the graph, where it was discovered
 */
record ImageWork(ImagePlan plan, Optional<SourceTag> tag, Optional<ArtifactGraph> graph) {}
