package dev.entrepot.proxy;

import dev.entrepot.cache.ContentStore;
import dev.entrepot.config.DataFolder;
import dev.entrepot.config.DataFolders;
import dev.entrepot.config.EntrepotConfig;
import dev.entrepot.proxy.replication.BadRequestException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * Refuses what a command line would have written into the folder of the cache, or around it: before anything is
 * written. Immutable.
 */
final class WrittenPaths {
    private final List<DataFolder> caches;

    private WrittenPaths(List<DataFolder> caches) {
        this.caches = List.copyOf(caches);
    }

    /**
     * For a command.
     *
     * @param config as it is written
     * @param data what {@code --data} says
     */
    static WrittenPaths of(EntrepotConfig config, Optional<Path> data) {
        return new WrittenPaths(folders(data).of(config.cache().directory()));
    }

    /**
     * The folders that are a cache's.
     *
     * @param data what {@code --data} says
     */
    static DataFolders folders(Optional<Path> data) {
        return configured -> {
            List<DataFolder> caches = new ArrayList<>();
            data.ifPresent(
                    folder -> caches.add(new DataFolder("the folder of " + ReplicationCommandLine.DATA, folder)));
            // Beside a data folder of the command's own, that of the configuration is one where there is a store, as
            // of a server: a command beside it is told to take its own. A folder that nobody uses is none.
            if (data.isEmpty() || ContentStore.exists(configured)) {
                caches.add(DataFolder.configured(configured));
            }
            return caches;
        };
    }

    /**
     * Checks where an image layout is to be.
     *
     * @param option what says so
     * @throws BadRequestException if it may not be there; names the option, both paths and the remedy
     */
    void layout(String option, Path path) throws BadRequestException {
        refuse(option, path, cache -> cache.refusesLayout(option, path));
    }

    /** As above, of a folder or file that is written whole. */
    void folder(String option, Path path) throws BadRequestException {
        refuse(option, path, cache -> cache.refusesFolder(option, path));
    }

    /** As above, of a file, or of files in a folder that may have others. */
    void file(String option, Path path) throws BadRequestException {
        refuse(option, path, cache -> cache.refusesFile(option, path));
    }

    private void refuse(String option, Path path, Function<DataFolder, Optional<String>> check)
            throws BadRequestException {
        for (DataFolder cache : caches) {
            refuse(check.apply(cache));
        }
        // Another store that it would be in: of a server with a data folder of its own, say.
        for (Path folder = path.toAbsolutePath().normalize(); folder != null; folder = folder.getParent()) {
            if (ContentStore.exists(folder)) {
                refuse(new DataFolder("the store at " + folder, folder).refusesFile(option, path));
            }
        }
    }

    private static void refuse(Optional<String> problem) throws BadRequestException {
        if (problem.isPresent()) {
            throw new BadRequestException(problem.get());
        }
    }
}
