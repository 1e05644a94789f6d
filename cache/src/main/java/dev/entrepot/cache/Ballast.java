package dev.entrepot.cache;

import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.SplittableRandom;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A file of no use but its length: when others have filled the disk, a start deletes it ({@link LastSpace}) and so has
 * the space to open the store, to serve what is stored, and to make room. It is counted as used, and made again when
 * there is room. Its bytes look random, so that file systems that compress really set the room aside. For one thread,
 * except that all may ask for {@link #bytes()}.
 */
final class Ballast {
    /** The most that it has: enough for the index and its log to be opened. */
    static final long MOST_BYTES = 32L << 20;

    private static final Logger LOG = LoggerFactory.getLogger(Ballast.class);
    // Of the capacity, so that a small cache is not spent on it; and with less than this nothing could be opened.
    private static final int PARTS = 64;
    private static final long LEAST_BYTES = 1L << 20;
    private static final int STEP_BYTES = 1 << 20;

    private final Path file;
    private volatile long bytes;

    /** What there is of it in a store. */
    Ballast(StoreLayout layout) throws IOException {
        this.file = layout.ballast();
        look();
    }

    /** How long it should be: a 64th of the capacity, 32 MiB at most; none where that is less than 1 MiB. */
    static long bytesFor(long capacityBytes) {
        long part = Math.min(MOST_BYTES, capacityBytes / PARTS);
        return part < LEAST_BYTES ? 0 : part;
    }

    /** The bytes that count as used. */
    long bytes() {
        return bytes;
    }

    /** Looks how long the file is, since people may have deleted it; returns that. */
    long look() throws IOException {
        try {
            bytes = Files.size(file);
        } catch (NoSuchFileException e) {
            bytes = 0;
        }
        return bytes;
    }

    /** Has so many bytes counted, which are written next. */
    void claim(long claimed) {
        bytes = claimed;
    }

    /**
     * Makes it so long; stops where the thread is interrupted.
     *
     * @throws IOException if the disk refuses; there is none then
     */
    void make(long wanted) throws IOException {
        try {
            if (wanted == 0) {
                Files.deleteIfExists(file);
            } else {
                write(wanted);
            }
        } catch (IOException e) {
            Files.deleteIfExists(file);
            throw e;
        } finally {
            look();
        }
        LOG.debug("{} has {} bytes", file, bytes);
    }

    // Not by a channel, which an interrupt would close with an error.
    private void write(long wanted) throws IOException {
        SplittableRandom random = new SplittableRandom(wanted);
        byte[] step = new byte[STEP_BYTES];
        try (FileOutputStream out = new FileOutputStream(file.toFile())) {
            for (long left = wanted; left > 0 && !Thread.currentThread().isInterrupted(); left -= STEP_BYTES) {
                random.nextBytes(step);
                out.write(step, 0, Math.toIntExact(Math.min(left, STEP_BYTES)));
            }
            out.getFD().sync();
        }
    }
}
