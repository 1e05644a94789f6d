package dev.entrepot.proxy;

import static dev.entrepot.proxy.MirrorFixture.header;
import static dev.entrepot.proxy.MirrorFixture.verdict;
import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.DescriptorJson;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.RecordedCall;
import dev.entrepot.oci.testing.Requests;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;

/** What a client gets through the mirror is the same, whatever registry is behind it: one contract for all of them. */
class RegistryContractEndToEndTest {
    @TempDir
    private Path folder;

    private final FixtureClock clock = new FixtureClock();
    private SimulatedRegistry registry;
    private MirrorFixture mirror;

    private void open(SimulatedRegistries kind) throws Exception {
        registry = kind.open(clock);
        mirror = MirrorFixture.started(folder, registry.configuration(), clock, registry.variables);
        assertThat(registry.api.calls().all()).as("nothing is asked at start").isEmpty();
        assertThat(registry.servicesAsked()).as("nobody is asked at start").isZero();
    }

    @AfterEach
    void close() {
        mirror.close();
        registry.close();
    }

    private String path(String rest) {
        return "/v2/" + registry.name + "/" + registry.repository + "/" + rest;
    }

    private HttpResponse<byte[]> tag() throws Exception {
        HttpResponse<byte[]> answer = mirror.get(path("manifests/1"));
        assertThat(answer.statusCode()).as(MirrorFixture.text(answer)).isEqualTo(200);
        assertThat(answer.body()).isEqualTo(registry.index.root().array());
        assertThat(header(answer, "Content-Type"))
                .isEqualTo(registry.index.root().mediaType().value());
        assertThat(header(answer, "Docker-Content-Digest"))
                .isEqualTo(registry.index.digest().toString());
        return answer;
    }

    private void manifests(Bundle bundle) throws Exception {
        for (ManifestBytes manifest : bundle.manifests()) {
            HttpResponse<byte[]> answer = mirror.get(path("manifests/" + manifest.digest()));
            assertThat(answer.statusCode()).as(MirrorFixture.text(answer)).isEqualTo(200);
            assertThat(answer.body()).isEqualTo(manifest.array());
        }
    }

    private void blobs(Bundle bundle) throws Exception {
        for (Digest blob : bundle.blobs().keySet()) {
            HttpResponse<byte[]> head = mirror.head(path("blobs/" + blob));
            assertThat(head.statusCode()).as("HEAD of " + blob).isEqualTo(200);
            HttpResponse<byte[]> answer = mirror.get(path("blobs/" + blob));
            assertThat(answer.statusCode()).as("GET of " + blob).isEqualTo(200);
            assertThat(Digest.sha256(answer.body())).isEqualTo(blob);
        }
        mirror.awaitFills();
    }

    private void referrers() throws Exception {
        HttpResponse<byte[]> answer = mirror.get(path("referrers/" + registry.index.digest()));
        assertThat(answer.statusCode()).as(MirrorFixture.text(answer)).isEqualTo(200);
        assertThat(DescriptorJson.readIndex(answer.body()))
                .extracting(Descriptor::digest)
                .containsExactly(registry.signature.digest());
        Digest without = registry.index.manifestDigests().getFirst();
        assertThat(mirror.get(path("referrers/" + without)).statusCode())
                .as("referrers of what has none")
                .isIn(200, 404);
    }

    private void noManifestIsABlob() throws Exception {
        for (ManifestBytes manifest : registry.index.manifests()) {
            assertThat(mirror.head(path("blobs/" + manifest.digest())).statusCode())
                    .as("HEAD as a blob of the manifest " + manifest.digest())
                    .isEqualTo(404);
        }
    }

    /** All of it, as a client does that verifies signatures. */
    private void pull() throws Exception {
        tag();
        manifests(registry.index);
        noManifestIsABlob();
        blobs(registry.index);
        referrers();
        manifests(registry.signature);
        blobs(registry.signature);
    }

    private void assertThatNothingLeaked() {
        assertThat(registry.storage.content().calls().all())
                .extracting(RecordedCall::request)
                .noneMatch(request -> request.headers().has("Authorization"))
                .noneMatch(request -> request.headers().has("Cookie"));
    }

    @ParameterizedTest
    @EnumSource(SimulatedRegistries.class)
    void coldThenWarmThenDown(SimulatedRegistries kind) throws Exception {
        open(kind);
        pull();
        cold();
        warm();
        down();
    }

    private void cold() {
        assertThatNothingLeaked();
        assertThat(registry.tokens.issued()).as("tokens").isLessThanOrEqualTo(1);
        for (Digest blob : registry.index.blobs().keySet()) {
            // Being led to another name is not being sent a blob.
            assertThat(registry.api.requests(Requests.get().and(Requests.blob(blob))).stream()
                            .filter(call -> call.status() != 301))
                    .as("GETs of " + blob)
                    .hasSizeLessThanOrEqualTo(3);
        }
    }

    private void warm() throws Exception {
        int asked = registry.api.calls().all().size();
        pull();
        assertThat(registry.api.calls().all()).as("while it is fresh").hasSize(asked);

        mirror.advance(Duration.ofMinutes(2));
        int manifests = registry.api.calls().count(Requests.get().and(Requests.manifests()));
        int blobs = registry.api.calls().count(Requests.blobs());
        assertThat(verdict(tag())).isEqualTo("revalidated");
        manifests(registry.index);
        blobs(registry.index);
        assertThat(registry.api.calls().count(Requests.blobs())).isEqualTo(blobs);
        assertThat(registry.api.calls().count(Requests.get().and(Requests.manifests())))
                .isLessThanOrEqualTo(registry.headTellsAll() ? manifests : manifests + 1);
    }

    @ParameterizedTest
    @EnumSource(SimulatedRegistries.class)
    void whatWasIssuedExpiresInMidPull(SimulatedRegistries kind) throws Exception {
        open(kind);
        tag();
        registry.expire();
        mirror.advance(Duration.ofMinutes(2));
        manifests(registry.index);
        registry.expire();
        mirror.advance(Duration.ofMinutes(2));
        Digest layer = largest();
        registry.storage.content().faults().once(Requests.path("/cdn/" + layer), Fault.resetAfter(100_000));
        registry.api.faults().once(Requests.path("/cdn/" + layer), Fault.resetAfter(100_000));
        blobs(registry.index);
        registry.expire();
        mirror.advance(Duration.ofMinutes(2));
        referrers();
        assertThat(verdict(tag())).isEqualTo("revalidated");
        assertThatNothingLeaked();
        assertThat(registry.tokens.issued()).as("tokens").isLessThanOrEqualTo(4);
    }

    private Digest largest() {
        return registry.index.blobs().entrySet().stream()
                .max((one, other) -> Long.compare(
                        one.getValue().sizeBytes(), other.getValue().sizeBytes()))
                .orElseThrow()
                .getKey();
    }

    private void down() throws Exception {
        registry.stop();
        mirror.advance(Duration.ofMinutes(2));
        HttpResponse<byte[]> stale = tag();
        assertThat(verdict(stale)).isEqualTo("stale");
        assertThat(header(stale, "Warning")).isNotEmpty();
        manifests(registry.index);
        blobs(registry.index);
        referrers();
        assertThat(mirror.get(path("manifests/new")).statusCode()).isIn(502, 503, 504);
    }

    @ParameterizedTest
    @EnumSource(
            value = SimulatedRegistries.class,
            names = {"DOCKER_HUB", "ECR", "ECR_PUBLIC", "GAR", "ACR"})
    void whoGivesCredentialsIsOut(SimulatedRegistries kind) throws Exception {
        open(kind);
        pull();
        registry.stopServices();
        registry.expire();
        mirror.advance(Duration.ofHours(13));
        HttpResponse<byte[]> stale = tag();
        assertThat(verdict(stale)).isEqualTo("stale");
        manifests(registry.index);
        blobs(registry.index);
        assertThat(mirror.get(path("manifests/new")).statusCode()).isIn(502, 503, 504);
    }

    @ParameterizedTest
    @EnumSource(
            value = SimulatedRegistries.class,
            names = {"ECR", "ECR_PUBLIC", "GAR", "ACR"})
    void whoGivesCredentialsRefuses(SimulatedRegistries kind) throws Exception {
        open(kind);
        registry.closeServices();
        HttpResponse<byte[]> answer = mirror.get(path("manifests/1"));
        assertThat(answer.statusCode()).as(MirrorFixture.text(answer)).isIn(401, 403);
    }

    /** A token service answers 200 with fewer rights than were asked for; it is the registry that then says no. */
    @Test
    void rightsThatAreLeftOutOfATokenAreARefusalOfTheRegistry() throws Exception {
        open(SimulatedRegistries.QUAY);
        HttpResponse<byte[]> answer = mirror.get("/v2/quay.io/other/app/manifests/1");
        assertThat(answer.statusCode()).isEqualTo(401);
        assertThat(registry.tokens.issued()).isLessThanOrEqualTo(2);
    }

    @Test
    void programGivesCredentialsWhenTheyAreNeeded() throws Exception {
        registry = SimulatedRegistries.QUAY.open(clock);
        registry.credentials("{exec: [/bin/sh, -c, 'printf \"{\\\"Username\\\":\\\"team+robot\\\","
                + "\\\"Secret\\\":\\\"robot-s3cret\\\"}\"']}");
        mirror = MirrorFixture.started(folder, registry.configuration(), clock, registry.variables);
        pull();
    }

    /** The key file of a service account has several lines, and is the password as it is. */
    @Test
    void keyFileOfGoogleIsAPassword() throws Exception {
        registry = SimulatedRegistries.GAR.open(clock);
        String key = "{\n  \"type\": \"service_account\",\n  \"private_key\": \"-----BEGIN\\nkey-s3cret\\n\"\n}";
        Files.writeString(folder.resolve("key.json"), key + "\n");
        registry.credentials("{username: _json_key, password-file: key.json}");
        registry.tokens.to(SimulatedRegistries.user("_json_key", key));
        mirror = MirrorFixture.started(folder, registry.configuration(), clock, Map.of());
        pull();
        assertThat(registry.tokens.issued()).isEqualTo(1);
        assertThatNothingLeaked();
    }

    /** That {@code /v2/} is open says nothing of credentials, and they are still shown where they are asked for. */
    @Test
    void openDoorHasTakenNoCredentialsAndTheRoomsBehindItStillDo() throws Exception {
        registry = SimulatedRegistries.OPEN_DOOR.open(clock);
        // A check asks all upstreams.
        mirror = MirrorFixture.started(
                folder, "builtin-upstreams: false\n" + registry.configuration(), clock, registry.variables);
        HttpResponse<String> checked = mirror.askAdmin("POST", "/upstreams");
        JsonNode line = OciJson.mapper().readTree(checked.body()).at("/upstreams/0");
        assertThat(line.path("name").asString("")).isEqualTo(registry.name);
        assertThat(line.path("reachable").asBoolean(false)).isTrue();
        assertThat(line.path("credentialsAccepted").isBoolean()).isFalse();
        assertThat(registry.tokens.issued()).isZero();
        pull();
        assertThat(registry.tokens.issued()).isEqualTo(1);
    }

    /** A proxy project of Harbor answers 429 when the registry behind it does. */
    @Test
    void harborThatIsLimitedByTheRegistryBehindItIsAnOutage() throws Exception {
        open(SimulatedRegistries.HARBOR);
        tag();
        registry.api.faults().always(Requests.manifests(), Fault.error(429, "TOOMANYREQUESTS"));
        mirror.advance(Duration.ofMinutes(2));
        assertThat(verdict(tag())).isEqualTo("stale");
        HttpResponse<byte[]> refused = mirror.get(path("manifests/new"));
        assertThat(refused.statusCode()).isEqualTo(503);
        assertThat(MirrorFixture.code(refused)).isEqualTo("TOOMANYREQUESTS");
    }

    /** A proxy project of Harbor denies by HEAD what it sends and does not hold any more. */
    @Test
    void tagThatHarborDeniesByHeadAndSendsIsNotForgotten() throws Exception {
        open(SimulatedRegistries.HARBOR);
        tag();
        for (int i = 0; i < 2; i++) {
            registry.expire();
            mirror.advance(Duration.ofMinutes(2));
            assertThat(verdict(tag())).isEqualTo("revalidated");
        }
        registry.api.untag("hub/library/app", "1");
        mirror.advance(Duration.ofMinutes(2));
        assertThat(mirror.get(path("manifests/1")).statusCode()).isEqualTo(404);
    }

    @Test
    void manifestThatArtifactoryGivesOutForABlobIsStillServedAsAManifest() throws Exception {
        open(SimulatedRegistries.ARTIFACTORY);
        for (ManifestBytes manifest : registry.index.manifests()) {
            assertThat(mirror.head(path("blobs/" + manifest.digest())).statusCode())
                    .isIn(200, 404);
        }
        pull();
    }

    /** What Hub counts: GETs of manifests that it answers. */
    private int pulls() {
        return Math.toIntExact(registry.api.requests(Requests.get().and(Requests.manifests())).stream()
                .filter(call -> call.status() == 200)
                .count());
    }

    @Test
    void hubWithoutAPullLeftServesAllThatIsKeptAndNoPullIsWasted() throws Exception {
        open(SimulatedRegistries.DOCKER_HUB);
        pull();
        int spent = pulls();
        Map<String, byte[]> kept = new LinkedHashMap<>();
        for (int i = 0; i < 10; i++) {
            registry.api.tag(registry.repository, "t" + i, registry.index.digest());
            kept.put("t" + i, registry.index.root().array());
            assertThat(mirror.get(path("manifests/t" + i)).statusCode())
                    .as("t" + i)
                    .isEqualTo(200);
        }
        assertThat(pulls()).isEqualTo(spent);
        Images images = new Images(10);
        for (int i = spent; i < 100; i++) {
            Bundle own = registry.api.push(registry.repository, images.image(10), "own" + i);
            kept.put("own" + i, own.root().array());
            assertThat(mirror.get(path("manifests/own" + i)).statusCode()).isEqualTo(200);
        }
        registry.api.tag(registry.repository, "late", registry.index.digest());
        kept.put("late", registry.index.root().array());
        assertThat(mirror.get(path("manifests/late")).statusCode()).isEqualTo(200);
        for (int round = 0; round < 2; round++) {
            mirror.advance(Duration.ofMinutes(2));
            for (Map.Entry<String, byte[]> tag : kept.entrySet()) {
                HttpResponse<byte[]> answer = mirror.get(path("manifests/" + tag.getKey()));
                assertThat(answer.body()).isEqualTo(tag.getValue());
                assertThat(verdict(answer)).isEqualTo("revalidated");
            }
            manifests(registry.index);
            blobs(registry.index);
            referrers();
        }
        registry.api.push(registry.repository, new Images(9).image(10), "not-kept");
        assertThat(mirror.get(path("manifests/not-kept")).statusCode()).isEqualTo(503);
        assertThat(pulls()).isEqualTo(100);
        assertThat(registry.api.calls().all()).noneMatch(call -> call.status() == 429);
    }

    @Test
    void hubTellsFromAMissingImageByARefusalWhichIsPassedOn() throws Exception {
        open(SimulatedRegistries.DOCKER_HUB);
        assertThat(mirror.get(path("manifests/missing")).statusCode()).isEqualTo(401);
        tag();
        assertThat(registry.tokens.issued()).isLessThanOrEqualTo(2);
    }
}
