package dev.entrepot.proxy;

import static dev.entrepot.proxy.MirrorFixture.await;
import static dev.entrepot.proxy.MirrorFixture.verdict;
import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.TestRegistry;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What rules and watermarks do to a disk under pressure, as clients see it: what is still a hit. */
@Timeout(60)
class DiskRulesEndToEndTest {
    private static final int LAYER = 300_000;
    private static final int SMALL_LAYER = 100_000;

    @TempDir
    private Path folder;

    private final TestRegistry registry = TestRegistry.started();
    private final Images images = new Images(21);

    @AfterEach
    void stop() {
        registry.close();
    }

    private MirrorFixture mirror(String watermarks, String rules) throws Exception {
        return MirrorFixture.started(
                folder,
                "cache: {directory: ./data, min-free: 1MiB, capacity: 3MB" + watermarks + "}\n"
                        + "default-upstream: registry.test\nupstreams: {registry.test: {url: \"" + registry.uri()
                        + "\"}}\nrules: [" + rules + "]\n");
    }

    // Pulls new images, each of another repository, and gives the paths of their layers.
    private List<String> pull(MirrorFixture mirror, String folderOfNames, int count) throws Exception {
        return pull(mirror, folderOfNames, count, LAYER);
    }

    private List<String> pull(MirrorFixture mirror, String folderOfNames, int count, int layer) throws Exception {
        List<String> layers = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            String name = folderOfNames + "/app-" + i;
            Bundle image = registry.push(name, images.image(layer), "v1");
            assertThat(mirror.get("/v2/" + name + "/manifests/v1").statusCode()).isEqualTo(200);
            for (Digest blob : image.blobs().keySet()) {
                assertThat(mirror.get("/v2/" + name + "/blobs/" + blob).statusCode())
                        .isEqualTo(200);
            }
            layers.add("/v2/" + name + "/blobs/"
                    + List.copyOf(image.blobs().keySet()).getLast());
            mirror.awaitFills();
            assertThat(used(mirror)).isLessThanOrEqualTo(3_000_000);
        }
        // After a minute none of them is being pulled.
        mirror.advance(Duration.ofMinutes(2));
        return layers;
    }

    private static long used(MirrorFixture mirror) throws Exception {
        return OciJson.mapper()
                .readTree(mirror.admin("/cache/stats").body())
                .path("usedBytes")
                .asLong();
    }

    private static long kept(MirrorFixture mirror, List<String> layers) throws Exception {
        long kept = 0;
        for (String layer : layers) {
            kept += verdict(mirror.head(layer)).equals("hit") ? 1 : 0;
        }
        return kept;
    }

    @Test
    void whatHasALowerPriorityGoesFirstAlthoughItWasUsedLast() throws Exception {
        try (MirrorFixture mirror = mirror("", "{repositories: [\"scratch/**\"], priority: -10}")) {
            List<String> first = pull(mirror, "team", 4);
            List<String> scratch = pull(mirror, "scratch", 4);
            List<String> last = pull(mirror, "new", 3);
            assertThat(kept(mirror, first)).isEqualTo(4);
            assertThat(kept(mirror, last)).isEqualTo(3);
            assertThat(kept(mirror, scratch)).isLessThan(4);
        }
    }

    @Test
    void whatHasMoreThanItsShareGoesFirstAndNoFurtherThanThat() throws Exception {
        try (MirrorFixture mirror = mirror("", "{repositories: [\"ci/**\"], share: 25%}")) {
            List<String> first = pull(mirror, "team", 4);
            List<String> ci = pull(mirror, "ci", 5);
            List<String> last = pull(mirror, "new", 2);
            assertThat(kept(mirror, first)).isEqualTo(4);
            assertThat(kept(mirror, last)).isEqualTo(2);
            assertThat(kept(mirror, ci)).isBetween(2L, 4L);
        }
    }

    @Test
    void pinOfARuleOutlastsPressureThatEvictsAllThatIsAsOld() throws Exception {
        try (MirrorFixture mirror = mirror("", "{repositories: [\"pinned/**\"], tags: [\"v*\"], pin: true}")) {
            List<String> pinned = pull(mirror, "pinned", 2);
            await(() -> mirror.metric("entrepot_pin_checks_total{outcome=\"complete\"}") == 2);
            List<String> old = pull(mirror, "team", 2);
            pull(mirror, "scan", 12);
            assertThat(kept(mirror, old)).isZero();
            assertThat(kept(mirror, pinned)).isEqualTo(2);
        }
    }

    @Test
    void beyondTheHighWatermarkIsEvictedInTheBackgroundDownToTheLowOne() throws Exception {
        try (MirrorFixture mirror = mirror(", high-watermark: 80%, low-watermark: 50%", "")) {
            List<String> under = pull(mirror, "under", 23, SMALL_LAYER);
            assertThat(kept(mirror, under)).isEqualTo(23);
            assertThat(used(mirror)).isBetween(2_300_000L, 2_400_000L);
            List<String> beyond = pull(mirror, "beyond", 1, SMALL_LAYER);
            await(() -> used(mirror) <= 1_500_000);
            // What has just come is not what goes.
            assertThat(kept(mirror, beyond)).isEqualTo(1);
            assertThat(kept(mirror, under)).isEqualTo(13);
        }
    }
}
