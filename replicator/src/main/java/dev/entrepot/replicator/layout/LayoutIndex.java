package dev.entrepot.replicator.layout;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.DescriptorJson;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.Reference;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The {@code index.json} of a layout: its tags, and the manifests that have none, which is where a layout keeps referrers. Not safe for several
 * threads; its owner has a lock.
 */
final class LayoutIndex {
    /** The file that makes a folder a layout. */
    static final String MARKER = "oci-layout";

    private static final String REF_NAME = "org.opencontainers.image.ref.name";
    private static final long MAX_BYTES = 256L << 20;

    private final Path folder;
    private final Map<Tag, Descriptor> tags = new TreeMap<>();
    private final Map<Digest, Descriptor> untagged = new LinkedHashMap<>();

    private LayoutIndex(Path folder) {
        this.folder = folder;
    }

    /** Reads the index; that of a folder that is no layout yet is empty. */
    static LayoutIndex read(Path folder) throws IOException {
        LayoutIndex index = new LayoutIndex(folder);
        Path file = folder.resolve("index.json");
        if (Files.exists(file)) {
            if (Files.size(file) > MAX_BYTES) {
                throw new InvalidContentException(file + " exceeds the limit of " + MAX_BYTES + " bytes");
            }
            try {
                for (JsonNode entry :
                        OciJson.mapper().readTree(Files.readAllBytes(file)).path("manifests")) {
                    index.take(DescriptorJson.read(entry));
                }
            } catch (JacksonException e) {
                throw new InvalidContentException(file + " is not readable JSON", e);
            }
        }
        return index;
    }

    private void take(Descriptor entry) {
        Optional<Tag> tag =
                Optional.ofNullable(entry.annotations().get(REF_NAME)).flatMap(LayoutIndex::tag);
        Descriptor bare = entry.asReferrer(entry.artifactType(), Map.of());
        tag.ifPresentOrElse(name -> tags.put(name, bare), () -> untagged.put(bare.digest(), bare));
    }

    /** The tag in a reference name, which some tools write as a whole reference. */
    private static Optional<Tag> tag(String refName) {
        try {
            return refName.indexOf('/') >= 0 || refName.indexOf(':') >= 0
                    ? Reference.parse(refName).tag()
                    : Optional.of(new Tag(refName));
        } catch (InvalidNameException e) {
            return Optional.empty();
        }
    }

    Map<Tag, Descriptor> tags() {
        return tags;
    }

    Map<Digest, Descriptor> untagged() {
        return untagged;
    }

    /** All manifests that the index names, each once. */
    List<Descriptor> manifests() {
        Map<Digest, Descriptor> all = new LinkedHashMap<>(untagged);
        tags.values().forEach(descriptor -> all.putIfAbsent(descriptor.digest(), descriptor));
        return new ArrayList<>(all.values());
    }

    /** Writes the index, so that after a crash the old or the new one is there. */
    void write() throws IOException {
        ObjectNode root = OciJson.mapper().createObjectNode();
        root.put("schemaVersion", 2);
        root.put("mediaType", MediaType.OCI_INDEX.value());
        root.putArray("manifests");
        tags.forEach((tag, descriptor) -> {
            ObjectNode entry = DescriptorJson.write(descriptor);
            entry.putObject("annotations").put(REF_NAME, tag.value());
            root.withArray("manifests").add(entry);
        });
        untagged.values().forEach(entry -> root.withArray("manifests").add(DescriptorJson.write(entry)));
        LayoutFiles.replace(
                folder.resolve(MARKER), "{\"imageLayoutVersion\":\"1.0.0\"}".getBytes(StandardCharsets.UTF_8));
        LayoutFiles.replace(folder.resolve("index.json"), root.toString().getBytes(StandardCharsets.UTF_8));
    }
}
