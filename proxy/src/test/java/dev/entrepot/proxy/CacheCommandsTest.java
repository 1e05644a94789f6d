package dev.entrepot.proxy;

import static dev.entrepot.proxy.MirrorFixture.APP;
import static dev.entrepot.proxy.MirrorFixture.header;
import static dev.entrepot.proxy.MirrorFixture.verdict;
import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.TestRegistry;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** {@code entrepot cache ...}, with a server that has the folder open, and without one. */
class CacheCommandsTest {
    private static final int SIZE = 200_000;
    private static final String REFERENCE = "registry.test/" + APP + ":1";

    @TempDir
    Path folder;

    private final TestRegistry registry = TestRegistry.started();
    private final Images images = new Images(4);
    private final Bundle image = registry.push(APP, images.image(SIZE), "1");
    private final Digest blob = List.copyOf(image.blobs().keySet()).getLast();
    private MirrorFixture mirror;

    @BeforeEach
    void pull() throws Exception {
        mirror = MirrorFixture.of(folder, registry.uri());
        pullAll();
    }

    private void pullAll() throws Exception {
        assertThat(mirror.get("/v2/" + APP + "/manifests/1").statusCode()).isEqualTo(200);
        for (Digest digest : image.blobs().keySet()) {
            assertThat(mirror.get("/v2/" + APP + "/blobs/" + digest).statusCode())
                    .isEqualTo(200);
        }
        mirror.awaitFills();
    }

    @AfterEach
    void close() {
        mirror.close();
        registry.close();
    }

    private JsonNode json(String... arguments) {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.addFirst("cache");
        all.add("--json");
        CommandRunner.Result result = new CommandRunner(folder).run(all.toArray(String[]::new));
        assertThat(result.code()).as(result.err()).isZero();
        return OciJson.mapper().readTree(result.out());
    }

    private CommandRunner.Result run(String... arguments) {
        return new CommandRunner(folder).run(arguments);
    }

    private void asksAndChangesEverything() throws Exception {
        JsonNode stats = json("stats");
        long stored = stats.path("storedBytes").asLong();
        // On a machine that is slow enough there is the ballast by now.
        assertThat(stored)
                .isGreaterThan(SIZE)
                .isEqualTo(stats.path("usedBytes").asLong()
                        - stats.path("ballastBytes").asLong());
        JsonNode repositories = json("ls").path("repositories");
        assertThat(repositories.path(0).path("repository").asString("")).isEqualTo("registry.test/" + APP);
        assertThat(repositories.path(0).path("bytes").asLong()).isEqualTo(stored);
        JsonNode contents = json("ls", "--repository", "registry.test/" + APP);
        assertThat(contents.path("tags").path(0).path("tag").asString("")).isEqualTo("1");
        assertThat(contents.path("contents").size())
                .isEqualTo(repositories.path(0).path("blobs").asInt() + 1);

        JsonNode pin = json("pin", REFERENCE, "--platform", "linux/amd64", "--no-referrers");
        assertThat(pin.path("complete").asBoolean()).as(pin.toString()).isTrue();
        assertThat(json("pin").path("pins").path(0).path("reference").asString(""))
                .isEqualTo(REFERENCE);
        CommandRunner.Result pinned = run("cache", "evict", REFERENCE, "--json");
        assertThat(pinned.code()).isEqualTo(ExitCodes.FAILURE);
        assertThat(OciJson.mapper().readTree(pinned.out()).path("evicted").asLong(-1))
                .isZero();
        assertThat(json("stats").path("pinnedBytes").asLong()).isEqualTo(stored);
        assertThat(run("cache", "unpin", REFERENCE).code()).isZero();
        CommandRunner.Result again = run("cache", "unpin", REFERENCE);
        assertThat(again.code()).isEqualTo(ExitCodes.USAGE);
        assertThat(again.err()).contains("is not pinned");

        assertThat(json("evict", blob.toString()).path("evicted").asLong()).isEqualTo(1);
        assertThat(json("evict", blob.toString()).path("evicted").asLong(-1)).isZero();
        assertThat(json("evict", REFERENCE).path("evicted").asLong()).isPositive();
        assertThat(json("stats").path("storedBytes").asLong(-1)).isZero();
        assertThat(json("rebuild").path("storedCount").asLong(-1)).isZero();
    }

    @Test
    void serverThatHasTheFolderOpenIsAsked() throws Exception {
        assertThat(run("cache", "stats").err()).contains("asking the server at");
        asksAndChangesEverything();
        pullAll();
        assertThat(json("stats").path("storedBytes").asLong()).isGreaterThan(SIZE);
    }

    @Test
    void folderIsOpenedWhereNoServerHasIt() throws Exception {
        mirror.stop();
        assertThat(run("cache", "stats").err()).doesNotContain("asking");
        asksAndChangesEverything();
    }

    @Test
    void indexMadeAnewServesWithoutTheUpstreamWhatTheOldOneServed() throws Exception {
        json("pin", REFERENCE);
        mirror.stop();
        JsonNode rebuilt = json("rebuild");
        assertThat(rebuilt.path("storedBytes").asLong()).isGreaterThan(SIZE);
        JsonNode pin = json("pin").path("pins").path(0);
        assertThat(pin.path("complete").asBoolean()).isTrue();
        assertThat(pin.path("root").asString("")).isNotEmpty();
        registry.close();
        mirror.start();
        pullAll();
    }

    @Test
    void lostIndexIsMadeAnewWithItsPinsAndTagsAreAskedOfTheUpstreamAgain() throws Exception {
        json("pin", REFERENCE);
        mirror.stop();
        for (String file : List.of("index.db", "index.db-wal", "index.db-shm")) {
            Files.deleteIfExists(folder.resolve("data").resolve(file));
        }
        JsonNode rebuilt = json("rebuild");
        assertThat(rebuilt.path("storedBytes").asLong()).isGreaterThan(SIZE);
        assertThat(json("pin").path("pins").size()).isEqualTo(1);
        mirror.start();
        pullAll();
        assertThat(json("pin", REFERENCE).path("complete").asBoolean()).isTrue();
    }

    @Test
    void scrubFindsWhatHasGoneBadAndItIsFetchedAnew() throws Exception {
        Path file = spoiledBlob();
        byte[] bytes = Files.readAllBytes(file);
        assertThat(run("cache", "scrub").out())
                .contains("in the background", "cache stats")
                .doesNotContain("checked");
        MirrorFixture.await(() -> json("stats").path("scrub").path("bad").asLong() == 1);
        assertThat(mirror.metric("entrepot_scrub_bad_total")).isEqualTo(1);
        assertThat(mirror.metric("entrepot_quarantined_total")).isEqualTo(1);
        // Without a client.
        MirrorFixture.await(() -> Files.exists(file));
        assertThat(Digest.sha256(Files.readAllBytes(file))).isEqualTo(blob);
        MirrorFixture.await(() ->
                Boolean.FALSE.equals(json("stats").path("scrub").path("running").asBoolean()));
        registry.close();
        assertThat(mirror.get("/v2/" + APP + "/blobs/" + blob).body()).hasSameSizeAs(bytes);
    }

    private Path spoiledBlob() throws Exception {
        Path file = folder.resolve("data/blobs/sha256/" + blob.encoded().substring(0, 2) + "/" + blob.encoded());
        byte[] bytes = Files.readAllBytes(file);
        bytes[100] ^= 1;
        Files.write(file, bytes);
        return file;
    }

    @Test
    void whatIsFoundBadWithoutAServerIsFetchedAnewByTheNextOne() throws Exception {
        mirror.stop();
        Path file = spoiledBlob();
        assertThat(run("cache", "scrub").out())
                .contains("1 bad")
                .contains("1 found bad and not stored again yet: a server fetches them anew");
        assertThat(file).doesNotExist();
        mirror.start();
        MirrorFixture.await(() -> Files.exists(file));
        assertThat(Digest.sha256(Files.readAllBytes(file))).isEqualTo(blob);
        MirrorFixture.await(() -> json("stats").path("scrub").path("awaited").asLong(-1) == 0);
    }

    @Test
    void whatIsFoundBadAfterTheIndexWasMadeAnewIsFetchedAnewOnceSomebodyHasPulledTheImage() throws Exception {
        mirror.stop();
        for (String file : List.of("index.db", "index.db-wal", "index.db-shm")) {
            Files.deleteIfExists(folder.resolve("data").resolve(file));
        }
        mirror.start();
        pullAll();
        Path file = spoiledBlob();
        json("scrub");
        MirrorFixture.await(() -> json("stats").path("scrub").path("bad").asLong() == 1);
        MirrorFixture.await(() -> Files.exists(file));
        assertThat(Digest.sha256(Files.readAllBytes(file))).isEqualTo(blob);
    }

    @Test
    void manifestThatHasGoneBadIsBroughtBackToo() throws Exception {
        String digest = image.digest().encoded();
        Path file = folder.resolve("data/manifests/sha256/" + digest.substring(0, 2) + "/" + digest);
        Files.write(file, new byte[] {1});
        json("scrub");
        MirrorFixture.await(() -> json("stats").path("scrub").path("bad").asLong() == 1);
        MirrorFixture.await(() -> Files.exists(file));
        assertThat(Digest.sha256(Files.readAllBytes(file))).isEqualTo(image.digest());
    }

    @Test
    void whatMakesNoSenseIsRefusedWithTheRemedy() {
        assertThat(run("cache", "pin", "other.test/a:1").err()).contains("there is no upstream other.test");
        assertThat(run("cache", "evict", "registry.test/none").err())
                .contains(
                        "nothing is known of registry.test/none:latest, which is meant where no tag or digest is written;");
        assertThat(run("cache", "evict", "registry.test/none:1").err())
                .contains("nothing is known of registry.test/none:1; \"entrepot cache ls\"");
        assertThat(run("cache", "evict", "other.test/none:1").err())
                .contains("nothing is known of other.test/none:1, and there is no upstream other.test; there are [")
                .contains("]: a name begins with its registry");
        assertThat(run("cache", "ls", "--repository", "UPPER").code()).isEqualTo(ExitCodes.USAGE);
        assertThat(run("cache", "pin", "registry.test/a:1", "--platform", "x").code())
                .isEqualTo(ExitCodes.USAGE);
    }

    @Test
    void answersForPeopleNameTheFigures() {
        assertThat(run("cache", "stats").out())
                .contains("used ")
                .contains("of 50.0 GiB")
                .contains("scrub ");
        assertThat(run("cache", "ls").out()).contains("1 tags").contains("registry.test/" + APP);
        assertThat(run("cache", "ls", "--repository", "registry.test/unseen").out())
                .isEqualTo("nothing of registry.test/unseen is stored; \"entrepot cache ls\" shows what is\n");
        assertThat(run("cache", "pin").out()).isEqualTo("no pins\n");
        assertThat(run("cache", "pin", "--platform", "linux/amd64"))
                .returns(ExitCodes.USAGE, CommandRunner.Result::code)
                .satisfies(result -> assertThat(result.err()).contains("--platform", "name what"));
        assertThat(run("cache", "ls", "--repository", "registry.test/" + APP).out())
                .contains("tag 1 ")
                .contains(blob.toString());
        assertThat(run("cache", "pin", REFERENCE).out()).contains(REFERENCE + ": complete");
        assertThat(run("cache", "pin", "registry.test/unseen:1").out())
                .contains("a server fetches it in the background");
        assertThat(run("cache", "evict", blob.toString()))
                .returns(ExitCodes.FAILURE, CommandRunner.Result::code)
                .satisfies(result -> assertThat(result.out())
                        .contains("0 evicted, 0 B; 1 pinned")
                        .contains("\"entrepot cache pin\" shows"));
        assertThat(run("cache", "rebuild").out()).contains("stored");
    }

    @Test
    void evictionOfAnImageOfWhichAPartIsPinnedIsPartlyDone() throws Exception {
        Bundle index = registry.push("team/index", images.index("linux/amd64", "linux/arm64"), "1");
        assertThat(mirror.get("/v2/team/index/manifests/1").statusCode()).isEqualTo(200);
        for (Digest manifest : index.manifestDigests()) {
            assertThat(mirror.get("/v2/team/index/manifests/" + manifest).statusCode())
                    .isEqualTo(200);
        }
        run("cache", "pin", "registry.test/team/index:1", "--platform", "linux/amd64");
        // Nothing is in use any more.
        mirror.stop();
        CommandRunner.Result first = run("cache", "evict", "registry.test/team/index:1");
        assertThat(first.code()).as(first.out()).isEqualTo(ExitCodes.PARTLY);
        assertThat(first.out()).startsWith("1 evicted, ");
        assertThat(run("cache", "evict", "registry.test/team/index:1").code()).isEqualTo(ExitCodes.FAILURE);
    }

    @Test
    void evictionMakesNothingOlderOrNewToAMinimumAge() throws Exception {
        Bundle first = registry.push("team/aged", images.image(10), "1");
        String tag = "/v2/team/aged/manifests/1";
        Path aged = Files.createDirectory(folder.resolve("aged"));
        String configuration = """
                default-upstream: registry.test
                upstreams:
                  registry.test: {url: "%s"}
                rules: [{check-deadline: 0s, min-age: 2h}]
                """.formatted(registry.uri());
        try (MirrorFixture other = MirrorFixture.started(aged, configuration)) {
            CommandRunner commands = new CommandRunner(aged);
            String[] evict = {"cache", "evict", "registry.test/team/aged:1"};
            assertThat(other.get(tag).statusCode()).isEqualTo(403);
            assertThat(commands.run(evict).code()).isZero();
            other.advance(Duration.ofHours(1));
            assertThat(header(other.get(tag), "Retry-After")).isEqualTo("3600");
            other.advance(Duration.ofHours(1));
            assertThat(other.get(tag).statusCode()).isEqualTo(200);
            other.advance(Duration.ofMinutes(2));
            assertThat(commands.run(evict).out()).startsWith("1 evicted, ");
            assertThat(other.get(tag).statusCode()).isEqualTo(200);

            registry.push("team/aged", images.image(11), "1");
            for (int i = 0; i < 2; i++) {
                other.advance(Duration.ofMinutes(2));
                HttpResponse<byte[]> cooled = other.get(tag);
                assertThat(verdict(cooled)).isEqualTo("cooled");
                assertThat(header(cooled, "Docker-Content-Digest"))
                        .isEqualTo(first.digest().toString());
                assertThat(commands.run(evict).code()).isZero();
            }
        }
    }

    @Test
    void pinByHandIsOfThePlatformsOfTheSiteUnlessOthersAreNamed() throws Exception {
        mirror.stop();
        Path file = folder.resolve("entrepot.yaml");
        Files.writeString(
                file, Files.readString(file).replace("min-free: 1MiB", "min-free: 1MiB, platforms: [linux/arm64]"));
        for (String platforms : List.of("[\"linux/arm64\"]", "[\"linux/s390x\"]", "[]")) {
            JsonNode pin = switch (platforms) {
                case "[]" -> json("pin", REFERENCE, "--all-platforms");
                case "[\"linux/arm64\"]" -> json("pin", REFERENCE);
                default -> json("pin", REFERENCE, "--platform", "linux/s390x");
            };
            assertThat(pin.path("platforms")).hasToString(platforms);
            assertThat(json("pin").path("pins").path(0).path("platforms")).hasToString(platforms);
        }
        assertThat(run("cache", "pin", REFERENCE, "--all-platforms", "--platform", "linux/amd64")
                        .err())
                .contains("leave one of both out");
    }

    @Test
    void pinByHandOfWhatIsNotKeptIsCompletedByTheServer() throws Exception {
        Bundle unseen = registry.push("team/unseen", images.image(1000), "1");
        mirror.stop();
        json("pin", "registry.test/team/unseen:1");
        mirror.start();
        MirrorFixture.await(() -> mirror.metric("entrepot_pin_checks_total{outcome=\"complete\"}") == 1);
        registry.close();
        assertThat(json("pin").path("pins").path(0).path("complete").asBoolean())
                .isTrue();
        for (Digest digest : unseen.blobs().keySet()) {
            assertThat(MirrorFixture.verdict(mirror.get("/v2/team/unseen/blobs/" + digest)))
                    .isEqualTo("hit");
        }
    }

    @Test
    void manifestThatIsEvictedByHandIsAskedOfTheUpstreamAgain() throws Exception {
        String manifest = "/v2/" + APP + "/manifests/" + image.digest();
        assertThat(json("evict", image.digest().toString()).path("evicted").asLong())
                .isEqualTo(1);
        assertThat(MirrorFixture.verdict(mirror.get(manifest))).isEqualTo("miss");
    }

    @Test
    void metricsTellOfClassesAndReasons() throws Exception {
        json("evict", blob.toString());
        assertThat(mirror.metric("entrepot_evictions_by_reason_total{reason=\"asked\"}"))
                .isEqualTo(1);
        assertThat(mirror.metric("entrepot_store_class_bytes{class=\"small\"}")).isPositive();
        assertThat(mirror.metric("entrepot_pins")).isZero();
    }
}
