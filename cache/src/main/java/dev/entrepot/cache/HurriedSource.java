package dev.entrepot.cache;

import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.BlobSource;
import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OutageException;
import java.io.IOException;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * The upstream of a fetch that nobody waits for, until somebody does: from then on it is asked as urgently as for
 * whoever waits, and what waits for its turn in the background is asked anew at once. A body that has been opened goes
 * on. Thread-safe.
 */
final class HurriedSource implements BlobSource {
    private final FetchProgress progress;
    private BlobSource source;
    private boolean urgent;
    private @Nullable Thread asking;
    private boolean interrupting;
    private long round;

    /**
     * Describes an upstream.
     *
     * @param urgent whether somebody waits from the start
     * @param progress told of the time in which the blob is asked for
     */
    HurriedSource(BlobSource source, boolean urgent, FetchProgress progress) {
        this.progress = progress;
        this.source = source;
        this.urgent = urgent;
    }

    /** Has this source asked from now on, because somebody waits for it; nothing happens if somebody did before. */
    synchronized void hurry(BlobSource forWhoWaits) {
        if (urgent) {
            return;
        }
        urgent = true;
        source = forWhoWaits;
        askAnew();
    }

    /** Has what is being asked asked anew, because what it waits for may have changed. */
    synchronized void askAnew() {
        round++;
        Thread waiting = asking;
        if (waiting != null) {
            interrupting = true;
            waiting.interrupt();
        }
    }

    @Override
    public Optional<OptionalLong> statBlob(Digest digest) throws IOException {
        return ask(source -> source.statBlob(digest));
    }

    @Override
    public BlobBody openBlob(Digest digest, ByteRange range) throws IOException {
        return openBlob(digest, range, OptionalLong.empty());
    }

    @Override
    public BlobBody openBlob(Digest digest, ByteRange range, OptionalLong knownBytes) throws IOException {
        progress.queued(true);
        try {
            return ask(source -> source.openBlob(digest, range, knownBytes));
        } finally {
            progress.queued(false);
        }
    }

    /** Whether the thread that is asking is interrupted so that it asks anew. */
    synchronized boolean isInterrupting() {
        return interrupting;
    }

    private interface Question<T> {
        T of(BlobSource source) throws IOException;
    }

    private <T> T ask(Question<T> question) throws IOException {
        while (true) {
            Asked asked = begin();
            try {
                return question.of(asked.source);
            } catch (OutageException e) {
                if (asked.round == round()) {
                    throw e;
                }
            } finally {
                end();
            }
        }
    }

    @Override
    public boolean ignoresRanges() {
        return now().ignoresRanges();
    }

    @Override
    public void refuted(Digest digest) {
        now().refuted(digest);
    }

    private synchronized BlobSource now() {
        return source;
    }

    private synchronized long round() {
        return round;
    }

    private record Asked(BlobSource source, long round) {}

    private synchronized Asked begin() {
        asking = Thread.currentThread();
        return new Asked(source, round);
    }

    // Outside of this, the thread reads a body, which is not to be broken off.
    private synchronized void end() {
        asking = null;
        if (interrupting) {
            interrupting = false;
            Thread.interrupted();
        }
    }
}
