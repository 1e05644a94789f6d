package dev.entrepot.proxy;

import static dev.entrepot.proxy.MirrorFixture.APP;
import static dev.entrepot.proxy.MirrorFixture.verdict;
import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** An upstream with mirrors before it, as clients see it. */
class MirrorsEndToEndTest {
    private static final String MANIFESTS = "/v2/" + APP + "/manifests/";
    private static final int LAYER = 300_000;

    private final TestRegistry registry = TestRegistry.started();
    private final TestRegistry copy = TestRegistry.started();
    private final TestRegistry digests = TestRegistry.started();
    private final Bundle image = registry.push(APP, new Images(9).image(LAYER), "1");
    private final Digest layer = image.blobs().entrySet().stream()
            .filter(blob -> blob.getValue().bytes().length == LAYER)
            .map(Map.Entry::getKey)
            .findFirst()
            .orElseThrow();

    @TempDir
    private Path folder;

    @AfterEach
    void stop() {
        registry.close();
        copy.close();
        digests.close();
    }

    private MirrorFixture mirror() throws Exception {
        return MirrorFixture.started(folder, """
                default-upstream: registry.test
                builtin-upstreams: false
                upstreams:
                  registry.test:
                    url: "%s"
                    mirrors:
                      - {url: "%s", answers: tags}
                      - {url: "%s", prefix: hub}
                """.formatted(registry.uri(), copy.uri(), digests.uri()));
    }

    private String blob() {
        return "/v2/" + APP + "/blobs/" + layer;
    }

    private byte[] layerBytes() {
        return image.blobs().get(layer).bytes();
    }

    @Test
    void imageComesFromTheMirrorsAndTheUpstreamIsNotAsked() throws Exception {
        copy.tag(APP, "1", image.digest());
        image.manifests().forEach(m -> copy.pushManifest(APP, m.digest(), m.mediaType(), m.array()));
        digests.push("hub/" + APP, image);
        try (MirrorFixture mirror = mirror()) {
            assertThat(mirror.get(MANIFESTS + "1").body())
                    .isEqualTo(image.root().array());
            assertThat(mirror.get(blob()).body()).isEqualTo(layerBytes());
            assertThat(registry.calls().all()).isEmpty();
            assertThat(digests.calls().count(Requests.blob(layer))).isEqualTo(1);
            assertThat(mirror.metrics())
                    .contains("entrepot_upstream_mirror_requests_total{upstream=\"registry.test via " + digests.host()
                            + "/hub\",outcome=\"answered\"} 1");
            JsonNode json =
                    OciJson.mapper().readTree(mirror.admin("/upstreams").body()).path("upstreams");
            assertThat(json).hasSize(3);
            assertThat(json.at("/1/name").asString("")).isEqualTo("registry.test via " + copy.host());
            assertThat(json.at("/1/mirror/answers").asString("")).isEqualTo("tags");
            assertThat(json.at("/2/mirror/answered").asInt(0)).isEqualTo(1);
        }
    }

    @Test
    void tagThatAMirrorNoLongerHasIsNotForgotten() throws Exception {
        copy.push(APP, image, "1");
        try (MirrorFixture mirror = mirror()) {
            assertThat(verdict(mirror.get(MANIFESTS + "1"))).isEqualTo("miss");
            copy.faults().always(Requests.any(), Fault.status(404));
            registry.stop();
            mirror.advance(Duration.ofMinutes(2));
            assertThat(verdict(mirror.get(MANIFESTS + "1"))).isEqualTo("stale");
            registry.start();
            mirror.advance(Duration.ofMinutes(2));
            assertThat(verdict(mirror.get(MANIFESTS + "1"))).isEqualTo("revalidated");
            registry.untag(APP, "1");
            mirror.advance(Duration.ofMinutes(2));
            assertThat(mirror.get(MANIFESTS + "1").statusCode()).isEqualTo(404);
        }
    }

    @Test
    void blobThatBreaksOffAtAMirrorIsCompletedFromTheUpstreamWithoutTheClientNoticing() throws Exception {
        copy.push(APP, image, "1");
        copy.faults().always(Requests.blobs(), Fault.resetAfter(LAYER / 2));
        try (MirrorFixture mirror = mirror()) {
            mirror.get(MANIFESTS + "1");
            assertThat(mirror.get(blob()).body()).isEqualTo(layerBytes());
            assertThat(registry.calls().count(Requests.blob(layer).and(Requests.withHeader("Range"))))
                    .isEqualTo(1);
            assertThat(mirror.metric("entrepot_fills_failed_total")).isZero();
        }
    }

    @Test
    void blobThatAMirrorHasWrongIsNeverServedAndComesFromTheUpstreamTheNextTime() throws Exception {
        copy.push(APP, image, "1");
        copy.faults().always(Requests.blobs(), Fault.corruptAt(LAYER - 1));
        try (MirrorFixture mirror = mirror()) {
            mirror.get(MANIFESTS + "1");
            assertThat(catchBody(mirror)).isNotEqualTo(layerBytes());
            assertThat(mirror.get(blob()).body()).isEqualTo(layerBytes());
            assertThat(registry.calls().count(Requests.blob(layer))).isEqualTo(1);
        }
    }

    // The connection is cut before the end: no client may take what came for the blob.
    private byte[] catchBody(MirrorFixture mirror) {
        try {
            return mirror.get(blob()).body();
        } catch (Exception e) {
            return new byte[0];
        }
    }

    @Test
    void explanationSaysWhichPlacesWouldBeAskedAndWhatOnlyTheyCanSay() throws Exception {
        copy.push(APP, image, "1");
        try (MirrorFixture mirror = mirror()) {
            JsonNode cold = explained(mirror, ":1");
            assertThat(cold.path("places")).hasSize(3);
            assertThat(cold.at("/places/0/name").asString(""))
                    .isEqualTo(copy.host().toString());
            assertThat(cold.at("/places/0").has("notAsked")).isFalse();
            assertThat(cold.at("/places/1/notAsked").asString("")).contains("digests only");
            assertThat(cold.at("/places/2/mirror").asBoolean(true)).isFalse();
            assertThat(cold.at("/ifUpstreamIs/unreachable/notKnown").asString(""))
                    .isEqualTo("whether it is at " + copy.host());
            registry.stop();
            assertThat(mirror.get(MANIFESTS + "1").statusCode()).as("it is").isEqualTo(200);
            JsonNode blob = explained(mirror, "@" + layer);
            assertThat(blob.at("/ifUpstreamIs/unreachable/notKnown").asString(""))
                    .isEqualTo("whether it is at " + copy.host() + " or " + digests.host() + "/hub");
            assertThat(mirror.get(blob()).body()).isEqualTo(layerBytes());
            mirror.awaitFills();
            assertThat(explained(mirror, "@" + layer)
                            .at("/ifUpstreamIs/unreachable/verdict")
                            .asString(""))
                    .isEqualTo("hit");
        }
    }

    private static JsonNode explained(MirrorFixture mirror, String reference) throws Exception {
        return OciJson.mapper()
                .readTree(mirror.admin("/explain?ref=registry.test%2Fteam%2Fapp"
                                + reference.replace("@", "%40").replace(":", "%3A"))
                        .body());
    }

    @Test
    void backgroundWorkReadsFromMirrorsToo() throws Exception {
        copy.push(APP, image, "1");
        try (MirrorFixture mirror = MirrorFixture.started(folder, """
                rules: [{check-deadline: 0s, prefetch: true}]
                default-upstream: registry.test
                builtin-upstreams: false
                upstreams:
                  registry.test: {url: "%s", mirrors: [{url: "%s", answers: tags}]}
                """.formatted(registry.uri(), copy.uri()))) {
            mirror.get(MANIFESTS + "1");
            MirrorFixture.await(() -> copy.calls().count(Requests.blob(layer)) == 1);
            mirror.awaitFills();
            assertThat(registry.calls().count(Requests.blobs().or(Requests.manifests())))
                    .isZero();
        }
    }
}
