package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.util.OptionalLong;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One blob being written: partial file, hasher, position. There is at most one per digest, from
 * {@link ContentStore#ingest} until {@link #close()}. One thread writes; {@link #openReader()}, {@link #writtenBytes()}
 * and {@link #claimedBytes()} are for all threads.
 *
 * <p>The partial file survives this object and this process, and is hashed again by whoever takes it up: it is never
 * trusted, so writing to it needs no force. Only {@link #commit} gives a blob its name.
 */
final class Ingest implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Ingest.class);
    private static final int STEP_BYTES = 128 * 1024;

    private enum State {
        NEW,
        WRITING,
        VERIFIED,
        COMMITTED,
        ABORTED,
        SUSPENDED
    }

    private final Digest digest;
    private final Path partial;
    private final Path target;
    private final Consumer<Ingest> onClose;
    private final RandomAccessFile file;
    private final MessageDigest hasher;
    private volatile State state = State.NEW;
    private boolean torn;
    private volatile long writtenBytes;
    private volatile long reservedBytes;
    // What an earlier attempt left, until it is hashed or thrown away: on the disk, and not written by this one.
    private volatile long untakenBytes;

    /**
     * Opens or makes the partial file.
     *
     * @param onClose told once when the digest is free again
     */
    Ingest(Digest digest, StoreLayout layout, Consumer<Ingest> onClose) throws IOException {
        this.digest = digest;
        this.partial = layout.partial(digest);
        this.target = layout.content(ContentKind.BLOB, digest);
        this.onClose = onClose;
        this.hasher = digest.algorithm().newMessageDigest();
        this.file = new RandomAccessFile(partial.toFile(), "rw");
        try {
            this.untakenBytes = file.length();
        } catch (IOException e) {
            file.close();
            throw e;
        }
    }

    /** What is to become of the bytes. */
    Digest digest() {
        return digest;
    }

    /** How much an earlier attempt left behind. Called before {@link #takeUp}. */
    long leftBytes() throws IOException {
        return file.length();
    }

    /**
     * Hashes what an earlier attempt left behind and goes on after it. Called before the first {@link #write}, which
     * otherwise starts from nothing.
     *
     * @param listener told after each 128 KiB
     * @return the length of what was there, 0 if nothing
     * @throws InterruptedIOException if the thread is interrupted; the partial file stays
     */
    long takeUp(ProgressListener listener) throws IOException {
        if (state != State.NEW) {
            throw new IllegalStateException("ingest of " + digest + " is " + state + ": too late to take up a partial");
        }
        state = State.WRITING;
        byte[] buffer = new byte[STEP_BYTES];
        file.seek(0);
        for (int count = file.read(buffer); count > 0; count = file.read(buffer)) {
            hasher.update(buffer, 0, count);
            writtenBytes += count;
            listener.hashed(writtenBytes);
            if (Thread.currentThread().isInterrupted()) {
                throw new InterruptedIOException("interrupted while the partial of " + digest + " was hashed");
            }
        }
        untakenBytes = 0;
        return writtenBytes;
    }

    /** The number of bytes that are in the file and in the hasher. */
    long writtenBytes() {
        return writtenBytes;
    }

    /**
     * Appends. After a failure nothing of this call counts: {@link #writtenBytes()} and {@link #hashState()} are as
     * before, and the call may be repeated.
     *
     * @throws IOException if the disk is full or broken
     */
    void write(byte[] buffer, int offset, int length) throws IOException {
        if (state == State.NEW) {
            file.setLength(0);
            untakenBytes = 0;
            state = State.WRITING;
        }
        require(State.WRITING);
        if (torn) {
            file.seek(writtenBytes);
        }
        // Set before and cleared after: a disk that fills up keeps a part of the call.
        torn = true;
        file.write(buffer, offset, length);
        torn = false;
        hasher.update(buffer, offset, length);
        writtenBytes += length;
    }

    /** Whether what was written is the whole blob: its digest is right. For the writing thread. */
    boolean isWhole() {
        return Digest.of(digest.algorithm(), hashState()).equals(digest);
    }

    /**
     * A copy of the hasher at {@link #writtenBytes()}, for those who go on without the disk. For the writing thread.
     */
    MessageDigest hashState() {
        try {
            return (MessageDigest) hasher.clone();
        } catch (CloneNotSupportedException e) {
            throw new IllegalStateException("this JDK cannot copy a hasher of " + digest.algorithm(), e);
        }
    }

    /**
     * Compares size and digest, once; nothing can be written after. {@link #commit} does this itself; it is a step of
     * its own for those who want to hand on the last bytes without waiting for the disk.
     *
     * @throws InvalidContentException if either differs; the partial file is gone then
     */
    void verify(OptionalLong expectedBytes) throws InvalidContentException {
        if (state == State.VERIFIED) {
            return;
        }
        if (state == State.NEW) {
            state = State.WRITING;
        }
        require(State.WRITING);
        if (expectedBytes.isPresent() && expectedBytes.getAsLong() != writtenBytes) {
            abort();
            throw new InvalidContentException("blob " + digest + " has " + writtenBytes + " bytes, expected "
                    + expectedBytes.getAsLong() + " bytes");
        }
        Digest actual = Digest.of(digest.algorithm(), hasher);
        if (!actual.equals(digest)) {
            abort();
            throw new InvalidContentException(
                    "blob has the digest " + actual + " after " + writtenBytes + " bytes, expected " + digest);
        }
        state = State.VERIFIED;
    }

    /**
     * Verifies the blob and gives it its name. When this returns the blob is visible to all and outlives a power
     * failure.
     *
     * @param expectedBytes the size that was declared, if any was
     * @throws InvalidContentException if size or digest is wrong; the partial file is gone then
     * @throws IOException if the disk failed; nothing is visible then
     */
    void commit(OptionalLong expectedBytes) throws IOException {
        verify(expectedBytes);
        // The bytes first: a name must never point to bytes that only the page cache has. A crash before the rename
        // leaves a partial.
        try {
            // A write that failed half-way, or a partial that was not taken up to its end, may have left bytes that
            // were not hashed.
            if (file.length() != writtenBytes) {
                file.setLength(writtenBytes);
            }
            Durability.force(() -> file.getFD().sync());
        } catch (IOException e) {
            // After a failed sync the kernel may have dropped pages and still call them clean, so that trying again
            // would succeed and lie. The file is worthless.
            abort();
            throw e;
        }
        Durability.createFolder(Durability.parent(target));
        // The point of no return. A crash after it leaves the blob whole, or, if the folder was not forced yet and
        // the power failed, the partial: never a name with other bytes.
        Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE);
        state = State.COMMITTED;
        try {
            Durability.forceFolder(Durability.parent(target));
        } catch (IOException e) {
            // The blob is verified, visible and perhaps already read; all that is lost is the promise that it
            // survives a power failure. If it does not, it is fetched again.
            LOG.warn("blob {} is stored, but its folder could not be forced: {}", digest, e.toString());
        }
    }

    /**
     * Deletes the partial file: what came is not the blob, or nobody will want the rest. Does nothing once the ingest
     * has ended.
     */
    void abort() {
        if (hasEnded()) {
            return;
        }
        state = State.ABORTED;
        try {
            Files.deleteIfExists(partial);
        } catch (IOException e) {
            // It is never trusted, so it does no harm beyond its size; opening the store drops it when it is a day old.
            LOG.warn("partial of {} could not be deleted: {}", digest, e.toString());
        }
    }

    /** Leaves the partial file for a later attempt; an empty one is deleted. Does nothing once the ingest has ended. */
    void suspend() {
        if (hasEnded()) {
            return;
        }
        try {
            if (torn) {
                file.setLength(writtenBytes);
            }
            if (file.length() == 0) {
                abort();
                return;
            }
        } catch (IOException e) {
            LOG.warn("partial of {} is left as it is: {}", digest, e.toString());
        }
        state = State.SUSPENDED;
    }

    /**
     * Opens the bytes for reading, independent of this object: the handle outlives rename, deletion and
     * {@link #close()}. Only the first {@link #writtenBytes()} may be read from it. The caller closes it.
     */
    RandomAccessFile openReader() throws IOException {
        try {
            return new RandomAccessFile(partial.toFile(), "r");
        } catch (FileNotFoundException e) {
            // Renamed by a commit in this moment, or gone.
            return new RandomAccessFile(target.toFile(), "r");
        }
    }

    /**
     * Notes that the file will grow to this length, so that its room is counted before it is used. See {@link Evictor}.
     */
    void reserve(long totalBytes) {
        reservedBytes = totalBytes;
    }

    /**
     * The bytes that are or will be on the disk: those written, or those reserved if that is more; 0 after an abort.
     */
    long claimedBytes() {
        return switch (state) {
            case NEW, WRITING, VERIFIED -> Math.max(onDiskBytes(), reservedBytes);
            case SUSPENDED -> onDiskBytes();
            case COMMITTED -> writtenBytes;
            case ABORTED -> 0;
        };
    }

    /** Of what was reserved, the bytes that are not on the disk yet. */
    long promisedBytes() {
        return hasEnded() ? 0 : Math.max(0, reservedBytes - onDiskBytes());
    }

    private long onDiskBytes() {
        return Math.max(writtenBytes, untakenBytes);
    }

    /**
     * Ends the ingest; {@linkplain #suspend() suspends} it if it was neither committed nor aborted. Harmless when
     * repeated.
     */
    @Override
    public void close() throws IOException {
        try (file) {
            suspend();
        } finally {
            onClose.accept(this);
        }
    }

    /** Whether the blob has its name, and nothing is left of the partial file. */
    boolean isCommitted() {
        return state == State.COMMITTED;
    }

    private boolean hasEnded() {
        return switch (state) {
            case NEW, WRITING, VERIFIED -> false;
            case COMMITTED, ABORTED, SUSPENDED -> true;
        };
    }

    private void require(State expected) {
        if (state != expected) {
            throw new IllegalStateException("ingest of " + digest + " is " + state + ", expected " + expected);
        }
    }
}
