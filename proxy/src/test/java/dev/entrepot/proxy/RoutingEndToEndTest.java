package dev.entrepot.proxy;

import static dev.entrepot.proxy.MirrorFixture.APP;
import static dev.entrepot.proxy.MirrorFixture.code;
import static dev.entrepot.proxy.MirrorFixture.header;
import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.proxy.http.RawConnection;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Which upstream a request reaches. Every upstream has repositories of the same names with other content, so that what
 * comes tells where it came from.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RoutingEndToEndTest {
    private static final String ALPINE = "library/alpine";

    private final Map<String, TestRegistry> registries = new LinkedHashMap<>();
    private final Map<String, Bundle> content = new LinkedHashMap<>();
    private MirrorFixture mirror;

    @BeforeAll
    void start(@TempDir Path folder) throws Exception {
        Images images = new Images(12);
        for (String name : new String[] {"hub", "plain", "port"}) {
            TestRegistry registry = TestRegistry.started();
            registries.put(name, registry);
            for (String repository : new String[] {APP, ALPINE, "alpine"}) {
                content.put(name + " " + repository, registry.push(repository, images.image(10), "1"));
            }
        }
        mirror = MirrorFixture.started(folder, """
                default-upstream: docker.io
                upstreams:
                  docker.io: {url: "%s", hosts: [hub.mirror.test]}
                  registry.test: {url: "%s", hosts: [plain.mirror.test], aliases: [inhouse]}
                  "registry.test:5443": {url: "%s"}
                """.formatted(uri("hub"), uri("plain"), uri("port")));
    }

    private Object uri(String name) {
        return Objects.requireNonNull(registries.get(name)).uri();
    }

    private Bundle expected(String upstream, String repository) {
        return Objects.requireNonNull(content.get(upstream + " " + repository));
    }

    @AfterAll
    void stop() {
        mirror.close();
        registries.values().forEach(TestRegistry::close);
    }

    @ParameterizedTest
    @CsvSource({
        "?ns=registry.test, plain, registry.test",
        "?ns=registry.test:5443, port, registry.test:5443",
        "?ns=registry.test%3A5443, port, registry.test:5443",
        "?ns=docker.io, hub, docker.io",
        "?ns=, hub, ''",
        "'', hub, ''",
    })
    void trap12NamespaceWithPortWithDockerIoAndAbsent(String query, String upstream, String echoed) throws Exception {
        HttpResponse<byte[]> answer = mirror.get("/v2/" + APP + "/manifests/1" + query);
        assertThat(answer.body()).isEqualTo(expected(upstream, APP).root().array());
        assertThat(header(answer, "OCI-Namespace")).isEqualTo(echoed);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/v2/team/app/manifests/1?ns=other.test",
                "/v2/team/app/manifests/1?ns=registry.test:1",
                "/v2/team/app/manifests/1?ns=127.0.0.1",
                "/v2/other.test/team/app/manifests/1",
                "/v2/localhost/team/app/manifests/1",
                "/v2/127.0.0.1:80/team/app/manifests/1",
                "/v2/registry.test:1/team/app/tags/list",
                "/other.test/v2/team/app/manifests/1",
                "/v2/other.test/team/app/blobs/sha256:0000000000000000000000000000000000000000000000000000000000000000",
                "/other.test/v2/",
            })
    void trap12UnknownUpstreamIsNameUnknownAndNobodyIsAsked(String path) throws Exception {
        registries.values().forEach(registry -> registry.calls().clear());
        HttpResponse<byte[]> answer = mirror.get(path);
        assertThat(answer.statusCode()).isEqualTo(404);
        assertThat(code(answer)).isEqualTo("NAME_UNKNOWN");
        assertThat(registries.values())
                .allSatisfy(registry ->
                        assertThat(registry.calls().count(Requests.any())).isZero());
    }

    @ParameterizedTest
    @CsvSource({
        "/v2/registry.test/team/app, plain",
        "/v2/registry.test:5443/team/app, port",
        "/v2/inhouse/team/app, plain",
        "/v2/docker.io/team/app, hub",
        "/registry.test/v2/team/app, plain",
        "/registry.test:5443/v2/team/app, port",
        "/docker.io/v2/team/app, hub",
        "/registry.test/team/v2/app, plain",
    })
    void trap13PrefixBeforeAndAfterV2(String path, String upstream) throws Exception {
        assertThat(mirror.get(path + "/manifests/1").body())
                .isEqualTo(expected(upstream, APP).root().array());
    }

    /** BuildKit names the upstream twice. */
    @Test
    void trap13PrefixAndNamespaceTogether() throws Exception {
        assertThat(mirror.get("/v2/registry.test:5443/team/app/manifests/1?ns=registry.test:5443")
                        .body())
                .isEqualTo(expected("port", APP).root().array());
        HttpResponse<byte[]> contradiction = mirror.get("/docker.io/v2/team/app/manifests/1?ns=registry.test");
        assertThat(code(contradiction)).isEqualTo("NAME_UNKNOWN");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/v2/alpine/manifests/1",
                "/v2/library/alpine/manifests/1",
                "/v2/alpine/manifests/1?ns=docker.io",
                "/v2/library/alpine/manifests/1?ns=docker.io",
                "/v2/docker.io/alpine/manifests/1",
                "/v2/docker.io/library/alpine/manifests/1",
                "/docker.io/v2/alpine/manifests/1",
            })
    void trap14LibraryIsInsertedForDockerHub(String path) throws Exception {
        assertThat(mirror.get(path).body())
                .isEqualTo(expected("hub", ALPINE).root().array());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/v2/alpine/manifests/1?ns=registry.test",
                "/v2/registry.test/alpine/manifests/1",
                "/registry.test/v2/alpine/manifests/1",
            })
    void trap14LibraryIsNotInsertedForOthers(String path) throws Exception {
        assertThat(mirror.get(path).body())
                .isEqualTo(expected("plain", "alpine").root().array());
    }

    @ParameterizedTest
    @CsvSource({
        "plain.mirror.test, plain",
        "plain.mirror.test:5000, plain",
        "PLAIN.mirror.test, plain",
        "registry.test, plain",
        "registry.test:5443, port",
        "hub.mirror.test, hub",
        "whatever.example, hub",
        "127.0.0.1:5000, hub",
    })
    void hostNameSaysWhichUpstreamIsMeant(String host, String upstream) throws Exception {
        try (RawConnection client = new RawConnection(mirror.port())) {
            client.send("GET /v2/team/app/manifests/1 HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
            assertThat(client.read(false).body())
                    .isEqualTo(expected(upstream, APP).root().array());
        }
    }

    @Test
    void namespaceCountsMoreThanTheHostName() throws Exception {
        try (RawConnection client = new RawConnection(mirror.port())) {
            client.send("GET /v2/team/app/manifests/1?ns=docker.io HTTP/1.1\r\nHost: plain.mirror.test\r\n\r\n");
            assertThat(client.read(false).body())
                    .isEqualTo(expected("hub", APP).root().array());
        }
    }
}
