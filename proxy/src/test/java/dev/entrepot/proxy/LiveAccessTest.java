package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.config.ConfigException;
import dev.entrepot.config.ConfigLoader;
import dev.entrepot.config.EntrepotConfig;
import dev.entrepot.proxy.access.AnonymousPulls;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LiveAccessTest {
    @TempDir
    private Path folder;

    private EntrepotConfig config(String repositories) throws IOException, ConfigException {
        Path file = Files.writeString(
                folder.resolve("entrepot.yaml"),
                "access: [{repositories: [\"" + repositories + "\"], anonymous: true}]\n");
        return ConfigLoader.load(Optional.of(file), folder, Map.of()).config();
    }

    @Test
    void rulesThatTheGateDoesNotTakeAreNotSaidToBeInEffect() throws Exception {
        LiveAccess live = new LiveAccess(config("docker.io/team/**"), path -> Optional.empty(), rules -> {
            throw new IllegalStateException("for the test");
        });
        AnonymousPulls before = live.anonymous();
        EntrepotConfig wider = config("**");

        assertThatThrownBy(() -> live.apply(wider.access(), wider.server(), path -> Optional.empty()))
                .hasMessage("for the test");

        assertThat(live.anonymous()).isSameAs(before);
    }
}
