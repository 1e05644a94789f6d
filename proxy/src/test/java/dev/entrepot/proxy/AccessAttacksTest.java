package dev.entrepot.proxy;

import static dev.entrepot.proxy.MirrorFixture.code;
import static dev.entrepot.proxy.MirrorFixture.json;
import static dev.entrepot.proxy.MirrorFixture.text;
import static org.assertj.core.api.Assertions.assertThat;

import at.favre.lib.crypto.bcrypt.BCrypt;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.TestRegistry;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What somebody tries who wants more than the rules of access give. */
class AccessAttacksTest {
    private static final String OPEN = "open/tool";
    private static final String SECRET = "secret/app";

    @TempDir
    private Path folder;

    private TestRegistry upstream;
    private Bundle image;

    @BeforeEach
    void fill() throws Exception {
        upstream = TestRegistry.started();
        image = new Images(6).image(1000, 100);
        upstream.push(OPEN, image, "v1");
        upstream.push(SECRET, image, "v1");
        String hash = BCrypt.with(BCrypt.Version.VERSION_2Y).hashToString(4, "wonder".toCharArray());
        Files.writeString(folder.resolve("users"), "alice:" + hash + "\n");
    }

    @AfterEach
    void stop() {
        upstream.close();
    }

    private MirrorFixture mirror(String authentication, String access) throws Exception {
        return MirrorFixture.started(
                folder, """
                default-upstream: registry.test
                server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0", drain: 1s, authentication: {%s}}
                upstreams:
                  registry.test: {url: "%s"}
                access: [%s]
                """.formatted(authentication.formatted(folder.resolve("users")), upstream.uri(), access));
    }

    private static String alice() {
        return "Basic " + Base64.getEncoder().encodeToString("alice:wonder".getBytes(StandardCharsets.UTF_8));
    }

    private static String manifest(String repository) {
        return "/v2/" + repository + "/manifests/v1";
    }

    private static String token(HttpResponse<byte[]> answer) {
        assertThat(answer.statusCode()).as(text(answer)).isEqualTo(200);
        return "Bearer " + json(answer).path("token").asString("");
    }

    @Test
    void aTokenBuysNoOtherTokenAndSoNeitherMoreScopeNorMoreTime() throws Exception {
        try (MirrorFixture mirror = mirror("htpasswd: %s, token: {}", "")) {
            String narrow = token(mirror.get("/token?scope=repository:open/tool:pull", "Authorization", alice()));
            HttpResponse<byte[]> wider = mirror.get("/token?scope=repository:secret/app:pull", "Authorization", narrow);
            assertThat(wider.statusCode()).isEqualTo(403);
            assertThat(code(wider)).isEqualTo("DENIED");
            mirror.advance(Duration.ofMinutes(4));
            assertThat(mirror.get("/token?scope=repository:open/tool:pull", "Authorization", narrow)
                            .statusCode())
                    .isEqualTo(403);
            String nobody = token(mirror.get("/token?scope=repository:open/tool:pull"));
            assertThat(mirror.get("/token", "Authorization", nobody).statusCode())
                    .isEqualTo(403);
        }
    }

    @Test
    void strangersDoNotHearWhichUpstreamsThereAreNeitherWithATokenForNobodyNorByAPush() throws Exception {
        try (MirrorFixture mirror = mirror("htpasswd: %s, token: {}", "{users: [alice]}")) {
            String nobody = token(mirror.get("/token?scope=registry:catalog:*"));
            for (String path : List.of(
                    "/v2/nobody.test/a/manifests/v1",
                    "/v2/?ns=nobody.test",
                    "/v2/_catalog?ns=nobody.test",
                    "/v2/a/manifests/v1?ns=nobody.test")) {
                HttpResponse<byte[]> answer = mirror.get(path, "Authorization", nobody);
                assertThat(answer.statusCode()).as(path).isEqualTo(404);
                assertThat(text(answer)).as(path).doesNotContain("registry.test");
                assertThat(text(mirror.get(path, "Authorization", alice())))
                        .as(path)
                        .contains("registry.test");
            }
            HttpResponse<byte[]> push = mirror.post("/v2/a/blobs/uploads/", "");
            assertThat(push.statusCode()).isEqualTo(405);
            assertThat(text(push)).doesNotContain("registry.test");
        }
    }

    @Test
    void whoSendsFormsSlowlyKeepsNobodyElseFromAToken() throws Exception {
        List<Socket> slow = new ArrayList<>();
        try (MirrorFixture mirror = mirror("htpasswd: %s, token: {}", "")) {
            for (int i = 0; i < 100; i++) {
                Socket socket = new Socket();
                socket.bind(new InetSocketAddress("127.0.0.2", 0));
                socket.connect(new InetSocketAddress("127.0.0.1", mirror.port()));
                socket.getOutputStream()
                        .write("POST /token HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\na="
                                .getBytes(StandardCharsets.US_ASCII));
                slow.add(socket);
            }
            // Those above the bound are refused at once: when one is, all that are within it are being read.
            MirrorFixture.await(() -> {
                for (Socket socket : slow) {
                    if (socket.getInputStream().available() > 0) {
                        return true;
                    }
                }
                return false;
            });
            token(mirror.post("/token", "grant_type=password&username=alice&password=wonder"));
        } finally {
            for (Socket socket : slow) {
                socket.close();
            }
        }
    }

    @Test
    void aPasswordInTheTargetIsInNoLogAndOnNoPage() throws Exception {
        try (MirrorFixture mirror = mirror("htpasswd: %s, token: {}", "")) {
            try (Socket socket = new Socket("127.0.0.1", mirror.port())) {
                socket.getOutputStream()
                        .write(("GET http://alice:wonder@" + mirror.host() + "/v2/ HTTP/1.1\r\nHost: " + mirror.host()
                                        + "\r\nConnection: close\r\n\r\n")
                                .getBytes(StandardCharsets.US_ASCII));
                assertThat(new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                        .startsWith("HTTP/1.1 400");
            }
            assertThat(mirror.admin("/ui/api/refusals").body())
                    .contains("\"status\":400")
                    .doesNotContain("wonder");
        }
    }
}
