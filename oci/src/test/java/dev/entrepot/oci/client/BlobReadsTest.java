package dev.entrepot.oci.client;

import static com.github.tomakehurst.wiremock.client.WireMock.aResponse;
import static com.github.tomakehurst.wiremock.client.WireMock.equalTo;
import static com.github.tomakehurst.wiremock.client.WireMock.get;
import static com.github.tomakehurst.wiremock.client.WireMock.getRequestedFor;
import static com.github.tomakehurst.wiremock.client.WireMock.head;
import static com.github.tomakehurst.wiremock.client.WireMock.urlEqualTo;
import static com.github.tomakehurst.wiremock.core.WireMockConfiguration.wireMockConfig;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.tomakehurst.wiremock.client.ResponseDefinitionBuilder;
import com.github.tomakehurst.wiremock.http.Fault;
import com.github.tomakehurst.wiremock.junit5.WireMockExtension;
import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BlobReadsTest {
    private static final byte[] BLOB = "0123456789".getBytes(StandardCharsets.US_ASCII);
    private static final Digest DIGEST = Digest.sha256(BLOB);
    private static final String PATH = "/v2/team/app/blobs/" + DIGEST;

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

    private static ResponseDefinitionBuilder answer(int status, byte[] body) {
        return aResponse()
                .withStatus(status)
                .withBody(body)
                .withHeader("Content-Length", Integer.toString(body.length));
    }

    @Test
    void loginPageIsNoWordThatABlobIsThere() {
        ResponseDefinitionBuilder page =
                answer(200, "<html>".getBytes(StandardCharsets.US_ASCII)).withHeader("Content-Type", "text/html");
        REGISTRY.stubFor(
                head(urlEqualTo(PATH)).willReturn(aResponse().withStatus(302).withHeader("Location", "/login")));
        REGISTRY.stubFor(head(urlEqualTo("/login")).willReturn(page));
        assertThatThrownBy(() -> repository.statBlob(DIGEST)).isInstanceOf(OutageException.class);

        REGISTRY.stubFor(head(urlEqualTo(PATH)).willReturn(aResponse().withStatus(405)));
        REGISTRY.stubFor(get(PATH).willReturn(page));
        assertThatThrownBy(() -> repository.statBlob(DIGEST)).isInstanceOf(OutageException.class);
    }

    @Test
    void readsTheWholeBlob() throws IOException {
        REGISTRY.stubFor(get(PATH).willReturn(answer(200, BLOB)));

        try (BlobBody body = repository.openBlob(DIGEST, ByteRange.ALL)) {
            assertThat(body.offset()).isZero();
            assertThat(body.totalBytes()).hasValue(10);
            assertThat(body.stream().readAllBytes()).isEqualTo(BLOB);
        }
        REGISTRY.verify(getRequestedFor(urlEqualTo(PATH)).withoutHeader("Range"));
    }

    @Test
    void readsAnEmptyBlob() throws IOException {
        REGISTRY.stubFor(get(PATH).willReturn(answer(200, new byte[0])));

        try (BlobBody body = repository.openBlob(DIGEST, ByteRange.ALL)) {
            assertThat(body.totalBytes()).hasValue(0);
            assertThat(body.stream().readAllBytes()).isEmpty();
        }
    }

    @Test
    void readsARange() throws IOException {
        REGISTRY.stubFor(get(PATH)
                .withHeader("Range", equalTo("bytes=4-"))
                .willReturn(answer(206, Arrays.copyOfRange(BLOB, 4, 10)).withHeader("Content-Range", "bytes 4-9/10")));

        try (BlobBody body = repository.openBlob(DIGEST, ByteRange.from(4))) {
            assertThat(body.offset()).isEqualTo(4);
            assertThat(body.totalBytes()).hasValue(10);
            assertThat(body.stream().readAllBytes()).isEqualTo("456789".getBytes(StandardCharsets.US_ASCII));
        }
    }

    @Test
    void saysSoWhereTheServerIgnoresTheRange() throws IOException {
        REGISTRY.stubFor(get(PATH).willReturn(answer(200, BLOB)));

        try (BlobBody body = repository.openBlob(DIGEST, ByteRange.of(4, 5))) {
            assertThat(body.offset()).isZero();
            assertThat(body.stream().readAllBytes()).isEqualTo(BLOB);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"bytes 3-9/10", "bytes 5-9/10", "bytes */10", "bytes 4-7/10", "items 4-5/10", ""})
    void refusesAPartThatIsNotTheOneAskedFor(String contentRange) {
        ResponseDefinitionBuilder part = answer(206, BLOB);
        REGISTRY.stubFor(
                get(PATH).willReturn(contentRange.isEmpty() ? part : part.withHeader("Content-Range", contentRange)));

        assertThatThrownBy(() -> repository.openBlob(DIGEST, ByteRange.of(4, 5)))
                .isInstanceOf(InvalidContentException.class)
                .hasMessageContaining("bytes=4-5");
    }

    @Test
    void refusesMoreBytesThanThePartHas() throws IOException {
        REGISTRY.stubFor(get(PATH).willReturn(answer(206, BLOB).withHeader("Content-Range", "bytes 4-5/10")));

        try (BlobBody body = repository.openBlob(DIGEST, ByteRange.of(4, 5))) {
            assertThatThrownBy(() -> body.stream().readAllBytes()).isInstanceOf(InvalidContentException.class);
        }
    }

    @Test
    void refusesFewerBytesThanThePartHas() throws IOException {
        REGISTRY.stubFor(
                get(PATH).willReturn(answer(206, Arrays.copyOf(BLOB, 3)).withHeader("Content-Range", "bytes 0-9/10")));

        try (BlobBody body = repository.openBlob(DIGEST, ByteRange.of(0, 9))) {
            assertThatThrownBy(() -> body.stream().readAllBytes()).isInstanceOf(OutageException.class);
        }
    }

    @Test
    void neverEndsATruncatedBodySilently() throws IOException {
        REGISTRY.stubFor(get(PATH).willReturn(aResponse().withBody(BLOB).withHeader("Content-Length", "1000")));

        try (BlobBody body = repository.openBlob(DIGEST, ByteRange.ALL)) {
            assertThat(body.totalBytes()).hasValue(1000);
            assertThatThrownBy(() -> body.stream().readAllBytes())
                    .isInstanceOfSatisfying(
                            OutageException.class,
                            e -> assertThat(e.reason()).isEqualTo(OutageException.Reason.UNREACHABLE))
                    .hasMessageContaining(DIGEST.toString());
        }
    }

    @Test
    void takesGarbageForAnOutage() {
        REGISTRY.stubFor(get(PATH).willReturn(aResponse().withFault(Fault.RANDOM_DATA_THEN_CLOSE)));

        assertThatThrownBy(() -> repository.openBlob(DIGEST, ByteRange.ALL)).isInstanceOf(OutageException.class);
    }

    @Test
    void takesABrokenChunkForAnOutage() throws IOException {
        REGISTRY.stubFor(get(PATH).willReturn(aResponse().withFault(Fault.MALFORMED_RESPONSE_CHUNK)));

        try (BlobBody body = repository.openBlob(DIGEST, ByteRange.ALL)) {
            assertThatThrownBy(() -> body.stream().readAllBytes()).isInstanceOf(OutageException.class);
        }
    }

    private static final OptionalLong SIZE = OptionalLong.of(BLOB.length);

    private static ResponseDefinitionBuilder gzip(byte[] body) {
        return answer(200, body).withHeader("Content-Encoding", "gzip");
    }

    @Test
    void unpacksABodyThatIsGzippedUnasked() throws IOException {
        REGISTRY.stubFor(get(PATH).willReturn(gzip(TestWorld.gzipped(BLOB))));

        try (BlobBody body = repository.openBlob(DIGEST, ByteRange.ALL, SIZE)) {
            assertThat(body.offset()).isZero();
            assertThat(body.totalBytes()).as("nobody has stated it").isEmpty();
            assertThat(body.isResumable()).isFalse();
            assertThat(body.stream().readAllBytes()).isEqualTo(BLOB);
        }
    }

    @Test
    void takesABodyOfTheBlobsLengthForTheBlobWhateverItIsSaidToBe() throws IOException {
        byte[] layer = TestWorld.gzipped(BLOB);
        REGISTRY.stubFor(get(PATH).willReturn(gzip(layer)));
        OptionalLong size = OptionalLong.of(layer.length);

        try (BlobBody body = repository.openBlob(DIGEST, ByteRange.ALL, size)) {
            assertThat(body.totalBytes()).isEqualTo(size);
            assertThat(body.isResumable()).isTrue();
            assertThat(body.stream().readAllBytes()).isEqualTo(layer);
        }
        REGISTRY.stubFor(get(PATH)
                .withHeader("Range", equalTo("bytes=4-"))
                .willReturn(answer(206, Arrays.copyOfRange(layer, 4, layer.length))
                        .withHeader("Content-Encoding", "gzip")
                        .withHeader("Content-Range", "bytes 4-" + (layer.length - 1) + "/" + layer.length)));
        try (BlobBody body = repository.openBlob(DIGEST, ByteRange.from(4), size)) {
            assertThat(body.offset()).isEqualTo(4);
            assertThat(body.stream().readAllBytes()).isEqualTo(Arrays.copyOfRange(layer, 4, layer.length));
        }
    }

    @Test
    void takesABodyThatDoesNotBeginAsGzipDoesAsItCame() throws IOException {
        REGISTRY.stubFor(get(PATH).willReturn(gzip(BLOB)));

        try (BlobBody body = repository.openBlob(DIGEST, ByteRange.ALL)) {
            assertThat(body.stream().readAllBytes()).isEqualTo(BLOB);
        }
    }

    @Test
    void unpacksNoMoreThanTheBlobHas() throws IOException {
        REGISTRY.stubFor(get(PATH).willReturn(gzip(TestWorld.gzipped(new byte[1_000_000]))));

        try (BlobBody body = repository.openBlob(DIGEST, ByteRange.ALL, SIZE)) {
            assertThatThrownBy(() -> body.stream().readAllBytes())
                    .isInstanceOf(InvalidContentException.class)
                    .hasMessageContaining("more in it than the 10 bytes expected");
        }
    }

    @Test
    void refusesAGzippedBodyWhereNoSizeIsKnown() {
        REGISTRY.stubFor(get(PATH).willReturn(gzip(TestWorld.gzipped(BLOB))));

        assertThatThrownBy(() -> repository.openBlob(DIGEST, ByteRange.ALL))
                .isInstanceOf(InvalidContentException.class)
                .hasMessageContaining("ask for its manifest first");
    }

    @Test
    void takesAGzippedBodyThatEndsEarlyForAnOutage() throws IOException {
        byte[] all = TestWorld.gzipped(BLOB);
        REGISTRY.stubFor(get(PATH).willReturn(gzip(Arrays.copyOf(all, all.length - 10))));

        try (BlobBody body = repository.openBlob(DIGEST, ByteRange.ALL, SIZE)) {
            assertThatThrownBy(() -> body.stream().readAllBytes()).isInstanceOf(OutageException.class);
        }
    }

    @Test
    void asksForAllWhereAPartOfAGzippedBodyComes() throws IOException {
        byte[] all = TestWorld.gzipped(BLOB);
        REGISTRY.stubFor(get(PATH).willReturn(gzip(all)));
        REGISTRY.stubFor(get(PATH)
                .withHeader("Range", equalTo("bytes=4-"))
                .willReturn(answer(206, Arrays.copyOfRange(all, 4, all.length))
                        .withHeader("Content-Encoding", "gzip")
                        .withHeader("Content-Range", "bytes 4-" + (all.length - 1) + "/" + all.length)));

        try (BlobBody body = repository.openBlob(DIGEST, ByteRange.from(4), SIZE)) {
            assertThat(body.offset()).isZero();
            assertThat(body.stream().readAllBytes()).isEqualTo(BLOB);
        }
        assertThat(repository.ignoresRanges()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"br", "deflate", "gzip, gzip"})
    void refusesAnyOtherEncodingByItsNameWhereTheLengthIsNotThatOfTheBlob(String encoding) {
        REGISTRY.stubFor(get(PATH).willReturn(answer(200, BLOB).withHeader("Content-Encoding", encoding)));

        for (OptionalLong size : List.of(OptionalLong.empty(), OptionalLong.of(BLOB.length + 1))) {
            assertThatThrownBy(() -> repository.openBlob(DIGEST, ByteRange.ALL, size))
                    .isInstanceOf(InvalidContentException.class)
                    .hasMessageContaining("content encoding " + encoding);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"br", "deflate", "gzip, gzip"})
    void takesABodyOfTheBlobsLengthForTheBlobWhateverElseItIsSaidToBe(String encoding) throws IOException {
        REGISTRY.stubFor(get(PATH).willReturn(answer(200, BLOB).withHeader("Content-Encoding", encoding)));

        try (BlobBody body = repository.openBlob(DIGEST, ByteRange.ALL, SIZE)) {
            assertThat(body.totalBytes()).isEqualTo(SIZE);
            assertThat(body.isResumable()).isTrue();
            assertThat(body.stream().readAllBytes()).isEqualTo(BLOB);
        }
        REGISTRY.stubFor(get(PATH)
                .withHeader("Range", equalTo("bytes=4-"))
                .willReturn(answer(206, Arrays.copyOfRange(BLOB, 4, 10))
                        .withHeader("Content-Encoding", encoding)
                        .withHeader("Content-Range", "bytes 4-9/10")));
        try (BlobBody body = repository.openBlob(DIGEST, ByteRange.from(4), SIZE)) {
            assertThat(body.offset()).isEqualTo(4);
            assertThat(body.stream().readAllBytes()).isEqualTo(Arrays.copyOfRange(BLOB, 4, 10));
        }
    }

    @Test
    void namesTheEncodingWhereTheDigestOfSuchABodyDiffers() throws IOException {
        byte[] encoded = "9876543210".getBytes(StandardCharsets.US_ASCII);
        REGISTRY.stubFor(get(PATH).willReturn(answer(200, encoded).withHeader("Content-Encoding", "br")));

        try (BlobBody body = repository.openBlob(DIGEST, ByteRange.ALL, SIZE)) {
            assertThatThrownBy(() -> body.stream().readAllBytes())
                    .isInstanceOf(InvalidContentException.class)
                    .hasMessageContaining("content encoding br")
                    .hasMessageContaining(Digest.sha256(encoded).toString());
        }
    }

    @Test
    void takesWhatStorageKeepsOfAnUploadForNoEncoding() throws IOException {
        REGISTRY.stubFor(head(urlEqualTo(PATH))
                .willReturn(aResponse()
                        .withHeader("Content-Encoding", "aws-chunked")
                        .withHeader("Content-Length", "10")));
        REGISTRY.stubFor(get(PATH).willReturn(answer(200, BLOB).withHeader("Content-Encoding", "AWS-chunked")));

        assertThat(repository.statBlob(DIGEST)).contains(SIZE);
        try (BlobBody body = repository.openBlob(DIGEST, ByteRange.ALL)) {
            assertThat(body.totalBytes()).isEqualTo(SIZE);
            assertThat(body.stream().readAllBytes()).isEqualTo(BLOB);
        }
        REGISTRY.verify(0, getRequestedFor(urlEqualTo(PATH)).withHeader("Range", equalTo("bytes=0-0")));
    }

    @Test
    void stillUnpacksWhatStorageKeepsOfAnUploadThatIsGzipped() throws IOException {
        REGISTRY.stubFor(get(PATH)
                .willReturn(answer(200, TestWorld.gzipped(BLOB)).withHeader("Content-Encoding", "aws-chunked,gzip")));

        try (BlobBody body = repository.openBlob(DIGEST, ByteRange.ALL, SIZE)) {
            assertThat(body.stream().readAllBytes()).isEqualTo(BLOB);
        }
    }

    @Test
    void believesThatABlobIsThereThatComesGzippedButNotItsLength() throws IOException {
        REGISTRY.stubFor(head(urlEqualTo(PATH)).willReturn(aResponse().withHeader("Content-Encoding", "gzip")));
        REGISTRY.stubFor(get(PATH).willReturn(gzip(TestWorld.gzipped(BLOB))));

        assertThat(repository.statBlob(DIGEST)).contains(OptionalLong.empty());
    }

    @Test
    void believesNoLengthOfAHeadThatIsEncodedUnasked() throws IOException {
        REGISTRY.stubFor(head(urlEqualTo(PATH))
                .willReturn(aResponse()
                        .withStatus(200)
                        .withHeader("Content-Encoding", "gzip")
                        .withHeader("Content-Length", "7")));
        REGISTRY.stubFor(get(PATH)
                .willReturn(
                        answer(206, Arrays.copyOf(BLOB, 1)).withHeader("Content-Range", "bytes 0-0/" + BLOB.length)));

        assertThat(repository.statBlob(DIGEST)).contains(OptionalLong.of(BLOB.length));
    }

    @Test
    void tellsWhatTheRegistryAnswers() {
        REGISTRY.stubFor(get(PATH).willReturn(aResponse().withStatus(404)));
        assertThatThrownBy(() -> repository.openBlob(DIGEST, ByteRange.ALL))
                .isInstanceOfSatisfying(
                        NotFoundException.class, e -> assertThat(e.kind()).isEqualTo(NotFoundException.Kind.BLOB));
        REGISTRY.stubFor(get(PATH).willReturn(aResponse().withStatus(416)));
        assertThatThrownBy(() -> repository.openBlob(DIGEST, ByteRange.from(99)))
                .isInstanceOfSatisfying(
                        RefusedException.class, e -> assertThat(e.status()).isEqualTo(416));
    }

    @Test
    void asksForASizeByHead() throws IOException {
        REGISTRY.stubFor(head(urlEqualTo(PATH)).willReturn(aResponse().withHeader("Content-Length", "10")));
        assertThat(repository.statBlob(DIGEST)).contains(OptionalLong.of(10));

        REGISTRY.stubFor(head(urlEqualTo(PATH)).willReturn(aResponse().withStatus(404)));
        assertThat(repository.statBlob(DIGEST)).isEqualTo(Optional.empty());
    }

    /** Harbor answers HEAD so for a blob that it has not fetched from its own upstream yet. */
    @Test
    void headThatSaysThatThereIsNoneIsNotBelievedWhereGetHasIt() throws IOException {
        REGISTRY.stubFor(head(urlEqualTo(PATH)).willReturn(aResponse().withStatus(404)));
        REGISTRY.stubFor(get(PATH)
                .withHeader("Range", equalTo("bytes=0-0"))
                .willReturn(answer(206, new byte[] {'0'}).withHeader("Content-Range", "bytes 0-0/10")));

        assertThat(repository.statBlob(DIGEST)).contains(OptionalLong.of(10));
        assertThat(repository.statBlob(DIGEST)).contains(OptionalLong.of(10));
        assertThat(world.requests)
                .as("HEAD is not tried again")
                .containsExactly("stat-blob 404", "blob 206", "blob 206");
    }

    @Test
    void targetThatSaysThatThereIsNoneIsBelieved() throws IOException {
        REGISTRY.stubFor(head(urlEqualTo(PATH)).willReturn(aResponse().withStatus(404)));

        assertThat(repository.containsBlob(DIGEST)).isFalse();
        assertThat(client.target(TestWorld.NAME).statBlob(DIGEST)).isEqualTo(Optional.empty());
        assertThat(world.requests).containsExactly("stat-blob 404", "stat-blob 404");
    }

    @Test
    void lengthOfNothingIsNotBelievedOfSomething() throws IOException {
        Digest nothing = Digest.sha256(new byte[0]);
        ResponseDefinitionBuilder lost = aResponse().withHeader("Content-Length", "0");
        REGISTRY.stubFor(head(urlEqualTo(PATH)).willReturn(lost));
        REGISTRY.stubFor(head(urlEqualTo("/v2/team/app/blobs/" + nothing)).willReturn(lost));
        REGISTRY.stubFor(
                get(PATH).willReturn(answer(206, new byte[] {'0'}).withHeader("Content-Range", "bytes 0-0/10")));

        assertThat(repository.statBlob(DIGEST)).contains(OptionalLong.of(10));
        assertThat(repository.statBlob(nothing)).contains(OptionalLong.of(0));
    }

    /** ECR Public refuses the HEAD of a blob to those who may GET it. */
    @Test
    void asksForASizeByRangeWhereHeadIsRefused() throws IOException {
        REGISTRY.stubFor(head(urlEqualTo(PATH)).willReturn(aResponse().withStatus(401)));
        REGISTRY.stubFor(
                get(PATH).willReturn(answer(206, Arrays.copyOf(BLOB, 1)).withHeader("Content-Range", "bytes 0-0/10")));

        assertThat(repository.statBlob(DIGEST)).contains(OptionalLong.of(10));
    }

    @ParameterizedTest
    @ValueSource(ints = {405, 501})
    void asksForASizeByRangeWhereHeadIsNotAllowed(int status) throws IOException {
        REGISTRY.stubFor(head(urlEqualTo(PATH)).willReturn(aResponse().withStatus(status)));
        REGISTRY.stubFor(get(PATH)
                .withHeader("Range", equalTo("bytes=0-0"))
                .willReturn(answer(206, new byte[] {'0'}).withHeader("Content-Range", "bytes 0-0/10")));

        assertThat(repository.statBlob(DIGEST)).contains(OptionalLong.of(10));
    }

    /** Which has no first byte. */
    @Test
    void emptyBlobIsThereThoughItIsAskedForByARangeThatCannotBe() throws IOException {
        Digest nothing = Digest.sha256(new byte[0]);
        String path = "/v2/team/app/blobs/" + nothing;
        REGISTRY.stubFor(head(urlEqualTo(path)).willReturn(aResponse().withStatus(405)));
        REGISTRY.stubFor(get(path).willReturn(answer(416, new byte[0]).withHeader("Content-Range", "bytes */0")));

        assertThat(repository.statBlob(nothing)).contains(OptionalLong.of(0));
    }

    @Test
    void askingForASizeByRangeLeavesTheConnectionOpen() throws IOException {
        try (TestRegistry registry = TestRegistry.started();
                RegistryClient asking = world.client(registry.uri().toString())) {
            Digest blob = registry.pushBlob("team/app", BLOB);
            registry.faults().always(Requests.head(), dev.entrepot.oci.testing.Fault.status(405));
            for (int i = 0; i < 3; i++) {
                assertThat(asking.repository(TestWorld.NAME).statBlob(blob)).contains(OptionalLong.of(10));
            }
            assertThat(registry.server().connectionsAccepted()).isEqualTo(1);
        }
    }

    @Test
    void usesTheConnectionAgainOnceAllBytesAreRead() throws IOException {
        REGISTRY.stubFor(get(PATH).willReturn(answer(200, BLOB)));
        try (BlobBody first = repository.openBlob(DIGEST, ByteRange.ALL);
                InputStream stream = first.stream()) {
            // Exactly the bytes, without the read that returns the end.
            assertThat(stream.readNBytes(10)).isEqualTo(BLOB);
            try (BlobBody second = repository.openBlob(DIGEST, ByteRange.ALL)) {
                assertThat(second.stream().readNBytes(10)).isEqualTo(BLOB);
            }
        }
    }
}
