package dev.entrepot.replicator.bundle;

import java.io.IOException;
import java.io.InputStream;

/** Where the content of the files of a volume is read from. */
public interface VolumeContent {
    /**
     * Opens a file. The stream ends only if all of it is what the entry's size and digest say. The caller closes it.
     *
     * @throws IOException if it is not to be had
     */
    InputStream open(VolumeEntry entry) throws IOException;
}
