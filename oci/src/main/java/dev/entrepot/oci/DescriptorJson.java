package dev.entrepot.oci;

import java.util.ArrayList;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Reads and writes descriptors and referrers lists as JSON. Only lists made here are ever written; a manifest never is.
 */
public final class DescriptorJson {
    private DescriptorJson() {}

    /**
     * Reads one descriptor.
     *
     * @throws InvalidContentException if a required property is missing or wrong
     */
    public static Descriptor read(JsonNode node) throws InvalidContentException {
        try {
            return ManifestParser.descriptor(node, "document");
        } catch (InvalidNameException e) {
            throw new InvalidContentException("descriptor is malformed: " + e.getMessage(), e);
        }
    }

    /** Writes one descriptor, leaving out what is empty. */
    public static ObjectNode write(Descriptor descriptor) {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.put("mediaType", descriptor.mediaType().value());
        node.put("digest", descriptor.digest().toString());
        node.put("size", descriptor.sizeBytes());
        descriptor.artifactType().ifPresent(type -> node.put("artifactType", type));
        descriptor.platform().ifPresent(platform -> writePlatform(platform, node.putObject("platform")));
        if (!descriptor.annotations().isEmpty()) {
            ObjectNode annotations = node.putObject("annotations");
            descriptor.annotations().forEach(annotations::put);
        }
        if (!descriptor.urls().isEmpty()) {
            ArrayNode urls = node.putArray("urls");
            descriptor.urls().forEach(urls::add);
        }
        descriptor.data().ifPresent(data -> node.put("data", data));
        return node;
    }

    private static void writePlatform(Platform platform, ObjectNode node) {
        node.put("architecture", platform.architecture());
        node.put("os", platform.os());
        platform.osVersion().ifPresent(version -> node.put("os.version", version));
        platform.variant().ifPresent(variant -> node.put("variant", variant));
        if (!platform.osFeatures().isEmpty()) {
            ArrayNode features = node.putArray("os.features");
            platform.osFeatures().forEach(features::add);
        }
    }

    /** An image index that lists these descriptors: the body of a referrers answer or of a fallback tag. */
    public static byte[] writeIndex(List<Descriptor> descriptors) {
        ObjectNode index = JsonNodeFactory.instance.objectNode();
        index.put("schemaVersion", 2);
        index.put("mediaType", MediaType.OCI_INDEX.value());
        ArrayNode manifests = index.putArray("manifests");
        descriptors.forEach(descriptor -> manifests.add(write(descriptor)));
        return OciJson.mapper().writeValueAsBytes(index);
    }

    /**
     * Reads the descriptors of an image index.
     *
     * @throws InvalidContentException if the bytes are not such a document
     */
    public static List<Descriptor> readIndex(byte[] bytes) throws InvalidContentException {
        try {
            JsonNode manifests = OciJson.mapper().readTree(bytes).get("manifests");
            if (manifests == null || !manifests.isArray()) {
                throw new InvalidContentException("document has no manifests array");
            }
            List<Descriptor> result = new ArrayList<>(manifests.size());
            for (JsonNode node : manifests) {
                result.add(read(node));
            }
            return List.copyOf(result);
        } catch (JacksonException e) {
            throw new InvalidContentException("document is not readable JSON: " + e.getOriginalMessage(), e);
        }
    }
}
