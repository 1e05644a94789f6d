package dev.entrepot.bench;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.testing.Content;
import dev.entrepot.oci.testing.TestRegistry;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;

/** An image of 2 GiB at a registry, of which one layer after another changes. */
final class BundleContent {
    /** The size of each layer. */
    static final long LAYER_BYTES = 256 * Bench.MIB;

    private static final int LAYERS = 8;

    private final TestRegistry source;
    private final List<Digest> layers = new ArrayList<>();
    private int pushed;
    private int version;

    BundleContent(TestRegistry source) {
        this.source = source;
    }

    /** What an image is called for the mirror. */
    static String image(int version) {
        return "registry.test/bench/app:v" + version;
    }

    /** Pushes the image as tag {@code v1}, and returns the digest of its manifest. */
    Digest pushFirst() throws IOException {
        for (int i = 0; i < LAYERS; i++) {
            layers.add(newLayer());
        }
        return pushManifest();
    }

    /** Pushes the image with another last layer, and returns the number of its tag. */
    int pushNext() throws IOException {
        layers.set(LAYERS - 1, newLayer());
        pushManifest();
        return version;
    }

    private Digest newLayer() throws IOException {
        pushed++;
        Content content = Content.generated(pushed, LAYER_BYTES);
        Digest digest = digest(content);
        source.pushBlob("bench/app", digest, content);
        return digest;
    }

    private Digest pushManifest() throws IOException {
        version++;
        Digest config = source.pushBlob("bench/app", "{}".getBytes(StandardCharsets.US_ASCII));
        List<String> shown = layers.stream()
                .map(digest -> "{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"" + digest
                        + "\",\"size\":" + LAYER_BYTES + "}")
                .toList();
        String manifest = "{\"schemaVersion\":2,\"mediaType\":\"" + MediaType.OCI_MANIFEST
                + "\",\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":\"" + config
                + "\",\"size\":2},\"layers\":[" + String.join(",", shown) + "]}";
        return source.pushManifest(
                "bench/app", MediaType.OCI_MANIFEST.value(), manifest.getBytes(StandardCharsets.UTF_8), "v" + version);
    }

    private static Digest digest(Content content) throws IOException {
        MessageDigest hasher = DigestAlgorithm.SHA256.newMessageDigest();
        byte[] buffer = new byte[1 << 20];
        try (InputStream in = content.open(0)) {
            for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                hasher.update(buffer, 0, count);
            }
        }
        return Digest.of(DigestAlgorithm.SHA256, hasher);
    }
}
