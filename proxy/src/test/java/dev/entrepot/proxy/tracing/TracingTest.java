package dev.entrepot.proxy.tracing;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.config.TracingConfig;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TracingTest {
    @TempDir
    private Path folder;

    private static void open(Path authorities) throws IOException {
        TracingConfig config = new TracingConfig(
                URI.create("https://collector.test/v1/traces"), Map.of(), Optional.of(authorities), 1, List.of());
        Tracing.open(config, "1", "server").close();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "no certificate",
                "-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----\n",
                "-----BEGIN PRIVATE KEY-----\nbm9uZQ==\n-----END PRIVATE KEY-----\n"
            })
    void authoritiesThatAreNoneAreAMistakeOfTheConfigurationAndNoDefect(String content) throws IOException {
        Path file = Files.writeString(folder.resolve("ca.pem"), content);

        assertThatThrownBy(() -> open(file))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(file.toString())
                .hasMessageContaining("tracing.ca")
                .hasMessageContaining("no PEM certificate");
    }

    @Test
    void authoritiesThatAreMissingAreNamed() {
        assertThatThrownBy(() -> open(folder.resolve("missing.pem")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("missing.pem");
    }
}
