package dev.entrepot.proxy;

import dev.entrepot.cache.CacheIndex;
import dev.entrepot.cache.ContentStore;
import dev.entrepot.cache.Link;
import dev.entrepot.config.ConfigLoader;
import dev.entrepot.config.EntrepotConfig;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.Platform;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Gate;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import tools.jackson.databind.JsonNode;

/**
 * A mirror with something to show: an image whose SBOM has a signature, names from strangers, refusals, a rule that
 * replicates.
 */
final class PageWorld implements AutoCloseable {
    static final String APP = "registry.test/team/app";
    static final String SBOM = "application/vnd.cyclonedx+json";
    static final String SIGNATURE = "application/vnd.cncf.notary.signature";
    static final String MARKUP = "application/<img src=x onerror=alert(1)>";

    final TestRegistry registry = TestRegistry.started().quota(100);
    final TestRegistry target = TestRegistry.started();
    final TestRegistry hub = TestRegistry.started();
    final TestRegistry down = TestRegistry.started();
    final Images images = new Images(3);
    final Bundle image = images.index("linux/amd64", "linux/arm64");
    final Bundle sbom = images.referrer(image, SBOM);
    final Bundle signature = images.referrer(sbom, SIGNATURE);
    final Bundle other = images.image(700_000, 5000);
    final Digest stranger;
    private static final Executor THREADS = task -> Thread.ofVirtual().start(task);

    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final Mirror mirror;

    private PageWorld(Path folder, int repositories) throws Exception {
        registry.push("team/app", image, "1.0");
        registry.push("team/app", sbom);
        registry.push("team/app", signature);
        stranger = registry.pushManifest("team/app", "application/vnd.oci.image.manifest.v1+json", strange());
        registry.push("other/tool", other, "v2");
        Files.writeString(folder.resolve("entrepot.yaml"), """
                server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0", drain: 10s, access-log: "off"}
                cache: {directory: ./data, capacity: 20GiB, min-free: 1MiB}
                default-upstream: registry.test
                upstreams:
                  registry.test: {url: "%s"}
                  quiet.test: {url: "%s"}
                  hub.test: {url: "%s"}
                  down.test: {url: "%s"}
                rules:
                  - {check-deadline: 0s}
                  - {repositories: ["secret/*"], deny: "not for this site"}
                  - {repositories: ["live/*", "lib/*", "young/*"], freshness: always}
                  - {repositories: ["young/*"], tags: ["*"], min-age: 300ms}
                replication:
                  rules:
                    - {name: to-eu, source: registry.test, repositories: ["team/*"], tags: ["*"], targets: [{url: "%s"}]}
                    - {name: to-asia, source: registry.test, repositories: ["team/*"], tags: ["*"], targets: [{url: "http://127.0.0.1:1"}]}
                    - {name: nightly, source: registry.test, repositories: ["other/*"], tags: ["v*"], schedule: "0 3 * * *", targets: [{url: "%s"}]}
                """.formatted(
                        registry.uri(), registry.uri(), hub.uri(), down.uri(), target.uri(), target.uri()));
        fill(folder.resolve("data"), repositories);
        EntrepotConfig config = ConfigLoader.load(Optional.of(folder.resolve("entrepot.yaml")), folder, Map.of())
                .config();
        mirror = Mirror.start(
                config, ClientEnvironment.system("test").withSleeper(pause -> {}), OutputStream.nullOutputStream());
    }

    /** With so many repositories more, of which only the names are known. */
    static PageWorld started(Path folder, int repositories) throws Exception {
        return new PageWorld(folder, repositories);
    }

    private static void fill(Path data, int repositories) throws IOException {
        if (repositories == 0) {
            return;
        }
        try (ContentStore store = ContentStore.open(data, Clock.systemUTC());
                CacheIndex index = CacheIndex.open(store, Clock.systemUTC())) {
            Link link = new Link(Digest.sha256("none".getBytes(StandardCharsets.US_ASCII)), OptionalLong.of(4), true);
            for (int i = 0; i < repositories; i++) {
                index.links().add(Repository.parse("registry.test/various/app-%05d".formatted(i)), List.of(link));
            }
            index.flush();
        }
    }

    // Its type comes from a stranger, and so does its media type's parameter.
    private byte[] strange() {
        Digest empty = registry.pushBlob("team/app", Images.EMPTY_JSON);
        String config = "{\"mediaType\":\"application/vnd.oci.empty.v1+json\",\"digest\":\"" + empty + "\",\"size\":2}";
        return ("{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"artifactType\":\""
                        + MARKUP + "\",\"config\":" + config + ",\"layers\":[" + config
                        + "],\"subject\":{\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"digest\":\""
                        + image.digest() + "\",\"size\":" + image.root().sizeBytes() + "}}")
                .getBytes(StandardCharsets.UTF_8);
    }

    /**
     * Pulls as clients do: one platform of the image, its signed SBOM, another image twice; and is refused some things.
     */
    void pull() throws Exception {
        get("/v2/team/app/manifests/1.0");
        Digest amd64 = image.manifestDigests().getFirst();
        pullManifest("team/app", amd64);
        get("/v2/team/app/referrers/" + image.digest());
        pullManifest("team/app", sbom.digest());
        get("/v2/team/app/referrers/" + sbom.digest());
        pullManifest("team/app", signature.digest());
        get("/v2/team/app/manifests/" + stranger);
        for (int i = 0; i < 3; i++) {
            get("/v2/other/tool/manifests/v2");
            pullManifest("other/tool", other.digest());
        }
    }

    private void pullManifest(String repository, Digest digest) throws Exception {
        JsonNode manifest = OciJson.mapper()
                .readTree(get("/v2/" + repository + "/manifests/" + digest).body());
        for (JsonNode blob : manifest.path("layers")) {
            get("/v2/" + repository + "/blobs/" + blob.path("digest").asString(""));
        }
    }

    /** Asks for what is refused. */
    void beRefused() throws Exception {
        get("/v2/secret/plans/manifests/latest");
        get("/v2/elsewhere.test/x/y/manifests/latest?ns=elsewhere.test");
        get("/v2/team/app/manifests/%3Cscript%3Ealert(1)%3C/script%3E");
    }

    /**
     * Everything that the page can show at once: answers of all kinds, an upstream that is out, a quota that is nearly
     * used up, an image that is kept in part, a run that was complete and one that failed.
     */
    void beBusy() throws Exception {
        bePartlyKept();
        beRevalidatedAndStale();
        beCooled();
        beJoined();
        for (String rule : List.of("to-eu", "to-asia")) {
            sync(rule);
            MirrorFixture.await(() -> json("/ui/api/replication")
                    .path("runs")
                    .valueStream()
                    .anyMatch(run ->
                            run.path("rule").asString("").equals(rule) && run.has("ended") && run.has("targets")));
        }
        MirrorFixture.await(() -> json("/ui/api/overview").path("traffic").path("requests").properties().stream()
                .allMatch(verdict -> verdict.getValue().asLong() > 0));
    }

    private void bePartlyKept() throws Exception {
        Bundle amd64 = images.image(Platform.parse("linux/amd64"), 900_000, 120_000);
        Bundle alpine = images.indexOf(List.of(amd64, images.image(Platform.parse("linux/arm64"), 880_000)));
        hub.push("library/alpine", alpine, "3.20");
        hub.quota(12);
        get("/v2/hub.test/library/alpine/manifests/3.20");
        pullManifest("hub.test/library/alpine", amd64.digest());
        for (int i = 0; i < 8; i++) {
            hub.push("library/alpine", images.image(3000 + i), "3.1" + i);
            get("/v2/hub.test/library/alpine/manifests/3.1" + i);
        }
    }

    private void beRevalidatedAndStale() throws Exception {
        registry.push("live/web", images.image(60_000), "1");
        down.push("lib/db", images.image(250_000), "16");
        for (int i = 0; i < 4; i++) {
            get("/v2/live/web/manifests/1");
            get("/v2/down.test/lib/db/manifests/16");
            if (i == 1) {
                down.stop();
            }
        }
    }

    private void beCooled() throws Exception {
        registry.push("young/web", images.image(40_000), "1");
        get("/v2/young/web/manifests/1");
        // Its time is over when the least age is; asking meanwhile would be refused, and shown.
        long old = System.nanoTime() + Duration.ofMillis(400).toNanos();
        MirrorFixture.await(() -> System.nanoTime() > old);
        get("/v2/young/web/manifests/1");
        registry.push("young/web", images.image(41_000), "1");
        get("/v2/young/web/manifests/1");
    }

    private void beJoined() throws Exception {
        Bundle large = images.image(1_500_000);
        Digest layer = large.blobs().keySet().stream()
                .max(Comparator.comparingLong(blob -> large.blobs().get(blob).sizeBytes()))
                .orElseThrow();
        registry.push("cold/large", large, "1");
        get("/v2/cold/large/manifests/1");
        Gate gate = new Gate();
        registry.faults().once(Requests.blob(layer), Fault.stallAfter(100_000, gate));
        List<CompletableFuture<Integer>> clients = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            clients.add(CompletableFuture.supplyAsync(() -> statusOf("/v2/cold/large/blobs/" + layer), THREADS));
        }
        MirrorFixture.await(
                () -> json("/ui/api/overview").path("fills").path("joined").asLong() >= 2);
        gate.open();
        for (CompletableFuture<Integer> one : clients) {
            one.get(20, TimeUnit.SECONDS);
        }
    }

    int statusOf(String path) {
        try {
            return get(path).statusCode();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    HttpResponse<byte[]> get(String path) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + mirror.port() + path))
                .header(
                        "Accept",
                        "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, */*")
                .header("User-Agent", "<b>bold</b>/1.0")
                .timeout(Duration.ofSeconds(20))
                .build();
        return client.send(request, HttpResponse.BodyHandlers.ofByteArray());
    }

    /** The address of the admin port. */
    URI admin() {
        return URI.create("http://127.0.0.1:" + mirror.adminPort() + "/");
    }

    /** Asks the admin port. */
    HttpResponse<String> admin(String path, String... headers) throws Exception {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(admin().resolve(path)).timeout(Duration.ofSeconds(20));
        if (headers.length > 0) {
            request.headers(headers);
        }
        return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    JsonNode json(String path) throws Exception {
        return OciJson.mapper().readTree(admin(path).body());
    }

    /** Has the rule run that can. */
    void sync() throws Exception {
        sync("to-eu");
    }

    private void sync(String rule) throws Exception {
        client.send(
                HttpRequest.newBuilder(admin().resolve("/replication/rules/" + rule + "/sync"))
                        .POST(HttpRequest.BodyPublishers.noBody())
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    HttpClient client() {
        return client;
    }

    /** Stops the mirror, and leaves the rest. */
    void stop() {
        mirror.close();
    }

    @Override
    public void close() {
        mirror.close();
        client.shutdownNow();
        registry.close();
        target.close();
        hub.close();
        down.close();
    }
}
