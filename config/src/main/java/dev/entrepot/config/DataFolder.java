package dev.entrepot.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The folder of the cache, with which nothing else that is written may share a folder: neither be in it, nor around it,
 * nor come to either by a link. Both have files of the same names, each tidies up what it does not know, and whoever
 * moves or deletes the one takes the other with it. No folder need be there yet. Immutable.
 */
public final class DataFolder {
    private final String name;
    private final Path folder;
    private final List<Path> real;

    /**
     * A folder.
     *
     * @param name what says where it is, for messages
     * @param folder where it is
     */
    public DataFolder(String name, Path folder) {
        this.name = name;
        this.folder = absolute(folder);
        this.real = real(folder);
    }

    /** The folder that the configuration says. */
    public static DataFolder configured(Path folder) {
        return new DataFolder("cache.directory", folder);
    }

    /**
     * Why there may be no image layout, in a folder or a tar; empty if there may.
     *
     * @param what what says that it is to be there, for the message
     */
    public Optional<String> refusesLayout(String what, Path layout) {
        // What a run brings to a tar is gathered in a folder beside it, which is deleted with everything in it.
        Path place = absolute(layout);
        Stream<Path> folders = place.toString().endsWith(".tar")
                ? Stream.of(place, place.resolveSibling("." + place.getFileName() + ".parts"))
                : Stream.of(place);
        return folders.flatMap(path -> refusesFolder(what, path).stream()).findFirst();
    }

    /** As above, of a folder all of which is written. */
    public Optional<String> refusesFolder(String what, Path path) {
        return refusesFile(what, path).or(() -> around(what, path));
    }

    /** As above, of a file, or of files in a folder that may have others: only what is in this folder shares it. */
    public Optional<String> refusesFile(String what, Path path) {
        Path place = absolute(path);
        if (place.startsWith(folder)) {
            return Optional.of(in(what, "it is at " + place + ", and the cache at " + folder));
        }
        for (Path there : real(path)) {
            for (Path cache : real) {
                if (there.startsWith(cache)) {
                    return Optional.of(in(what, "by links, it is at " + there + ", and the cache at " + cache));
                }
            }
        }
        return Optional.empty();
    }

    private String in(String what, String places) {
        return what + " is in " + name + ", which belongs to the cache: " + places + "; put it elsewhere";
    }

    private Optional<String> around(String what, Path path) {
        if (folder.startsWith(absolute(path))) {
            return Optional.of(around(what, absolute(path), folder));
        }
        for (Path there : real(path)) {
            for (Path cache : real) {
                if (cache.startsWith(there)) {
                    return Optional.of(around(what, there, cache));
                }
            }
        }
        return Optional.empty();
    }

    private String around(String what, Path there, Path cache) {
        return name + " is in a folder of " + what + ", with which it is moved and deleted: the cache is at " + cache
                + ", and the folder of " + what + " is " + there + "; give " + what
                + " a folder of its own, or put the cache elsewhere";
    }

    // Behind a link, ".." leads elsewhere than it reads, and who writes may take it either way.
    private static List<Path> real(Path path) {
        return Stream.of(RealPath.of(absolute(path)), RealPath.of(path.toAbsolutePath()))
                .distinct()
                .toList();
    }

    private static Path absolute(Path path) {
        return path.toAbsolutePath().normalize();
    }
}
