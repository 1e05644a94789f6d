package dev.entrepot.proxy.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.EntrepotConfig;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.client.ClientEnvironment;
import org.junit.jupiter.api.Test;

/** What exports read past the cache. */
class ExportSourcesTest {
    @Test
    void upstreamThatIsReadPastTheCacheKeepsNoRequestsForClients() throws Exception {
        try (ExportSources sources =
                ExportSources.direct(EntrepotConfig.defaults().upstreams(), ClientEnvironment.system("test"))) {
            assertThat(sources.source(RegistryHost.DOCKER_HUB))
                    .isInstanceOfSatisfying(
                            RegistrySource.class,
                            source -> assertThat(source.client().endpoint().servesClients())
                                    .isFalse());
        }
    }
}
