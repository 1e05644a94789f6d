package dev.entrepot.proxy;

import static dev.entrepot.proxy.MirrorFixture.text;
import static org.assertj.core.api.Assertions.assertThat;

import at.favre.lib.crypto.bcrypt.BCrypt;
import dev.entrepot.oci.testing.Access;
import dev.entrepot.oci.testing.Corpus;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.proxy.CommandRunner.Result;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What docs/troubleshooting.md quotes of this program is what it says. */
class TroubleshootingTest {
    private static final Pattern CODE = Pattern.compile("`([^`]+)`");
    private static final Pattern COMMAND = Pattern.compile("entrepot ((?:cache |config )?[a-z-]+)");
    // Put together at run time from what the system says and from several texts; they are produced below.
    private static final String COMPOSED = "Address already in use, is not asked: none of 1 pulls is left";

    @TempDir
    private Path folder;

    private final Path project = Corpus.locate().resolve("../../..").normalize();

    /** A quoted text, cut where something stands that differs. */
    private record Quote(List<String> parts) {
        static Quote of(String text) {
            return new Quote(Arrays.stream(text.split("\\.\\.\\."))
                    .map(part -> part.replaceAll("^[ ,:]+|[ ,:]+$", ""))
                    .filter(part -> !part.isEmpty())
                    .toList());
        }

        boolean isIn(String said) {
            int from = 0;
            for (String part : parts) {
                int at = said.indexOf(part, from);
                if (at < 0) {
                    return false;
                }
                from = at + part.length();
            }
            return true;
        }
    }

    private List<Quote> ours() throws IOException {
        List<Quote> quotes = new ArrayList<>();
        boolean ours = false;
        for (String line : Files.readAllLines(project.resolve("docs/troubleshooting.md"))) {
            if (line.startsWith("| it says ")) {
                ours = true;
            } else if (!line.startsWith("|")) {
                ours = false;
            } else if (ours && !line.startsWith("|---")) {
                String cell = line.split(" \\| ")[0];
                CODE.matcher(cell)
                        .results()
                        .map(found -> Quote.of(found.group(1)))
                        .forEach(quotes::add);
            }
        }
        assertThat(quotes).hasSizeGreaterThan(35);
        return quotes;
    }

    @Test
    void eachTextIsInTheSources() throws Exception {
        StringBuilder sources = new StringBuilder();
        for (String module : new String[] {"oci", "config", "cache", "replicator", "proxy"}) {
            try (Stream<Path> files = Files.walk(project.resolve(module + "/src/main/java"))) {
                for (Path file :
                        files.filter(one -> one.toString().endsWith(".java")).toList()) {
                    sources.append(Files.readString(file)).append('\n');
                }
            }
        }
        sources.append(Files.readString(project.resolve("deploy/bin/find-jdk")));
        // Literals that are put together from several, and quotes within them.
        String joined = sources.toString().replaceAll("\"\\s*\\+\\s*\"", "").replace("\\\"", "\"");
        for (Quote quote : ours()) {
            for (String part : quote.parts()) {
                assertThat(joined + COMPOSED).as(quote.toString()).contains(part);
            }
        }
        String page = Files.readString(project.resolve("docs/troubleshooting.md"));
        for (MatchResult metric :
                Pattern.compile("`(entrepot_[a-z_]+)`").matcher(page).results().toList()) {
            assertThat(joined).contains("\"" + metric.group(1) + "\"");
        }
    }

    @Test
    void eachCommandIsThere() throws Exception {
        String page = Files.readString(project.resolve("docs/troubleshooting.md"));
        Set<String> commands = new HashSet<>();
        for (MatchResult found :
                COMMAND.matcher(page.replaceAll("(?m)^# .*$", "")).results().toList()) {
            commands.add(found.group(1));
        }
        commands.removeIf(command -> !page.contains("`entrepot " + command));
        assertThat(commands).contains("config check", "explain", "cache stats", "upstreams", "tree");
        for (String command : commands) {
            List<String> words = new ArrayList<>(List.of(command.split(" ")));
            words.add("--help");
            assertThat(new CommandRunner(folder)
                            .run(words.toArray(new String[0]))
                            .out())
                    .as(command)
                    .startsWith("Usage: entrepot " + command + " ");
        }
    }

    private void isDocumented(String said) throws IOException {
        assertThat(ours()).as(said).anyMatch(quote -> quote.isIn(said));
    }

    private String serves(String configuration, String... options) throws IOException {
        Files.writeString(folder.resolve("entrepot.yaml"), configuration);
        Result result = new CommandRunner(folder)
                .run(
                        mirror -> {
                            throw new AssertionError("this must not start");
                        },
                        Stream.concat(Stream.of("serve"), Stream.of(options)).toArray(String[]::new));
        assertThat(result.code()).isNotZero();
        return result.err();
    }

    @Test
    void serverThatDoesNotStartSaysWhatIsDocumented() throws Exception {
        isDocumented(serves("servr: {}\n"));
        isDocumented(serves("server: {listen: \":5000\"}\n"));
        isDocumented(serves("", "--listen", "0.0.0.0:0"));
        isDocumented(serves("server: {admin: \":5001\"}\n"));
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            isDocumented(
                    serves("server: {listen: \"127.0.0.1:" + taken.getLocalPort() + "\", admin: \"127.0.0.1:0\"}\n"));
        }
        Files.writeString(folder.resolve("users"), "alice:{SHA}no\n");
        isDocumented(serves("server: {authentication: {htpasswd: users}}\n"));
        PemFiles one = PemFiles.make(folder, "one", "-keyalg", "EC", "-groupname", "secp256r1");
        PemFiles two = PemFiles.make(folder, "two", "-keyalg", "EC", "-groupname", "secp256r1");
        isDocumented(serves("server: {tls: {certificate: %s, key: %s}}\n".formatted(one.certificate(), two.key())));
        Files.writeString(folder.resolve("file"), "");
        isDocumented(serves("cache: {directory: file}\n"));
        try (MirrorFixture mirror = MirrorFixture.started(folder, "upstreams: {}\n")) {
            isDocumented(serves("cache: {directory: ./data}\n"));
            assertThat(mirror.metrics()).isNotEmpty();
        }
        Files.writeString(folder.resolve("data/store.json"), "{\"version\": 99}");
        isDocumented(serves("cache: {directory: ./data}\n"));
        isDocumented(serves("cache: {directory: ./data/blobs}\n"));
        isDocumented(serves("cache: {directory: .}\n"));
    }

    @Test
    void clientThatGetsNothingIsToldWhatIsDocumented() throws Exception {
        try (TestRegistry hub = TestRegistry.started();
                TestRegistry gone = TestRegistry.started()) {
            hub.push("library/alpine", new Images(3).image(100), "1");
            hub.push("library/alpine", new Images(4).image(100), "2");
            hub.push("young/a", new Images(5).image(100), "1");
            gone.stop();
            Files.writeString(
                    folder.resolve("users"),
                    "alice:" + BCrypt.with(BCrypt.Version.VERSION_2Y).hashToString(4, "wonder".toCharArray()) + "\n");
            String configuration = """
                    default-upstream: none
                    builtin-upstreams: false
                    server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0", authentication: {htpasswd: %s}, admin-access: {read-token: reads}}
                    upstreams:
                      docker.io: {url: "%s"}
                      gone.test: {url: "%s"}
                      secret.test: {url: "%s", credentials: {username: a, password-file: password}}
                    rules:
                      - {repositories: ["closed/*"], deny: "not reviewed"}
                      - {repositories: ["young/*"], min-age: 3d}
                      - {repositories: ["shut/*"], offline: true}
                      - {check-deadline: 0s}
                    access:
                      - {users: [alice], repositories: ["*.test/**", "docker.io/**"]}
                    """.formatted(folder.resolve("users"), hub.uri(), gone.uri(), hub.uri());
            Files.writeString(folder.resolve("password"), "b");
            try (MirrorFixture mirror = MirrorFixture.started(folder, configuration)) {
                said(mirror.get("/v2/docker.io/library/alpine/manifests/1"), 401);
                said(mirror.get("/v2/", "Authorization", basic("alice:no")), 401);
                said(alice(mirror, "nowhere.test/a/manifests/1"), 404);
                said(alice(mirror, "a/manifests/1"), 404);
                said(alice(mirror, "docker.io/closed/a/manifests/1"), 403);
                said(alice(mirror, "docker.io/young/a/manifests/1"), 403);
                said(alice(mirror, "docker.io/shut/a/manifests/1"), 503);
                said(alice(mirror, "gone.test/a/manifests/1"), 502);
                hub.open(new Access.Basic("a", "b"));
                Files.delete(folder.resolve("password"));
                said(alice(mirror, "secret.test/a/manifests/1"), 503);
                hub.open(Access.ANYONE).quota(1);
                alice(mirror, "docker.io/library/alpine/manifests/1");
                said(alice(mirror, "docker.io/library/alpine/manifests/2"), 503);
                said(alice(mirror, "docker.io/library/alpine/manifests/2"), 503);
                isDocumented(mirror.askAdmin("POST", "/cache/warm", "Authorization", "Bearer reads")
                        .body());
            }
        }
    }

    private static HttpResponse<byte[]> alice(MirrorFixture mirror, String path) throws Exception {
        return mirror.get("/v2/" + path, "Authorization", basic("alice:wonder"));
    }

    private static String basic(String userAndPassword) {
        return "Basic " + Base64.getEncoder().encodeToString(userAndPassword.getBytes(StandardCharsets.UTF_8));
    }

    private void said(HttpResponse<byte[]> answer, int status) throws IOException {
        assertThat(answer.statusCode()).as(text(answer)).isEqualTo(status);
        isDocumented(MirrorFixture.json(answer)
                .path("errors")
                .path(0)
                .path("message")
                .asString(""));
    }
}
