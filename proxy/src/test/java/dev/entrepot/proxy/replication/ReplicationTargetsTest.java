package dev.entrepot.proxy.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.CredentialsConfig;
import dev.entrepot.config.LimitsConfig;
import dev.entrepot.config.NamePattern;
import dev.entrepot.config.PruneConfig;
import dev.entrepot.config.ReferrersConfig;
import dev.entrepot.config.ReplicationRuleConfig;
import dev.entrepot.config.Secret;
import dev.entrepot.config.TagSelectionConfig;
import dev.entrepot.config.TargetConfig;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.RegistryClient;
import dev.entrepot.replicator.TargetRegistry;
import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ReplicationTargetsTest {
    private static TargetConfig target(int requests, Optional<String> prefix, Optional<String> user) {
        return new TargetConfig(
                new TargetConfig.RegistryDestination(
                        URI.create("https://eu.test"),
                        user.map(name -> new CredentialsConfig.UsernamePassword(name, Secret.of("secret"))),
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty()),
                prefix.map(RepositoryName::new),
                Map.of(),
                requests);
    }

    private static ReplicationRuleConfig rule(String name, TargetConfig... targets) {
        return new ReplicationRuleConfig(
                name,
                new RegistryHost("source.test"),
                List.of(NamePattern.parse("*")),
                TagSelectionConfig.ALL,
                List.of(targets),
                List.of(),
                ReplicationRuleConfig.OnSparseRefused.FAIL,
                ReferrersConfig.ALL,
                ReplicationRuleConfig.OnConflict.OVERWRITE,
                List.of(),
                PruneConfig.OFF,
                Optional.empty(),
                LimitsConfig.NONE,
                ReplicationRuleConfig.Verify.HEAD);
    }

    @Test
    void rulesThatReachARegistryInTheSameWayShareItsClientAndItsLimits() throws IOException {
        List<ReplicationRuleConfig> rules = List.of(
                rule(
                        "one",
                        target(4, Optional.empty(), Optional.of("robot")),
                        target(4, Optional.of("mirror"), Optional.of("robot"))),
                rule("two", target(20, Optional.empty(), Optional.of("robot"))),
                rule("other", target(4, Optional.empty(), Optional.of("somebody else"))));
        List<TargetRegistry> opened = new ArrayList<>();
        try (ReplicationTargets targets = new ReplicationTargets(ClientEnvironment.system("test"), rules)) {
            for (ReplicationRuleConfig rule : rules) {
                opened.addAll(targets.open(rule));
            }
            List<RegistryClient> clients = opened.stream()
                    .map(target -> ((RegistryTarget) target).client())
                    .toList();

            assertThat(targets.clients()).containsExactly(clients.get(0), clients.get(3));
            assertThat(clients.get(1)).isSameAs(clients.get(0));
            assertThat(clients.get(2)).isSameAs(clients.get(0));
            assertThat(clients.get(0).endpoint().maxConcurrentRequests()).isEqualTo(20);
            assertThat(clients)
                    .extracting(client -> client.endpoint().servesClients())
                    .containsOnly(false);
            assertThat(opened)
                    .extracting(TargetRegistry::name)
                    .containsExactly("eu.test", "eu.test#mirror", "eu.test", "eu.test");
            assertThat(opened).extracting(TargetRegistry::place).containsOnly("eu.test");
        }
    }
}
