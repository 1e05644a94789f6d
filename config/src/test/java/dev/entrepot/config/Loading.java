package dev.entrepot.config;

import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Loads texts as if they were {@code test.yaml}. */
final class Loading {
    static final Path FILE = Path.of("test.yaml");

    private Loading() {}

    static LoadedConfig load(String yaml) {
        return load(yaml, Path.of(""), Map.of());
    }

    static LoadedConfig load(String yaml, Path workingDirectory, Map<String, String> environment) {
        try {
            return read(yaml, workingDirectory, environment);
        } catch (ConfigException e) {
            throw new AssertionError(e.getMessage(), e);
        }
    }

    static EntrepotConfig config(String yaml) {
        return load(yaml).config();
    }

    static List<ConfigError> errors(String yaml) {
        return errors(yaml, Path.of(""), Map.of());
    }

    static List<ConfigError> errors(String yaml, Path workingDirectory, Map<String, String> environment) {
        ConfigException refused =
                catchThrowableOfType(ConfigException.class, () -> read(yaml, workingDirectory, environment));
        if (refused == null) {
            throw new AssertionError("loaded without errors");
        }
        return refused.errors();
    }

    /** The only error. */
    static ConfigError error(String yaml) {
        List<ConfigError> errors = errors(yaml);
        if (errors.size() != 1) {
            throw new AssertionError("expected one error, found " + errors);
        }
        return errors.getFirst();
    }

    /** Line, column, path and kind of each error. */
    static List<String> places(String yaml) {
        return errors(yaml).stream()
                .map(e -> e.line() + ":" + e.column() + " " + e.path() + " " + e.kind())
                .toList();
    }

    private static LoadedConfig read(String yaml, Path workingDirectory, Map<String, String> environment)
            throws ConfigException {
        return ConfigLoader.read(
                Optional.of(FILE),
                yaml.getBytes(StandardCharsets.UTF_8),
                workingDirectory,
                environment,
                DataFolders.CONFIGURED);
    }
}
