package dev.entrepot.replicator;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * Writes files so that they are there whole or not at all, also after a power cut: aside, forced, renamed, and the
 * folder forced.
 */
public final class WholeFile {
    private WholeFile() {}

    /** What is to be in a file. */
    @FunctionalInterface
    public interface Content {
        /**
         * Writes all of it.
         *
         * @throws IOException if it is not to be had, or cannot be written; then there is no new file
         */
        void to(OutputStream out) throws IOException;
    }

    /**
     * Writes a file, in the place of the one that is there.
     *
     * @throws IOException if it cannot be written; what was there stays
     */
    public static void write(Path file, byte[] bytes) throws IOException {
        write(file, out -> out.write(bytes));
    }

    /** As above, of content of any size. One writer of a file at a time. */
    public static void write(Path file, Content content) throws IOException {
        write(file, file.resolveSibling("." + file.getFileName() + ".incoming"), content);
    }

    /**
     * As above.
     *
     * @param aside where it is until it is whole, in the same folder
     */
    public static void write(Path file, Path aside, Content content) throws IOException {
        write(file, aside, content, () -> {});
    }

    /** What is looked at just before a file takes the place of another. */
    @FunctionalInterface
    public interface Look {
        /**
         * Looks.
         *
         * @throws IOException if what is there is to stay
         */
        void beforehand() throws IOException;
    }

    /**
     * As above.
     *
     * @param look is taken when all is written and forced, directly before it is renamed
     */
    public static void write(Path file, Path aside, Content content, Look look) throws IOException {
        try {
            try (FileChannel channel = FileChannel.open(
                    aside, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
                content.to(Channels.newOutputStream(channel));
                channel.force(true);
            }
            look.beforehand();
            Files.move(aside, file, StandardCopyOption.ATOMIC_MOVE);
            forceFolder(file);
        } finally {
            Files.deleteIfExists(aside);
        }
    }

    /** Forces the folder that a file is in, so that its name is there after a power cut. */
    public static void forceFolder(Path file) throws IOException {
        Path folder = file.toAbsolutePath().getParent();
        if (folder == null) {
            throw new IOException(file + " has no folder");
        }
        try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }
}
