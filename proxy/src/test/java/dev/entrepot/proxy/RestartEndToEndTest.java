package dev.entrepot.proxy;

import static dev.entrepot.proxy.MirrorFixture.APP;
import static dev.entrepot.proxy.MirrorFixture.verdict;
import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.CrashProcess;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Gate;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.Request;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a mirror still knows after it was stopped, or killed, and started again on the same folder. */
class RestartEndToEndTest {
    private static final int SIZE = 4 << 20;
    private static final int STALLED_AT = 3 << 20;
    private static final int READ_BEFORE = 2 << 20;

    @TempDir
    Path folder;

    private final TestRegistry registry = TestRegistry.started();
    private final Images images = new Images(9);
    private final Bundle image = registry.push(APP, images.image(SIZE), "1");
    private final Digest blob = List.copyOf(image.blobs().keySet()).getLast();
    private final String path = "/v2/" + APP + "/blobs/" + blob;
    private final Predicate<Request> gets = Requests.get().and(Requests.blob(blob));
    private final Gate gate = new Gate();

    private String configuration() {
        return """
                cache: {directory: "%s", min-free: 1MiB}
                default-upstream: registry.test
                upstreams:
                  registry.test: {url: "%s"}
                """.formatted(folder.resolve("data"), registry.uri());
    }

    @AfterEach
    void close() {
        gate.open();
        registry.close();
    }

    @Test
    void tagsLinksListsAndBlobsAreStillThereWithTheUpstreamSwitchedOff() throws Exception {
        Bundle signature = registry.push(APP, images.referrer(image, "application/vnd.example.signature"));
        List<String> all = List.of(
                "/v2/" + APP + "/manifests/1",
                "/v2/" + APP + "/manifests/" + image.digest(),
                path,
                "/v2/" + APP + "/tags/list",
                "/v2/" + APP + "/referrers/" + image.digest());
        try (MirrorFixture mirror = MirrorFixture.started(folder, configuration())) {
            List<byte[]> before = bodies(mirror, all);
            mirror.awaitFills();
            mirror.stop();
            registry.stop();
            mirror.start();
            for (int i = 0; i < all.size(); i++) {
                HttpResponse<byte[]> after = mirror.get(all.get(i));
                assertThat(after.body()).isEqualTo(before.get(i));
                assertThat(verdict(after)).as(all.get(i)).isEqualTo("hit");
            }
            assertThat(new String(before.getLast(), StandardCharsets.UTF_8))
                    .contains(signature.digest().toString());
            mirror.advance(Duration.ofHours(1));
            assertThat(verdict(mirror.get(all.getFirst()))).isEqualTo("stale");
            assertThat(verdict(mirror.get(all.getLast()))).isEqualTo("stale");
        }
    }

    private static List<byte[]> bodies(MirrorFixture mirror, List<String> paths) throws Exception {
        List<byte[]> bodies = new ArrayList<>();
        for (String each : paths) {
            HttpResponse<byte[]> answer = mirror.get(each);
            assertThat(answer.statusCode()).as(each).isEqualTo(200);
            bodies.add(answer.body());
        }
        return bodies;
    }

    @Test
    void fillThatAStopBrokeOffIsTakenUpWhereItWas() throws Exception {
        try (MirrorFixture mirror = MirrorFixture.started(folder, configuration())) {
            registry.faults().once(gets, Fault.stallAfter(STALLED_AT, gate));
            mirror.get("/v2/" + APP + "/manifests/1");
            try (InputStream body = mirror.open(path).body()) {
                assertThat(body.readNBytes(READ_BEFORE)).hasSize(READ_BEFORE);
                mirror.stop();
            }
            mirror.start();
            completesWithARange(mirror);
        }
    }

    @Test
    void fillThatAKillBrokeOffIsTakenUpWhereItWas() throws Exception {
        Path file = folder.resolve("child.yaml");
        Files.writeString(file, MirrorFixture.configuration(configuration()));
        registry.faults().once(gets, Fault.stallAfter(STALLED_AT, gate));
        try (CrashProcess child = CrashProcess.start(Main.class, "serve", "--config", file.toString());
                HttpClient client = HttpClient.newHttpClient()) {
            Matcher address = Pattern.compile(" on (http://127\\.0\\.0\\.1:[0-9]+), admin on ")
                    .matcher(child.awaitLine(line -> line.contains(", admin on http://")));
            assertThat(address.find()).isTrue();
            URI manifest = URI.create(address.group(1) + "/v2/" + APP + "/manifests/1");
            assertThat(client.send(HttpRequest.newBuilder(manifest).build(), HttpResponse.BodyHandlers.discarding())
                            .statusCode())
                    .isEqualTo(200);
            HttpRequest pull =
                    HttpRequest.newBuilder(URI.create(address.group(1) + path)).build();
            try (InputStream body =
                    client.send(pull, HttpResponse.BodyHandlers.ofInputStream()).body()) {
                assertThat(body.readNBytes(READ_BEFORE)).hasSize(READ_BEFORE);
                child.kill();
            }
            client.shutdownNow();
        }
        try (MirrorFixture mirror = MirrorFixture.started(folder, configuration())) {
            completesWithARange(mirror);
        }
    }

    private void completesWithARange(MirrorFixture mirror) throws Exception {
        HttpResponse<byte[]> whole = mirror.get(path);
        assertThat(whole.statusCode()).isEqualTo(200);
        assertThat(Digest.sha256(whole.body())).isEqualTo(blob);
        assertThat(registry.calls().count(gets)).isEqualTo(2);
        String range =
                registry.requests(gets).getLast().request().header("Range").orElse("");
        assertThat(range).matches("bytes=[0-9]+-");
        assertThat(Long.parseLong(range.substring(6, range.length() - 1)))
                .isBetween((long) READ_BEFORE, (long) STALLED_AT);
        mirror.awaitFills();
        assertThat(verdict(mirror.get(path))).isEqualTo("hit");
    }
}
