package dev.entrepot.config;

import java.nio.file.Path;
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
    private final Path real;

    /**
     * A folder.
     *
     * @param name what says where it is, for messages
     * @param folder where it is
     */
    public DataFolder(String name, Path folder) {
        this.name = name;
        this.folder = absolute(folder);
        this.real = RealPath.of(this.folder);
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
        return refusesFile(what, path).or(() -> around(what, absolute(path)));
    }

    /** As above, of a file, or of files in a folder that may have others: only what is in this folder shares it. */
    public Optional<String> refusesFile(String what, Path path) {
        Path place = absolute(path);
        Path realPlace = RealPath.of(place);
        if (place.startsWith(folder)) {
            return Optional.of(in(what, "it is at " + place + ", and the cache at " + folder));
        }
        return realPlace.startsWith(real)
                ? Optional.of(in(what, "by links, it is at " + realPlace + ", and the cache at " + real))
                : Optional.empty();
    }

    private String in(String what, String places) {
        return what + " is in " + name + ", which belongs to the cache: " + places + "; put it elsewhere";
    }

    private Optional<String> around(String what, Path place) {
        Path realPlace = RealPath.of(place);
        return folder.startsWith(place) || real.startsWith(realPlace)
                ? Optional.of(name + " is in a folder of " + what
                        + ", with which it is moved and deleted: the cache is at " + real
                        + ", and the folder of " + what + " is " + realPlace + "; give " + what
                        + " a folder of its own, or put the cache elsewhere")
                : Optional.empty();
    }

    private static Path absolute(Path path) {
        return path.toAbsolutePath().normalize();
    }
}
