package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import java.io.Closeable;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The changes of files that are under way and that the index has not heard of yet: a blob that gets its name, a
 * manifest that is written, content that goes. The disk may take longer for one than the end of the process waits.
 * While there is one, nobody can say that the index agrees with the files; once the index is closed, none begins, and
 * as long as one is under way, no other process gets the folder. Safe for all threads.
 *
 * <p>Content that is about to go is announced before it is asked for the last time whether it may. So whoever has said
 * first that it is to stay, and then waits until no removal of it is under way, finds it and keeps it, or finds it
 * gone.
 */
final class FileChanges {
    private static final Logger LOG = LoggerFactory.getLogger(FileChanges.class);

    /** A change, from before the first file is touched until the index was told. */
    interface Change extends AutoCloseable {
        /** The index was told. Called once. */
        @Override
        void close();
    }

    /** How long a removal is waited for: that of a file, and perhaps a look at what is pinned before. */
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final Set<Digest> leaving = new HashSet<>();
    // How often at the same time.
    private final Map<Digest, Integer> coming = new HashMap<>();
    private int underWay;
    private boolean ended;
    private Optional<Closeable> afterLast = Optional.empty();

    /**
     * Begins a change.
     *
     * @throws IOException if the index is closed, so that it would never hear of it
     */
    synchronized Change begin() throws IOException {
        if (ended) {
            throw new IOException("the store is being closed, and nothing in it is changed any more");
        }
        underWay++;
        return this::ended;
    }

    /**
     * Begins the removal of content; only then it is asked whether it may go. One at a time for a digest.
     *
     * @throws IOException as {@link #begin}
     */
    synchronized Change beginRemoval(Digest digest) throws IOException {
        Change change = begin();
        leaving.add(digest);
        return () -> {
            left(digest);
            change.close();
        };
    }

    /**
     * Begins to store content, also if it is there already. Waits for a removal of it that has begun; one that begins
     * later leaves it alone, until this is closed.
     *
     * @throws IOException as {@link #begin} and {@link #awaitRemoval}
     */
    synchronized Change beginStoring(Digest digest) throws IOException {
        awaitRemoval(digest);
        Change change = begin();
        coming.merge(digest, 1, Integer::sum);
        return () -> {
            come(digest);
            change.close();
        };
    }

    private synchronized void come(Digest digest) {
        coming.computeIfPresent(digest, (same, times) -> times > 1 ? times - 1 : null);
    }

    /** Whether this content is being stored by who has said so: it must not be removed. */
    synchronized boolean isComing(Digest digest) {
        return coming.containsKey(digest);
    }

    private synchronized void left(Digest digest) {
        leaving.remove(digest);
        notifyAll();
    }

    /**
     * Waits until no removal of this content is under way that has not seen what the caller did before; half a minute
     * at most, after which it is with the disk.
     *
     * @throws InterruptedIOException if the thread is interrupted meanwhile
     */
    synchronized void awaitRemoval(Digest digest) throws InterruptedIOException {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        try {
            for (long left = PATIENCE.toNanos();
                    left > 0 && leaving.contains(digest);
                    left = deadline - System.nanoTime()) {
                TimeUnit.NANOSECONDS.timedWait(this, left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while " + digest + " was being removed");
        }
    }

    private void ended() {
        Optional<Closeable> last;
        synchronized (this) {
            underWay--;
            last = underWay == 0 ? afterLast : Optional.empty();
        }
        try {
            if (last.isPresent()) {
                last.get().close();
            }
        } catch (IOException e) {
            LOG.warn("the store could not be given free: {}", e.toString());
        }
    }

    /** An index is open that hears of changes. */
    synchronized void heard() {
        ended = false;
    }

    /** From now on none begins: the index is closed. Those under way go on. */
    synchronized void end() {
        ended = true;
    }

    /** Whether none is under way: the index was told of all that have begun. */
    synchronized boolean isQuiet() {
        return underWay == 0;
    }

    /**
     * As {@link #end()}, for good.
     *
     * @param after closed here if none is under way, else by whoever ends the last one
     * @throws IOException if it cannot be closed
     */
    void end(Closeable after) throws IOException {
        synchronized (this) {
            ended = true;
            if (underWay > 0) {
                LOG.warn("{} changes of the store are still under way; until they end, nobody else gets it", underWay);
                afterLast = Optional.of(after);
                return;
            }
        }
        after.close();
    }
}
