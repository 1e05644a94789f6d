package dev.entrepot.oci.client;

import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.OciJson;
import java.util.Optional;
import java.util.Set;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * Finds the type of a manifest: the stated one, or, where that says nothing, by the body (image-spec manifest.md,
 * {@code mediaType}).
 */
final class ManifestTypes {
    private static final MediaType SCHEMA_1 = new MediaType("application/vnd.docker.distribution.manifest.v1+json");
    private static final Set<String> GENERIC = Set.of(
            "application/json",
            "application/octet-stream",
            "binary/octet-stream",
            "text/plain",
            "application/x-www-form-urlencoded");

    private ManifestTypes() {}

    /** The type of a body, or empty if it is no manifest. */
    static Optional<MediaType> of(Optional<MediaType> stated, byte[] body) {
        // What the body says is the same wherever it comes from; a stated type of which nothing is known must not stick
        // to it.
        if (stated.isPresent() && stated.get().isManifest()) {
            return stated;
        }
        try {
            JsonNode root = OciJson.mapper().readTree(body);
            JsonNode named = root.path("mediaType");
            if (named.isString() && !named.stringValue().isBlank()) {
                return Optional.of(MediaType.parse(named.stringValue()))
                        .filter(type -> type.value().indexOf('/') > 0);
            }
            Optional<MediaType> specific = stated.filter(type -> !GENERIC.contains(type.value()));
            return specific.isPresent() ? specific : byShape(root);
        } catch (JacksonException | InvalidNameException e) {
            return stated.filter(type -> !GENERIC.contains(type.value()));
        }
    }

    private static Optional<MediaType> byShape(JsonNode root) {
        if (root.path("schemaVersion").asInt(0) == 1) {
            return Optional.of(SCHEMA_1);
        }
        if (root.has("manifests")) {
            return Optional.of(MediaType.OCI_INDEX);
        }
        return root.has("config") || root.has("layers") ? Optional.of(MediaType.OCI_MANIFEST) : Optional.empty();
    }
}
