package dev.entrepot.proxy.http;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.Platform;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The JSON documents that this server writes itself. Manifests are never among them. */
final class JsonDocuments {
    private JsonDocuments() {}

    /** {@code {"errors":[...]}} (distribution-spec, "Error Codes"). */
    static byte[] error(String code, String message) {
        ObjectNode root = object();
        root.putArray("errors").addObject().put("code", code).put("message", message);
        return OciJson.mapper().writeValueAsBytes(root);
    }

    /** {@code {"name":...,"tags":[]}} (distribution-spec, "Listing Tags"): what is around the tags. */
    static byte[] tags(String name) {
        ObjectNode root = object();
        root.put("name", name);
        root.putArray("tags");
        return OciJson.mapper().writeValueAsBytes(root);
    }

    /** {@code {"repositories":[...]}}. */
    static byte[] catalog(List<String> repositories) {
        ObjectNode root = object();
        ArrayNode array = root.putArray("repositories");
        repositories.forEach(array::add);
        return OciJson.mapper().writeValueAsBytes(root);
    }

    /** An image index of referrers (distribution-spec, "Listing Referrers"): what is around the descriptors. */
    static byte[] referrers() {
        ObjectNode root = object();
        root.put("schemaVersion", 2);
        root.put("mediaType", MediaType.OCI_INDEX.value());
        root.putArray("manifests");
        return OciJson.mapper().writeValueAsBytes(root);
    }

    /** One descriptor (image-spec descriptor.md). */
    static byte[] descriptor(Descriptor descriptor) {
        ObjectNode node = object();
        node.put("mediaType", descriptor.mediaType().value());
        node.put("digest", descriptor.digest().toString());
        node.put("size", descriptor.sizeBytes());
        descriptor.artifactType().ifPresent(type -> node.put("artifactType", type));
        descriptor.platform().ifPresent(platform -> node.set("platform", platform(platform)));
        if (!descriptor.urls().isEmpty()) {
            ArrayNode urls = node.putArray("urls");
            descriptor.urls().forEach(urls::add);
        }
        if (!descriptor.annotations().isEmpty()) {
            ObjectNode annotations = node.putObject("annotations");
            for (Map.Entry<String, String> entry : descriptor.annotations().entrySet()) {
                annotations.put(entry.getKey(), entry.getValue());
            }
        }
        descriptor.data().ifPresent(data -> node.put("data", data));
        return OciJson.mapper().writeValueAsBytes(node);
    }

    private static ObjectNode platform(Platform platform) {
        ObjectNode node = object();
        node.put("architecture", platform.architecture());
        node.put("os", platform.os());
        platform.osVersion().ifPresent(version -> node.put("os.version", version));
        if (!platform.osFeatures().isEmpty()) {
            ArrayNode features = node.putArray("os.features");
            platform.osFeatures().forEach(features::add);
        }
        platform.variant().ifPresent(variant -> node.put("variant", variant));
        return node;
    }

    private static ObjectNode object() {
        return OciJson.mapper().createObjectNode();
    }
}
