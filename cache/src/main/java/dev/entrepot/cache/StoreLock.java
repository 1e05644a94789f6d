package dev.entrepot.cache;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/**
 * The exclusive use of a store's folder. The system gives the lock free when the process ends, however it ends. It
 * keeps other processes out; opening the same store twice within one process is refused as well, but is an error of the
 * program: on POSIX systems the refused attempt itself may give the lock free.
 */
final class StoreLock implements AutoCloseable {
    // Who asks whether it is taken takes it for a moment.
    private static final int TRIES = 20;
    private static final int BETWEEN_TRIES_MILLIS = 50;

    private final FileChannel channel;

    private StoreLock(FileChannel channel) {
        this.channel = channel;
    }

    /**
     * Takes the lock. One that another process has is waited for a second.
     *
     * @throws IOException if it is taken; the message names the folder and the remedy
     * @throws InterruptedIOException if the thread is interrupted meanwhile
     */
    static StoreLock take(Path file) throws IOException {
        FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            if (!isLocked(channel)) {
                throw new IOException("the store at " + file.getParent() + " is in use by another process:"
                        + " stop that process, or name another cache directory for this one");
            }
            return new StoreLock(channel);
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    private static boolean isLocked(FileChannel channel) throws IOException {
        try {
            for (int tries = 1; channel.tryLock() == null; tries++) {
                if (tries == TRIES) {
                    return false;
                }
                Thread.sleep(BETWEEN_TRIES_MILLIS);
            }
            return true;
        } catch (OverlappingFileLockException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while the lock of the store was waited for");
        }
    }

    /** Whether somebody has taken the lock; false if there is no such file. Two may ask at once. */
    static boolean isTaken(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            return shared(channel) == null;
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    private static @Nullable FileLock shared(FileChannel channel) throws IOException {
        try {
            return channel.tryLock(0, Long.MAX_VALUE, true);
        } catch (OverlappingFileLockException e) {
            return null;
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
