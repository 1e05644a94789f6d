package dev.entrepot.proxy;

import static com.github.tomakehurst.wiremock.client.WireMock.aResponse;
import static com.github.tomakehurst.wiremock.client.WireMock.any;
import static com.github.tomakehurst.wiremock.client.WireMock.anyUrl;
import static com.github.tomakehurst.wiremock.client.WireMock.ok;
import static com.github.tomakehurst.wiremock.client.WireMock.urlPathEqualTo;
import static com.github.tomakehurst.wiremock.core.WireMockConfiguration.wireMockConfig;
import static dev.entrepot.proxy.MirrorFixture.code;
import static dev.entrepot.proxy.MirrorFixture.header;
import static dev.entrepot.proxy.MirrorFixture.verdict;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.tomakehurst.wiremock.junit5.WireMockExtension;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.testing.Abilities;
import dev.entrepot.oci.testing.Access;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Feature;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.Request;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.oci.testing.TokenService;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What clients see of an upstream that breaks, lies, refuses or is out: a whole mirror between real sockets. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class UpstreamFaultsEndToEndTest {
    @RegisterExtension
    static final WireMockExtension WIRE = WireMockExtension.newInstance()
            .options(wireMockConfig().dynamicPort())
            .build();

    private final TestRegistry registry = TestRegistry.started();
    private final Images images = new Images(3);
    private MirrorFixture mirror;

    @BeforeAll
    void start(@TempDir Path folder) throws Exception {
        mirror = MirrorFixture.started(folder, """
                default-upstream: registry.test
                upstreams:
                  registry.test: {url: "%s"}
                  wire.test: {url: "%s"}
                """.formatted(registry.uri(), WIRE.baseUrl()));
    }

    @AfterEach
    void clear() {
        registry.faults().clear();
        registry.able(Abilities.DEFAULT).open(Access.ANYONE);
    }

    @AfterAll
    void stop() {
        mirror.close();
        registry.close();
    }

    private static Digest layer(Bundle image) {
        return List.copyOf(image.blobs().keySet()).getLast();
    }

    private static Predicate<Request> gets(Digest blob) {
        return Requests.get().and(Requests.blob(blob));
    }

    /** Makes a kept tag old enough to be checked. */
    private void age() {
        mirror.advance(Duration.ofMinutes(2));
    }

    @ParameterizedTest
    @ValueSource(strings = {"reset", "truncated"})
    void bodyThatBreaksOffIsResumedWithRangeWithoutTheClientNoticing(String how) throws Exception {
        Bundle image = registry.push("breaks/" + how, images.image(300_000), "1");
        Digest blob = layer(image);
        registry.faults()
                .once(gets(blob), how.equals("reset") ? Fault.resetAfter(120_000) : Fault.truncateAfter(120_000));

        HttpResponse<byte[]> answer = mirror.get("/v2/breaks/" + how + "/blobs/" + blob);

        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(Digest.sha256(answer.body())).isEqualTo(blob);
        assertThat(registry.requests(gets(blob))
                        .getLast()
                        .request()
                        .header("Range")
                        .orElse(""))
                .matches("bytes=[1-9][0-9]*-");
        assertThat(registry.calls().count(gets(blob))).isEqualTo(2);
    }

    @Test
    void bodyThatBreaksOffIsReadAnewWhereRangesAreIgnoredWithoutTheClientNoticing() throws Exception {
        registry.able(Abilities.DEFAULT.without(Feature.RANGES));
        Bundle image = registry.push("anew", images.image(300_000), "1");
        Digest blob = layer(image);
        registry.faults().once(gets(blob), Fault.resetAfter(120_000));
        assertThat(Digest.sha256(mirror.get("/v2/anew/blobs/" + blob).body())).isEqualTo(blob);
        assertThat(registry.calls().count(gets(blob))).isEqualTo(2);
    }

    @Test
    void bodyThatDribblesArrivesWhole() throws Exception {
        Bundle image = images.image(200_000);
        byte[] blob = image.blobs().get(layer(image)).bytes();
        WIRE.stubFor(any(urlPathEqualTo("/v2/dribble/blobs/" + layer(image)))
                .willReturn(ok().withBody(blob).withChunkedDribbleDelay(10, 300)));
        WIRE.stubFor(any(urlPathEqualTo("/v2/dribble/manifests/" + layer(image)))
                .willReturn(aResponse().withStatus(404)));
        assertThat(mirror.get("/v2/wire.test/dribble/blobs/" + layer(image)).body())
                .isEqualTo(blob);
    }

    /** So large that its beginning is sent before its end is known. */
    @Test
    void endOfALargeBlobWithAWrongDigestIsNeverSentAndNothingIsKept() throws Exception {
        Bundle image = registry.push("wrong/large", images.image(400_000), "1");
        Digest blob = layer(image);
        mirror.get("/v2/wrong/large/manifests/1");
        String path = "/v2/wrong/large/blobs/" + blob;
        registry.faults().once(gets(blob), Fault.corruptAt(5));
        assertThatThrownBy(() -> {
                    HttpResponse<byte[]> answer = mirror.get(path);
                    if (answer.statusCode() != 200) {
                        throw new IOException(
                                "refused before the first byte, which is as good: " + answer.statusCode());
                    }
                })
                .isInstanceOf(IOException.class);
        mirror.awaitFills();
        HttpResponse<byte[]> next = mirror.get(path);
        assertThat(verdict(next)).isEqualTo("miss");
        assertThat(Digest.sha256(next.body())).isEqualTo(blob);
    }

    @Test
    void smallBlobWithAWrongDigestIsAnErrorAnswerAndNothingIsKept() throws Exception {
        Bundle image = registry.push("wrong/small", images.image(1000), "1");
        Digest blob = layer(image);
        String path = "/v2/wrong/small/blobs/" + blob;
        registry.faults().once(gets(blob), Fault.corruptAt(5));
        assertThat(mirror.get(path).statusCode()).isEqualTo(502);
        mirror.awaitFills();
        HttpResponse<byte[]> next = mirror.get(path);
        assertThat(verdict(next)).isEqualTo("miss");
        assertThat(Digest.sha256(next.body())).isEqualTo(blob);
    }

    @Test
    void manifestWithAWrongDigestIsAnErrorAnswerAndNothingIsKept() throws Exception {
        Bundle image = registry.push("wrong/manifest", images.image(10), "1");
        registry.faults().once(Requests.get().and(Requests.manifests()), Fault.corruptAt(20));
        String path = "/v2/wrong/manifest/manifests/" + image.digest();
        assertThat(mirror.get(path).statusCode()).isEqualTo(502);
        assertThat(mirror.get(path).body()).isEqualTo(image.root().array());
    }

    @ParameterizedTest
    @ValueSource(longs = {299_000, 301_000})
    void lengthOtherThanThatOfTheManifestIsAnErrorBeforeTheFirstByte(long stated) throws Exception {
        String name = "length/of-" + stated;
        Bundle image = registry.push(name, images.image(300_000), "1");
        Digest blob = layer(image);
        mirror.get("/v2/" + name + "/manifests/1");
        registry.faults().once(gets(blob), Fault.statedLength(stated));
        HttpResponse<byte[]> refused = mirror.get("/v2/" + name + "/blobs/" + blob);
        assertThat(refused.statusCode()).isEqualTo(502);
        mirror.awaitFills();
        HttpResponse<byte[]> next = mirror.get("/v2/" + name + "/blobs/" + blob);
        assertThat(Digest.sha256(next.body())).isEqualTo(blob);
    }

    @ParameterizedTest
    @EnumSource(com.github.tomakehurst.wiremock.http.Fault.class)
    void brokenConnectionsOfAnyKindServeWhatIsKeptAndAreOtherwiseAnOutage(
            com.github.tomakehurst.wiremock.http.Fault fault) throws Exception {
        Bundle image = images.image(10);
        WIRE.stubFor(any(anyUrl())
                .willReturn(ok().withHeader(
                                "Content-Type", image.root().mediaType().value())
                        .withHeader("Docker-Content-Digest", image.digest().toString())
                        .withBody(image.root().array())));
        String name = "/v2/wire.test/broken/by-" + fault.ordinal();
        assertThat(mirror.get(name + "/manifests/kept").statusCode()).isEqualTo(200);
        age();
        WIRE.stubFor(any(anyUrl()).willReturn(aResponse().withFault(fault)));

        HttpResponse<byte[]> kept = mirror.get(name + "/manifests/kept");
        assertThat(verdict(kept)).isEqualTo("stale");
        assertThat(header(kept, "Warning")).startsWith("299 - \"stale: ");
        assertThat(kept.body()).isEqualTo(image.root().array());
        HttpResponse<byte[]> unknown = mirror.get(name + "/manifests/unknown");
        assertThat(unknown.statusCode()).isEqualTo(502);
        assertThat(code(unknown)).isEqualTo("UNAVAILABLE");
    }

    @ParameterizedTest
    @CsvSource({"401, 401, UNAUTHORIZED", "403, 403, DENIED", "404, 404, MANIFEST_UNKNOWN"})
    void answersOfTheUpstreamArePassedOnEvenWhereSomethingIsKept(int status, int expected, String expectedCode)
            throws Exception {
        String name = "answers/of-" + status;
        registry.push(name, images.image(10), "1");
        mirror.get("/v2/" + name + "/manifests/1");
        age();
        registry.faults().always(Requests.repository(name), Fault.status(status));
        HttpResponse<byte[]> answer = mirror.get("/v2/" + name + "/manifests/1");
        assertThat(answer.statusCode()).isEqualTo(expected);
        assertThat(code(answer)).isEqualTo(expectedCode);
        assertThat(header(answer, "Cache-Control")).isEqualTo("no-store");
        HttpResponse<byte[]> blob = mirror.get("/v2/" + name + "/blobs/" + Digest.sha256(new byte[] {1}));
        assertThat(blob.statusCode()).isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(ints = {408, 429, 500, 502, 503, 504})
    void outagesServeWhatIsKeptWithAWarning(int status) throws Exception {
        String name = "outages/of-" + status;
        Bundle image = registry.push(name, images.image(10), "1");
        mirror.get("/v2/" + name + "/manifests/1");
        mirror.get("/v2/" + name + "/tags/list");
        age();
        registry.faults().always(Requests.repository(name), Fault.status(status));
        HttpResponse<byte[]> manifest = mirror.get("/v2/" + name + "/manifests/1");
        assertThat(manifest.body()).isEqualTo(image.root().array());
        assertThat(verdict(manifest)).isEqualTo("stale");
        assertThat(header(manifest, "Warning")).startsWith("299 - \"stale: ");
        assertThat(header(manifest, "Age")).isEqualTo("120");
        HttpResponse<byte[]> tags = mirror.get("/v2/" + name + "/tags/list");
        assertThat(verdict(tags)).isEqualTo("stale");
        assertThat(mirror.get("/v2/" + name + "/manifests/2").statusCode()).isIn(502, 503, 504);
    }

    @Test
    void whatIsKeptIsServedForSevenDaysOfAnOutageAndNoLonger() throws Exception {
        registry.push("days", images.image(10), "1");
        mirror.get("/v2/days/manifests/1");
        registry.faults().always(Requests.repository("days"), Fault.hangUp());
        mirror.advance(Duration.ofDays(7));
        assertThat(verdict(mirror.get("/v2/days/manifests/1"))).isEqualTo("stale");
        mirror.advance(Duration.ofSeconds(1));
        assertThat(mirror.get("/v2/days/manifests/1").statusCode()).isEqualTo(502);
    }

    @Test
    void tagThatTheUpstreamDeniedIsNotServedInTheNextOutage() throws Exception {
        Bundle image = registry.push("gone", images.image(10), "1");
        mirror.get("/v2/gone/manifests/1");
        age();
        registry.untag("gone", "1");
        assertThat(mirror.get("/v2/gone/manifests/1").statusCode()).isEqualTo(404);
        registry.faults().always(Requests.repository("gone"), Fault.hangUp());
        assertThat(mirror.get("/v2/gone/manifests/1").statusCode()).isEqualTo(502);
        assertThat(verdict(mirror.get("/v2/gone/manifests/" + image.digest()))).isEqualTo("hit");
    }

    @Test
    void tokenServiceThatIsDownIsAnOutageAndNotARefusal() throws Exception {
        registry.push("token", images.image(10), "1");
        mirror.get("/v2/token/manifests/1");
        age();
        URI nowhere;
        try (ServerSocket closed = new ServerSocket(0)) {
            nowhere = URI.create("http://127.0.0.1:" + closed.getLocalPort() + "/token");
        }
        registry.open(new Access.Bearer(TokenService.forAnyone(), Optional.of(nowhere)));
        assertThat(verdict(mirror.get("/v2/token/manifests/1"))).isEqualTo("stale");
        HttpResponse<byte[]> unknown = mirror.get("/v2/token/manifests/2");
        assertThat(unknown.statusCode()).isEqualTo(502);
        assertThat(code(unknown)).isEqualTo("UNAVAILABLE");
    }

    @Test
    void tagThatMovesBetweenTheCheckAndTheFetchGivesOneWholeImage() throws Exception {
        registry.push("moves", images.image(10), "1");
        Bundle second = registry.push("moves", images.image(10));
        Bundle third = registry.push("moves", images.image(10));
        mirror.get("/v2/moves/manifests/1");
        age();
        registry.tag("moves", "1", second.digest());
        registry.faults()
                .once(
                        Requests.get().and(Requests.manifest(second.digest())),
                        Fault.first(() -> registry.tag("moves", "1", third.digest())));

        HttpResponse<byte[]> torn = mirror.get("/v2/moves/manifests/1");
        assertThat(torn.body()).isEqualTo(second.root().array());
        assertThat(header(torn, "Docker-Content-Digest"))
                .isEqualTo(second.digest().toString());
        for (Digest blob : second.blobs().keySet()) {
            assertThat(Digest.sha256(mirror.get("/v2/moves/blobs/" + blob).body()))
                    .isEqualTo(blob);
        }
        age();
        assertThat(mirror.get("/v2/moves/manifests/1").body())
                .isEqualTo(third.root().array());
    }

    @Test
    void everythingThatWasPulledIsServedWithTheUpstreamSwitchedOff() throws Exception {
        Bundle index = registry.push("off", images.index("linux/amd64", "linux/arm64"), "1");
        mirror.get("/v2/off/manifests/1");
        for (Digest manifest : index.manifestDigests()) {
            mirror.get("/v2/off/manifests/" + manifest);
        }
        for (Digest blob : index.blobs().keySet()) {
            mirror.get("/v2/off/blobs/" + blob);
        }
        mirror.awaitFills();
        age();
        registry.stop();
        try {
            assertThat(verdict(mirror.get("/v2/off/manifests/1"))).isEqualTo("stale");
            for (Digest manifest : index.manifestDigests()) {
                HttpResponse<byte[]> kept = mirror.get("/v2/off/manifests/" + manifest);
                assertThat(Digest.sha256(kept.body())).isEqualTo(manifest);
                assertThat(verdict(kept)).isEqualTo("hit");
                assertThat(kept.headers().firstValue("Warning")).isEmpty();
            }
            for (Digest blob : index.blobs().keySet()) {
                HttpResponse<byte[]> kept = mirror.get("/v2/off/blobs/" + blob);
                assertThat(Digest.sha256(kept.body())).isEqualTo(blob);
                assertThat(verdict(kept)).isEqualTo("hit");
                assertThat(verdict(mirror.head("/v2/off/blobs/" + blob))).isEqualTo("hit");
            }
        } finally {
            registry.start();
        }
    }
}
