package dev.entrepot.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.ConfigLoader;
import dev.entrepot.config.EntrepotConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** The configurations that image, compose file and service come with, and that the compose file fits what it mounts. */
class ShippedConfigurationsTest {
    private static final Path DATA = Path.of("/var/lib/entrepot");

    private static EntrepotConfig load(String file) throws Exception {
        return ConfigLoader.load(Optional.of(Path.of(file)), Path.of("").toAbsolutePath(), Map.of())
                .config();
    }

    @ParameterizedTest
    @ValueSource(strings = {"image/entrepot.yaml", "compose/entrepot.yaml"})
    void containersServeEverybodyWhoReachesThemAndOpenWhatProbesNeed(String file) throws Exception {
        EntrepotConfig config = load(file);
        assertThat(config.server().listen()).hasToString(":5000");
        assertThat(config.server().admin()).hasToString(":5001");
        assertThat(config.server().anonymous()).isTrue();
        assertThat(config.cache().directory()).isEqualTo(DATA);
    }

    @Test
    void theServiceServesItsOwnMachine() throws Exception {
        EntrepotConfig config = load("systemd/service.yaml");
        assertThat(config.server().listen().isLoopback()).isTrue();
        assertThat(config.cache().directory()).isEqualTo(DATA);
    }

    @Test
    void composeMountsWhatIsThereAndRunsThisVersion() throws Exception {
        Map<?, ?> compose = (Map<?, ?>) new Load(LoadSettings.builder().build())
                .loadFromString(Files.readString(Path.of("compose/compose.yaml")));
        Map<?, ?> service = (Map<?, ?>) ((Map<?, ?>) compose.get("services")).get("entrepot");
        assertThat(service.get("image")).isEqualTo("localhost/entrepot:" + version());
        assertThat(service.get("volumes"))
                .isEqualTo(List.of("data:" + DATA, "./entrepot.yaml:/etc/entrepot/entrepot.yaml:ro"));
        // Nobody on another machine is let in unasked, since everybody may pull who reaches the port.
        assertThat(service.get("ports")).isEqualTo(List.of("127.0.0.1:5000:5000", "127.0.0.1:5001:5001"));
        assertThat(((Map<?, ?>) compose.get("volumes")).keySet()).hasToString("[data]");
        assertThat(Path.of("compose/entrepot.yaml")).exists();
    }

    private static String version() throws IOException {
        return Files.readString(Path.of("../pom.xml"))
                .lines()
                .filter(line -> line.startsWith("  <version>"))
                .map(line -> line.replaceAll("</?version>", "").strip())
                .findFirst()
                .orElseThrow();
    }
}
