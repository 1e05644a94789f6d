package dev.entrepot.proxy;

import static dev.entrepot.proxy.MirrorFixture.header;
import static dev.entrepot.proxy.MirrorFixture.verdict;
import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What limits of rules do when the clock of the machine is set back, while the server runs and between two runs. */
@Timeout(60)
class ClockSetBackEndToEndTest {
    private static final String TAG = "/v2/team/app/manifests/v1";

    @TempDir
    private Path folder;

    private final TestRegistry registry = TestRegistry.started();
    private final Images images = new Images(3);

    @AfterEach
    void stop() {
        registry.close();
    }

    private String configuration(String rule) {
        return """
                default-upstream: registry.test
                upstreams:
                  registry.test: {url: "%s"}
                rules: [{check-deadline: 0s, %s}]
                """.formatted(registry.uri(), rule);
    }

    private static String explained(MirrorFixture mirror, String name) throws Exception {
        String said =
                mirror.admin("/explain?ref=registry.test%2Fteam%2Fapp%3Av1").body();
        return OciJson.mapper().readTree(said).path(name).asString("");
    }

    @Test
    void timeOfStaleContentRunsFromTheStartAfterTheClockWasSetBack() throws Exception {
        registry.push("team/app", images.image(10), "v1");
        try (MirrorFixture mirror = MirrorFixture.started(folder, configuration("stale: 1h"))) {
            assertThat(verdict(mirror.get(TAG))).isEqualTo("miss");
            mirror.stop();
            mirror.setClock(Duration.ofHours(-9));
            mirror.start();
            registry.faults().always(Requests.any(), Fault.status(500));

            // What was confirmed in the future is asked for again.
            assertThat(explained(mirror, "nextCheck")).isEqualTo("2026-11-20T01:00:00Z");
            assertThat(verdict(mirror.get(TAG))).isEqualTo("stale");
            mirror.advance(Duration.ofMinutes(59));
            assertThat(verdict(mirror.get(TAG))).isEqualTo("stale");
            mirror.advance(Duration.ofMinutes(2));
            assertThat(mirror.get(TAG).statusCode()).isEqualTo(502);
        }
    }

    @Test
    void minimumAgeRunsFromTheStartAfterTheClockWasSetBack() throws Exception {
        Bundle first = registry.push("team/app", images.image(10), "v1");
        try (MirrorFixture mirror = MirrorFixture.started(folder, configuration("min-age: 2h"))) {
            assertThat(mirror.get(TAG).statusCode()).isEqualTo(403);
            mirror.stop();
            mirror.setClock(Duration.ofHours(-9));
            mirror.start();

            HttpResponse<byte[]> refused = mirror.get(TAG);
            assertThat(refused.statusCode()).isEqualTo(403);
            assertThat(header(refused, "Retry-After")).isEqualTo("7200");
            assertThat(MirrorFixture.text(refused))
                    .contains("first seen at 2026-11-20T01:00:00Z", "from 2026-11-20T03:00:00Z on");
            mirror.advance(Duration.ofHours(2));
            HttpResponse<byte[]> served = mirror.get(TAG);
            assertThat(served.statusCode()).isEqualTo(200);
            assertThat(header(served, "Docker-Content-Digest"))
                    .isEqualTo(first.digest().toString());
        }
    }

    @Test
    void minimumAgeGoesOnWhileTheServerRuns() throws Exception {
        registry.push("team/app", images.image(10), "v1");
        try (MirrorFixture mirror = MirrorFixture.started(folder, configuration("min-age: 2h"))) {
            assertThat(mirror.get(TAG).statusCode()).isEqualTo(403);
            mirror.advance(Duration.ofHours(1));
            assertThat(header(mirror.get(TAG), "Retry-After")).isEqualTo("3600");
            mirror.setClock(Duration.ofHours(-9));

            assertThat(header(mirror.get(TAG), "Retry-After")).isEqualTo("3600");
            mirror.advance(Duration.ofHours(1));
            assertThat(mirror.get(TAG).statusCode()).isEqualTo(200);
        }
    }
}
