package dev.entrepot.cache;

import java.io.InterruptedIOException;
import java.util.OptionalLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The room that is set aside for a blob while it is written: for all of it where the upstream states its size, else in
 * steps, each before what needs it is written. That there is none is said in the log and noted for readiness. For the
 * thread of the fetch.
 */
final class FillRoom {
    // Of the fetch: what becomes of a blob is in the log under one name.
    private static final Logger LOG = LoggerFactory.getLogger(BlobFetch.class);
    /** In what steps, at most, room is set aside for a blob whose size the upstream does not state. */
    private static final long UNKNOWN_STEP_BYTES = 64L << 20;

    private final WantedBlob blob;
    private final Ingest ingest;
    private final BlobFetch.Keeper keeper;
    private final StoreRefusals refusals;
    private long reservedBytes;

    /** None yet. */
    FillRoom(WantedBlob blob, Ingest ingest, BlobFetch.Keeper keeper, StoreRefusals refusals) {
        this.blob = blob;
        this.ingest = ingest;
        this.keeper = keeper;
        this.refusals = refusals;
    }

    /**
     * Sets room aside at first, for a blob of this size.
     *
     * @return whether there is any
     * @throws InterruptedIOException if the thread is interrupted: nobody knows then
     */
    boolean begin(OptionalLong totalBytes) throws InterruptedIOException {
        reservedBytes = totalBytes.orElse(unstated(ingest.writtenBytes()));
        return reserve();
    }

    // To what length room is set aside at first where the upstream states none. What a manifest says may be far too
    // much, and is no reason to push out more than a step for it.
    private long unstated(long writtenBytes) {
        long left = Math.max(blob.declaredBytes().orElse(Long.MAX_VALUE) - writtenBytes, 0);
        return writtenBytes + Math.min(left, UNKNOWN_STEP_BYTES);
    }

    /**
     * Sees to it that so many bytes more can be written.
     *
     * @return whether there is room
     * @throws InterruptedIOException if the thread is interrupted: nobody knows then
     */
    boolean hasFor(int count) throws InterruptedIOException {
        if (ingest.writtenBytes() + count <= reservedBytes) {
            return true;
        }
        reservedBytes += UNKNOWN_STEP_BYTES;
        return reserve();
    }

    private boolean reserve() throws InterruptedIOException {
        boolean room = keeper.reserve(ingest, reservedBytes);
        if (!room) {
            if (Thread.currentThread().isInterrupted()) {
                throw new InterruptedIOException("interrupted while room was made for " + blob);
            }
            String lack = keeper.lack(ingest, reservedBytes);
            refusals.refused(ContentKind.BLOB, lack);
            LOG.warn(
                    "{} is passed through without being kept: no room for {} bytes in the cache: {}",
                    blob,
                    reservedBytes,
                    lack);
        }
        return room;
    }
}
