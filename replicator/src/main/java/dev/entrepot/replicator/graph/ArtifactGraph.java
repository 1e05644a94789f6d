package dev.entrepot.replicator.graph;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;

/**
 * A whole graph: all manifests that are below a root or attached to any of them, at any depth.
 *
 * <p>{@link #nodes()} iterates in an order in which everything can be pushed: children before their parents, and,
 * except where a parent holds a referrer of its own child, subjects before their referrers. The content of the root
 * comes first, then what is attached.
 */
public final class ArtifactGraph {
    private final GraphNode root;
    private final SequencedMap<Digest, GraphNode> nodes;

    /**
     * Orders the nodes.
     *
     * @param root digest of the root, one of {@code found}
     * @param found all nodes, closed under their edges
     */
    public ArtifactGraph(Digest root, Map<Digest, GraphNode> found) {
        this.nodes = order(root, found);
        this.root = node(root);
    }

    private static SequencedMap<Digest, GraphNode> order(Digest root, Map<Digest, GraphNode> found) {
        Set<Digest> seen = new LinkedHashSet<>();
        List<GraphNode> ordered = new ArrayList<>(found.size());
        addContent(root, found, seen, ordered);
        for (int i = 0; i < ordered.size(); i++) {
            for (Digest referrer : ordered.get(i).referrers()) {
                addContent(referrer, found, seen, ordered);
            }
            for (CosignTag tag : ordered.get(i).cosignTags()) {
                addContent(tag.manifest().digest(), found, seen, ordered);
            }
        }
        SequencedMap<Digest, GraphNode> result = new LinkedHashMap<>();
        ordered.forEach(node -> result.put(node.digest(), node));
        return result;
    }

    // Depth is bounded by the walker's limit on nested indexes.
    private static void addContent(
            Digest digest, Map<Digest, GraphNode> found, Set<Digest> seen, List<GraphNode> ordered) {
        GraphNode node = found.get(digest);
        if (node == null || !seen.add(digest)) {
            return;
        }
        for (boolean referring : List.of(false, true)) {
            for (Digest child : node.children()) {
                GraphNode below = found.get(child);
                if (below != null && below.subject().isPresent() == referring) {
                    addContent(child, found, seen, ordered);
                }
            }
        }
        ordered.add(node);
    }

    /** The manifest that the graph was discovered from. */
    public GraphNode root() {
        return root;
    }

    /** All manifests, in an order in which they can be pushed. */
    public List<GraphNode> nodes() {
        return List.copyOf(nodes.sequencedValues());
    }

    /** Whether the manifest belongs to the graph. */
    public boolean contains(Digest digest) {
        return nodes.containsKey(digest);
    }

    /**
     * The manifest with this digest.
     *
     * @throws IllegalArgumentException if it does not belong to the graph
     */
    public GraphNode node(Digest digest) {
        GraphNode node = nodes.get(digest);
        if (node == null) {
            throw new IllegalArgumentException(digest + " is not in the graph");
        }
        return node;
    }

    /** All blobs, each once, in the order of the manifests that name them first. */
    public List<Descriptor> blobs() {
        Map<Digest, Descriptor> blobs = new LinkedHashMap<>();
        nodes.values().forEach(node -> node.blobs().forEach(blob -> blobs.putIfAbsent(blob.digest(), blob)));
        return List.copyOf(blobs.values());
    }

    /** What a referrers list of this manifest must show, with artifact types and annotations. */
    public List<Descriptor> referrersOf(GraphNode node) {
        return node.referrers().stream()
                .map(digest -> node(digest).descriptor())
                .toList();
    }

    /** All cosign tags, at any node. */
    public List<CosignTag> cosignTags() {
        return nodes.values().stream()
                .flatMap(node -> node.cosignTags().stream())
                .toList();
    }

    /**
     * Referrers that a fallback tag of the source lists although the source no longer has them; they are not copied.
     */
    public List<Descriptor> dangling() {
        return nodes.values().stream().flatMap(node -> node.dangling().stream()).toList();
    }

    /** Sum of the sizes of all manifests and blobs, in bytes. */
    public long totalBytes() {
        long manifests = nodes.values().stream()
                .mapToLong(node -> node.descriptor().sizeBytes())
                .sum();
        return manifests + blobs().stream().mapToLong(Descriptor::sizeBytes).sum();
    }
}
