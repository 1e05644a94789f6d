package dev.entrepot.replicator;

import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.graph.ArtifactGraph;

/**
 * An image that was selected, and all of its graph.
 *
 * @param source the repository, to read content from; outages are borne as in a replication
 * @param tag the tag
 * @param graph everything under and attached to what the tag named
 */
public record DiscoveredImage(RepositorySource source, Tag tag, ArtifactGraph graph) {
    /** Which repository it is. */
    public Repository repository() {
        return source.repository();
    }
}
