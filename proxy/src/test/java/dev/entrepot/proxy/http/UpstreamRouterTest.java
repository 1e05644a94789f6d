package dev.entrepot.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.RegistryHost;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class UpstreamRouterTest {
    private static final RegistryHost HUB = RegistryHost.DOCKER_HUB;
    private static final List<UpstreamNames> UPSTREAMS = List.of(
            new UpstreamNames(HUB, List.of("hub", "registry-1.docker.io"), List.of("hub.mirror.test")),
            new UpstreamNames(RegistryHost.parse("quay.io"), List.of(), List.of("quay.mirror.test:5000")),
            UpstreamNames.of(RegistryHost.parse("localhost:5000")));
    private final UpstreamRouter router = new UpstreamRouter(UPSTREAMS, Optional.of(HUB));

    private String route(UpstreamRouter by, String prefix, String namespace, String host, String path)
            throws NotFoundException {
        Route route = by.route(new RequestedName(new RequestScope(prefix, namespace), path), host);
        return route.repository() + (route.namespace().isEmpty() ? "" : " ns=" + route.namespace());
    }

    @Test
    void withoutAnyUpstreamItIsSaidThatThereIsNone() {
        UpstreamRouter none = new UpstreamRouter(List.of(), Optional.empty());
        assertThatThrownBy(() -> route(none, "", "", "mirror", "library/alpine"))
                .hasMessage("this mirror has no upstream");
        assertThatThrownBy(() -> route(none, "", "", "mirror", "quay.io/a/b"))
                .hasMessageContaining("\"quay.io\" is not one that this mirror serves; configured are: none");
    }

    @ParameterizedTest(name = "{0} | {1} | {2} | {3} -> {4}")
    @CsvSource(
            delimiter = '|',
            emptyValue = "",
            value = {
                // prefix | ns | Host | path | where it goes
                "''|''|mirror|alpine|docker.io/library/alpine",
                "''|''|mirror|library/alpine|docker.io/library/alpine",
                "''|''|mirror|docker.io/alpine|docker.io/library/alpine",
                "''|''|mirror|docker.io/library/alpine|docker.io/library/alpine",
                "''|''|mirror|hub/grafana/grafana|docker.io/grafana/grafana",
                "''|''|mirror|registry-1.docker.io/alpine|docker.io/library/alpine",
                "''|''|mirror|quay.io/prometheus/node|quay.io/prometheus/node",
                "''|''|mirror|quay.io/one|quay.io/one",
                "''|''|mirror|localhost:5000/foo/bar|localhost:5000/foo/bar",
                // a registry's name alone is a repository of the default upstream
                "''|''|mirror|quay.io|docker.io/library/quay.io",
                "''|quay.io|mirror|prometheus/node|quay.io/prometheus/node ns=quay.io",
                "''|docker.io|mirror|alpine|docker.io/library/alpine ns=docker.io",
                "''|localhost:5000|mirror|foo|localhost:5000/foo ns=localhost:5000",
                // what else Docker Hub is called
                "''|index.docker.io|mirror|alpine|docker.io/library/alpine ns=index.docker.io",
                "''|Registry-1.docker.io|mirror|alpine|docker.io/library/alpine ns=Registry-1.docker.io",
                "''|index.docker.io|mirror|docker.io/grafana/loki|docker.io/grafana/loki ns=index.docker.io",
                "index.docker.io|docker.io|mirror|alpine|docker.io/library/alpine ns=docker.io",
                "''|''|mirror|index.docker.io/alpine|docker.io/library/alpine",
                "''|''|index.docker.io|alpine|docker.io/library/alpine",
                "''|''|mirror|LOCALHOST:5000/foo|localhost:5000/foo",
                // BuildKit sends the namespace and the host in the path
                "''|docker.io|mirror|docker.io/library/alpine|docker.io/library/alpine ns=docker.io",
                "''|quay.io|mirror|quay.io/a/b|quay.io/a/b ns=quay.io",
                "''|localhost:5000|mirror|localhost:5000/foo|localhost:5000/foo ns=localhost:5000",
                // so does containerd with override_path, by whatever name the path has
                "''|docker.io|mirror|hub/grafana/grafana|docker.io/grafana/grafana ns=docker.io",
                // where it is said elsewhere, too, a repository may be called as its registry is
                "hub|''|mirror|hub/tool|docker.io/hub/tool",
                "hub|docker.io|mirror|hub/tool|docker.io/hub/tool ns=docker.io",
                "docker.io/hub|''|mirror|tool|docker.io/hub/tool",
                "''|''|hub.mirror.test|hub/tool|docker.io/hub/tool",
                "''|''|docker.io|hub/tool|docker.io/hub/tool",
                "''|docker.io|hub.mirror.test|hub/tool|docker.io/hub/tool ns=docker.io",
                "docker.io|''|mirror|docker.io/library/alpine|docker.io/library/alpine",
                "''|''|hub.mirror.test|docker.io/library/alpine|docker.io/library/alpine",
                // the name of another registry may begin a repository's name
                "''|quay.io|mirror|docker.io/library/alpine|quay.io/docker.io/library/alpine ns=quay.io",
                "docker.io|''|mirror|alpine|docker.io/library/alpine",
                "docker.io|docker.io|mirror|alpine|docker.io/library/alpine ns=docker.io",
                "docker.io/library|''|mirror|alpine|docker.io/library/alpine",
                "quay.io/a|''|mirror|b/c|quay.io/a/b/c",
                "localhost:5000|''|mirror|foo|localhost:5000/foo",
                "''|''|hub.mirror.test|alpine|docker.io/library/alpine",
                "''|''|HUB.mirror.test:8443|alpine|docker.io/library/alpine",
                "''|''|quay.mirror.test:5000|a/b|quay.io/a/b",
                "''|''|quay.mirror.test|a/b|docker.io/a/b",
                "''|''|quay.io|a/b|quay.io/a/b",
                "''|''|localhost:5000|foo|localhost:5000/foo",
                "''|''|quay.io:443|a/b|quay.io/a/b",
                // a mirror at another port of a registry's machine is not that registry
                "''|''|quay.io:5000|alpine|docker.io/library/alpine",
                "''|''|quay.io:5000|docker.io/library/alpine|docker.io/library/alpine",
                // ns and prefix win over Host
                "''|quay.io|hub.mirror.test|a/b|quay.io/a/b ns=quay.io",
                "quay.io|''|hub.mirror.test|a/b|quay.io/a/b",
            })
    void routes(String prefix, String namespace, String host, String path, String expected) throws Exception {
        assertThat(route(router, prefix, namespace, host, path)).isEqualTo(expected);
    }

    @ParameterizedTest(name = "{0} | {1} | {2}")
    @CsvSource(
            delimiter = '|',
            value = {
                "''|evil.example|a/b",
                "''|169.254.169.254|a/b",
                "''|not a host|a/b",
                // a Kelvin sign is no k
                "''|doc\u212aer.io|a/b",
                "evil.example|''|a/b",
                "''|''|evil.example/a/b",
                "''|''|10.0.0.1:80/a/b",
                "''|''|localhost/a/b",
                // two registries are named
                "docker.io|quay.io|a/b",
            })
    void unknownRegistriesAreRefusedByName(String prefix, String namespace, String path) {
        assertThatThrownBy(() -> route(router, prefix, namespace, "mirror", path))
                .isInstanceOfSatisfying(
                        NotFoundException.class, e -> assertThat(e.kind()).isEqualTo(NotFoundException.Kind.NAME));
    }

    @Test
    void whatElseDockerHubIsCalledStaysTheUpstreamsThatHasTheName() throws Exception {
        RegistryHost index = RegistryHost.parse("index.docker.io");
        RegistryHost quay = RegistryHost.parse("quay.io");
        UpstreamRouter own = new UpstreamRouter(
                List.of(
                        UpstreamNames.of(HUB),
                        UpstreamNames.of(index),
                        new UpstreamNames(quay, List.of(), List.of("registry-1.docker.io"))),
                Optional.of(HUB));

        assertThat(route(own, "", "index.docker.io", "mirror", "a/b")).startsWith("index.docker.io/a/b");
        assertThat(route(own, "", "", "registry-1.docker.io", "a/b")).isEqualTo("quay.io/a/b");
        assertThatThrownBy(() -> route(own, "", "registry-1.docker.io", "mirror", "a/b"))
                .as("what is another upstream's host is no name of Docker Hub")
                .isInstanceOf(NotFoundException.class);

        UpstreamRouter aliased = new UpstreamRouter(
                List.of(UpstreamNames.of(HUB), new UpstreamNames(quay, List.of("index.docker.io"), List.of())),
                Optional.of(quay));
        assertThat(route(aliased, "", "index.docker.io", "mirror", "a/b")).startsWith("quay.io/a/b");
        assertThat(route(aliased, "", "", "index.docker.io", "a/b"))
                .as("nor is another's alias a host of Docker Hub")
                .isEqualTo("quay.io/a/b");
    }

    @Test
    void withoutDockerHubItsOtherNamesAreUnknown() {
        UpstreamRouter quayOnly =
                new UpstreamRouter(List.of(UpstreamNames.of(RegistryHost.parse("quay.io"))), Optional.empty());

        assertThatThrownBy(() -> route(quayOnly, "", "index.docker.io", "mirror", "a/b"))
                .isInstanceOf(NotFoundException.class)
                .hasMessageContaining("configured are: quay.io");
    }

    @Test
    void theRefusalSaysWhatIsConfigured() {
        assertThatThrownBy(() -> route(router, "", "", "mirror", "evil.example/a"))
                .hasMessageContaining("\"evil.example\"")
                .hasMessageContaining("docker.io, hub, localhost:5000, quay.io");
    }

    @Test
    void withoutADefaultUpstreamPlainNamesAreUnknown() throws Exception {
        UpstreamRouter noDefault = new UpstreamRouter(UPSTREAMS, Optional.empty());
        assertThatThrownBy(() -> route(noDefault, "", "", "mirror", "library/alpine"))
                .isInstanceOf(NotFoundException.class);
        assertThat(route(noDefault, "", "", "mirror", "quay.io/a/b")).isEqualTo("quay.io/a/b");
    }

    @Test
    void aNameThatIsTooLongForItsRegistryIsInvalid() {
        assertThatThrownBy(() -> route(router, "quay.io/" + "a".repeat(200), "", "mirror", "b".repeat(200)))
                .isInstanceOf(InvalidNameException.class);
    }

    @Test
    void twoUpstreamsCannotShareAName() {
        List<UpstreamNames> both = List.of(
                new UpstreamNames(HUB, List.of("hub"), List.of()),
                new UpstreamNames(RegistryHost.parse("quay.io"), List.of("hub"), List.of()));
        assertThatThrownBy(() -> new UpstreamRouter(both, Optional.empty()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("hub");
    }

    @Test
    void theDefaultUpstreamMustBeConfigured() {
        assertThatThrownBy(() -> new UpstreamRouter(UPSTREAMS, Optional.of(RegistryHost.parse("ghcr.io"))))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
