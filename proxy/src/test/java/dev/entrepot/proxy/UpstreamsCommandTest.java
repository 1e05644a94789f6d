package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.ConfigLoader;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.testing.Abilities;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Feature;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.proxy.CommandRunner.Result;
import java.io.OutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** {@code entrepot upstreams}, the admin API behind it, and the metrics that say the same. */
class UpstreamsCommandTest {
    private static final String MANIFEST = "/v2/hub.test/team/app/manifests/1";

    @TempDir
    private Path folder;

    private final TestRegistry hub = TestRegistry.started();
    private final TestRegistry other = TestRegistry.started();
    private final HttpClient client = HttpClient.newHttpClient();
    private CommandRunner commands;

    @BeforeEach
    void start() throws Exception {
        byte[] index = "{\"schemaVersion\":2,\"manifests\":[]}".getBytes(StandardCharsets.UTF_8);
        hub.pushManifest("team/app", MediaType.OCI_INDEX.value(), index, "1");
        hub.quota(100);
        Files.writeString(folder.resolve("entrepot.yaml"), """
                server: {listen: 127.0.0.1:0, admin: 127.0.0.1:0, access-log: "off"}
                cache: {directory: ./data, min-free: 1MiB}
                builtin-upstreams: false
                default-upstream: hub.test
                upstreams:
                  hub.test: {url: "%s", quota-reserve: 40, credentials: {username: robot, password: a-secret}}
                  other.test: {url: "%s"}
                """.formatted(hub.uri(), other.uri()));
        commands = new CommandRunner(folder);
    }

    @AfterEach
    void stop() {
        client.close();
        hub.close();
        other.close();
    }

    private Mirror mirror() throws Exception {
        return Mirror.start(
                ConfigLoader.load(Optional.empty(), folder, Map.of()).config(),
                ClientEnvironment.system("test").withVariables(Map.of()),
                OutputStream.nullOutputStream());
    }

    private String get(int port, String path) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                .build();
        return client.send(request, HttpResponse.BodyHandlers.ofString()).body();
    }

    @Test
    void withoutAServerEachUpstreamIsAskedAndOneThatFailsIsExitCode3() {
        Result well = commands.run("upstreams");
        assertThat(well.code()).as(well.err()).isZero();
        assertThat(well.out()).contains("hub.test  " + hub.uri(), "answers", "other.test");
        other.stop();
        Result failed = commands.run("upstreams", "--json");
        assertThat(failed.code()).isEqualTo(3);
        JsonNode json = OciJson.mapper().readTree(failed.out());
        assertThat(json.path("well").asBoolean(true)).isFalse();
        assertThat(json.path("upstreams").path(0).path("reachable").asBoolean(false))
                .isTrue();
        assertThat(json.path("upstreams").path(1).path("problem").asString("")).contains("refused the connection");
        assertThat(well.out() + failed.out()).doesNotContain("a-secret");
    }

    @Test
    void runningServerSaysWhatItKnowsAndAsksOnlyOnDemand() throws Exception {
        try (Mirror mirror = mirror()) {
            get(mirror.port(), MANIFEST);
            Result known = commands.run("upstreams");
            assertThat(known.code()).isZero();
            assertThat(known.err()).contains("asking the server");
            assertThat(known.out())
                    .contains("99 of 100 left in 6 h, 40 reserved for clients, for robot")
                    .contains("not asked yet");
            assertThat(get(mirror.adminPort(), "/upstreams?check=true")).contains("POST to have each upstream asked");
            assertThat(other.calls().count(request -> true)).isZero();
            other.stop();
            Result checked = commands.run("upstreams", "--check", "--json");
            assertThat(checked.code()).isEqualTo(3);
            JsonNode json = OciJson.mapper().readTree(checked.out());
            assertThat(json.has("text")).isFalse();
            JsonNode quota = json.path("upstreams").path(0).path("quotas").path(0);
            assertThat(quota.path("remaining").asInt(0)).isEqualTo(99);
            assertThat(quota.path("windowSeconds").asInt(0)).isEqualTo(21600);
            assertThat(json.at("/upstreams/1/checked").asBoolean(false)).isTrue();
            assertThat(json.at("/upstreams/0/hedges/sent").asInt(-1)).isZero();
            assertThat(json.at("/upstreams/1/breakers/metadata/state").asString(""))
                    .isEqualTo("closed");
            assertThat(known.out() + checked.out()).doesNotContain("a-secret");
        }
    }

    @Test
    void whatRepositoriesHaveShownThatTheyCanDoIsShown() throws Exception {
        hub.able(Abilities.WITHOUT_REFERRERS);
        try (Mirror mirror = mirror()) {
            get(mirror.port(), MANIFEST);
            get(mirror.port(), MANIFEST.replace("manifests/1", "referrers/sha256:" + "0".repeat(64)));
            get(mirror.port(), MANIFEST.replace("manifests/1", "manifests/2"));
            Result known = commands.run("upstreams");
            assertThat(known.out())
                    .contains("referrers no")
                    .contains(", mounts not asked (only read from; entrepot upstreams --mounts asks)")
                    .containsPattern("referrers API +no");
            JsonNode json = OciJson.mapper()
                    .readTree(commands.run("upstreams", "--json").out());
            JsonNode referrers = json.at("/upstreams/0/capabilities/referrers");
            assertThat(referrers.path("there").asBoolean(true)).isFalse();
            assertThat(referrers.path("repositoriesWithout").asInt(0)).isEqualTo(1);
            assertThat(json.at("/upstreams/1/capabilities")).isEmpty();
            assertThat(json.at("/upstreams/0/capabilitiesNotKnown/mounts").asString(""))
                    .isEqualTo("not asked (only read from; entrepot upstreams --mounts asks)");
            assertThat(hub.calls().count(Requests.uploads())).isZero();
        }
    }

    @Test
    void checkFindsOutWhatAnUpstreamCanDoByWhatIsKeptOfIt() throws Exception {
        Bundle image = other.push("team/app", new Images(3).image(100), "1");
        try (Mirror mirror = mirror()) {
            get(mirror.port(), "/v2/other.test/team/app/manifests/1");
            other.calls().clear();
            Result checked = commands.run("upstreams", "--check", "--json");
            JsonNode json = OciJson.mapper().readTree(checked.out());
            for (String capability : List.of("referrers", "ranges", "head-manifests", "head-blobs", "conditional")) {
                assertThat(json.at("/upstreams/1/capabilities/" + capability + "/there")
                                .asBoolean(false))
                        .as(capability)
                        .isTrue();
            }
            assertThat(json.at("/upstreams/1/capabilities/head-blobs/repositoriesWith")
                            .asInt(0))
                    .isEqualTo(1);
            assertThat(json.at("/upstreams/0/capabilities")).isEmpty();
            assertThat(other.calls().all()).hasSizeLessThanOrEqualTo(6);
            assertThat(other.calls().bytesOut()).isLessThan(10_000);
            assertThat(image.blobs()).isNotEmpty();
            assertThat(commands.run("upstreams").out()).contains("head-blobs yes");
        }
    }

    @Test
    void serverAsksWhetherUpstreamsMountOnlyWhereTheOptionSaysSo() throws Exception {
        hub.push("team/app", new Images(2).image(100), "1");
        other.push("team/app", new Images(3).image(100), "1");
        hub.faults().always(Requests.uploads(), Fault.error(403, "DENIED"));
        try (Mirror mirror = mirror()) {
            get(mirror.port(), MANIFEST);
            get(mirror.port(), "/v2/other.test/team/app/manifests/1");
            assertThat(commands.run("upstreams", "--check").out()).contains("mounts not asked (only read from;");
            assertThat(hub.calls().count(Requests.uploads()) + other.calls().count(Requests.uploads()))
                    .isZero();

            Result asked = commands.run("upstreams", "--mounts", "--json");
            assertThat(asked.code()).as(asked.out()).isZero();
            JsonNode json = OciJson.mapper().readTree(asked.out());
            assertThat(json.at("/upstreams/0/mountsAsked/answer").asString("")).isEqualTo("not-allowed");
            assertThat(json.at("/upstreams/0/capabilitiesNotKnown/mounts").asString(""))
                    .isEqualTo("hub.test/team/app may not be pushed to by this account: answered 403 DENIED");
            assertThat(json.at("/upstreams/0/lastError").isMissingNode()).isTrue();
            assertThat(json.at("/upstreams/1/mountsAsked/answer").asString("")).isEqualTo("mounted");
            assertThat(json.at("/upstreams/1/capabilities/mounts/there").asBoolean(false))
                    .isTrue();
            assertThat(hub.calls().count(Requests.uploads())).isEqualTo(1);
            assertThat(other.calls().count(Requests.uploads())).isEqualTo(1);

            // Remembered, and not asked again.
            assertThat(commands.run("upstreams").out())
                    .contains(", mounts not known", ", mounts yes")
                    .containsPattern("mounts +hub.test/team/app may not be pushed to by this account")
                    .containsPattern("mounts +other.test/team/app mounts: answered 201");
            assertThat(get(mirror.adminPort(), "/upstreams")).contains("\"mountsAsked\":{\"repository\":\"team/app\"");
            assertThat(other.calls().count(Requests.uploads())).isEqualTo(1);
        }
    }

    @Test
    void withoutAServerMountsAreAskedByTheSameOption() throws Exception {
        other.able(Abilities.DEFAULT.without(Feature.MOUNT));
        other.push("team/tool", new Images(3).image(100), "1.2");
        Files.writeString(folder.resolve("entrepot.yaml"), """
                server: {listen: 127.0.0.1:0, admin: 127.0.0.1:0, access-log: "off"}
                cache: {directory: ./data, min-free: 1MiB}
                builtin-upstreams: false
                default-upstream: none
                upstreams:
                  other.test: {url: "%1$s", probe: "team/tool:1.2"}
                  unknown.test: {url: "%1$s"}
                """.formatted(other.uri()));
        assertThat(commands.run("upstreams").out())
                .contains("mounts not asked (only read from; entrepot upstreams --mounts asks)");
        assertThat(other.calls().count(Requests.uploads())).isZero();
        Result asked = commands.run("upstreams", "--mounts");
        assertThat(asked.code()).as(asked.err()).isZero();
        assertThat(asked.out())
                .contains(", mounts not known")
                .containsPattern("mounts +other.test/team/tool opened an upload session instead.*it is deleted")
                .containsPattern("capabilities +mounts not asked: nothing of it is kept yet");
        assertThat(other.requests(Requests.uploads()))
                .extracting(call -> call.request().method())
                .containsExactly("POST", "DELETE");
        assertThat(other.uploadsOpen()).isZero();
        other.faults().always(Requests.uploads(), Fault.status(500));
        Result failed = commands.run("upstreams", "--mounts");
        assertThat(failed.code())
                .as("a failed mount is no fault of an upstream")
                .isZero();
        assertThat(failed.out()).containsPattern("mounts +other.test/team/tool gave no answer: .* answered 500");
    }

    @Test
    void postThatIsNoJsonIsRefusedAndAsksNobody() throws Exception {
        try (Mirror mirror = mirror()) {
            HttpRequest request = HttpRequest.newBuilder(
                            URI.create("http://127.0.0.1:" + mirror.adminPort() + "/upstreams"))
                    .header("Content-Type", "application/json")
                    .POST(HttpRequest.BodyPublishers.ofString("mounts"))
                    .build();
            HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
            assertThat(answer.statusCode()).isEqualTo(400);
            assertThat(OciJson.mapper().readTree(answer.body()).path("error").asString(""))
                    .contains("not JSON", "\"mounts\" (true or false)");
            assertThat(hub.calls().count(any -> true)).isZero();
        }
    }

    private void configureWithNothingKept() throws Exception {
        byte[] index = "{\"schemaVersion\":2,\"manifests\":[]}".getBytes(StandardCharsets.UTF_8);
        hub.pushManifest("library/alpine", MediaType.OCI_INDEX.value(), index, "latest");
        other.pushManifest("team/app", MediaType.OCI_INDEX.value(), index, "latest");
        Files.writeString(folder.resolve("entrepot.yaml"), """
                server: {listen: 127.0.0.1:0, admin: 127.0.0.1:0, access-log: "off"}
                cache: {directory: ./data, min-free: 1MiB}
                builtin-upstreams: false
                default-upstream: docker.io
                upstreams:
                  docker.io: {url: "%1$s"}
                  other.test: {url: "%2$s", rules: [{repositories: ["team/*", team/app], priority: 1}]}
                  unknown.test: {url: "%2$s"}
                """.formatted(hub.uri(), other.uri()));
    }

    private void assertThatAllWasFoundOut(Result asked) {
        assertThat(asked.code()).as(asked.err()).isZero();
        JsonNode json = OciJson.mapper().readTree(asked.out());
        assertThat(json.at("/upstreams/0/capabilities/referrers/there").asBoolean(false))
                .isTrue();
        assertThat(json.at("/upstreams/0/quotas/0/remaining").asInt(0)).isEqualTo(100);
        assertThat(json.at("/upstreams/1/capabilities/referrers/there").asBoolean(false))
                .isTrue();
        assertThat(json.at("/upstreams/2/capabilities")).isEmpty();
        assertThat(json.at("/upstreams/2/notKnown").asString("")).isEqualTo("nothing of it is kept yet");
        for (TestRegistry registry : List.of(hub, other)) {
            assertThat(registry.calls().count(Requests.get().and(Requests.manifests())))
                    .as("pulls")
                    .isZero();
        }
    }

    @Test
    void withoutAServerAndWithNothingKeptWhatIsNamedIsAskedForAndNoPullIsSpent() throws Exception {
        configureWithNothingKept();
        assertThatAllWasFoundOut(commands.run("upstreams", "--json"));
        assertThat(commands.run("upstreams").out())
                .contains("100 of 100 left in 6 h")
                .containsPattern("referrers API +yes")
                .containsPattern("referrers API +not known: nothing of it is kept yet")
                .containsPattern("pulls +not known: nothing of it is kept yet");
        assertThat(folder.resolve("data")).doesNotExist();
    }

    @Test
    void upstreamOfWhichNothingIsKeptIsAskedForWhatItsProbeNames() throws Exception {
        Bundle image = other.push("team/tool", new Images(3).image(100), "1.2");
        Files.writeString(folder.resolve("entrepot.yaml"), """
                server: {listen: 127.0.0.1:0, admin: 127.0.0.1:0, access-log: "off"}
                cache: {directory: ./data, min-free: 1MiB}
                builtin-upstreams: false
                default-upstream: none
                upstreams: {other.test: {url: "%s", probe: "team/tool:1.2"}}
                """.formatted(other.uri()));
        JsonNode json =
                OciJson.mapper().readTree(commands.run("upstreams", "--json").out());
        assertThat(json.at("/upstreams/0/capabilities/referrers/there").asBoolean(false))
                .isTrue();
        assertThat(other.requests(Requests.head().and(Requests.manifests())))
                .isNotEmpty()
                .allMatch(call -> call.request().path().equals("/v2/team/tool/manifests/1.2"));
        assertThat(other.requests(Requests.get().and(Requests.manifests()))).isEmpty();
        assertThat(image.blobs()).isNotEmpty();
    }

    @Test
    void serverWithNothingKeptAsksForWhatIsNamed() throws Exception {
        configureWithNothingKept();
        try (Mirror mirror = mirror()) {
            assertThat(mirror.port()).isPositive();
            assertThatAllWasFoundOut(commands.run("upstreams", "--check", "--json"));
        }
    }

    @Test
    void withoutAServerWhatIsKeptIsAskedFor() throws Exception {
        other.push("team/app", new Images(3).image(100), "1");
        try (Mirror mirror = mirror()) {
            get(mirror.port(), MANIFEST);
            get(mirror.port(), "/v2/other.test/team/app/manifests/1");
        }
        hub.calls().clear();
        JsonNode json =
                OciJson.mapper().readTree(commands.run("upstreams", "--json").out());
        assertThat(json.at("/upstreams/0/quotas/0/remaining").asInt(0)).isEqualTo(99);
        assertThat(json.at("/upstreams/0/capabilities/referrers/there").asBoolean(false))
                .isTrue();
        assertThat(json.at("/upstreams/1/capabilities/ranges/there").asBoolean(false))
                .isTrue();
        assertThat(hub.calls().count(Requests.get().and(Requests.manifests()))).isZero();
    }

    @Test
    void whenNoPullWillBeLeftIsSaidInTextInJsonAndInTheMetrics() throws Exception {
        Path served = Files.createDirectory(folder.resolve("served"));
        FixtureClock clock = new FixtureClock();
        try (MirrorFixture mirror = MirrorFixture.started(
                served,
                "builtin-upstreams: false\ndefault-upstream: hub.test\nupstreams: {hub.test: {url: \"" + hub.uri()
                        + "\"}}\n",
                clock,
                Map.of())) {
            for (int minute = 0; minute < 20; minute++) {
                // Another image each time: one that is kept already costs no pull.
                hub.push("team/app", new Images(100 + minute).image(10), "t" + minute);
                assertThat(mirror.get("/v2/hub.test/team/app/manifests/t" + minute)
                                .statusCode())
                        .isEqualTo(200);
                mirror.advance(Duration.ofMinutes(1));
            }
            CommandRunner asking = new CommandRunner(served);
            JsonNode quota = OciJson.mapper()
                    .readTree(asking.run("upstreams", "--json").out())
                    .at("/upstreams/0/quotas/0");
            assertThat(quota.path("remaining").asInt(0)).isEqualTo(80);
            assertThat(quota.path("forecast").asString("")).isEqualTo("used-up");
            Instant end = Instant.parse(quota.path("usedUpAt").asString(""));
            assertThat(end)
                    .isBetween(
                            clock.instant().plus(Duration.ofMinutes(70)),
                            clock.instant().plus(Duration.ofMinutes(95)));
            assertThat(asking.run("upstreams").out()).contains("80 of 100 left", "; none left from " + end);
            String name =
                    "entrepot_upstream_quota_exhausted_timestamp_seconds{upstream=\"hub.test\",account=\"anonymous\"} ";
            assertThat(mirror.metrics().lines().filter(line -> line.startsWith(name)))
                    .singleElement()
                    .satisfies(line -> assertThat(Double.parseDouble(line.substring(name.length())))
                            .isEqualTo(end.getEpochSecond()));
        }
    }

    @Test
    void metricsSayTheSame() throws Exception {
        try (Mirror mirror = mirror()) {
            get(mirror.port(), MANIFEST);
            assertThat(get(mirror.adminPort(), "/metrics").lines())
                    .contains(
                            "entrepot_upstream_quota_limit{upstream=\"hub.test\",account=\"robot\"} 100",
                            "entrepot_upstream_quota_remaining{upstream=\"hub.test\",account=\"robot\"} 99",
                            "entrepot_upstream_quota_reserve{upstream=\"hub.test\",account=\"robot\"} 40",
                            "entrepot_upstream_quota_window_seconds{upstream=\"hub.test\",account=\"robot\"} 21600",
                            "# TYPE entrepot_upstream_too_many_requests_total counter",
                            "entrepot_upstream_too_many_requests_total{upstream=\"hub.test\",kind=\"quota\"} 0",
                            "entrepot_upstream_quota_stopped_total{upstream=\"hub.test\",priority=\"background\"} 0",
                            "entrepot_upstream_hedged_requests_total{upstream=\"hub.test\",winner=\"second\"} 0",
                            "entrepot_upstream_breaker_state{upstream=\"other.test\",operation=\"blobs\"} 0",
                            "entrepot_upstream_breaker_opened_total{upstream=\"hub.test\",operation=\"token\"} 0");
        }
    }
}
