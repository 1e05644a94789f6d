package dev.entrepot.proxy;

import static com.github.tomakehurst.wiremock.client.WireMock.absent;
import static com.github.tomakehurst.wiremock.client.WireMock.any;
import static com.github.tomakehurst.wiremock.client.WireMock.anyUrl;
import static com.github.tomakehurst.wiremock.client.WireMock.get;
import static com.github.tomakehurst.wiremock.client.WireMock.getRequestedFor;
import static com.github.tomakehurst.wiremock.client.WireMock.head;
import static com.github.tomakehurst.wiremock.client.WireMock.matching;
import static com.github.tomakehurst.wiremock.client.WireMock.ok;
import static com.github.tomakehurst.wiremock.client.WireMock.status;
import static com.github.tomakehurst.wiremock.client.WireMock.unauthorized;
import static com.github.tomakehurst.wiremock.client.WireMock.urlPathEqualTo;
import static com.github.tomakehurst.wiremock.core.WireMockConfiguration.wireMockConfig;
import static dev.entrepot.proxy.MirrorFixture.code;
import static dev.entrepot.proxy.MirrorFixture.header;
import static dev.entrepot.proxy.MirrorFixture.verdict;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.tomakehurst.wiremock.client.ResponseDefinitionBuilder;
import com.github.tomakehurst.wiremock.junit5.WireMockExtension;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Images;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What clients get of an upstream that nobody here has written: one of WireMock, which says what each test has it say,
 * word for word, and nothing that a registry would add. Each test has a mirror of its own, whose breakers and holds
 * know nothing of the others.
 */
class OddUpstreamEndToEndTest {
    private static final String REPOSITORY = "/v2/team/app/";

    @RegisterExtension
    static final WireMockExtension ODD = WireMockExtension.newInstance()
            .options(wireMockConfig().dynamicPort())
            .build();

    @RegisterExtension
    static final WireMockExtension STORE = WireMockExtension.newInstance()
            .options(wireMockConfig().dynamicPort().extensions(new RangesOfBody()))
            .build();

    private final Images images = new Images(77);
    private final Bundle image = images.image(300_000);
    private final Digest layer = List.copyOf(image.blobs().keySet()).getLast();
    private final byte[] bytes = image.blobs().get(layer).bytes();
    private MirrorFixture mirror;

    @BeforeEach
    void start(@TempDir Path folder) throws Exception {
        ODD.stubFor(any(anyUrl()).atPriority(10).willReturn(status(404)));
        mirror = MirrorFixture.started(folder, """
                default-upstream: odd.test
                upstreams:
                  odd.test: {url: "%s", credentials: {username: alice, password: s3cret}}
                """.formatted(ODD.baseUrl()));
    }

    @AfterEach
    void stop() {
        mirror.close();
    }

    @Test
    void listOfTagsThatMayBeCutIsSaidToBeSo() throws Exception {
        String tags = IntStream.range(0, 1000)
                .mapToObj("\"t%03d\""::formatted)
                .collect(Collectors.joining(",", "{\"name\":\"team/app\",\"tags\":[", "]}"));
        ODD.stubFor(get(urlPathEqualTo(REPOSITORY + "tags/list")).willReturn(ok(tags)));
        ODD.stubFor(get(urlPathEqualTo("/v2/team/other/tags/list")).willReturn(ok("{\"tags\":[\"v1\"]}")));

        for (String page : List.of("", "?n=10", "?n=1000&last=t999")) {
            assertThat(header(mirror.get(REPOSITORY + "tags/list" + page), "X-Entrepot-Tags"))
                    .isEqualTo("may-be-cut");
        }
        assertThat(mirror.get("/v2/team/other/tags/list").headers().map()).doesNotContainKey("x-entrepot-tags");
    }

    private static ResponseDefinitionBuilder manifest(Bundle image) {
        return manifest(image, image.digest());
    }

    private static ResponseDefinitionBuilder manifest(Bundle image, Digest stated) {
        return ok().withHeader("Content-Type", image.root().mediaType().value())
                .withHeader("Docker-Content-Digest", stated.toString())
                .withBody(image.root().array());
    }

    private static String manifests(Object reference) {
        return REPOSITORY + "manifests/" + reference;
    }

    private static String blobs(Digest digest) {
        return REPOSITORY + "blobs/" + digest;
    }

    private static void manifestsAre(Bundle image) {
        ODD.stubFor(any(urlPathEqualTo(manifests(1))).willReturn(manifest(image)));
        ODD.stubFor(any(urlPathEqualTo(manifests(image.digest()))).willReturn(manifest(image)));
    }

    private void blobIs(ResponseDefinitionBuilder answer) {
        ODD.stubFor(any(urlPathEqualTo(blobs(layer))).willReturn(answer));
    }

    private static ResponseDefinitionBuilder lengthOf(byte[] body, int stated) {
        return ok().withBody(body).withHeader("Content-Length", Integer.toString(stated));
    }

    /** The manifest is kept, and old enough to be checked. */
    private void keep() throws Exception {
        manifestsAre(image);
        assertThat(mirror.get(manifests(1)).statusCode()).isEqualTo(200);
        mirror.advance(Duration.ofMinutes(2));
    }

    private void assertStale(HttpResponse<byte[]> answer) {
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(verdict(answer)).isEqualTo("stale");
        assertThat(header(answer, "Warning")).startsWith("299 - \"stale: ");
        assertThat(answer.body()).isEqualTo(image.root().array());
    }

    /** Cut before its end, or refused before its first byte: which of them is a matter of how fast the upstream is. */
    private void assertNeverWhole() {
        assertThatThrownBy(() -> {
                    HttpResponse<byte[]> answer = mirror.get(blobs(layer));
                    assertThat(answer.statusCode()).isEqualTo(502);
                    throw new IOException("refused");
                })
                .isInstanceOf(IOException.class);
    }

    /** After whatever went wrong, the right bytes come and are kept. */
    private void assertCleanAfterwards() throws Exception {
        mirror.awaitFills();
        blobIs(ok().withBody(bytes));
        HttpResponse<byte[]> next = mirror.get(blobs(layer));
        assertThat(next.statusCode()).isEqualTo(200);
        assertThat(verdict(next)).isEqualTo("miss");
        assertThat(next.body()).isEqualTo(bytes);
        mirror.awaitFills();
        assertThat(verdict(mirror.get(blobs(layer)))).isEqualTo("hit");
    }

    /** What a status of the upstream becomes for a client, where nothing is kept. */
    @ParameterizedTest
    @CsvSource({
        "401, 401, UNAUTHORIZED, UNAUTHORIZED, ''",
        "403, 403, DENIED, DENIED, ''",
        "404, 404, MANIFEST_UNKNOWN, BLOB_UNKNOWN, ''",
        "429, 503, TOOMANYREQUESTS, TOOMANYREQUESTS, 17",
        "500, 502, UNAVAILABLE, UNAVAILABLE, ''",
        "503, 502, UNAVAILABLE, UNAVAILABLE, ''"
    })
    void statusBecomesOneAnswerForManifestsAndBlobs(
            int upstream, int client, String ofManifest, String ofBlob, String retryAfter) throws Exception {
        ResponseDefinitionBuilder answer = status(upstream);
        if (!retryAfter.isEmpty()) {
            answer.withHeader("Retry-After", retryAfter);
        }
        manifestsAre(image);
        mirror.get(manifests(1));
        blobIs(answer);
        ODD.stubFor(any(urlPathEqualTo(manifests("other"))).willReturn(answer));

        HttpResponse<byte[]> blob = mirror.get(blobs(layer));
        assertThat(blob.statusCode()).isEqualTo(client);
        assertThat(code(blob)).isEqualTo(ofBlob);
        assertThat(header(blob, "Retry-After")).isEqualTo(retryAfter);
        assertThat(header(blob, "Cache-Control")).isEqualTo("no-store");
        mirror.advance(Duration.ofMinutes(2));
        HttpResponse<byte[]> manifest = mirror.get(manifests("other"));
        assertThat(manifest.statusCode()).isEqualTo(client);
        assertThat(code(manifest)).isEqualTo(ofManifest);
        assertThat(header(manifest, "Retry-After")).isEqualTo(retryAfter);
        assertThat(header(manifest, "WWW-Authenticate")).isEmpty();
        mirror.advance(Duration.ofMinutes(2));
        assertCleanAfterwards();
    }

    @ParameterizedTest
    @CsvSource({"401, UNAUTHORIZED", "403, DENIED", "404, MANIFEST_UNKNOWN"})
    void answerIsPassedOnForAKeptTag(int status, String code) throws Exception {
        keep();
        ODD.stubFor(any(urlPathEqualTo(manifests(1))).willReturn(status(status)));

        HttpResponse<byte[]> answer = mirror.get(manifests(1));

        assertThat(answer.statusCode()).isEqualTo(status);
        assertThat(code(answer)).isEqualTo(code);
        assertThat(header(answer, "Warning")).isEmpty();
        assertThat(verdict(mirror.get(manifests(image.digest())))).isEqualTo("hit");
    }

    @ParameterizedTest
    @ValueSource(ints = {429, 500, 503})
    void outageServesAKeptTagWithAWarning(int status) throws Exception {
        keep();
        ODD.stubFor(any(urlPathEqualTo(manifests(1))).willReturn(status(status).withHeader("Retry-After", "17")));
        assertStale(mirror.get(manifests(1)));
        HttpResponse<byte[]> head = mirror.head(manifests(1));
        assertThat(head.statusCode()).isEqualTo(200);
        assertThat(verdict(head)).isEqualTo("stale");
    }

    @Test
    void bodyShortOfItsLengthIsCutAndNothingIsKept() throws Exception {
        manifestsAre(image);
        mirror.get(manifests(1));
        blobIs(lengthOf(Arrays.copyOf(bytes, 100_000), bytes.length));
        // Its rest is gone: else it would be asked for again and again.
        ODD.stubFor(get(urlPathEqualTo(blobs(layer)))
                .withHeader("Range", matching(".*"))
                .willReturn(status(404)));

        assertNeverWhole();

        assertCleanAfterwards();
    }

    @Test
    void manifestShortOfItsLengthIsAnOutage() throws Exception {
        byte[] whole = image.root().array();
        ResponseDefinitionBuilder part = manifest(image)
                .withBody(Arrays.copyOf(whole, whole.length / 2))
                .withHeader("Content-Length", Integer.toString(whole.length));
        keep();
        ODD.stubFor(any(urlPathEqualTo(manifests("other"))).willReturn(part));
        HttpResponse<byte[]> unknown = mirror.get(manifests("other"));
        assertThat(unknown.statusCode()).isEqualTo(502);
        assertThat(code(unknown)).isEqualTo("UNAVAILABLE");
    }

    /** Too short and too long against the descriptor, and true to the body: there is no first byte to be cut after. */
    @ParameterizedTest
    @ValueSource(ints = {-1000, -1, 1, 1000})
    void lengthOtherThanThatOfTheDescriptorIsRefused(int more) throws Exception {
        manifestsAre(image);
        mirror.get(manifests(1));
        blobIs(lengthOf(Arrays.copyOf(bytes, bytes.length + more), bytes.length + more));
        HttpResponse<byte[]> answer = mirror.get(blobs(layer));
        assertThat(answer.statusCode()).isEqualTo(502);
        assertThat(code(answer)).isEqualTo("UNKNOWN");
        assertCleanAfterwards();
    }

    /** Without a manifest that says how long it is, the digest alone tells. */
    @ParameterizedTest
    @ValueSource(ints = {-1000, 1000})
    void lengthThatNothingGainsaysIsFoundByTheDigest(int more) throws Exception {
        blobIs(ok().withBody(Arrays.copyOf(bytes, bytes.length + more)));
        assertNeverWhole();
        assertCleanAfterwards();
    }

    @Test
    void bytesOfAnotherDigestAreNeverSentWhole() throws Exception {
        byte[] other = bytes.clone();
        other[7]++;
        blobIs(ok().withBody(other).withHeader("Docker-Content-Digest", layer.toString()));
        assertNeverWhole();
        assertCleanAfterwards();
    }

    @Test
    void manifestOfAnotherDigestIsRefusedByDigest() throws Exception {
        ODD.stubFor(
                any(urlPathEqualTo(manifests(image.digest()))).willReturn(manifest(images.image(10), image.digest())));
        HttpResponse<byte[]> answer = mirror.get(manifests(image.digest()));
        assertThat(answer.statusCode()).isEqualTo(502);
        assertThat(code(answer)).isEqualTo("UNKNOWN");
        manifestsAre(image);
        assertThat(mirror.get(manifests(image.digest())).body())
                .isEqualTo(image.root().array());
    }

    @Test
    void manifestThatIsNotOfTheDigestInItsHeaderIsRefusedByTag() throws Exception {
        ODD.stubFor(any(urlPathEqualTo(manifests(1)))
                .willReturn(manifest(image, images.image(10).digest())));
        HttpResponse<byte[]> answer = mirror.get(manifests(1));
        assertThat(answer.statusCode()).isEqualTo(502);
        assertThat(code(answer)).isEqualTo("UNKNOWN");
        manifestsAre(image);
        assertThat(mirror.get(manifests(1)).body()).isEqualTo(image.root().array());
    }

    @Test
    void redirectToAnotherServerTakesTheRangeAndNoAuthorizationWithIt() throws Exception {
        String challenge = "Basic realm=\"odd\"";
        ODD.stubFor(any(anyUrl())
                .atPriority(1)
                .withHeader("Authorization", absent())
                .willReturn(unauthorized().withHeader("WWW-Authenticate", challenge)));
        manifestsAre(image);
        mirror.get(manifests(1));
        blobIs(status(307).withHeader("Location", "http://localhost:" + STORE.getPort() + "/kept?signature=abc"));
        STORE.stubFor(get(urlPathEqualTo("/kept")).willReturn(lengthOf(Arrays.copyOf(bytes, 100_000), bytes.length)));
        STORE.stubFor(get(urlPathEqualTo("/kept"))
                .withHeader("Range", matching("bytes=[0-9]+-[0-9]*"))
                .willReturn(ok().withBody(bytes).withTransformers(RangesOfBody.NAME)));

        HttpResponse<byte[]> answer = mirror.get(blobs(layer));

        assertThat(answer.body()).isEqualTo(bytes);
        ODD.verify(getRequestedFor(urlPathEqualTo(blobs(layer)))
                .withHeader("Authorization", matching("Basic .+"))
                .withHeader("Range", matching("bytes=[1-9][0-9]*-")));
        STORE.verify(getRequestedFor(urlPathEqualTo("/kept")).withHeader("Range", absent()));
        STORE.verify(getRequestedFor(urlPathEqualTo("/kept")).withHeader("Range", matching("bytes=[1-9][0-9]*-")));
        STORE.verify(0, getRequestedFor(anyUrl()).withHeader("Authorization", matching(".*")));
        STORE.verify(0, getRequestedFor(anyUrl()).withHeader("Cookie", matching(".*")));
    }

    @Test
    void tagThatMovesInMidPullGivesOneImageAndBothByDigest() throws Exception {
        keep();
        Bundle first = images.image(1000);
        Bundle second = images.image(1000);
        for (Bundle moved : List.of(first, second)) {
            ODD.stubFor(any(urlPathEqualTo(manifests(moved.digest()))).willReturn(manifest(moved)));
        }
        ODD.stubFor(head(urlPathEqualTo(manifests(1))).willReturn(manifest(first)));
        ODD.stubFor(get(urlPathEqualTo(manifests(1))).willReturn(manifest(second)));

        HttpResponse<byte[]> head = mirror.head(manifests(1));
        HttpResponse<byte[]> got = mirror.get(manifests(1));

        assertThat(header(got, "Docker-Content-Digest")).isEqualTo(header(head, "Docker-Content-Digest"));
        assertThat(header(got, "Docker-Content-Digest"))
                .isEqualTo(Digest.sha256(got.body()).toString());
        for (Bundle moved : List.of(first, second, image)) {
            HttpResponse<byte[]> byDigest = mirror.get(manifests(moved.digest()));
            assertThat(byDigest.body()).isEqualTo(moved.root().array());
        }
    }

    /** Not even in place of it: that the tag names another image now is an answer. */
    @ParameterizedTest
    @ValueSource(strings = {"prettyjws", "json"})
    void schema1ImageIsRefusedForGoodAndNothingIsServedInItsPlace(String signed) throws Exception {
        keep();
        ODD.stubFor(any(urlPathEqualTo(manifests(1)))
                .willReturn(ok("{\"schemaVersion\":1}")
                        .withHeader("Content-Type", "application/vnd.docker.distribution.manifest.v1+" + signed)
                        .withHeader(
                                "Docker-Content-Digest",
                                Digest.sha256(new byte[] {1}).toString())));
        for (int attempt = 0; attempt < 12; attempt++) {
            HttpResponse<byte[]> answer = mirror.get(manifests(1));
            assertThat(answer.statusCode()).isEqualTo(404);
            assertThat(code(answer)).isEqualTo("MANIFEST_UNKNOWN");
            assertThat(MirrorFixture.text(answer))
                    .contains("it is a Docker schema 1 image", "skopeo copy --format oci");
        }
        assertThat(mirror.get(manifests(image.digest())).statusCode()).isEqualTo(200);
        manifestsAre(image);
        assertThat(mirror.get(manifests(1)).body()).isEqualTo(image.root().array());
    }
}
