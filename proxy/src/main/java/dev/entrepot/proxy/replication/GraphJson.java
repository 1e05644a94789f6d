package dev.entrepot.proxy.replication;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OciJson;
import dev.entrepot.replicator.graph.ArtifactGraph;
import dev.entrepot.replicator.graph.CosignTag;
import dev.entrepot.replicator.graph.GraphNode;
import java.util.List;
import java.util.function.Predicate;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes an {@link ArtifactGraph} for programs: a list of manifests with their edges, as a graph need not be a tree.
 */
final class GraphJson {
    private GraphJson() {}

    /** One JSON object; the manifests are in an order in which they could be pushed. */
    static String write(String reference, ArtifactGraph graph, Predicate<Digest> held) {
        ObjectNode root = OciJson.mapper().createObjectNode();
        root.put("reference", reference);
        root.put("root", graph.root().digest().toString());
        root.put("bytes", graph.totalBytes());
        ArrayNode manifests = root.putArray("manifests");
        graph.nodes().forEach(node -> manifests.add(marked(manifest(node), held.test(node.digest()))));
        ArrayNode blobs = root.putArray("blobs");
        graph.blobs().forEach(blob -> blobs.add(marked(descriptor(blob), held.test(blob.digest()))));
        if (!graph.dangling().isEmpty()) {
            ArrayNode dangling = root.putArray("dangling");
            graph.dangling().forEach(gone -> dangling.add(descriptor(gone)));
        }
        return root.toString();
    }

    private static ObjectNode marked(ObjectNode json, boolean held) {
        return held ? json.put("held", true) : json;
    }

    private static ObjectNode manifest(GraphNode node) {
        ObjectNode json = descriptor(node.descriptor());
        digests(json, "children", node.children());
        digests(json, "omitted", node.omitted().stream().map(Descriptor::digest).toList());
        digests(json, "blobs", node.blobs().stream().map(Descriptor::digest).toList());
        digests(json, "referrers", node.referrers());
        if (!node.cosignTags().isEmpty()) {
            ObjectNode tags = json.putObject("tags");
            for (CosignTag tag : node.cosignTags()) {
                tags.put(tag.tag().value(), tag.manifest().digest().toString());
            }
        }
        return json;
    }

    private static void digests(ObjectNode json, String property, List<Digest> digests) {
        if (!digests.isEmpty()) {
            ArrayNode array = json.putArray(property);
            digests.forEach(digest -> array.add(digest.toString()));
        }
    }

    private static ObjectNode descriptor(Descriptor descriptor) {
        ObjectNode json = OciJson.mapper().createObjectNode();
        json.put("digest", descriptor.digest().toString());
        json.put("mediaType", descriptor.mediaType().value());
        descriptor.artifactType().ifPresent(type -> json.put("artifactType", type));
        json.put("size", descriptor.sizeBytes());
        return json;
    }
}
