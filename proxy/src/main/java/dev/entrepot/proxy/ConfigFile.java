package dev.entrepot.proxy;

import dev.entrepot.config.ConfigException;
import dev.entrepot.config.ConfigLoader;
import dev.entrepot.config.EntrepotConfig;
import dev.entrepot.config.ListenAddress;
import dev.entrepot.config.LoadedConfig;
import dev.entrepot.config.ServerConfig;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * Where the configuration is read from, each time that it is.
 *
 * @param named the file that the user named
 * @param workingDirectory what relative paths start from
 * @param variables the environment variables that the file may refer to
 * @param listen where to listen instead, which an option said
 */
record ConfigFile(
        Optional<Path> named, Path workingDirectory, Map<String, String> variables, Optional<ListenAddress> listen) {
    /** A file of which no option overrides anything. */
    ConfigFile(Optional<Path> named, Path workingDirectory, Map<String, String> variables) {
        this(named, workingDirectory, variables, Optional.empty());
    }

    /** This file, with an option that overrides where to listen. */
    ConfigFile withListen(Optional<ListenAddress> address) {
        return new ConfigFile(named, workingDirectory, variables, address);
    }

    /** How the server is configured that such a file is read for again. */
    ServerConfig server(EntrepotConfig read) {
        return listen.map(read.server()::withListen).orElse(read.server());
    }

    /** Reads it. */
    LoadedConfig load() throws ConfigException {
        return ConfigLoader.load(named, workingDirectory, variables);
    }

    /** Where it is, or would be. */
    Path path() {
        return workingDirectory.resolve(named.orElse(ConfigLoader.DEFAULT_FILE));
    }
}
