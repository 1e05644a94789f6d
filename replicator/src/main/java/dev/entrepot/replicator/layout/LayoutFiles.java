package dev.entrepot.replicator.layout;

import dev.entrepot.replicator.WholeFile;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;

/** Writes files so that they are there whole or not at all: aside, forced, renamed, and the folder forced. */
final class LayoutFiles {
    private static final int BUFFER_BYTES = 128 * 1024;
    private static final String ASIDE = ".incoming-";

    private LayoutFiles() {}

    static void replace(Path file, byte[] bytes) throws IOException {
        replace(file, new ByteArrayInputStream(bytes));
    }

    /** Reads the stream to its end; if that fails, nothing is there. */
    static void replace(Path file, InputStream in) throws IOException {
        Path folder = file.toAbsolutePath().getParent();
        if (folder == null) {
            throw new IOException(file + " has no folder");
        }
        Files.createDirectories(folder);
        // Several may bring the same content at one time. Not a temporary file: those are for nobody else to read.
        Path aside = folder.resolve(ASIDE + UUID.randomUUID());
        WholeFile.write(file, aside, out -> copy(in, out));
    }

    private static void copy(InputStream in, OutputStream out) throws IOException {
        byte[] buffer = new byte[BUFFER_BYTES];
        for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
            out.write(buffer, 0, count);
        }
    }

    /** Deletes what was written aside in a folder by those who were killed; who is writing must not be there. */
    static void sweep(Path folder) throws IOException {
        try (DirectoryStream<Path> left = Files.newDirectoryStream(folder, ASIDE + "*")) {
            for (Path file : left) {
                Files.deleteIfExists(file);
            }
        }
    }

    /** Deletes a folder that is ours with everything in it. Links in it are deleted, not followed. */
    static void deleteFolder(Path folder) throws IOException {
        List<Path> files;
        try (Stream<Path> walk = Files.walk(folder)) {
            files = walk.sorted(Comparator.reverseOrder()).toList();
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
        for (Path file : files) {
            Files.deleteIfExists(file);
        }
    }
}
