package dev.entrepot.replicator.layout;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a file is, to be compared with later: another stamp is another content.
 *
 * @param bytes its size
 * @param modified when it was written, as exactly as the disk knows
 * @param key which file of the disk it is, where disks number them
 */
record FileStamp(long bytes, String modified, @Nullable Object key) {
    /** Of a file as it is now; empty if there is none. */
    static Optional<FileStamp> of(Path file) throws IOException {
        try {
            BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
            return Optional.of(new FileStamp(
                    attributes.size(), attributes.lastModifiedTime().toInstant().toString(), attributes.fileKey()));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    /** What is kept of it from one process to the next: disks may be numbered anew. */
    String lasting() {
        return bytes + " " + modified;
    }
}
