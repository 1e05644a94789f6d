package dev.entrepot.cache;

import java.io.Closeable;
import java.io.IOException;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The changes of files that are under way and that the index has not heard of yet: a blob that gets its name, a
 * manifest that is written, content that goes. The disk may take longer for one than the end of the process waits.
 * While there is one, nobody can say that the index agrees with the files; once the index is closed, none begins, and
 * as long as one is under way, no other process gets the folder. Safe for all threads.
 */
final class FileChanges {
    private static final Logger LOG = LoggerFactory.getLogger(FileChanges.class);

    /** A change, from before the first file is touched until the index was told. */
    interface Change extends AutoCloseable {
        /** The index was told. Called once. */
        @Override
        void close();
    }

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
