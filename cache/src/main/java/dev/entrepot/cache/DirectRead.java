package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.RepositorySource;
import java.io.Closeable;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.security.MessageDigest;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * What is left of a blob for one reader after the disk failed its fetch, or all of one that is not to be kept: read
 * straight from the upstream, hashed on from the state that the fetch had reached, the last bytes withheld until the
 * digest is known to be right. A reader that begins beyond that offset (a range request) is served without
 * verification: it cannot get a whole body.
 *
 * <p>Bytes go through one buffer: what has been read but not yet handed on. The newest {@code holdBackBytes} of it are
 * handed on only after the end has been verified.
 */
final class DirectRead implements Closeable {
    private static final int CHUNK_BYTES = 64 * 1024;

    private final Digest digest;
    private final RepositorySource upstream;
    private final FetchProgress.Degraded state;
    private final OptionalLong hintBytes;
    private final FetchSettings settings;
    private final @Nullable RandomAccessFile written;
    private final IntConsumer counted;
    private final byte[] chunk = new byte[CHUNK_BYTES];
    private byte[] pending = new byte[CHUNK_BYTES];
    private int pendingStart;
    private int pendingEnd;
    private long nextPosition = -1;
    private long received;
    private boolean ended;
    private @Nullable ResumingBody body;
    private @Nullable MessageDigest hasher;

    /**
     * Goes on where a fetch has stopped.
     *
     * @param hintBytes the size that a manifest states
     * @param written the file that the fetch wrote, if the reader has it open; closed by others
     * @param counted is told how many bytes came from the upstream
     */
    DirectRead(
            Digest digest,
            RepositorySource upstream,
            FetchProgress.Degraded state,
            OptionalLong hintBytes,
            FetchSettings settings,
            @Nullable RandomAccessFile written,
            IntConsumer counted) {
        this.digest = digest;
        this.upstream = upstream;
        this.state = state;
        this.hintBytes = hintBytes;
        this.settings = settings;
        this.written = written;
        this.counted = counted;
    }

    /** Opens the upstream at a position, and returns the size of the whole blob as far as the upstream states it. */
    OptionalLong begin(long position) throws IOException {
        return openAt(position).totalBytes();
    }

    /** As {@link BlobContent#read}. */
    int read(long position, byte[] buffer, int offset, int length) throws IOException {
        ResumingBody current = body;
        if (current == null || position != nextPosition) {
            current = openAt(position);
        }
        while (!ended && pendingEnd - pendingStart <= holdBack()) {
            receive(current);
        }
        int available = pendingEnd - pendingStart - (ended ? 0 : holdBack());
        if (available <= 0) {
            return -1;
        }
        int count = Math.min(available, length);
        System.arraycopy(pending, pendingStart, buffer, offset, count);
        pendingStart += count;
        nextPosition += count;
        return count;
    }

    private int holdBack() {
        return hasher == null ? 0 : settings.holdBackBytes();
    }

    // From the beginning: hashed anew. Just before the fetch's offset: those bytes come from its file, which holds what
    // it had hashed, and what follows is hashed on from its state. Anywhere else it is a range, which nobody can
    // verify.
    private ResumingBody openAt(long position) throws IOException {
        close();
        long gap = state.offset() - position;
        boolean continues = position > 0
                && gap >= 0
                && gap <= settings.holdBackBytes() + CHUNK_BYTES
                && (gap == 0 || written != null);
        hasher = continues
                ? copyOf(state.hashState())
                : position == 0 ? digest.algorithm().newMessageDigest() : null;
        pendingStart = 0;
        pendingEnd = 0;
        ended = false;
        received = continues ? state.offset() : position;
        nextPosition = position;
        if (continues && gap > 0) {
            takeFromFile(Objects.requireNonNull(written), position, (int) gap);
        }
        ResumingBody opened =
                new ResumingBody(upstream, digest, received, state.totalBytes(), hintBytes, this::mayEnd, settings);
        body = opened;
        return opened;
    }

    // Of a body that states no size, a break looks as its end does. A manifest may state a wrong one.
    private boolean mayEnd() {
        MessageDigest current = hasher;
        return current == null
                || hintBytes.isEmpty()
                || received >= hintBytes.getAsLong()
                || Digest.of(digest.algorithm(), copyOf(current)).equals(digest);
    }

    private void takeFromFile(RandomAccessFile file, long position, int count) throws IOException {
        byte[] hashed = new byte[count];
        file.seek(position);
        file.readFully(hashed);
        append(hashed, count);
    }

    private MessageDigest copyOf(MessageDigest hashState) {
        try {
            return (MessageDigest) hashState.clone();
        } catch (CloneNotSupportedException e) {
            throw new IllegalStateException(digest.algorithm() + " has no cloneable state", e);
        }
    }

    private void receive(ResumingBody current) throws IOException {
        int count = current.read(chunk);
        if (count < 0) {
            verify(current.totalBytes());
            ended = true;
            return;
        }
        received += count;
        counted.accept(count);
        if (hasher != null) {
            hasher.update(chunk, 0, count);
        }
        append(chunk, count);
    }

    private void append(byte[] bytes, int count) {
        if (pendingEnd + count > pending.length) {
            int held = pendingEnd - pendingStart;
            byte[] target = held + count > pending.length ? new byte[held + count + CHUNK_BYTES] : pending;
            System.arraycopy(pending, pendingStart, target, 0, held);
            pending = target;
            pendingStart = 0;
            pendingEnd = held;
        }
        System.arraycopy(bytes, 0, pending, pendingEnd, count);
        pendingEnd += count;
    }

    private void verify(OptionalLong totalBytes) throws InvalidContentException {
        if (hasher == null) {
            return;
        }
        if (totalBytes.isPresent() && received != totalBytes.getAsLong()) {
            throw new InvalidContentException(
                    "blob " + digest + " ended after " + received + " bytes, expected " + totalBytes.getAsLong());
        }
        Digest actual = Digest.of(digest.algorithm(), hasher);
        if (!actual.equals(digest)) {
            upstream.refuted(digest);
            throw new InvalidContentException(
                    "blob has the digest " + actual + " after " + received + " bytes, expected " + digest);
        }
    }

    @Override
    public void close() throws IOException {
        ResumingBody current = body;
        body = null;
        if (current != null) {
            current.close();
        }
    }
}
