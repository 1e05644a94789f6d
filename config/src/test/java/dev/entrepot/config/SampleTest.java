package dev.entrepot.config;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.RegistryHost;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SampleTest {
    private static final Path SAMPLE = Path.of("../deploy/samples/entrepot.yaml");
    private static final Map<String, String> ENVIRONMENT = Map.of(
            "DOCKER_HUB_TOKEN", "hub-secret",
            "US_REGISTRY_PASSWORD", "us-secret",
            "NOTIFICATION_SECRET", "notification-secret",
            "WEBHOOK_SECRET", "webhook-secret",
            "ADMIN_READ_TOKEN", "read-secret",
            "ADMIN_OPERATE_TOKEN", "operate-secret",
            "TRACING_TOKEN", "tracing-secret");
    private static final List<String> FILES = List.of(
            "tls/server.pem",
            "tls/server.key",
            "tls/internal-ca.pem",
            "tls/client.pem",
            "tls/client.key",
            "tls/client-ca.pem",
            "secrets/admins",
            "secrets/users",
            "secrets/token-key.pem",
            "secrets/registry-password",
            "secrets/config.json",
            "secrets/refresh-token",
            "secrets/service-account.json",
            "secrets/access-token",
            "secrets/azure");

    @TempDir
    Path directory;

    @BeforeEach
    void writeFiles() throws IOException {
        for (String file : FILES) {
            Files.createDirectories(directory.resolve(file).getParent());
            Files.writeString(directory.resolve(file), "file-secret\n");
        }
    }

    @Test
    void theSampleAsItStandsIsTheDefaultConfiguration() throws IOException {
        assertThat(Loading.config(Files.readString(SAMPLE))).isEqualTo(EntrepotConfig.defaults());
    }

    @Test
    void theSampleWithAllUncommentedLoads() throws IOException {
        EntrepotConfig config = full().config();

        assertThat(config.replication().rules())
                .extracting(ReplicationRuleConfig::name)
                .containsExactly("base-images", "to-regions", "signed-only");
        assertThat(config.upstreams().get(RegistryHost.DOCKER_HUB).url()).hasToString("https://registry-1.docker.io");
    }

    @Test
    void theSampleHasEveryKeyThereIs() throws IOException {
        Set<String> missing = new TreeSet<>(Keys.paths());
        full().origins().forEach((path, origin) -> {
            if (!(origin instanceof Origin.Default)) {
                missing.remove(Keys.generic(path));
            }
        });
        missing.removeIf(path -> path.endsWith("[].regex")); // a pattern's long form, shown once, for repositories
        missing.remove("replication.rules[].targets[].credentials.password-file");
        missing.removeIf(path -> path.matches("replication.rules\\[]\\.targets\\[]\\.credentials\\..*"));

        missing.removeIf(path -> path.startsWith("upstreams[name].mirrors[].credentials.")); // as the upstream's own
        missing.removeIf(path -> path.startsWith("upstreams[name].rules[].")); // as rules[], where all are shown
        missing.removeIf(path -> path.matches("rules\\[]\\.prefetch\\..*")); // as those of pin
        missing.removeIf(path -> path.startsWith("upstreams[name].pass-through")); // not beside server.authentication

        assertThat(missing).isEmpty();
    }

    @Test
    void theSampleWithAllUncommentedFitsTheSchema() throws IOException {
        assertThat(SchemaCheck.violations(uncommented())).isEmpty();
        assertThat(SchemaCheck.violations(Files.readString(SAMPLE))).isEmpty();
    }

    @Test
    void whatIsPrintedOfTheFullSampleFitsTheSchemaToo() throws IOException {
        assertThat(SchemaCheck.violations(ConfigPrinter.print(full()))).isEmpty();
    }

    @Test
    void whatIsPrintedLoadsAgainAndPrintsTheSame() throws IOException {
        String printed = ConfigPrinter.print(full());
        LoadedConfig again = Loading.load(printed, directory, Map.of());

        assertThat(withoutComments(ConfigPrinter.print(again))).isEqualTo(withoutComments(printed));
        // As text: secrets are printed as masks.
        assertThat(again.config().server()).hasToString(full().config().server().toString());
        assertThat(again.config().replication().rules().getLast())
                .isEqualTo(full().config().replication().rules().getLast());
    }

    @Test
    void noSecretOfTheSampleIsPrinted() throws IOException {
        LoadedConfig full = full();

        assertThat(ConfigPrinter.print(full)
                        .replace("client-secret:", "client:")
                        .replace("client-secret-file:", "file:"))
                .contains("password: \"***\"", "client: \"***\"")
                .doesNotContain("-secret");
        assertThat(full.toString().replace("client-secret", "client")).doesNotContain("-secret");
    }

    private LoadedConfig full() throws IOException {
        return Loading.load(uncommented(), directory, ENVIRONMENT);
    }

    private static String uncommented() throws IOException {
        return Files.readString(SAMPLE).replaceAll("(?m)^( *)#(?=[^ #\\n])", "$1");
    }

    private static String withoutComments(String yaml) {
        return yaml.replaceAll("(?m)  # .*$", "");
    }
}
