package dev.entrepot.bench;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.testing.Content;
import dev.entrepot.oci.testing.TestRegistry;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** An export of 2 GiB that the cache has, against {@code tar} and {@code sha256sum} over the same files. Processes are timed whole. */
final class BundleExport implements Scenario {
    private static final int LAYERS = 8;
    private static final long LAYER_BYTES = 256 * Bench.MIB;
    private static final String IMAGE = "registry.test/bench/app:v1";

    @Override
    public String name() {
        return "bundle";
    }

    @Override
    public void run(Bench bench) throws Exception {
        Path folder = bench.workspace().newFolder("bundle");
        try (TestRegistry source = TestRegistry.started()) {
            push(source);
            Files.writeString(folder.resolve("entrepot.yaml"), """
                    cache: {directory: ./data, capacity: 8GiB, min-free: 1MiB}
                    upstreams: {registry.test: {url: "%s"}}
                    """.formatted(source.uri()));
            export(bench, folder, "layout");
            Rounds<FinishedProcess> rounds = new Rounds<FinishedProcess>()
                    .add("ours", () -> export(bench, folder, "ours.tar"))
                    .add("tar", () -> packed(bench, folder))
                    .run(bench.options().rounds());
            bench.section()
                    .ratio(
                            "export of 2 GiB, s",
                            rounds.of("ours", FinishedProcess::seconds),
                            "tar and sha256sum",
                            rounds.of("tar", FinishedProcess::seconds),
                            new Goal.AtMost(1.3));
            bench.section()
                    .figure(
                            "export of 2 GiB, peak memory of the process, MiB",
                            rounds.of("ours", FinishedProcess::peakMebibytes),
                            new Goal.AtMost(128));
        }
    }

    private static FinishedProcess export(Bench bench, Path folder, String output) throws Exception {
        Files.deleteIfExists(folder.resolve(output));
        bench.workspace().settle();
        List<String> command = List.of(
                bench.workspace().project().resolve("entrepot").toString(),
                "export",
                IMAGE,
                "--unsigned",
                "--config",
                folder.resolve("entrepot.yaml").toString(),
                "--output",
                folder.resolve(output).toString());
        return FinishedProcess.run(command, Map.of(), folder.resolve("log"));
    }

    private static FinishedProcess packed(Bench bench, Path folder) throws Exception {
        Files.deleteIfExists(folder.resolve("theirs.tar"));
        bench.workspace().settle();
        // The hash is read from the files, as one does who wants to say what is in the tar.
        List<String> command = List.of(
                "sh",
                "-c",
                "cd \"$1\" && tar -cf theirs.tar layout && find layout -type f -exec sha256sum {} +",
                "sh",
                folder.toString());
        return FinishedProcess.run(command, Map.of(), folder.resolve("log"));
    }

    private static void push(TestRegistry source) throws IOException {
        Digest config = source.pushBlob("bench/app", "{}".getBytes(StandardCharsets.US_ASCII));
        List<String> layers = new ArrayList<>();
        for (int i = 0; i < LAYERS; i++) {
            Content content = Content.generated(i + 1, LAYER_BYTES);
            Digest digest = digest(content);
            source.pushBlob("bench/app", digest, content);
            layers.add("{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"" + digest
                    + "\",\"size\":" + LAYER_BYTES + "}");
        }
        String manifest = "{\"schemaVersion\":2,\"mediaType\":\"" + MediaType.OCI_MANIFEST
                + "\",\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":\"" + config
                + "\",\"size\":2},\"layers\":[" + String.join(",", layers) + "]}";
        source.pushManifest(
                "bench/app", MediaType.OCI_MANIFEST.value(), manifest.getBytes(StandardCharsets.UTF_8), "v1");
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
