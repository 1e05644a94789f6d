package dev.entrepot.cache;

import dev.entrepot.oci.OutageException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.RandomAccessFile;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * How far a fetch is, and where its readers wait. The fetch calls the methods that change it, readers the others; all
 * are thread-safe, and no call is made to anything else while the lock is held.
 */
final class FetchProgress {
    /**
     * Where readers must go on by themselves: the offset up to which the partial file is good, the hash up to there,
     * and the size if known.
     */
    record Degraded(long offset, MessageDigest hashState, OptionalLong totalBytes) {}

    /**
     * How long who follows waits.
     *
     * @param longest how long without progress
     * @param forTurns whether the time in which the fetch waits for its turn at the upstream does not count, as for the
     *     background: for a client it does
     */
    record Patience(Duration longest, boolean forTurns) {
        private static final Patience NONE = new Patience(Duration.ZERO, false);
    }

    /** Opens a read handle on the file being written. */
    interface ReaderOpener {
        RandomAccessFile open() throws IOException;
    }

    /**
     * What a reader may do next.
     *
     * @param visibleBytes how much of the file may be read
     * @param totalBytes the size of the blob, if known
     * @param started whether headers may go out
     * @param verified whether everything has come and is right
     * @param complete whether it is in the store
     * @param degraded set once the fetch has given up on the disk
     */
    record View(
            long visibleBytes,
            OptionalLong totalBytes,
            boolean started,
            boolean verified,
            boolean complete,
            Optional<Degraded> degraded) {}

    private final String what;
    private final int holdBackBytes;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private OptionalLong totalBytes = OptionalLong.empty();
    private long writtenBytes;
    private boolean started;
    private boolean verified;
    private boolean complete;
    private @Nullable IOException failure;
    private @Nullable Degraded degraded;
    private @Nullable ReaderOpener opener;
    private boolean queued;

    /**
     * Nothing has come yet.
     *
     * @param what names the blob and its repository, for messages
     * @param holdBackBytes how many of the last bytes wait for the digest
     */
    FetchProgress(String what, int holdBackBytes) {
        this.what = what;
        this.holdBackBytes = holdBackBytes;
    }

    /** The file being written can be read through this. */
    void readFrom(ReaderOpener newOpener) {
        change(() -> opener = newOpener);
    }

    /**
     * The upstream is being asked for the blob from now on, or has been: that may wait for its turn for as long as
     * others are read there, and the client below bounds it.
     */
    void queued(boolean nowQueued) {
        change(() -> queued = nowQueued);
    }

    /** The size of the whole blob is known. */
    void expect(long bytes) {
        change(() -> totalBytes = OptionalLong.of(bytes));
    }

    /** The size of the whole blob, once it is known. */
    OptionalLong totalBytes() {
        lock.lock();
        try {
            return totalBytes;
        } finally {
            lock.unlock();
        }
    }

    /** The upstream has begun to answer: headers may go out to clients. */
    void start() {
        change(() -> started = true);
    }

    /** This many bytes are in the file. */
    void written(long bytes) {
        change(() -> writtenBytes = bytes);
    }

    /** All bytes are in the file and their digest is right. */
    void verified() {
        change(() -> {
            verified = true;
            totalBytes = OptionalLong.of(writtenBytes);
            started = true;
        });
    }

    /** The blob is in the store. */
    void complete(long bytes) {
        change(() -> {
            writtenBytes = bytes;
            totalBytes = OptionalLong.of(bytes);
            started = true;
            verified = true;
            complete = true;
        });
    }

    /** The fetch has ended without the blob. */
    void fail(IOException cause) {
        change(() -> failure = cause);
    }

    /** The disk has failed the fetch. */
    void degrade(Degraded state) {
        change(() -> {
            started = true;
            degraded = state;
            if (totalBytes.isEmpty()) {
                totalBytes = state.totalBytes();
            }
        });
    }

    /** Why the fetch has ended without the blob in the store, in a word; empty if it has not. */
    Optional<String> failure() {
        lock.lock();
        try {
            if (failure != null) {
                return Optional.of(failure.getClass().getSimpleName());
            }
            return degraded == null ? Optional.empty() : Optional.of("not kept");
        } finally {
            lock.unlock();
        }
    }

    /**
     * Whether it has ended with an exception for everybody; one that the disk has failed has not: who comes now goes on
     * by himself.
     */
    boolean hasFailed() {
        lock.lock();
        try {
            return failure != null;
        } finally {
            lock.unlock();
        }
    }

    private void change(Runnable change) {
        lock.lock();
        try {
            change.run();
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Opens a read handle, if the fetch writes a file. */
    Optional<RandomAccessFile> openReader() throws IOException {
        ReaderOpener current;
        lock.lock();
        try {
            current = opener;
        } finally {
            lock.unlock();
        }
        return current == null ? Optional.empty() : Optional.of(current.open());
    }

    /** Waits until headers can go out. Throws the fetch's failure if it failed before. */
    View awaitStart(Patience patience) throws IOException {
        return await(patience, () -> started);
    }

    /**
     * Waits until the byte at {@code position} can be read, or it is known that it does not exist, or the fetch is
     * degraded.
     */
    View awaitByte(long position, Patience patience) throws IOException {
        return await(patience, () -> verified || degraded != null || visibleBytes() > position);
    }

    /**
     * Waits until the blob is in the store or the disk has failed the fetch. Throws the fetch's failure if it fails.
     */
    View awaitEnd(Patience patience) throws IOException {
        return await(patience, () -> complete || degraded != null);
    }

    /** The state now. Throws the fetch's failure if it failed. */
    View now() throws IOException {
        return await(Patience.NONE, () -> true);
    }

    private interface Check {
        boolean holds();
    }

    private View await(Patience patience, Check check) throws IOException {
        lock.lock();
        try {
            long last = writtenBytes;
            long left = patience.longest().toNanos();
            while (failure == null && !check.holds()) {
                if (left <= 0) {
                    throw new OutageException(
                            OutageException.Reason.TIMEOUT,
                            "nothing of " + what + " has come for "
                                    + patience.longest().toSeconds() + " s");
                }
                boolean inTurn = queued && patience.forTurns();
                left = changed.awaitNanos(left);
                if (writtenBytes != last || inTurn) {
                    last = writtenBytes;
                    left = patience.longest().toNanos();
                }
            }
            if (failure != null) {
                throw failure;
            }
            return new View(visibleBytes(), totalBytes, started, verified, complete, Optional.ofNullable(degraded));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while waiting for a blob");
        } finally {
            lock.unlock();
        }
    }

    // All but the last bytes: of the size where it is known, else of what has come so far. The rest waits for the
    // digest.
    private long visibleBytes() {
        if (verified) {
            return writtenBytes;
        }
        long limit = totalBytes.isPresent() ? totalBytes.getAsLong() : writtenBytes;
        return Math.max(0, Math.min(writtenBytes, limit - holdBackBytes));
    }
}
