package dev.entrepot.proxy;

import static dev.entrepot.proxy.MirrorFixture.code;
import static dev.entrepot.proxy.MirrorFixture.header;
import static dev.entrepot.proxy.MirrorFixture.json;
import static dev.entrepot.proxy.MirrorFixture.text;
import static org.assertj.core.api.Assertions.assertThat;

import at.favre.lib.crypto.bcrypt.BCrypt;
import com.sun.net.httpserver.HttpServer;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.proxy.http.RawConnection;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.EdECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Who may pull what, seen from outside: passwords, tokens of ours and of an identity provider, and the rules. Long,
 * because all ways share one server and its users.
 */
class AccessEndToEndTest {
    private static final String OPEN = "open/tool";
    private static final String SECRET = "secret/app";

    @TempDir
    private Path folder;

    private TestRegistry upstream;
    private Bundle image;

    @BeforeEach
    void fill() throws Exception {
        upstream = TestRegistry.started();
        image = new Images(5).image(1000, 100);
        upstream.push(OPEN, image, "v1");
        upstream.push(SECRET, image, "v1");
        users("alice:" + hash("wonder"), "bob:" + hash("builder"));
    }

    @AfterEach
    void stop() {
        upstream.close();
    }

    private void users(String... lines) throws Exception {
        Files.write(folder.resolve("users"), List.of(lines));
    }

    private static String hash(String password) {
        return BCrypt.with(BCrypt.Version.VERSION_2Y).hashToString(4, password.toCharArray());
    }

    private static String basic(String user, String password) {
        return "Basic " + Base64.getEncoder().encodeToString((user + ":" + password).getBytes(StandardCharsets.UTF_8));
    }

    private MirrorFixture mirror(String authentication, String access) throws Exception {
        return MirrorFixture.started(folder, configuration(authentication, access));
    }

    private String configuration(String authentication, String access) {
        return """
                default-upstream: registry.test
                server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0", drain: 1s, authentication: {%s}}
                upstreams:
                  registry.test: {url: "%s"}
                access: [%s]
                """.formatted(authentication.formatted(folder.resolve("users")), upstream.uri(), access);
    }

    private static String manifest(String repository) {
        return "/v2/" + repository + "/manifests/v1";
    }

    @Test
    void whoDoesNotSayWhoItIsIsChallengedEverywhere() throws Exception {
        try (MirrorFixture mirror = mirror("htpasswd: %s", "")) {
            for (String path :
                    List.of("/v2/", "/v2", manifest(OPEN), "/v2/_catalog", "/v2/nobody.test/a/manifests/v1")) {
                HttpResponse<byte[]> answer = mirror.get(path);
                assertThat(answer.statusCode()).as(path).isEqualTo(401);
                assertThat(header(answer, "WWW-Authenticate")).as(path).isEqualTo("Basic realm=\"entrepot\"");
                assertThat(mirror.head(path).statusCode()).as(path).isEqualTo(401);
            }
            assertThat(upstream.requests(request -> true)).isEmpty();
            assertThat(text(mirror.get("/v2/nobody.test/a/manifests/v1"))).doesNotContain("registry.test");
        }
    }

    /**
     * podman and old Docker ask here only, before they pull anything, and would send no credentials to the one
     * repository that needs them.
     */
    @Test
    void trap05PingSays401AsSoonAsOneRepositoryNeedsAuthorization() throws Exception {
        String rules = """
                {users: [alice], repositories: ["registry.test/secret/**"]},
                {anonymous: true, users: ["*"], repositories: ["registry.test/open/*"]}
                """;
        String alice = basic("alice", "wonder");
        try (MirrorFixture mirror = mirror("htpasswd: %s", rules)) {
            assertThat(mirror.get(manifest(OPEN)).statusCode()).isEqualTo(200);
            for (String path : List.of("/v2/", "/v2", "/registry.test/v2/")) {
                for (HttpResponse<byte[]> ping : List.of(mirror.get(path), mirror.head(path))) {
                    assertThat(ping.statusCode()).as(path).isEqualTo(401);
                    assertThat(header(ping, "WWW-Authenticate")).as(path).isEqualTo("Basic realm=\"entrepot\"");
                }
                assertThat(mirror.get(path, "Authorization", alice).statusCode())
                        .isEqualTo(200);
                assertThat(mirror.head(path, "Authorization", alice).statusCode())
                        .isEqualTo(200);
            }
            assertThat(mirror.get(manifest(SECRET), "Authorization", alice).statusCode())
                    .isEqualTo(200);
        }
    }

    @Test
    void thePasswordOpensAndTheAccessLogHasTheUser() throws Exception {
        try (MirrorFixture mirror = mirror("htpasswd: %s", "")) {
            String alice = basic("alice", "wonder");
            assertThat(mirror.get("/v2/", "Authorization", alice).statusCode()).isEqualTo(200);
            assertThat(mirror.get(manifest(SECRET), "Authorization", alice).body())
                    .isEqualTo(image.root().array());
            for (int i = 0; i < 20; i++) {
                assertThat(mirror.head(manifest(SECRET), "Authorization", alice).statusCode())
                        .isEqualTo(200);
            }
            assertThat(mirror.metric("entrepot_password_checks_total")).isEqualTo(1);
            assertThat(mirror.metric("entrepot_clients_identified_total")).isEqualTo(22);
            mirror.stop();
            assertThat(mirror.accessLog()).hasSize(22).allMatch(line -> line.contains(" user=\"alice\" "));
        }
    }

    @Test
    void theAccessLogNamesNobodyWhoHasNotProvenIt() throws Exception {
        String json =
                configuration("htpasswd: %s", "{users: [alice]}").replace("drain: 1s", "drain: 1s, access-log: json");
        try (MirrorFixture mirror = MirrorFixture.started(folder, json)) {
            mirror.get("/v2/", "Authorization", basic("alice", "Wonder"));
            mirror.get("/v2/", "Authorization", basic("mallory", "wonder"));
            mirror.get("/v2/");
            mirror.get(manifest(SECRET), "Authorization", basic("bob", "builder"));
            mirror.get(manifest(SECRET), "Authorization", basic("alice", "wonder"));
            mirror.stop();

            assertThat(mirror.accessLog().stream().map(line -> OciJson.mapper().readTree(line)))
                    .extracting(line -> line.path("status").asInt() + " "
                            + line.path("user").asString("-"))
                    .containsExactly("401 -", "401 -", "401 -", "403 bob", "200 alice");
            assertThat(String.join("\n", mirror.accessLog()))
                    .doesNotContain("mallory", "Wonder", "wonder", "builder")
                    .doesNotContain(basic("bob", "builder").substring(6));
        }
    }

    @Test
    void wrongPasswordsAndUnknownUsersAreRefusedAlike() throws Exception {
        try (MirrorFixture mirror = mirror("htpasswd: %s", "")) {
            HttpResponse<byte[]> wrong = mirror.get("/v2/", "Authorization", basic("alice", "Wonder"));
            HttpResponse<byte[]> unknown = mirror.get("/v2/", "Authorization", basic("mallory", "wonder"));
            assertThat(wrong.statusCode()).isEqualTo(401);
            assertThat(code(wrong)).isEqualTo("UNAUTHORIZED");
            assertThat(unknown.body()).isEqualTo(wrong.body());
            assertThat(mirror.metric("entrepot_password_checks_total")).isEqualTo(2);
            for (String odd : List.of("Basic", "Basic ???", "Basic " + "YWJj", "Digest a", "Bearer x", "Bearer ")) {
                assertThat(mirror.get("/v2/", "Authorization", odd).statusCode())
                        .as(odd)
                        .isEqualTo(401);
            }
            assertThat(mirror.get("/v2/", "Authorization", basic("", "")).statusCode())
                    .isEqualTo(401);
        }
    }

    @Test
    void aStormOfWrongPasswordsIsThrottledAndOthersAreServed() throws Exception {
        try (MirrorFixture mirror = mirror("htpasswd: %s", "");
                ExecutorService crowd = Executors.newVirtualThreadPerTaskExecutor()) {
            String alice = basic("alice", "wonder");
            assertThat(mirror.get(manifest(OPEN), "Authorization", alice).statusCode())
                    .isEqualTo(200);
            List<Future<Integer>> storm = new ArrayList<>();
            for (int i = 0; i < 300; i++) {
                String guess = basic("alice", "guess" + i);
                Callable<Integer> attempt = () -> raw(mirror.port(), guess).status();
                storm.add(crowd.submit(attempt));
            }
            int refused = 0;
            for (Future<Integer> attempt : storm) {
                assertThat(attempt.get()).isIn(401, 429);
                refused += attempt.get() == 429 ? 1 : 0;
            }
            assertThat(refused).isGreaterThan(250);
            assertThat(mirror.metric("entrepot_password_checks_total")).isLessThan(40);
            assertThat(raw(mirror.port(), basic("alice", "guess")).header("Retry-After"))
                    .isNotEmpty();
            assertThat(mirror.get(manifest(OPEN), "Authorization", alice).statusCode())
                    .isEqualTo(200);
        }
    }

    @Test
    void theRateOfOneUserIsThatOfEachOfItsMachines() throws Exception {
        String limited = configuration("htpasswd: %s", "")
                .replace("drain: 1s", "drain: 1s, client-rate: {per-second: 1, burst: 3}");
        try (MirrorFixture mirror = MirrorFixture.started(folder, limited)) {
            String alice = "Authorization: " + basic("alice", "wonder");
            List<Integer> first = new ArrayList<>();
            try (RawConnection machine = new RawConnection(from("127.0.0.2", mirror.port()))) {
                for (int i = 0; i < 10; i++) {
                    first.add(machine.get("/v2/", alice).status());
                }
            }
            assertThat(first).startsWith(200, 200, 200).contains(429);
            try (RawConnection other = new RawConnection(from("127.0.0.3", mirror.port()))) {
                assertThat(other.get("/v2/", alice).status()).isEqualTo(200);
            }
        }
    }

    private static Socket from(String address, int port) throws Exception {
        Socket socket = new Socket();
        socket.bind(new InetSocketAddress(address, 0));
        socket.connect(new InetSocketAddress("127.0.0.1", port));
        return socket;
    }

    private static RawConnection.Answer raw(int port, String authorization) throws Exception {
        try (RawConnection connection = new RawConnection(port)) {
            return connection.get("/v2/", "Authorization: " + authorization, "Connection: close");
        }
    }

    @Test
    void aCrowdWithOnePasswordCostsOneCheck() throws Exception {
        users("alice:" + BCrypt.with(BCrypt.Version.VERSION_2Y).hashToString(10, "wonder".toCharArray()));
        try (MirrorFixture mirror = mirror("htpasswd: %s", "");
                ExecutorService crowd = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Integer>> pulls = new ArrayList<>();
            for (int i = 0; i < 50; i++) {
                pulls.add(crowd.submit(
                        () -> raw(mirror.port(), basic("alice", "wonder")).status()));
            }
            for (Future<Integer> pull : pulls) {
                assertThat(pull.get()).isEqualTo(200);
            }
            assertThat(mirror.metric("entrepot_password_checks_total")).isEqualTo(1);
        }
    }

    @Test
    void aChangedPasswordFileIsReadAndABadOneLeavesTheFormer() throws Exception {
        try (MirrorFixture mirror = mirror("htpasswd: %s", "")) {
            assertThat(mirror.get("/v2/", "Authorization", basic("alice", "wonder"))
                            .statusCode())
                    .isEqualTo(200);
            users("alice:" + hash("new"));
            MirrorFixture.await(() -> mirror.metric("entrepot_files_reloads_total") == 1);
            assertThat(mirror.get("/v2/", "Authorization", basic("alice", "wonder"))
                            .statusCode())
                    .isEqualTo(401);
            assertThat(mirror.get("/v2/", "Authorization", basic("alice", "new"))
                            .statusCode())
                    .isEqualTo(200);
            users("alice:wonder");
            MirrorFixture.await(() -> mirror.metric("entrepot_files_reload_failures_total") == 1);
            assertThat(mirror.get("/v2/", "Authorization", basic("alice", "new"))
                            .statusCode())
                    .isEqualTo(200);
            assertThat(mirror.admin("/readyz").body())
                    .contains("line 1 is not USER:HASH")
                    .doesNotContain("wonder");
            assertThat(mirror.metric("entrepot_files_outdated")).isEqualTo(1);
        }
    }

    @Test
    void theFirstRuleThatFitsDecidesAndWhatNoneFitsIsDenied() throws Exception {
        String rules = """
                {anonymous: true, users: ["*"], repositories: ["registry.test/open/*"]},
                {users: [bob], repositories: ["registry.test/secret/**"], deny: not for bob},
                {groups: [dev], repositories: ["registry.test/secret/**"]}
                """;
        try (MirrorFixture mirror = mirror("htpasswd: %s, groups: {dev: [alice, bob]}", rules)) {
            assertThat(mirror.get(manifest(OPEN)).statusCode()).isEqualTo(200);
            assertThat(mirror.get(manifest(SECRET)).statusCode()).isEqualTo(401);
            assertThat(mirror.get("/v2/").statusCode()).isEqualTo(401);
            String alice = basic("alice", "wonder");
            assertThat(mirror.get(manifest(SECRET), "Authorization", alice).statusCode())
                    .isEqualTo(200);
            HttpResponse<byte[]> bob = mirror.get(manifest(SECRET), "Authorization", basic("bob", "builder"));
            assertThat(bob.statusCode()).isEqualTo(403);
            assertThat(code(bob)).isEqualTo("DENIED");
            assertThat(text(bob)).contains("bob may not pull registry.test/secret/app: not for bob (access[1])");
            assertThat(mirror.get("/v2/" + SECRET + "/tags/list", "Authorization", basic("bob", "builder"))
                            .statusCode())
                    .isEqualTo(403);
            assertThat(mirror.get("/v2/other/x/manifests/v1", "Authorization", alice)
                            .statusCode())
                    .isEqualTo(403);
            assertThat(text(mirror.get("/v2/_catalog", "Authorization", alice))).contains(OPEN, SECRET);
            assertThat(text(mirror.get("/v2/_catalog", "Authorization", basic("bob", "builder"))))
                    .contains(OPEN)
                    .doesNotContain(SECRET);
            assertThat(mirror.metric("entrepot_access_refused_total"))
                    .as("what was denied to somebody; who was only asked who he is does not count")
                    .isEqualTo(3);

            assertThat(mirror.reconfigure(configuration("htpasswd: %s, groups: {dev: [alice, bob]}", "{users: [bob]}")))
                    .isTrue();
            assertThat(mirror.get(manifest(OPEN)).statusCode()).isEqualTo(401);
            assertThat(mirror.get(manifest(SECRET), "Authorization", alice).statusCode())
                    .isEqualTo(403);
            assertThat(mirror.get(manifest(SECRET), "Authorization", basic("bob", "builder"))
                            .statusCode())
                    .isEqualTo(200);
        }
    }

    @Test
    void rulesOfAccessWaitForARestartTogetherWithWhatTheyRestOn() throws Exception {
        String open = configuration("", "{anonymous: true, repositories: [\"registry.test/open/*\"]}");
        String closed = configuration("htpasswd: %s", "").replace("access: []\n", "");
        try (MirrorFixture mirror = MirrorFixture.started(folder, open)) {
            assertThat(mirror.get(manifest(OPEN)).statusCode()).isEqualTo(200);
            assertThat(mirror.get(manifest(SECRET)).statusCode()).isEqualTo(403);

            assertThat(mirror.reconfigure(closed)).isTrue();
            assertThat(mirror.get(manifest(SECRET)).statusCode()).isEqualTo(403);
            assertThat(mirror.admin("/readyz").body())
                    .startsWith("ready\n")
                    .contains("note: access has changed together with", "until a restart");
            assertThat(mirror.metric("entrepot_rules_outdated")).isEqualTo(1);

            assertThat(mirror.reconfigure(configuration("", "{anonymous: true}").replace("drain: 1s", "drain: 2s")))
                    .isTrue();
            assertThat(mirror.get(manifest(SECRET)).statusCode()).isEqualTo(200);
            assertThat(mirror.admin("/readyz").body()).isEqualTo("ready\n");
            assertThat(mirror.metric("entrepot_rules_outdated")).isZero();
        }
    }

    @Test
    void whereAnybodyMayPullEverythingNobodyIsChallenged() throws Exception {
        try (MirrorFixture mirror = mirror("htpasswd: %s", "{anonymous: true}")) {
            assertThat(mirror.get("/v2/").statusCode()).isEqualTo(200);
            assertThat(mirror.get(manifest(SECRET)).statusCode()).isEqualTo(200);
            assertThat(mirror.get("/v2/", "Authorization", basic("alice", "no")).statusCode())
                    .isEqualTo(401);
        }
    }

    @Test
    void rulesWithoutAnyWayToSayWhoOneIsDenyWithoutAChallenge() throws Exception {
        try (MirrorFixture mirror = mirror("", "{anonymous: true, repositories: [\"registry.test/open/*\"]}")) {
            assertThat(mirror.get("/v2/").statusCode()).isEqualTo(200);
            assertThat(mirror.get(manifest(OPEN)).statusCode()).isEqualTo(200);
            HttpResponse<byte[]> denied = mirror.get(manifest(SECRET), "Authorization", "Basic eDp5");
            assertThat(denied.statusCode()).isEqualTo(403);
            assertThat(header(denied, "WWW-Authenticate")).isEmpty();
        }
    }

    @Test
    void commandsOnTheDataFolderReadThroughTheServerWhateverTheRulesSay() throws Exception {
        for (String more : List.of("", ", token: {}")) {
            try (MirrorFixture mirror = mirror("htpasswd: %s" + more, "{users: [nobody]}")) {
                CommandRunner.Result export = new CommandRunner(folder)
                        .run(
                                "export",
                                "registry.test/" + SECRET + ":v1",
                                "--output",
                                "out" + more.length() + ".tar",
                                "--unsigned");
                assertThat(export.code()).as(export.err()).isZero();
                assertThat(export.err()).contains("reading through the server at http://" + mirror.host());
            }
        }
    }

    private static String token(HttpResponse<byte[]> answer) {
        assertThat(answer.statusCode()).as(text(answer)).isEqualTo(200);
        assertThat(json(answer).path("token").asString(""))
                .isEqualTo(json(answer).path("access_token").asString("?"));
        assertThat(json(answer).path("expires_in").asInt(0)).isEqualTo(300);
        return "Bearer " + json(answer).path("token").asString("");
    }

    @Test
    void tokensAreGivenOutAsTheChallengeSaysAndAreGoodForTheirScope() throws Exception {
        try (MirrorFixture mirror = mirror("htpasswd: %s, token: {service: mirror}", "")) {
            HttpResponse<byte[]> challenge = mirror.get(manifest(SECRET));
            assertThat(header(challenge, "WWW-Authenticate"))
                    .isEqualTo("Bearer realm=\"http://" + mirror.host()
                            + "/token\",service=\"mirror\",scope=\"repository:registry.test/secret/app:pull\"");
            assertThat(header(mirror.get("/v2/"), "WWW-Authenticate"))
                    .isEqualTo("Bearer realm=\"http://" + mirror.host() + "/token\",service=\"mirror\"");

            String token = token(mirror.get(
                    "/token?service=mirror&scope=repository:secret/app:pull&scope=repository:registry.test/x:pull",
                    "Authorization",
                    basic("alice", "wonder")));
            assertThat(mirror.get(manifest(SECRET), "Authorization", token).statusCode())
                    .isEqualTo(200);
            assertThat(mirror.get("/v2/", "Authorization", token).statusCode()).isEqualTo(200);
            HttpResponse<byte[]> other = mirror.get(manifest(OPEN), "Authorization", token);
            assertThat(other.statusCode()).isEqualTo(401);
            assertThat(header(other, "WWW-Authenticate"))
                    .endsWith("scope=\"repository:registry.test/open/tool:pull\",error=\"insufficient_scope\"");
            assertThat(mirror.get("/v2/_catalog", "Authorization", token).statusCode())
                    .isEqualTo(401);
            String catalog =
                    token(mirror.get("/token?scope=registry:catalog:*", "Authorization", basic("alice", "wonder")));
            assertThat(mirror.get("/v2/_catalog", "Authorization", catalog).statusCode())
                    .isEqualTo(200);

            mirror.advance(Duration.ofSeconds(299));
            assertThat(mirror.get(manifest(SECRET), "Authorization", token).statusCode())
                    .isEqualTo(200);
            mirror.advance(Duration.ofSeconds(2));
            HttpResponse<byte[]> expired = mirror.get(manifest(SECRET), "Authorization", token);
            assertThat(expired.statusCode()).isEqualTo(401);
            assertThat(header(expired, "WWW-Authenticate")).endsWith("error=\"invalid_token\"");
        }
    }

    @Test
    void challengeOfTheCatalogNamesTheScopeThatOpensIt() throws Exception {
        try (MirrorFixture mirror = mirror("htpasswd: %s, token: {service: mirror}", "")) {
            HttpResponse<byte[]> challenge = mirror.get("/v2/_catalog");
            assertThat(challenge.statusCode()).isEqualTo(401);
            assertThat(header(challenge, "WWW-Authenticate"))
                    .isEqualTo("Bearer realm=\"http://" + mirror.host()
                            + "/token\",service=\"mirror\",scope=\"registry:catalog:*\"");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "scope=repository:secret/app:pull%20repository:open/tool:pull%20registry:catalog:*",
                "scope=repository:secret/app:*+repository:open/tool:push,*&scope=registry:catalog:*"
            })
    void tokensAreGivenForSeveralScopesInOneAndForAllThatThereIsToDo(String scopes) throws Exception {
        try (MirrorFixture mirror = mirror("htpasswd: %s, token: {}", "")) {
            String token = token(mirror.get("/token?" + scopes, "Authorization", basic("alice", "wonder")));
            for (String path : List.of(manifest(SECRET), manifest(OPEN), "/v2/_catalog")) {
                assertThat(mirror.get(path, "Authorization", token).statusCode())
                        .as(path)
                        .isEqualTo(200);
            }
        }
    }

    @Test
    void methodThatGivesNoTokensIsToldWhichDo() throws Exception {
        try (MirrorFixture mirror = mirror("htpasswd: %s, token: {}", "");
                RawConnection connection = new RawConnection(mirror.port())) {
            RawConnection.Answer answer = connection.request("DELETE", "/token");
            assertThat(answer.status()).isEqualTo(405);
            assertThat(answer.header("Allow")).isEqualTo("GET, HEAD, POST");
        }
    }

    @Test
    void tokensAreAlsoPostedForAndNoPasswordIsNoToken() throws Exception {
        try (MirrorFixture mirror = mirror("htpasswd: %s, token: {}", "{users: [alice]}")) {
            String form = "grant_type=password&service=entrepot&client_id=x&scope=repository%3Asecret%2Fapp%3Apull"
                    + "&username=alice&password=";
            String token = token(mirror.post("/token", form + "wonder"));
            assertThat(mirror.get(manifest(SECRET), "Authorization", token).statusCode())
                    .isEqualTo(200);
            assertThat(mirror.post("/token", form + "wrong").statusCode()).isEqualTo(401);
            assertThat(mirror.post("/token", "grant_type=refresh_token&refresh_token=x")
                            .statusCode())
                    .isEqualTo(400);
            assertThat(mirror.post("/token", "grant_type=%zz").statusCode()).isEqualTo(400);
            try (RawConnection connection = new RawConnection(mirror.port())) {
                connection.send("POST /token HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\n");
                assertThat(connection.read(false).status()).isEqualTo(413);
            }

            String nobody = token(mirror.get("/token?scope=repository:secret/app:pull"));
            assertThat(mirror.get(manifest(SECRET), "Authorization", nobody).statusCode())
                    .isEqualTo(401);
            String bob = token(
                    mirror.get("/token?scope=repository:secret/app:pull", "Authorization", basic("bob", "builder")));
            assertThat(mirror.get(manifest(SECRET), "Authorization", bob).statusCode())
                    .isEqualTo(403);
        }
    }

    @Test
    void tokensThatWereTamperedWithAreRefused() throws Exception {
        try (MirrorFixture mirror = mirror("htpasswd: %s, token: {}", "")) {
            String token = token(
                    mirror.get("/token?scope=repository:secret/app:pull", "Authorization", basic("alice", "wonder")));
            String[] parts = token.substring("Bearer ".length()).split("\\.", -1);
            String claims = new String(Base64.getUrlDecoder().decode(parts[1]), StandardCharsets.UTF_8);
            String forged = encoded(claims.replace("secret/app", "open/tool"));
            String none = encoded("{\"alg\":\"none\"}");
            for (String wrong : List.of(
                    parts[0] + "." + forged + "." + parts[2],
                    none + "." + forged + ".",
                    none + "." + parts[1] + "." + parts[2],
                    parts[0] + "." + parts[1] + ".",
                    parts[0] + "." + parts[1] + "." + "A".repeat(86))) {
                assertThat(mirror.get(manifest(OPEN), "Authorization", "Bearer " + wrong)
                                .statusCode())
                        .as(wrong)
                        .isEqualTo(401);
            }
        }
    }

    private static String encoded(String text) {
        return encoded(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String encoded(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    /** An identity provider: a discovery document, a set of keys, and tokens. */
    private static final class Provider implements AutoCloseable {
        final HttpServer server;
        final AtomicReference<String> keys = new AtomicReference<>("{\"keys\":[]}");
        final AtomicInteger fetches = new AtomicInteger();

        Provider() throws Exception {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
            server.createContext("/", exchange -> {
                boolean discovery = exchange.getRequestURI().getPath().equals("/.well-known/openid-configuration");
                fetches.addAndGet(discovery ? 0 : 1);
                byte[] body = (discovery ? "{\"jwks_uri\":\"" + issuer() + "/keys\"}" : keys.get())
                        .getBytes(StandardCharsets.UTF_8);
                exchange.sendResponseHeaders(200, body.length);
                exchange.getResponseBody().write(body);
                exchange.close();
            });
            server.start();
        }

        String issuer() {
            return "http://127.0.0.1:" + server.getAddress().getPort();
        }

        static String token(String algorithm, String claims, KeyPair key) throws Exception {
            String signed =
                    encoded("{\"alg\":\"" + algorithm + "\",\"kid\":\"" + algorithm + "\"}") + "." + encoded(claims);
            Signature signature = Signature.getInstance(
                    switch (algorithm) {
                        case "RS256" -> "SHA256withRSA";
                        case "ES256" -> "SHA256withECDSAinP1363Format";
                        default -> "Ed25519";
                    });
            signature.initSign(key.getPrivate());
            signature.update(signed.getBytes(StandardCharsets.US_ASCII));
            return signed + "." + encoded(signature.sign());
        }

        static String jwk(String id, KeyPair key) {
            String start = "{\"kid\":\"" + id + "\",\"use\":\"sig\",";
            return switch (key.getPublic()) {
                case RSAPublicKey rsa ->
                    start + "\"kty\":\"RSA\",\"n\":\""
                            + encoded(rsa.getModulus().toByteArray()) + "\",\"e\":\"AQAB\"}";
                case ECPublicKey ec -> {
                    byte[] point = ec.getEncoded();
                    yield start + "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" + last(point, 64, 32) + "\",\"y\":\""
                            + last(point, 32, 32) + "\"}";
                }
                case EdECPublicKey ed ->
                    start + "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" + last(ed.getEncoded(), 32, 32) + "\"}";
                default -> throw new AssertionError();
            };
        }

        private static String last(byte[] bytes, int from, int count) {
            int start = bytes.length - from;
            return encoded(Arrays.copyOfRange(bytes, start, start + count));
        }

        @Override
        public void close() {
            server.stop(0);
        }
    }

    private String claims(String issuer, String audience, long fromNow, String more) {
        long now = FixtureClock.START.getEpochSecond();
        return "{\"iss\":\"" + issuer + "\",\"aud\":\"" + audience + "\",\"sub\":\"carol\",\"exp\":" + (now + fromNow)
                + more + "}";
    }

    @Test
    void tokensOfAnIdentityProviderAreBelievedForWhatTheySay() throws Exception {
        KeyPairGenerator ecKeys = KeyPairGenerator.getInstance("EC");
        ecKeys.initialize(256);
        KeyPair ec = ecKeys.generateKeyPair();
        KeyPair ed = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
        KeyPair rsa = KeyPairGenerator.getInstance("RSA").generateKeyPair();
        try (Provider provider = new Provider();
                MirrorFixture mirror = mirror(
                        "identity-providers: [{issuer: \"" + provider.issuer()
                                + "\", audiences: [mirror], prefix: \"id:\"}]",
                        "{groups: [\"id:dev\"], repositories: [\"registry.test/secret/*\"]}, {users: [\"id:carol\"],"
                                + " repositories: [\"registry.test/open/*\"]}")) {
            String good = claims(provider.issuer(), "mirror", 100, ",\"groups\":[\"dev\"]");
            provider.keys.set("{\"keys\":[" + Provider.jwk("RS256", rsa) + "," + Provider.jwk("ES256", ec) + ","
                    + Provider.jwk("EdDSA", ed) + "]}");
            for (String token : List.of(
                    Provider.token("RS256", good, rsa),
                    Provider.token("ES256", good, ec),
                    Provider.token("EdDSA", good, ed))) {
                assertThat(mirror.get(manifest(SECRET), "Authorization", "Bearer " + token)
                                .statusCode())
                        .isEqualTo(200);
                assertThat(mirror.get(manifest(SECRET), "Authorization", basic("carol", token))
                                .statusCode())
                        .isEqualTo(200);
            }
            String noGroups = claims(provider.issuer(), "mirror", 100, "");
            assertThat(mirror.get(manifest(OPEN), "Authorization", "Bearer " + Provider.token("ES256", noGroups, ec))
                            .statusCode())
                    .isEqualTo(200);
            assertThat(mirror.get(manifest(SECRET), "Authorization", "Bearer " + Provider.token("ES256", noGroups, ec))
                            .statusCode())
                    .isEqualTo(403);
            KeyPair stranger = ecKeys.generateKeyPair();
            String unsigned = encoded("{\"alg\":\"none\"}") + "." + encoded(good) + ".";
            // As a server would take them that believes "alg": the secret is what everybody has of the key.
            byte[] published = rsa.getPublic().getEncoded();
            String symmetric = symmetric(good, published);
            String symmetricByText = symmetric(
                    good,
                    ("-----BEGIN PUBLIC KEY-----\n"
                                    + Base64.getMimeEncoder(64, new byte[] {'\n'})
                                            .encodeToString(published) + "\n-----END PUBLIC KEY-----\n")
                            .getBytes(StandardCharsets.US_ASCII));
            for (String wrong : List.of(
                    Provider.token("ES256", good, stranger),
                    Provider.token("ES256", claims(provider.issuer(), "other", 100, ""), ec),
                    Provider.token("ES256", claims(provider.issuer() + "/", "mirror", 100, ""), ec),
                    Provider.token("ES256", claims(provider.issuer(), "mirror", -61, ""), ec),
                    Provider.token("ES256", claims(provider.issuer(), "mirror", 999, ",\"nbf\":9999999999"), ec),
                    Provider.token(
                            "ES256", "{\"iss\":\"" + provider.issuer() + "\",\"aud\":\"mirror\",\"sub\":\"x\"}", ec),
                    unsigned,
                    symmetricByText,
                    symmetric)) {
                assertThat(mirror.get(manifest(OPEN), "Authorization", "Bearer " + wrong)
                                .statusCode())
                        .as(wrong)
                        .isEqualTo(401);
            }
            assertThat(provider.fetches.get()).isEqualTo(1);
        }
    }

    private static String symmetric(String claims, byte[] secret) throws Exception {
        String signed = encoded("{\"alg\":\"HS256\",\"kid\":\"RS256\"}") + "." + encoded(claims);
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(secret, "HmacSHA256"));
        byte[] signature = mac.doFinal(signed.getBytes(StandardCharsets.US_ASCII));
        return signed + "." + Base64.getUrlEncoder().withoutPadding().encodeToString(signature);
    }

    @Test
    void aProviderThatIsOutMakesItUndecidedAndNotRefused() throws Exception {
        KeyPair ed = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
        Provider provider = new Provider();
        try (MirrorFixture mirror =
                mirror("identity-providers: [{issuer: \"" + provider.issuer() + "\", audiences: [mirror]}]", "")) {
            provider.close();
            String token = Provider.token("EdDSA", claims(provider.issuer(), "mirror", 100, ""), ed);
            HttpResponse<byte[]> answer = mirror.get(manifest(OPEN), "Authorization", "Bearer " + token);
            assertThat(answer.statusCode()).isEqualTo(503);
            assertThat(header(answer, "Retry-After")).isEqualTo("5");
        }
    }
}
