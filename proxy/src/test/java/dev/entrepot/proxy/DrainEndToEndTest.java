package dev.entrepot.proxy;

import static dev.entrepot.proxy.MirrorFixture.APP;
import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Gate;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is under way when the server is stopped. */
class DrainEndToEndTest {
    private static final int PULLS = 20;

    private final TestRegistry registry = TestRegistry.started();
    private final Bundle image = registry.push(APP, new Images(3).image(400_000), "1");
    private final Gate never = new Gate();

    @TempDir
    private Path folder;

    @AfterEach
    void stop() {
        never.open();
        registry.close();
    }

    @Test
    void pullsThatAreCutAtItsEndAreInTheAccessLog() throws Exception {
        String layer = new ArrayList<>(image.blobs().keySet()).getLast().toString();
        registry.faults().always(Requests.blobs(), Fault.stallAfter(100_000, never));
        try (MirrorFixture mirror = MirrorFixture.started(folder, """
                default-upstream: registry.test
                upstreams: {registry.test: {url: "%s"}}
                server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0", drain: 0s, access-log: json}
                """.formatted(registry.uri()))) {
            List<InputStream> open = new ArrayList<>();
            for (int i = 0; i < PULLS; i++) {
                InputStream body = mirror.open("/v2/" + APP + "/blobs/" + layer).body();
                assertThat(body.readNBytes(1)).hasSize(1);
                open.add(body);
            }
            mirror.stop();
            assertThat(mirror.accessLog().stream().filter(line -> line.contains(layer)))
                    .hasSize(PULLS)
                    .noneMatch(line -> line.contains("\"end\":\"complete\""));
            for (InputStream body : open) {
                body.close();
            }
        }
    }
}
