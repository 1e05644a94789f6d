package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import at.favre.lib.crypto.bcrypt.BCrypt;
import dev.entrepot.proxy.http.RawConnection;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import java.util.logging.StreamHandler;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who may use the admin API. */
class AdminAccessEndToEndTest {
    private static final String ROOT = "Basic " + encoded("root:word");
    private static final String GUEST = "Basic " + encoded("guest:word");

    @TempDir
    private Path folder;

    private final List<String> lines = new CopyOnWriteArrayList<>();
    private final Logger log = Logger.getLogger("dev.entrepot.proxy.admin.AdminTrail");
    private final Handler handler = new StreamHandler() {
        @Override
        public void publish(LogRecord event) {
            lines.add(event.getLevel() + " " + new SimpleFormatter().formatMessage(event));
        }
    };

    @BeforeEach
    void readAlong() {
        log.addHandler(handler);
    }

    @AfterEach
    void stopReading() {
        log.removeHandler(handler);
    }

    private static String encoded(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    private MirrorFixture mirror(String admin, String access) throws Exception {
        String hash = BCrypt.with(BCrypt.Version.VERSION_2Y).hashToString(4, "word".toCharArray());
        Files.write(folder.resolve("admins"), List.of("root:" + hash, "guest:" + hash));
        return MirrorFixture.started(folder, """
                builtin-upstreams: false
                server: {listen: "127.0.0.1:0", admin: "%s", drain: 1s, admin-access: {%s}}
                """.formatted(admin, access.replace("FOLDER", folder.toString())));
    }

    private static int get(MirrorFixture mirror, String path, String authorization) throws Exception {
        return mirror.askAdmin("GET", path, "Authorization", authorization).statusCode();
    }

    private static int post(MirrorFixture mirror, String authorization) throws Exception {
        return mirror.askAdmin("POST", "/cache/scrub", "Authorization", authorization)
                .statusCode();
    }

    @Test
    void passwordsAndTokensReadAndOperatorsChangeThings() throws Exception {
        try (MirrorFixture mirror = mirror(
                "127.0.0.1:0",
                "htpasswd: FOLDER/admins, operators: [root], read-token: reading, operate-token: operating, open: [readyz]")) {
            var refused = mirror.askAdmin("GET", "/cache/stats");
            assertThat(refused.statusCode()).isEqualTo(401);
            assertThat(refused.headers().firstValue("WWW-Authenticate")).contains("Basic realm=\"entrepot admin\"");
            assertThat(mirror.askAdmin("POST", "/cache/scrub").statusCode()).isEqualTo(401);
            assertThat(mirror.askAdmin("HEAD", "/metrics").statusCode()).isEqualTo(401);
            assertThat(mirror.askAdmin("GET", "/readyz").statusCode()).isEqualTo(200);
            assertThat(mirror.askAdmin("GET", "/nothing/here").statusCode()).isEqualTo(401);
            for (String reader : List.of(ROOT, GUEST, "Bearer reading", "Bearer operating")) {
                assertThat(get(mirror, "/cache/stats", reader)).as(reader).isEqualTo(200);
                assertThat(get(mirror, "/metrics", reader)).as(reader).isEqualTo(200);
            }
            assertThat(post(mirror, GUEST)).isEqualTo(403);
            assertThat(post(mirror, "Bearer reading")).isEqualTo(403);
            assertThat(post(mirror, ROOT)).isEqualTo(200);
            assertThat(post(mirror, "Bearer operating")).isEqualTo(200);
            for (String wrong : List.of("Bearer ", "Bearer x", "Basic " + encoded("root:no"), "Basic x", "reading")) {
                assertThat(get(mirror, "/cache/stats", wrong)).as(wrong).isEqualTo(401);
            }
        }
    }

    @Test
    void onOtherAddressesNothingIsOpenThatIsNotSaidToBe() throws Exception {
        try (MirrorFixture mirror = mirror("0.0.0.0:0", "open: [healthz, metrics]")) {
            assertThat(mirror.askAdmin("GET", "/healthz").statusCode()).isEqualTo(200);
            assertThat(mirror.askAdmin("GET", "/metrics").statusCode()).isEqualTo(200);
            assertThat(mirror.askAdmin("GET", "/readyz").statusCode()).isEqualTo(403);
            assertThat(mirror.askAdmin("POST", "/metrics").statusCode()).isEqualTo(403);
            assertThat(get(mirror, "/cache/stats", ROOT)).isEqualTo(403);
        }
    }

    @Test
    void commandsOnTheDataFolderMayDoEverythingByANoteThatNobodyElseCanRead() throws Exception {
        try (MirrorFixture mirror = mirror("0.0.0.0:0", "open: [healthz]")) {
            Path note = folder.resolve("data/server.json");
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(note)))
                    .isEqualTo("rw-------");
            CommandRunner.Result stats = new CommandRunner(folder).run("cache", "stats", "--json");
            assertThat(stats.code()).as(stats.err()).isEqualTo(0);
            assertThat(stats.out()).startsWith("{");
        }
    }

    @Test
    void guessesAtTokensAndPasswordsAreBoundedCountedAndLogged() throws Exception {
        try (MirrorFixture mirror =
                mirror("127.0.0.1:0", "htpasswd: FOLDER/admins, operators: [root], read-token: reading")) {
            assertThat(get(mirror, "/cache/stats", "Bearer reading")).isEqualTo(200);
            for (int i = 0; i < 10; i++) {
                assertThat(get(mirror, "/cache/stats", "Bearer guess" + i)).isEqualTo(401);
                assertThat(get(mirror, "/cache/stats", "Basic " + encoded("root:guess" + i)))
                        .isEqualTo(401);
            }
            assertThat(lines)
                    .hasSize(20)
                    .allMatch(line -> line.startsWith("WARNING admin: GET /cache/stats from 127.0.0.1 refused, 401: "));
            assertThat(post(mirror, "Bearer operating")).isEqualTo(429);
            assertThat(post(mirror, ROOT)).isEqualTo(429);
            assertThat(get(mirror, "/cache/stats", "Bearer reading")).isEqualTo(200);
            assertThat(mirror.askAdmin("GET", "/cache/stats").statusCode()).isEqualTo(401);
            assertThat(String.join("\n", lines)).doesNotContain("guess", "root", "reading");
            assertThat(lines).hasSize(22);
            String metrics = mirror.askAdmin("GET", "/metrics", "Authorization", "Bearer reading")
                    .body();
            assertThat(metrics)
                    .contains("entrepot_authentication_failures_total{listener=\"admin\"} 20\n")
                    .contains("entrepot_authentication_failures_total{listener=\"registry\"} 0\n")
                    .contains("entrepot_passwords_throttled_total{listener=\"admin\"} 2\n");
        }
    }

    @Test
    void theLogSaysWhoHadSomethingDone() throws Exception {
        try (MirrorFixture mirror =
                mirror("127.0.0.1:0", "htpasswd: FOLDER/admins, operators: [root], operate-token: operating")) {
            assertThat(post(mirror, ROOT)).isEqualTo(200);
            assertThat(post(mirror, "Bearer operating")).isEqualTo(200);
            assertThat(post(mirror, GUEST)).isEqualTo(403);
            assertThat(get(mirror, "/cache/stats", ROOT)).isEqualTo(200);
            assertThat(new CommandRunner(folder).run("cache", "scrub").code()).isZero();
            assertThat(lines)
                    .containsExactly(
                            "INFO admin: POST /cache/scrub by root from 127.0.0.1: 200",
                            "INFO admin: POST /cache/scrub by (operate-token) from 127.0.0.1: 200",
                            "WARNING admin: POST /cache/scrub from 127.0.0.1 refused, 403: you may read here, and change nothing",
                            "INFO admin: POST /cache/scrub by (command on the data folder) from 127.0.0.1: 200");
        }
    }

    @Test
    void notificationsAreGuardedByTheirOwnSecret() throws Exception {
        try (MirrorFixture mirror = mirror("127.0.0.1:0", "read-token: reading")) {
            assertThat(mirror.askAdmin("POST", "/notifications").statusCode()).isEqualTo(404);
            assertThat(mirror.askAdmin("POST", "/notifications/x").statusCode()).isEqualTo(401);
        }
    }

    @Test
    void notificationThatConcernsNoRuleLeavesNoLine() throws Exception {
        // The run that the last one begins waits for its source until it is interrupted.
        try (MirrorFixture mirror = MirrorFixture.started(folder, """
                builtin-upstreams: false
                server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0", drain: 1s}
                upstreams: {source.test: {url: "http://127.0.0.1:9"}}
                replication:
                  rules: [{name: rule, source: source.test, repositories: ["team/*"], targets: [{url: "http://127.0.0.1:1"}]}]
                  notifications: {receive: {secret: the-secret, debounce: 1h}}
                """, Thread::sleep)) {
            for (String event : List.of(
                    "{\"action\":\"pull\",\"target\":{\"repository\":\"team/app\",\"tag\":\"v1\"}}",
                    "{\"action\":\"push\",\"target\":{\"repository\":\"team/app\",\"mediaType\":\"application/octet-stream\"}}",
                    "{\"action\":\"push\",\"target\":{\"repository\":\"other/app\",\"tag\":\"v1\"}}")) {
                assertThat(notified(mirror, event)).isEqualTo(202);
            }
            assertThat(lines).isEmpty();
            assertThat(notified(
                            mirror, "{\"action\":\"push\",\"target\":{\"repository\":\"team/app\",\"tag\":\"v1\"}}"))
                    .isEqualTo(202);
            assertThat(lines)
                    .containsExactly("INFO admin: POST /notifications by (its own secret) from 127.0.0.1: 202");
        }
    }

    private static int notified(MirrorFixture mirror, String event) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(
                        URI.create("http://127.0.0.1:" + mirror.adminPort() + "/notifications"))
                .header("Authorization", "Bearer the-secret")
                .POST(HttpRequest.BodyPublishers.ofString("{\"events\":[" + event + "]}"))
                .build();
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
        }
    }

    @Test
    void wrongSignatureOfANotificationIsARefusalAndBoundedInTheLog() throws Exception {
        try (MirrorFixture mirror = MirrorFixture.started(folder, """
                builtin-upstreams: false
                server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0", drain: 1s}
                replication: {notifications: {receive: {secret: "the right one"}}}
                """)) {
            for (int i = 0; i < 20; i++) {
                assertThat(signed(mirror, "sha256=" + i)).isEqualTo(401);
            }
            assertThat(lines)
                    .hasSize(20)
                    .allMatch(line ->
                            line.startsWith("WARNING admin: POST /notifications from 127.0.0.1 refused, 401: "));
            for (int i = 0; i < 100; i++) {
                assertThat(signed(mirror, "sha256=another")).isEqualTo(429);
            }
            assertThat(lines)
                    .hasSizeLessThan(120)
                    .allMatch(line -> line.startsWith("WARNING admin: POST /notifications from 127.0.0.1 refused, "));
        }
    }

    private static int signed(MirrorFixture mirror, String signature) throws Exception {
        return mirror.askAdmin("POST", "/notifications", "X-Entrepot-Signature", signature)
                .statusCode();
    }

    @Test
    void pagesOfOtherSitesThatAreRefusedLeaveALine() throws Exception {
        try (MirrorFixture mirror = mirror("127.0.0.1:0", "")) {
            assertThat(mirror.askAdmin("POST", "/cache/scrub", "Sec-Fetch-Site", "cross-site")
                            .statusCode())
                    .isEqualTo(403);
            assertThat(mirror.askAdmin("POST", "/cache/scrub", "Origin", "https://evil.test")
                            .statusCode())
                    .isEqualTo(403);
            try (RawConnection connection = new RawConnection(mirror.adminPort())) {
                connection.send("GET /cache/stats HTTP/1.1\r\nHost: evil.test\r\n\r\n");
                assertThat(connection.read(false).status()).isEqualTo(403);
            }
            assertThat(lines)
                    .containsExactly(
                            "WARNING admin: POST /cache/scrub from 127.0.0.1 refused, 403: pages of other sites may not ask here",
                            "WARNING admin: POST /cache/scrub from 127.0.0.1 refused, 403: requests of browsers may not change anything",
                            "WARNING admin: GET /cache/stats from 127.0.0.1 refused, 403: this server listens on a loopback address and answers to localhost and addresses only");
        }
    }

    @Test
    void wrongSecretInTheUrlOfANotificationIsLoggedWithoutIt() throws Exception {
        try (MirrorFixture mirror = MirrorFixture.started(folder, """
                builtin-upstreams: false
                server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0", drain: 1s}
                replication: {notifications: {receive: {secret: "the right one"}}}
                """)) {
            assertThat(mirror.askAdmin("POST", "/notifications").statusCode()).isEqualTo(401);
            assertThat(lines).as("was only asked").isEmpty();
            for (String query : List.of("?secret=guess", "?from=hub&secret=guess+2")) {
                assertThat(mirror.askAdmin("POST", "/notifications" + query).statusCode())
                        .isEqualTo(401);
            }
            assertThat(lines)
                    .hasSize(2)
                    .allMatch(
                            line -> line.startsWith("WARNING admin: POST /notifications from 127.0.0.1 refused, 401: "))
                    .noneMatch(line -> line.contains("guess") || line.contains("hub"));
        }
    }
}
