package dev.entrepot.proxy.page;

import dev.entrepot.cache.KeptImage;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OciJson;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Writes the graph of a kept image: its manifests once each, with their edges, since a graph need not be a tree. */
final class ImageJson {
    // What says what a manifest in an index is for (BuildKit's attestations).
    private static final String REFERENCE_TYPE = "vnd.docker.reference.type";

    private ImageJson() {}

    /** One JSON object. */
    static ObjectNode of(KeptImage image, String reference) {
        ObjectNode json = OciJson.mapper().createObjectNode();
        json.put("repository", image.repository().toString());
        json.put("reference", reference);
        json.put("root", image.root().toString());
        image.tag().ifPresent(tag -> {
            json.put("checkedAt", tag.checkedAt().toString());
            json.put("firstSeenAt", tag.firstSeenAt().toString());
        });
        json.put("cut", image.cut());
        ArrayNode manifests = json.putArray("manifests");
        image.manifests().forEach(node -> manifests.add(manifest(node)));
        sums(json, image);
        return json;
    }

    private static void sums(ObjectNode json, KeptImage image) {
        Set<Digest> blobs = new HashSet<>();
        long bytes = 0;
        long keptBytes = 0;
        int kept = 0;
        int manifestsKept = 0;
        for (KeptImage.Node node : image.manifests()) {
            long size = node.descriptor().sizeBytes();
            bytes += size;
            keptBytes += node.kept() ? size : 0;
            manifestsKept += node.kept() ? 1 : 0;
            for (KeptImage.Blob blob : node.blobs()) {
                if (blobs.add(blob.descriptor().digest())) {
                    bytes += blob.descriptor().sizeBytes();
                    keptBytes += blob.kept() ? blob.descriptor().sizeBytes() : 0;
                    kept += blob.kept() ? 1 : 0;
                }
            }
        }
        json.put("manifestsKept", manifestsKept);
        json.put("blobs", blobs.size());
        json.put("blobsKept", kept);
        json.put("bytes", bytes);
        json.put("bytesKept", keptBytes);
    }

    private static ObjectNode manifest(KeptImage.Node node) {
        ObjectNode json = descriptor(node.descriptor(), node.kept());
        json.put("pinned", node.pinned());
        node.artifactType().ifPresent(type -> json.put("artifactType", type));
        node.lastUsed().ifPresent(at -> json.put("lastUsed", at.toString()));
        node.problem().ifPresent(problem -> json.put("problem", problem));
        digests(json, "children", node.children());
        ArrayNode blobs = json.putArray("blobs");
        node.blobs().forEach(blob -> blobs.add(descriptor(blob.descriptor(), blob.kept())));
        node.referrersAsOf().ifPresent(at -> json.put("referrersAsOf", at.toString()));
        digests(json, "referrers", node.referrers());
        ObjectNode tags = json.putObject("tags");
        node.tags().forEach((tag, digest) -> tags.put(tag.value(), digest.toString()));
        return json;
    }

    private static void digests(ObjectNode json, String name, List<Digest> digests) {
        ArrayNode array = json.putArray(name);
        digests.forEach(digest -> array.add(digest.toString()));
    }

    private static ObjectNode descriptor(Descriptor descriptor, boolean kept) {
        ObjectNode json = OciJson.mapper().createObjectNode();
        json.put("digest", descriptor.digest().toString());
        json.put("mediaType", descriptor.mediaType().value());
        json.put("bytes", descriptor.sizeBytes());
        json.put("kept", kept);
        descriptor.platform().ifPresent(platform -> json.put("platform", platform.toString()));
        String referenceType = descriptor.annotations().get(REFERENCE_TYPE);
        if (referenceType != null) {
            json.put("referenceType", referenceType);
        }
        return json;
    }
}
