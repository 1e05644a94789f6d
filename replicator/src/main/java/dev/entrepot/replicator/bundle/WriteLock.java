package dev.entrepot.replicator.bundle;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps two exports from writing the same volume at one time: a hidden file beside it, locked as long as this is open.
 * The system gives it free when the process ends, however it ends. On a disk that has no locks nothing is kept.
 */
final class WriteLock implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(WriteLock.class);

    private final Path file;
    private final FileChannel channel;

    private WriteLock(Path file, FileChannel channel) {
        this.file = file;
        this.channel = channel;
    }

    /**
     * Locks a volume, whose folder is there.
     *
     * @param place where the volume is to be
     * @throws BundleException if another is writing it
     * @throws IOException if nothing can be written beside it
     */
    static WriteLock of(Path place) throws IOException {
        Path file = place.resolveSibling("." + place.getFileName() + ".lock");
        try {
            Files.createFile(file);
        } catch (FileAlreadyExistsException e) {
            // Of a process that was killed, or one that is writing.
            LOG.debug("{} is there already", file);
        }
        try {
            Object before = key(file);
            FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE);
            boolean taken = false;
            try {
                // Whoever had it may have deleted it on its way out.
                taken = isLocked(channel, file) && Objects.equals(before, key(file));
            } finally {
                if (!taken) {
                    channel.close();
                }
            }
            if (taken) {
                return new WriteLock(file, channel);
            }
        } catch (NoSuchFileException e) {
            LOG.debug("{} has just been given free", file);
        }
        throw new BundleException("another export is writing " + place + "; wait for its end, or name another output");
    }

    private static Object key(Path file) throws IOException {
        return Objects.requireNonNullElse(
                Files.readAttributes(file, BasicFileAttributes.class).fileKey(), file);
    }

    private static boolean isLocked(FileChannel channel, Path file) {
        try {
            return channel.tryLock() != null;
        } catch (OverlappingFileLockException e) {
            return false;
        } catch (IOException e) {
            LOG.warn("{} cannot be locked: {}", file, e.toString());
            return true;
        }
    }

    @Override
    public void close() throws IOException {
        try {
            Files.deleteIfExists(file);
        } finally {
            channel.close();
        }
    }
}
