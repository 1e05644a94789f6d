package dev.entrepot.oci.testing;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.Platform;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import tools.jackson.databind.node.ObjectNode;

/** Writes descriptors as JSON (image-spec descriptor.md). */
final class ManifestJson {
    private ManifestJson() {}

    static ObjectNode bare(Descriptor descriptor) {
        return OciJson.mapper()
                .createObjectNode()
                .put("mediaType", descriptor.mediaType().value())
                .put("digest", descriptor.digest().toString())
                .put("size", descriptor.sizeBytes());
    }

    static ObjectNode descriptor(Descriptor descriptor) {
        ObjectNode json = bare(descriptor);
        descriptor.artifactType().ifPresent(type -> json.put("artifactType", type));
        descriptor.platform().ifPresent(platform -> {
            ObjectNode node = json.putObject("platform")
                    .put("architecture", platform.architecture())
                    .put("os", platform.os());
            platform.variant().ifPresent(variant -> node.put("variant", variant));
        });
        annotate(json, descriptor.annotations());
        return json;
    }

    static void annotate(ObjectNode json, Map<String, String> annotations) {
        if (!annotations.isEmpty()) {
            ObjectNode node = json.putObject("annotations");
            new TreeMap<>(annotations).forEach(node::put);
        }
    }

    static Descriptor withPlatform(Descriptor descriptor, Platform platform) {
        return new Descriptor(
                descriptor.mediaType(),
                descriptor.digest(),
                descriptor.sizeBytes(),
                descriptor.artifactType(),
                Optional.of(platform),
                descriptor.annotations(),
                descriptor.urls(),
                descriptor.data());
    }
}
