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
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

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
        WholeFile.write(file, aside(folder), out -> copy(in, out));
    }

    // Several may bring the same content at one time. Not a temporary file: those are for nobody else to read.
    private static Path aside(Path folder) {
        return folder.resolve(ASIDE + UUID.randomUUID());
    }

    /**
     * Replaces a file that is as it was when it was read.
     *
     * @param read what it was; empty if it was not there
     * @return what it is now
     * @throws ChangedMeanwhileException if it is another one by now; it stays
     */
    static FileStamp replace(Path file, byte[] bytes, Optional<FileStamp> read) throws IOException {
        Path aside = aside(Objects.requireNonNull(file.toAbsolutePath().getParent()));
        AtomicReference<@Nullable FileStamp> written = new AtomicReference<>();
        WholeFile.write(file, aside, out -> out.write(bytes), () -> {
            // It keeps this when it is renamed. Looked at afterwards it might be what another program wrote.
            written.set(FileStamp.of(aside).orElseThrow());
            if (!FileStamp.of(file).equals(read)) {
                throw new ChangedMeanwhileException(file.toString());
            }
        });
        return Objects.requireNonNull(written.get());
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
