package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.testing.Abilities;
import dev.entrepot.oci.testing.Content;
import dev.entrepot.oci.testing.Corpus;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.proxy.CommandRunner.Result;
import dev.entrepot.proxy.bundle.BundleRepositories;
import dev.entrepot.proxy.http.ServedRepository;
import dev.entrepot.replicator.bundle.Bundle;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/**
 * The commands that read bundles, on bundles that {@code entrepot export} wrote of the corpus. Long, because all read
 * the same bundles.
 */
class BundleCommandsTest {
    private static final String REPOSITORY = "mcr/net-monitor";

    @TempDir
    private Path folder;

    private final TestRegistry source = TestRegistry.started();
    private final TestRegistry target = TestRegistry.started();
    private final Corpus corpus = Corpus.netMonitor();
    private CommandRunner commands;

    @BeforeEach
    void export() throws Exception {
        commands = new CommandRunner(folder);
        Files.writeString(folder.resolve("entrepot.yaml"), """
                server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0", access-log: text}
                cache: {directory: ./data, min-free: 1MiB}
                upstreams:
                  registry.test: {url: "%s"}
                """.formatted(source.uri()));
        writeKeys("ours");
        writeKeys("theirs");
        corpus.loadInto(source, REPOSITORY, tag -> !Corpus.isFallbackTag(tag));
        done(
                "export",
                "registry.test/" + REPOSITORY + ":v1",
                "--output",
                "out/b.tar",
                "--key",
                "ours.pem",
                "--volume-size",
                "8MB");
    }

    @AfterEach
    void close() {
        source.close();
        target.close();
    }

    private void writeKeys(String name) throws Exception {
        KeyPair pair = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
        Files.writeString(
                folder.resolve(name + ".pem"),
                pem("PRIVATE KEY", pair.getPrivate().getEncoded()));
        Files.writeString(
                folder.resolve(name + ".pub"),
                pem("PUBLIC KEY", pair.getPublic().getEncoded()));
    }

    private static String pem(String label, byte[] bytes) {
        return "-----BEGIN " + label + "-----\n" + Base64.getMimeEncoder().encodeToString(bytes) + "\n-----END " + label
                + "-----\n";
    }

    private Result done(String... arguments) {
        return ends(0, arguments);
    }

    private Result ends(int code, String... arguments) {
        Result result = commands.run(arguments);
        assertThat(result.code()).as(result.err() + result.out()).isEqualTo(code);
        return result;
    }

    private List<Path> volumes() throws IOException {
        try (Stream<Path> list = Files.list(folder.resolve("out"))) {
            return list.sorted().toList();
        }
    }

    @Test
    void eachVolumeDeletedCutOrFlippedIsNamedAndWrittenAgainAlone() throws Exception {
        List<Path> volumes = volumes();
        assertThat(volumes).hasSize(3);
        SplittableRandom random = new SplittableRandom(3);
        for (int i = 0; i < volumes.size(); i++) {
            Path volume = volumes.get(i);
            byte[] bytes = Files.readAllBytes(volume);
            String remedy = "--volumes " + (i + 1);

            Files.delete(volume);
            assertThat(ends(3, "verify", "out", "--trust", "ours.pub").out())
                    .contains("volume " + (i + 1) + " is missing", remedy);
            reissue(volumes, i);
            assertThat(Files.readAllBytes(volume)).isEqualTo(bytes);

            Files.write(volume, Arrays.copyOf(bytes, bytes.length - 700));
            assertThat(ends(1, "verify", "out", "--trust", "ours.pub").err())
                    .contains("volume " + (i + 1), "is truncated", remedy);
            Files.delete(volume);
            reissue(volumes, i);
            assertThat(Files.readAllBytes(volume)).isEqualTo(bytes);

            byte[] flipped = bytes.clone();
            flipped[random.nextInt(bytes.length)] ^= 4;
            Files.write(volume, flipped);
            assertThat(ends(
                                    1,
                                    "import",
                                    "out",
                                    "--trust",
                                    "ours.pub",
                                    "--to",
                                    target.uri().toString())
                            .err())
                    .contains("volume " + (i + 1), remedy);
            Files.delete(volume);
            reissue(volumes, i);
            assertThat(Files.readAllBytes(volume)).isEqualTo(bytes);
        }
        assertThat(target.manifests(REPOSITORY)).isEmpty();
        done("verify", "out", "--trust", "ours.pub");
    }

    @Test
    void programsAreToldWhatIsWrongWithABundle() throws Exception {
        JsonNode right = OciJson.mapper()
                .readTree(done("verify", "out", "--trust", "ours.pub", "--json").out());
        assertThat(right.path("outcome").asString()).isEqualTo("complete");
        assertThat(right.path("problems").isEmpty()).isTrue();
        List<Path> volumes = volumes();
        byte[] first = Files.readAllBytes(volumes.getFirst());
        Files.write(volumes.getFirst(), Arrays.copyOf(first, first.length - 700));
        byte[] third = Files.readAllBytes(volumes.getLast());
        third[third.length - 9_000] ^= 1;
        Files.write(volumes.getLast(), third);

        Result verified = ends(1, "verify", "out", "--trust", "ours.pub", "--json");
        Result imported = ends(
                1, "import", "out", "--trust", "ours.pub", "--to", target.uri().toString(), "--json");

        for (Result result : List.of(verified, imported)) {
            JsonNode report = OciJson.mapper().readTree(result.out());
            assertThat(report.path("outcome").asString()).isEqualTo("failed");
            assertThat(report.path("bundle").asString())
                    .isEqualTo(right.path("bundle").asString());
            assertThat(report.path("problems").valueStream())
                    .extracting(problem -> problem.path("volume").asInt())
                    .containsExactly(1, 3);
            assertThat(report.path("problems").path(0).path("kind").asString()).isEqualTo("truncated");
            assertThat(report.path("problems").path(1).path("ask").asString()).contains("--volumes 3");
            assertThat(result.err()).contains("volume 1", "volume 3");
        }
        assertThat(target.blobs(REPOSITORY)).isEmpty();
    }

    @Test
    void anOldBundleIsImportedWhereThatIsMeant() {
        String tag = "registry.test/" + REPOSITORY + ":moving";
        Images images = new Images(7);
        Digest old = source.push(REPOSITORY, images.image(900), "moving").digest();
        done("export", tag, "--output", "old.tar", "--key", "ours.pem");
        Digest young = source.push(REPOSITORY, images.image(800), "moving").digest();
        done("export", tag, "--output", "young.tar", "--key", "ours.pem", "--from", "upstream");
        String to = target.uri().toString();
        done("import", "old.tar", "--trust", "ours.pub", "--to", to);
        done("import", "young.tar", "--trust", "ours.pub", "--to", to, "--verify", "deep");

        Result refused = ends(1, "import", "old.tar", "--trust", "ours.pub", "--to", to);

        assertThat(refused.err()).contains(REPOSITORY + ":moving", "back to what an earlier import brought", "--again");
        assertThat(target.resolve(REPOSITORY, "moving")).contains(young);
        done("import", "old.tar", "--trust", "ours.pub", "--to", to, "--again");
        assertThat(target.resolve(REPOSITORY, "moving")).contains(old);
        assertThat(ends(2, "import", "old.tar", "--trust", "ours.pub", "--to", to, "--verify", "never")
                        .err())
                .contains("expected head or deep");
    }

    @Test
    void aCosignTagIsServedOnlyIfAllOfItIsAtHand() throws Exception {
        Images images = new Images(8);
        Digest image = source.push("team/app", images.image(900), "v1").digest();
        String tag = Images.cosignTag(image, "sig");
        Digest signature = source.push("team/app", images.image(60_000), tag).digest();
        done("export", "registry.test/team/app:v1", "--output", "some/s.tar", "--unsigned", "--volume-size", "30KB");
        List<Path> all;
        try (Stream<Path> list = Files.list(folder.resolve("some"))) {
            all = list.sorted().toList();
        }
        assertThat(all).hasSizeGreaterThan(2);

        Result result = commands.run(
                mirror -> {
                    try (HttpClient client = HttpClient.newHttpClient()) {
                        String manifests = "http://127.0.0.1:" + mirror.port() + "/v2/team/app/manifests/";
                        assertThat(get(client, manifests + signature).statusCode())
                                .isEqualTo(200);
                        HttpResponse<byte[]> tagged = get(client, manifests + tag);
                        assertThat(tagged.statusCode()).isEqualTo(404);
                        assertThat(new String(tagged.body(), StandardCharsets.UTF_8))
                                .contains("is not whole");
                    } catch (IOException e) {
                        throw new AssertionError(e);
                    }
                },
                "serve",
                "--bundle",
                all.getLast().toString(),
                "--unsigned");
        assertThat(result.code()).as(result.err()).isZero();
    }

    @Test
    void whatRefersToAnImageIsListedAlsoWhereItIsInAnotherVolume() throws Exception {
        dev.entrepot.oci.testing.Bundle image = source.push("team/app", new Images(9).image(900), "v1");
        Digest layer = source.pushBlob("team/app", new byte[60_000]);
        Digest config = source.pushBlob("team/app", "{}".getBytes(StandardCharsets.UTF_8));
        Digest sbom = source.pushManifest("team/app", MediaType.OCI_MANIFEST.value(), """
                {"schemaVersion":2,"mediaType":"%s","artifactType":"application/vnd.test.sbom",
                "config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"%s","size":2},
                "layers":[{"mediaType":"application/vnd.test.sbom","digest":"%s","size":60000}],
                "subject":{"mediaType":"%s","digest":"%s","size":%d}}
                """.formatted(
                        MediaType.OCI_MANIFEST,
                        config,
                        layer,
                        image.descriptor().mediaType(),
                        image.digest(),
                        image.descriptor().sizeBytes())
                .getBytes(StandardCharsets.UTF_8));
        done("export", "registry.test/team/app:v1", "--output", "some/s.tar", "--unsigned", "--volume-size", "30KB");

        Result result = commands.run(
                mirror -> {
                    try (HttpClient client = HttpClient.newHttpClient()) {
                        String v2 = "http://127.0.0.1:" + mirror.port() + "/v2/team/app/";
                        assertThat(get(client, v2 + "manifests/" + image.digest())
                                        .statusCode())
                                .isEqualTo(200);
                        for (String list : List.of(
                                "referrers/" + image.digest(),
                                "manifests/" + image.digest().referrersTag())) {
                            assertThat(json(get(client, v2 + list))
                                            .path("manifests")
                                            .path(0)
                                            .path("digest")
                                            .asString(""))
                                    .as(list)
                                    .isEqualTo(sbom.toString());
                        }
                        HttpResponse<byte[]> elsewhere = get(client, v2 + "manifests/" + sbom);
                        assertThat(elsewhere.statusCode()).isEqualTo(404);
                        assertThat(new String(elsewhere.body(), StandardCharsets.UTF_8))
                                .contains("the volumes that are served have no manifest " + sbom);
                    } catch (IOException e) {
                        throw new AssertionError(e);
                    }
                },
                "serve",
                "--bundle",
                "some/s.001.tar",
                "--unsigned");
        assertThat(result.code()).as(result.err()).isZero();
    }

    private void reissue(List<Path> volumes, int lost) {
        Path another = volumes.get(lost == 0 ? 1 : 0);
        done("export", "--reissue", another.toString(), "--volumes", Integer.toString(lost + 1), "--output", "out");
    }

    @Test
    void theCorpusArrivesAtRegistriesWithAndWithoutTheReferrersApi() throws Exception {
        try (TestRegistry old = TestRegistry.started(Abilities.WITHOUT_REFERRERS)) {
            for (TestRegistry registry : List.of(target, old)) {
                Result result = done(
                        "import",
                        "out",
                        "--trust",
                        "ours.pub",
                        "--to",
                        registry.uri() + "/inside",
                        "--receipt",
                        "r.json",
                        "--receipt-key",
                        "theirs.pem",
                        "--json");
                JsonNode report = OciJson.mapper().readTree(result.out());
                assertThat(report.path("outcome").asString()).isEqualTo("complete");
                assertThat(report.path("waiting").isEmpty()).isTrue();
                Replicas.of(corpus)
                        .manifestDigests()
                        .forEach(digest -> assertThat(registry.manifests("inside/" + REPOSITORY))
                                .contains(digest));
                assertThat(registry.resolve("inside/" + REPOSITORY, "v1")).contains(corpus.digest("v1"));
            }
            assertThat(old.resolve(
                            "inside/" + REPOSITORY,
                            corpus.digest("v1").referrersTag().value()))
                    .isPresent();
        }
        done(
                "export",
                "registry.test/" + REPOSITORY + ":v1",
                "--output",
                "again.tar",
                "--key",
                "ours.pem",
                "--since",
                "r.json",
                "--trust",
                "theirs.pub");
        assertThat(ends(0, "ls", "again.tar", "--trust", "ours.pub").out()).contains("of which the target has");
        assertThat(Files.size(folder.resolve("again.tar"))).isLessThan(40_000);
    }

    @Test
    void aBundleIsListedAndDrawn() {
        String listed = done("ls", "out", "--trust", "ours.pub").out();
        assertThat(listed).contains(REPOSITORY + ":v1  " + corpus.digest("v1"), "volumes 1,2,3", "signed by a key of");
        JsonNode json = OciJson.mapper()
                .readTree(done("ls", "out", "--unsigned", "--json").out());
        assertThat(json.path("images").size()).isEqualTo(1);
        assertThat(json.path("given").size()).isEqualTo(json.path("volumes").asInt());

        String own =
                done("tree", "out", REPOSITORY + ":v1", "--trust", "ours.pub").out();
        String there = done("tree", "registry.test/" + REPOSITORY + ":v1").out();
        assertThat(own.lines().sorted().toList())
                .isEqualTo(there.lines().sorted().toList());
        assertThat(ends(2, "tree", "out", "nothing:v1", "--unsigned").err()).contains("entrepot ls");
    }

    @Test
    void whatIsNotMeantIsRefused() {
        assertThat(ends(2, "verify", "out").err()).contains("--trust KEY");
        assertThat(ends(2, "verify", "out", "--trust", "ours.pub", "--unsigned").err())
                .contains("contradict");
        assertThat(ends(1, "verify", "out", "--trust", "theirs.pub").err()).contains("is not signed by a key of");
        assertThat(ends(2, "import", "out", "--trust", "ours.pub", "--to", "nowhere.test")
                        .err())
                .contains("no registry is called nowhere.test");
        assertThat(ends(2, "import", "out", "--trust", "ours.pub", "--to", "layout:x", "--receipt", "r.json")
                        .err())
                .contains("--receipt-key");
        String[] overKey = {
            "import",
            "out",
            "--trust",
            "ours.pub",
            "--to",
            "layout:x",
            "--receipt",
            "./theirs.pem",
            "--receipt-key",
            "theirs.pem"
        };
        assertThat(ends(2, overKey).err()).contains("the same file");
        assertThat(ends(2, "import", "out", "--trust", "ours.pub", "--to", "layout:x", "--map", "a")
                        .err())
                .contains("--map a");
        done("import", "out", "--trust", "ours.pub", "--to", "layout:inside", "--data", "elsewhere");
        assertThat(folder.resolve("inside/index.json")).exists();
        assertThat(folder.resolve("elsewhere/imports/replication.db")).exists();
    }

    @Test
    void theBundleIsServedAsTheRegistryItCameFrom() throws Exception {
        Result result = commands.run(
                mirror -> {
                    try (HttpClient client = HttpClient.newHttpClient()) {
                        pullEverything(client, "http://127.0.0.1:" + mirror.port());
                        String metrics = "http://127.0.0.1:" + mirror.adminPort() + "/metrics";
                        assertThat(new String(get(client, metrics).body(), StandardCharsets.UTF_8))
                                .contains("entrepot_access_log_dropped_total 0");
                    } catch (IOException e) {
                        throw new AssertionError(e);
                    }
                },
                "serve",
                "--bundle",
                "out",
                "--trust",
                "ours.pub");
        assertThat(result.code()).as(result.err()).isZero();
    }

    private void pullEverything(HttpClient client, String server) throws IOException, InterruptedException {
        String v2 = server + "/v2/" + REPOSITORY;
        HttpResponse<byte[]> index = get(client, v2 + "/manifests/v1");
        assertThat(Digest.sha256(index.body())).isEqualTo(corpus.digest("v1"));
        assertThat(get(client, server + "/v2/registry.test/" + REPOSITORY + "/manifests/v1")
                        .body())
                .isEqualTo(index.body());
        assertThat(get(client, v2 + "/manifests/v1?ns=other.test").statusCode()).isEqualTo(404);
        for (Map.Entry<Digest, Content> blob : corpus.blobs().entrySet()) {
            HttpResponse<byte[]> answer = get(client, v2 + "/blobs/" + blob.getKey());
            assertThat(answer.statusCode()).isEqualTo(200);
            assertThat(answer.body()).isEqualTo(blob.getValue().bytes());
            assertThat(answer.headers().firstValue("X-Entrepot-Cache")).contains("hit");
            if (answer.body().length > 10) {
                HttpResponse<byte[]> range = get(client, v2 + "/blobs/" + blob.getKey(), "Range", "bytes=3-9");
                assertThat(range.statusCode()).isEqualTo(206);
                assertThat(range.body()).isEqualTo(Arrays.copyOfRange(answer.body(), 3, 10));
            }
        }
        Digest root = corpus.digest("v1");
        JsonNode referrers = json(get(client, v2 + "/referrers/" + root));
        assertThat(referrers.path("manifests").size()).isPositive();
        String type = referrers.path("manifests").get(0).path("artifactType").asString();
        HttpResponse<byte[]> filtered = get(client, v2 + "/referrers/" + root + "?artifactType=" + type);
        assertThat(filtered.headers().firstValue("OCI-Filters-Applied")).contains("artifactType");
        HttpResponse<byte[]> fallback = get(client, v2 + "/manifests/" + root.referrersTag());
        assertThat(json(fallback).path("manifests").size())
                .isEqualTo(referrers.path("manifests").size());
        assertThat(get(client, v2 + "/manifests/" + Digest.sha256(fallback.body()))
                        .body())
                .isEqualTo(fallback.body());
        assertThat(json(get(client, v2 + "/tags/list")).path("tags").toString()).contains("\"v1\"");
        assertThat(json(get(client, server + "/v2/_catalog"))
                        .path("repositories")
                        .toString())
                .contains(REPOSITORY);
        assertThat(get(client, server + "/v2/other/manifests/v1").statusCode()).isEqualTo(404);
    }

    private static JsonNode json(HttpResponse<byte[]> answer) {
        assertThat(answer.statusCode())
                .as(new String(answer.body(), StandardCharsets.UTF_8))
                .isEqualTo(200);
        return OciJson.mapper().readTree(answer.body());
    }

    private static HttpResponse<byte[]> get(HttpClient client, String uri, String... headers)
            throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(uri));
        if (headers.length > 0) {
            request.headers(headers);
        }
        return client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
    }

    @Test
    void aBlobThatIsDamagedWhileItIsServedIsNotServed() throws Exception {
        Digest large = corpus.blobs().entrySet().stream()
                .filter(blob -> blob.getValue().sizeBytes() > 100_000)
                .map(Map.Entry::getKey)
                .findFirst()
                .orElseThrow();
        for (Path volume : volumes()) {
            byte[] bytes = Files.readAllBytes(volume);
            String text = new String(bytes, StandardCharsets.ISO_8859_1);
            int header = text.indexOf("blobs/sha256/" + large.encoded());
            if (header >= 0) {
                bytes[header + 512 + 77] ^= 1;
                Files.write(volume, bytes);
            }
        }
        commands.run(
                mirror -> {
                    try (HttpClient client = HttpClient.newHttpClient()) {
                        String blob = "http://127.0.0.1:" + mirror.port() + "/v2/" + REPOSITORY + "/blobs/" + large;
                        HttpResponse<byte[]> answer = get(client, blob);
                        assertThat(answer.statusCode()).isEqualTo(502);
                        assertThat(new String(answer.body(), StandardCharsets.UTF_8))
                                .contains("the volumes do not have what")
                                .doesNotContain(folder.toString());
                    } catch (IOException e) {
                        throw new AssertionError(e);
                    }
                },
                "serve",
                "--bundle",
                "out",
                "--trust",
                "ours.pub");
        assertThat(ends(1, "verify", "out", "--trust", "ours.pub").err()).contains(large.encoded(), "is altered");
    }

    @Test
    @Timeout(30)
    void whoAsksForABlobOfABundleThatIsNoLongerServedIsToldSoEachTime() throws Exception {
        Bundle bundle = Bundle.open(List.of(folder.resolve("out")), List.of());
        BundleRepositories repositories = new BundleRepositories(bundle);
        repositories.close();
        ServedRepository repository = repositories.open(Repository.parse("registry.test/" + REPOSITORY));
        int ended = 0;
        for (Digest digest : bundle.inventory().blobs().keySet()) {
            for (int time = 0; time < 2; time++) {
                try {
                    repository.openBlob(digest);
                } catch (IOException e) {
                    assertThat(e).hasMessageContaining(digest.toString());
                }
                ended++;
            }
        }
        assertThat(ended).isPositive();
    }
}
