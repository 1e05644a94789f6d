package dev.entrepot.cache;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.Optional;

/**
 * Which file it is that has a name: what is fetched anew under the same name is another, and so is what somebody writes
 * to. Whoever asks before opening a file has read this one if the name says the same afterwards.
 *
 * @param key what the file system calls it, where it says so
 * @param sizeBytes its length
 * @param lastModified when it was written to
 * @param regular whether it is a file at all, and no folder or the like
 */
record FileIdentity(Optional<Object> key, long sizeBytes, FileTime lastModified, boolean regular) {
    /**
     * Asks the file system; empty if there is nothing.
     *
     * @throws IOException if it does not say
     */
    static Optional<FileIdentity> of(Path path) throws IOException {
        try {
            BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
            return Optional.of(new FileIdentity(
                    Optional.ofNullable(attributes.fileKey()),
                    attributes.size(),
                    attributes.lastModifiedTime(),
                    attributes.isRegularFile()));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }
}
