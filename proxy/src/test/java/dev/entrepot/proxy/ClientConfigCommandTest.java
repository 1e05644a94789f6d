package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
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
        assertThat(run("client-config", "podman").out())
                .contains("location = \"127.0.0.1:5000/one.test\"", "location = \"127.0.0.1:5000/two.test:8443\"");
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

    @Test
    void dockerWithoutDockerHubAsDefaultIsRefusedWithTheRemedy() throws Exception {
        Files.writeString(folder.resolve("entrepot.yaml"), "default-upstream: quay.io\n");
        CommandRunner.Result result = run("client-config", "docker");
        assertThat(result.code()).isEqualTo(ExitCodes.USAGE);
        assertThat(result.err()).contains("default-upstream: docker.io");
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
