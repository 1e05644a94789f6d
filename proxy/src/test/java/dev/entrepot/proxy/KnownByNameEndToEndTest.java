package dev.entrepot.proxy;

import static dev.entrepot.proxy.MirrorFixture.APP;
import static dev.entrepot.proxy.MirrorFixture.code;
import static dev.entrepot.proxy.MirrorFixture.header;
import static dev.entrepot.proxy.MirrorFixture.verdict;
import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Gate;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.Request;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.proxy.rules.ExplanationText;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/**
 * Clients that have an image and send no more than HEAD for its tag, as a kubelet that always pulls: where pulls are
 * counted the mirror then knows what the tag names and has none of it.
 */
class KnownByNameEndToEndTest {
    private static final String PATH = "/v2/" + APP + "/manifests/";
    private static final Predicate<Request> PULLS = Requests.get().and(Requests.manifests());

    private final TestRegistry hub = TestRegistry.started();
    private final Bundle image = hub.push(APP, new Images(3).image(100), "1");
    private MirrorFixture mirror;

    private String configuration(String rule) {
        return """
                default-upstream: registry.test
                upstreams:
                  registry.test: {url: "%s"}
                rules: [%s]
                """.formatted(hub.uri(), rule);
    }

    @BeforeEach
    void askByHead(@TempDir Path folder) throws Exception {
        mirror = MirrorFixture.started(folder, configuration("{check-deadline: 0s}"));
        hub.quota(10);
        // So that it is known that pulls are counted.
        hub.push(APP, new Images(4).image(100), "other");
        mirror.get(PATH + "other");
        hub.calls().clear();
        HttpResponse<byte[]> head = mirror.head(PATH + "1");
        assertIsTheImage(head);
        assertThat(verdict(head)).isEqualTo("miss");
        assertThat(hub.calls().count(PULLS)).isZero();
        mirror.advance(Duration.ofMinutes(2));
    }

    @AfterEach
    void stop() {
        mirror.close();
        hub.close();
    }

    private void assertIsTheImage(HttpResponse<byte[]> head) {
        assertThat(head.statusCode()).isEqualTo(200);
        assertThat(header(head, "Docker-Content-Digest"))
                .isEqualTo(image.digest().toString());
        assertThat(header(head, "Content-Type"))
                .isEqualTo(image.root().mediaType().value());
        assertThat(header(head, "Content-Length"))
                .isEqualTo(Integer.toString(image.root().sizeBytes()));
        assertThat(header(head, "ETag")).isEqualTo("\"" + image.digest() + "\"");
    }

    private void assertIsStale(HttpResponse<byte[]> head) {
        assertIsTheImage(head);
        assertThat(verdict(head)).isEqualTo("stale");
        assertThat(header(head, "Warning")).startsWith("299 - \"stale: ");
    }

    private static void assertIsAnOutage(HttpResponse<byte[]> answer) {
        assertThat(answer.statusCode()).isIn(502, 503);
    }

    private JsonNode explained() throws Exception {
        return OciJson.mapper()
                .readTree(mirror.admin("/explain?ref=registry.test%2F" + APP.replace("/", "%2F") + "%3A1")
                        .body());
    }

    @Test
    void headIsAnsweredByTheNameWhileTheUpstreamIsOutAndNothingElseIs() throws Exception {
        hub.stop();
        for (int i = 0; i < 8; i++) {
            assertIsStale(mirror.head(PATH + "1"));
            HttpResponse<byte[]> get = mirror.get(PATH + "1");
            assertIsAnOutage(get);
            assertThat(code(get)).isEqualTo("UNAVAILABLE");
            assertIsAnOutage(mirror.get(PATH + image.digest()));
            assertIsAnOutage(mirror.head(PATH + image.digest()));
            assertIsAnOutage(mirror.head(PATH + "2"));
        }
        assertThat(mirror.metric("entrepot_stale_total{cause=\"unreachable\"}")).isEqualTo(8);
        assertThat(mirror.head(PATH + "1", "If-None-Match", "\"" + image.digest() + "\"")
                        .statusCode())
                .isEqualTo(304);

        mirror.advance(Duration.ofDays(8));
        assertIsAnOutage(mirror.head(PATH + "1"));

        hub.start();
        mirror.advance(Duration.ofMinutes(3));
        HttpResponse<byte[]> back = mirror.head(PATH + "1");
        assertIsTheImage(back);
        assertThat(verdict(back)).isEqualTo("miss");
        mirror.stop();
        assertThat(mirror.accessLog()).anyMatch(line -> line.contains("HEAD") && line.contains("stale"));
    }

    @Test
    void nameOutlivesTheProcess() throws Exception {
        mirror.stop();
        hub.stop();
        mirror.start();
        assertIsStale(mirror.head(PATH + "1"));
        assertIsAnOutage(mirror.get(PATH + "1"));
        assertIsAnOutage(mirror.get(PATH + image.digest()));
    }

    @Test
    void tagThatIsGoneIsNotAnsweredByItsName() throws Exception {
        hub.untag(APP, "1");
        assertThat(mirror.head(PATH + "1").statusCode()).isEqualTo(404);
        hub.stop();
        assertIsAnOutage(mirror.head(PATH + "1"));
    }

    @Test
    void upstreamThatSaysNothingIsNotWaitedFor() throws Exception {
        assertThat(mirror.reconfigure(configuration("{check-deadline: 50ms}"))).isTrue();
        Gate gate = new Gate();
        hub.faults().always(Requests.repository(APP), Fault.hold(gate));
        assertIsStale(mirror.head(PATH + "1"));
        gate.open();
    }

    @Test
    void explainSaysWhatAHeadGets() throws Exception {
        JsonNode said = explained();
        JsonNode down = said.path("ifUpstreamIs").path("unreachable");
        assertThat(down.path("status").asInt()).isEqualTo(502);
        assertThat(down.path("head").path("status").asInt()).isEqualTo(200);
        assertThat(down.path("head").path("verdict").asString("")).isEqualTo("stale");
        assertThat(down.path("head").path("digest").asString(""))
                .isEqualTo(image.digest().toString());
        assertThat(said.path("ifUpstreamIs").path("deleted").has("head")).isFalse();
        assertThat(said.path("now").has("head")).isFalse();
        assertThat(ExplanationText.of(said)).contains("(its name only)", "; a HEAD 200 stale " + image.digest());

        // With the circuit breaker open nobody needs to imagine it.
        hub.stop();
        for (int i = 0; i < 8; i++) {
            mirror.get(PATH + "1");
        }
        assertThat(explained().path("now").path("head").path("status").asInt()).isEqualTo(200);

        assertThat(mirror.reconfigure(configuration("{check-deadline: 0s, stale: {unreachable: 0s}}")))
                .isTrue();
        assertThat(explained().path("now").has("head")).isFalse();
        assertIsAnOutage(mirror.head(PATH + "1"));
    }
}
