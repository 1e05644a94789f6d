package dev.entrepot.replicator;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.OciJson;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.stream.Collectors;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * An index of which entries were taken out: another document, with another digest, for targets that accept no sparse
 * index.
 */
final class TrimmedIndex {
    private TrimmedIndex() {}

    /**
     * The index without the entries that are not in {@code kept}; everything else of it stays.
     *
     * @throws InvalidContentException if no entry is left, or it is no index
     */
    static ManifestBytes of(ManifestBytes index, Set<Digest> kept) throws InvalidContentException {
        Set<String> texts = kept.stream().map(Digest::toString).collect(Collectors.toSet());
        try {
            ObjectNode root = (ObjectNode) OciJson.mapper().readTree(index.array());
            ArrayNode manifests = OciJson.mapper().createArrayNode();
            for (JsonNode entry : root.withArray("manifests")) {
                if (texts.contains(entry.path("digest").asString(""))) {
                    manifests.add(entry);
                }
            }
            if (manifests.isEmpty()) {
                throw new InvalidContentException(
                        "index " + index.digest() + " has nothing of what is wanted, and an empty index is no image");
            }
            root.set("manifests", manifests);
            byte[] bytes = root.toString().getBytes(StandardCharsets.UTF_8);
            return ManifestBytes.of(index.mediaType(), index.digest().algorithm(), bytes);
        } catch (JacksonException | ClassCastException e) {
            throw new InvalidContentException("index " + index.digest() + " cannot be trimmed", e);
        }
    }
}
