package dev.entrepot.bench;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.testing.RecordedCall;
import dev.entrepot.oci.testing.TestRegistry;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;

/**
 * Images as a company has them: repositories with some tags each; a base layer that all share, a layer that the tags of
 * a repository share, and one of each tag's own; on each image an SBOM, and on the SBOM a signature.
 */
final class FleetContent {
    private static final String MANIFEST = "application/vnd.oci.image.manifest.v1+json";
    private static final String CONFIG = "application/vnd.oci.image.config.v1+json";
    private static final String LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";
    private static final String EMPTY = "application/vnd.oci.empty.v1+json";
    private static final byte[] EMPTY_JSON = "{}".getBytes(StandardCharsets.US_ASCII);
    private static final int BASE_BYTES = 8 << 20;
    private static final int REPOSITORY_BYTES = 2 << 20;
    private static final int TAG_BYTES = 1 << 18;

    private final TestRegistry registry;
    private final Random random = new Random(5);
    private final Map<Digest, Integer> blobs = new HashMap<>();
    private final List<String> images = new ArrayList<>();
    private final Set<Digest> nodes = new HashSet<>();

    private FleetContent(TestRegistry registry) {
        this.registry = registry;
    }

    /** Puts a fleet into a registry. */
    static FleetContent into(TestRegistry registry, int repositories, int tags) {
        FleetContent fleet = new FleetContent(registry);
        byte[] base = fleet.bytes(BASE_BYTES);
        for (int r = 0; r < repositories; r++) {
            byte[] shared = fleet.bytes(REPOSITORY_BYTES);
            for (int t = 0; t < tags; t++) {
                fleet.image("fleet/app" + r, "v1.0." + t, List.of(base, shared, fleet.bytes(TAG_BYTES)));
            }
        }
        return fleet;
    }

    /** Puts images without layers of their own into one repository, for plans. */
    static FleetContent tagsInto(TestRegistry registry, int tags) {
        FleetContent fleet = new FleetContent(registry);
        for (int t = 0; t < tags; t++) {
            fleet.image("many/app", "v1.0." + t, List.of(EMPTY_JSON));
        }
        return fleet;
    }

    private byte[] bytes(int count) {
        byte[] bytes = new byte[count];
        random.nextBytes(bytes);
        return bytes;
    }

    private void image(String repository, String tag, List<byte[]> layers) {
        String config = blob(
                repository,
                CONFIG,
                ("{\"architecture\":\"amd64\",\"os\":\"linux\",\"created\":\"" + tag + "\",\"author\":\"" + repository
                                + "\"}")
                        .getBytes(StandardCharsets.UTF_8));
        List<String> described =
                layers.stream().map(layer -> blob(repository, LAYER, layer)).toList();
        byte[] image = manifest("", config, described, "");
        Digest digest = put(repository, image);
        registry.tag(repository, tag, digest);
        images.add(repository + ":" + tag);
        byte[] sbom = attachment(repository, "application/vnd.cyclonedx+json", "sbom of " + repository + tag, image);
        attachment(repository, "application/vnd.dev.cosign.artifact.sig.v1+json", "sig of " + repository + tag, sbom);
    }

    private byte[] attachment(String repository, String type, String content, byte[] subject) {
        String layer = blob(repository, type, content.getBytes(StandardCharsets.UTF_8));
        String described = descriptor(MANIFEST, Digest.sha256(subject), subject.length);
        byte[] manifest = manifest(type, blob(repository, EMPTY, EMPTY_JSON), List.of(layer), described);
        put(repository, manifest);
        return manifest;
    }

    private Digest put(String repository, byte[] manifest) {
        Digest digest = registry.pushManifest(repository, MANIFEST, manifest);
        nodes.add(digest);
        return digest;
    }

    private String blob(String repository, String type, byte[] bytes) {
        Digest digest = registry.pushBlob(repository, bytes);
        blobs.put(digest, bytes.length);
        return descriptor(type, digest, bytes.length);
    }

    private static String descriptor(String type, Digest digest, int size) {
        return "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%d}".formatted(type, digest, size);
    }

    private static byte[] manifest(String artifactType, String config, List<String> layers, String subject) {
        return ("{\"schemaVersion\":2,\"mediaType\":\"" + MANIFEST + "\","
                        + (artifactType.isEmpty() ? "" : "\"artifactType\":\"" + artifactType + "\",")
                        + "\"config\":" + config + ",\"layers\":[" + String.join(",", layers) + "]"
                        + (subject.isEmpty() ? "" : ",\"subject\":" + subject) + "}")
                .getBytes(StandardCharsets.UTF_8);
    }

    /** All images, as {@code repository:tag}. */
    List<String> images() {
        return images;
    }

    /** How many manifests there are. */
    int nodes() {
        return nodes.size();
    }

    /** The bytes of blobs that were sent, divided by those that there are. */
    double blobBytesSent() {
        long unique = blobs.values().stream().mapToLong(size -> size).sum();
        long sent =
                registry
                        .requests(request ->
                                request.method().equals("GET") && request.path().contains("/blobs/"))
                        .stream()
                        .mapToLong(RecordedCall::bytesSent)
                        .sum();
        return (double) sent / unique;
    }
}
