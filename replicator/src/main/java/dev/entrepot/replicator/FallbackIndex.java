package dev.entrepot.replicator;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.DescriptorJson;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.OciJson;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The index behind a fallback tag, which clients maintain where a registry has no referrers API (distribution-spec,
 * "Referrers Tag Schema"). What others wrote into it stays as it is, unknown properties included.
 */
final class FallbackIndex {
    private FallbackIndex() {}

    /**
     * The digests that an index lists. What is no OCI index lists none: some registries answer the tag with the subject
     * itself.
     */
    static Set<Digest> digests(Optional<ManifestBytes> index) throws InvalidContentException {
        Set<Digest> result = new HashSet<>();
        entries(index).forEach(entry -> result.add(entry.digest()));
        return result;
    }

    /** As above, with what the index says of each. */
    static List<Descriptor> entries(Optional<ManifestBytes> index) throws InvalidContentException {
        return index.isPresent() && index.get().mediaType().equals(MediaType.OCI_INDEX)
                ? Manifest.parse(index.get()).manifests()
                : List.of();
    }

    /**
     * The index with these entries in it, or empty if it has them all with the same artifact types and annotations.
     *
     * @param present what is there now
     * @param subject what the entries refer to; an index that is the subject itself counts as none
     */
    static Optional<ManifestBytes> merge(
            Optional<ManifestBytes> present, Digest subject, Collection<Descriptor> entries)
            throws InvalidContentException {
        Optional<ManifestBytes> usable = usable(present, subject);
        try {
            ObjectNode root = usable.isPresent() ? object(usable.get()) : empty();
            ArrayNode manifests = root.withArray("manifests");
            Map<String, Integer> positions = new HashMap<>();
            for (int i = 0; i < manifests.size(); i++) {
                positions.put(manifests.get(i).path("digest").asString(""), i);
            }
            boolean changed = usable.isEmpty();
            for (Descriptor entry : entries) {
                ObjectNode json = DescriptorJson.write(entry);
                Integer at = positions.get(entry.digest().toString());
                if (at == null) {
                    manifests.add(json);
                    changed = true;
                } else if (!says(manifests.get(at), json)) {
                    manifests.set(at, json);
                    changed = true;
                }
            }
            byte[] bytes = root.toString().getBytes(StandardCharsets.UTF_8);
            return changed ? Optional.of(ManifestBytes.of(MediaType.OCI_INDEX, bytes)) : Optional.empty();
        } catch (JacksonException | ClassCastException e) {
            throw new InvalidContentException("the fallback tag of " + subject + " is not a readable index", e);
        }
    }

    private static Optional<ManifestBytes> usable(Optional<ManifestBytes> present, Digest subject) {
        return present.filter(index ->
                index.mediaType().equals(MediaType.OCI_INDEX) && !index.digest().equals(subject));
    }

    /**
     * The index that is there, with what only another one lists, as it is there.
     *
     * @param present what is there now, as for {@link #merge}
     */
    static ManifestBytes union(Optional<ManifestBytes> present, Digest subject, ManifestBytes other)
            throws InvalidContentException {
        Optional<ManifestBytes> usable = usable(present, subject);
        if (usable.isEmpty()) {
            return other;
        }
        try {
            ObjectNode root = object(usable.get());
            ArrayNode manifests = root.withArray("manifests");
            Set<String> listed = new HashSet<>();
            manifests.forEach(entry -> listed.add(entry.path("digest").asString("")));
            for (JsonNode entry : object(other).withArray("manifests")) {
                if (listed.add(entry.path("digest").asString(""))) {
                    manifests.add(entry);
                }
            }
            return ManifestBytes.of(MediaType.OCI_INDEX, root.toString().getBytes(StandardCharsets.UTF_8));
        } catch (JacksonException | ClassCastException e) {
            throw new InvalidContentException("the fallback tag of " + subject + " is not a readable index", e);
        }
    }

    /** The index without these entries; its list may become empty. */
    static ManifestBytes without(ManifestBytes index, Set<Digest> gone) throws InvalidContentException {
        try {
            ObjectNode root = object(index);
            ArrayNode kept = OciJson.mapper().createArrayNode();
            Set<String> texts = Set.copyOf(gone.stream().map(Digest::toString).toList());
            for (JsonNode entry : root.withArray("manifests")) {
                if (!texts.contains(entry.path("digest").asString(""))) {
                    kept.add(entry);
                }
            }
            root.set("manifests", kept);
            return ManifestBytes.of(MediaType.OCI_INDEX, root.toString().getBytes(StandardCharsets.UTF_8));
        } catch (JacksonException | ClassCastException e) {
            throw new InvalidContentException("the fallback tag " + index.digest() + " is not a readable index", e);
        }
    }

    private static ObjectNode object(ManifestBytes index) {
        return (ObjectNode) OciJson.mapper().readTree(index.array());
    }

    private static ObjectNode empty() {
        ObjectNode root = OciJson.mapper().createObjectNode();
        root.put("schemaVersion", 2).put("mediaType", MediaType.OCI_INDEX.value());
        root.putArray("manifests");
        return root;
    }

    private static boolean says(JsonNode there, ObjectNode wanted) {
        // A number that was read is of another type than one that was put, and equals none of that.
        return there.path("size").asLong(-1) == wanted.path("size").asLong(-1)
                && Stream.of("artifactType", "annotations")
                        .allMatch(property -> there.path(property).equals(wanted.path(property)));
    }
}
