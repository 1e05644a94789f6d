package dev.entrepot.oci.testing;

import dev.entrepot.oci.OciJson;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.MissingNode;

/**
 * A manifest in a {@link TestRegistry}: its bytes, its type as it was pushed, and a reading of it that asks for
 * nothing.
 *
 * @param mediaType the {@code Content-Type} of the push, whatever it was
 * @param bytes the exact bytes
 * @param json the document, or a missing node if it is not JSON
 */
record StoredManifest(String mediaType, byte[] bytes, JsonNode json) {
    static StoredManifest of(String mediaType, byte[] bytes) {
        try {
            return new StoredManifest(mediaType, bytes, OciJson.mapper().readTree(bytes));
        } catch (JacksonException e) {
            return new StoredManifest(mediaType, bytes, MissingNode.getInstance());
        }
    }

    Optional<String> subject() {
        return text(json.path("subject").path("digest"));
    }

    /** The artifact type as a referrers list shows it. */
    Optional<String> artifactType() {
        return text(json.path("artifactType")).or(() -> text(json.path("config").path("mediaType")));
    }

    /** Whether the document calls itself another type than it was pushed as. */
    boolean contradictsItself() {
        return text(json.path("mediaType"))
                        .filter(type -> !type.equals(mediaType))
                        .isPresent()
                || json.has("manifests") && json.has("layers");
    }

    /** Digests of the blobs that must be there: configuration and layers, without those that are never pushed. */
    List<String> blobs() {
        List<String> digests = new ArrayList<>();
        text(json.path("config").path("digest")).ifPresent(digests::add);
        for (String property : List.of("layers", "blobs")) {
            for (JsonNode layer : json.path(property)) {
                String type = layer.path("mediaType").asString("");
                if (!type.contains("nondistributable") && !type.contains(".foreign.")) {
                    text(layer.path("digest")).ifPresent(digests::add);
                }
            }
        }
        return digests;
    }

    /** Digests of the manifests below this one. */
    List<String> children() {
        List<String> digests = new ArrayList<>();
        for (JsonNode child : json.path("manifests")) {
            text(child.path("digest")).ifPresent(digests::add);
        }
        return digests;
    }

    private static Optional<String> text(JsonNode node) {
        return node.isString() ? Optional.of(node.stringValue()) : Optional.empty();
    }
}
