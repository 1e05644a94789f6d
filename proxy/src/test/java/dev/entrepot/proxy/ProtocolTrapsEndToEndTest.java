package dev.entrepot.proxy;

import static dev.entrepot.proxy.MirrorFixture.code;
import static dev.entrepot.proxy.MirrorFixture.header;
import static dev.entrepot.proxy.MirrorFixture.json;
import static dev.entrepot.proxy.MirrorFixture.verdict;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.testing.Abilities;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Content;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Gate;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.Request;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.Response;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.proxy.http.RawConnection;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The traps that registry clients and upstreams set for a mirror, by their numbers in {@code docs/traps.md}, on a whole
 * mirror between real sockets. Those of authentication are in {@link AuthenticationTrapsEndToEndTest}, those of routing
 * in {@link RoutingEndToEndTest}.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ProtocolTrapsEndToEndTest {
    private static final String PLAIN = "/v2/registry.test/";
    private static final String OLD = "/v2/old.test/";

    private final TestRegistry registry = TestRegistry.started();
    private final TestRegistry old = TestRegistry.started(Abilities.WITHOUT_REFERRERS);
    private final Images images = new Images(8);
    private MirrorFixture mirror;

    @BeforeAll
    void start(@TempDir Path folder) throws Exception {
        mirror = MirrorFixture.started(folder, """
                default-upstream: registry.test
                upstreams:
                  registry.test: {url: "%s"}
                  old.test: {url: "%s"}
                """.formatted(registry.uri(), old.uri()));
    }

    @AfterEach
    void clear() {
        registry.faults().clear();
        old.faults().clear();
    }

    @AfterAll
    void stop() {
        mirror.close();
        registry.close();
        old.close();
    }

    private static Digest layer(Bundle image) {
        return List.copyOf(image.blobs().keySet()).getLast();
    }

    private static Predicate<Request> gets(Digest blob) {
        return Requests.get().and(Requests.blob(blob));
    }

    /** As Artifactory and others do, this upstream has every manifest under {@code /blobs/} too. */
    @Test
    void trap01BlobOfAManifestDigestIs404ForHeadAndGet() throws Exception {
        Bundle image = registry.push("trap01", images.image(100), "1");
        registry.pushBlob("trap01", image.root().array());
        String asBlob = PLAIN + "trap01/blobs/" + image.digest();
        for (String whenKnown : List.of("never seen", "kept")) {
            assertThat(mirror.head(asBlob).statusCode()).as(whenKnown).isEqualTo(404);
            HttpResponse<byte[]> answer = mirror.get(asBlob);
            assertThat(answer.statusCode()).as(whenKnown).isEqualTo(404);
            assertThat(code(answer)).isEqualTo("BLOB_UNKNOWN");
            assertThat(mirror.get(PLAIN + "trap01/manifests/1").statusCode()).isEqualTo(200);
        }
    }

    @Test
    void trap02HeadManifestHasContentLengthAndDigest() throws Exception {
        Bundle image = registry.push("trap02", images.image(100), "1");
        for (String reference : List.of("1", image.digest().toString(), "1")) {
            HttpResponse<byte[]> head = mirror.head(PLAIN + "trap02/manifests/" + reference);
            assertThat(head.statusCode()).isEqualTo(200);
            assertThat(header(head, "Content-Length"))
                    .isEqualTo(Integer.toString(image.root().sizeBytes()));
            assertThat(header(head, "Docker-Content-Digest"))
                    .isEqualTo(image.digest().toString());
            assertThat(header(head, "Content-Type")).isEqualTo(MediaType.OCI_MANIFEST.value());
        }
    }

    @Test
    void trap03ContentTypesHaveNoCharsetEvenWhereTheUpstreamAddsOne() throws Exception {
        byte[] bytes = images.image(100).root().array();
        String type = MediaType.OCI_MANIFEST.value();
        Digest digest = registry.pushManifest("trap03", type + "; charset=utf-8", bytes, "1");
        assertThat(header(mirror.get(PLAIN + "trap03/manifests/1"), "Content-Type"))
                .isEqualTo(type);
        assertThat(header(mirror.get(PLAIN + "trap03/manifests/" + digest), "Content-Type"))
                .isEqualTo(type);
        assertThat(header(mirror.get(PLAIN + "trap03/referrers/" + digest), "Content-Type"))
                .isEqualTo(MediaType.OCI_INDEX.value());
    }

    @Test
    void trap04BytesArePreservedUnknownFieldsToo() throws Exception {
        byte[] odd = """
                {  "x-unknown" : {"b":1.0e2,"a":"\\u00e9\\/"}, "layers":[],\t"schemaVersion":2,
                  "mediaType":"application/vnd.oci.image.manifest.v1+json",
                  "config":{"size":2,"x":null,"mediaType":"application/vnd.oci.empty.v1+json",
                  "digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}}

                """.getBytes(StandardCharsets.UTF_8);
        Digest digest = registry.pushManifest("trap04", MediaType.OCI_MANIFEST.value(), odd, "odd");
        assertThat(mirror.get(PLAIN + "trap04/manifests/odd").body()).isEqualTo(odd);
        HttpResponse<byte[]> kept = mirror.get(PLAIN + "trap04/manifests/" + digest);
        assertThat(verdict(kept)).isEqualTo("hit");
        assertThat(kept.body()).isEqualTo(odd);
    }

    /**
     * The mirror itself is open to everyone, so no ping ever asks for credentials, whatever its upstreams want of the
     * mirror.
     */
    @Test
    void trap05PingSays200BecauseNoRepositoryOfTheMirrorNeedsAuthorization() throws Exception {
        for (String path : List.of("/v2/", "/v2", "/registry.test/v2/")) {
            assertThat(mirror.get(path).statusCode()).as(path).isEqualTo(200);
            assertThat(mirror.head(path).statusCode()).as(path).isEqualTo(200);
        }
    }

    @Test
    void trap06ReferrersAreEmptyOrMissingAsTheUpstreamCan() throws Exception {
        registry.push("trap06", images.image(100), "1");
        old.push("trap06", images.image(100), "1");
        String zero = "trap06/referrers/sha256:" + "0".repeat(64);
        HttpResponse<byte[]> able = mirror.get(PLAIN + zero);
        assertThat(able.statusCode()).isEqualTo(200);
        assertThat(json(able).path("schemaVersion").asInt()).isEqualTo(2);
        assertThat(json(able).path("mediaType").stringValue("")).isEqualTo(MediaType.OCI_INDEX.value());
        assertThat(json(able).path("manifests").isArray()).isTrue();
        assertThat(json(able).path("manifests").isEmpty()).isTrue();
        HttpResponse<byte[]> unable = mirror.get(OLD + zero);
        assertThat(unable.statusCode()).isEqualTo(404);
        assertThat(code(unable)).isEqualTo("MANIFEST_UNKNOWN");
    }

    @Test
    void trap07RangeHeaderOf20KilobytesIs206Multipart() throws Exception {
        Bundle image = registry.push("trap07", images.image(200_000), "1");
        byte[] blob = image.blobs().get(layer(image)).bytes();
        String ranges = IntStream.range(0, 1000)
                .mapToObj(i -> "%09d-%09d".formatted(i * 200, i * 200 + 9))
                .collect(Collectors.joining(",", "bytes=", ""));
        assertThat(ranges.length()).isGreaterThanOrEqualTo(20_000);
        for (String expected : List.of("miss", "hit")) {
            try (RawConnection client = new RawConnection(mirror.port())) {
                RawConnection.Answer answer = client.get(PLAIN + "trap07/blobs/" + layer(image), "Range: " + ranges);
                assertThat(answer.status()).isEqualTo(206);
                assertThat(answer.header("Content-Type")).startsWith("multipart/byteranges; boundary=");
                assertThat(answer.header("X-Entrepot-Cache")).isEqualTo(expected);
                String last = "Content-Range: bytes 199800-199809/200000\r\n\r\n"
                        + new String(blob, 199_800, 10, StandardCharsets.ISO_8859_1) + "\r\n--";
                assertThat(new String(answer.body(), StandardCharsets.ISO_8859_1))
                        .contains(last);
            }
            mirror.awaitFills();
        }
    }

    @Test
    void trap08OpenEndedRangesThatAreClosedEarlyDoNotReadTheWholeUpstreamAgain() throws Exception {
        Bundle image = registry.push("trap08", images.image(12 << 20), "1");
        Digest blob = layer(image);
        Gate gate = new Gate();
        registry.faults().once(gets(blob), Fault.stallAfter(64 * 1024, gate));
        String path = PLAIN + "trap08/blobs/" + blob;
        for (int start : List.of(8 << 20, 9 << 20, 10 << 20)) {
            HttpResponse<InputStream> part = mirror.open(path, "Range", "bytes=" + start + "-");
            try (InputStream body = part.body()) {
                assertThat(part.statusCode()).isEqualTo(206);
                assertThat(body.readNBytes(1000))
                        .isEqualTo(image.blobs().get(blob).slice(start, 1000).bytes());
            }
        }
        gate.open();
        assertThat(Digest.sha256(mirror.get(path).body())).isEqualTo(blob);
        assertThat(registry.requests(gets(blob).and(Requests.withHeader("Range"))))
                .isNotEmpty()
                .allSatisfy(call -> {
                    String[] range = call.request()
                            .header("Range")
                            .orElseThrow()
                            .substring(6)
                            .split("-", 2);
                    assertThat(range[1]).as("an end is stated").isNotEmpty();
                    assertThat(Long.parseLong(range[1]) - Long.parseLong(range[0]))
                            .isLessThan(4 << 20);
                });
        assertThat(registry.requests(gets(blob).and(Requests.withHeader("Range").negate())))
                .hasSize(1);
    }

    @Test
    void trap09SuffixRangeOfNothingIs416() throws Exception {
        Bundle image = registry.push("trap09", images.image(2048), "1");
        String path = PLAIN + "trap09/blobs/" + layer(image);
        for (String range : List.of("bytes=500-0", "bytes=5000-10000", "bytes=-0")) {
            HttpResponse<byte[]> answer = mirror.get(path, "Range", range);
            assertThat(answer.statusCode()).as(range).isEqualTo(416);
            assertThat(header(answer, "Content-Range")).isEqualTo("bytes */2048");
        }
        for (String range : List.of("500-1499", "500-", "-500", "2000-5000")) {
            assertThat(mirror.get(path, "Range", "bytes=" + range).statusCode())
                    .as(range)
                    .isEqualTo(206);
        }
    }

    @Test
    void trap10ShortUpstreamBodyCutsTheConnectionAndTheNextTryIsClean() throws Exception {
        Bundle image = registry.push("trap10", images.image(300_000), "1");
        Digest blob = layer(image);
        Gate gate = new Gate();
        Predicate<Request> again = gets(blob).and(Requests.withHeader("Range"));
        registry.faults().once(gets(blob).and(Requests.withHeader("Range").negate()), Fault.truncateAfter(100_000));
        registry.faults().once(again, Fault.hold(gate));
        registry.faults().once(again, Fault.error(404, "BLOB_UNKNOWN"));
        mirror.get(PLAIN + "trap10/manifests/1");
        String path = PLAIN + "trap10/blobs/" + blob;
        HttpResponse<InputStream> answer = mirror.open(path);
        try (InputStream body = answer.body()) {
            assertThat(answer.statusCode()).isEqualTo(200);
            assertThat(header(answer, "Content-Length")).isEqualTo("300000");
            assertThat(body.readNBytes(50_000)).hasSize(50_000);
            gate.open();
            assertThatThrownBy(body::readAllBytes).isInstanceOf(IOException.class);
        }
        mirror.awaitFills();
        HttpResponse<byte[]> next = mirror.get(path);
        assertThat(next.statusCode()).isEqualTo(200);
        assertThat(verdict(next)).isEqualTo("miss");
        assertThat(Digest.sha256(next.body())).isEqualTo(blob);
    }

    @Test
    void trap11FirstByteComesWhileTheUpstreamIsStillSending() throws Exception {
        Bundle image = registry.push("trap11", images.image(1 << 20), "1");
        Digest blob = layer(image);
        Gate gate = new Gate();
        registry.faults().once(gets(blob), Fault.stallAfter(128 * 1024, gate));
        mirror.get(PLAIN + "trap11/manifests/1");
        HttpResponse<InputStream> answer = mirror.open(PLAIN + "trap11/blobs/" + blob);
        try (InputStream body = answer.body()) {
            byte[] first = body.readNBytes(100_000);
            assertThat(first)
                    .isEqualTo(image.blobs().get(blob).slice(0, 100_000).bytes());
            gate.open();
            assertThat(body.readAllBytes()).hasSize((1 << 20) - 100_000);
        }
    }

    @Test
    void trap17RateLimitOfTheUpstreamIsNeverPassedOnAs429() throws Exception {
        Bundle image = registry.push("trap17", images.image(100), "kept");
        registry.tag("trap17", "new", image.digest());
        mirror.get(PLAIN + "trap17/manifests/kept");
        mirror.advance(Duration.ofMinutes(2));
        registry.faults()
                .always(
                        Requests.repository("trap17"),
                        Fault.instead(Response.error(429, "TOOMANYREQUESTS").header("Retry-After", "17")));
        HttpResponse<byte[]> stale = mirror.get(PLAIN + "trap17/manifests/kept");
        assertThat(stale.statusCode()).isEqualTo(200);
        assertThat(verdict(stale)).isEqualTo("stale");
        assertThat(header(stale, "Warning")).startsWith("299 - \"");
        HttpResponse<byte[]> refused = mirror.get(PLAIN + "trap17/manifests/new");
        assertThat(refused.statusCode()).isEqualTo(503);
        assertThat(header(refused, "Retry-After")).isEqualTo("17");
        assertThat(code(refused)).isEqualTo("TOOMANYREQUESTS");
        mirror.advance(Duration.ofSeconds(17));
    }

    @Test
    void trap19Sha512ImagesArePulledAndTheirReferrersFoundUnderTheTruncatedTag() throws Exception {
        Bundle image = old.push("trap19", images.sha512Image(5000));
        Bundle signature = old.push("trap19", images.referrer(image, "application/vnd.example.signature"));
        String tag = image.digest().referrersTag().value();
        assertThat(tag).matches("sha512-[0-9a-f]{64}");
        old.push("trap19", images.fallbackIndex(List.of(signature)), tag);
        HttpResponse<byte[]> manifest = mirror.get(OLD + "trap19/manifests/" + image.digest());
        assertThat(manifest.body()).isEqualTo(image.root().array());
        assertThat(header(manifest, "Docker-Content-Digest"))
                .isEqualTo(image.digest().toString());
        for (Digest blob : image.blobs().keySet()) {
            byte[] bytes = mirror.get(OLD + "trap19/blobs/" + blob).body();
            assertThat(Digest.of(blob.algorithm(), bytes)).isEqualTo(blob);
        }
        HttpResponse<byte[]> referrers = mirror.get(OLD + "trap19/referrers/" + image.digest());
        assertThat(json(referrers).path("manifests").path(0).path("digest").stringValue(""))
                .isEqualTo(signature.digest().toString());
        assertThat(mirror.get(OLD + "trap19/manifests/" + tag).statusCode()).isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(strings = {"zstd;q=1.0, gzip;q=0.8, deflate;q=0.5", "br", "*"})
    void trap20NothingUnderV2IsEverEncoded(String accepted) throws Exception {
        Bundle image = registry.push("trap20", images.image(50_000), "1");
        byte[] blob = image.blobs().get(layer(image)).bytes();
        for (String path : List.of(
                "manifests/1",
                "manifests/" + image.digest(),
                "blobs/" + layer(image),
                "tags/list",
                "referrers/" + image.digest(),
                "manifests/missing")) {
            HttpResponse<byte[]> answer = mirror.get(PLAIN + "trap20/" + path, "Accept-Encoding", accepted);
            assertThat(answer.headers().firstValue("Content-Encoding")).as(path).isEmpty();
            assertThat(header(answer, "Content-Length")).isEqualTo(Integer.toString(answer.body().length));
        }
        assertThat(mirror.get(PLAIN + "trap20/blobs/" + layer(image), "Accept-Encoding", accepted)
                        .body())
                .isEqualTo(blob);
    }

    /** The other half of trap 20: an upstream that compresses unasked gives other bytes than those of the digest. */
    @Test
    void trap20WhatAnUpstreamCompressesUnaskedIsUnpackedAndVerified() throws Exception {
        Bundle image = registry.push("trap20b", images.image(300_000), "1");
        Digest blob = layer(image);
        registry.faults().always(Requests.get(), Fault.gzip());
        for (String path :
                List.of("manifests/1", "tags/list", "referrers/" + image.digest(), "manifests/" + image.digest())) {
            HttpResponse<byte[]> answer = mirror.get(PLAIN + "trap20b/" + path);
            assertThat(answer.statusCode()).as(path).isEqualTo(200);
            assertThat(answer.headers().firstValue("Content-Encoding")).as(path).isEmpty();
            assertThat(answer.body()[0]).as(path).isEqualTo((byte) '{');
        }
        HttpResponse<byte[]> cold = mirror.get(PLAIN + "trap20b/blobs/" + blob);
        assertThat(cold.headers().firstValue("Content-Encoding")).isEmpty();
        assertThat(Digest.sha256(cold.body())).isEqualTo(blob);
        mirror.awaitFills();
        HttpResponse<byte[]> warm = mirror.get(PLAIN + "trap20b/blobs/" + blob);
        assertThat(verdict(warm)).isEqualTo("hit");
        assertThat(Digest.sha256(warm.body())).isEqualTo(blob);
        assertThat(registry.calls().gets(blob)).isEqualTo(1);
    }

    @Test
    void trap20CompressedBodyThatBreaksOffIsBegunAnewAndNeverAskedForInParts() throws Exception {
        Bundle image = registry.push("trap20c", images.image(300_000), "1");
        Digest blob = layer(image);
        mirror.get(PLAIN + "trap20c/manifests/1");
        registry.faults().always(gets(blob), Fault.gzip());
        registry.faults().once(gets(blob), Fault.resetAfter(200_000));

        assertThat(Digest.sha256(mirror.get(PLAIN + "trap20c/blobs/" + blob).body()))
                .isEqualTo(blob);

        assertThat(registry.requests(gets(blob))).hasSize(2);
        assertThat(registry.requests(gets(blob).and(Requests.withHeader("Range"))))
                .isEmpty();
    }

    @Test
    void trap20BlobThatIsOnlySaidToBeCompressedIsServedAsItIs() throws Exception {
        Bundle image = registry.push("trap20d", images.image(300_000), "1");
        Digest blob = layer(image);
        mirror.get(PLAIN + "trap20d/manifests/1");
        registry.faults().always(gets(blob), Fault.header("Content-Encoding", "gzip"));
        registry.faults().once(gets(blob), Fault.resetAfter(200_000));

        HttpResponse<byte[]> answer = mirror.get(PLAIN + "trap20d/blobs/" + blob);

        assertThat(header(answer, "Content-Length")).isEqualTo("300000");
        assertThat(Digest.sha256(answer.body())).isEqualTo(blob);
        assertThat(registry.requests(gets(blob).and(Requests.withHeader("Range"))))
                .hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"aws-chunked", "br"})
    void trap20WhatHasItsDigestIsServedWhateverEncodingItIsSaidToHave(String encoding) throws Exception {
        String name = "trap20f-" + encoding;
        Bundle image = registry.push(name, images.image(50_000), "1");
        Digest blob = layer(image);
        registry.faults().always(Requests.any(), Fault.header("Content-Encoding", encoding));

        for (String reference : List.of("1", image.digest().toString())) {
            HttpResponse<byte[]> manifest = mirror.get(PLAIN + name + "/manifests/" + reference);
            assertThat(manifest.body()).isEqualTo(image.root().array());
            assertThat(manifest.headers().firstValue("Content-Encoding")).isEmpty();
        }
        HttpResponse<byte[]> answer = mirror.get(PLAIN + name + "/blobs/" + blob);

        assertThat(answer.headers().firstValue("Content-Encoding")).isEmpty();
        assertThat(Digest.sha256(answer.body())).isEqualTo(blob);
    }

    @Test
    void trap20EncodingThatNobodyUndoesIsRefusedAndNothingKept() throws Exception {
        Bundle image = registry.push("trap20e", images.image(50_000), "1");
        Digest blob = layer(image);
        mirror.get(PLAIN + "trap20e/manifests/1");
        registry.faults()
                .always(
                        gets(blob),
                        Fault.answer(response ->
                                response.withBody(Content.of(new byte[7])).header("Content-Encoding", "br")));
        HttpResponse<byte[]> refused = mirror.get(PLAIN + "trap20e/blobs/" + blob);
        assertThat(refused.statusCode()).isEqualTo(502);
        assertThat(new String(refused.body(), StandardCharsets.UTF_8)).contains("content encoding br");
        registry.faults().clear();
        mirror.awaitFills();
        assertThat(Digest.sha256(mirror.get(PLAIN + "trap20e/blobs/" + blob).body()))
                .isEqualTo(blob);
    }
}
