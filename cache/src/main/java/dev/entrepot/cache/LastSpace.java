package dev.entrepot.cache;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What can be done without when a store has not even the space to be opened: its {@link Ballast}, and if that was not
 * enough, what lies in quarantine, and unfinished blobs. Without an index nobody knows what else may go, since it could
 * be pinned.
 */
final class LastSpace {
    private static final Logger LOG = LoggerFactory.getLogger(LastSpace.class);

    // With no more than this, what fails at a start has failed for want of it.
    private static final long LITTLE_BYTES = 16L << 20;

    private LastSpace() {}

    /**
     * Deletes it, if the file system of a store has almost nothing left: the next part of it with each call. Nobody is
     * writing to the store.
     *
     * @return whether anything was freed
     */
    static boolean free(StoreLayout layout) throws IOException {
        if (Files.getFileStore(layout.root()).getUsableSpace() > LITTLE_BYTES) {
            return false;
        }
        if (Files.deleteIfExists(layout.ballast())) {
            LOG.warn("the disk of {} is full: the ballast was deleted to open the store", layout.root());
            return true;
        }
        int deleted = deleteAll(layout.quarantine()) + deleteAll(layout.ingest());
        if (deleted > 0) {
            LOG.warn(
                    "the disk of {} is full: {} files of quarantine and of unfinished blobs were deleted to open the store",
                    layout.root(),
                    deleted);
        }
        return deleted > 0;
    }

    private static int deleteAll(Path folder) throws IOException {
        int deleted = 0;
        for (Path file : StoreLayout.files(folder)) {
            deleted += Files.isRegularFile(file) && Files.deleteIfExists(file) ? 1 : 0;
        }
        return deleted;
    }
}
