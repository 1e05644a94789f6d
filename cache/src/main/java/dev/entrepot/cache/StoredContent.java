package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Instant;
import java.util.Optional;

/**
 * A file of the store, as the file system describes it.
 *
 * @param digest its address
 * @param kind the tree that it lies in
 * @param sizeBytes its length
 * @param lastModified when it was written: the best guess at its last use when nothing better is known
 */
record StoredContent(Digest digest, ContentKind kind, long sizeBytes, Instant lastModified) {
    /** Asks the file system; empty if there is no such file. */
    static Optional<StoredContent> describe(Path file, ContentKind kind, Digest digest) throws IOException {
        try {
            BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
            Instant modified = attributes.lastModifiedTime().toInstant();
            return Optional.of(new StoredContent(digest, kind, attributes.size(), modified));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }
}
