package dev.entrepot.oci;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What a manifest says, read from its bytes (image-spec manifest.md and image-index.md). The bytes themselves stay in
 * {@link ManifestBytes}; this is a reading of them, never written back.
 */
public sealed interface Manifest {
    /** The type of the manifest. */
    MediaType mediaType();

    /** Manifests below this one, in document order. */
    List<Descriptor> manifests();

    /** Blobs of this manifest, configuration first, in document order; may repeat a digest. */
    List<Descriptor> blobs();

    /** What this manifest refers to, if it is a referrer. A weak edge: the subject may be missing. */
    Optional<Descriptor> subject();

    /**
     * The type of the artifact as a referrers list shows it (distribution-spec, "Listing Referrers"): the
     * {@code artifactType}, else, for an image manifest, the media type of its configuration.
     */
    Optional<String> artifactType();

    /** The annotations of the manifest. */
    Map<String, String> annotations();

    /** Everything that must be present for this manifest to be whole: {@link #manifests()} and {@link #blobs()}. */
    default List<Descriptor> references() {
        return Stream.concat(blobs().stream(), manifests().stream()).toList();
    }

    /** An image manifest, or an artifact in the form of one. */
    record ImageManifest(
            MediaType mediaType,
            Descriptor config,
            List<Descriptor> layers,
            Optional<Descriptor> subject,
            Optional<String> artifactType,
            Map<String, String> annotations)
            implements Manifest {
        @Override
        public List<Descriptor> manifests() {
            return List.of();
        }

        @Override
        public List<Descriptor> blobs() {
            return Stream.concat(Stream.of(config), layers.stream()).toList();
        }
    }

    /** An image index or Docker manifest list. */
    record ImageIndex(
            MediaType mediaType,
            List<Descriptor> manifests,
            Optional<Descriptor> subject,
            Optional<String> artifactType,
            Map<String, String> annotations)
            implements Manifest {
        @Override
        public List<Descriptor> blobs() {
            return List.of();
        }
    }

    /** The artifact manifest of the image-spec's release candidates. */
    record ArtifactManifest(
            List<Descriptor> blobs,
            Optional<Descriptor> subject,
            Optional<String> artifactType,
            Map<String, String> annotations)
            implements Manifest {
        @Override
        public MediaType mediaType() {
            return MediaType.OCI_ARTIFACT_MANIFEST;
        }

        @Override
        public List<Descriptor> manifests() {
            return List.of();
        }
    }

    /**
     * A manifest of a type that is not known here, carried as it is. What it names is read by its shape: the properties
     * that manifests of known types have, as far as there are descriptors in them.
     */
    record OpaqueManifest(
            MediaType mediaType,
            List<Descriptor> manifests,
            List<Descriptor> blobs,
            Optional<Descriptor> subject,
            Optional<String> artifactType,
            Map<String, String> annotations)
            implements Manifest {
        /** One that nothing was read of. */
        OpaqueManifest(MediaType mediaType) {
            this(mediaType, List.of(), List.of(), Optional.empty(), Optional.empty(), Map.of());
        }
    }

    /**
     * Reads a manifest.
     *
     * @throws InvalidContentException if the bytes are not JSON within bounds, a required property is missing or wrong,
     *     or the document contradicts its type (CVE-2021-41190: both {@code manifests} and {@code layers}, an index
     *     with {@code layers}, or another {@code mediaType} than stated)
     */
    static Manifest parse(ManifestBytes bytes) throws InvalidContentException {
        return ManifestParser.parse(bytes);
    }
}
