package dev.entrepot.proxy;

import dev.entrepot.config.ConfigException;
import dev.entrepot.config.ConfigLoader;
import dev.entrepot.config.LoadedConfig;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * Where the configuration is read from, each time that it is.
 *
 * @param named the file that the user named
 * @param workingDirectory what relative paths start from
 * @param variables the environment variables that the file may refer to
 */
record ConfigFile(Optional<Path> named, Path workingDirectory, Map<String, String> variables) {
    /** Reads it. */
    LoadedConfig load() throws ConfigException {
        return ConfigLoader.load(named, workingDirectory, variables);
    }

    /** Where it is, or would be. */
    Path path() {
        return workingDirectory.resolve(named.orElse(ConfigLoader.DEFAULT_FILE));
    }
}
