package dev.entrepot.oci;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A typed, sized pointer to content (image-spec descriptor.md).
 *
 * @param mediaType type of the content
 * @param digest address of the content
 * @param sizeBytes length of the content in bytes, at least 0
 * @param artifactType type of the artifact, where the content is a manifest that states one
 * @param platform platform, for entries of an index
 * @param annotations annotations, in key order
 * @param urls foreign addresses of the content; never followed by this project
 * @param data the content itself, base64, where it is embedded
 */
public record Descriptor(
        MediaType mediaType,
        Digest digest,
        long sizeBytes,
        Optional<String> artifactType,
        Optional<Platform> platform,
        Map<String, String> annotations,
        List<String> urls,
        Optional<String> data) {

    /** Validates the size and copies the collections. */
    public Descriptor {
        if (sizeBytes < 0) {
            throw new InvalidNameException("descriptor size", Long.toString(sizeBytes), "0 or more bytes");
        }
        annotations = Collections.unmodifiableMap(new TreeMap<>(annotations));
        urls = List.copyOf(urls);
    }

    /** A descriptor with the three required properties only. */
    public static Descriptor of(MediaType mediaType, Digest digest, long sizeBytes) {
        return new Descriptor(
                mediaType,
                digest,
                sizeBytes,
                Optional.empty(),
                Optional.empty(),
                Map.of(),
                List.of(),
                Optional.empty());
    }

    /** This descriptor with another artifact type and other annotations: how a referrers list shows a manifest. */
    public Descriptor asReferrer(Optional<String> newArtifactType, Map<String, String> newAnnotations) {
        return new Descriptor(mediaType, digest, sizeBytes, newArtifactType, platform, newAnnotations, urls, data);
    }

    /** Whether the content is fetched as a manifest rather than as a blob. */
    public boolean isManifest() {
        return mediaType.isManifest();
    }

    @Override
    public String toString() {
        return mediaType + " " + digest + " (" + sizeBytes + " bytes)";
    }
}
