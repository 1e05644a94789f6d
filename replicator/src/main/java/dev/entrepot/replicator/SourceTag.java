package dev.entrepot.replicator;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.graph.ArtifactGraph;
import dev.entrepot.replicator.graph.Concurrently;
import dev.entrepot.replicator.graph.RepositoryDiscovery;
import dev.entrepot.replicator.journal.CompletedTag;
import java.io.IOException;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A tag at the source during one run. Nothing is asked before it is needed, and nothing twice, whatever the number of
 * targets.
 */
final class SourceTag {
    private static final int AT_ONCE = 64;

    private final RepositoryDiscovery discovery;
    private final ManifestReference reference;
    private final Tag tag;
    // The manifests of which was asked whether all is as it was.
    private volatile Set<Digest> compared = Set.of();
    private final Set<Moved> moved = ConcurrentHashMap.newKeySet();

    /**
     * What a tag that the rule calls immutable was found to name by now.
     *
     * @param kept what it named when it was copied, and stays at
     * @param now what it names; empty if there is no such tag any more
     */
    record Moved(Digest kept, Optional<Digest> now) {}

    /**
     * A tag to copy.
     *
     * @param reference what is copied: the tag itself, except where one image is copied by digest or to another tag
     * @param tag the tag at the target
     */
    SourceTag(RepositoryDiscovery discovery, ManifestReference reference, Tag tag) {
        this.discovery = discovery;
        this.reference = reference;
        this.tag = tag;
    }

    Tag tag() {
        return tag;
    }

    ManifestReference reference() {
        return reference;
    }

    RepositoryName repository() {
        return discovery.source().repository().name();
    }

    RepositoryDiscovery discovery() {
        return discovery;
    }

    /** What the tag names; asked once, so that a tag that moves during the run does not tear it. */
    Optional<Descriptor> root() throws IOException {
        return discovery.resolve(reference);
    }

    /** Notes that the tag is immutable, and names something else than what was copied of it. */
    void noteMoved(Moved found) {
        moved.add(found);
    }

    /** What was {@linkplain #noteMoved noted}: one for each digest that a target keeps it at. */
    Set<Moved> moved() {
        return Set.copyOf(moved);
    }

    /** What a digest is in the repository of the tag; asked once. */
    Optional<Descriptor> named(Digest digest) throws IOException {
        return discovery.resolve(digest);
    }

    /** The whole graph of what the tag named. */
    ArtifactGraph graph(Descriptor root) throws IOException {
        return discovery.graph(root);
    }

    /**
     * Whether the source still attaches to each manifest what it attached when this was completed. No manifest is read
     * for that, but for those that a fallback tag lists and that were not there then.
     */
    boolean attachesTheSameAs(CompletedTag record) throws IOException {
        Set<Digest> known = record.digests();
        compared = known;
        return Concurrently.map(record.nodes(), AT_ONCE, node -> attachesTheSame(node, known)).stream()
                .allMatch(same -> same);
    }

    /**
     * Whether the source has said of a manifest of this tag that there is no referrers API, and has listed referrers
     * since: what was made of it is to be made again.
     */
    boolean isDoubtful() {
        return compared.stream().anyMatch(discovery::isDoubtful);
    }

    private boolean attachesTheSame(CompletedTag.Node node, Set<Digest> known) throws IOException {
        String then = node.attached();
        return discovery.attachments(node.digest()).fingerprint().equals(then)
                || discovery
                        .attachmentsThere(node.digest(), known)
                        .fingerprint()
                        .equals(then);
    }
}
