package dev.entrepot.proxy;

import static dev.entrepot.proxy.MirrorFixture.await;
import static dev.entrepot.proxy.MirrorFixture.verdict;
import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.Platform;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** What clients see of settings that no other class shows them: one mirror for each, between real sockets. */
@Timeout(60)
class SettingsEndToEndTest {
    private final TestRegistry registry = TestRegistry.started();
    private final Images images = new Images(31);

    @TempDir
    private Path folder;

    @AfterEach
    void stop() {
        registry.close();
    }

    /** A mirror with settings of the cache, of the upstream, and rules. */
    private MirrorFixture mirror(String cache, String upstream, String rules) throws Exception {
        return MirrorFixture.started(folder, configuration(cache, upstream, rules));
    }

    private String configuration(String cache, String upstream, String rules) {
        String minFree = cache.contains("min-free") ? "" : ", min-free: 1MiB";
        return "cache: {directory: ./data" + minFree + cache + "}\n"
                + "default-upstream: registry.test\nupstreams: {registry.test: {url: \"" + registry.uri() + "\""
                + upstream + "}}\nrules: [" + rules + "{check-deadline: 0s}]\n";
    }

    private static int status(MirrorFixture mirror, String path) throws Exception {
        return mirror.get("/v2/app/" + path).statusCode();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {include: ["v*"], exclude: ["*-rc*"]}      | v1         | 403
            {include: ["v*"], exclude: ["*-rc*"]}      | v1-rc1     | 200
            {exclude: [latest, {regex: "[a-z]+"}]}     | latest     | 200
            {exclude: [latest, {regex: "[a-z]+"}]}     | stable     | 200
            {exclude: [latest, {regex: "[a-z]+"}]}     | v1         | 403
            [{regex: "[0-9]{8}(-[a-z]+)?"}]            | 20261120   | 403
            [{regex: "[0-9]{8}(-[a-z]+)?"}]            | 20261120-b | 403
            [{regex: "[0-9]{8}(-[a-z]+)?"}]            | 202611201  | 200
            {semver: "<2"}                             | 1.9        | 403
            {semver: "<2"}                             | 1.9-alpine | 403
            {semver: "<2"}                             | 1.9.0-rc1  | 403
            {semver: "<2"}                             | 2.0-alpine | 200
            {semver: "<2"}                             | latest     | 200
            """)
    void tagsOfARule(String tags, String tag, int status) throws Exception {
        registry.push("app", images.image(100), tag);
        try (MirrorFixture mirror = mirror("", "", "{tags: " + tags + ", deny: \"not this one\"}, ")) {
            assertThat(status(mirror, "manifests/" + tag)).isEqualTo(status);
        }
    }

    @ParameterizedTest
    @CsvSource({"false, 0", "true, 1"})
    void referrersOfAPin(boolean referrers, int asked) throws Exception {
        Bundle image = images.image(1000);
        Bundle sbom = images.referrer(image, "application/vnd.test.sbom");
        registry.push("app", image, "v1");
        registry.push("app", sbom);
        try (MirrorFixture mirror =
                mirror("", "", "{tags: [v1], pin: {referrers: " + referrers + "}, check-deadline: 0s}, ")) {
            assertThat(status(mirror, "manifests/v1")).isEqualTo(200);
            await(() -> mirror.metric("entrepot_pin_checks_total{outcome=\"complete\"}") == 1);
            assertThat(registry.calls()
                            .count(Requests.path("/manifests/")
                                    .and(Requests.path(sbom.digest().encoded()))
                                    .and(Requests.get())))
                    .isEqualTo(asked);
        }
    }

    @Test
    void minFreeThatTheDiskDoesNotHaveLetsBlobsPassThroughUnkept() throws Exception {
        Bundle image = registry.push("app", images.image(50_000), "v1");
        String layer = "blobs/" + List.copyOf(image.blobs().keySet()).getLast();
        try (MirrorFixture mirror = mirror(", min-free: 4096TiB", "", "")) {
            for (int i = 1; i <= 2; i++) {
                var answer = mirror.get("/v2/app/" + layer);
                assertThat(answer.statusCode()).isEqualTo(200);
                assertThat(verdict(answer)).isEqualTo("miss");
                assertThat(answer.body()).hasSize(50_000);
                mirror.awaitFills();
                assertThat(mirror.metric("entrepot_fills_degraded_total")).isEqualTo(i);
            }
        }
        try (MirrorFixture mirror = mirror("", "", "")) {
            mirror.get("/v2/app/" + layer);
            mirror.awaitFills();
            assertThat(verdict(mirror.get("/v2/app/" + layer))).isEqualTo("hit");
        }
    }

    @Test
    void referrersFreshFor() throws Exception {
        Bundle image = registry.push("app", images.image(100), "v1");
        registry.push("app", images.referrer(image, "application/vnd.test.sbom"));
        String path = "/v2/app/referrers/" + image.digest();
        try (MirrorFixture mirror = mirror(", referrers-fresh-for: 10m", "", "")) {
            assertThat(mirror.get(path).statusCode()).isEqualTo(200);
            registry.calls().clear();
            mirror.advance(Duration.ofMinutes(9));
            assertThat(verdict(mirror.get(path))).isEqualTo("hit");
            assertThat(registry.calls().count(Requests.any())).isZero();
            mirror.advance(Duration.ofMinutes(2));
            mirror.get(path);
            assertThat(registry.calls().count(Requests.any())).isPositive();
        }
    }

    @Test
    void freshForAndStaleForOfAnUpstreamGoBeforeThoseOfTheCache() throws Exception {
        registry.push("app", images.image(100), "v1");
        try (MirrorFixture mirror = mirror(", fresh-for: 1m, stale-for: 30d", ", fresh-for: 10m, stale-for: 1h", "")) {
            mirror.get("/v2/app/manifests/v1");
            mirror.advance(Duration.ofMinutes(9));
            assertThat(verdict(mirror.get("/v2/app/manifests/v1"))).isEqualTo("hit");
            mirror.advance(Duration.ofMinutes(2));
            assertThat(verdict(mirror.get("/v2/app/manifests/v1"))).isEqualTo("revalidated");
            registry.faults().always(Requests.any(), Fault.status(500));
            mirror.advance(Duration.ofMinutes(59));
            assertThat(verdict(mirror.get("/v2/app/manifests/v1"))).isEqualTo("stale");
            mirror.advance(Duration.ofMinutes(2));
            assertThat(status(mirror, "manifests/v1")).isGreaterThanOrEqualTo(500);
        }
    }

    @Test
    void staleForOfTheCache() throws Exception {
        registry.push("app", images.image(100), "v1");
        try (MirrorFixture mirror = mirror(", stale-for: 1h", "", "")) {
            mirror.get("/v2/app/manifests/v1");
            registry.faults().always(Requests.any(), Fault.status(500));
            mirror.advance(Duration.ofMinutes(59));
            assertThat(verdict(mirror.get("/v2/app/manifests/v1"))).isEqualTo("stale");
            mirror.advance(Duration.ofMinutes(2));
            assertThat(status(mirror, "manifests/v1")).isEqualTo(502);
        }
    }

    @ParameterizedTest
    @CsvSource({"'', hit", "', memory: 0', miss"})
    void memory(String memory, String verdict) throws Exception {
        Bundle image = registry.push("app", images.image(100), "v1");
        try (MirrorFixture mirror = mirror(memory, "", "")) {
            assertThat(status(mirror, "manifests/" + image.digest())).isEqualTo(200);
            String hex = image.digest().encoded();
            Files.delete(folder.resolve("data/manifests/sha256/" + hex.substring(0, 2) + "/" + hex));
            await(() ->
                    verdict(mirror.get("/v2/app/manifests/" + image.digest())).equals(verdict));
        }
    }

    @Test
    void minFreeThatANeighbourUsesUpIsMadeByEvictingAllThatMayGoAndReadinessSaysSo() throws Exception {
        Bundle image = registry.push("app", images.image(50_000), "v1");
        try (MirrorFixture mirror = mirror("", "", "")) {
            for (Digest blob : image.blobs().keySet()) {
                assertThat(status(mirror, "blobs/" + blob)).isEqualTo(200);
            }
            mirror.awaitFills();
            assertThat(mirror.admin("/readyz").body()).doesNotContain("would have to go");
            assertThat(mirror.metric("entrepot_disk_lacking_bytes")).isZero();
        }
        try (MirrorFixture mirror = mirror(", min-free: 4096TiB", "", "")) {
            await(() -> mirror.metric("entrepot_disk_lacking_bytes") > 0);
            assertThat(mirror.metric("entrepot_evicted_bytes_by_reason_total{reason=\"free_space\"}"))
                    .isGreaterThanOrEqualTo(50_000);
            assertThat(mirror.admin("/readyz").statusCode()).isEqualTo(200);
            assertThat(mirror.admin("/readyz").body()).contains("would have to go from the disk");
        }
    }

    private Bundle pushedIndex(Bundle one, Bundle other) {
        return registry.push("app", images.indexOf(List.of(one, other)), "v1");
    }

    @ParameterizedTest
    @CsvSource({"pin, entrepot_pin_checks_total", "prefetch, entrepot_prefetch_graphs_total"})
    void platformsOfTheSite(String setting, String metric) throws Exception {
        Bundle amd = images.image(Platform.parse("linux/amd64"), 3_000);
        Bundle arm = images.image(Platform.parse("linux/arm64"), 4_000);
        pushedIndex(amd, arm);
        String rules = "{" + setting + ": true}, ";
        try (MirrorFixture mirror = mirror(", platforms: [linux/arm64]", "", rules)) {
            assertThat(status(mirror, "manifests/v1")).isEqualTo(200);
            await(() -> mirror.metric(metric + "{outcome=\"complete\"}") == 1);
            for (Digest blob : arm.blobs().keySet()) {
                assertThat(verdict(mirror.get("/v2/app/blobs/" + blob))).isEqualTo("hit");
            }
            assertThat(registry.requests(
                            request -> request.path().contains(amd.digest().encoded())))
                    .isEmpty();
            String explain = "/explain?ref=registry.test%2Fapp%3Av1";
            assertThat(mirror.admin(explain).body()).contains("linux/arm64 with referrers");
            // In effect with the rules, without a restart.
            assertThat(mirror.reconfigure(configuration(
                            ", platforms: [linux/amd64]", "", rules.replace("true", "{referrers: false}"))))
                    .isTrue();
            assertThat(mirror.admin(explain).body()).contains("linux/amd64 without referrers");
        }
    }

    @ParameterizedTest
    @CsvSource({"pin, entrepot_pin_checks_total", "prefetch, entrepot_prefetch_graphs_total"})
    void exceptionBeforeAWiderRule(String setting, String metric) throws Exception {
        Bundle excepted = registry.push("app", images.image(1000), "v1");
        registry.push("other", images.image(1000), "v1");
        String rules = "{repositories: [app], " + setting + ": false}, {" + setting + ": true}, ";
        try (MirrorFixture mirror = mirror("", "", rules)) {
            assertThat(status(mirror, "manifests/v1")).isEqualTo(200);
            assertThat(mirror.get("/v2/other/manifests/v1").statusCode()).isEqualTo(200);
            await(() -> mirror.metric(metric + "{outcome=\"complete\"}") == 1);
            assertThat(registry.requests(request -> request.path().contains("/v2/app/blobs/")))
                    .isEmpty();
            assertThat(OciJson.mapper()
                            .readTree(mirror.admin("/cache/pin").body())
                            .path("pins")
                            .toString())
                    .doesNotContain("registry.test/app");
            assertThat(excepted.blobs()).isNotEmpty();
        }
    }

    @Test
    void offlineUpstreamIsAskedForNothingByACheckOfTheUpstreams() throws Exception {
        registry.push("app", images.image(100), "v1");
        try (MirrorFixture mirror = mirror("", "", "")) {
            assertThat(status(mirror, "manifests/v1")).isEqualTo(200);
            assertThat(mirror.reconfigure(configuration("", "", "{offline: true}, ")))
                    .isTrue();
            registry.calls().clear();
            assertThat(mirror.askAdmin("POST", "/upstreams").statusCode()).isEqualTo(200);
            assertThat(registry.requests(request -> request.path().length() > "/v2/".length()))
                    .isEmpty();
            assertThat(mirror.reconfigure(configuration("", "", ""))).isTrue();
            assertThat(mirror.askAdmin("POST", "/upstreams").statusCode()).isEqualTo(200);
            assertThat(registry.requests(request -> request.path().length() > "/v2/".length()))
                    .isNotEmpty();
        }
    }

    private static JsonNode scrub(MirrorFixture mirror) throws Exception {
        return OciJson.mapper().readTree(mirror.admin("/cache/stats").body()).path("scrub");
    }

    @Test
    void scrubEvery() throws Exception {
        Bundle image = registry.push("app", images.image(100), "v1");
        try (MirrorFixture mirror = mirror(", scrub-every: 2d", "", "")) {
            for (Digest blob : image.blobs().keySet()) {
                status(mirror, "blobs/" + blob);
            }
            mirror.awaitFills();
            assertThat(scrub(mirror).has("lastRound")).isFalse();
            mirror.stop();
            mirror.advance(Duration.ofDays(1));
            mirror.start();
            assertThat(scrub(mirror).has("lastRound")).isFalse();
            mirror.stop();
            mirror.advance(Duration.ofDays(2));
            mirror.start();
            await(() -> scrub(mirror).has("lastRound"));
            assertThat(scrub(mirror).path("checked").asLong()).isEqualTo(2);
        }
    }

    @Test
    void scrubRate() throws Exception {
        Bundle image = registry.push("app", images.image(400_000), "v1");
        String layer = "blobs/" + List.copyOf(image.blobs().keySet()).getLast();
        try (MirrorFixture mirror = mirror(", scrub-rate: 1KiB", "", "")) {
            status(mirror, layer);
            mirror.awaitFills();
            mirror.askAdmin("POST", "/cache/scrub");
            // The first step of the layer; the next comes two minutes later.
            await(() -> scrub(mirror).path("readBytes").asLong() >= 128 * 1024);
            assertThat(scrub(mirror).path("readBytes").asLong()).isLessThan(400_000);
            assertThat(scrub(mirror).path("running").asBoolean()).isTrue();
        }
    }
}
