package dev.entrepot.proxy;

import dev.entrepot.config.ConfigError;
import dev.entrepot.config.ConfigException;
import dev.entrepot.config.ConfigLoader;
import dev.entrepot.config.DataFolders;
import dev.entrepot.config.EntrepotConfig;
import dev.entrepot.config.InvalidValueException;
import dev.entrepot.config.ListenAddress;
import dev.entrepot.config.LoadedConfig;
import dev.entrepot.config.ServerConfig;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Where the configuration is read from, each time that it is.
 *
 * @param named the file that the user named
 * @param workingDirectory what relative paths start from
 * @param variables the environment variables that the file may refer to
 * @param listen where to listen instead, which an option said
 * @param data where data is kept, which an option may have said
 */
record ConfigFile(
        Optional<Path> named,
        Path workingDirectory,
        Map<String, String> variables,
        Optional<ListenAddress> listen,
        DataFolders data) {
    private static final String OPTION = "--listen";

    /** A file of which no option overrides anything. */
    ConfigFile(Optional<Path> named, Path workingDirectory, Map<String, String> variables) {
        this(named, workingDirectory, variables, Optional.empty(), DataFolders.CONFIGURED);
    }

    /** This file, with an option that overrides where to listen. */
    ConfigFile withListen(Optional<ListenAddress> address) {
        return new ConfigFile(named, workingDirectory, variables, address, data);
    }

    /** This file, with an option that may override where data is kept. */
    ConfigFile withData(DataFolders folders) {
        return new ConfigFile(named, workingDirectory, variables, listen, folders);
    }

    /**
     * How the server is configured, with the option.
     *
     * @throws ConfigException if what the file says does not let anybody listen there
     */
    ServerConfig server(EntrepotConfig read) throws ConfigException {
        try {
            return listen.map(read.server()::withListen).orElse(read.server());
        } catch (InvalidValueException e) {
            String allowed = e.key().equals("admin") ? "an address other than that of server.admin" : e.allowed();
            throw new ConfigException(List.of(new ConfigError(
                    ConfigError.Kind.INVALID_VALUE,
                    Files.exists(path()) ? name() : Path.of(""),
                    0,
                    0,
                    OPTION,
                    listen.map(ListenAddress::toString).orElse(""),
                    allowed,
                    Optional.empty())));
        }
    }

    /** Reads it. */
    LoadedConfig load() throws ConfigException {
        return ConfigLoader.load(named, workingDirectory, variables, data);
    }

    /** Where it is, or would be. */
    Path path() {
        return workingDirectory.resolve(name());
    }

    private Path name() {
        return named.orElse(ConfigLoader.DEFAULT_FILE);
    }
}
