package dev.entrepot.proxy;

import static dev.entrepot.proxy.MirrorFixture.await;
import static dev.entrepot.proxy.MirrorFixture.verdict;
import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.Platform;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a rule with {@code prefetch} brings after a client has pulled a manifest, seen from the client and from the
 * upstream.
 */
@Timeout(60)
class PrefetchEndToEndTest {
    private static final String COMPLETE = "entrepot_prefetch_graphs_total{outcome=\"complete\"}";
    private static final String RULES = """
            rules:
              - {repositories: [whole], prefetch: true}
              - {repositories: [behind], prefetch: true, freshness: offline-first}
              - {repositories: [arm], tags: ["v*"], prefetch: {platforms: [linux/arm64], referrers: false}}
            """;

    private final TestRegistry registry = TestRegistry.started();
    private final Images images = new Images(3);
    private final Bundle amd = images.image(Platform.parse("linux/amd64"), 3_000);
    private final Bundle arm = images.image(Platform.parse("linux/arm64"), 4_000);
    private final Bundle index = images.indexOf(List.of(amd, arm));
    private final Bundle sbom = images.referrer(index, "application/vnd.test.sbom");
    private MirrorFixture mirror;

    @BeforeEach
    void start(@TempDir Path folder) throws Exception {
        mirror = MirrorFixture.started(folder, """
                default-upstream: registry.test
                upstreams:
                  registry.test: {url: "%s"}
                """.formatted(registry.uri()) + RULES);
    }

    @AfterEach
    void stop() {
        mirror.close();
        registry.close();
    }

    private HttpResponse<byte[]> pull(String path) throws Exception {
        return mirror.get("/v2/" + path);
    }

    private void awaitDone(int graphs) throws Exception {
        await(() -> mirror.metric(COMPLETE) == graphs);
    }

    private static List<Digest> blobs(Bundle image) throws Exception {
        return Manifest.parse(image.root()).blobs().stream()
                .map(blob -> blob.digest())
                .toList();
    }

    @Test
    void pullOfATagBringsLayersAndReferrersBehindTheClient() throws Exception {
        registry.push("whole", index, "v1");
        registry.push("whole", sbom);

        assertThat(verdict(pull("whole/manifests/v1"))).isEqualTo("miss");
        awaitDone(1);
        registry.stop();

        for (Bundle image : List.of(amd, arm, sbom)) {
            assertThat(verdict(pull("whole/manifests/" + image.digest()))).isEqualTo("hit");
            for (Digest blob : blobs(image)) {
                assertThat(verdict(pull("whole/blobs/" + blob))).isEqualTo("hit");
            }
        }
        assertThat(verdict(pull("whole/referrers/" + index.digest()))).isEqualTo("hit");
    }

    @Test
    void pullOfAnIndexByItsDigestBringsTheRestToo() throws Exception {
        registry.push("whole", index, "v1");

        assertThat(verdict(pull("whole/manifests/" + index.digest()))).isEqualTo("miss");
        awaitDone(1);
        registry.stop();

        for (Bundle image : List.of(amd, arm)) {
            for (Digest blob : blobs(image)) {
                assertThat(verdict(pull("whole/blobs/" + blob))).isEqualTo("hit");
            }
        }
    }

    @Test
    void imageThatWasFetchedBehindAClientThatGotTheFormerIsBroughtToo() throws Exception {
        registry.push("behind", amd, "v1");
        pull("behind/manifests/v1");
        awaitDone(1);
        registry.push("behind", arm, "v1");
        mirror.advance(Duration.ofDays(1));

        // The former one, a day after it was looked at last, and the present one.
        assertThat(verdict(pull("behind/manifests/v1"))).isEqualTo("hit");
        awaitDone(3);
        registry.stop();

        for (Digest blob : blobs(arm)) {
            assertThat(verdict(pull("behind/blobs/" + blob))).isEqualTo("hit");
        }
    }

    @Test
    void onlyThePlatformsThatTheRuleNamesAreBrought() throws Exception {
        registry.push("arm", index, "v1");

        pull("arm/manifests/v1");
        awaitDone(1);

        for (Digest blob : blobs(arm)) {
            assertThat(verdict(pull("arm/blobs/" + blob))).isEqualTo("hit");
        }
        String unwanted = amd.digest().encoded();
        assertThat(registry.requests(request -> request.path().contains(unwanted)))
                .isEmpty();
        assertThat(registry.requests(request -> request.path().contains("/referrers/")))
                .isEmpty();
    }

    @Test
    void hitAndTagWithoutARuleBringNothing() throws Exception {
        registry.push("arm", index, "latest");
        registry.push("whole", index, "v1");
        pull("whole/manifests/v1");
        awaitDone(1);

        assertThat(verdict(pull("whole/manifests/v1"))).isEqualTo("hit");
        pull("arm/manifests/latest");

        assertThat(registry.calls().count(Requests.repository("arm").and(Requests.path("/blobs/"))))
                .isZero();
        assertThat(mirror.metric(COMPLETE)).isEqualTo(1);
        assertThat(mirror.metric("entrepot_prefetch_waiting")).isZero();
    }

    @Test
    void hitBringsTheRestOfWhatWasKeptBeforeThereWasARule() throws Exception {
        registry.push("whole", index, "v1");
        String upstream = """
                default-upstream: registry.test
                upstreams:
                  registry.test: {url: "%s"}
                """.formatted(registry.uri());
        assertThat(mirror.reconfigure(upstream)).isTrue();
        assertThat(verdict(pull("whole/manifests/v1"))).isEqualTo("miss");
        assertThat(mirror.reconfigure(upstream + RULES)).isTrue();

        assertThat(verdict(pull("whole/manifests/v1"))).isEqualTo("hit");
        awaitDone(1);
        registry.stop();

        for (Bundle image : List.of(amd, arm)) {
            for (Digest blob : blobs(image)) {
                assertThat(verdict(pull("whole/blobs/" + blob))).isEqualTo("hit");
            }
        }
    }

    @Test
    void hitOfAnIndexBringsReferrersThatCameLaterAndLayersThatWereEvictedOnceAnHour() throws Exception {
        registry.push("whole", index, "v1");
        pull("whole/manifests/v1");
        awaitDone(1);
        mirror.advance(Duration.ofMinutes(59));
        registry.calls().clear();

        assertThat(verdict(pull("whole/manifests/" + index.digest()))).isEqualTo("hit");
        assertThat(mirror.metric(COMPLETE) + mirror.metric("entrepot_prefetch_waiting"))
                .isEqualTo(1);
        // What comes after that look is not brought by it.
        registry.push("whole", sbom);
        Digest layer = blobs(arm).getLast();
        assertThat(post("/cache/evict", "{\"reference\": \"" + layer + "\"}")).contains("\"evicted\":1");
        assertThat(registry.calls().all()).isEmpty();
        mirror.advance(Duration.ofMinutes(1));
        for (int i = 0; i < 3; i++) {
            assertThat(verdict(pull("whole/manifests/" + index.digest()))).isEqualTo("hit");
        }
        awaitDone(2);
        registry.stop();

        assertThat(verdict(pull("whole/referrers/" + index.digest()))).isEqualTo("hit");
        assertThat(verdict(pull("whole/manifests/" + sbom.digest()))).isEqualTo("hit");
        assertThat(verdict(pull("whole/blobs/" + layer))).isEqualTo("hit");
        assertThat(mirror.metric(COMPLETE)).isEqualTo(2);
    }

    @Test
    void hitOfAnImageByItsDigestAndWhatIsServedStaleAsksForNothing() throws Exception {
        registry.push("whole", index, "v1");
        pull("whole/manifests/v1");
        awaitDone(1);
        mirror.advance(Duration.ofHours(2));

        registry.calls().clear();
        assertThat(verdict(pull("whole/manifests/" + arm.digest()))).isEqualTo("hit");
        assertThat(registry.calls().all()).isEmpty();
        registry.faults().always(Requests.any(), Fault.status(500));
        assertThat(verdict(pull("whole/manifests/v1"))).isEqualTo("stale");
        assertThat(mirror.metric(COMPLETE.replace("complete", "incomplete"))).isZero();
        assertThat(mirror.metric("entrepot_prefetch_waiting")).isZero();

        // Nor has that spent the hour.
        registry.faults().clear();
        assertThat(verdict(pull("whole/manifests/v1"))).isEqualTo("revalidated");
        awaitDone(2);
    }

    private String post(String path, String body) throws Exception {
        try (HttpClient client = HttpClient.newHttpClient()) {
            HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + mirror.adminPort() + path))
                    .header("Content-Type", "application/json")
                    .POST(HttpRequest.BodyPublishers.ofString(body))
                    .build();
            return client.send(request, HttpResponse.BodyHandlers.ofString()).body();
        }
    }
}
