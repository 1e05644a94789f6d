package dev.entrepot.oci;

import java.util.Locale;
import java.util.Set;

/**
 * A media type without parameters. Media types are an open set: those that this project treats specially are named
 * here, all others are carried as they are.
 *
 * @param value {@code type/subtype}, without parameters; registries also hold what has no subtype, and it is carried as
 *     it is
 */
public record MediaType(String value) {
    /** OCI image manifest. */
    public static final MediaType OCI_MANIFEST = new MediaType("application/vnd.oci.image.manifest.v1+json");
    /** OCI image index. */
    public static final MediaType OCI_INDEX = new MediaType("application/vnd.oci.image.index.v1+json");
    /** Docker image manifest, schema 2. */
    public static final MediaType DOCKER_MANIFEST =
            new MediaType("application/vnd.docker.distribution.manifest.v2+json");
    /** Docker manifest list. */
    public static final MediaType DOCKER_MANIFEST_LIST =
            new MediaType("application/vnd.docker.distribution.manifest.list.v2+json");
    /** The artifact manifest of the image-spec's release candidates, never released and still met in the wild. */
    public static final MediaType OCI_ARTIFACT_MANIFEST =
            new MediaType("application/vnd.oci.artifact.manifest.v1+json");
    /** The empty JSON object, which is a real blob of two bytes. */
    public static final MediaType OCI_EMPTY = new MediaType("application/vnd.oci.empty.v1+json");
    /** Bytes of which nothing is known. */
    public static final MediaType OCTET_STREAM = new MediaType("application/octet-stream");

    private static final Set<String> SCHEMA_1 = Set.of(
            "application/vnd.docker.distribution.manifest.v1+json",
            "application/vnd.docker.distribution.manifest.v1+prettyjws");

    /** Validates that the text is a media type without parameters or control characters. */
    public MediaType {
        if (value.length() > 255
                || value.isEmpty()
                || !value.chars().allMatch(c -> c > ' ' && c < 127 && c != ';' && c != ',' && c != '"')) {
            throw new InvalidNameException("media type", value, "type/subtype, or any word, without parameters");
        }
    }

    /**
     * Parses a {@code Content-Type}, dropping its parameters and folding it to lower case.
     *
     * @throws InvalidNameException if the text is not a media type
     */
    public static MediaType parse(String text) {
        int semicolon = text.indexOf(';');
        String essence = semicolon < 0 ? text : text.substring(0, semicolon);
        // Only ASCII is folded: a Kelvin sign must not become the k of a type that is treated specially.
        boolean ascii = essence.chars().allMatch(c -> c < 128);
        return new MediaType(ascii ? essence.strip().toLowerCase(Locale.ROOT) : essence);
    }

    /** Whether content of this type is an image index or a Docker manifest list. */
    public boolean isIndex() {
        return equals(OCI_INDEX) || equals(DOCKER_MANIFEST_LIST);
    }

    /** Whether content of this type is an image manifest. */
    public boolean isImageManifest() {
        return equals(OCI_MANIFEST) || equals(DOCKER_MANIFEST);
    }

    /** Whether content of this type is fetched as a manifest rather than as a blob. */
    public boolean isManifest() {
        return isIndex() || isImageManifest() || equals(OCI_ARTIFACT_MANIFEST) || isSchema1();
    }

    /** Whether this is one of the dead schema 1 types, whose digest is not that of their bytes. */
    public boolean isSchema1() {
        return SCHEMA_1.contains(value);
    }

    /** Whether content of this type must not be pushed to other registries (deprecated "foreign" layers). */
    public boolean isNonDistributable() {
        return value.startsWith("application/vnd.oci.image.layer.nondistributable.")
                || value.startsWith("application/vnd.docker.image.rootfs.foreign.");
    }

    @Override
    public String toString() {
        return value;
    }
}
