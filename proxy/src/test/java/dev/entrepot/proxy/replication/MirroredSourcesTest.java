package dev.entrepot.proxy.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.MirrorConfig;
import dev.entrepot.config.UpstreamConfig;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.QuotaReserve;
import dev.entrepot.oci.client.RegistryClient;
import dev.entrepot.oci.client.Safeguards;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Replication reads an upstream through the mirrors that are configured for it, and lists it itself. */
class MirroredSourcesTest {
    private static final RegistryHost NAME = new RegistryHost("registry.test");
    private static final String APP = "team/app";

    private final TestRegistry registry = TestRegistry.started();
    private final TestRegistry copy = TestRegistry.started();

    @AfterEach
    void stop() {
        registry.close();
        copy.close();
    }

    private UpstreamConfig config() {
        UpstreamConfig plain = UpstreamConfig.of(NAME, registry.uri());
        MirrorConfig mirror = new MirrorConfig(
                copy.uri(),
                Optional.of(new RepositoryName("proxy")),
                MirrorConfig.Answers.TAGS,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                List.of(),
                Duration.ofSeconds(3));
        return new UpstreamConfig(
                NAME,
                plain.url(),
                plain.credentials(),
                plain.passThrough(),
                List.of(mirror),
                plain.hosts(),
                plain.aliases(),
                plain.ca(),
                plain.clientCertificate(),
                plain.proxy(),
                plain.tokenRealms(),
                plain.maxConcurrentRequests(),
                plain.quotaReserve(),
                plain.hedge(),
                plain.probe(),
                plain.freshFor(),
                plain.staleFor(),
                plain.rules());
    }

    @Test
    void sourceOfARuleIsReadFromItsMirrorAndListedItself() throws Exception {
        Bundle image = registry.push(APP, new Images(5).image(100), "1");
        copy.push("proxy/" + APP, image, "1");
        ClientEnvironment environment = ClientEnvironment.system("test").withVariables(Map.of());
        UpstreamConfig config = config();
        try (RegistryClient client =
                UpstreamClients.open(config, Safeguards.shared(QuotaReserve.DEFAULT), true, environment)) {
            assertThat(client.mirrors().getFirst().client().endpoint().progressTimeout())
                    .isEqualTo(Duration.ofSeconds(3));
            assertThat(client.mirrors().getFirst().client().endpoint().connectTimeout())
                    .isEqualTo(Duration.ofSeconds(3));
            RegistrySource source = new Registries(
                            Map.of(NAME, config), Map.of(NAME, client), Optional.empty(), environment)
                    .source(NAME);
            RepositorySource repository = source.repository(new RepositoryName(APP));
            assertThat(repository.repository().registry()).isEqualTo(NAME);
            assertThat(repository.resolve(new Tag("1"))).map(d -> d.digest()).contains(image.digest());
            assertThat(repository.fetchManifest(image.digest()).digest()).isEqualTo(image.digest());
            assertThat(registry.calls().count(Requests.manifests())).isZero();
            assertThat(source.catalog()).containsExactly(new RepositoryName(APP));
            assertThat(repository.listTags(Optional.empty()).tags()).containsExactly(new Tag("1"));
            assertThat(copy.calls().count(Requests.tags())).isZero();
        }
    }
}
