package dev.entrepot.proxy;

import dev.entrepot.cache.ContentStore;
import dev.entrepot.config.EntrepotConfig;
import dev.entrepot.oci.client.ClientEnvironment;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The data folder for a command that only asks: no store is made where there is none, and one that somebody else has
 * open is said to be. A command that has found no server comes here.
 */
final class LookedAt {
    private LookedAt() {}

    /**
     * What is kept, or nothing where there is no store: an empty one elsewhere, that is deleted in the end, stands for
     * it.
     *
     * @param closings closes it
     * @throws IOException if another process has the store open, or it is unusable
     */
    static OpenedCache open(EntrepotConfig config, ClientEnvironment environment, Closings closings)
            throws IOException {
        EntrepotConfig looked = config;
        if (ContentStore.exists(config.cache().directory())) {
            refuseWhereInUse(config.cache().directory());
        } else {
            Path nothing = Files.createTempDirectory("entrepot-nothing-kept");
            closings.push(() -> delete(nothing));
            looked = ServeCommand.overridden(config, Optional.of(nothing));
        }
        OpenedCache cache = new OpenedCache(looked, environment);
        closings.push(cache::close);
        return cache;
    }

    /**
     * Refuses to make a store to say what is in it.
     *
     * @throws IOException if there is none; names the folder and the remedy
     */
    static void requireStore(Path directory) throws IOException {
        if (!ContentStore.exists(directory)) {
            throw noStore(directory);
        }
        refuseWhereInUse(directory);
    }

    /**
     * Refuses to make a store of nothing, for a command that makes one of the files of another, whatever is lost of it.
     *
     * @throws IOException if there is no folder or nothing in it; as above
     */
    static void requireFiles(Path directory) throws IOException {
        if (!Files.exists(directory)) {
            throw noStore(directory);
        }
        try (Stream<Path> files = Files.list(directory)) {
            if (files.findAny().isEmpty()) {
                throw noStore(directory);
            }
        }
    }

    private static IOException noStore(Path directory) {
        return new IOException("there is no store in " + directory + ": nothing was kept there yet; start the server"
                + " that is to keep it, or name its data folder (--data)");
    }

    private static void refuseWhereInUse(Path directory) throws IOException {
        if (ContentStore.isInUse(directory)) {
            throw new IOException(
                    "the store at " + directory + " is in use by another process, which does not answer"
                            + " this command: if it is a server, see why its admin port does not answer; else wait for its end");
        }
    }

    private static void delete(Path folder) throws IOException {
        List<Path> all;
        try (Stream<Path> found = Files.walk(folder)) {
            all = found.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path path : all) {
            Files.delete(path);
        }
    }
}
