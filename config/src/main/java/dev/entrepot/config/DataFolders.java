package dev.entrepot.config;

import java.nio.file.Path;
import java.util.List;

/** Which folders are the cache's, where something else than the configuration may say where it is. */
@FunctionalInterface
public interface DataFolders {
    /** The one that the configuration says, and no other. */
    DataFolders CONFIGURED = directory -> List.of(DataFolder.configured(directory));

    /**
     * The folders with which nothing that is written may share one.
     *
     * @param directory what the configuration says, which need not be used
     */
    List<DataFolder> of(Path directory);
}
