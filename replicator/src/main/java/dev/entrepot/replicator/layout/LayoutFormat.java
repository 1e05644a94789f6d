package dev.entrepot.replicator.layout;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.DescriptorJson;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** The names and documents of an image layout (image-spec image-layout.md), as this project writes them. */
public final class LayoutFormat {
    /** The file that makes a folder a layout. */
    public static final String MARKER = "oci-layout";
    /** The content of {@link #MARKER}. */
    public static final String MARKER_TEXT = "{\"imageLayoutVersion\":\"1.0.0\"}";
    /** The file that names what is in the layout. */
    public static final String INDEX = "index.json";
    /** The folder with the content. */
    static final String BLOBS = "blobs";
    /** What the volume of a bundle is; its layout is signed and is not written to. */
    public static final String VOLUME = "entrepot/volume.json";
    /** The annotation that other tools find an image by. */
    static final String REF_NAME = "org.opencontainers.image.ref.name";
    /** The annotation that says the repository of an image. */
    static final String REPOSITORY = "dev.entrepot.repository";

    private LayoutFormat() {}

    /** The name of the file with this content, relative to the layout and with slashes. */
    public static String blobName(Digest digest) {
        return BLOBS + "/" + digest.algorithm().name() + "/" + digest.encoded();
    }

    /**
     * An entry of the index that is a tag.
     *
     * @param several whether the layout has tags of several repositories, so that the tag alone would not do as a name
     */
    public static ObjectNode tagged(
            Optional<RepositoryName> repository, Tag tag, Descriptor manifest, boolean several) {
        ObjectNode entry = DescriptorJson.write(manifest);
        ObjectNode annotations = entry.putObject("annotations");
        String stem = repository.filter(name -> several).map(name -> name + ":").orElse("");
        annotations.put(REF_NAME, stem + tag);
        repository.ifPresent(name -> annotations.put(REPOSITORY, name.value()));
        return entry;
    }

    /** The bytes of {@link #INDEX} with these entries. */
    public static byte[] index(Collection<? extends JsonNode> entries) {
        ObjectNode root = OciJson.mapper().createObjectNode();
        root.put("schemaVersion", 2);
        root.put("mediaType", MediaType.OCI_INDEX.value());
        root.putArray("manifests").addAll(entries);
        return bytes(root);
    }

    static byte[] bytes(ObjectNode root) {
        return root.toString().getBytes(StandardCharsets.UTF_8);
    }

    /**
     * What the bytes of a manifest say that it is, or its shape: a layout does not say it of a file that no index
     * names. {@link MediaType#OCTET_STREAM} if neither does.
     */
    static MediaType mediaType(byte[] bytes) {
        try {
            JsonNode root = OciJson.mapper().readTree(bytes);
            String stated = root.path("mediaType").asString("");
            if (!stated.isEmpty()) {
                return MediaType.parse(stated);
            }
            if (root.has("manifests")) {
                return MediaType.OCI_INDEX;
            }
            // Else one of a private type would be no manifest at all, and what it names would be held by nothing.
            boolean image = root.has("layers") || root.has("config") && !root.has("blobs");
            return image ? MediaType.OCI_MANIFEST : MediaType.OCTET_STREAM;
        } catch (JacksonException | IllegalArgumentException e) {
            return MediaType.OCTET_STREAM;
        }
    }
}
