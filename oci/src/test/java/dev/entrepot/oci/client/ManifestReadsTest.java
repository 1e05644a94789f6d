package dev.entrepot.oci.client;

import static com.github.tomakehurst.wiremock.client.WireMock.aResponse;
import static com.github.tomakehurst.wiremock.client.WireMock.any;
import static com.github.tomakehurst.wiremock.client.WireMock.equalTo;
import static com.github.tomakehurst.wiremock.client.WireMock.get;
import static com.github.tomakehurst.wiremock.client.WireMock.getRequestedFor;
import static com.github.tomakehurst.wiremock.client.WireMock.head;
import static com.github.tomakehurst.wiremock.client.WireMock.urlEqualTo;
import static com.github.tomakehurst.wiremock.core.WireMockConfiguration.wireMockConfig;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.tomakehurst.wiremock.client.ResponseDefinitionBuilder;
import com.github.tomakehurst.wiremock.junit5.WireMockExtension;
import dev.entrepot.oci.BlockedException;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OciLimits;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.UnauthorizedException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How manifests and tags are read. Long, because each odd answer is one short case over the same registry. */
class ManifestReadsTest {
    private static final byte[] INDEX = "{\"schemaVersion\": 2,  \"manifests\": []}\n".getBytes(StandardCharsets.UTF_8);
    private static final Digest DIGEST = Digest.sha256(INDEX);
    private static final Tag TAG = new Tag("v1");
    private static final String BY_TAG = "/v2/team/app/manifests/v1";
    private static final String BY_DIGEST = "/v2/team/app/manifests/" + DIGEST;

    @RegisterExtension
    static final WireMockExtension REGISTRY = WireMockExtension.newInstance()
            .options(wireMockConfig().dynamicPort())
            .build();

    private final TestWorld world = new TestWorld();
    private RegistryClient client;
    private RemoteRepository repository;

    @BeforeEach
    void open() throws IOException {
        client = world.client(REGISTRY.baseUrl());
        repository = client.repository(TestWorld.NAME);
    }

    @AfterEach
    void close() {
        client.close();
    }

    private static ResponseDefinitionBuilder ok(byte[] body, String type) {
        return aResponse()
                .withStatus(200)
                .withBody(body)
                .withHeader("Content-Type", type)
                .withHeader("Content-Length", Integer.toString(body.length));
    }

    private static ResponseDefinitionBuilder index() {
        return ok(INDEX, MediaType.OCI_INDEX.value()).withHeader("Docker-Content-Digest", DIGEST.toString());
    }

    @Test
    void keepsTheExactBytesAndDropsParametersOfTheType() throws IOException {
        REGISTRY.stubFor(get(BY_TAG).willReturn(ok(INDEX, MediaType.OCI_INDEX.value() + "; charset=utf-8")));

        ManifestBytes manifest = repository.fetchManifest(TAG);

        assertThat(manifest.array()).isEqualTo(INDEX);
        assertThat(manifest.descriptor()).isEqualTo(Descriptor.of(MediaType.OCI_INDEX, DIGEST, INDEX.length));
    }

    @Test
    void asksForEveryTypeAndForNoEncoding() throws IOException {
        REGISTRY.stubFor(get(BY_DIGEST).willReturn(index()));

        repository.fetchManifest(DIGEST);

        REGISTRY.verify(getRequestedFor(urlEqualTo(BY_DIGEST))
                .withHeader(
                        "Accept",
                        equalTo("application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, "
                                + "application/vnd.docker.distribution.manifest.v2+json, "
                                + "application/vnd.docker.distribution.manifest.list.v2+json, "
                                + "application/vnd.oci.artifact.manifest.v1+json"))
                .withHeader("Accept-Encoding", equalTo("identity"))
                .withHeader("User-Agent", equalTo("entrepot/test"))
                .withoutHeader("Authorization"));
    }

    @Test
    void refusesBytesOfAnotherDigest() {
        byte[] other = "{\"manifests\":[]}".getBytes(StandardCharsets.UTF_8);
        REGISTRY.stubFor(get(BY_DIGEST).willReturn(ok(other, MediaType.OCI_INDEX.value())));

        assertThatThrownBy(() -> repository.fetchManifest(DIGEST))
                .isInstanceOf(InvalidContentException.class)
                .hasMessageContaining(DIGEST.toString())
                .hasMessageContaining(Digest.sha256(other).toString());
    }

    @Test
    void refusesATagWhoseStatedDigestIsNotThatOfTheBytes() {
        REGISTRY.stubFor(get(BY_TAG)
                .willReturn(ok(INDEX, MediaType.OCI_INDEX.value())
                        .withHeader(
                                "Docker-Content-Digest",
                                Digest.sha256(new byte[1]).toString())));

        assertThatThrownBy(() -> repository.fetchManifest(TAG)).isInstanceOf(InvalidContentException.class);
    }

    @Test
    void takesTheAlgorithmOfTheStatedDigest() throws IOException {
        Digest sha512 = Digest.of(DigestAlgorithm.SHA512, INDEX);
        REGISTRY.stubFor(get(BY_TAG)
                .willReturn(
                        ok(INDEX, MediaType.OCI_INDEX.value()).withHeader("Docker-Content-Digest", sha512.toString())));

        assertThat(repository.fetchManifest(TAG).digest()).isEqualTo(sha512);
    }

    @Test
    void refusesMoreThanTheLimitWithoutReadingItAll() {
        byte[] big = new byte[OciLimits.MAX_MANIFEST_BYTES + 1];
        Arrays.fill(big, (byte) ' ');
        REGISTRY.stubFor(get(BY_TAG)
                .willReturn(aResponse().withBody(big).withHeader("Content-Type", MediaType.OCI_INDEX.value())));

        assertThatThrownBy(() -> repository.fetchManifest(TAG))
                .isInstanceOf(InvalidContentException.class)
                .hasMessageContaining("limit of " + OciLimits.MAX_MANIFEST_BYTES);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            application/json         | {"mediaType":"application/vnd.docker.distribution.manifest.v2+json"} | application/vnd.docker.distribution.manifest.v2+json
            application/octet-stream | {"manifests":[]}                                                      | application/vnd.oci.image.index.v1+json
            application/vnd.odd+json | {"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]} | application/vnd.oci.image.index.v1+json
            text/plain               | {"config":{},"layers":[]}                                             | application/vnd.oci.image.manifest.v1+json
            ''                       | {"layers":[]}                                                         | application/vnd.oci.image.manifest.v1+json
            """)
    void findsTheTypeInTheBodyWhereTheHeaderSaysNothing(String header, String body, String type) throws IOException {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        ResponseDefinitionBuilder answer = aResponse().withBody(bytes);
        REGISTRY.stubFor(get(BY_TAG).willReturn(header.isEmpty() ? answer : answer.withHeader("Content-Type", header)));

        assertThat(repository.fetchManifest(TAG).mediaType()).isEqualTo(new MediaType(type));
    }

    @ParameterizedTest
    @ValueSource(strings = {"{}", "not json", "{\"mediaType\":\"nonsense\"}", ""})
    void refusesABodyThatIsNoManifest(String body) {
        REGISTRY.stubFor(
                get(BY_TAG).willReturn(aResponse().withBody(body).withHeader("Content-Type", "application/json")));

        assertThatThrownBy(() -> repository.fetchManifest(TAG)).isInstanceOf(InvalidContentException.class);
    }

    @ParameterizedTest
    @CsvSource({
        "application/vnd.docker.distribution.manifest.v1+prettyjws,{}",
        "application/vnd.docker.distribution.manifest.v1+json,{}",
        "application/json,{\"schemaVersion\":1}"
    })
    void refusesSchema1WithARemedy(String type, String body) {
        REGISTRY.stubFor(get(BY_TAG).willReturn(aResponse().withBody(body).withHeader("Content-Type", type)));

        assertThatThrownBy(() -> repository.fetchManifest(TAG))
                .isInstanceOfSatisfying(
                        BlockedException.class, e -> assertThat(e.kind()).isEqualTo(BlockedException.Kind.UNVERIFIABLE))
                .hasMessageContaining("schema 1")
                .hasMessageContaining("skopeo copy --format oci");
    }

    private static ResponseDefinitionBuilder gzipped(byte[] body) {
        return ok(TestWorld.gzipped(body), MediaType.OCI_INDEX.value()).withHeader("Content-Encoding", "gzip");
    }

    @Test
    void unpacksABodyThatIsGzippedUnasked() throws IOException {
        REGISTRY.stubFor(get(BY_TAG).willReturn(gzipped(INDEX)));
        REGISTRY.stubFor(get(BY_DIGEST)
                .willReturn(ok(TestWorld.gzipped(INDEX), MediaType.OCI_INDEX.value())
                        .withHeader("Content-Encoding", "X-GZip")));

        assertThat(repository.fetchManifest(TAG).array()).isEqualTo(INDEX);
        assertThat(repository.fetchManifest(DIGEST).array()).isEqualTo(INDEX);
        assertThat(repository.fetchManifest(TAG).descriptor())
                .isEqualTo(Descriptor.of(MediaType.OCI_INDEX, DIGEST, INDEX.length));
    }

    @Test
    void takesABodyThatIsOnlySaidToBeGzippedAsItCame() throws IOException {
        REGISTRY.stubFor(get(BY_TAG).willReturn(index().withHeader("Content-Encoding", "gzip")));

        assertThat(repository.fetchManifest(TAG).array()).isEqualTo(INDEX);
    }

    @Test
    void verifiesWhatItUnpacks() {
        byte[] other = "{\"schemaVersion\":2,\"manifests\":[],\"a\":1}".getBytes(StandardCharsets.UTF_8);
        REGISTRY.stubFor(get(BY_DIGEST).willReturn(gzipped(other)));
        REGISTRY.stubFor(get(BY_TAG).willReturn(gzipped(other).withHeader("Docker-Content-Digest", DIGEST.toString())));

        for (ManifestReference reference : List.of(DIGEST, TAG)) {
            assertThatThrownBy(() -> repository.fetchManifest(reference))
                    .isInstanceOf(InvalidContentException.class)
                    .hasMessageContaining(Digest.sha256(other).toString());
        }
    }

    @Test
    void unpacksNoMoreThanAManifestMayHave() {
        byte[] bomb = new byte[OciLimits.MAX_MANIFEST_BYTES + 1];
        Arrays.fill(bomb, (byte) ' ');
        REGISTRY.stubFor(get(BY_TAG).willReturn(gzipped(bomb)));

        assertThatThrownBy(() -> repository.fetchManifest(TAG))
                .isInstanceOf(InvalidContentException.class)
                .hasMessageContaining("more in it than the " + OciLimits.MAX_MANIFEST_BYTES);
    }

    @Test
    void refusesABrokenGzip() {
        byte[] cut = TestWorld.gzipped(INDEX);
        byte[] wrong = cut.clone();
        wrong[wrong.length - 6] ^= 1;
        for (byte[] broken : List.of(Arrays.copyOf(cut, cut.length - 4), Arrays.copyOf(cut, 5), wrong)) {
            REGISTRY.stubFor(get(BY_TAG)
                    .willReturn(ok(broken, MediaType.OCI_INDEX.value()).withHeader("Content-Encoding", "gzip")));

            assertThatThrownBy(() -> repository.fetchManifest(TAG)).isInstanceOf(InvalidContentException.class);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"br", "deflate", "gzip, gzip", "zstd"})
    void refusesAnyOtherEncodingByItsNameWhereNoDigestIsStated(String encoding) {
        REGISTRY.stubFor(get(BY_TAG)
                .willReturn(ok(INDEX, MediaType.OCI_INDEX.value()).withHeader("Content-Encoding", encoding)));

        assertThatThrownBy(() -> repository.fetchManifest(TAG))
                .isInstanceOf(InvalidContentException.class)
                .hasMessageContaining("content encoding " + encoding);
    }

    @ParameterizedTest
    @ValueSource(strings = {"br", "deflate", "gzip, gzip", "zstd"})
    void takesABodyOfTheRightDigestWhateverElseItIsSaidToBe(String encoding) throws IOException {
        REGISTRY.stubFor(get(BY_TAG)
                .willReturn(index().withHeader("Content-Encoding", encoding)
                        .withHeader("Docker-Content-Digest", DIGEST.toString())));
        REGISTRY.stubFor(get(BY_DIGEST)
                .willReturn(ok(INDEX, MediaType.OCI_INDEX.value()).withHeader("Content-Encoding", encoding)));

        assertThat(repository.fetchManifest(TAG).array()).isEqualTo(INDEX);
        assertThat(repository.fetchManifest(DIGEST).array()).isEqualTo(INDEX);
    }

    @Test
    void namesTheEncodingWhereTheDigestOfSuchABodyDiffers() {
        byte[] encoded = {1, 2, 3, 4};
        for (String path : List.of(BY_TAG, BY_DIGEST)) {
            REGISTRY.stubFor(get(path)
                    .willReturn(ok(encoded, MediaType.OCI_INDEX.value())
                            .withHeader("Content-Encoding", "br")
                            .withHeader("Docker-Content-Digest", DIGEST.toString())));
        }

        for (ManifestReference reference : List.of(TAG, DIGEST)) {
            assertThatThrownBy(() -> repository.fetchManifest(reference))
                    .isInstanceOf(InvalidContentException.class)
                    .hasMessageContaining("content encoding br");
        }
    }

    @Test
    void takesWhatStorageKeepsOfAnUploadForNoEncoding() throws IOException {
        REGISTRY.stubFor(get(BY_TAG).willReturn(index().withHeader("Content-Encoding", "aws-chunked")));

        assertThat(repository.fetchManifest(TAG).array()).isEqualTo(INDEX);
    }

    @Test
    void readsAnErrorThatIsGzipped() {
        byte[] error = "{\"errors\":[{\"code\":\"NAME_UNKNOWN\"}]}".getBytes(StandardCharsets.UTF_8);
        REGISTRY.stubFor(get(BY_TAG).willReturn(gzipped(error).withStatus(404)));

        assertThatThrownBy(() -> repository.fetchManifest(TAG))
                .isInstanceOfSatisfying(
                        NotFoundException.class, e -> assertThat(e.kind()).isEqualTo(NotFoundException.Kind.NAME));
    }

    @Test
    void believesNoHeadThatIsEncodedUnasked() throws IOException {
        byte[] encoded = new byte[7];
        REGISTRY.stubFor(head(urlEqualTo(BY_TAG))
                .willReturn(ok(encoded, MediaType.OCI_INDEX.value())
                        .withHeader(
                                "Docker-Content-Digest", Digest.sha256(encoded).toString())
                        .withHeader("Content-Encoding", "gzip")));
        REGISTRY.stubFor(get(BY_TAG).willReturn(index()));

        assertThat(repository.resolve(TAG)).contains(Descriptor.of(MediaType.OCI_INDEX, DIGEST, INDEX.length));
    }

    @Test
    void takesAPageForPeopleForAnOutage() {
        REGISTRY.stubFor(any(urlEqualTo(BY_TAG))
                .willReturn(ok("<html>log in</html>".getBytes(StandardCharsets.UTF_8), "text/html; charset=utf-8")));

        assertThatThrownBy(() -> repository.fetchManifest(TAG)).isInstanceOf(OutageException.class);
        assertThatThrownBy(() -> repository.resolve(TAG)).isInstanceOf(OutageException.class);
    }

    @Test
    void resolvesByHeadAlone() throws IOException {
        REGISTRY.stubFor(head(urlEqualTo(BY_TAG)).willReturn(index()));

        assertThat(repository.resolve(TAG)).contains(Descriptor.of(MediaType.OCI_INDEX, DIGEST, INDEX.length));
        assertThat(world.requests).containsExactly("resolve 200");
    }

    @ParameterizedTest
    @ValueSource(strings = {"Docker-Content-Digest", "Content-Type"})
    void resolvesByGetWhereTheHeadLacksAHeader(String missing) throws IOException {
        ResponseDefinitionBuilder head = aResponse().withHeader("Content-Length", "40");
        REGISTRY.stubFor(head(urlEqualTo(BY_TAG))
                .willReturn(
                        missing.equals("Content-Type")
                                ? head.withHeader("Docker-Content-Digest", DIGEST.toString())
                                : head.withHeader("Content-Type", MediaType.OCI_INDEX.value())));
        REGISTRY.stubFor(get(BY_TAG).willReturn(index()));

        assertThat(repository.resolve(TAG)).contains(Descriptor.of(MediaType.OCI_INDEX, DIGEST, INDEX.length));
        assertThat(world.requests).containsExactly("resolve 200", "manifest 200");
    }

    @Test
    void resolvesByGetWhereTheHeadLosesTheLength() throws IOException {
        REGISTRY.stubFor(head(urlEqualTo(BY_TAG))
                .willReturn(aResponse()
                        .withHeader("Content-Type", MediaType.OCI_INDEX.value())
                        .withHeader("Docker-Content-Digest", DIGEST.toString())
                        .withHeader("Content-Length", "0")));
        REGISTRY.stubFor(get(BY_TAG).willReturn(index()));

        assertThat(repository.resolve(TAG)).isPresent();
        assertThat(world.requests).containsExactly("resolve 200", "manifest 200");
    }

    @ParameterizedTest
    @ValueSource(ints = {405, 501})
    void resolvesByGetWhereHeadIsNotAllowed(int status) throws IOException {
        REGISTRY.stubFor(head(urlEqualTo(BY_TAG)).willReturn(aResponse().withStatus(status)));
        REGISTRY.stubFor(get(BY_TAG).willReturn(aResponse().withStatus(404)));

        assertThat(repository.resolve(TAG)).isEmpty();
        assertThat(world.requests).containsExactly("resolve " + status, "manifest 404");
    }

    @Test
    void takesNotImplementedForAnOutageWhereNothingElseCanBeAsked() {
        REGISTRY.stubFor(get(BY_TAG).willReturn(aResponse().withStatus(501)));

        assertThatThrownBy(() -> repository.fetchManifest(TAG))
                .isInstanceOfSatisfying(
                        OutageException.class,
                        e -> assertThat(e.reason()).isEqualTo(OutageException.Reason.SERVER_ERROR));
        assertThat(world.requests).containsExactly("manifest 501");
    }

    @Test
    void resolvesByGetWhereHeadIsRefusedElsewhere() throws IOException {
        REGISTRY.stubFor(head(urlEqualTo(BY_TAG))
                .willReturn(aResponse()
                        .withStatus(307)
                        .withHeader("Location", REGISTRY.baseUrl().replace("localhost", "127.0.0.1") + "/signed")));
        REGISTRY.stubFor(head(urlEqualTo("/signed")).willReturn(aResponse().withStatus(403)));
        REGISTRY.stubFor(get(BY_TAG).willReturn(index()));

        assertThat(repository.resolve(TAG)).isPresent();
    }

    @Test
    void refusesAHeadWithAnotherDigestThanAsked() {
        REGISTRY.stubFor(head(urlEqualTo(BY_DIGEST))
                .willReturn(ok(INDEX, MediaType.OCI_INDEX.value())
                        .withHeader(
                                "Docker-Content-Digest",
                                Digest.sha256(new byte[2]).toString())));

        assertThatThrownBy(() -> repository.resolve(DIGEST)).isInstanceOf(InvalidContentException.class);
    }

    @Test
    void tellsAnswersFromOutages() throws IOException {
        REGISTRY.stubFor(head(urlEqualTo(BY_TAG)).willReturn(aResponse().withStatus(404)));
        assertThat(repository.resolve(TAG)).isEmpty();

        assertStatus(404, NotFoundException.class);
        assertStatus(401, UnauthorizedException.class);
        assertStatus(403, UnauthorizedException.class);
        assertStatus(400, RefusedException.class);
        assertStatus(408, OutageException.class);
        assertStatus(429, OutageException.class);
        assertStatus(500, OutageException.class);
        assertStatus(503, OutageException.class);
        assertStatus(204, OutageException.class);
    }

    private void assertStatus(int status, Class<? extends IOException> type) {
        REGISTRY.stubFor(get(BY_TAG)
                .willReturn(aResponse()
                        .withStatus(status)
                        .withBody(status == 204 ? "" : "{\"errors\":[{\"code\":\"DENIED\"}]}")));
        assertThatThrownBy(() -> repository.fetchManifest(TAG))
                .isInstanceOf(type)
                .hasMessageContaining("registry.test/team/app:v1")
                .hasMessageContaining(Integer.toString(status));
    }

    /** As nginx answers who shows no client certificate, or speaks HTTP to a port of TLS. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "text/html|<html><head><title>400 No required SSL certificate was sent</title></head></html>",
                "text/plain|Client sent an HTTP request to an HTTPS server.",
                "application/json|{\"message\":\"Bad Request\"}",
                "text/plain|",
            })
    void a400ThatIsNotInTheFormOfARegistryIsAnOutage(String answer) {
        int bar = answer.indexOf('|');
        REGISTRY.stubFor(any(urlEqualTo(BY_TAG))
                .willReturn(aResponse()
                        .withStatus(400)
                        .withHeader("Content-Type", answer.substring(0, bar))
                        .withBody(answer.substring(bar + 1))));
        for (ThrowingCallable asking :
                List.<ThrowingCallable>of(() -> repository.resolve(TAG), () -> repository.fetchManifest(TAG))) {
            assertThatThrownBy(asking)
                    .isInstanceOfSatisfying(
                            OutageException.class,
                            e -> assertThat(e.reason()).isEqualTo(OutageException.Reason.SERVER_ERROR))
                    .hasMessageContaining(
                            "answered 400, not in the form of a registry: a client certificate that is missing or"
                                    + " refused, or http:// to a TLS port?");
        }
    }

    /** A HEAD has no body, so the code is asked for by GET. */
    @ParameterizedTest
    @ValueSource(strings = {"[{\"code\":\"NAME_INVALID\"}]", "[]"})
    void a400OfTheRegistryStaysARefusal(String errors) {
        REGISTRY.stubFor(any(urlEqualTo(BY_TAG))
                .willReturn(aResponse()
                        .withStatus(400)
                        .withHeader("Content-Type", "application/json")
                        .withBody("{\"errors\":" + errors + "}")));
        String code = errors.length() > 2 ? "NAME_INVALID" : "";
        assertThatThrownBy(() -> repository.resolve(TAG)).isInstanceOfSatisfying(RefusedException.class, e -> {
            assertThat(e.status()).isEqualTo(400);
            assertThat(e.code()).isEqualTo(code);
        });
        assertThat(world.requests).containsExactly("resolve 400", "manifest 400");
    }

    @Test
    void saysWhichErrorCodeTheRegistryGave() {
        REGISTRY.stubFor(get(BY_TAG)
                .willReturn(aResponse()
                        .withStatus(418)
                        .withBody("{\"errors\":[{\"code\":\"TEAPOT\",\"message\":\"secret\"}]}")));

        assertThatThrownBy(() -> repository.fetchManifest(TAG))
                .isInstanceOfSatisfying(RefusedException.class, e -> {
                    assertThat(e.code()).isEqualTo("TEAPOT");
                    assertThat(e.status()).isEqualTo(418);
                })
                .hasMessageNotContaining("secret");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "30|PT30S",
                "Fri, 20 Nov 2026 10:02:00 GMT|PT2M",
                "Friday, 20-Nov-26 10:02:00 GMT|PT2M",
                "Fri Nov 20 10:02:00 2026|PT2M",
                "Fri, 20 Nov 2020 10:02:00 GMT|PT0S",
                "soon|''"
            })
    void readsWhenToComeBack(String header, String expected) {
        REGISTRY.stubFor(get(BY_TAG).willReturn(aResponse().withStatus(429).withHeader("Retry-After", header)));

        assertThatThrownBy(() -> repository.fetchManifest(TAG)).isInstanceOfSatisfying(OutageException.class, e -> {
            assertThat(e.reason()).isEqualTo(OutageException.Reason.RATE_LIMITED);
            assertThat(e.retryAfter())
                    .isEqualTo(expected.isEmpty() ? Optional.empty() : Optional.of(Duration.parse(expected)));
        });
        assertThat(world.requests).containsExactly("manifest 429");
    }
}
