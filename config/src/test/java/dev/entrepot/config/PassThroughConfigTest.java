package dev.entrepot.config;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.RegistryHost;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What may be configured together with the credentials of clients, and what may not. */
class PassThroughConfigTest {
    private static Optional<PassThroughConfig> of(String value) {
        return Loading.config("upstreams:\n  registry.test: {pass-through: " + value + "}\n")
                .upstreams()
                .get(new RegistryHost("registry.test"))
                .passThrough();
    }

    @Test
    void defaultsAreAHeadThatCountsForFiveMinutes() {
        PassThroughConfig defaults = new PassThroughConfig(PassThroughConfig.Proof.HEAD, Duration.ofMinutes(5));
        assertThat(of("{}")).contains(defaults);
        assertThat(of("{proof: head, proof-for: 5m}")).contains(defaults);
        assertThat(of("{proof-for: 90s}")).map(PassThroughConfig::proofFor).contains(Duration.ofSeconds(90));
        assertThat(Loading.config("").upstreams().values())
                .allSatisfy(upstream -> assertThat(upstream.passThrough()).isEmpty());
    }

    @Test
    void proofIsNeverKeptForHoursAndThereIsNoOtherKindOfIt() {
        for (String wrong : new String[] {"{proof-for: 61m}", "{proof-for: 0s}", "{proof: none}", "{proof: \"\"}"}) {
            ConfigError error = Loading.error("upstreams:\n  registry.test: {pass-through: " + wrong + "}\n");
            assertThat(error.path()).as(wrong).startsWith("upstreams[registry.test].pass-through.");
        }
    }

    @Test
    void nothingElseMayOpenTheRegistryToEverybody() {
        for (String beside : new String[] {
            "credentials: {username: a, password: b}", "mirrors: [{url: \"https://mirror.test\"}]",
        }) {
            ConfigError error =
                    Loading.error("upstreams:\n  registry.test:\n    pass-through: {}\n    " + beside + "\n");
            assertThat(error.path()).isEqualTo("upstreams[registry.test].pass-through");
            assertThat(error.toString()).contains("only the client's own credentials may open this registry");
        }
    }

    @Test
    void headerIsEitherForThisServerOrForTheRegistry(@TempDir Path folder) throws Exception {
        Files.writeString(folder.resolve("users"), "");
        String server = "server: {authentication: {htpasswd: users}}\n";
        String through = "upstreams:\n  registry.test: {pass-through: {}}\n";
        List<ConfigError> errors = Loading.errors(server + through, folder, Map.of());
        assertThat(errors).singleElement().satisfies(error -> {
            assertThat(error.path()).isEqualTo("upstreams[registry.test].pass-through");
            assertThat(error.toString()).contains("either to this server", "server.tls.client-ca");
        });
        assertThat(Loading.load(through, folder, Map.of())).isNotNull();
        assertThat(Loading.load(server, folder, Map.of())).isNotNull();
    }

    @Test
    void ruleOfReplicationHasNoClientWhoseCredentialsItCouldShow() {
        ConfigError error = Loading.error("""
                upstreams:
                  registry.test: {pass-through: {}}
                replication:
                  rules:
                    - {name: all, source: registry.test, repositories: ["**"], targets: [{url: "https://other.test"}]}
                """);
        assertThat(error.path()).endsWith("rules[0].source");
        assertThat(error.toString()).contains("registry.test passes clients' credentials through, and a rule has none");
    }
}
