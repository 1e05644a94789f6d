package dev.entrepot.cache;

import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.OciJson;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/** What a document says of itself: for manifests whose recorded type was lost, and for blobs that are manifests. */
final class ManifestTypes {
    private ManifestTypes() {}

    /** Whether these bytes are a manifest or an index, by what the document says of itself. */
    static boolean looksLikeManifest(byte[] bytes) {
        try {
            JsonNode root = OciJson.mapper().readTree(bytes);
            if (!root.path("schemaVersion").isNumber()) {
                return false;
            }
            boolean shape = root.path("manifests").isArray()
                    || root.path("layers").isArray() && root.path("config").isObject();
            return shape || MediaType.parse(root.path("mediaType").asString("")).isManifest();
        } catch (JacksonException | IllegalArgumentException e) {
            return false;
        }
    }

    /**
     * Whether what begins with these bytes may be a JSON object in any encoding; true while there is nothing but white
     * space.
     */
    static boolean mayBeginObject(byte[] bytes, int count) {
        for (int i = 0; i < count; i++) {
            switch (bytes[i]) {
                case ' ', '\t', '\r', '\n' -> {}
                // The last four begin a byte order mark or a wide character.
                case '{', 0, (byte) 0xEF, (byte) 0xFE, (byte) 0xFF -> {
                    return true;
                }
                default -> {
                    return false;
                }
            }
        }
        return true;
    }

    /** The same manifest, with the type that its document states if none is recorded. */
    static ManifestBytes withType(ManifestBytes manifest) throws InvalidContentException {
        if (!manifest.mediaType().equals(MediaType.OCTET_STREAM)) {
            return manifest;
        }
        return ManifestBytes.verified(Manifest.parse(manifest).mediaType(), manifest.digest(), manifest.array());
    }
}
