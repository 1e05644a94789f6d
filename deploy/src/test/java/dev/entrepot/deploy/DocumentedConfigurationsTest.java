package dev.entrepot.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.ConfigError;
import dev.entrepot.config.ConfigException;
import dev.entrepot.config.ConfigLoader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The configurations that the documents show load, but for the files and variables that they name. */
class DocumentedConfigurationsTest {
    private static final Pattern BLOCK = Pattern.compile("(?ms)^( *)```yaml\\n(.*?)^ *```$");
    // Of regsync, which docs/comparison.md compares, and of Prometheus.
    private static final Pattern OF_OTHERS = Pattern.compile("(?m)^(creds|scrape_configs):");

    @TempDir
    private Path folder;

    static Stream<String> blocks() throws IOException {
        try (Stream<Path> files = Files.walk(Path.of("../docs"))) {
            return Stream.concat(Stream.of(Path.of("../README.md")), files)
                    .filter(file -> file.toString().endsWith(".md"))
                    .sorted()
                    .toList()
                    .stream()
                    .flatMap(file -> BLOCK.matcher(text(file)).results().map(DocumentedConfigurationsTest::unindented))
                    .filter(block -> !OF_OTHERS.matcher(block).find());
        }
    }

    private static String unindented(MatchResult block) {
        return block.group(2).replaceAll("(?m)^" + block.group(1), "");
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @ParameterizedTest
    @MethodSource("blocks")
    void everyConfigurationOfTheDocumentsLoads(String yaml) throws IOException {
        Path file = Files.writeString(folder.resolve("entrepot.yaml"), yaml);
        assertThat(errors(file))
                .filteredOn(error -> error.kind() != ConfigError.Kind.UNRESOLVED_REFERENCE
                        && !error.allowed().equals("a file that is there and can be read"))
                .isEmpty();
    }

    private List<ConfigError> errors(Path file) {
        try {
            ConfigLoader.load(Optional.of(file), folder, Map.of());
            return List.of();
        } catch (ConfigException e) {
            return e.errors();
        }
    }
}
