package dev.entrepot.config;

import dev.entrepot.oci.Digest;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Finds, reads and validates the configuration. */
public final class ConfigLoader {
    /** The file that is read if none is named and it is there. */
    public static final Path DEFAULT_FILE = Path.of("entrepot.yaml");

    private ConfigLoader() {}

    /**
     * Loads the named file, else {@code entrepot.yaml} of the working directory if it is there, else the defaults.
     *
     * @param explicit the file that the user named, seen from the working directory
     * @param workingDirectory what relative paths start from, those within the file too
     * @param environment the environment variables that the file may refer to
     * @throws ConfigException if anything is wrong, with everything that is
     */
    public static LoadedConfig load(Optional<Path> explicit, Path workingDirectory, Map<String, String> environment)
            throws ConfigException {
        return load(explicit, workingDirectory, environment, DataFolders.CONFIGURED);
    }

    /**
     * As above.
     *
     * @param data where the cache is, if something else may say so; no layout of the file may share a folder with it
     */
    public static LoadedConfig load(
            Optional<Path> explicit, Path workingDirectory, Map<String, String> environment, DataFolders data)
            throws ConfigException {
        Path named = explicit.orElse(DEFAULT_FILE);
        Path file = workingDirectory.resolve(named);
        // A link that leads nowhere is there: somebody wants a configuration, and these would be the defaults.
        if (explicit.isEmpty() && Files.notExists(file, LinkOption.NOFOLLOW_LINKS)) {
            return read(Optional.empty(), new byte[0], workingDirectory, environment, data);
        }
        return read(Optional.of(named), bytes(named, file), workingDirectory, environment, data);
    }

    /** As {@link #load}, of bytes that were read before. */
    static LoadedConfig read(
            Optional<Path> file, byte[] bytes, Path workingDirectory, Map<String, String> environment, DataFolders data)
            throws ConfigException {
        Reading reading = new Reading(file.orElse(DEFAULT_FILE), workingDirectory, environment, data);
        Optional<EntrepotConfig> config = Optional.empty();
        try {
            ConfigNode root = ConfigNode.root(reading, YamlDocument.parse(bytes, reading));
            config = reading.errorCount() > 0 ? Optional.empty() : RootKeys.SECTION.read(root);
        } catch (Reading.TooManyValuesException e) {
            reading.error(ConfigError.Kind.SYNTAX, Position.FILE, "", "", e.problem(), Optional.empty());
        }
        if (reading.errorCount() > 0 || config.isEmpty()) {
            throw new ConfigException(reading.errors());
        }
        return new LoadedConfig(config.get(), file, reading.origins(), file.map(read -> Digest.sha256(bytes)));
    }

    private static byte[] bytes(Path named, Path file) throws ConfigException {
        if (!Files.isRegularFile(file)) {
            String problem = Files.exists(file)
                    ? "is not a file"
                    : Files.isSymbolicLink(file) ? "the link leads to no file" : "there is no such file";
            throw unreadable(named, problem);
        }
        try (InputStream in = Files.newInputStream(file)) {
            return in.readNBytes(YamlDocument.MAX_BYTES + 1);
        } catch (IOException e) {
            throw unreadable(named, "the file cannot be read");
        }
    }

    private static ConfigException unreadable(Path named, String problem) {
        return new ConfigException(
                List.of(new ConfigError(ConfigError.Kind.UNREADABLE, named, 0, 0, "", "", problem, Optional.empty())));
    }
}
