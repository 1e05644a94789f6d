package dev.entrepot.oci;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * Reads manifests leniently in what it does not need and strictly in what it does: unknown properties and media types
 * pass, a missing or ill-typed digest or size does not.
 */
final class ManifestParser {
    private ManifestParser() {}

    static Manifest parse(ManifestBytes bytes) throws InvalidContentException {
        try {
            MediaType stated = bytes.mediaType();
            if (stated.isSchema1()) {
                return new Manifest.OpaqueManifest(stated);
            }
            JsonNode root = OciJson.mapper().readTree(bytes.array());
            if (!root.isObject()) {
                throw new InvalidContentException("manifest " + bytes.digest() + " is not a JSON object");
            }
            MediaType type = typeOf(stated, root, bytes.digest());
            if (type.isIndex()) {
                return new Manifest.ImageIndex(
                        type,
                        descriptors(root, "manifests"),
                        subject(root),
                        textUnlessEmpty(root, "artifactType"),
                        annotations(root));
            }
            if (type.isImageManifest()) {
                Descriptor config = descriptor(required(root, "config"), "config");
                Optional<String> artifactType = textUnlessEmpty(root, "artifactType")
                        .or(() -> Optional.of(config.mediaType().value()));
                return new Manifest.ImageManifest(
                        type, config, descriptors(root, "layers"), subject(root), artifactType, annotations(root));
            }
            if (type.equals(MediaType.OCI_ARTIFACT_MANIFEST)) {
                return new Manifest.ArtifactManifest(
                        descriptors(root, "blobs"),
                        subject(root),
                        textUnlessEmpty(root, "artifactType"),
                        annotations(root));
            }
            return byShape(type, root);
        } catch (JacksonException e) {
            throw new InvalidContentException(
                    "manifest " + bytes.digest() + " is not readable JSON: " + e.getOriginalMessage(), e);
        } catch (InvalidNameException e) {
            throw new InvalidContentException("manifest " + bytes.digest() + " is malformed: " + e.getMessage(), e);
        }
    }

    // What a private type calls by a known name is taken for that, or a copy of it would lack its content; what does
    // not fit is no reason to refuse it.
    private static Manifest byShape(MediaType type, JsonNode root) {
        List<Descriptor> blobs = new ArrayList<>();
        descriptorIn(root.get("config")).ifPresent(blobs::add);
        blobs.addAll(descriptorsIn(root.get("layers")));
        blobs.addAll(descriptorsIn(root.get("blobs")));
        return new Manifest.OpaqueManifest(
                type,
                descriptorsIn(root.get("manifests")),
                List.copyOf(blobs),
                descriptorIn(root.get("subject")),
                textUnlessEmpty(root, "artifactType"),
                annotations(root));
    }

    private static List<Descriptor> descriptorsIn(@Nullable JsonNode array) {
        List<Descriptor> found = new ArrayList<>();
        if (array != null && array.isArray()) {
            array.forEach(node -> descriptorIn(node).ifPresent(found::add));
        }
        return List.copyOf(found);
    }

    private static Optional<Descriptor> descriptorIn(@Nullable JsonNode node) {
        try {
            return node == null ? Optional.empty() : Optional.of(descriptor(node, "a manifest of an unknown type"));
        } catch (InvalidContentException | InvalidNameException e) {
            return Optional.empty();
        }
    }

    private static MediaType typeOf(MediaType stated, JsonNode root, Digest digest) throws InvalidContentException {
        boolean image = root.has("layers") || root.has("config");
        if (root.has("manifests") && image) {
            throw new InvalidContentException(
                    "manifest " + digest + " has both manifests and layers, and cannot be trusted to be either");
        }
        Optional<MediaType> inBody = textUnlessEmpty(root, "mediaType").map(MediaType::parse);
        if (inBody.isPresent() && stated.isManifest() && !inBody.get().equals(stated)) {
            throw new InvalidContentException(
                    "manifest " + digest + " calls itself " + inBody.get() + " but was sent as " + stated);
        }
        MediaType type = inBody.orElse(stated);
        if (type.isIndex() && image) {
            throw new InvalidContentException("manifest " + digest + " is called " + type + " but has layers");
        }
        if (type.isManifest() || inBody.isPresent()) {
            return type;
        }
        return root.has("manifests") ? MediaType.OCI_INDEX : root.has("layers") ? MediaType.OCI_MANIFEST : type;
    }

    private static Optional<Descriptor> subject(JsonNode root) throws InvalidContentException {
        JsonNode node = root.get("subject");
        return node == null || node.isNull() ? Optional.empty() : Optional.of(descriptor(node, "subject"));
    }

    private static List<Descriptor> descriptors(JsonNode root, String property) throws InvalidContentException {
        JsonNode array = root.get(property);
        if (array == null || array.isNull()) {
            return List.of();
        }
        if (!array.isArray()) {
            throw new InvalidContentException("property " + property + " is not an array");
        }
        List<Descriptor> result = new ArrayList<>(array.size());
        for (JsonNode node : array) {
            result.add(descriptor(node, property));
        }
        return List.copyOf(result);
    }

    /** Reads one descriptor; {@code where} names the property for the error. */
    static Descriptor descriptor(JsonNode node, String where) throws InvalidContentException {
        if (!node.isObject()) {
            throw new InvalidContentException("descriptor in " + where + " is not an object");
        }
        JsonNode size = required(node, "size");
        if (!size.isIntegralNumber() || !size.canConvertToLong() || size.longValue() < 0) {
            throw new InvalidContentException("descriptor in " + where + " has no valid size");
        }
        String digest =
                text(node, "digest").orElseThrow(() -> new InvalidNameException("descriptor", where, "a digest"));
        MediaType type =
                text(node, "mediaType").map(ManifestParser::lenientType).orElse(MediaType.OCTET_STREAM);
        return new Descriptor(
                type,
                Digest.parse(digest),
                size.longValue(),
                textUnlessEmpty(node, "artifactType"),
                platform(node),
                annotations(node),
                strings(node, "urls"),
                text(node, "data"));
    }

    // What somebody calls one layer is no reason to refuse all of them.
    private static MediaType lenientType(String text) {
        try {
            return MediaType.parse(text);
        } catch (InvalidNameException e) {
            return MediaType.OCTET_STREAM;
        }
    }

    private static Optional<Platform> platform(JsonNode node) {
        JsonNode platform = node.get("platform");
        if (platform == null || !platform.isObject()) {
            return Optional.empty();
        }
        return Optional.of(new Platform(
                text(platform, "os").orElse(""),
                text(platform, "architecture").orElse(""),
                textUnlessEmpty(platform, "variant"),
                textUnlessEmpty(platform, "os.version"),
                strings(platform, "os.features")));
    }

    private static Map<String, String> annotations(JsonNode node) {
        JsonNode annotations = node.get("annotations");
        if (annotations == null || !annotations.isObject()) {
            return Map.of();
        }
        Map<String, String> result = new TreeMap<>();
        annotations.properties().stream()
                .filter(entry -> entry.getValue().isString())
                .forEach(entry -> result.put(entry.getKey(), entry.getValue().stringValue()));
        return result;
    }

    private static List<String> strings(JsonNode node, String property) {
        JsonNode array = node.get(property);
        if (array == null || !array.isArray()) {
            return List.of();
        }
        List<String> result = new ArrayList<>();
        array.forEach(item -> {
            if (item.isString()) {
                result.add(item.stringValue());
            }
        });
        return result;
    }

    /** As {@link #text}; encoders that leave nothing out write an empty string where there is no value. */
    private static Optional<String> textUnlessEmpty(JsonNode node, String property) {
        return text(node, property).filter(value -> !value.isEmpty());
    }

    private static Optional<String> text(JsonNode node, String property) {
        JsonNode value = node.get(property);
        return value == null || !value.isString() ? Optional.empty() : Optional.of(value.stringValue());
    }

    private static JsonNode required(JsonNode node, String property) throws InvalidContentException {
        JsonNode value = node.get(property);
        if (value == null || value.isNull()) {
            throw new InvalidContentException("required property " + property + " is missing");
        }
        return value;
    }
}
