package dev.entrepot.replicator;

import dev.entrepot.config.NamePattern;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Platform;
import dev.entrepot.replicator.graph.ArtifactGraph;
import dev.entrepot.replicator.graph.CosignTag;
import dev.entrepot.replicator.graph.CosignTags;
import dev.entrepot.replicator.graph.GraphNode;
import java.io.IOException;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Finds out what a tag of the source is, as a rule wants it. What cannot be found out is a {@link CopyException}:
 * nothing is left out.
 */
final class ImageDiscovery {
    // What BuildKit's attestations have for a platform.
    private static final String UNKNOWN = "unknown";

    private final ReplicationRule rule;

    ImageDiscovery(ReplicationRule rule) {
        this.rule = rule;
    }

    /** What the tag names. */
    Descriptor root(SourceTag tag) throws IOException {
        return CopyException.at(Side.SOURCE, tag.reference(), "resolving " + tag.reference(), tag::root)
                .orElseThrow(() -> new CopyException(
                        Side.SOURCE,
                        tag.reference(),
                        rule.source().name() + "/" + tag.repository() + " has no " + tag.reference()));
    }

    /** The whole graph of a root, which has the referrers that the rule requires, unless the rule drops it. */
    ArtifactGraph graph(SourceTag tag, Descriptor root) throws IOException {
        ArtifactGraph graph =
                CopyException.at(Side.SOURCE, root.digest(), "discovering " + root.digest(), () -> tag.graph(root));
        if (dropped(graph).isEmpty()) {
            requireReferrers(graph);
        }
        return graph;
    }

    /**
     * Why the rule drops an image: it is an index that has none of the rule's platforms. Empty if it does not. An image
     * that is no index has only its configuration to say a platform, and an index that has entries of no platform may
     * have the wanted one: these are not dropped.
     */
    Optional<String> dropped(ArtifactGraph graph) {
        Set<String> there = new TreeSet<>();
        if (rule.platforms().isEmpty() || hasWanted(graph, graph.root(), new HashSet<>(), there)) {
            return Optional.empty();
        }
        return Optional.of("dropped by platforms: the rule wants "
                + rule.platforms().stream().map(Platform::toString).collect(Collectors.joining(", "))
                + ", and the index has " + (there.isEmpty() ? "none" : "only " + String.join(", ", there)));
    }

    // Nested indexes count for what is in them.
    private static boolean hasWanted(ArtifactGraph graph, GraphNode node, Set<Digest> seen, Set<String> there) {
        node.omitted().stream()
                .flatMap(child -> child.platform().stream())
                .filter(platform -> !platform.os().equals(UNKNOWN))
                .forEach(platform -> there.add(platform.toString()));
        if (!node.isSparse() && node.children().isEmpty() || !node.blobs().isEmpty()) {
            return true;
        }
        boolean wanted = false;
        for (Digest child : node.children()) {
            wanted |= seen.add(child) && hasWanted(graph, graph.node(child), seen, there);
        }
        return wanted;
    }

    private void requireReferrers(ArtifactGraph graph) throws CopyException {
        Set<String> types = new HashSet<>();
        for (Digest referrer : graph.root().referrers()) {
            types.addAll(graph.node(referrer).types());
        }
        for (CosignTag tag : graph.root().cosignTags()) {
            types.addAll(graph.node(tag.manifest().digest()).types());
            CosignTags.kind(tag.tag()).ifPresent(types::add);
        }
        for (NamePattern required : rule.referrers().require()) {
            if (types.stream().noneMatch(required.matcher())) {
                throw new CopyException(
                        Side.SOURCE,
                        graph.root().digest(),
                        "the rule requires a referrer of type " + required + ", and there is none");
            }
        }
    }

    // Of a repository with too few tags the surveyor says so.
    static void refuseNothing(ReplicationRule rule, SourceSurvey survey) throws CopyException {
        boolean nothing = survey.tags().isEmpty() && survey.failures().isEmpty();
        if (nothing && rule.tags().atLeast() > 0) {
            throw new CopyException(
                    Side.SOURCE,
                    rule.source().name(),
                    "rule " + rule.name() + " asks for at-least " + rule.tags().atLeast()
                            + " tags, and no repository of " + rule.source().name()
                            + " is selected; none is copied and none is deleted");
        }
    }
}
