package dev.entrepot.cache;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/** What it takes for a file to be there, whole, after the power has failed. */
final class Durability {
    private Durability() {}

    /**
     * Puts {@code bytes} at {@code target}: written aside, forced, renamed, folder forced. A crash leaves the old state or the new one,
     * and perhaps {@code temporary}.
     *
     * @throws IOException if the disk refuses; {@code temporary} is gone then and {@code target} as before
     */
    static void write(Path temporary, Path target, byte[] bytes) throws IOException {
        try {
            try (FileChannel channel = FileChannel.open(
                    temporary,
                    StandardOpenOption.CREATE,
                    StandardOpenOption.TRUNCATE_EXISTING,
                    StandardOpenOption.WRITE)) {
                ByteBuffer buffer = ByteBuffer.wrap(bytes);
                while (buffer.hasRemaining()) {
                    channel.write(buffer);
                }
                channel.force(true);
            }
            createFolder(parent(target));
            Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            Files.deleteIfExists(temporary);
            throw e;
        }
        forceFolder(parent(target));
    }

    /** Makes a folder and those above it; each new name is forced into the folder that holds it. */
    static void createFolder(Path folder) throws IOException {
        if (Files.isDirectory(folder)) {
            return;
        }
        Path above = folder.getParent();
        if (above != null) {
            createFolder(above);
        }
        Files.createDirectories(folder);
        if (above != null) {
            forceFolder(above);
        }
    }

    /** Forces the names in a folder: without it a rename that was seen by everyone may be gone after a power failure. */
    static void forceFolder(Path folder) throws IOException {
        try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    /** The folder that a file of the store lies in. */
    static Path parent(Path file) {
        Path parent = file.getParent();
        if (parent == null) {
            throw new IllegalArgumentException(file + " lies in no folder");
        }
        return parent;
    }
}
