package dev.entrepot.oci.client;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Repository;
import java.time.Duration;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;

/**
 * Whether a registry takes a blob in the request that would open a session (distribution-spec end-4b, which it need
 * not). The first blob that is small enough shows it, while all others go the way that works everywhere. What it showed
 * holds until it shows something else, and for ten minutes. Safe for all threads.
 */
final class SinglePosts {
    /** Where a session is opened without a word about the body, these bytes travel once more. */
    static final long MOST_BYTES_TO_ASK = 16L << 10;
    /** All of it is in memory meanwhile; and of what is larger, a round trip is less of the time. */
    static final long MOST_BYTES = 256L << 10;

    private static final Duration LIFE = Duration.ofMinutes(10);
    private static final int MOST_REMEMBERED = 1_000;

    private final ReentrantLock lock = new ReentrantLock();
    private final LongSupplier nanoTime;
    private final Cache<Place, Boolean> taken;
    private State state = State.UNKNOWN;
    private long since;

    private enum State {
        UNKNOWN,
        ASKED,
        TAKEN,
        NOT_TAKEN
    }

    private record Place(Repository repository, Digest blob) {}

    /** How a blob is to be sent. */
    enum Way {
        /** By a session. */
        SESSION,
        /** In one request, and looked for afterwards: nobody knows yet what its success says. */
        ASKING,
        /** In one request. */
        SINGLE
    }

    /** What a blob that was sent in one request has shown of the registry. */
    enum Shown {
        TAKEN,
        NOT_TAKEN,
        /** Nothing that would hold for other blobs. */
        NOTHING
    }

    /**
     * Nothing is known.
     *
     * @param nanoTime by which what is known gets old
     */
    SinglePosts(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
        this.taken = Caffeine.newBuilder()
                .maximumSize(MOST_REMEMBERED)
                .expireAfterWrite(LIFE)
                .ticker(nanoTime::getAsLong)
                .executor(Runnable::run)
                .build();
    }

    /**
     * How a blob of this size is to be sent; the empty one as ever, since a request without a body looks like one that
     * opens a session. Whoever is told another way than {@link Way#SESSION} says by {@link #ended} what came of it.
     */
    Way way(Repository repository, Digest blob, long sizeBytes) {
        if (sizeBytes == 0) {
            return Way.SESSION;
        }
        lock.lock();
        try {
            // Whoever sends again what was taken has not found it there.
            if (taken.asMap().remove(new Place(repository, blob)) != null) {
                note(State.NOT_TAKEN);
            }
            boolean old = nanoTime.getAsLong() - since > LIFE.toNanos();
            if (old && (state == State.TAKEN || state == State.NOT_TAKEN)) {
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

    /** A blob was sent as {@link #way} said, or was not to be had from its source. */
    void ended(Repository repository, Digest blob, Way way, Shown shown) {
        lock.lock();
        try {
            switch (shown) {
                case TAKEN -> {
                    note(State.TAKEN);
                    taken.put(new Place(repository, blob), true);
                }
                case NOT_TAKEN -> note(State.NOT_TAKEN);
                case NOTHING -> {
                    if (way == Way.ASKING) {
                        note(State.UNKNOWN);
                    }
                }
            }
        } finally {
            lock.unlock();
        }
    }

    private void note(State seen) {
        state = seen;
        since = nanoTime.getAsLong();
    }
}
