package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.config.ConfigLoader;
import dev.entrepot.config.EntrepotConfig;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.TestRegistry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The whole mirror, between real sockets: a registry behind it and a client before it. */
class MirrorTest {
    @TempDir
    Path folder;

    private final TestRegistry registry = TestRegistry.started();
    private final ByteArrayOutputStream accessLog = new ByteArrayOutputStream();
    private final HttpClient client = HttpClient.newHttpClient();
    private final Bundle image = new Images(7).image(300_000, 1000);
    private Mirror mirror;

    @BeforeEach
    void start() throws Exception {
        registry.push("team/app", image, "1.0");
        mirror = Mirror.start(config("127.0.0.1:0"), ClientEnvironment.system("test"), accessLog);
    }

    private EntrepotConfig config(String listen) throws Exception {
        Path file = folder.resolve("entrepot.yaml");
        Files.writeString(file, """
                server: {listen: "%s", admin: 127.0.0.1:0}
                cache: {directory: ./data, fresh-for: 0s}
                default-upstream: registry.test
                upstreams:
                  registry.test: {url: "%s"}
                """.formatted(listen, registry.uri()));
        return ConfigLoader.load(Optional.of(file), folder, Map.of()).config();
    }

    @AfterEach
    void stop() {
        mirror.close();
        client.close();
        registry.close();
    }

    private HttpResponse<byte[]> get(String path) throws Exception {
        return get(mirror.port(), path);
    }

    private HttpResponse<byte[]> get(int port, String path) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                .build();
        return client.send(request, HttpResponse.BodyHandlers.ofByteArray());
    }

    private static String verdict(HttpResponse<?> response) {
        return response.headers().firstValue("X-Entrepot-Cache").orElse("");
    }

    @Test
    void imageIsFetchedOnceAndServedWithTheUpstreamSwitchedOff() throws Exception {
        HttpResponse<byte[]> manifest = get("/v2/team/app/manifests/1.0");
        assertThat(manifest.statusCode()).isEqualTo(200);
        assertThat(manifest.body()).isEqualTo(image.root().array());
        assertThat(verdict(manifest)).isEqualTo("miss");
        for (Digest blob : image.blobs().keySet()) {
            HttpResponse<byte[]> fetched = get("/v2/team/app/blobs/" + blob);
            assertThat(Digest.sha256(fetched.body())).isEqualTo(blob);
            assertThat(verdict(fetched)).isIn("miss", "joined");
        }
        registry.stop();
        HttpResponse<byte[]> stale = get("/v2/team/app/manifests/1.0");
        assertThat(stale.body()).isEqualTo(image.root().array());
        assertThat(verdict(stale)).isEqualTo("stale");
        assertThat(stale.headers().firstValue("Warning")).isPresent();
        assertThat(verdict(get("/v2/team/app/manifests/" + image.digest()))).isEqualTo("hit");
        for (Digest blob : image.blobs().keySet()) {
            HttpResponse<byte[]> kept = get("/v2/team/app/blobs/" + blob);
            assertThat(Digest.sha256(kept.body())).isEqualTo(blob);
            assertThat(verdict(kept)).isEqualTo("hit");
        }
    }

    @Test
    void blobsEndpointDoesNotServeManifests() throws Exception {
        get("/v2/team/app/manifests/1.0");
        HttpResponse<byte[]> asBlob = get("/v2/team/app/blobs/" + image.digest());
        assertThat(asBlob.statusCode()).isEqualTo(404);
        assertThat(new String(asBlob.body(), StandardCharsets.UTF_8)).contains("BLOB_UNKNOWN");
        HttpRequest head = HttpRequest.newBuilder(
                        URI.create("http://127.0.0.1:" + mirror.port() + "/v2/team/app/blobs/" + image.digest()))
                .HEAD()
                .build();
        assertThat(client.send(head, HttpResponse.BodyHandlers.discarding()).statusCode())
                .isEqualTo(404);
    }

    @Test
    void whatTheUpstreamDoesNotHaveIsNotFound() throws Exception {
        HttpResponse<byte[]> missing = get("/v2/team/app/manifests/nope");
        assertThat(missing.statusCode()).isEqualTo(404);
        assertThat(OciJson.mapper()
                        .readTree(missing.body())
                        .path("errors")
                        .path(0)
                        .path("code")
                        .stringValue(""))
                .isEqualTo("MANIFEST_UNKNOWN");
        assertThat(verdict(missing)).isEqualTo("miss");
    }

    @Test
    void tagsAndCatalogShowWhatIsThere() throws Exception {
        assertThat(new String(get("/v2/registry.test/team/app/tags/list").body(), StandardCharsets.UTF_8))
                .isEqualTo("{\"name\":\"registry.test/team/app\",\"tags\":[\"1.0\"]}");
        get("/v2/team/app/manifests/1.0");
        assertThat(new String(get("/v2/_catalog").body(), StandardCharsets.UTF_8))
                .isEqualTo("{\"repositories\":[\"registry.test/team/app\"]}");
    }

    @Test
    void adminPortShowsHealthAndWhatWasDone() throws Exception {
        get("/v2/team/app/manifests/1.0");
        for (Digest blob : image.blobs().keySet()) {
            get("/v2/team/app/blobs/" + blob);
        }
        assertThat(get(mirror.adminPort(), "/readyz").statusCode()).isEqualTo(200);
        String metrics = new String(get(mirror.adminPort(), "/metrics").body(), StandardCharsets.UTF_8);
        assertThat(metrics)
                .contains(
                        "entrepot_requests_total{kind=\"manifest\",status=\"200\",verdict=\"miss\"} 1\n",
                        "entrepot_fills_total 3\n",
                        "entrepot_upstream_requests_total{upstream=\"registry.test\",operation=\"blob\",status=\"200\"} 3\n",
                        "\nentrepot_store_objects ",
                        "entrepot_store_capacity_bytes 53687091200\n",
                        "entrepot_build_info{version=\"0.1.0\"} 1\n");
    }

    @Test
    void allBytesOfBodiesOfUpstreamsAreCountedByWhatTheyAreFor() throws Exception {
        get("/v2/team/app/manifests/1.0");
        get("/v2/team/app/tags/list");
        get("/v2/team/app/referrers/" + image.digest());
        get("/v2/team/app/manifests/missing");
        long blobs = 0;
        for (Digest blob : image.blobs().keySet()) {
            blobs += get("/v2/team/app/blobs/" + blob).body().length;
        }
        String metrics = new String(get(mirror.adminPort(), "/metrics").body(), StandardCharsets.UTF_8);
        String received = "entrepot_upstream_received_bytes_total{upstream=\"registry.test\",operation=\"";
        assertThat(metrics).contains(received + "blob\"} " + blobs + "\n");
        for (String operation : List.of("manifest", "tags", "referrers")) {
            assertThat(metrics).containsPattern(Pattern.quote(received + operation) + "\"} [1-9]");
        }
        // That of an error, and that of the manifest.
        long manifests = Long.parseLong(metrics.substring(metrics.indexOf(received + "manifest\"}"))
                .lines()
                .findFirst()
                .orElseThrow()
                .split(" ", -1)[1]);
        assertThat(manifests).isGreaterThan(image.root().sizeBytes());
    }

    @Test
    void everyRequestIsOneLineOfTheAccessLog() throws Exception {
        get("/v2/team/app/manifests/1.0");
        get("/v2/nowhere.example/a/manifests/1.0");
        mirror.close();
        assertThat(accessLog.toString(StandardCharsets.UTF_8).lines())
                .hasSize(2)
                .anyMatch(line -> line.contains(" path=/v2/team/app/manifests/1.0 kind=manifest status=200 ")
                        && line.contains(" cache=miss upstream=registry.test "))
                .anyMatch(line -> line.contains(" status=404 ") && line.contains(" cache=none upstream=- "));
    }

    @Test
    void addressInUseIsAFailureThatNamesItAndLeavesNothingOpen() throws Exception {
        mirror.close();
        try (ServerSocket taken = new ServerSocket(0)) {
            EntrepotConfig config = config("127.0.0.1:" + taken.getLocalPort());
            assertThatThrownBy(() -> Mirror.start(config, ClientEnvironment.system("test"), accessLog))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("127.0.0.1:" + taken.getLocalPort());
        }
        // The store's lock was let go.
        mirror = Mirror.start(config("127.0.0.1:0"), ClientEnvironment.system("test"), accessLog);
        assertThat(get("/v2/").statusCode()).isEqualTo(200);
    }
}
