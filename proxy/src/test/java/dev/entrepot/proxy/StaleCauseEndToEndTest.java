package dev.entrepot.proxy;

import static dev.entrepot.proxy.MirrorFixture.header;
import static dev.entrepot.proxy.MirrorFixture.verdict;
import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.client.Sleeper;
import dev.entrepot.oci.testing.Access;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Gate;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.oci.testing.TokenService;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/**
 * That {@code stale} goes by what is wrong with the upstream, whatever else the deadline and the circuit breaker make
 * of it.
 */
class StaleCauseEndToEndTest {
    @TempDir
    private Path folder;

    private final TestRegistry registry = TestRegistry.started();

    @AfterEach
    void stop() {
        registry.close();
    }

    // With a tag that is kept and must be checked.
    private MirrorFixture mirror(String rule, Sleeper sleeper) throws Exception {
        registry.push("app", new Images(1).image(100), "1");
        MirrorFixture mirror = MirrorFixture.started(
                folder,
                "default-upstream: registry.test\nupstreams: {registry.test: {url: \"" + registry.uri()
                        + "\"}}\nrules: [" + rule + "]\n",
                sleeper);
        pull(mirror);
        mirror.advance(Duration.ofMinutes(2));
        return mirror;
    }

    private static HttpResponse<byte[]> pull(MirrorFixture mirror) throws Exception {
        return mirror.get("/v2/app/manifests/1");
    }

    private static CompletableFuture<HttpResponse<byte[]>> pulling(MirrorFixture mirror) {
        return CompletableFuture.supplyAsync(() -> {
            try {
                return pull(mirror);
            } catch (Exception e) {
                throw new CompletionException(e);
            }
        });
    }

    private static JsonNode explained(MirrorFixture mirror) throws Exception {
        return OciJson.mapper()
                .readTree(mirror.admin("/explain?ref=registry.test%2Fapp%3A1").body());
    }

    @Test
    void failedAttemptDecidesAlsoWhileItIsRepeatedAndTheDeadlinePasses() throws Exception {
        AtomicBoolean paused = new AtomicBoolean();
        Sleeper longerThanTheDeadline = pause -> {
            if (paused.compareAndSet(false, true)) {
                assertThat(new CountDownLatch(1).await(1200, TimeUnit.MILLISECONDS))
                        .isFalse();
            }
        };
        try (MirrorFixture mirror =
                mirror("{check-deadline: 700ms, stale: {unreachable: 0s}}", longerThanTheDeadline)) {
            registry.faults().always(Requests.repository("app"), Fault.reset());
            assertThat(explained(mirror)
                            .path("ifUpstreamIs")
                            .path("unreachable")
                            .path("status")
                            .asInt())
                    .isEqualTo(502);
            assertThat(pull(mirror).statusCode()).isEqualTo(502);
            assertThat(paused).isTrue();
        }
    }

    @Test
    void tokenServiceThatIsAskedAgainStandsForWhatIsWrongWithIt() throws Exception {
        CountDownLatch asking = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        Sleeper untilLookedAt = pause -> {
            asking.countDown();
            assertThat(goOn.await(20, TimeUnit.SECONDS)).isTrue();
        };
        registry.open(new Access.Bearer(
                new TokenService(Map.of(), (user, name, action) -> true, Duration.ofMinutes(1), new FixtureClock())));
        try (MirrorFixture mirror =
                mirror("{check-deadline: 50ms, stale: {timeout: 7d, server-error: 0s}}", untilLookedAt)) {
            registry.faults().always(Requests.tokens(), Fault.status(503));
            CompletableFuture<HttpResponse<byte[]>> waiting = CompletableFuture.supplyAsync(() -> {
                try {
                    return pull(mirror);
                } catch (Exception e) {
                    throw new CompletionException(e);
                }
            });
            assertThat(asking.await(20, TimeUnit.SECONDS)).isTrue();
            assertThat(explained(mirror).path("now").path("status").asInt()).isEqualTo(502);
            goOn.countDown();
            assertThat(waiting.get(20, TimeUnit.SECONDS).statusCode()).isEqualTo(502);
        }
    }

    @Test
    void hitsDoNotWaitForTheRequestThatLooksWhetherTheUpstreamIsBack() throws Exception {
        Gate gate = new Gate();
        // A deadline that no test outlasts.
        try (MirrorFixture mirror = mirror("{check-deadline: 1m}", pause -> {})) {
            registry.stop();
            for (int i = 0; i < 5; i++) {
                mirror.get("/v2/app/manifests/new-" + i);
            }
            registry.start();
            mirror.advance(Duration.ofSeconds(10));
            registry.faults().always(Requests.repository("app"), Fault.hold(gate));
            CompletableFuture<HttpResponse<byte[]>> looking = CompletableFuture.supplyAsync(() -> {
                try {
                    return pull(mirror);
                } catch (Exception e) {
                    throw new CompletionException(e);
                }
            });
            gate.awaitArrivals(1);
            for (int i = 0; i < 3; i++) {
                assertThat(verdict(pull(mirror))).isEqualTo("stale");
            }
            gate.open();
            assertThat(verdict(looking.get(20, TimeUnit.SECONDS))).isEqualTo("revalidated");
        } finally {
            gate.open();
        }
    }

    @Test
    void openCircuitBreakerOfBlobsIsKnownToWhoExplainsABlob() throws Exception {
        try (MirrorFixture mirror = mirror("{check-deadline: 0s, negative: {outage: 0s}}", pause -> {})) {
            String blob =
                    new Images(1).image(100).blobs().keySet().iterator().next().toString();
            registry.faults().always(Requests.blobs(), Fault.status(500));
            for (int i = 0; i < 6; i++) {
                mirror.get("/v2/app/blobs/" + blob);
            }
            JsonNode explained = OciJson.mapper()
                    .readTree(mirror.admin("/explain?ref=registry.test%2Fapp%40" + blob)
                            .body());
            assertThat(explained.path("kind").asString("")).isEqualTo("blob");
            assertThat(explained.path("now").path("status").asInt()).isEqualTo(503);
            assertThat(explained.path("places").path(0).path("notAsked").asString(""))
                    .contains("is not asked after its last outages");
            assertThat(mirror.get("/v2/app/blobs/" + blob).statusCode()).isEqualTo(503);
        }
    }

    @Test
    void openCircuitBreakerStandsForWhatOpenedIt() throws Exception {
        try (MirrorFixture mirror =
                mirror("{check-deadline: 0s, stale: {server-error: 0s, unreachable: 7d}}", pause -> {})) {
            registry.faults().always(Requests.repository("app"), Fault.status(500));
            for (int i = 0; i < 5; i++) {
                assertThat(pull(mirror).statusCode()).isEqualTo(502);
            }
            assertThat(explained(mirror).path("now").path("status").asInt()).isEqualTo(503);
            HttpResponse<byte[]> refused = pull(mirror);
            assertThat(refused.statusCode()).isEqualTo(503);
            assertThat(header(refused, "Retry-After")).isNotEmpty();

            mirror.reconfigure("default-upstream: registry.test\nupstreams: {registry.test: {url: \"" + registry.uri()
                    + "\"}}\nrules: [{check-deadline: 0s, stale: {server-error: 7d, unreachable: 0s}}]\n");
            assertThat(explained(mirror).path("now").path("verdict").asString(""))
                    .isEqualTo("stale");
            assertThat(verdict(pull(mirror))).isEqualTo("stale");
            assertThat(mirror.metric("entrepot_stale_total{cause=\"server-error\"}"))
                    .isEqualTo(1);
        }
    }

    @Test
    void nobodyElseWaitsForTheRequestThatShowsWhetherTheUpstreamIsBack() throws Exception {
        try (MirrorFixture mirror = mirror("{check-deadline: 50s}", pause -> {})) {
            registry.faults().always(Requests.repository("app"), Fault.status(500));
            for (int i = 0; i < 5; i++) {
                assertThat(verdict(pull(mirror))).isEqualTo("stale");
            }
            registry.faults().clear();
            Gate gate = new Gate();
            registry.faults().always(Requests.repository("app"), Fault.hold(gate));
            mirror.advance(Duration.ofSeconds(10));
            CompletableFuture<HttpResponse<byte[]>> probing = pulling(mirror);
            gate.awaitArrivals(1);
            assertThat(verdict(pulling(mirror).get(20, TimeUnit.SECONDS))).isEqualTo("stale");
            assertThat(probing).isNotDone();
            gate.open();
            assertThat(verdict(probing.get(20, TimeUnit.SECONDS))).isEqualTo("revalidated");
        }
    }

    @Test
    void upstreamThatNeverAnswersHasTheTimeOfTimeouts() throws Exception {
        try (MirrorFixture mirror = mirror(
                "{check-deadline: 50ms, stale: {timeout: 3h, unreachable: 0s, server-error: 0s}}", pause -> {})) {
            Gate gate = new Gate();
            registry.faults().always(Requests.repository("app"), Fault.hold(gate));
            mirror.advance(Duration.ofMinutes(178));
            assertThat(verdict(pull(mirror))).isEqualTo("stale");
            mirror.advance(Duration.ofSeconds(1));
            CompletableFuture<HttpResponse<byte[]>> waiting = pulling(mirror);
            gate.awaitArrivals(1);
            gate.open();
            assertThat(verdict(waiting.get(20, TimeUnit.SECONDS))).isNotEqualTo("stale");
        }
    }
}
