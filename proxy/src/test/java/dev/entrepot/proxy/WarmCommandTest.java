package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.ConfigLoader;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.Platform;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.proxy.CommandRunner.Result;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
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
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** {@code entrepot cache warm}, by itself and by a server, and what clients get afterwards. */
@Timeout(60)
class WarmCommandTest {
    private static final String NAME = "team/app";

    @TempDir
    private Path folder;

    private final TestRegistry upstream = TestRegistry.started();
    private final HttpClient client = HttpClient.newHttpClient();
    private final Images images = new Images(5);
    private final Bundle amd = images.image(Platform.parse("linux/amd64"), 30_000);
    private final Bundle arm = images.image(Platform.parse("linux/arm64"), 20_000);
    private final Bundle index = images.indexOf(List.of(amd, arm));
    private final Bundle sbom = images.referrer(index, "application/vnd.test.sbom");
    private CommandRunner commands;

    @BeforeEach
    void start() throws Exception {
        upstream.push(NAME, index, "v1");
        upstream.push(NAME, sbom);
        Files.writeString(folder.resolve("entrepot.yaml"), """
                server: {listen: 127.0.0.1:0, admin: 127.0.0.1:0, access-log: "off"}
                cache: {directory: ./data}
                upstreams:
                  registry.test: {url: "%s"}
                """.formatted(upstream.uri()));
        commands = new CommandRunner(folder);
    }

    @AfterEach
    void stop() {
        client.close();
        upstream.close();
    }

    private Mirror mirror() throws Exception {
        return Mirror.start(
                ConfigLoader.load(Optional.empty(), folder, Map.of()).config(),
                ClientEnvironment.system("test"),
                OutputStream.nullOutputStream());
    }

    private HttpResponse<byte[]> pull(Mirror mirror, String path) throws Exception {
        return pull(mirror, NAME, path);
    }

    private HttpResponse<byte[]> pull(Mirror mirror, String name, String path) throws Exception {
        URI uri = URI.create("http://127.0.0.1:" + mirror.port() + "/v2/registry.test/" + name + path);
        return client.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofByteArray());
    }

    private void assertServed(Mirror mirror) throws Exception {
        assertThat(pull(mirror, "/manifests/v1").statusCode()).isEqualTo(200);
        for (Bundle image : List.of(amd, arm)) {
            assertThat(pull(mirror, "/manifests/" + image.digest()).statusCode())
                    .isEqualTo(200);
            for (Digest blob : image.blobs().keySet()) {
                assertThat(Digest.sha256(pull(mirror, "/blobs/" + blob).body())).isEqualTo(blob);
            }
        }
        assertThat(new String(pull(mirror, "/referrers/" + index.digest()).body()))
                .contains(sbom.digest().toString());
    }

    @Test
    void serverWarmsWhatStandardInputNamesAndThenNeedsNoUpstream() throws Exception {
        try (Mirror mirror = mirror()) {
            Result result = commands.runOn("registry.test/team/app:v1\n", "cache", "warm", "-");

            assertThat(result.out()).contains("1 of 1 images are in the cache as a whole: 4 manifests");
            assertThat(result.err()).contains("asking the server at");
            assertThat(result.code()).isZero();
            upstream.stop();
            assertServed(mirror);
        }
    }

    @Test
    void warmedWithoutAServerIsServedByTheNextOne() throws Exception {
        Files.writeString(folder.resolve("pods.json"), """
                {"items": [{"spec": {"containers": [{"image": "registry.test/team/app:v1"}]}}]}""");

        Result result = commands.run("cache", "warm", "pods.json");

        assertThat(result.err()).doesNotContain("asking the server");
        assertThat(result.code()).isZero();
        upstream.stop();
        try (Mirror mirror = mirror()) {
            assertServed(mirror);
        }
    }

    @Test
    void onlyWantedPlatformsWithoutReferrers() throws Exception {
        Result result = commands.runOn(
                "registry.test/team/app:v1",
                "cache",
                "warm",
                "--platform",
                "linux/arm64",
                "--no-referrers",
                "--json",
                "-");

        JsonNode json = OciJson.mapper().readTree(result.out());
        assertThat(json.path("complete").asInt()).isEqualTo(1);
        assertThat(json.path("results").path(0).path("digest").asString())
                .isEqualTo(index.digest().toString());
        assertThat(json.path("results").path(0).path("manifests").asInt()).isEqualTo(2);
        assertThat(upstream.requests(
                        request -> request.path().contains(amd.digest().encoded())))
                .isEmpty();
    }

    @Test
    void platformsOfTheSiteAreMeantWhereNoneAreNamedByTheCommandAndByTheApi() throws Exception {
        Path file = folder.resolve("entrepot.yaml");
        Files.writeString(file, Files.readString(file).replace("./data", "./data, platforms: [linux/arm64]"));

        Result result = commands.runOn("registry.test/team/app:v1", "cache", "warm", "--no-referrers", "--json", "-");

        assertThat(result.code()).as(result.err()).isZero();
        JsonNode json = OciJson.mapper().readTree(result.out());
        assertThat(json.path("results").path(0).path("manifests").asInt()).isEqualTo(2);
        try (Mirror mirror = mirror()) {
            HttpRequest request = HttpRequest.newBuilder(
                            URI.create("http://127.0.0.1:" + mirror.adminPort() + "/cache/warm"))
                    .POST(HttpRequest.BodyPublishers.ofString(
                            "{\"images\": [\"registry.test/team/app:v1\"], \"referrers\": false}"))
                    .build();
            String url = OciJson.mapper()
                    .readTree(client.send(request, HttpResponse.BodyHandlers.ofString())
                            .body())
                    .path("url")
                    .asString("");
            URI state = URI.create("http://127.0.0.1:" + mirror.adminPort() + url);
            MirrorFixture.await(
                    () -> client.send(HttpRequest.newBuilder(state).build(), HttpResponse.BodyHandlers.ofString())
                            .body()
                            .contains("\"ended\""));
        }
        assertThat(upstream.requests(
                        request -> request.path().contains(amd.digest().encoded())))
                .isEmpty();
        assertThat(upstream.requests(
                        request -> request.path().contains(arm.digest().encoded())))
                .isNotEmpty();
    }

    @Test
    void whatCannotBeHadIsNamedAndTheRestIsWarmed() throws Exception {
        Result result = commands.runOn(
                "registry.test/team/app:v1\nregistry.test/team/app:gone\nnowhere.test/team/app:v1\nno image\n",
                "cache",
                "warm",
                "-");

        assertThat(result.code()).isEqualTo(ExitCodes.PARTLY);
        assertThat(result.err()).contains("-, line 4: \"no image\" is no image");
        assertThat(result.out())
                .contains("registry.test/team/app:gone: ")
                .contains("nowhere.test/team/app:v1: no upstream is called nowhere.test")
                .contains("1 of 3 images are in the cache as a whole");
    }

    @Test
    void dryRunShowsTheMostFrequentAndTouchesNothing() throws Exception {
        Result result = commands.runOn(
                "registry.test/a:1\nregistry.test/b:1\nregistry.test/b:1\n",
                "cache",
                "warm",
                "--top",
                "1",
                "--dry-run",
                "-");

        assertThat(result.out()).isEqualTo("registry.test/b:1\n");
        assertThat(folder.resolve("data")).doesNotExist();
    }

    @Test
    void dryRunAnswersInJsonWhereThatIsAskedFor() {
        Result result = commands.runOn("registry.test/b:1\n", "cache", "warm", "--dry-run", "--json", "-");

        assertThat(result).returns(0, Result::code).returns("{\"images\":[\"registry.test/b:1\"]}\n", Result::out);
    }

    @Test
    void folderInThePlaceOfTheListIsNamed() {
        assertThat(commands.run("cache", "warm", "."))
                .returns(2, Result::code)
                .satisfies(result -> assertThat(result.err()).contains(folder + "/. is a folder"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"text", "json"})
    void accessLogOfTheServerItselfNamesWhatWasPulled(String format) throws Exception {
        Path file = folder.resolve("entrepot.yaml");
        Files.writeString(file, Files.readString(file).replace("\"off\"", format));
        ByteArrayOutputStream log = new ByteArrayOutputStream();
        try (Mirror mirror = Mirror.start(
                ConfigLoader.load(Optional.empty(), folder, Map.of()).config(),
                ClientEnvironment.system("test"),
                log)) {
            for (String path : List.of("/manifests/v1", "/manifests/v1", "/manifests/gone", "/tags/list")) {
                pull(mirror, path);
            }
            pull(mirror, "/manifests/" + amd.digest());
            pull(mirror, "/blobs/" + List.copyOf(amd.blobs().keySet()).getFirst());
        }
        Files.write(folder.resolve("access.log"), log.toByteArray());

        Result result = commands.run("cache", "warm", "--dry-run", "access.log");

        assertThat(result.out()).isEqualTo("registry.test/team/app:v1\nregistry.test/team/app@" + amd.digest() + "\n");
        assertThat(result.err()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"text, false", "json, false", "text, true", "json, true"})
    void accessLogOfOneServerFillsAnotherThatIsEmpty(String format, boolean serving) throws Exception {
        Path file = folder.resolve("entrepot.yaml");
        Files.writeString(file, Files.readString(file).replace("\"off\"", format));
        ByteArrayOutputStream log = new ByteArrayOutputStream();
        try (Mirror busy = Mirror.start(
                ConfigLoader.load(Optional.empty(), folder, Map.of()).config(),
                ClientEnvironment.system("test"),
                log)) {
            pull(busy, "/manifests/v1");
            pull(busy, "/manifests/gone");
            pull(busy, "/manifests/" + arm.digest());
        }
        Files.move(folder.resolve("data"), folder.resolve("of-the-other"));

        Result result;
        if (serving) {
            Mirror empty = mirror();
            try (empty) {
                result = commands.runOn(log.toString(StandardCharsets.UTF_8), "cache", "warm", "-");
            }
        } else {
            result = commands.runOn(log.toString(StandardCharsets.UTF_8), "cache", "warm", "-");
        }

        assertThat(result.out()).contains("2 of 2 images are in the cache as a whole");
        assertThat(result.err().contains("asking the server at")).isEqualTo(serving);
        assertThat(result.code()).isZero();
        upstream.stop();
        try (Mirror filled = mirror()) {
            assertServed(filled);
        }
    }

    /** As kubectl prints it, but for what it says of other things. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void podsOnStandardInputAreWarmedWithInitAndEphemeralContainers(boolean serving) throws Exception {
        Bundle init = upstream.push("team/init", images.image(Platform.parse("linux/amd64"), 5_000), "2");
        Bundle debug = upstream.push("team/debug", images.image(Platform.parse("linux/amd64"), 5_000));
        String pods = podList(debug.digest());

        Result result;
        if (serving) {
            Mirror empty = mirror();
            try (empty) {
                result = commands.runOn(pods, "cache", "warm", "-");
            }
        } else {
            result = commands.runOn(pods, "cache", "warm", "-");
        }

        assertThat(result.out()).contains("3 of 3 images are in the cache as a whole: 6 manifests");
        assertThat(result.err().contains("asking the server at")).isEqualTo(serving);
        assertThat(result.err()).doesNotContain("is no image");
        assertThat(result.code()).isZero();
        upstream.stop();
        try (Mirror filled = mirror()) {
            assertServed(filled);
            for (Bundle image : List.of(init, debug)) {
                String name = image == init ? "team/init" : "team/debug";
                for (Digest blob : image.blobs().keySet()) {
                    assertThat(Digest.sha256(
                                    pull(filled, name, "/blobs/" + blob).body()))
                            .isEqualTo(blob);
                }
            }
        }
    }

    // What nodes have made of the names (imageID) is not what they ask for when a pod is started anew; nobody has it
    // here.
    private static String podList(Digest debug) {
        String gone = Digest.sha256(new byte[] {1}).toString();
        return """
                {
                    "apiVersion": "v1",
                    "items": [
                        {
                            "apiVersion": "v1",
                            "kind": "Pod",
                            "metadata": {
                                "annotations": {"image": "not/this:1"},
                                "labels": {"app": "app"},
                                "name": "app-5d4f8c7b9-x2x4z",
                                "namespace": "team",
                                "ownerReferences": [{"apiVersion": "apps/v1", "controller": true, "kind": "ReplicaSet"}]
                            },
                            "spec": {
                                "containers": [
                                    {
                                        "env": [{"name": "IMAGE", "value": "nor/this:1"}],
                                        "image": "registry.test/team/app:v1",
                                        "imagePullPolicy": "IfNotPresent",
                                        "name": "app",
                                        "resources": {"limits": {"memory": "64Mi"}}
                                    }
                                ],
                                "initContainers": [{"image": "registry.test/team/init:2", "name": "init"}],
                                "restartPolicy": "Always"
                            },
                            "status": {
                                "containerStatuses": [
                                    {
                                        "containerID": "containerd://1f2e",
                                        "image": "registry.test/team/app:v1",
                                        "imageID": "registry.test/team/app@%1$s",
                                        "ready": true,
                                        "restartCount": 0
                                    }
                                ],
                                "initContainerStatuses": [
                                    {
                                        "image": "%1$s",
                                        "imageID": "docker-pullable://registry.test/team/init@%1$s",
                                        "ready": true
                                    }
                                ],
                                "phase": "Running"
                            }
                        },
                        {
                            "apiVersion": "v1",
                            "kind": "Pod",
                            "metadata": {"name": "app-5d4f8c7b9-b7kqq", "namespace": "team"},
                            "spec": {
                                "containers": [{"image": "registry.test/team/app:v1", "name": "app"}],
                                "ephemeralContainers": [{"image": "registry.test/team/debug@%2$s", "name": "debugger-8xzrl"}]
                            },
                            "status": {"containerStatuses": [{"image": "", "imageID": "", "ready": false}], "phase": "Pending"}
                        }
                    ],
                    "kind": "List",
                    "metadata": {"resourceVersion": ""}
                }
                """.formatted(gone, debug);
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "-1"})
    void noImagesAreNotANumberOfImages(String top) {
        Result result = commands.runOn("registry.test/team/app:v1", "cache", "warm", "--top", top, "--dry-run", "-");
        assertThat(result.code()).isEqualTo(2);
        assertThat(result.err()).isEqualTo("entrepot: --top " + top + ": expected 1 or more\n");
    }

    @Test
    void apiRefusesWhatItCannotRead() throws Exception {
        try (Mirror mirror = mirror()) {
            URI uri = URI.create("http://127.0.0.1:" + mirror.adminPort() + "/cache/warm");
            for (String body : List.of("", "{}", "{\"images\":[]}", "{\"images\":[\"UPPER/case:1\"]}", "[")) {
                HttpResponse<String> answer = client.send(
                        HttpRequest.newBuilder(uri)
                                .header("Content-Type", "application/json")
                                .POST(HttpRequest.BodyPublishers.ofString(body))
                                .build(),
                        HttpResponse.BodyHandlers.ofString());
                assertThat(answer.statusCode()).as(body).isEqualTo(400);
                assertThat(answer.body()).contains("\"error\"");
            }
        }
    }
}
