package dev.entrepot.proxy;

import static dev.entrepot.proxy.MirrorFixture.await;
import static dev.entrepot.proxy.MirrorFixture.verdict;
import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.cache.Pin;
import dev.entrepot.cache.PullThrough;
import dev.entrepot.config.ConfigLoader;
import dev.entrepot.config.EntrepotConfig;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.Platform;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Gate;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.proxy.admin.Metrics;
import dev.entrepot.proxy.warm.PinKeeping;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** What a rule with {@code pin} does to what clients pull, and how long. */
@Timeout(60)
class PinEndToEndTest {
    private static final String RULE = """
            rules:
              - {repositories: ["pinned/**"], tags: ["v*"], pin: {platforms: [linux/amd64], referrers: true}}
            """;

    private static final String CHECKED = "entrepot_pin_checks_total{outcome=\"complete\"}";

    @TempDir
    private Path folder;

    private final TestRegistry registry = TestRegistry.started();
    private final Images images = new Images(3);
    private final Bundle amd = images.image(Platform.parse("linux/amd64"), 40_000);
    private final Bundle arm = images.image(Platform.parse("linux/arm64"), 40_000);
    private final Bundle index = images.indexOf(List.of(amd, arm));
    private final Bundle sbom = images.referrer(index, "application/vnd.test.sbom");

    @AfterEach
    void stop() {
        registry.close();
    }

    private String upstream() {
        return """
                default-upstream: registry.test
                upstreams:
                  registry.test: {url: "%s"}
                """.formatted(registry.uri());
    }

    private static List<Digest> blobs(Bundle image) throws Exception {
        return Manifest.parse(image.root()).blobs().stream()
                .map(Descriptor::digest)
                .toList();
    }

    @Test
    void pinnedImageIsMadeWholeBehindTheClient() throws Exception {
        registry.push("pinned/app", index, "v1");
        registry.push("pinned/app", sbom);
        try (MirrorFixture mirror = MirrorFixture.started(folder, upstream() + RULE)) {
            mirror.get("/v2/pinned/app/manifests/v1");

            for (Bundle image : List.of(amd, sbom)) {
                await(() -> verdict(mirror.get("/v2/pinned/app/manifests/" + image.digest()))
                        .equals("hit"));
                for (Digest blob : blobs(image)) {
                    await(() ->
                            verdict(mirror.get("/v2/pinned/app/blobs/" + blob)).equals("hit"));
                }
            }
            assertThat(registry.requests(
                            request -> request.path().contains(arm.digest().encoded())))
                    .isEmpty();
        }
    }

    @Test
    void pinnedGraphThatIsWhollyKeptIsWholeThoughItsUpstreamIsOffline() throws Exception {
        registry.push("pinned/app", index, "v1");
        registry.push("pinned/app", sbom);
        try (MirrorFixture mirror = MirrorFixture.started(folder, upstream() + RULE)) {
            mirror.get("/v2/pinned/app/manifests/v1");
            await(() -> mirror.metric(CHECKED) == 1);
        }
        registry.calls().clear();
        try (MirrorFixture mirror =
                MirrorFixture.started(folder, upstream() + RULE + "  - {repositories: [\"**\"], offline: true}\n")) {
            await(() -> mirror.metric(CHECKED) == 1);
            assertThat(mirror.metric("entrepot_pins_incomplete")).isZero();
            assertThat(registry.requests(request -> true)).isEmpty();
        }
    }

    @Test
    void graphThatIsSlowToComeKeepsNoOtherFromBeingPinned() throws Exception {
        registry.push("pinned/slow", amd, "v1");
        registry.push("pinned/app", arm, "v1");
        Gate gate = new Gate();
        Digest layer = blobs(amd).getLast();
        registry.faults()
                .always(Requests.get().and(request -> request.path().endsWith(layer.toString())), Fault.hold(gate));
        String rule = "rules: [{repositories: [\"pinned/**\"], pin: {referrers: true}}]\n";
        try (MirrorFixture mirror = MirrorFixture.started(folder, upstream() + rule)) {
            mirror.get("/v2/pinned/slow/manifests/v1");
            gate.awaitArrivals(1);

            mirror.get("/v2/pinned/app/manifests/v1");
            await(() -> mirror.metric(CHECKED) == 1);
            assertThat(pin(mirror, ":v1").path("by").asString("")).isEqualTo("rule");
            gate.open();
            await(() -> mirror.metric(CHECKED) == 2);
        }
    }

    private static JsonNode pin(MirrorFixture mirror, String reference) throws Exception {
        String path = "/explain?ref=registry.test%2Fpinned%2Fapp"
                + reference.replace(":", "%3A").replace("@", "%40");
        return OciJson.mapper().readTree(mirror.admin(path).body()).path("pin");
    }

    @Test
    void hitIsPinnedTooAndExplainSaysSo() throws Exception {
        registry.push("pinned/app", index, "v1");
        String fixed = "  - {repositories: [\"**\"], freshness: immutable}\n";
        try (MirrorFixture mirror = MirrorFixture.started(folder, upstream())) {
            mirror.get("/v2/pinned/app/manifests/v1");
            assertThat(pin(mirror, ":v1").isMissingNode()).isTrue();
        }
        try (MirrorFixture mirror = MirrorFixture.started(folder, upstream() + RULE + fixed)) {
            assertThat(verdict(mirror.get("/v2/pinned/app/manifests/v1"))).isEqualTo("hit");
            await(() -> mirror.metric(CHECKED) == 1);
            assertThat(pin(mirror, ":v1").path("by").asString("")).isEqualTo("rule");
            assertThat(pin(mirror, ":v1").path("platforms").path(0).asString(""))
                    .isEqualTo("linux/amd64");
            for (Digest blob : blobs(amd)) {
                assertThat(verdict(mirror.get("/v2/pinned/app/blobs/" + blob))).isEqualTo("hit");
            }
        }
    }

    /** What can no longer be fetched is what most needs to be pinned. */
    @Test
    void hitOfWhatIsOfflineIsPinned() throws Exception {
        registry.push("pinned/app", index, "v1");
        try (MirrorFixture mirror = MirrorFixture.started(folder, upstream())) {
            mirror.get("/v2/pinned/app/manifests/v1");
        }
        String offline = "  - {repositories: [\"**\"], offline: true}\n";
        try (MirrorFixture mirror = MirrorFixture.started(folder, upstream() + RULE + offline)) {
            assertThat(verdict(mirror.get("/v2/pinned/app/manifests/v1"))).isEqualTo("hit");
            await(() -> pin(mirror, ":v1").isObject());
        }
    }

    @Test
    void digestIsPinnedUnlessAPinnedTagDecidesAboutIt() throws Exception {
        registry.push("pinned/app", index, "v1");
        Bundle other = images.image(Platform.parse("linux/amd64"), 1000);
        registry.push("pinned/app", other);
        try (MirrorFixture mirror = MirrorFixture.started(folder, upstream() + RULE.replace("tags: [\"v*\"], ", ""))) {
            mirror.get("/v2/pinned/app/manifests/v1");
            await(() -> mirror.metric(CHECKED) == 1);
            for (Bundle named : List.of(index, amd, arm, other)) {
                mirror.get("/v2/pinned/app/manifests/" + named.digest());
            }
            await(() -> pin(mirror, "@" + other.digest()).isObject());
            for (Bundle named : List.of(index, amd, arm)) {
                assertThat(pin(mirror, "@" + named.digest()).isMissingNode()).isTrue();
            }
        }
    }

    @Test
    void pinIsWhatTheRuleSaysAlsoWhenItComesBackToWhatItSaidBefore() throws Exception {
        registry.push("pinned/app", index, "v1");
        String other = RULE.replace("linux/amd64", "linux/arm64");
        try (MirrorFixture mirror = MirrorFixture.started(folder, upstream() + RULE)) {
            for (String rule : List.of(RULE, other, RULE)) {
                assertThat(mirror.reconfigure(upstream() + rule)).isTrue();
                String platform = rule.equals(other) ? "linux/arm64" : "linux/amd64";
                mirror.get("/v2/pinned/app/manifests/v1");
                await(() -> pin(mirror, ":v1")
                        .path("platforms")
                        .path(0)
                        .asString("")
                        .equals(platform));
            }
        }
    }

    private EntrepotConfig config(String rules) throws Exception {
        Path file = folder.resolve("entrepot.yaml");
        Files.writeString(file, "cache: {directory: ./data}\n" + upstream() + rules);
        return ConfigLoader.load(Optional.of(file), folder, Map.of()).config();
    }

    @Test
    void pinLastsAsLongAsTheRuleAndThatOfAHandStays() throws Exception {
        registry.push("pinned/app", index, "v1");
        Repository repository = Repository.parse("registry.test/pinned/app");
        Tag tag = new Tag("v1");
        Pin byHand = Pin.all(repository, index.digest());
        ClientEnvironment environment = ClientEnvironment.system("test");
        try (OpenedCache cache = new OpenedCache(config(RULE), environment);
                PinKeeping pins = new PinKeeping(
                        cache.rules(), cache.evictor().pins(), cache.filler(), Clock.systemUTC(), new Metrics())) {
            cache.evictor().pins().pin(byHand);
            PullThrough pull = cache.cache()
                    .repository(cache.upstreams()
                            .get(repository.registry())
                            .client()
                            .repository(repository.name()));
            cache.cache().listen(pins);
            pull.manifest(tag);
            Pin ruled = new Pin(repository, tag, List.of(Platform.parse("linux/amd64")), true, true);
            await(() -> cache.evictor().pins().pins().contains(ruled));
        }

        try (OpenedCache cache = new OpenedCache(config(""), environment);
                PinKeeping pins = new PinKeeping(
                        cache.rules(), cache.evictor().pins(), cache.filler(), Clock.systemUTC(), new Metrics())) {
            await(() -> cache.evictor().pins().pins().equals(List.of(byHand)));
        }
    }

    @Test
    void prioritiesAndSharesOfRulesDivideTheDisk() throws Exception {
        EntrepotConfig config = config("""
                rules:
                  - {repositories: ["ci/**"], share: 20%}
                  - {repositories: ["ci/low", "scratch/**"], priority: -5}
                """);
        try (OpenedCache cache = new OpenedCache(config, ClientEnvironment.system("test"))) {
            assertThat(cache.shares()
                            .of(Repository.parse("registry.test/ci/app"))
                            .share())
                    .isEqualTo(0.2);
            assertThat(cache.shares().of(Repository.parse("registry.test/ci/low")))
                    .returns(0.2, group -> group.share())
                    .returns(-5, group -> group.priority());
            assertThat(cache.shares()
                            .of(Repository.parse("registry.test/scratch/a"))
                            .name())
                    .isEqualTo(cache.shares()
                            .of(Repository.parse("registry.test/scratch/b"))
                            .name());
            assertThat(cache.shares().of(Repository.parse("registry.test/team/app")))
                    .returns(1.0, group -> group.share())
                    .returns(0, group -> group.priority());
        }
    }

    @Test
    void wantOfMemoryEndsNoMoreThanOneLook() throws Exception {
        registry.push("pinned/app", index, "v1");
        Repository repository = Repository.parse("registry.test/pinned/app");
        Tag tag = new Tag("v1");
        Pin ruled = new Pin(repository, tag, List.of(Platform.parse("linux/amd64")), true, true);
        AtomicInteger asked = new AtomicInteger();
        CountDownLatch failed = new CountDownLatch(1);
        InstantSource clock = () -> {
            // At first when it is made, and then at the first look.
            if (asked.getAndIncrement() == 1) {
                failed.countDown();
                throw new OutOfMemoryError("no heap");
            }
            return Instant.now();
        };
        try (OpenedCache cache = new OpenedCache(config(RULE), ClientEnvironment.system("test"));
                PinKeeping pins = new PinKeeping(
                        cache.rules(),
                        cache.evictor().pins(),
                        cache.filler(),
                        clock.withZone(ZoneOffset.UTC),
                        new Metrics())) {
            failed.await();
            cache.cache().listen(pins);
            cache.cache()
                    .repository(cache.upstreams()
                            .get(repository.registry())
                            .client()
                            .repository(repository.name()))
                    .manifest(tag);
            await(() -> cache.evictor().pins().pins().contains(ruled));
        }
    }
}
