package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.ConfigLoader;
import dev.entrepot.config.Origin;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.testing.LogLines;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code config check} finds besides the configuration, {@code serve} ends with as a wrong configuration. */
class PrerequisitesTest {
    private static final String USERS = "alice:$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC\n";

    @TempDir
    static Path pems;

    private static PemFiles server;
    private static PemFiles other;

    @TempDir
    private Path folder;

    @BeforeAll
    static void makeCertificates() throws Exception {
        server = PemFiles.make(pems, "server", "-keyalg", "EC");
        other = PemFiles.make(pems, "other", "-keyalg", "EC");
    }

    private void configure(String text) throws Exception {
        Files.writeString(folder.resolve("entrepot.yaml"), text.replace("PEMS", pems.toString()));
    }

    private CommandRunner.Result run(String... arguments) {
        return new CommandRunner(folder).run(_ -> {}, arguments);
    }

    private void assertFound(String... lines) {
        for (String[] command : new String[][] {{"config", "check"}, {"serve", "--data", "data"}}) {
            CommandRunner.Result result = run(command);
            assertThat(result.code()).as(result.err()).isEqualTo(78);
            assertThat(result.out()).isEmpty();
            assertThat(result.err().lines().toList()).hasSameSizeAs(lines);
            for (int i = 0; i < lines.length; i++) {
                for (String part : lines[i].split("\\.\\.\\.")) {
                    assertThat(result.err().lines().toList().get(i)).contains(part);
                }
            }
        }
    }

    @Test
    void everyFileThatCannotBeUsedIsNamedWithItsLineAndWhatToDo() throws Exception {
        Files.writeString(folder.resolve("users"), "alice:$apr1$abcdefgh$0123456789012345678901\n");
        configure("""
                server:
                  listen: 127.0.0.1:0
                  admin: 127.0.0.1:0
                  tls: {certificate: PEMS/server.crt, key: PEMS/other.key}
                  admin-tls: {certificate: PEMS/server.crt, key: users}
                  authentication: {htpasswd: users, token: {service: s, key: PEMS/server.crt}}
                upstreams:
                  up.test:
                    url: https://up.test
                    ca: PEMS/server.key
                    client-certificate: {certificate: PEMS/server.crt, key: PEMS/server.crt}
                    mirrors: [{url: "https://mirror.test", ca: users}]
                """);
        assertFound(
                "entrepot.yaml:4: server.tls: ...other.key is not that of the first certificate in",
                "entrepot.yaml:5: server.admin-tls: ...users has no private key in PEM",
                "entrepot.yaml:6: server.authentication.htpasswd: ...users...line 1...htpasswd -B",
                "entrepot.yaml:6: server.authentication.token.key: ...openssl pkcs8 -topk8 -nocrypt",
                "entrepot.yaml:10: upstreams[up.test].ca: ...server.key holds ...no PEM certificate",
                "entrepot.yaml:11: upstreams[up.test].client-certificate: ...server.crt has no private key in PEM"
                        + "...openssl pkcs8 -topk8 -nocrypt -in",
                "entrepot.yaml:12: upstreams[up.test].mirrors[0].ca: ...users holds");
    }

    @Test
    void whatCanBeUsedIsServed() throws Exception {
        Files.writeString(folder.resolve("users"), USERS);
        configure("""
                server:
                  listen: 127.0.0.1:0
                  admin: 127.0.0.1:0
                  tls: {certificate: PEMS/server.crt, key: PEMS/server.key}
                  authentication: {htpasswd: users}
                upstreams: {up.test: {url: "https://up.test", ca: PEMS/other.crt}}
                """);
        assertThat(run("config", "check").out()).isEqualTo("entrepot.yaml: ok\n");
        assertThat(run("serve", "--data", "data").code()).isZero();
    }

    @Test
    void filesWithNoUserAndNoSecretInThemAreFound() throws Exception {
        Files.writeString(folder.resolve("users"), "# nobody yet\n");
        Files.writeString(folder.resolve("token"), "\n");
        configure("""
                server:
                  listen: 127.0.0.1:0
                  admin: 127.0.0.1:0
                  authentication: {htpasswd: users}
                """);
        assertFound("entrepot.yaml:4: server.authentication.htpasswd: ...users has no user in it: add one with htpasswd"
                + " -B");
        configure("""
                server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0"}
                upstreams:
                  up.test:
                    url: https://up.test
                    credentials: {username: me, password-file: token}
                    mirrors:
                      - url: https://mirror.test
                        credentials: {bearer-token-file: token}
                replication:
                  rules:
                    - name: copy
                      source: up.test
                      repositories: [app]
                      targets:
                        - url: https://target.test
                          credentials: {identity-token-file: token}
                """);
        String empty = "token is empty: write the password or token into it";
        assertFound(
                "entrepot.yaml:5: upstreams[up.test].credentials.password-file: ..." + empty,
                "entrepot.yaml:8: upstreams[up.test].mirrors[0].credentials.bearer-token-file: ..." + empty,
                "entrepot.yaml:16: replication.rules[0].targets[0].credentials.identity-token-file: ..." + empty);
    }

    @Test
    void targetsAreLookedAtToo() throws Exception {
        Files.writeString(folder.resolve("empty.pem"), "");
        configure("""
                upstreams: {up.test: {url: "https://up.test"}}
                server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0"}
                replication:
                  rules:
                    - name: copy
                      source: up.test
                      repositories: [app]
                      targets: [{url: "https://target.test", ca: empty.pem}]
                """);
        CommandRunner.Result checked = run("config", "check");
        assertThat(checked.code()).isEqualTo(78);
        assertThat(checked.err())
                .contains(
                        "entrepot.yaml:8: replication.rules[0].targets[0].ca: ", "empty.pem holds no PEM certificate");
    }

    @Test
    void variableThatNobodyGoesByIsNotLookedAtAndWhatEndedTheStartIsSaidToo() throws Exception {
        configure("""
                builtin-upstreams: false
                upstreams: {up.test: {url: "https://up.test", proxy: "http://proxy.test:3128"}}
                """);
        Prerequisites.check(
                ConfigLoader.load(Optional.of(folder.resolve("entrepot.yaml")), folder, Map.of())
                        .config(),
                _ -> new Origin.Default(),
                ClientEnvironment.system("test").withVariables(Map.of("all_proxy", "socks5://proxy.test:1")));

        Files.writeString(folder.resolve("empty.pem"), "");
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            configure("""
                    upstreams: {up.test: {url: "https://up.test", ca: empty.pem}}
                    server: {listen: "127.0.0.1:%d", admin: "127.0.0.1:0"}
                    """.formatted(taken.getLocalPort()));
            CommandRunner.Result served = run("serve", "--data", "data");
            assertThat(served.code()).isEqualTo(78);
            assertThat(served.err()).contains("empty.pem holds no PEM certificate");
        }
    }

    @Test
    void variableThatNamesNoProxyIsFoundAndItsValueNotShown() throws Exception {
        configure("{}");
        try {
            Prerequisites.check(
                    ConfigLoader.load(Optional.of(folder.resolve("entrepot.yaml")), folder, Map.of())
                            .config(),
                    _ -> new Origin.Default(),
                    ClientEnvironment.system("test")
                            .withVariables(Map.of("https_proxy", "https://u:s3cret@proxy.test:3128")));
        } catch (Prerequisites.MissingException e) {
            assertThat(e)
                    .hasMessageContaining("the environment variable https_proxy names no proxy that can be used")
                    .hasMessageNotContaining("s3cret");
            assertThat(ExitCodes.of(e)).isEqualTo(ExitCodes.CONFIGURATION);
            return;
        }
        throw new AssertionError("nothing was found");
    }

    @Test
    void certificateThatHasExpiredIsSaidInTheLog() throws Exception {
        configure("server: {tls: {certificate: PEMS/server.crt, key: PEMS/server.key}}");
        try (LogLines log = LogLines.of(ServedAccess.class)) {
            for (InstantSource clock :
                    List.of(InstantSource.system(), InstantSource.fixed(Instant.parse("2100-01-01T00:00:00Z")))) {
                new ServedAccess(
                                ConfigLoader.load(Optional.of(folder.resolve("entrepot.yaml")), folder, Map.of())
                                        .config(),
                                clock)
                        .close();
            }
            assertThat(log.lines())
                    .singleElement()
                    .satisfies(line -> assertThat(line)
                            .startsWith("WARNING the certificate in " + server.certificate() + " has expired at "));
        }
    }
}
