package dev.entrepot.cache;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** What it takes for a file to be there, whole, after the power has failed. */
final class Durability {
    // As many threads as content ends at the same time, which the slots of the upstreams bound; kept for a while,
    // since starting one costs more than most disks take.
    private static final ThreadPoolExecutor FORCING = new ThreadPoolExecutor(
            0,
            Integer.MAX_VALUE,
            2,
            TimeUnit.SECONDS,
            new SynchronousQueue<>(),
            Thread.ofPlatform().daemon().name("disk-force").factory());

    private Durability() {}

    /**
     * A file is there, whole and for all to see, but the disk has not confirmed its name: a power failure may bring
     * back what was there before, never other bytes.
     */
    static final class NotForcedException extends IOException {
        private NotForcedException(Path file, IOException cause) {
            super(file + " is written, but its folder could not be forced: " + cause, cause);
        }
    }

    /**
     * Puts {@code bytes} at {@code target}: written aside, forced, renamed, folder forced. A crash leaves the old state
     * or the new one, and perhaps {@code temporary}.
     *
     * @throws NotForcedException if only the folder could not be forced: {@code target} has the new bytes
     * @throws IOException if the disk refuses anything else; {@code temporary} is gone then, and {@code target} as
     *     before
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
                force(() -> channel.force(true));
            }
            createFolder(parent(target));
            Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            Files.deleteIfExists(temporary);
            throw e;
        }
        try {
            forceFolder(parent(target));
        } catch (IOException e) {
            throw new NotForcedException(target, e);
        }
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

    /**
     * Forces the names in a folder: without it a rename that was seen by everyone may be gone after a power failure.
     */
    static void forceFolder(Path folder) throws IOException {
        try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            force(() -> channel.force(true));
        }
    }

    /** Something that returns when the disk has it. */
    @FunctionalInterface
    interface Forcing {
        /** Waits for the disk. */
        void run() throws IOException;
    }

    /**
     * Waits for the disk on a thread of the platform. Waiting takes milliseconds, and a virtual thread would keep its
     * carrier for as long: a few at once would hold up every request there is. Side by side, the file system also
     * answers many in one turn. An interrupt is kept for later.
     *
     * @throws IOException as the forcing does
     */
    static void force(Forcing forcing) throws IOException {
        FutureTask<Void> task = new FutureTask<>(() -> {
            forcing.run();
            return null;
        });
        if (!Thread.currentThread().isVirtual() || !startedElsewhere(task)) {
            task.run();
        }
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    task.get();
                    return;
                } catch (InterruptedException e) {
                    interrupted = true;
                } catch (ExecutionException e) {
                    throw e.getCause() instanceof IOException cause
                            ? cause
                            : new IOException("waiting for the disk failed", e.getCause());
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    // Where the system gives no more threads, the carrier has to wait after all.
    private static boolean startedElsewhere(Runnable task) {
        try {
            FORCING.execute(task);
            return true;
        } catch (OutOfMemoryError e) {
            return false;
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
