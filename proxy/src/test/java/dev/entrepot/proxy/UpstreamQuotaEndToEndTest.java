package dev.entrepot.proxy;

import static dev.entrepot.proxy.MirrorFixture.APP;
import static dev.entrepot.proxy.MirrorFixture.code;
import static dev.entrepot.proxy.MirrorFixture.header;
import static dev.entrepot.proxy.MirrorFixture.verdict;
import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.DescriptorJson;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.testing.Abilities;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.Request;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** An upstream that counts pulls, and clients that want more of them than there are. */
class UpstreamQuotaEndToEndTest {
    private static final Predicate<Request> PULLS = Requests.get().and(Requests.manifests());
    private static final String PREFETCHED = "entrepot_prefetch_graphs_total{outcome=\"complete\"}";
    private static final String PINNED = "entrepot_pin_checks_total{outcome=\"complete\"}";
    private static final String PATH = "/v2/" + APP + "/manifests/";

    private final TestRegistry hub = TestRegistry.started();
    private final Images images = new Images(5);
    private final List<Bundle> kept = new ArrayList<>();
    private MirrorFixture mirror;

    @BeforeEach
    void start(@TempDir Path folder) throws Exception {
        mirror = MirrorFixture.of(folder, hub.uri());
        hub.quota(10);
        for (int i = 0; i < 10; i++) {
            Bundle image = hub.push(APP, images.image(100), "kept-" + i);
            kept.add(image);
            mirror.get(PATH + "kept-" + i);
            mirror.get("/v2/" + APP + "/blobs/"
                    + List.copyOf(image.blobs().keySet()).getFirst());
        }
        hub.push(APP, images.image(100), "new");
        mirror.advance(Duration.ofMinutes(2));
    }

    @AfterEach
    void stop() {
        mirror.close();
        hub.close();
    }

    @Test
    void withoutAPullLeftAllThatIsKeptIsServedAndNoPullIsMade() throws Exception {
        for (int round = 0; round < 3; round++) {
            for (int i = 0; i < 10; i++) {
                HttpResponse<byte[]> answer = mirror.get(PATH + "kept-" + i);
                assertThat(answer.body()).isEqualTo(kept.get(i).root().array());
                assertThat(verdict(answer)).isIn("revalidated", "hit");
                Digest blob = List.copyOf(kept.get(i).blobs().keySet()).getFirst();
                assertThat(mirror.get("/v2/" + APP + "/blobs/" + blob).statusCode())
                        .isEqualTo(200);
            }
            mirror.advance(Duration.ofMinutes(2));
        }
        assertThat(hub.calls().count(PULLS)).isEqualTo(10);
    }

    @Test
    void whatIsNotKeptIsRefusedAtOnceWithTheTimeToComeBackAndCostsTheUpstreamNothing() throws Exception {
        Predicate<Request> free = Requests.manifests().and(Requests.get().negate());
        int before = hub.calls().count(free);
        for (int i = 0; i < 20; i++) {
            HttpResponse<byte[]> refused = mirror.get(PATH + "new");
            assertThat(refused.statusCode()).isEqualTo(503);
            assertThat(code(refused)).isEqualTo("TOOMANYREQUESTS");
            assertThat(header(refused, "Retry-After")).isEqualTo("3600");
            assertThat(MirrorFixture.text(refused)).contains("none of 10 pulls is left", "2026-11-20T16:00:00Z");
        }
        assertThat(hub.calls().count(PULLS)).isEqualTo(10);
        assertThat(hub.calls().count(free) - before).isLessThanOrEqualTo(1);
    }

    @Test
    void newTagOfWhatIsKeptIsServedWithoutAPullLeft() throws Exception {
        hub.tag(APP, "alias", kept.getFirst().digest());
        HttpResponse<byte[]> answer = mirror.get(PATH + "alias");
        assertThat(answer.body()).isEqualTo(kept.getFirst().root().array());
        assertThat(verdict(answer)).isEqualTo("revalidated");
        assertThat(hub.calls().count(PULLS)).isEqualTo(10);
    }

    private void assertThatHeadIs(Bundle image, HttpResponse<byte[]> answer) {
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(header(answer, "Docker-Content-Digest"))
                .isEqualTo(image.digest().toString());
        assertThat(header(answer, "Content-Type"))
                .isEqualTo(image.root().mediaType().value());
        assertThat(header(answer, "Content-Length"))
                .isEqualTo(Integer.toString(image.root().sizeBytes()));
        assertThat(header(answer, "ETag")).isEqualTo("\"" + image.digest() + "\"");
    }

    @Test
    void headOfWhatIsNotKeptCostsNoPullAndIsAnsweredWithoutAPullLeft() throws Exception {
        Bundle fresh = hub.push(APP, images.image(100), "fresh");
        for (int i = 0; i < 3; i++) {
            assertThatHeadIs(fresh, mirror.head(PATH + "fresh"));
            assertThatHeadIs(fresh, mirror.head(PATH + fresh.digest()));
            mirror.advance(Duration.ofMinutes(2));
        }
        assertThat(mirror.head(PATH + "missing").statusCode()).isEqualTo(404);
        assertThat(mirror.head(PATH + Digest.sha256(new byte[] {1})).statusCode())
                .isEqualTo(404);
        assertThat(hub.calls().count(PULLS)).isEqualTo(10);

        hub.quota(10);
        assertThatHeadIs(fresh, mirror.head(PATH + "fresh"));
        assertThat(hub.calls().count(PULLS)).isEqualTo(10);
        assertThat(mirror.get(PATH + fresh.digest()).body())
                .isEqualTo(fresh.root().array());
        assertThat(mirror.get(PATH + "fresh").body()).isEqualTo(fresh.root().array());
        assertThat(hub.calls().count(PULLS)).as("HEAD and then GETs").isEqualTo(11);
    }

    @Test
    void headOfAnIndexThatIsNotKeptCostsNoPullWhereGraphsArePrefetched() throws Exception {
        hub.quota(100);
        mirror.head(PATH + "kept-1");
        assertThat(mirror.reconfigure("""
                default-upstream: registry.test
                upstreams:
                  registry.test: {url: "%s"}
                rules: [{prefetch: true}]
                """.formatted(hub.uri()))).isTrue();
        Bundle unknown = hub.push(APP, images.indexOf(List.of(images.image(100), images.image(101))), "unknown");
        Bundle image = images.image(102);
        Bundle other = hub.push(APP, images.indexOf(List.of(image)), "other");
        hub.calls().clear();

        assertThatHeadIs(unknown, mirror.head(PATH + unknown.digest()));
        assertThat(mirror.metric("entrepot_prefetch_waiting")).isZero();
        assertThat(hub.calls().count(PULLS)).isZero();

        // What is begun after it is at its end: what the HEAD had begun would have been seen.
        mirror.get(PATH + other.digest());
        MirrorFixture.await(() -> mirror.metric(PREFETCHED) > 0);
        assertThat(mirror.metric(PREFETCHED)).isEqualTo(1);
        assertThat(hub.calls().count(PULLS)).as("the other index and its image").isEqualTo(2);
        assertThat(hub.calls().gets(unknown.digest())).isZero();
        assertThat(hub.calls().matching(Requests.get().and(Requests.blobs())))
                .allMatch(call -> image.blobs().keySet().stream()
                        .anyMatch(blob -> call.request().path().endsWith(blob.toString())));
    }

    @Test
    void headOfAnIndexThatIsNotKeptCostsNoPullWhereGraphsArePinned() throws Exception {
        hub.quota(100);
        mirror.head(PATH + "kept-1");
        assertThat(mirror.reconfigure("""
                default-upstream: registry.test
                upstreams:
                  registry.test: {url: "%s"}
                rules: [{pin: true}]
                """.formatted(hub.uri()))).isTrue();
        Bundle unknown = hub.push(APP, images.indexOf(List.of(images.image(100), images.image(101))), "unknown");
        Bundle other = hub.push(APP, images.indexOf(List.of(images.image(102))), "other");
        hub.calls().clear();

        assertThatHeadIs(unknown, mirror.head(PATH + unknown.digest()));
        assertThat(hub.calls().count(PULLS)).isZero();

        // What is pinned after it is whole: what the HEAD had begun would have been seen.
        mirror.get(PATH + other.digest());
        MirrorFixture.await(() -> mirror.metric(PINNED) > 0);
        assertThat(hub.calls().count(PULLS)).as("the other index and its image").isEqualTo(2);
        assertThat(hub.calls().gets(unknown.digest())).isZero();

        mirror.get(PATH + unknown.digest());
        MirrorFixture.await(() -> mirror.metric(PINNED) > 1);
        assertThat(hub.calls().count(PULLS))
                .as("a GET has the rest fetched, too")
                .isEqualTo(5);
    }

    @Test
    void headOfATagThatIsKeptAndHasMovedCostsOnePullAndIsNotTakenBackInAnOutage() throws Exception {
        // That there are pulls again the HEAD of the tag is the first to show.
        hub.quota(100);
        Bundle moved = hub.push(APP, images.image(100), "kept-0");
        for (int i = 0; i < 3; i++) {
            assertThatHeadIs(moved, mirror.head(PATH + "kept-0"));
            assertThat(hub.calls().count(PULLS)).isEqualTo(11);
            mirror.advance(Duration.ofMinutes(2));
        }
        assertThat(explained()).startsWith("200 revalidated " + moved.digest());
        hub.stop();
        HttpResponse<byte[]> head = mirror.head(PATH + "kept-0");
        assertThatHeadIs(moved, head);
        assertThat(verdict(head)).isEqualTo("stale");
        HttpResponse<byte[]> get = mirror.get(PATH + "kept-0");
        assertThat(get.body()).isEqualTo(moved.root().array());
        assertThat(verdict(get)).isEqualTo("stale");
    }

    private String explained() throws Exception {
        JsonNode now = OciJson.mapper()
                .readTree(mirror.admin("/explain?ref=registry.test%2F" + APP.replace("/", "%2F") + "%3Akept-0")
                        .body())
                .path("now");
        return now.path("status").asInt() + " " + now.path("verdict").asString("") + " "
                + now.path("digest").asString("");
    }

    @Test
    void headOfATagThatIsKeptAndHasMovedCostsNoPullBelowTheReserve() throws Exception {
        spendDownToTwo();
        int pulls = hub.calls().count(PULLS);
        Bundle moved = hub.push(APP, images.image(100), "kept-0");
        HttpResponse<byte[]> answer = mirror.head(PATH + "kept-0");
        assertThatHeadIs(kept.getFirst(), answer);
        assertThat(verdict(answer)).isEqualTo("stale");
        assertThat(header(answer, "Warning")).contains("2 of 8 pulls are left");

        mirror.advance(Duration.ofDays(8));
        // The window has passed meanwhile: the HEAD of another tag shows again what is left.
        mirror.head(PATH + "kept-1");
        assertThatHeadIs(moved, mirror.head(PATH + "kept-0"));
        assertThat(hub.calls().count(PULLS)).isEqualTo(pulls);
    }

    /** Many clients ask for the digest that a HEAD named: it is one that can be had. */
    @Test
    void headOfATagThatHasMovedNamesWhatAGetGivesWhereNoPullIsLeft() throws Exception {
        hub.push(APP, images.image(100), "kept-0");
        HttpResponse<byte[]> answer = mirror.head(PATH + "kept-0");
        assertThatHeadIs(kept.getFirst(), answer);
        assertThat(verdict(answer)).isEqualTo("stale");
        assertThat(header(answer, "Warning")).contains("none of 10 pulls is left");
        assertThat(mirror.get(PATH + kept.getFirst().digest()).statusCode()).isEqualTo(200);
        assertThat(hub.calls().count(PULLS)).isEqualTo(10);
    }

    private List<Digest> referrers(HttpResponse<byte[]> answer) throws Exception {
        assertThat(answer.statusCode()).as(MirrorFixture.text(answer)).isEqualTo(200);
        return DescriptorJson.readIndex(answer.body()).stream()
                .map(Descriptor::digest)
                .toList();
    }

    // Its entries lack what only the manifests say.
    private Bundle sign(Bundle subject, List<Bundle> before) {
        Bundle signature = hub.push(
                APP,
                images.referrer(subject.descriptor(), "application/vnd.example.signature", Map.of("key", "value")));
        List<Bundle> all = new ArrayList<>(before);
        all.add(signature.describedAs(signature.root().descriptor()));
        hub.push(APP, images.fallbackIndex(all), subject.digest().referrersTag().value());
        return signature;
    }

    @Test
    void referrersOfAFallbackTagCostPullsOnceAndAreTruthfulWithoutAPullLeft() throws Exception {
        hub.able(Abilities.WITHOUT_REFERRERS).quota(2);
        Bundle subject = kept.getFirst();
        Bundle signature = sign(subject, List.of());
        String path = "/v2/" + APP + "/referrers/" + subject.digest();
        mirror.head(PATH + "kept-1");

        assertThat(referrers(mirror.get(path))).containsExactly(signature.digest());
        assertThat(hub.calls().count(PULLS)).as("the index and its entry").isEqualTo(12);
        for (int i = 0; i < 3; i++) {
            mirror.advance(Duration.ofMinutes(12));
            HttpResponse<byte[]> again = mirror.get(path);
            assertThat(referrers(again)).containsExactly(signature.digest());
            assertThat(DescriptorJson.readIndex(again.body()).getFirst().annotations())
                    .containsEntry("key", "value");
            assertThat(verdict(again)).isEqualTo("miss");
        }
        assertThat(hub.calls().count(PULLS)).as("with none left").isEqualTo(12);

        Bundle without = kept.get(1);
        assertThat(referrers(mirror.get("/v2/" + APP + "/referrers/" + without.digest())))
                .isEmpty();

        Bundle second =
                sign(subject, List.of(signature.describedAs(signature.root().descriptor())));
        mirror.advance(Duration.ofMinutes(12));
        HttpResponse<byte[]> stale = mirror.get(path);
        assertThat(referrers(stale)).containsExactly(signature.digest());
        assertThat(verdict(stale)).isEqualTo("stale");
        hub.quota(2);
        mirror.head(PATH + "kept-2");
        mirror.advance(Duration.ofMinutes(12));
        assertThat(referrers(mirror.get(path))).containsExactly(signature.digest(), second.digest());
        assertThat(hub.calls().count(PULLS)).as("the index and the new entry").isEqualTo(14);
        assertThat(hub.calls().all()).noneMatch(call -> call.status() == 429);
    }

    private void spendDownToTwo() throws Exception {
        hub.quota(8);
        for (int i = 0; i < 6; i++) {
            hub.push(APP, images.image(100), "other-" + i);
            assertThat(mirror.get(PATH + "other-" + i).statusCode()).isEqualTo(200);
        }
    }

    @Test
    void belowTheReserveATagThatHasMovedIsServedAsItWasAndTheReserveGoesToWhatIsNotKept() throws Exception {
        spendDownToTwo();
        Bundle moved = hub.push(APP, images.image(100), "kept-0");
        int pulls = hub.calls().count(PULLS);
        for (int i = 0; i < 5; i++) {
            HttpResponse<byte[]> answer = mirror.get(PATH + "kept-0");
            assertThat(answer.body()).isEqualTo(kept.getFirst().root().array());
            assertThat(verdict(answer)).isEqualTo("stale");
            assertThat(header(answer, "Warning"))
                    .contains("2 of 8 pulls are left, which are kept for what is not kept");
            mirror.advance(Duration.ofMinutes(2));
        }
        assertThat(hub.calls().count(PULLS)).isEqualTo(pulls);
        assertThat(mirror.get(PATH + "new").statusCode()).isEqualTo(200);
        assertThat(hub.calls().count(PULLS)).isEqualTo(pulls + 1);
        hub.quota(8);
        mirror.advance(Duration.ofMinutes(2));
        assertThat(mirror.get(PATH + "kept-0").body()).isEqualTo(moved.root().array());
    }

    @Test
    void belowTheReserveATagThatHasMovedIsFetchedWhereItMayNotBeServedAsItWas() throws Exception {
        spendDownToTwo();
        Bundle moved = hub.push(APP, images.image(100), "kept-0");
        mirror.advance(Duration.ofDays(8));
        // The window has passed meanwhile: the HEAD of another tag shows again what is left.
        mirror.head(PATH + "kept-1");
        HttpResponse<byte[]> answer = mirror.get(PATH + "kept-0");
        assertThat(answer.body()).isEqualTo(moved.root().array());
        assertThat(verdict(answer)).isEqualTo("miss");
    }

    @Test
    void tagThatHasMovedIsServedAsItWasWithAWarning() throws Exception {
        Bundle moved = hub.push(APP, images.image(100), "kept-0");
        HttpResponse<byte[]> answer = mirror.get(PATH + "kept-0");
        assertThat(answer.body()).isEqualTo(kept.getFirst().root().array());
        assertThat(verdict(answer)).isEqualTo("stale");
        assertThat(header(answer, "Warning")).contains("none of 10 pulls is left");
        assertThat(hub.calls().count(PULLS)).isEqualTo(10);
        hub.quota(10);
        mirror.advance(Duration.ofMinutes(2));
        assertThat(mirror.get(PATH + "kept-0").body()).isEqualTo(moved.root().array());
    }
}
