package dev.entrepot.config;

import static dev.entrepot.config.Loading.config;
import static dev.entrepot.config.Loading.error;
import static dev.entrepot.config.Loading.places;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AccessConfigTest {
    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(
            strings = {":5000", "0.0.0.0:5000", "mirror.test:5000", "[::]:5000", "127.evil.test:5000", "192.0.2.1:5000"
            })
    void listeningForOtherMachinesWithoutAuthenticationMustBeAskedFor(String address) {
        assertThat(error("server:\n  listen: \"" + address + "\"\n"))
                .hasToString("test.yaml:2:11: server.listen: invalid value: expected a loopback address, because nobody"
                        + " can say who he is: for other machines add server.authentication, or server.anonymous: true to"
                        + " let everybody pull who reaches it");
        assertThat(config("server: {listen: \"" + address + "\", anonymous: true}")
                        .server()
                        .anonymous())
                .isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.999:5001", "127.0.0.1.2:5001", "1.2.3.256:5001", "a.test.5:5001", "[::1::2]:5001"})
    void whatIsNoAddressIsNoLoopbackAddressAndRefused(String address) {
        assertThat(error("server:\n  admin: \"" + address + "\"\n").toString())
                .startsWith("test.yaml:2:10: server.admin: invalid value \"" + address + "\": expected host:port")
                .endsWith("; what is before the port is no IP address");
        assertThat(ListenAddress.isLoopback(address.substring(0, address.lastIndexOf(':'))))
                .isFalse();
    }

    @ParameterizedTest
    @CsvSource({
        "localhost:5001, 127.0.0.1:5001",
        "[::1]:5001, LocalHost:5001",
        "[::1]:5001, [0:0:0:0:0:0:0:1]:5001",
        ":5001, 127.0.0.1:5001",
        "0.0.0.0:5001, [::]:5001",
        "mirror.test:5001, Mirror.test:5001",
    })
    void twoNamesOfOneAddressAreOneAddress(String listen, String admin) {
        String yaml = "server: {anonymous: true, admin-access: {anonymous: true}, listen: \"%s\", admin: \"%s\"}";
        for (String refused : List.of(yaml.formatted(listen, admin), yaml.formatted(admin, listen))) {
            assertThat(error(refused).toString())
                    .contains("server.admin: invalid value: expected an address other than that of listen");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "127.0.0.1:5001, 127.0.0.2:5001",
        "127.0.0.1:5001, [::1]:5001",
        "localhost:5001, 127.0.0.2:5001",
        ":5000, 127.0.0.1:5001",
        ":0, 127.0.0.1:0",
    })
    void twoAddressesAreTwo(String listen, String admin) {
        assertThat(config("server: {anonymous: true, listen: \"" + listen + "\", admin: \"" + admin + "\"}")
                        .server()
                        .admin())
                .hasToString(admin);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"127.0.0.1:5000", "127.3.2.1:5000", "localhost:5000", "[::1]:5000", "[0:0:0:0:0:0:0:1]:5000"})
    void loopbackAddressesAreAnonymousByDefault(String address) {
        assertThat(config("server: {listen: \"" + address + "\"}")
                        .server()
                        .authentication()
                        .isConfigured())
                .isFalse();
    }

    @Test
    void listeningForOtherMachinesWithAuthenticationNeedsNoMore() throws Exception {
        Files.writeString(folder.resolve("users"), "");
        Files.writeString(folder.resolve("pem"), "");

        assertThat(load("server: {listen: \":5000\", authentication: {htpasswd: users}}")
                        .authentication()
                        .isConfigured())
                .isTrue();
        assertThat(load("server: {listen: \":5000\", tls: {certificate: pem, key: pem, client-ca: pem}}")
                        .tls()
                        .orElseThrow()
                        .clientCa())
                .isPresent();
        assertThat(load("""
                        server:
                          listen: ":5000"
                          authentication: {identity-providers: [{issuer: "https://id.test", audiences: [mirror]}]}
                        """).authentication().isConfigured()).isTrue();
    }

    private ServerConfig load(String yaml) {
        return Loading.load(yaml, folder, Map.of()).config().server();
    }

    @Test
    void anAdminApiForOtherMachinesMustSayWhoMayUseIt() {
        assertThat(error("server: {admin: \":5001\"}").toString())
                .startsWith(
                        "test.yaml:1:17: server.admin: invalid value: expected a loopback address: for other machines"
                                + " say in server.admin-access");
        for (String access : List.of("anonymous: true", "open: [metrics]", "read-token: x", "operate-token: x")) {
            assertThat(config("server: {admin: \":5001\", admin-access: {" + access + "}}")
                            .server()
                            .admin()
                            .port())
                    .as(access)
                    .isEqualTo(5001);
        }
    }

    @Test
    void theAdminApiIsOpenToAllOnALoopbackAddressAndWhereThatIsAskedFor() {
        assertThat(isOpen("admin: 127.0.0.1:5001")).isTrue();
        assertThat(isOpen("admin: 127.0.0.1:5001, admin-access: {open: [metrics]}"))
                .isTrue();
        assertThat(isOpen("admin: 127.0.0.1:5001, admin-access: {read-token: x}"))
                .isFalse();
        assertThat(isOpen("admin: \":5001\", admin-access: {open: [metrics]}")).isFalse();
        assertThat(isOpen("admin: \":5001\", admin-access: {anonymous: true}")).isTrue();
    }

    @Test
    void certificatesOfClientsDecideWhoMayUseTheAdminApi() {
        String tls = "admin-tls: {certificate: pom.xml, key: pom.xml}, ";
        assertThat(isOpen(tls + "admin: 127.0.0.1:5001")).isTrue();
        assertThat(isOpen(tls + "admin: 127.0.0.1:5001, admin-access: {client-ca: pom.xml}"))
                .isFalse();
        assertThat(isOpen(tls + "admin: \":5001\", admin-access: {client-ca: pom.xml, operators: [root]}"))
                .isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"se same", "sesame:~+/=", "${file:token}", "${file:crlf}"})
    void tokensAreThatMayComeInAHeader(String token) throws Exception {
        Files.writeString(folder.resolve("token"), "sesame\n");
        Files.writeString(folder.resolve("crlf"), "sesame\r\n");

        assertThat(load("server: {admin-access: {read-token: \"" + token + "\", operate-token: \"" + token + "\"}}")
                        .adminAccess()
                        .readToken()
                        .orElseThrow()
                        .reveal())
                .startsWith("se")
                .doesNotContainPattern("\\s$");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                " sesame",
                "sesame ",
                "ses\\name",
                "sesame\\t",
                "sesame\u2014x",
                "s\u00e4same",
                "${file:two}",
                "${env:WITH_BREAK}"
            })
    void tokensThatNoHeaderBringsAreRefusedAndNotShown(String token) throws Exception {
        Files.writeString(folder.resolve("two"), "sesame\n\n");

        for (String keys : List.of(
                "server: {admin-access: {read-token: \"%s\"}}",
                "server: {admin-access: {operate-token: \"%s\"}}",
                "upstreams: {a.test: {credentials: {bearer-token: \"%s\"}}}")) {
            List<ConfigError> errors = Loading.errors(keys.formatted(token), folder, Map.of("WITH_BREAK", "sesame\n"));
            assertThat(errors).hasSize(1);
            assertThat(errors.getFirst().toString())
                    .contains("token", "a token without line breaks, without blanks before and after it")
                    .doesNotContain("sesame", "ses\name", "s\u00e4same");
        }
    }

    @Test
    void aNameWithAColonIsRefusedSinceBasicCannotSendIt() {
        for (String way : List.of("password: x", "password-file: pom.xml")) {
            assertThat(error("upstreams: {a.test: {credentials: {username: \"a:b\", " + way + "}}}")
                            .toString())
                    .startsWith("test.yaml:1:46: upstreams[a.test].credentials.username: invalid value \"a:b\":"
                            + " expected a name without a colon");
        }
    }

    private static boolean isOpen(String keys) {
        ServerConfig server = config("server: {" + keys + "}").server();
        return server.adminAccess().isOpenAt(server.admin());
    }

    @Test
    void contradictionsAreReported() {
        assertThat(places("access: [{repositories: [docker.io/library/alpine]}]"))
                .containsExactly("1:10 access[0].users INVALID_VALUE");
        assertThat(places("access: [{anonymous: true, repositories: [alpine]}]"))
                .containsExactly("1:43 access[0].repositories[0] INVALID_VALUE");
        assertThat(places("server: {authentication: {token: {}}}"))
                .containsExactly("1:34 server.authentication.token INVALID_VALUE");
        assertThat(places("server: {admin-access: {operators: [a]}}"))
                .containsExactly("1:36 server.admin-access.operators INVALID_VALUE");
        assertThat(places("server: {admin-access: {client-ca: pom.xml}}"))
                .containsExactly("1:9 server.admin-tls INVALID_VALUE");
        assertThat(places("server: {admin-access: {client-certificates: required}}"))
                .containsExactly("1:24 server.admin-access.client-ca INVALID_VALUE");
        assertThat(places("server: {admin-access: {anonymous: true, read-token: a}}"))
                .containsExactly("1:36 server.admin-access.anonymous INVALID_VALUE");
        assertThat(places("server: {tls: {certificate: pom.xml, key: pom.xml, client-certificates: required}}"))
                .containsExactly("1:15 server.tls.client-ca INVALID_VALUE");
        assertThat(
                        places(
                                "server: {authentication: {identity-providers: [{issuer: \"http://id.test\", audiences: [a]}]}}"))
                .containsExactly("1:57 server.authentication.identity-providers[0].issuer INVALID_VALUE");
        assertThat(places("server: {authentication: {identity-providers: [{issuer: \"https://id.test\"}]}}"))
                .hasSize(1);
    }

    @Test
    void anIssuerMayBeThereTwiceButNotForTheSameAudience() {
        String providers = """
                server:
                  authentication:
                    identity-providers:
                      - {issuer: "https://id.test", audiences: [people], prefix: "p:"}
                      - {issuer: "https://id.test", audiences: [builds, %s]}
                      - {issuer: "https://id.test/", audiences: [people, people]}
                """;

        assertThat(config(providers.formatted("robots"))
                        .server()
                        .authentication()
                        .identityProviders())
                .hasSize(3);
        assertThat(error(providers.formatted("people")))
                .hasToString("test.yaml:5:57: server.authentication.identity-providers[1].audiences[1]:"
                        + " server.authentication.identity-providers[0] has this audience of the same issuer already, and"
                        + " decides who its tokens are for; write each audience of an issuer in one entry only");
    }

    @ParameterizedTest
    @ValueSource(strings = {"*", "a?pine", "docker.io/alpine", "docker.io/*", "Docker.io/library/*", "GHCR.io/a/b"})
    void aPatternThatNoRepositoryCanHaveIsRefusedSinceItWouldDenyNothing(String pattern) {
        assertThat(places("access: [{anonymous: true, deny: x, repositories: [\"" + pattern + "\"]}]"))
                .containsExactly("1:52 access[0].repositories[0] INVALID_VALUE");
    }

    @ParameterizedTest
    @ValueSource(strings = {"**", "**/secret", "docker.io/**", "docker.io/*/*", "docker.io/library/*", "ghcr.io/*"})
    void othersAreTaken(String pattern) {
        assertThat(config("access: [{anonymous: true, deny: x, repositories: [\"" + pattern + "\"]}]")
                        .access())
                .hasSize(1);
    }

    @Test
    void rulesOfAccessKeepTheirOrder() {
        List<AccessRuleConfig> access = config("""
                access:
                  - anonymous: true
                    repositories: [docker.io/library/*, {regex: "ghcr[.]io/.*"}]
                  - groups: [dev]
                    deny: not today
                """).access();

        assertThat(access.getFirst().anonymous()).isTrue();
        assertThat(access.getFirst().repositories())
                .containsExactly(NamePattern.parse("docker.io/library/*"), NamePattern.regex("ghcr[.]io/.*"));
        assertThat(access.getLast().deny()).contains("not today");
    }

    @Test
    void rulesForUsersOnlyAreRefusedWhereNobodyCanBeOne() throws Exception {
        Files.writeString(folder.resolve("users"), "");

        assertThat(error("access:\n  - {users: [bob]}\n  - {groups: [dev], deny: x}\n"))
                .hasToString(
                        "test.yaml:2:5: access[0]: every pull would be refused, because all rules are about users and"
                                + " nobody can say who he is; add server.authentication or server.tls.client-ca, or a rule with"
                                + " anonymous: true, with deny if that is what is meant");
        assertThat(Loading.errors("server: {authentication: {htpasswd: users}}\naccess: [{users: [bob]}]"))
                .extracting(ConfigError::path)
                .containsExactly("server.authentication.htpasswd");
        assertThat(load("server: {authentication: {htpasswd: users}}\naccess: [{users: [bob]}]")
                        .knowsClients())
                .isTrue();
    }

    @Test
    void usersBesideEverybodyAreWarnedOfWhereNobodyCanBeOne() throws Exception {
        String access = "access: [{users: [bob], deny: x}, {groups: [dev], anonymous: true}, {anonymous: true}]\n";
        String nothing = ": users and groups count for nothing, because nobody can say who he is; add"
                + " server.authentication or server.tls.client-ca";
        Files.writeString(folder.resolve("users"), "");

        assertThat(AccessChecks.warnings(config(access))).containsExactly("access[0]" + nothing, "access[1]" + nothing);
        assertThat(AccessChecks.warnings(
                        Loading.load(access + "server: {authentication: {htpasswd: users}}", folder, Map.of())
                                .config()))
                .isEmpty();
    }

    @Test
    void patternsThatBeginWithNoUpstreamAreNamedWithWhatToWrite() {
        String yaml = """
                upstreams:
                  docker.io: {aliases: [hub]}
                  intern: {url: "http://127.0.0.1:1", hosts: [mirror.test]}
                access:
                  - {anonymous: true, repositories: ["team/**", "library/alpine"], deny: secret}
                  - {anonymous: true, repositories: ["hub/*", "mirror.test/a"], deny: secret}
                  - {anonymous: true, repositories: ["dokcer.io/library/*", "far.example/**"], deny: secret}
                  - {anonymous: true, repositories: ["intern/*", "ghcr.io/**", "**/x", "*/team/**", "t?am/x", {regex: "team/.*"}, "**"]}
                """;

        assertThat(AccessChecks.warnings(config(yaml)))
                .containsExactly(
                        warning(0, "team/**", "team", "write docker.io/team/**, or */team/** for all upstreams"),
                        warning(
                                0,
                                "library/alpine",
                                "library",
                                "write docker.io/library/alpine, or */library/alpine for all upstreams"),
                        warning(1, "hub/*", "hub", "write docker.io/library/*"),
                        warning(1, "mirror.test/a", "mirror.test", "write intern/a"),
                        warning(2, "dokcer.io/library/*", "dokcer.io", "did you mean docker.io?"),
                        warning(
                                2,
                                "far.example/**",
                                "far.example",
                                "add it to upstreams, or write the name that it has there"));
        assertThat(AccessChecks.warnings(config("default-upstream: none\n" + yaml)))
                .contains(warning(0, "team/**", "team", "write */team/** for all upstreams"));
    }

    private static String warning(int rule, String pattern, String first, String remedy) {
        return "access[" + rule + "]: " + pattern
                + " matches nothing but where a bundle has such a registry, because no upstream is called " + first
                + "; rules of access name repositories with the registry: " + remedy;
    }
}
