package dev.entrepot.proxy;

import static dev.entrepot.proxy.MirrorFixture.APP;
import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.testing.Access;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.oci.testing.TokenService;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * An upstream that may be asked one thing at a time: nothing of a pull may wait for a request while it holds another.
 */
class UpstreamLimitEndToEndTest {
    private final TestRegistry registry = TestRegistry.started();
    private final Images images = new Images(1);
    private MirrorFixture mirror;

    @BeforeEach
    void start(@TempDir Path folder) throws Exception {
        mirror = MirrorFixture.started(folder, """
                default-upstream: registry.test
                upstreams:
                  registry.test: {url: "%s", max-concurrent-requests: 1}
                """.formatted(registry.uri()));
    }

    @AfterEach
    void stop() {
        mirror.close();
        registry.close();
    }

    @Test
    void wholeImageIsPulledWithOneRequestAtATime() throws Exception {
        registry.open(new Access.Bearer(TokenService.forAnyone()));
        Bundle image = registry.push(APP, images.image(300_000, 0, 300_000), "1");
        assertThat(mirror.get("/v2/" + APP + "/manifests/1").statusCode()).isEqualTo(200);
        for (Digest blob : image.blobs().keySet()) {
            assertThat(Digest.sha256(mirror.get("/v2/" + APP + "/blobs/" + blob).body()))
                    .isEqualTo(blob);
        }
    }

    /** Nothing has named the blob yet, so that the upstream is also asked whether it is a manifest. */
    @Test
    void blobThatNoManifestHasNamedIsPulledWithOneRequestAtATime() throws Exception {
        Bundle image = registry.push(APP, images.image(300_000), "1");
        for (Digest blob : image.blobs().keySet()) {
            HttpResponse<byte[]> answer = mirror.get("/v2/" + APP + "/blobs/" + blob);
            assertThat(answer.statusCode()).isEqualTo(200);
            assertThat(Digest.sha256(answer.body())).isEqualTo(blob);
        }
    }
}
