package dev.entrepot.proxy.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.RegistryClient;
import dev.entrepot.oci.client.RegistryEndpoint;
import dev.entrepot.oci.testing.TestRegistry;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class RegistryTargetTest {
    private static boolean hasTag(RegistryTarget target) throws IOException {
        return target.reader(new RepositoryName("team/app"))
                .resolve(new Tag("1"))
                .isPresent();
    }

    @Test
    void connectionsThatNobodyUsesAreClosedWhenARunHasEnded() throws Exception {
        try (TestRegistry registry = TestRegistry.started();
                RegistryClient client = new RegistryClient(
                        RegistryEndpoint.of(registry.host(), registry.uri()), ClientEnvironment.system("test"))) {
            byte[] index = "{\"schemaVersion\":2,\"manifests\":[]}".getBytes(StandardCharsets.UTF_8);
            registry.pushManifest("team/app", MediaType.OCI_INDEX.value(), index, "1");
            RegistryTarget target = new RegistryTarget("target", client);
            target.begin();
            assertThat(hasTag(target)).isTrue();
            assertThat(registry.server().connectionsOpen()).isEqualTo(1);
            target.end(true);
            long start = System.nanoTime();
            while (registry.server().connectionsOpen() > 0) {
                assertThat(System.nanoTime() - start)
                        .isLessThan(Duration.ofSeconds(20).toNanos());
                Thread.onSpinWait();
            }

            assertThat(hasTag(target)).isTrue();
            assertThat(registry.server().connectionsAccepted()).isEqualTo(2);
        }
    }
}
