package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.ConfigLoader;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Gate;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.proxy.CommandRunner.Result;
import dev.entrepot.proxy.http.Passing;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/**
 * A bundle is written as it is read: what the cache keeps comes from there, and the rest from the upstream with no
 * second copy on the disk, by a process of its own and through a server.
 */
class ExportPassingTest {
    private static final String NAME = "team/app";
    private static final String IMAGE = "registry.test/" + NAME + ":v1";

    @TempDir
    private Path folder;

    private final TestRegistry source = TestRegistry.started();
    private final Bundle image = new Images(17).image(300_000, 200_000, 900, 400_000);
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private CommandRunner commands;

    @BeforeEach
    void configure() throws IOException {
        source.push(NAME, image, "v1");
        Files.writeString(folder.resolve("entrepot.yaml"), """
                server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0", access-log: "off"}
                cache: {directory: ./data, min-free: 1MiB}
                default-upstream: registry.test
                upstreams:
                  registry.test: {url: "%s"}
                """.formatted(source.uri()));
        commands = new CommandRunner(folder);
    }

    @AfterEach
    void close() {
        threads.shutdownNow();
        source.close();
    }

    private Result export(String output, String... more) {
        List<String> arguments = new ArrayList<>(List.of("export", IMAGE, "--output", output, "--unsigned", "--json"));
        arguments.addAll(List.of(more));
        Result result = commands.run(arguments.toArray(String[]::new));
        assertThat(result).as(result.out() + result.err()).returns(0, Result::code);
        return result;
    }

    private static JsonNode read(Result result) {
        return OciJson.mapper().readTree(result.out()).path("read");
    }

    private Mirror server() throws Exception {
        return Mirror.start(
                ConfigLoader.load(Optional.empty(), folder, Map.of()).config(),
                ClientEnvironment.system("test"),
                OutputStream.nullOutputStream());
    }

    /** All files of the data folder that have anything of a blob. */
    private List<Path> copies() throws IOException {
        List<String> names =
                image.blobs().keySet().stream().map(Digest::encoded).toList();
        try (Stream<Path> files = Files.walk(folder.resolve("data"))) {
            return files.filter(Files::isRegularFile)
                    .filter(file -> file.startsWith(folder.resolve("data/blobs"))
                            || file.startsWith(folder.resolve("data/ingest"))
                            || names.stream().anyMatch(file.toString()::contains))
                    .toList();
        }
    }

    private Digest largest() {
        return image.blobs().keySet().stream()
                .filter(blob -> source.blob(NAME, blob).orElseThrow().sizeBytes() == 400_000)
                .findFirst()
                .orElseThrow();
    }

    @Test
    void whatIsNotKeptGoesIntoTheBundleWithoutACopyInTheDataFolderAtAnyTime() throws Exception {
        Gate gate = new Gate();
        source.faults().always(Requests.blob(largest()), Fault.stallAfter(300_000, gate));
        Future<Result> export = threads.submit(() -> export("out.tar"));
        gate.awaitArrivals(1);

        assertThat(copies()).as("in the middle of a blob").isEmpty();
        gate.open();
        Result result = export.get(30, TimeUnit.SECONDS);

        assertThat(copies()).isEmpty();
        for (Digest blob : image.blobs().keySet()) {
            assertThat(source.calls().gets(blob)).isEqualTo(1);
        }
        assertThat(read(result).path("fromUpstream").path("blobs").asInt()).isEqualTo(5);
        assertThat(read(result).path("fromUpstream").path("bytes").asLong()).isBetween(900_900L, 902_000L);
        assertThat(read(result).path("fromCache").path("blobs").asInt()).isZero();
        assertThat(commands.run("verify", "out.tar", "--unsigned")).returns(0, Result::code);
    }

    @Test
    void ofWhatIsKeptInPartTheUpstreamIsAskedForTheRestAlone() throws Exception {
        List<Digest> all = List.copyOf(image.blobs().keySet());
        List<Digest> half = all.subList(0, 3);
        try (Mirror mirror = server();
                HttpClient client = HttpClient.newHttpClient()) {
            get(client, mirror.port(), "manifests/v1", "");
            for (Digest blob : half) {
                assertThat(get(client, mirror.port(), "blobs/" + blob, "")).isEqualTo(200);
            }
        }
        List<Path> before = copies();
        assertThat(before).hasSize(3);
        source.calls().clear();

        Result result = export("out.tar");

        assertThat(copies()).isEqualTo(before);
        for (Digest blob : all) {
            assertThat(source.calls().gets(blob)).isEqualTo(half.contains(blob) ? 0 : 1);
        }
        assertThat(read(result).path("fromCache").path("blobs").asInt()).isEqualTo(3);
        assertThat(read(result).path("fromUpstream").path("blobs").asInt()).isEqualTo(2);
        assertThat(commands.run("verify", "out.tar", "--unsigned")).returns(0, Result::code);
    }

    private static int get(HttpClient client, int port, String what, String token) throws Exception {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/v2/" + NAME + "/" + what));
        return client.send(
                        (token.isEmpty() ? request : request.header(Passing.HEADER, token)).build(),
                        HttpResponse.BodyHandlers.discarding())
                .statusCode();
    }

    @Test
    @Timeout(30)
    void throughAServerWhatItKeepsComesFromThereAndTheRestIsNotKept() throws Exception {
        List<Digest> all = List.copyOf(image.blobs().keySet());
        try (Mirror mirror = server();
                HttpClient client = HttpClient.newHttpClient()) {
            assertThat(get(client, mirror.port(), "blobs/" + all.getFirst(), ""))
                    .isEqualTo(200);
            // The client has its last bytes before the file has its name.
            String hex = all.getFirst().encoded();
            Path kept = folder.resolve("data/blobs/sha256/" + hex.substring(0, 2) + "/" + hex);
            while (!Files.exists(kept)) {
                Thread.onSpinWait();
            }
            List<Path> before = copies();
            assertThat(before).containsExactly(kept);
            source.calls().clear();

            Result result = export("out.tar", "--volume-size", "250KB");

            assertThat(result.err()).contains("reading through the server");
            assertThat(copies()).isEqualTo(before);
            assertThat(source.calls().gets(all.getFirst())).isZero();
            // Two blobs are larger than a volume: read once for the digests of their parts, and each part by its range.
            assertThat(source.calls().gets(largest())).isBetween(3, 4);
            assertThat(read(result).path("fromCache").path("blobs").asInt()).isPositive();
            assertThat(read(result).path("fromUpstream").path("blobs").asInt()).isPositive();
            assertThat(commands.run("verify", ".", "--unsigned")).returns(0, Result::code);

            assertThat(read(export("kept.tar", "--keep"))
                            .path("fromUpstream")
                            .path("blobs")
                            .asInt())
                    .isEqualTo(4);
            assertThat(copies()).hasSize(5);
        }
    }

    @Test
    @Timeout(30)
    void whoWantsTheCacheOfAServerFilledSaysSoToo() throws Exception {
        try (Mirror _ = server()) {
            Result first = export("out.tar", "--keep");

            assertThat(first.err()).contains("reading through the server");
            for (Digest blob : image.blobs().keySet()) {
                assertThat(source.calls().gets(blob)).isEqualTo(1);
            }
            while (copies().size() < 5
                    || copies().stream().anyMatch(file -> file.toString().endsWith(".part"))) {
                Thread.onSpinWait();
            }
            source.calls().clear();

            Result again = export("again.tar");

            assertThat(source.calls().matching(Requests.blobs())).isEmpty();
            assertThat(read(again).path("fromCache").path("blobs").asInt()).isEqualTo(5);
            assertThat(Files.mismatch(folder.resolve("out.tar"), folder.resolve("again.tar")))
                    .isEqualTo(-1);
        }
    }

    @Test
    @Timeout(30)
    void clientDoesNotWaitForWhatAnExportHasAskedBehindIt() throws Exception {
        Gate gate = new Gate();
        source.faults().once(Requests.manifest(new Tag("v1")), Fault.hold(gate));
        try (Mirror mirror = server();
                HttpClient client = HttpClient.newHttpClient()) {
            Future<Result> export = threads.submit(() -> export("out.tar"));
            gate.awaitArrivals(1);
            HttpRequest request = HttpRequest.newBuilder(
                            URI.create("http://127.0.0.1:" + mirror.port() + "/v2/" + NAME + "/manifests/v1"))
                    .build();
            for (HttpRequest asked : List.of(
                    request,
                    HttpRequest.newBuilder(request, (_, _) -> true).HEAD().build())) {
                assertThat(client.send(asked, HttpResponse.BodyHandlers.discarding())
                                .statusCode())
                        .isEqualTo(200);
            }
            assertThat(export).isNotDone();
            gate.open();
            assertThat(export.get(30, TimeUnit.SECONDS).err()).contains("reading through the server");
        }
    }

    @Test
    void nobodyElseHasAServerReadPastItsCache() throws Exception {
        Digest blob = largest();
        try (Mirror mirror = server();
                HttpClient client = HttpClient.newHttpClient()) {
            assertThat(get(client, mirror.port(), "blobs/" + blob, "guessed")).isEqualTo(200);
            assertThat(get(client, mirror.port(), "blobs/" + blob, "guessed")).isEqualTo(200);
        }

        assertThat(source.calls().gets(blob)).isEqualTo(1);
        assertThat(copies()).hasSize(1);
    }

    @Test
    void whoWantsTheCacheFilledSaysSo() throws Exception {
        export("out.tar", "--keep");
        assertThat(copies()).hasSize(5);
        source.calls().clear();

        Result again = export("again.tar");

        assertThat(source.calls().matching(Requests.blobs())).isEmpty();
        assertThat(read(again).path("fromCache").path("blobs").asInt()).isEqualTo(5);
        assertThat(Files.mismatch(folder.resolve("out.tar"), folder.resolve("again.tar")))
                .isEqualTo(-1);
        assertThat(commands.run("export", IMAGE, "--output", "o.tar", "--unsigned", "--keep", "--from", "upstream"))
                .returns(2, Result::code)
                .satisfies(result -> assertThat(result.err()).contains("--keep goes with --from both"));
    }

    /** Has the disk lose a bit of a blob that is kept. */
    private void rot(Digest blob) throws IOException {
        Path kept = folder.resolve("data/blobs/sha256/" + blob.encoded().substring(0, 2) + "/" + blob.encoded());
        byte[] bytes = Files.readAllBytes(kept);
        bytes[bytes.length / 2] ^= 1;
        Files.write(kept, bytes);
    }

    @ParameterizedTest
    @ValueSource(strings = {"1MB", "250KB"})
    void whatHasGoneBadInTheCacheComesFromTheUpstreamOnceMore(String volumes) throws Exception {
        export("first.tar", "--keep");
        source.calls().clear();
        rot(largest());

        export("out/o.tar", "--volume-size", volumes);

        // In volumes that it does not fit into, a blob is read for its parts, and each part.
        assertThat(source.calls().gets(largest())).isBetween(1, 4);
        assertThat(source.calls().matching(Requests.blobs()))
                .as("the others are right, and are there")
                .hasSize(source.calls().gets(largest()));
        assertThat(commands.run("verify", "out", "--unsigned")).returns(0, Result::code);
        try (Stream<Path> files = Files.walk(folder.resolve("data"))) {
            assertThat(files.filter(file -> file.toString().contains("quarantine"))
                            .filter(Files::isRegularFile))
                    .isNotEmpty();
        }
    }

    @Test
    void whereItCannotComeFromTheUpstreamTheMessageSaysWhatHelps() throws Exception {
        assertThat(commands.runOn(IMAGE + "\n", "cache", "warm", "-")).returns(0, Result::code);
        rot(largest());

        Result kept = commands.run("export", IMAGE, "--output", "k.tar", "--unsigned", "--from", "cache");

        assertThat(kept).returns(1, Result::code);
        assertThat(kept.err())
                .contains(largest().toString(), "gone bad in the cache", "entrepot cache scrub", "--from upstream");
        try (Mirror _ = server()) {
            Result through = commands.run("export", IMAGE, "--output", "s.tar", "--unsigned");
            assertThat(through).returns(1, Result::code);
            assertThat(through.err())
                    .contains(largest().toString(), "gone bad in the cache", "entrepot cache scrub", "--from upstream");
        }
        export("u.tar", "--from", "upstream");
        assertThat(commands.run("cache", "scrub")).returns(0, Result::code);
        export("out.tar");
    }

    @Test
    void aBrokenBodyIsGoneOnWithWhereItStopped() throws Exception {
        source.faults().once(Requests.blob(largest()), Fault.resetAfter(250_000));

        export("out.tar");

        assertThat(source.requests(Requests.blob(largest()).and(Requests.withHeader("Range"))))
                .hasSize(1);
        assertThat(copies()).isEmpty();
        assertThat(commands.run("verify", "out.tar", "--unsigned")).returns(0, Result::code);
    }

    @Test
    void whatComesCompressedIsInTheBundleAsItIs() throws Exception {
        export("plain.tar");
        source.faults().always(Requests.get(), Fault.gzip());
        source.faults().once(Requests.blob(largest()), Fault.resetAfter(250_000));

        export("out.tar");

        assertThat(copies()).isEmpty();
        assertThat(Files.mismatch(folder.resolve("plain.tar"), folder.resolve("out.tar")))
                .isEqualTo(-1);
    }

    @Test
    void whatIsNotTheBlobIsInNoBundle() throws Exception {
        source.faults().always(Requests.blob(largest()), Fault.corruptAt(399_999));

        Result result = commands.run("export", IMAGE, "--output", "out.tar", "--unsigned");

        assertThat(result).returns(1, Result::code);
        assertThat(result.err()).contains(largest().toString());
        assertThat(folder.resolve("out.tar")).doesNotExist();
        assertThat(copies()).isEmpty();
    }
}
