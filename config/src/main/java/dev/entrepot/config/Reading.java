package dev.entrepot.config;

import dev.entrepot.oci.RegistryHost;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What one reading of a configuration needs and gathers: the errors, so that it goes on after the first, the origin of
 * every value, and where each was. It belongs to one thread.
 */
final class Reading {
    /** How many values a file may have, aliases followed. */
    static final int MAX_VALUES = 200_000;

    private final Path file;
    private final Path workingDirectory;
    private final References references;
    private final DataFolders data;
    private final List<ConfigError> errors = new ArrayList<>();
    private final Map<String, Origin> origins = new LinkedHashMap<>();
    private final Map<String, Position> positions = new LinkedHashMap<>();
    private final Map<String, Position> keys = new LinkedHashMap<>();
    private final Map<String, RegistryHost> upstreamsNamed = new LinkedHashMap<>();
    private final Set<RegistryHost> upstreamsWritten = new HashSet<>();
    private final Map<Object, String> paths = new IdentityHashMap<>();
    private int values;

    Reading(Path file, Path workingDirectory, Map<String, String> environment) {
        this(file, workingDirectory, environment, DataFolders.CONFIGURED);
    }

    /** As above, where something else may say where the cache is. */
    Reading(Path file, Path workingDirectory, Map<String, String> environment, DataFolders data) {
        this.file = file;
        this.workingDirectory = workingDirectory;
        this.references = new References(workingDirectory, environment);
        this.data = data;
    }

    /** The file, as it was named. */
    Path file() {
        return file;
    }

    /** A path of the file, seen from the working directory. */
    Path resolve(String path) {
        return workingDirectory.resolve(path).normalize();
    }

    /** All folders that are the cache's. */
    List<DataFolder> dataFolders(CacheConfig cache) {
        return data.of(cache.directory());
    }

    /** What replaces references in values. */
    References references() {
        return references;
    }

    /** Records an error. */
    void error(
            ConfigError.Kind kind,
            Position at,
            String path,
            String value,
            String allowed,
            Optional<String> suggestion) {
        errors.add(new ConfigError(kind, file, at.line(), at.column(), path, shorten(value), allowed, suggestion));
    }

    /** Records that the value at a path, which was read, contradicts another. */
    void conflict(String path, String problem) {
        error(ConfigError.Kind.CONFLICT, positionOf(path), path, "", problem, Optional.empty());
    }

    /** How many errors there are so far. */
    int errorCount() {
        return errors.size();
    }

    /** Every error so far, in the order of the file. */
    List<ConfigError> errors() {
        return errors.stream()
                .sorted(Comparator.comparingInt(ConfigError::line).thenComparingInt(ConfigError::column))
                .toList();
    }

    /** Records where the key of a path is. */
    void keyAt(String path, Position at) {
        keys.put(path, at);
    }

    /** Where the key of a path is; the file as a whole if it is not there. */
    Position keyOf(String path) {
        return keys.getOrDefault(path, Position.FILE);
    }

    /**
     * Counts a value that is looked at. Aliases let a short file have many.
     *
     * @throws TooManyValuesException if there are more than {@link #MAX_VALUES}
     */
    void visit() {
        values++;
        if (values > MAX_VALUES) {
            throw new TooManyValuesException();
        }
    }

    /** Records that what would be at a path, were it in the file, is there by default. */
    void builtIn(String path) {
        origins.putIfAbsent(path, new Origin.Default());
    }

    /** Records where the value at a path is and comes from. */
    void found(String path, Position at, Origin origin) {
        positions.put(path, at);
        origins.put(path, origin);
    }

    /** Records that the file has an upstream of a name. */
    void upstreamWritten(RegistryHost name) {
        upstreamsWritten.add(name);
    }

    /**
     * The upstream that a name means: what else Docker Hub is called means {@code docker.io}, unless the file has an
     * upstream of that very name. To be asked after the upstreams were read.
     */
    RegistryHost upstreamMeant(RegistryHost written) {
        return RegistryHost.OTHER_NAMES_OF_DOCKER_HUB.contains(written) && !upstreamsWritten.contains(written)
                ? RegistryHost.DOCKER_HUB
                : written;
    }

    /** Records that a path names an upstream, as it is written. */
    void upstreamNamed(String path, RegistryHost written) {
        upstreamsNamed.put(path, written);
    }

    /** The names of upstreams as they are written, by the paths where they are. */
    Map<String, RegistryHost> upstreamsNamed() {
        return upstreamsNamed;
    }

    /** Records that a section was built from what is at a path. */
    void built(Object section, String path) {
        paths.put(section, path);
    }

    /** The path of a section that was built by this reading; empty for any other object. */
    String pathOf(Object section) {
        return paths.getOrDefault(section, "");
    }

    /** The origin of every value that was read. */
    Map<String, Origin> origins() {
        return origins;
    }

    /** Whether the file has the path. */
    boolean wasFound(String path) {
        return positions.containsKey(path);
    }

    /** Where the value at a path is, or else the nearest one above it. */
    Position positionOf(String path) {
        String at = path;
        while (!at.isEmpty()) {
            Position position = positions.get(at);
            if (position != null && position.line() > 0) {
                return position;
            }
            at = ConfigNode.parent(at);
        }
        return Position.FILE;
    }

    private static String shorten(String value) {
        StringBuilder safe = new StringBuilder();
        value.chars().limit(80).forEach(c -> safe.append(Character.isISOControl(c) || c == '"' ? '?' : (char) c));
        return value.length() > 80 ? safe + "..." : safe.toString();
    }

    /** A file has too many values. */
    static final class TooManyValuesException extends RuntimeException {
        /** What is wrong, for the user. */
        String problem() {
            return "more than " + MAX_VALUES + " values, aliases followed";
        }
    }
}
