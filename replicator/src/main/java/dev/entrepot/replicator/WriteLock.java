package dev.entrepot.replicator;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps two from writing the same files at one time: a hidden file, locked as long as this is open. The system gives it
 * free when the process ends, however it ends. On a disk that has no locks nothing is kept.
 */
public final class WriteLock implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(WriteLock.class);

    // To close any channel on a file gives free what the process has locked of it: one is opened only where none is.
    // The locks are here as well, since a channel that nobody knows any more is closed by itself, and then the system
    // gives the same key to another file.
    private static final Map<Object, Optional<WriteLock>> HELD = new ConcurrentHashMap<>();

    // Where somebody takes or gives back a lock now, by whatever path: between a look at a file and its opening another
    // of this process might lock a new one in its place, which would be opened then, and given free by the closing.
    private static final Map<Path, Turn> TURNS = new ConcurrentHashMap<>();

    private final Path file;
    private final Path place;
    private final FileChannel channel;
    private final Object key;

    private WriteLock(Path file, Path place, FileChannel channel, Object key) {
        this.file = file;
        this.place = place;
        this.channel = channel;
        this.key = key;
    }

    /**
     * The lock of what is to be a file or folder: a hidden file beside it, whose folder is there.
     *
     * @return the lock; empty if another has it
     * @throws IOException if nothing can be written beside it
     */
    public static Optional<WriteLock> beside(Path place) throws IOException {
        return of(fileBeside(place));
    }

    /** The file by which what is to be a file or folder is locked: a hidden one beside it. */
    public static Path fileBeside(Path place) {
        return place.resolveSibling("." + place.getFileName() + ".lock");
    }

    /**
     * Locks.
     *
     * @param file is made if it is not there, and deleted when the lock is given free
     * @return the lock; empty if another has it
     * @throws IOException if the file cannot be made
     */
    public static Optional<WriteLock> of(Path file) throws IOException {
        Path absolute = file.toAbsolutePath();
        Path place = absolute.resolveSibling("").toRealPath().resolve(absolute.getFileName());
        return inTurn(place, () -> taken(file, place));
    }

    private static Optional<WriteLock> taken(Path file, Path place) throws IOException {
        try {
            Files.createFile(file);
        } catch (FileAlreadyExistsException e) {
            // Of a process that was killed, or one that is writing.
            LOG.debug("{} is there already", file);
        }
        try {
            Object key = key(file);
            if (HELD.putIfAbsent(key, Optional.empty()) == null) {
                Optional<WriteLock> lock = Optional.empty();
                try {
                    lock = locked(file, place, key);
                } finally {
                    if (lock.isPresent()) {
                        HELD.put(key, lock);
                    } else {
                        HELD.remove(key);
                    }
                }
                return lock;
            }
        } catch (NoSuchFileException e) {
            LOG.debug("{} has just been given free", file);
        }
        return Optional.empty();
    }

    private static Optional<WriteLock> locked(Path file, Path place, Object key) throws IOException {
        FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE);
        boolean taken = false;
        try {
            // Whoever had it may have deleted it on its way out.
            taken = isLocked(channel, file) && Objects.equals(key, key(file));
        } finally {
            if (!taken) {
                channel.close();
            }
        }
        return taken ? Optional.of(new WriteLock(file, place, channel, key)) : Optional.empty();
    }

    /** Whose turn it is at one place, and how many have it or wait for it. */
    private record Turn(ReentrantLock lock, int users) {}

    private interface Doing<T> {
        T now() throws IOException;
    }

    private static <T> T inTurn(Path place, Doing<T> doing) throws IOException {
        ReentrantLock lock = TURNS.compute(
                        place,
                        (key, turn) -> turn == null
                                ? new Turn(new ReentrantLock(), 1)
                                : new Turn(turn.lock(), turn.users() + 1))
                .lock();
        lock.lock();
        try {
            return doing.now();
        } finally {
            lock.unlock();
            TURNS.computeIfPresent(
                    place, (key, turn) -> turn.users() == 1 ? null : new Turn(turn.lock(), turn.users() - 1));
        }
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
        inTurn(place, () -> {
            giveFree();
            return place;
        });
    }

    private void giveFree() throws IOException {
        try {
            Files.deleteIfExists(file);
            // No other file has this key before the channel is closed.
            HELD.remove(key);
        } finally {
            channel.close();
            HELD.remove(key, Optional.of(this));
        }
    }
}
