package dev.entrepot.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.testing.CrashProcess;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What strangers try. After each of it, the next client is served. */
class AttacksTest {
    private static ServerSettings with(
            ServerSettings s, int connections, int ofOneClient, Optional<ServerSettings.Rate> rate) {
        return new ServerSettings(
                s.host(),
                s.port(),
                s.tls(),
                connections,
                ofOneClient,
                rate,
                s.drain(),
                s.clientStall(),
                Duration.ofMillis(200),
                s.idle());
    }

    private static void assertServes(ServerFixture server) throws IOException {
        try (RawConnection connection = server.connect()) {
            assertThat(connection.get("/v2/").status()).isEqualTo(200);
        }
    }

    @Test
    void aCrowdOfSlowLorisesIsCutWhileOthersAreServed() throws Exception {
        try (ServerFixture server = new ServerFixture(s -> with(s, 1000, 0, Optional.empty()))) {
            List<RawConnection> slow = new ArrayList<>();
            for (int i = 0; i < 300; i++) {
                RawConnection connection = server.connect();
                connection.send("GET /v2/ HTTP/1.1\r\nHost: a\r\nX-" + i + ": ");
                slow.add(connection);
            }
            assertServes(server);
            for (RawConnection connection : slow) {
                assertThat(new String(connection.rest(), StandardCharsets.ISO_8859_1))
                        .doesNotContain("200 OK");
                connection.close();
            }
            assertServes(server);
        }
    }

    @Test
    void aHeaderOf64KibibytesAndAThousandHeadersAreRefusedOrServed() throws Exception {
        try (ServerFixture server = new ServerFixture()) {
            try (RawConnection connection = server.connect()) {
                assertThat(connection
                                .get("/v2/", "Authorization: Bearer " + "x".repeat(60_000))
                                .status())
                        .isEqualTo(200);
            }
            for (String flood : List.of("X: " + "x".repeat(64 * 1024), "X: y\r\n".repeat(20_000) + "X: y")) {
                try (RawConnection connection = server.connect()) {
                    connection.send("GET /v2/ HTTP/1.1\r\nHost: a\r\n" + flood + "\r\n\r\n");
                    assertThat(connection.read(false).status()).isBetween(400, 431);
                }
                assertServes(server);
            }
        }
    }

    @Test
    void headersAreCountedAndTooManyAreRefused() throws Exception {
        try (ServerFixture server = new ServerFixture()) {
            for (String many : List.of("X: y\r\n".repeat(199), numbered(199))) {
                try (RawConnection connection = server.connect()) {
                    connection.send("GET /v2/ HTTP/1.1\r\nHost: a\r\n" + many + "\r\n");
                    assertThat(connection.read(false).status()).isEqualTo(200);
                }
            }
            for (String flood : List.of("X: y\r\n".repeat(200), numbered(200), numbered(5_000))) {
                try (RawConnection connection = server.connect()) {
                    connection.send("GET /v2/ HTTP/1.1\r\nHost: a\r\n" + flood + "\r\n");
                    RawConnection.Answer refused = connection.read(false);
                    assertThat(refused.status()).isEqualTo(431);
                    assertThat(refused.header("Connection")).isEqualTo("close");
                }
                assertServes(server);
            }
        }
    }

    private static String numbered(int count) {
        StringBuilder headers = new StringBuilder();
        for (int i = 0; i < count; i++) {
            headers.append("X").append(i).append(": y\r\n");
        }
        return headers.toString();
    }

    @Test
    void tenThousandIdleConnectionsLeaveItServing() throws Exception {
        try (ServerFixture server = new ServerFixture(s -> with(s, 12_000, 0, Optional.empty()));
                CrashProcess crowd = CrashProcess.start(
                        IdleCrowd.class, Integer.toString(server.server.port()), Integer.toString(10_000))) {
            assertThat(crowd.awaitLine(line -> line.startsWith("held")))
                    .as("what the crowd sees")
                    .isEqualTo(IdleCrowd.held(10_000));
            assertThat(server.server.connections()).as("what the server holds").isGreaterThanOrEqualTo(10_000);
            assertServes(server);
            crowd.kill();
            assertServes(server);
        }
    }

    @Test
    void oneClientWithTooManyConnectionsKeepsNobodyElseOut() throws Exception {
        try (ServerFixture server = new ServerFixture(s -> with(s, 100, 3, Optional.empty()))) {
            List<RawConnection> greedy = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                RawConnection connection = server.connect();
                assertThat(connection.get("/v2/").status()).isEqualTo(200);
                greedy.add(connection);
            }
            try (RawConnection refused = server.connect()) {
                assertThat(refused.rest()).isEmpty();
            }
            assertThat(server.server.connectionsRefused()).isEqualTo(1);
            Socket other = new Socket();
            other.bind(new InetSocketAddress("127.0.0.2", 0));
            other.connect(new InetSocketAddress("127.0.0.1", server.server.port()));
            try (RawConnection somebodyElse = new RawConnection(other)) {
                assertThat(somebodyElse.get("/v2/").status()).isEqualTo(200);
            }
            assertThat(greedy.getFirst().get("/v2/").status()).isEqualTo(200);
            greedy.getLast().close();
            int status = 0;
            while (status == 0) {
                try (RawConnection again = server.connect()) {
                    status = again.get("/v2/").status();
                } catch (IOException e) {
                    status = 0; // the server has not noticed yet that one has gone
                }
            }
            assertThat(status).isEqualTo(200);
        }
    }

    @Test
    void requestsAboveTheRateAreAnswered429AndOthersAreServed() throws Exception {
        try (ServerFixture server =
                new ServerFixture(s -> with(s, 100, 0, Optional.of(new ServerSettings.Rate(1, 5))))) {
            try (RawConnection greedy = server.connect()) {
                RawConnection.Answer answer = greedy.get("/v2/");
                for (int i = 0; i < 100 && answer.status() == 200; i++) {
                    answer = greedy.get("/v2/");
                }
                assertThat(answer.status()).isEqualTo(429);
                assertThat(answer.header("Retry-After")).isEqualTo("1");
                assertThat(answer.text()).contains("TOOMANYREQUESTS");
            }
            Socket other = new Socket();
            other.bind(new InetSocketAddress("127.0.0.3", 0));
            other.connect(new InetSocketAddress("127.0.0.1", server.server.port()));
            try (RawConnection somebodyElse = new RawConnection(other)) {
                assertThat(somebodyElse.get("/v2/").status()).isEqualTo(200);
            }
        }
    }

    @Test
    void aPageOfAnotherSiteHasNothingPulled() throws Exception {
        try (ServerFixture server = new ServerFixture();
                RawConnection page = server.connect()) {
            for (String site : List.of("cross-site", "same-site")) {
                RawConnection.Answer answer = page.get("/v2/library/a/manifests/1", "Sec-Fetch-Site: " + site);
                assertThat(answer.status()).isEqualTo(403);
                assertThat(server.nextRecord().upstream()).isNull();
            }
            assertThat(page.get("/v2/", "Sec-Fetch-Site: none").status()).isEqualTo(200);
        }
    }

    @Test
    void anUploadNobodyAskedForIsRefusedBeforeItComes() throws Exception {
        try (ServerFixture server = new ServerFixture()) {
            for (String method : List.of("POST", "PUT", "PATCH", "DELETE")) {
                try (RawConnection connection = server.connect()) {
                    connection.send(method
                            + " /v2/a/blobs/uploads/x HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n");
                    assertThat(connection.read(false).status()).isEqualTo(405);
                    assertThat(connection.rest()).isEmpty();
                }
            }
            assertServes(server);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/../../etc/passwd",
                "/v2/../../../../etc/passwd",
                "/v2/%2e%2e/%2e%2e/etc/passwd",
                "/v2/..%2f..%2fetc%2fpasswd",
                "/v2/..%252f..%252fetc/passwd",
                "/v2/library/../../../etc/manifests/passwd",
                "/v2/library/%2e%2e/manifests/v1",
                "/v2/library/app/manifests/..",
                "/v2/library/app/manifests/..%2f..%2fx",
                "/v2/library/app/blobs/sha256:../../../../etc/passwd",
                "/v2/library/app/blobs/sha256:%2e%2e%2fpasswd",
                "/v2/library/app/blobs/../../../index.db",
                "/v2/library/app/referrers/../x",
                "/v2/..;/admin",
                "/v2//etc/passwd",
                "//v2/library/app/tags/list",
                "/..\\..\\windows",
                "/v2/library/app%00/manifests/v1",
                "/v2/library/app/manifests/v1%00.json",
                "/v2/%c0%ae%c0%ae/manifests/v1",
                "/%2e%2e/v2/library/app/manifests/v1",
                "/docker.io/../v2/library/app/manifests/v1",
                "/token/../v2/library/app/manifests/v1",
                "/v2/library/app/manifests/v1/../v1",
                "http://../v2/library/app/manifests/v1",
                "/v2/./library/app/manifests/v1",
            })
    void pathsThatLeadElsewhereLeadNowhere(String path) throws Exception {
        try (ServerFixture server = new ServerFixture();
                RawConnection connection = server.connect()) {
            RawConnection.Answer answer = connection.get(path);
            assertThat(answer.status()).isIn(400, 404);
            assertThat(answer.text()).doesNotContain("root:");
            assertServes(server);
        }
    }
}
