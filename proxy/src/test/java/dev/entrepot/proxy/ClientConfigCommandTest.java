package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@code entrepot client-config} prints. The interoperability run starts real clients with it. */
class ClientConfigCommandTest {
    private static final Path SAMPLES = Path.of("../deploy/samples/clients");

    @TempDir
    Path folder;

    private CommandRunner.Result run(String... arguments) {
        return new CommandRunner(folder).run(arguments);
    }

    /** The samples are what the command writes for four registries and a server with the default address. */
    @ParameterizedTest
    @CsvSource({
        "docker, etc/docker/daemon.json, docker/daemon.json",
        "containerd, etc/containerd/certs.d/docker.io/hosts.toml, containerd/docker.io/hosts.toml",
        "podman, etc/containers/registries.conf.d/entrepot.conf, containers/registries.conf",
        "buildkit, etc/buildkit/buildkitd.toml, buildkit/buildkitd.toml",
        "k3s, etc/rancher/k3s/registries.yaml, k3s/registries.yaml",
    })
    void samplesAreWhatTheCommandWrites(String client, String written, String sample) throws Exception {
        CommandRunner.Result result = run(
                "client-config",
                client,
                "--into",
                "out",
                "--registry=docker.io",
                "--registry=quay.io",
                "--registry=ghcr.io",
                "--registry=registry.k8s.io");
        assertThat(result.err()).isEmpty();
        assertThat(result.code()).isZero();
        assertThat(folder.resolve("out").resolve(written)).hasSameTextualContentAs(SAMPLES.resolve(sample));
    }

    @ParameterizedTest
    @ValueSource(strings = {"docker", "containerd", "crio", "podman", "buildkit", "k3s"})
    void eachClientIsToldWhereTheFileGoesAndWhatToRestart(String client) {
        CommandRunner.Result result = run("client-config", client);
        assertThat(result.code()).isZero();
        assertThat(result.out()).startsWith("=== /etc/").contains("127.0.0.1:5000", "=== then restart: ");
    }

    /** A node of kind is a container: its loopback address is its own. */
    @ParameterizedTest
    @ValueSource(
            strings = {"", "http://127.0.0.1:5000", "http://127.0.3.4", "https://localhost:5000", "http://[::1]:5000"})
    void kindIsNotToldAnAddressThatIsTheNodeItself(String address) {
        CommandRunner.Result result = address.isEmpty()
                ? run("client-config", "kind")
                : run("client-config", "kind", "--address", address, "--into", "out");
        assertThat(result.code()).isEqualTo(ExitCodes.USAGE);
        assertThat(result.err()).contains("that node itself", "--address", "docker network inspect kind");
        assertThat(folder.resolve("out")).doesNotExist();
    }

    @Test
    void kindIsToldAnAddressThatItsNodesReach() {
        CommandRunner.Result result = run("client-config", "kind", "--address", "http://172.18.0.1:5000");
        assertThat(result.code()).isZero();
        assertThat(result.out())
                .startsWith("=== /etc/containerd/certs.d/")
                .contains("[host.\"http://172.18.0.1:5000\"]", "=== then restart: nothing; in each node of kind");
    }

    @Test
    void anAddressForOthersOfAServerThatListensForThisMachineAloneIsNoted() throws Exception {
        String note =
                "=== note: the server listens on 127.0.0.1:5000, for this machine alone: unless something before it"
                        + " passes requests on, set server.listen\n";
        assertThat(run("client-config", "containerd", "--address", "http://mirror:5000")
                        .out())
                .endsWith(note);
        assertThat(run("client-config", "containerd", "--address", "http://mirror:5000", "--into", "out")
                        .err())
                .isEqualTo(note);
        assertThat(run("client-config", "containerd", "--address", "http://127.0.0.1:5000")
                        .out())
                .doesNotContain("=== note");
        Files.writeString(folder.resolve("entrepot.yaml"), "server: {listen: ':5000', anonymous: true}\n");
        assertThat(run("client-config", "containerd", "--address", "http://mirror:5000")
                        .out())
                .doesNotContain("=== note");
    }

    @Test
    void fileThatSaysSomethingElseIsNotWrittenOver() throws Exception {
        Path mine = folder.resolve("out/etc/rancher/k3s/registries.yaml");
        Files.createDirectories(mine.getParent());
        Files.writeString(mine, "configs: {of: mine}\n");

        CommandRunner.Result refused = run("client-config", "k3s", "--into", "out");
        assertThat(refused.code()).isEqualTo(ExitCodes.FAILURE);
        assertThat(refused.err()).contains(mine + " is there and says something else", "nothing was written");
        assertThat(mine).hasContent("configs: {of: mine}");

        Files.delete(mine);
        assertThat(run("client-config", "k3s", "--into", "out").code()).isZero();
        assertThat(run("client-config", "k3s", "--into", "out"))
                .returns(0, CommandRunner.Result::code)
                .returns(mine + "\n", CommandRunner.Result::out);
        try (Stream<Path> files = Files.list(mine.getParent())) {
            assertThat(files).containsExactly(mine);
        }
    }

    @Test
    void registryThatIsNamedTwiceIsInTheFileOnce() {
        assertThat(run("client-config", "buildkit", "--registry=quay.io", "--registry=quay.io")
                        .out())
                .containsOnlyOnce("[registry.\"quay.io\"]");
    }

    @Test
    void withoutAnyUpstreamThatIsSaid() throws Exception {
        Files.writeString(folder.resolve("entrepot.yaml"), "{builtin-upstreams: false, default-upstream: none}\n");
        for (String client : List.of("containerd", "docker")) {
            assertThat(run("client-config", client))
                    .returns(ExitCodes.USAGE, CommandRunner.Result::code)
                    .extracting(CommandRunner.Result::err)
                    .asString()
                    .startsWith("entrepot: there is no upstream, and nothing can be pulled: add one");
        }
        assertThat(run("config", "check").out())
                .startsWith("entrepot.yaml: ok\nwarning: there is no upstream, and nothing can be pulled");
    }

    @Test
    void allUpstreamsOfTheConfigurationAreNamed() throws Exception {
        Files.writeString(folder.resolve("entrepot.yaml"), """
                builtin-upstreams: false
                default-upstream: none
                upstreams:
                  one.test: {url: https://one.test}
                  two.test:8443: {url: https://two.test:8443}
                """);
        assertThat(run("client-config", "containerd").out())
                .contains(
                        "/etc/containerd/certs.d/one.test/hosts.toml",
                        "/etc/containerd/certs.d/two.test_8443_/hosts.toml");
        assertThat(run("client-config", "podman").out()).contains("location = \"127.0.0.1:5000/one.test\"");
    }

    /** A location is a reference, of which no part of the path has a colon; podman takes no other line then, either. */
    @ParameterizedTest
    @ValueSource(strings = {"podman", "crio"})
    void upstreamWithAPortIsNamedByItsAliasOrLeftOut(String client) throws Exception {
        Files.writeString(folder.resolve("entrepot.yaml"), """
                builtin-upstreams: false
                default-upstream: none
                upstreams:
                  one.test:5443: {url: https://one.test:5443, aliases: [one, first]}
                  two.test:8443: {url: https://two.test:8443}
                """);
        String left = "two.test:8443 is left out: its name has a port";
        CommandRunner.Result printed = run("client-config", client);
        assertThat(printed.code()).isZero();
        assertThat(printed.out())
                .contains("prefix = \"one.test:5443\"", "location = \"127.0.0.1:5000/one\"")
                .contains("# " + left, "=== note: " + left, "aliases: [NAME]")
                .doesNotContain("\"two.test:8443\"");
        CommandRunner.Result written = run("client-config", client, "--into", "out");
        assertThat(written.err()).contains(left);
        assertThat(folder.resolve("out/etc/containers/registries.conf.d/entrepot.conf"))
                .content()
                .contains("# " + left);
    }

    /** BuildKit takes a mirror for a URL, and the server any name of an upstream for a part of the path. */
    @Test
    void buildkitIsToldTheNameWithItsPort() throws Exception {
        Files.writeString(
                folder.resolve("entrepot.yaml"),
                "builtin-upstreams: false\ndefault-upstream: none\n"
                        + "upstreams: {\"two.test:8443\": {url: \"https://two.test:8443\"}}\n");
        assertThat(run("client-config", "buildkit").out())
                .contains("mirrors = [\"127.0.0.1:5000/two.test:8443\"]")
                .doesNotContain("note");
    }

    @Test
    void addressBehindTlsIsNotMarkedInsecure() {
        String podman = run("client-config", "podman", "--address", "https://mirror.test")
                .out();
        assertThat(podman).contains("location = \"mirror.test/docker.io\"").doesNotContain("insecure");
        String buildkit = run("client-config", "buildkit", "--address", "https://mirror.test:5000")
                .out();
        assertThat(buildkit)
                .contains("mirrors = [\"mirror.test:5000/docker.io\"]")
                .doesNotContain("http = true");
        assertThat(run("client-config", "k3s", "--address", "https://mirror.test")
                        .out())
                .contains("\"https://mirror.test\"");
    }

    /** Without these a client goes past the mirror, or fails, and says little of why. */
    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "docker; /etc/docker/certs.d/mirror.test:5000/ca.crt; docker login mirror.test:5000",
                "containerd; ca = \"/path/to/ca.crt\"; [host.\"https://mirror.test:5000\".header] with authorization = \"Basic",
                "kind; ca = \"/path/to/ca.crt\"; [host.\"https://mirror.test:5000\".header] with authorization = \"Basic",
                "crio; /etc/containers/certs.d/mirror.test:5000/ca.crt; mirror.test:5000 in the file that global_auth_file",
                "podman; /etc/containers/certs.d/mirror.test:5000/ca.crt; podman login mirror.test:5000",
                "buildkit; [registry.\"mirror.test:5000\"] with ca = [\"/path/to/ca.crt\"]; docker login mirror.test:5000",
                "k3s; configs: {\"mirror.test:5000\": {tls: {ca_file: /path/to/ca.crt}}}; {auth: {username: USER"
            })
    void eachClientIsToldOfTheAuthorityAndThePassword(String client, String authority, String login) throws Exception {
        for (String file : new String[] {"users", "tls.crt", "tls.key"}) {
            Files.writeString(folder.resolve(file), "");
        }
        Files.writeString(folder.resolve("entrepot.yaml"), """
                server:
                  listen: ":5000"
                  tls: {certificate: tls.crt, key: tls.key}
                  authentication: {htpasswd: users}
                default-upstream: docker.io
                """);
        CommandRunner.Result printed = run("client-config", client, "--address", "https://mirror.test:5000");
        assertThat(printed.out().lines().filter(line -> line.startsWith("=== note: ")))
                .satisfiesExactly(
                        note -> assertThat(note).contains("the authority of the server's certificate", authority),
                        note -> assertThat(note).contains("server.authentication", login));
        assertThat(printed.err()).isEmpty();
        CommandRunner.Result written =
                run("client-config", client, "--address", "https://mirror.test:5000", "--into", "out");
        assertThat(written.out()).doesNotContain("note");
        assertThat(written.err()).contains(authority, login);
        assertThat(run("client-config", client, "--address", "http://mirror.test:5000")
                        .out())
                .contains("=== note: this server speaks TLS", "begins with https://")
                .doesNotContain("ca.crt");
    }

    @Test
    void addressThatOnlyThisMachineReachesIsSaidToBeThat() throws Exception {
        Files.writeString(folder.resolve("entrepot.yaml"), "server: {listen: \":5000\", anonymous: true}\n");
        assertThat(run("client-config", "containerd").out())
                .contains("=== note: 127.0.0.1:5000 is this machine alone", "server.listen: :5000", "--address");
        assertThat(run("client-config", "containerd", "--address", "http://mirror.test:5000")
                        .out())
                .doesNotContain("note");
        Files.writeString(folder.resolve("entrepot.yaml"), "");
        assertThat(run("client-config", "containerd").out()).doesNotContain("note");
    }

    @Test
    void dockerWithoutDockerHubAsDefaultIsRefusedWithTheRemedy() throws Exception {
        Files.writeString(folder.resolve("entrepot.yaml"), "default-upstream: quay.io\n");
        CommandRunner.Result result = run("client-config", "docker");
        assertThat(result.code()).isEqualTo(ExitCodes.USAGE);
        assertThat(result.err()).contains("default-upstream: docker.io");
    }

    @Test
    void dockerForAnotherRegistryAloneIsRefusedWithAnotherRemedyIfDockerHubIsTheDefault() throws Exception {
        Files.writeString(
                folder.resolve("entrepot.yaml"),
                "default-upstream: docker.io\nupstreams: {docker.io: {}, quay.io: {}}\n");
        CommandRunner.Result result = run("client-config", "docker", "--registry", "quay.io");
        assertThat(result.code()).isEqualTo(ExitCodes.USAGE);
        assertThat(result.err()).contains("nothing but docker.io", "--registry").doesNotContain("default-upstream");
    }

    @Test
    void unknownClientUpstreamOrAddressIsRefused() {
        assertThat(run("client-config", "rkt").err())
                .contains("rkt", "buildkit, containerd, crio, docker, k3s, kind, podman");
        assertThat(run("client-config", "podman", "--registry", "nowhere.test").err())
                .contains("nowhere.test", "docker.io");
        for (String address :
                new String[] {"mirror.test", "ftp://mirror.test", "https://mirror.test/path", "https://u@m", "http://"
                }) {
            CommandRunner.Result result = run("client-config", "podman", "--address", address);
            assertThat(result.code()).as(address).isEqualTo(ExitCodes.USAGE);
            assertThat(result.err()).as(address).contains("--address is http://HOST[:PORT]");
        }
    }
}
