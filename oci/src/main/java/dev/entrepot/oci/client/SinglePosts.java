package dev.entrepot.oci.client;

import java.time.Duration;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;

/**
 * Whether a registry takes a blob in the request that would open a session (distribution-spec end-4b, which it need
 * not). The first blob that is small enough shows it, while all others go the way that works everywhere; what it showed
 * holds for ten minutes. Safe for all threads.
 */
final class SinglePosts {
    /** A session that is opened without a word about the body has taken these bytes in vain; they were in hand. */
    static final long MOST_BYTES_TO_ASK = UploadStream.AHEAD_BYTES;
    /** What is larger may have to go on after a break, which takes a session; and a round trip is less of its time. */
    static final long MOST_BYTES = 1L << 20;

    private static final long LIFE_NANOS = Duration.ofMinutes(10).toNanos();

    private final ReentrantLock lock = new ReentrantLock();
    private final LongSupplier nanoTime;
    private State state = State.UNKNOWN;
    private long since;

    private enum State {
        UNKNOWN,
        ASKED,
        TAKEN,
        REFUSED
    }

    /** How a blob is to be sent. */
    enum Way {
        /** By a session. */
        SESSION,
        /** In one request, whose success is to be looked after by another: nobody has seen it yet. */
        ASKING,
        /** In one request. */
        SINGLE
    }

    /**
     * Nothing is known.
     *
     * @param nanoTime by which what is known gets old
     */
    SinglePosts(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
    }

    /**
     * How a blob of this size is to be sent; the empty one as ever, since a request without a body looks like one that
     * opens a session. Who is told {@link Way#ASKING} says by {@link #saw} or {@link #unsure} what came of it.
     */
    Way way(long sizeBytes) {
        lock.lock();
        try {
            if (sizeBytes == 0) {
                return Way.SESSION;
            }
            boolean old = nanoTime.getAsLong() - since > LIFE_NANOS;
            if (old && (state == State.TAKEN || state == State.REFUSED)) {
                state = State.UNKNOWN;
            }
            if (state == State.UNKNOWN && sizeBytes <= MOST_BYTES_TO_ASK) {
                state = State.ASKED;
                return Way.ASKING;
            }
            return state == State.TAKEN && sizeBytes <= MOST_BYTES ? Way.SINGLE : Way.SESSION;
        } finally {
            lock.unlock();
        }
    }

    /** The registry has shown whether it takes blobs so. */
    void saw(boolean taken) {
        note(taken ? State.TAKEN : State.REFUSED);
    }

    /** Nothing came of asking: the next small blob asks again. */
    void unsure() {
        note(State.UNKNOWN);
    }

    private void note(State seen) {
        lock.lock();
        try {
            state = seen;
            since = nanoTime.getAsLong();
        } finally {
            lock.unlock();
        }
    }
}
