package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.ConfigLoader;
import dev.entrepot.config.EntrepotConfig;
import dev.entrepot.oci.testing.Corpus;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The configurations that docs/security.md shows. */
class SecurityPageTest {
    @TempDir
    private Path folder;

    private final Path page =
            Corpus.locate().resolve("../../../docs/security.md").normalize();

    /** To the letter but for the folder of the files that they name. */
    @Test
    void configurationsOfThePageAreTaken() throws Exception {
        List<String> blocks = new GuideWalk(folder, page, Map.of("/etc/entrepot/", folder + "/")).blocks("yaml");
        assertThat(blocks).hasSize(1);
        for (String name : List.of("tls.crt", "tls.key", "users")) {
            Files.writeString(folder.resolve(name), "");
        }
        Path file = Files.writeString(folder.resolve("entrepot.yaml"), blocks.getFirst());
        EntrepotConfig config =
                ConfigLoader.load(Optional.of(file), folder, Map.of()).config();
        assertThat(config.server().listen().isLoopback()).isFalse();
        assertThat(config.server().authentication().isConfigured()).isTrue();
        assertThat(config.access()).hasSize(2);
    }
}
