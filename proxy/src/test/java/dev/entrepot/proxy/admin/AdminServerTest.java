package dev.entrepot.proxy.admin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.testing.LogLines;
import dev.entrepot.proxy.http.RawConnection;
import io.helidon.common.tls.Tls;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AdminServerTest {
    private final Metrics metrics = new Metrics();
    private final AtomicReference<Optional<String>> problem = new AtomicReference<>(Optional.empty());
    private final Readiness readiness = new Readiness(List.of(problem::get));
    private final AdminEndpoint guarded = new AdminEndpoint() {
        @Override
        public Optional<AdminReply> answer(AdminRequest request) {
            if (request.path().equals("/failing")) {
                throw new OutOfMemoryError("Java heap space");
            }
            return request.path().equals("/guarded") || request.path().equals("/replication/rules")
                    ? Optional.of(new AdminReply(200, "{}"))
                    : Optional.empty();
        }

        @Override
        public Optional<AdminReply> refusal(AdminRequest request) {
            return request.path().equals("/guarded")
                            && request.header().apply("Authorization").isEmpty()
                    ? Optional.of(new AdminReply(401, "{\"error\":\"who?\"}"))
                    : Optional.empty();
        }
    };
    private final AdminServer server = new AdminServer(
            Optional.of("127.0.0.1"),
            0,
            metrics,
            readiness,
            List.of(guarded),
            AdminGuard.OPEN,
            Optional.empty(),
            Duration.ofSeconds(30),
            Duration.ofMillis(20));
    private final HttpClient client = HttpClient.newHttpClient();

    @BeforeEach
    void start() throws Exception {
        server.start();
    }

    @AfterEach
    void stop() {
        server.close();
        client.close();
    }

    private HttpResponse<String> send(String method, String path) throws Exception {
        URI uri = URI.create("http://127.0.0.1:" + server.port() + path);
        HttpRequest request = HttpRequest.newBuilder(uri)
                .method(method, HttpRequest.BodyPublishers.noBody())
                .build();
        return client.send(request, HttpResponse.BodyHandlers.ofString());
    }

    @Test
    void healthIsOk() throws Exception {
        assertThat(send("GET", "/healthz").body()).isEqualTo("ok\n");
        assertThat(send("HEAD", "/healthz").headers().firstValue("Content-Length"))
                .contains("3");
    }

    @Test
    void readinessNamesWhatIsWrong() throws Exception {
        assertThat(send("GET", "/readyz").statusCode()).isEqualTo(503);
        assertThat(send("GET", "/readyz").body()).startsWith("starting: the registry port is not open yet");
        readiness.listen();
        assertThat(send("GET", "/readyz").statusCode()).isEqualTo(200);
        problem.set(Optional.of("the store is not writable"));
        HttpResponse<String> unready = send("GET", "/readyz");
        assertThat(unready.statusCode()).isEqualTo(503);
        assertThat(unready.body()).isEqualTo("the store is not writable\n");
        problem.set(Optional.empty());
        readiness.drain();
        assertThat(send("GET", "/readyz").body()).startsWith("draining");
        assertThat(send("GET", "/healthz").statusCode()).isEqualTo(200);
    }

    @Test
    void metricsAreInPrometheusFormat() throws Exception {
        metrics.gauge("g", "Help.", () -> 1);
        HttpResponse<String> answer = send("GET", "/metrics");
        assertThat(answer.headers().firstValue("Content-Type")).contains("text/plain; version=0.0.4; charset=utf-8");
        assertThat(answer.body()).isEqualTo("# HELP g Help.\n# TYPE g gauge\ng 1\n");
    }

    @Test
    void nothingElseIsHere() throws Exception {
        assertThat(send("GET", "/v2/").statusCode()).isEqualTo(404);
        assertThat(send("DELETE", "/healthz").statusCode()).isEqualTo(405);
    }

    @Test
    void connectionThatWillBeClosedIsAnnouncedAsSuch() throws Exception {
        HttpResponse<String> refused = send("DELETE", "/healthz");
        assertThat(refused.headers().allValues("Connection")).containsExactly("close");
        for (int i = 0; i < 50; i++) {
            assertThat(send("POST", "/nothing").statusCode()).isEqualTo(404);
        }
    }

    private RawConnection.Answer raw(String text) throws Exception {
        try (RawConnection connection = new RawConnection(server.port())) {
            connection.send(text);
            return connection.read(false);
        }
    }

    @Test
    void bodyOfSomebodyUnknownIsNotWaitedFor() throws Exception {
        RawConnection.Answer answer = raw("POST /guarded HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{");
        assertThat(answer.status()).isEqualTo(401);
        assertThat(answer.text()).contains("who?");
        assertThat(answer.header("Connection")).isEqualTo("close");
    }

    @ParameterizedTest
    @CsvSource({
        "POST, /guarded, 'Content-Length: 1048577|Authorization: x', 413",
        "POST, /guarded, 'Transfer-Encoding: chunked|Authorization: x', 411",
        "POST, /guarded, 'Content-Length: 1048577', 401",
        "POST, /guarded, 'Content-Length: 1048577|Origin: https://evil.example', 403",
        "PUT, /guarded, 'Content-Length: 1048577', 405",
        "GET, /healthz, 'Content-Length: 1048577', 200"
    })
    void whoSendsItsBodyBeforeItReadsGetsTheAnswer(String method, String path, String headers, int status)
            throws Exception {
        String piece = "x".repeat(16 * 1024);
        for (int time = 0; time < 5; time++) {
            try (RawConnection connection = new RawConnection(server.port())) {
                connection.send(method + " " + path + " HTTP/1.1\r\nHost: localhost\r\n" + headers.replace("|", "\r\n")
                        + "\r\n\r\n");
                boolean chunked = headers.contains("chunked");
                for (int i = 0; i < 64; i++) {
                    connection.send(chunked ? "4000\r\n" + piece + "\r\n" : piece);
                }
                connection.send(chunked ? "0\r\n\r\n" : "x");
                assertThat(connection.read(false).status()).isEqualTo(status);
                assertThat(connection.rest()).isEmpty();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"no request at all", "GET /healthz HTTP/1.1\r\nno header"})
    void whoSendsMuchThatCannotBeReadGetsTheAnswer(String beginning) throws Exception {
        for (int time = 0; time < 5; time++) {
            try (RawConnection connection = new RawConnection(server.port())) {
                connection.send(beginning + "\r\n\r\n");
                connection.send("x".repeat(1024 * 1024));
                assertThat(connection.read(false).status()).isEqualTo(400);
                assertThat(connection.rest()).isEmpty();
            }
        }
    }

    @Test
    void headersThatDoNotComeToAnEndEndTheConnection() throws Exception {
        try (RawConnection connection = new RawConnection(server.port())) {
            connection.send("GET /healthz HTTP/1.1\r\nHost: x\r\nX-a: ");
            assertThatThrownBy(() -> connection.read(false)).isInstanceOf(IOException.class);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "localhost, 200",
        "localhost:5001, 200",
        "127.0.0.1:5001, 200",
        "[::1]:5001, 200",
        "evil.example, 403",
        "127.0.0.1.evil.example, 403"
    })
    void loopbackAnswersToNoOtherName(String host, int status) throws Exception {
        assertThat(raw("GET /healthz HTTP/1.1\r\nHost: " + host + "\r\n\r\n").status())
                .isEqualTo(status);
    }

    @ParameterizedTest
    @CsvSource({
        "'HEAD /healthz HTTP/1.1|Host: evil.example||', 403",
        "'HEAD /nowhere HTTP/1.1|Host: localhost|Connection: close||', 404"
    })
    void refusedHeadHasNoBody(String request, int status) throws Exception {
        try (Socket socket = new Socket("127.0.0.1", server.port())) {
            socket.setSoTimeout(10_000);
            socket.getOutputStream().write(request.replace("|", "\r\n").getBytes(StandardCharsets.ISO_8859_1));
            String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
            assertThat(answer).startsWith("HTTP/1.1 " + status).endsWith("\r\n\r\n");
            assertThat(answer.lines()
                            .filter(line -> line.toLowerCase(Locale.ROOT).startsWith("content-length: ")))
                    .singleElement()
                    .isNotEqualTo("Content-Length: 0");
        }
    }

    @Test
    void connectionThatStopsWithinTheHandshakeIsClosed() throws Exception {
        Tls tls = Tls.builder().sslContext(SSLContext.getDefault()).build();
        Duration brief = Duration.ofMillis(100);
        try (AdminServer secured = new AdminServer(
                Optional.of("127.0.0.1"),
                0,
                metrics,
                readiness,
                List.of(),
                AdminGuard.OPEN,
                Optional.of(tls),
                brief,
                brief)) {
            secured.start();
            try (RawConnection connection = new RawConnection(secured.port())) {
                connection.send("\u0016\u0003\u0001\u0002");
                assertThat(connection.rest()).isEmpty();
            }
        }
    }

    @Test
    void localhostIsALoopbackAddressHoweverItIsSpelt() throws Exception {
        try (AdminServer spelt = new AdminServer(
                Optional.of("LocalHost"), 0, metrics, readiness, List.of(), AdminGuard.OPEN, Optional.empty())) {
            spelt.start();
            try (RawConnection connection = new RawConnection(spelt.port())) {
                connection.send("GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n");
                assertThat(connection.read(false).status()).isEqualTo(403);
            }
        }
    }

    @Test
    void pagesOfOtherSitesMayNotAsk() throws Exception {
        String request = "GET /replication/rules HTTP/1.1\r\nHost: localhost\r\n";
        assertThat(raw(request + "Sec-Fetch-Site: cross-site\r\n\r\n").status()).isEqualTo(403);
        assertThat(raw(request + "Sec-Fetch-Site: none\r\n\r\n").status()).isEqualTo(200);
    }

    @Test
    void whatCannotBeReadIsAnsweredInJson() throws Exception {
        RawConnection.Answer answer = raw("GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.text()).contains("could not be read");
    }

    @ParameterizedTest
    @ValueSource(strings = {"GET /failing", "POST /failing", "GET /readyz"})
    void defectAndWantOfMemoryAreSaidAsWhatTheyAre(String what) throws Exception {
        readiness.listen();
        problem.set(null); // which nobody expects
        String[] words = what.split(" ", -1);
        HttpResponse<String> answer = send(words[0], words[1]);
        assertThat(answer.statusCode()).isEqualTo(500);
        assertThat(answer.body()).contains("a defect; the log has more");
    }

    @Test
    void metricThatFailsIsLeftOut() throws Exception {
        metrics.gauge("failing", "Fails.", () -> {
            throw new IllegalStateException("closed");
        });
        HttpResponse<String> answer = send("GET", "/metrics");
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.body()).contains("# TYPE failing gauge\n").doesNotContain("\nfailing ");
    }

    @Test
    void userInAWholeUrlIsNotLogged() throws Exception {
        try (LogLines log = LogLines.of(AdminTrail.class);
                RawConnection raw = new RawConnection(server.port())) {
            raw.send("POST http://root:geheim@localhost/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
            assertThat(raw.read(false).status()).isEqualTo(404);
            assertThat(log.texts()).containsExactly("admin: POST http://localhost/x by anybody from 127.0.0.1: 404");
        }
    }
}
