package dev.entrepot.cache;

import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.BlobSource;
import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.OutageException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.BooleanSupplier;

/**
 * The bytes of an upstream blob from an offset to its end, across breaks of the connection: after a break the blob is
 * opened again at the offset reached; from a source that ignores ranges, or that encodes bodies, what is already known
 * is read and dropped. Gives up after a number of failures in a row, each after less than 8 KiB of new bytes. Answers
 * (not found, unauthorized) are final at once. One thread reads; any thread may close.
 */
final class ResumingBody implements AutoCloseable {
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);
    /** What must come between two failures, so that they are not in a row: less would take hours for a small blob. */
    private static final int PROGRESS_BYTES = 8 * 1024;

    private final BlobSource source;
    private final Digest digest;
    private final FetchSettings settings;
    private final OptionalLong hintBytes;
    private final BooleanSupplier mayEnd;
    private volatile boolean closed;
    private volatile BlobBody body;
    private long offset;
    private OptionalLong totalBytes;
    private boolean resumable = true;
    private int failures;
    private long bytesSinceFailure;

    /**
     * Opens the blob, with one attempt: the client below has its own for the beginning.
     *
     * @param offset where to begin
     * @param expectedBytes the size of the whole blob, if the source has stated it before; another size is refused
     * @param hintBytes the size that a manifest states, by which an encoded body is understood
     * @param mayEnd asked at the end of a body whose size nobody has stated: whether that can be the end of the blob,
     *     and not a break
     */
    ResumingBody(
            BlobSource source,
            Digest digest,
            long offset,
            OptionalLong expectedBytes,
            OptionalLong hintBytes,
            BooleanSupplier mayEnd,
            FetchSettings settings)
            throws IOException {
        this.source = source;
        this.digest = digest;
        this.settings = settings;
        this.offset = offset;
        this.totalBytes = expectedBytes;
        this.hintBytes = hintBytes;
        this.mayEnd = mayEnd;
        this.body = openAtOffset();
    }

    /** The size of the whole blob, once anything has stated it. */
    OptionalLong totalBytes() {
        return totalBytes;
    }

    /**
     * Reads on, reopening as needed.
     *
     * @return the number of bytes, or -1 at the end of the blob
     */
    int read(byte[] buffer) throws IOException {
        while (true) {
            try {
                int count = body.stream().read(buffer, 0, buffer.length);
                if (count > 0) {
                    offset += count;
                    bytesSinceFailure += count;
                    if (bytesSinceFailure >= PROGRESS_BYTES) {
                        failures = 0;
                    }
                    return count;
                }
                if (count < 0 && (totalBytes.isPresent() ? offset >= totalBytes.getAsLong() : mayEnd.getAsBoolean())) {
                    return -1;
                }
                throw new OutageException(
                        OutageException.Reason.UNREACHABLE,
                        "blob " + digest + " broke off after " + offset + " of " + describe(totalBytes) + " bytes");
            } catch (OutageException e) {
                body.close();
                pauseAfter(e);
                body = openWithRetries();
            }
        }
    }

    private static String describe(OptionalLong bytes) {
        return bytes.isPresent() ? Long.toString(bytes.getAsLong()) : "unknown";
    }

    private BlobBody openWithRetries() throws IOException {
        while (true) {
            try {
                return openAtOffset();
            } catch (OutageException e) {
                pauseAfter(e);
            }
        }
    }

    private BlobBody openAtOffset() throws IOException {
        OptionalLong known = totalBytes.isPresent() ? totalBytes : hintBytes;
        BlobBody opened = source.openBlob(digest, ByteRange.from(resumable ? offset : 0), known);
        try {
            resumable = opened.isResumable();
            checkSize(opened.totalBytes());
            dropKnown(opened, offset - opened.offset());
            if (closed) {
                throw new IOException("closed while opening blob " + digest);
            }
            return opened;
        } catch (IOException | RuntimeException e) {
            opened.close();
            throw e;
        }
    }

    private void checkSize(OptionalLong stated) throws InvalidContentException {
        if (stated.isEmpty()) {
            return;
        }
        if (totalBytes.isPresent() && totalBytes.getAsLong() != stated.getAsLong()) {
            throw new InvalidContentException("blob " + digest + " is " + stated.getAsLong()
                    + " bytes long at the upstream, expected " + totalBytes.getAsLong());
        }
        totalBytes = stated;
    }

    private void dropKnown(BlobBody opened, long count) throws IOException {
        if (count < 0) {
            throw new InvalidContentException(
                    "blob " + digest + " was opened at " + opened.offset() + ", asked for " + offset);
        }
        byte[] buffer = new byte[(int) Math.min(64 * 1024, count)];
        for (long left = count; left > 0; ) {
            int read = opened.stream().read(buffer, 0, (int) Math.min(buffer.length, left));
            if (read < 0) {
                throw new OutageException(
                        OutageException.Reason.UNREACHABLE,
                        "blob " + digest + " broke off while reading up to " + offset + " again");
            }
            left -= read;
        }
    }

    private void pauseAfter(OutageException outage) throws IOException {
        failures++;
        bytesSinceFailure = 0;
        if (failures >= settings.attempts() || closed) {
            throw outage;
        }
        long doubled = settings.firstPause().toMillis() << Math.min(failures - 1, 16);
        long asked = outage.retryAfter().map(Duration::toMillis).orElse(0L);
        long pause = Math.min(LONGEST_PAUSE.toMillis(), Math.max(doubled, asked));
        try {
            Thread.sleep(pause + (pause > 3 ? ThreadLocalRandom.current().nextLong(pause / 4 + 1) : 0));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while waiting to resume blob " + digest);
        }
    }

    @Override
    public void close() throws IOException {
        closed = true;
        body.close();
    }
}
