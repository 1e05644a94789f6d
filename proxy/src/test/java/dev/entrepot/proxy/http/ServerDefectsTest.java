package dev.entrepot.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.OciLimits;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.Referrers;
import dev.entrepot.proxy.http.RawConnection.Answer;
import dev.entrepot.proxy.http.RequestRecord.Ending;
import io.helidon.common.tls.Tls;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The HTTP server's known defects, one by one, and what is done about them. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ServerDefectsTest {
    private static final String HOST = "Host: mirror.test\r\n";
    private final ServerFixture fixture = new ServerFixture();

    @AfterAll
    void stop() {
        fixture.close();
    }

    @Test
    void connectionCloseClosesTheConnection() throws Exception {
        try (RawConnection client = fixture.connect()) {
            client.send(
                    "GET /v2/ HTTP/1.1\r\n" + HOST + "Connection: close\r\n\r\nGET /v2/ HTTP/1.1\r\n" + HOST + "\r\n");
            Answer answer = client.read(false);
            assertThat(answer.status()).isEqualTo(200);
            assertThat(answer.header("Connection")).isEqualTo("close");
            assertThat(client.rest()).isEmpty();
        }
    }

    @Test
    void unreadBodyIsNotTakenForTheNextRequest() throws Exception {
        String smuggled = "GET /v2/ HTTP/1.1\r\n" + HOST + "\r\n";
        for (String method : new String[] {"POST", "GET"}) {
            try (RawConnection client = fixture.connect()) {
                client.send(method + " /v2/a/manifests/x HTTP/1.1\r\n" + HOST + "Content-Length: " + smuggled.length()
                        + "\r\n\r\n" + smuggled);
                assertThat(client.read(false).header("Connection")).isEqualTo("close");
                assertThat(client.rest()).isEmpty();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"/", "/nowhere", "/v2/nowhere", "/v2/a/manifests/missing", "/v2/A/manifests/x", "/v2/a/blobs/x"})
    void headOfAnErrorHasNoBodyAndTheConnectionGoesOn(String path) throws Exception {
        try (RawConnection client = fixture.connect()) {
            assertThat(client.head(path).status()).isBetween(400, 404);
            assertThat(client.get("/v2/").text()).isEqualTo("{}");
        }
    }

    @Test
    void bigChunkIsRefusedBeforeItIsRead() throws Exception {
        try (RawConnection client = fixture.connect()) {
            client.send("PATCH /v2/a/b/blobs/uploads/1 HTTP/1.1\r\n" + HOST
                    + "Transfer-Encoding: chunked\r\n\r\n2bc00000\r\nabc");
            Answer answer = client.read(false);
            assertThat(answer.status()).isEqualTo(405);
            assertThat(client.rest()).isEmpty();
        }
    }

    @Test
    void chunkExtensionsAndTrailersAreRefusedLikeAnyBody() throws Exception {
        try (RawConnection client = fixture.connect()) {
            client.send("PUT /v2/a/manifests/x HTTP/1.1\r\n" + HOST
                    + "Transfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nTrailer: x\r\n\r\n");
            assertThat(client.read(false).status()).isEqualTo(405);
            assertThat(client.rest()).isEmpty();
        }
    }

    @Test
    void encodedRequestBodyIsRefusedInJson() throws Exception {
        try (RawConnection client = fixture.connect()) {
            client.send("PUT /v2/a/manifests/x HTTP/1.1\r\n" + HOST
                    + "Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc");
            Answer answer = client.read(false);
            assertThat(answer.status()).isEqualTo(400);
            assertJsonError(answer);
        }
    }

    private static void assertJsonError(Answer answer) {
        assertThat(answer.header("Content-Type")).isEqualTo("application/json");
        assertThat(answer.header("X-Entrepot-Cache")).isEqualTo("none");
        assertThat(answer.text()).startsWith("{\"errors\":[{\"code\":\"");
    }

    @Test
    void pushIsRefusedBeforeItsBodyIsAskedFor() throws Exception {
        try (RawConnection client = fixture.connect()) {
            client.send("POST /v2/hub/a/b/blobs/uploads/ HTTP/1.1\r\n" + HOST
                    + "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n");
            Answer answer = client.read(false);
            assertThat(answer.status()).isEqualTo(405);
            assertThat(answer.headers()).containsEntry("allow", "");
            assertThat(answer.text()).contains("UNSUPPORTED", "push to docker.io directly");
            assertThat(client.rest()).isEmpty();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "GET, /v2/hub/a/b/blobs/uploads/, ''",
        "PATCH, /v2/hub/a/b/blobs/uploads/1, ''",
        "PUT, /v2/hub/a/b/manifests/1, 'GET, HEAD'",
        "DELETE, /v2/hub/a/b/manifests/1, 'GET, HEAD'"
    })
    void refusedMethodIsToldWhichAreNot(String method, String path, String allowed) throws Exception {
        try (RawConnection client = fixture.connect()) {
            Answer answer = client.request(method, path);
            assertThat(answer.status()).isEqualTo(405);
            assertThat(answer.headers()).containsEntry("allow", allowed);
        }
    }

    @Test
    void http10IsAnsweredWithWhatToDo() throws Exception {
        try (RawConnection client = fixture.connect()) {
            client.send("GET /v2/ HTTP/1.0\r\n" + HOST + "\r\n");
            Answer answer = client.read(false);
            assertThat(answer.status()).isEqualTo(505);
            assertThat(answer.text()).contains("proxy_http_version 1.1");
            assertThat(client.rest()).isEmpty();
        }
    }

    @Test
    void slowHeadersAreCut() throws Exception {
        try (ServerFixture quick = quick();
                RawConnection client = quick.connect()) {
            client.send("GET /v2/ HTTP/1.1\r\nHost: mir");
            assertThat(client.rest()).isEmpty();
        }
    }

    private static ServerFixture quick() {
        Duration brief = Duration.ofMillis(100);
        return new ServerFixture(s -> new ServerSettings(
                s.host(), s.port(), s.tls(), s.maxConnections(), 0, s.rate(), s.drain(), brief, brief, brief));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "GET /v2/"})
    void silentConnectionsAreClosed(String sent) throws Exception {
        try (ServerFixture quick = quick();
                RawConnection client = quick.connect()) {
            client.send(sent);
            assertThat(client.rest()).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "\u0016\u0003\u0001\u0002"})
    void connectionsThatStopWithinTheHandshakeAreClosed(String sent) throws Exception {
        Tls tls = Tls.builder().sslContext(SSLContext.getDefault()).build();
        Duration brief = Duration.ofMillis(100);
        try (ServerFixture quick = new ServerFixture(s -> new ServerSettings(
                        s.host(), s.port(), Optional.of(tls), 1, 0, s.rate(), s.drain(), brief, brief, brief));
                RawConnection client = quick.connect()) {
            client.send(sent);
            assertThat(client.rest()).isEmpty();
            try (RawConnection next = quick.connect()) {
                assertThat(next.rest()).isEmpty();
            }
        }
    }

    @Test
    void stalledClientIsCutAndItsContentClosed() throws Exception {
        try (ServerFixture quick = quick()) {
            Digest blob = quick.repositories.largeBlob("docker.io/library/a");
            try (RawConnection client = quick.connect()) {
                client.send("GET /v2/a/blobs/" + blob + " HTTP/1.1\r\n" + HOST + "\r\n");
                RequestRecord request = quick.nextRecord();
                assertThat(request.ending()).isEqualTo(Ending.STALLED);
                assertThat(request.status()).isEqualTo(200);
                assertThat(request.bodyBytes()).isLessThan(32 << 20);
                assertThat(quick.repositories.openBodies).hasValue(0);
                assertThatThrownBy(() -> client.read(false)).isInstanceOf(IOException.class);
            }
        }
    }

    @Test
    void largeAnswerFromMemoryGoesOutInPieces() throws Exception {
        try (ServerFixture quick = quick()) {
            Digest subject = Digest.sha256(new byte[0]);
            // More than what fits into the buffers of a connection.
            int noteBytes = 24 << 20;
            Descriptor large = Descriptor.of(MediaType.OCI_MANIFEST, subject, 0)
                    .asReferrer(Optional.empty(), Map.of("note", "y".repeat(noteBytes)));
            quick.repositories.referrers.put(
                    "docker.io/library/a:" + subject, new Referrers(Referrers.Origin.API, List.of(large)));
            try (RawConnection client = quick.connect()) {
                client.send("GET /v2/a/referrers/" + subject + " HTTP/1.1\r\n" + HOST + "\r\n");
                RequestRecord request = quick.nextRecord();
                assertThat(request.ending()).isEqualTo(Ending.STALLED);
                assertThat(request.bodyBytes()).isPositive().isLessThan(noteBytes);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            ints = {
                ClientStream.MOST_AT_ONCE,
                ClientStream.MOST_AT_ONCE + 1,
                2 * ClientStream.MOST_AT_ONCE,
                OciLimits.MAX_MANIFEST_BYTES
            })
    void answerFromMemoryArrivesWholeHoweverLarge(int size) throws Exception {
        byte[] bytes = new byte[size];
        new Random(size).nextBytes(bytes);
        fixture.repositories.manifest(
                "docker.io/library/sized", "big", ManifestBytes.of(MediaType.OCI_MANIFEST, bytes));
        try (RawConnection client = fixture.connect()) {
            Answer head = client.head("/v2/sized/manifests/big");
            Answer answer = client.get("/v2/sized/manifests/big");
            assertThat(answer.body()).isEqualTo(bytes);
            assertThat(answer.header("Content-Length")).isEqualTo(Integer.toString(size));
            assertThat(head.headers()).containsOnlyKeys(answer.headers().keySet());
            assertThat(client.get("/v2/").status()).isEqualTo(200);
        }
    }

    @Test
    void clientThatPipelinesAndNeverReadsIsCut() throws Exception {
        try (ServerFixture quick = quick()) {
            byte[] bytes = ("{\"x\":\"" + "y".repeat(1 << 20) + "\"}").getBytes(StandardCharsets.UTF_8);
            quick.repositories.manifest("docker.io/library/a", "big", ManifestBytes.of(MediaType.OCI_MANIFEST, bytes));
            try (RawConnection client = quick.connect()) {
                client.send(("GET /v2/a/manifests/big HTTP/1.1\r\n" + HOST + "\r\n").repeat(50));
                RequestRecord request = quick.nextRecord();
                while (request.ending() == Ending.COMPLETE) {
                    request = quick.nextRecord();
                }
                assertThat(request.ending()).isEqualTo(Ending.STALLED);
            }
        }
    }

    @Test
    void clientThatLeavesEndsItsOwnTransferOnly() throws Exception {
        Digest blob = fixture.repositories.largeBlob("docker.io/library/leaving");
        fixture.records.clear();
        try (RawConnection client = fixture.connect()) {
            client.send("GET /v2/leaving/blobs/" + blob + " HTTP/1.1\r\n" + HOST + "\r\n");
            client.line();
        }
        assertThat(fixture.nextRecord().ending()).isEqualTo(Ending.GONE);
        assertThat(fixture.repositories.openBodies).hasValue(0);
    }

    @Test
    void pipelinedRequestsAreAnsweredInOrder() throws Exception {
        try (RawConnection client = fixture.connect()) {
            client.send("GET /v2/ HTTP/1.1\r\n" + HOST + "\r\nHEAD /v2/ HTTP/1.1\r\n" + HOST
                    + "\r\nGET /nowhere HTTP/1.1\r\n" + HOST + "\r\n");
            assertThat(client.read(false).status()).isEqualTo(200);
            assertThat(client.read(true).status()).isEqualTo(200);
            assertThat(client.read(false).status()).isEqualTo(404);
        }
    }

    @Test
    void http2IsNotSpoken() throws Exception {
        try (RawConnection client = fixture.connect()) {
            Answer answer = client.get(
                    "/v2/", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__");
            assertThat(answer.status()).isEqualTo(200);
            assertThat(answer.headers()).doesNotContainKey("upgrade");
        }
        try (RawConnection client = fixture.connect()) {
            client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
            assertThat(new String(client.rest(), StandardCharsets.ISO_8859_1)).startsWith("HTTP/1.1 400 ");
        }
    }

    @Test
    void headersUpTo64KilobytesAreReadAndMoreAreRefusedInJson() throws Exception {
        try (RawConnection client = fixture.connect()) {
            assertThat(client.get("/v2/", "X-Padding: " + "x".repeat(60_000)).status())
                    .isEqualTo(200);
            Answer refused = client.get("/v2/", "X-Padding: " + "x".repeat(70_000));
            assertThat(refused.status()).isEqualTo(400);
            assertJsonError(refused);
            assertThat(fixture.unreadable.take()).isEqualTo(400);
        }
    }

    @Test
    void requestLineUpTo16KilobytesIsReadAndMoreIsRefusedInJson() throws Exception {
        try (RawConnection client = fixture.connect()) {
            assertThat(client.get("/v2/?x=" + "x".repeat(16_000)).status()).isEqualTo(200);
            Answer refused = client.get("/v2/?x=" + "x".repeat(17_000));
            assertThat(refused.status()).isEqualTo(414);
            assertJsonError(refused);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "GET /v2/ HTTP/1.1\r\n\r\n",
                "GET /v2/ HTTP/1.1\r\nHost: a b\r\n\r\n",
                "GARBAGE\r\n\r\n",
                "GET /v2/%zz HTTP/1.1\r\nHost: a\r\n\r\n",
                "POST /v2/ HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
                "POST /v2/ HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n"
            })
    void whatCannotBeReadIsRefusedInJsonAndClosed(String request) throws Exception {
        try (RawConnection client = fixture.connect()) {
            client.send(request);
            Answer answer = client.read(false);
            assertThat(answer.status()).isEqualTo(400);
            assertJsonError(answer);
            assertThat(client.rest()).isEmpty();
        }
    }

    @Test
    void contentThatFailsBeforeItsFirstByteIsAnErrorAnswer() throws Exception {
        try (ServerFixture own = new ServerFixture();
                RawConnection client = own.connect()) {
            Digest blob = own.repositories.blob("docker.io/library/a", new byte[100_000]);
            own.repositories.trouble = Optional.of(position -> {
                throw new OutageException(OutageException.Reason.TIMEOUT, "no byte came");
            });
            Answer answer = client.get("/v2/a/blobs/" + blob, "Range: bytes=5-");
            assertThat(answer.status()).isEqualTo(504);
            assertJsonErrorOfTheCache(answer);
            assertThat(answer.headers())
                    .doesNotContainKeys("docker-content-digest", "etag", "content-range", "accept-ranges", "age");
            assertThat(answer.header("Cache-Control")).isEqualTo("no-store");
            assertThat(own.repositories.openBodies).hasValue(0);
            assertThat(client.get("/v2/").status()).isEqualTo(200);
        }
    }

    private static void assertJsonErrorOfTheCache(Answer answer) {
        assertThat(answer.header("Content-Type")).isEqualTo("application/json");
        assertThat(answer.header("X-Entrepot-Cache")).isEqualTo("miss");
    }

    @Test
    void defectOfTheContentIsA500WithoutDetails() throws Exception {
        try (ServerFixture own = new ServerFixture();
                RawConnection client = own.connect()) {
            Digest blob = own.repositories.blob("docker.io/library/a", new byte[100_000]);
            own.repositories.trouble = Optional.of(position -> {
                throw new IllegalStateException("/secret/path");
            });
            Answer answer = client.get("/v2/a/blobs/" + blob);
            assertThat(answer.status()).isEqualTo(500);
            assertJsonErrorOfTheCache(answer);
            assertThat(answer.text()).contains("UNKNOWN").doesNotContain("secret");
            assertThat(own.nextRecord().status()).isEqualTo(500);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void contentThatFailsInTheMiddleCutsTheConnection(boolean sizeKnown) throws Exception {
        try (ServerFixture own = new ServerFixture();
                RawConnection client = own.connect()) {
            own.repositories.sizesKnown = sizeKnown;
            Digest blob = own.repositories.blob("docker.io/library/a", new byte[1_000_000]);
            own.repositories.trouble = Optional.of(position -> {
                if (position > 500_000) {
                    throw new InvalidContentException("the digest is wrong");
                }
            });
            client.send("GET /v2/a/blobs/" + blob + " HTTP/1.1\r\n" + HOST + "\r\n");
            assertThatThrownBy(() -> client.read(false)).isInstanceOf(EOFException.class);
            assertThat(own.nextRecord().ending()).isEqualTo(Ending.CUT);
            assertThat(own.repositories.openBodies).hasValue(0);
        }
    }

    @Test
    void errorOfTheMachineIsAnsweredByUsAndRecordedAsWhatItWas() throws Exception {
        try (ServerFixture own = new ServerFixture();
                RawConnection client = own.connect()) {
            Digest blob = own.repositories.blob("docker.io/library/a", new byte[1000]);
            own.repositories.trouble = Optional.of(position -> {
                throw new OutOfMemoryError("Java heap space");
            });
            Answer answer = client.get("/v2/a/blobs/" + blob);
            assertThat(answer.status()).isEqualTo(500);
            assertJsonErrorOfTheCache(answer);
            assertThat(answer.text()).contains("the mirror failed");
            assertThat(answer.headers()).doesNotContainKeys("etag", "docker-content-digest", "accept-ranges");
            assertThat(own.nextRecord().status()).isEqualTo(500);
            assertThat(own.unreadable).isEmpty();
            assertThat(own.repositories.openBodies).hasValue(0);
        }
    }

    @Test
    void errorOfTheMachineInTheMiddleIsRecordedAsACut() throws Exception {
        try (ServerFixture own = new ServerFixture();
                RawConnection client = own.connect()) {
            Digest blob = own.repositories.blob("docker.io/library/a", new byte[1_000_000]);
            own.repositories.trouble = Optional.of(position -> {
                if (position > 500_000) {
                    throw new OutOfMemoryError("Java heap space");
                }
            });
            client.send("GET /v2/a/blobs/" + blob + " HTTP/1.1\r\n" + HOST + "\r\n");
            assertThatThrownBy(() -> client.read(false)).isInstanceOf(EOFException.class);
            assertThat(own.nextRecord().ending()).isEqualTo(Ending.CUT);
        }
    }
}
