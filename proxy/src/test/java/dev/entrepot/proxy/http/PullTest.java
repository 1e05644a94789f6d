package dev.entrepot.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.cache.Verdict;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.DescriptorJson;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import dev.entrepot.proxy.http.RawConnection.Answer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/**
 * The pull API as a client sees it. Long, because every endpoint is asked through the same server and judged by the
 * same helpers.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PullTest {
    private static final String ALPINE = "docker.io/library/alpine";
    private static final byte[] BLOB = random(200_000);
    private ServerFixture fixture = new ServerFixture();
    private FakeRepositories repositories = fixture.repositories;
    private RawConnection client;
    private ManifestBytes manifest;
    private Digest blob;

    private static byte[] random(int size) {
        byte[] bytes = new byte[size];
        new Random(42).nextBytes(bytes);
        return bytes;
    }

    @BeforeAll
    void fill() throws Exception {
        byte[] bytes = "{ \"schemaVersion\": 2,  \"x-unknown\": [1.0, 1e2] }\n".getBytes(StandardCharsets.UTF_8);
        manifest = ManifestBytes.of(MediaType.DOCKER_MANIFEST, bytes);
        repositories.manifest(ALPINE, "3.20", manifest);
        blob = repositories.blob(ALPINE, BLOB);
        List<Tag> tags = Stream.of("1.0", "1.1", "2.0", "latest").map(Tag::new).toList();
        repositories.tags.put(Repository.parse(ALPINE), tags);
    }

    @BeforeEach
    void connect() throws IOException {
        repositories.verdict = Verdict.HIT;
        repositories.age = Duration.ZERO;
        repositories.outage = Optional.empty();
        repositories.sizesKnown = true;
        client = fixture.connect();
    }

    @AfterEach
    void disconnect() throws IOException {
        client.close();
    }

    @AfterAll
    void stop() {
        fixture.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"/v2/", "/v2", "/docker.io/v2/", "/hub/v2"})
    void pingIsAnsweredForGetAndHead(String path) throws Exception {
        for (String method : List.of("GET", "HEAD")) {
            Answer answer = client.request(method, path);
            assertThat(answer.status()).isEqualTo(200);
            assertThat(answer.header("Docker-Distribution-API-Version")).isEqualTo("registry/2.0");
            assertThat(answer.header("Content-Length")).isEqualTo("2");
            assertThat(answer.header("X-Entrepot-Cache")).isEqualTo("none");
            assertThat(answer.text()).isEqualTo(method.equals("GET") ? "{}" : "");
        }
    }

    @Test
    void pingOfAnUnknownRegistryIsNameUnknown() throws Exception {
        assertThat(client.get("/evil.example/v2/").status()).isEqualTo(404);
    }

    @Test
    void manifestHasItsOriginalBytesAndItsTypeWithoutParameters() throws Exception {
        Answer answer = client.get("/v2/alpine/manifests/3.20");
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.body()).isEqualTo(manifest.array());
        assertThat(answer.header("Content-Type")).isEqualTo(MediaType.DOCKER_MANIFEST.value());
        assertThat(answer.header("Docker-Content-Digest"))
                .isEqualTo(manifest.digest().toString());
        assertThat(answer.header("ETag")).isEqualTo("\"" + manifest.digest() + "\"");
        assertThat(answer.header("Cache-Control")).isEqualTo("no-cache");
        assertThat(answer.header("X-Content-Type-Options")).isEqualTo("nosniff");
        assertThat(answer.header("X-Entrepot-Cache")).isEqualTo("hit");
        assertThat(answer.headers()).doesNotContainKeys("content-encoding", "warning", "transfer-encoding");
    }

    @Test
    void headManifestHasContentLengthAndDigest() throws Exception {
        Answer get = client.get("/v2/alpine/manifests/" + manifest.digest());
        Answer head = client.head("/v2/alpine/manifests/" + manifest.digest());
        assertThat(head.status()).isEqualTo(200);
        assertThat(head.body()).isEmpty();
        assertThat(withoutDate(head)).isEqualTo(withoutDate(get));
        assertThat(head.header("Content-Length")).isEqualTo(Integer.toString(manifest.sizeBytes()));
        assertThat(head.header("Cache-Control")).isEqualTo("public, max-age=31536000, immutable");
    }

    private static Map<String, String> withoutDate(Answer answer) {
        return answer.headers().entrySet().stream()
                .filter(entry -> !entry.getKey().equals("date"))
                .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
    }

    @Test
    void encodingThatTheClientOffersIsNeverApplied() throws Exception {
        Answer answer =
                client.get("/v2/alpine/blobs/" + blob, "Accept-Encoding: zstd;q=1.0, gzip;q=0.8, deflate;q=0.5");
        assertThat(answer.headers()).doesNotContainKey("content-encoding");
        assertThat(answer.body()).isEqualTo(BLOB);
    }

    @Test
    void narrowAcceptDoesNotWithholdTheManifest() throws Exception {
        assertThat(client.get("/v2/alpine/manifests/3.20", "Accept: application/vnd.oci.image.index.v1+json")
                        .status())
                .isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"%s\"", "%s", "W/\"%s\"", "\"x\", \"%s\"", "*"})
    void ifNoneMatchIsAnswered304(String form) throws Exception {
        String header = "If-None-Match: " + form.replace("%s", manifest.digest().toString());
        for (String method : List.of("GET", "HEAD")) {
            Answer answer = client.request(method, "/v2/alpine/manifests/3.20", header);
            assertThat(answer.status()).isEqualTo(304);
            assertThat(answer.header("ETag")).isEqualTo("\"" + manifest.digest() + "\"");
            assertThat(answer.header("Docker-Content-Digest"))
                    .isEqualTo(manifest.digest().toString());
            assertThat(answer.header("X-Entrepot-Cache")).isEqualTo("hit");
            assertThat(answer.body()).isEmpty();
            // It could only be that of the manifest (RFC 9110, section 15.4.5), and not 0.
            assertThat(answer.header("Content-Length") + answer.header("Transfer-Encoding"))
                    .isEmpty();
        }
        String blobHeader = "If-None-Match: " + form.replace("%s", blob.toString());
        Answer ofBlob = client.get("/v2/alpine/blobs/" + blob, blobHeader);
        assertThat(ofBlob.status()).isEqualTo(304);
        assertThat(ofBlob.header("Content-Length")).isEmpty();
        assertThat(client.get("/v2/").status()).isEqualTo(200);
    }

    @Test
    void answer304IsItsHeadersAndNotAByteMore() throws Exception {
        client.send(
                "GET /v2/alpine/manifests/3.20 HTTP/1.1\r\nHost: mirror.test\r\nConnection: close\r\nIf-None-Match: *\r\n\r\n");
        String all = new String(client.rest(), StandardCharsets.ISO_8859_1);
        assertThat(all).startsWith("HTTP/1.1 304 Not Modified\r\n").endsWith("\r\n\r\n");
        assertThat(all.toLowerCase(Locale.ROOT)).doesNotContain("content-length", "transfer-encoding");
        assertThat(all.split("\r\n\r\n", -1)).hasSize(2);
    }

    @Test
    void otherValidatorIsNoMatch() throws Exception {
        assertThat(client.get("/v2/alpine/manifests/3.20", "If-None-Match: \"" + blob + "\"")
                        .status())
                .isEqualTo(200);
    }

    @Test
    void blobHasItsHeaders() throws Exception {
        Answer answer = client.get("/v2/alpine/blobs/" + blob);
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.body()).isEqualTo(BLOB);
        assertThat(answer.header("Content-Type")).isEqualTo("application/octet-stream");
        assertThat(answer.header("Accept-Ranges")).isEqualTo("bytes");
        assertThat(answer.header("Docker-Content-Digest")).isEqualTo(blob.toString());
        assertThat(answer.header("ETag")).isEqualTo("\"" + blob + "\"");
        assertThat(answer.header("Cache-Control")).isEqualTo("public, max-age=31536000, immutable");
    }

    @Test
    void headOfABlobOpensNothing() throws Exception {
        int before = repositories.opened.get();
        Answer answer = client.head("/v2/alpine/blobs/" + blob);
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.header("Content-Length")).isEqualTo("200000");
        assertThat(answer.header("Accept-Ranges")).isEqualTo("bytes");
        assertThat(repositories.opened).hasValue(before);
    }

    @Test
    void emptyBlobIsServed() throws Exception {
        Digest empty = repositories.blob(ALPINE, new byte[0]);
        for (String header : List.of("X-Plain: 1", "Range: bytes=0-", "Range: bytes=-1", "Range: bytes=0-0,5-9")) {
            Answer answer = client.get("/v2/alpine/blobs/" + empty, header);
            assertThat(answer.status()).as(header).isEqualTo(200);
            assertThat(answer.header("Content-Length")).isEqualTo("0");
            assertThat(answer.headers()).doesNotContainKey("content-range");
        }
        assertThat(client.get("/v2/").status()).isEqualTo(200);
    }

    @Test
    void sha512IsServed() throws Exception {
        byte[] bytes = "sha512".getBytes(StandardCharsets.UTF_8);
        Digest digest = Digest.of(DigestAlgorithm.SHA512, bytes);
        repositories.blobs.put(ALPINE + ":" + digest, bytes);
        Answer answer = client.get("/v2/alpine/blobs/" + digest);
        assertThat(answer.body()).isEqualTo(bytes);
        assertThat(answer.header("Docker-Content-Digest")).isEqualTo(digest.toString());
    }

    private static final String BLAKE3 = "blake3:" + "0".repeat(64);

    @ParameterizedTest
    @CsvSource({"manifests, MANIFEST_UNKNOWN", "blobs, BLOB_UNKNOWN"})
    void digestThatCannotBeVerifiedHereIsNotFoundWithTheReason(String endpoint, String code) throws Exception {
        for (String digest : List.of(BLAKE3, "md5:d41d8cd98f00b204e9800998ecf8427e", "a+b.c:Zz=_-9")) {
            String path = "/v2/alpine/" + endpoint + "/" + digest;
            Answer answer = client.get(path);
            assertThat(answer.status()).isEqualTo(404);
            assertThat(code(answer)).isEqualTo(code);
            assertThat(answer.text()).contains("cannot be verified here", digest);
            assertThat(answer.header("X-Entrepot-Cache")).isEqualTo("none");
            assertThat(client.head(path).status()).isEqualTo(404);
        }
        for (String malformed : List.of("blake3:00", "sha256:" + "Z".repeat(64), "md5:", "md5:a%20b", "MD5:aa")) {
            Answer answer = client.get("/v2/alpine/" + endpoint + "/" + malformed);
            assertThat(answer.status()).as(malformed).isEqualTo(400);
            assertThat(code(answer)).isEqualTo("DIGEST_INVALID");
        }
    }

    @Test
    void referrersOfADigestThatCannotBeVerifiedHereAreThoseThatTheRepositoryHas() throws Exception {
        String path = "/v2/alpine/referrers/" + BLAKE3;
        assertThat(client.get(path).status()).as("nothing is known of them").isEqualTo(404);
        Descriptor one = Descriptor.of(MediaType.OCI_MANIFEST, manifest.digest(), 1234);
        repositories.referrers.put(ALPINE + ":" + BLAKE3, new Referrers(Referrers.Origin.API, List.of(one)));
        Answer answer = client.get(path);
        assertThat(answer.status()).isEqualTo(200);
        assertThat(DescriptorJson.readIndex(answer.body())).containsExactly(one);
    }

    @Test
    void blobOfUnknownSizeIsChunkedAndItsHeadHasNoLength() throws Exception {
        repositories.sizesKnown = false;
        Answer get = client.get("/v2/alpine/blobs/" + blob, "Range: bytes=5-6");
        assertThat(get.status()).isEqualTo(200);
        assertThat(get.header("Transfer-Encoding")).isEqualTo("chunked");
        assertThat(get.body()).isEqualTo(BLOB);
        Answer head = client.head("/v2/alpine/blobs/" + blob);
        assertThat(head.status()).isEqualTo(200);
        assertThat(head.headers()).doesNotContainKeys("content-length", "transfer-encoding");
        assertThat(head.header("Connection")).isEqualTo("close");
        assertThat(client.rest()).as("what comes behind a HEAD").isEmpty();
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "bytes=500-1499|500|1499",
                "bytes=199999-|199999|199999",
                "bytes=0-|0|199999",
                "bytes=-500|199500|199999",
                "bytes=150000-9999999|150000|199999",
            })
    void singleRangeIs206(String range, int first, int last) throws Exception {
        Answer answer = client.get("/v2/alpine/blobs/" + blob, "Range: " + range);
        assertThat(answer.status()).isEqualTo(206);
        assertThat(answer.header("Content-Range")).isEqualTo("bytes " + first + "-" + last + "/200000");
        assertThat(answer.header("Content-Length")).isEqualTo(Integer.toString(last - first + 1));
        assertThat(answer.body()).isEqualTo(Arrays.copyOfRange(BLOB, first, last + 1));
    }

    @ParameterizedTest
    @ValueSource(strings = {"bytes=200000-", "bytes=500000-600000", "bytes=500-0", "bytes=-0"})
    void unsatisfiableRangeIs416(String range) throws Exception {
        Answer answer = client.get("/v2/alpine/blobs/" + blob, "Range: " + range);
        assertThat(answer.status()).isEqualTo(416);
        assertThat(answer.header("Content-Range")).isEqualTo("bytes */200000");
        assertThat(code(answer)).isEqualTo("RANGE_INVALID");
        assertThat(answer.headers()).doesNotContainKey("docker-content-digest");
        assertThat(repositories.openBodies).hasValue(0);
    }

    @ParameterizedTest
    @ValueSource(strings = {"items=0-1", "bytes=x", "bytes=0-,0-"})
    void rangesThatAreNotServedInPartsGiveTheWholeBlob(String range) throws Exception {
        Answer answer = client.get("/v2/alpine/blobs/" + blob, "Range: " + range);
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.body()).isEqualTo(BLOB);
    }

    @Test
    void multiRangeHeaderOf20KilobytesIs206Multipart() throws Exception {
        String range = IntStream.range(0, 1024)
                .mapToObj(i -> (100_000 + i * 20) + "-" + (100_000 + i * 20 + 9))
                .collect(Collectors.joining(", ", "bytes=", ""));
        assertThat(range.length()).isGreaterThan(14_000);
        Answer answer = client.get("/v2/alpine/blobs/" + blob, "Range: " + range, "X-Padding: " + "x".repeat(8000));
        assertThat(answer.status()).isEqualTo(206);
        List<String> ranges = new ArrayList<>();
        byte[] joined = parts(answer, ranges);
        assertThat(ranges).hasSize(1024).startsWith("bytes 100000-100009/200000", "bytes 100020-100029/200000");
        assertThat(Arrays.copyOf(joined, 20))
                .isEqualTo(
                        concat(Arrays.copyOfRange(BLOB, 100_000, 100_010), Arrays.copyOfRange(BLOB, 100_020, 100_030)));
        assertThat(client.get("/v2/").status()).isEqualTo(200);
    }

    private static byte[] concat(byte[] a, byte[] b) {
        byte[] both = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, both, a.length, b.length);
        return both;
    }

    /** Takes a multipart body apart, strictly. */
    private static byte[] parts(Answer answer, List<String> ranges) {
        String type = answer.header("Content-Type");
        assertThat(type).startsWith("multipart/byteranges; boundary=");
        String delimiter = "--" + type.substring(type.indexOf('=') + 1);
        String body = new String(answer.body(), StandardCharsets.ISO_8859_1);
        assertThat(body).startsWith(delimiter + "\r\n").endsWith("\r\n" + delimiter + "--\r\n");
        StringBuilder content = new StringBuilder();
        String inner = body.substring(delimiter.length() + 2, body.length() - delimiter.length() - 6);
        for (String part : inner.split("\r\n" + delimiter + "\r\n", -1)) {
            int end = part.indexOf("\r\n\r\n");
            assertThat(part).startsWith("Content-Type: application/octet-stream\r\nContent-Range: ");
            ranges.add(part.substring(part.indexOf("Content-Range: ") + 15, end));
            content.append(part, end + 4, part.length());
        }
        return content.toString().getBytes(StandardCharsets.ISO_8859_1);
    }

    @Test
    void severalRangesOfWhichOneExistsAreStillMultipart() throws Exception {
        Answer answer = client.get("/v2/alpine/blobs/" + blob, "Range: bytes=0-9,900000-");
        List<String> ranges = new ArrayList<>();
        assertThat(parts(answer, ranges)).isEqualTo(Arrays.copyOf(BLOB, 10));
        assertThat(ranges).containsExactly("bytes 0-9/200000");
    }

    @Test
    void moreThan1024RangesAre400() throws Exception {
        String range =
                IntStream.range(0, 1025).mapToObj(i -> i + "-" + i).collect(Collectors.joining(",", "bytes=", ""));
        assertThat(client.get("/v2/alpine/blobs/" + blob, "Range: " + range).status())
                .isEqualTo(400);
        assertThat(repositories.openBodies).hasValue(0);
    }

    @Test
    void ifRangeDecidesWhetherTheRangeCounts() throws Exception {
        String path = "/v2/alpine/blobs/" + blob;
        assertThat(client.get(path, "Range: bytes=0-9", "If-Range: \"" + blob + "\"")
                        .status())
                .isEqualTo(206);
        assertThat(client.get(path, "Range: bytes=0-9", "If-Range: \"other\"").status())
                .isEqualTo(200);
        assertThat(client.get(path, "Range: bytes=0-9", "If-Range: Sat, 29 Oct 1994 19:43:31 GMT")
                        .status())
                .isEqualTo(200);
    }

    @Test
    void headIgnoresRanges() throws Exception {
        Answer answer = client.head("/v2/alpine/blobs/" + blob, "Range: bytes=0-9");
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.header("Content-Length")).isEqualTo("200000");
    }

    @Test
    void namespaceIsEchoed() throws Exception {
        Answer answer = client.get("/v2/alpine/manifests/3.20?ns=docker.io");
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.header("OCI-Namespace")).isEqualTo("docker.io");
        assertThat(client.get("/v2/alpine/manifests/3.20").headers()).doesNotContainKey("oci-namespace");
        Answer missing = client.get("/v2/alpine/manifests/nope?ns=docker.io");
        assertThat(missing.status()).isEqualTo(404);
        assertThat(missing.header("OCI-Namespace")).isEqualTo("docker.io");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/v2/library/alpine/manifests/3.20",
                "/v2/docker.io/alpine/manifests/3.20",
                "/docker.io/v2/alpine/manifests/3.20",
                "/docker.io/library/v2/alpine/manifests/3.20",
                "/v2/docker.io/library/alpine/manifests/3.20?ns=docker.io"
            })
    void allRoutesLeadToTheSameManifest(String path) throws Exception {
        assertThat(client.get(path).body()).isEqualTo(manifest.array());
    }

    @Test
    void staleAnswersCarryAWarningAndAnAge() throws Exception {
        repositories.verdict = Verdict.STALE;
        repositories.age = Duration.ofSeconds(90);
        repositories.outage = Optional.of("registry \"x\" refused\r\nInjected: yes" + "y".repeat(9000));
        Answer answer = client.get("/v2/alpine/manifests/3.20");
        assertThat(answer.header("X-Entrepot-Cache")).isEqualTo("stale");
        assertThat(answer.header("Age")).isEqualTo("90");
        assertThat(answer.header("Warning"))
                .startsWith("299 - \"stale: registry ?x? refused??Injected: yes")
                .endsWith("\"")
                .hasSizeLessThan(4096);
        assertThat(answer.headers()).doesNotContainKey("injected");
    }

    @Test
    void tagsAreListedAndPaged() throws Exception {
        Answer all = client.get("/v2/alpine/tags/list");
        assertThat(all.text()).isEqualTo("{\"name\":\"alpine\",\"tags\":[\"1.0\",\"1.1\",\"2.0\",\"latest\"]}");
        assertThat(all.header("Content-Type")).isEqualTo("application/json");
        assertThat(all.headers()).doesNotContainKey("link");

        Answer first = client.get("/v2/alpine/tags/list?n=3");
        assertThat(first.text()).isEqualTo("{\"name\":\"alpine\",\"tags\":[\"1.0\",\"1.1\",\"2.0\"]}");
        assertThat(first.header("Link")).isEqualTo("</v2/alpine/tags/list?n=3&last=2.0>; rel=\"next\"");
        Answer second = client.get("/v2/alpine/tags/list?n=3&last=2.0");
        assertThat(second.text()).isEqualTo("{\"name\":\"alpine\",\"tags\":[\"latest\"]}");
        assertThat(second.headers()).doesNotContainKey("link");
        assertThat(client.get("/v2/alpine/tags/list?n=4").headers()).doesNotContainKey("link");
        assertThat(client.get("/v2/alpine/tags/list?last=1.05").text()).contains("[\"1.1\",\"2.0\",\"latest\"]");
    }

    @Test
    void pagesAreLinkedByThePathThatTheClientUsed() throws Exception {
        assertThat(client.get("/docker.io/v2/alpine/tags/list?n=1").header("Link"))
                .isEqualTo("</docker.io/v2/alpine/tags/list?n=1&last=1.0>; rel=\"next\"");
        Answer namespaced = client.get("/v2/docker.io/library/alpine/tags/list?n=1&ns=docker.io");
        assertThat(namespaced.header("Link"))
                .isEqualTo("</v2/docker.io/library/alpine/tags/list?n=1&last=1.0&ns=docker.io>; rel=\"next\"");
        assertThat(namespaced.text()).startsWith("{\"name\":\"docker.io/library/alpine\"");
    }

    @Test
    void zeroTagsAreAnEmptyListWithoutALink() throws Exception {
        Answer answer = client.get("/v2/alpine/tags/list?n=0");
        assertThat(answer.text()).isEqualTo("{\"name\":\"alpine\",\"tags\":[]}");
        assertThat(answer.headers()).doesNotContainKey("link");
    }

    @Test
    void badPageSizeIs400() throws Exception {
        Answer answer = client.get("/v2/alpine/tags/list?n=-1");
        assertThat(answer.status()).isEqualTo(400);
        assertThat(code(answer)).isEqualTo("PAGINATION_NUMBER_INVALID");
    }

    private static String code(Answer answer) {
        assertThat(answer.header("Content-Type")).isEqualTo("application/json");
        JsonNode error = OciJson.mapper().readTree(answer.body()).path("errors").path(0);
        assertThat(error.path("message").stringValue("")).isNotEmpty();
        return error.path("code").stringValue("");
    }

    private static Descriptor referrer(int number, String type, String annotation) {
        byte[] bytes = ("referrer " + number).getBytes(StandardCharsets.UTF_8);
        return Descriptor.of(MediaType.OCI_MANIFEST, Digest.sha256(bytes), bytes.length)
                .asReferrer(Optional.of(type), Map.of("note", annotation));
    }

    @Test
    void pageOfManyTagsLooksAtFewOthers() throws Exception {
        AtomicInteger made = new AtomicInteger();
        List<Tag> many = new AbstractList<>() {
            @Override
            public Tag get(int index) {
                made.incrementAndGet();
                return new Tag("v" + (1_000_000 + index));
            }

            @Override
            public int size() {
                return 500_000;
            }
        };
        repositories.tags.put(Repository.parse("docker.io/library/many"), many);
        Answer page = client.get("/v2/many/tags/list?n=2&last=v1400000");
        assertThat(page.text()).isEqualTo("{\"name\":\"many\",\"tags\":[\"v1400001\",\"v1400002\"]}");
        assertThat(page.header("Link")).isEqualTo("</v2/many/tags/list?n=2&last=v1400002>; rel=\"next\"");
        assertThat(made.get()).isLessThan(100);
        Answer largest = client.get("/v2/many/tags/list");
        assertThat(OciJson.mapper().readTree(largest.body()).path("tags")).hasSize(TagsHandler.MAX_PAGE);
        Answer head = client.head("/v2/many/tags/list");
        assertThat(head.header("Content-Length")).isEqualTo(Integer.toString(largest.body().length));
        assertThat(head.headers()).containsOnlyKeys(largest.headers().keySet());
    }

    @Test
    void referrersAreAnIndexWithTheExactType() throws Exception {
        Descriptor one = referrer(1, "application/x-sbom", "a \"quoted\" note");
        repositories.referrers.put(ALPINE + ":" + manifest.digest(), new Referrers(Referrers.Origin.API, List.of(one)));
        Answer answer = client.get("/v2/alpine/referrers/" + manifest.digest());
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.header("Content-Type")).isEqualTo("application/vnd.oci.image.index.v1+json");
        assertThat(answer.headers()).doesNotContainKeys("oci-filters-applied", "link");
        assertThat(answer.text())
                .isEqualTo(
                        "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"manifests\":["
                                + "{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\""
                                + one.digest()
                                + "\",\"size\":10,\"artifactType\":\"application/x-sbom\","
                                + "\"annotations\":{\"note\":\"a \\\"quoted\\\" note\"}}]}");
    }

    @Test
    void referrersAreFilteredByType() throws Exception {
        Descriptor sbom = referrer(1, "application/x-sbom", "");
        Descriptor signature = referrer(2, "application/x-signature", "");
        repositories.referrers.put(
                ALPINE + ":" + manifest.digest(),
                new Referrers(Referrers.Origin.FALLBACK_TAG, List.of(sbom, signature)));
        Answer answer =
                client.get("/v2/alpine/referrers/" + manifest.digest() + "?artifactType=application%2Fx-signature");
        assertThat(answer.header("OCI-Filters-Applied")).isEqualTo("artifactType");
        assertThat(answer.text())
                .contains(signature.digest().toString())
                .doesNotContain(sbom.digest().toString());
    }

    @Test
    void plusInAnArtifactTypeNeedNotBeEscaped() throws Exception {
        Descriptor sbom = referrer(1, "application/spdx+json", "");
        repositories.referrers.put(
                ALPINE + ":" + manifest.digest(), new Referrers(Referrers.Origin.API, List.of(sbom)));
        for (String type : List.of("application/spdx+json", "application/spdx%2Bjson")) {
            assertThat(client.get("/v2/alpine/referrers/" + manifest.digest() + "?artifactType=" + type)
                            .text())
                    .contains(sbom.digest().toString());
        }
    }

    @Test
    void colonsMayBeEscaped() throws Exception {
        String digest = manifest.digest().toString();
        assertThat(client.get("/v2/alpine/manifests/" + digest.replace(":", "%3A"))
                        .status())
                .isEqualTo(200);
        assertThat(client.get("/v2/alpine/blobs/" + blob.toString().replace(":", "%3a"))
                        .status())
                .isEqualTo(200);
        assertThat(client.get("/v2/alpine%2Fother/blobs/" + blob).status()).isEqualTo(400);
    }

    @Test
    void zeroDigestProbeOfAnUpstreamWithTheApiIsAnEmptyIndex() throws Exception {
        String zero = "sha256:" + "0".repeat(64);
        repositories.referrers.put(ALPINE + ":" + zero, new Referrers(Referrers.Origin.API, List.of()));
        Answer answer = client.get("/v2/alpine/referrers/" + zero);
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.text()).endsWith("\"manifests\":[]}");
    }

    @Test
    void missingReferrersApiIsManifestUnknownAndNeverNameUnknown() throws Exception {
        repositories.referrers.put(ALPINE + ":" + blob, Referrers.NONE);
        Answer answer = client.get("/v2/alpine/referrers/" + blob);
        assertThat(answer.status()).isEqualTo(404);
        assertThat(code(answer)).isEqualTo("MANIFEST_UNKNOWN");
        Answer unknown = client.get("/v2/alpine/referrers/" + Digest.sha256(new byte[9]));
        assertThat(unknown.status()).isEqualTo(404);
        assertThat(code(unknown)).isEqualTo("MANIFEST_UNKNOWN");
    }

    @Test
    void referrersAbove4MebibytesArePaged() throws Exception {
        List<Descriptor> many = IntStream.range(0, 100)
                .mapToObj(i -> referrer(i, "application/x", "n".repeat(100_000)))
                .toList();
        repositories.referrers.put(ALPINE + ":" + manifest.digest(), new Referrers(Referrers.Origin.API, many));
        List<String> digests = new ArrayList<>();
        String path = "/v2/alpine/referrers/" + manifest.digest() + "?artifactType=application/x";
        int pages = 0;
        while (!path.isEmpty()) {
            Answer page = client.get(path);
            assertThat(page.body().length).isLessThanOrEqualTo(4 * 1024 * 1024);
            OciJson.mapper()
                    .readTree(page.body())
                    .path("manifests")
                    .forEach(node -> digests.add(node.path("digest").stringValue("")));
            String link = page.header("Link");
            path = link.isEmpty() ? "" : link.substring(1, link.indexOf('>'));
            pages++;
        }
        assertThat(pages).isEqualTo(3);
        assertThat(digests)
                .isEqualTo(many.stream().map(d -> d.digest().toString()).toList());
    }

    @Test
    void catalogListsWhatIsKeptOfConfiguredUpstreams() throws Exception {
        Stream.of("docker.io/library/a", "docker.io/library/b", "gone.example/x", "quay.io/p/q")
                .map(Repository::parse)
                .forEach(repositories.kept::add);
        assertThat(client.get("/v2/_catalog").text())
                .isEqualTo("{\"repositories\":[\"docker.io/library/a\",\"docker.io/library/b\",\"quay.io/p/q\"]}");
        Answer first = client.get("/v2/_catalog?n=2");
        assertThat(first.text()).isEqualTo("{\"repositories\":[\"docker.io/library/a\",\"docker.io/library/b\"]}");
        assertThat(first.header("Link")).isEqualTo("</v2/_catalog?n=2&last=docker.io%2Flibrary%2Fb>; rel=\"next\"");
        assertThat(client.get("/v2/_catalog?n=2&last=docker.io%2Flibrary%2Fb").text())
                .isEqualTo("{\"repositories\":[\"quay.io/p/q\"]}");
        assertThat(client.get("/v2/_catalog?ns=docker.io").text())
                .isEqualTo("{\"repositories\":[\"library/a\",\"library/b\"]}");
        assertThat(client.get("/quay.io/v2/_catalog").text()).isEqualTo("{\"repositories\":[\"p/q\"]}");
        assertThat(client.get("/v2/_catalog?n=0").text()).isEqualTo("{\"repositories\":[]}");
    }

    @Test
    void catalogBeginsBehindAnyText() throws Exception {
        Stream.of("docker.io/library/a", "docker.io/library/b", "quay.io/p/q")
                .map(Repository::parse)
                .forEach(repositories.kept::add);
        assertThat(client.get("/v2/_catalog?last=private").text()).isEqualTo("{\"repositories\":[\"quay.io/p/q\"]}");
        assertThat(client.get("/v2/_catalog?last=docker.io/library/").text())
                .isEqualTo("{\"repositories\":[\"docker.io/library/a\",\"docker.io/library/b\",\"quay.io/p/q\"]}");
        assertThat(client.get("/v2/_catalog?ns=docker.io&last=library/A").text())
                .isEqualTo("{\"repositories\":[\"library/a\",\"library/b\"]}");
        assertThat(client.get("/v2/_catalog?last=~").text()).isEqualTo("{\"repositories\":[]}");
    }

    @Test
    void unknownRegistryIsNameUnknown() throws Exception {
        for (String path : List.of(
                "/v2/evil.example/a/manifests/x",
                "/v2/a/manifests/x?ns=169.254.169.254",
                "/evil.example/v2/a/manifests/x")) {
            Answer answer = client.get(path);
            assertThat(answer.status()).isEqualTo(404);
            assertThat(code(answer)).isEqualTo("NAME_UNKNOWN");
            assertThat(answer.header("X-Entrepot-Cache")).isEqualTo("none");
        }
    }

    @Test
    void requestsAreObservedWithTheirOutcome() throws Exception {
        fixture.records.clear();
        client.get("/v2/alpine/manifests/3.20?ns=docker.io&secret=1", "User-Agent: test/1");
        RequestRecord request = fixture.nextRecord();
        assertThat(request.kind()).isEqualTo(RequestKind.MANIFEST);
        assertThat(request.path()).isEqualTo("/v2/alpine/manifests/3.20");
        assertThat(request.namespace()).isEqualTo("docker.io");
        assertThat(request.status()).isEqualTo(200);
        assertThat(request.bodyBytes()).isEqualTo(manifest.sizeBytes());
        assertThat(request.verdict()).contains(Verdict.HIT);
        assertThat(request.upstream()).hasToString("docker.io");
        assertThat(request.userAgent()).isEqualTo("test/1");
        assertThat(request.ending()).isEqualTo(RequestRecord.Ending.COMPLETE);
        assertThat(request.client()).isEqualTo(client.socket().getLocalSocketAddress());
    }
}
