package dev.entrepot.cache;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The comparison of an index that was opened at once after a crash, in the background while the store is served from.
 * If it fails or is broken off, the next start does it again.
 */
public final class ComparisonAtStart implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ComparisonAtStart.class);
    private static final Duration END = Duration.ofSeconds(10);

    private final Thread thread;

    private ComparisonAtStart(ContentStore store, CacheIndex index, Duration after) {
        // A platform thread: it waits for the disk most of the time.
        thread = Thread.ofPlatform().name("comparison").daemon().start(() -> run(store, index, after));
    }

    /**
     * Begins, if the index has not been compared yet.
     *
     * @param after how long others go first
     */
    public static ComparisonAtStart of(ContentStore store, CacheIndex index, Duration after) {
        return new ComparisonAtStart(store, index, after);
    }

    private static void run(ContentStore store, CacheIndex index, Duration after) {
        if (index.isCompared()) {
            return;
        }
        try {
            Thread.sleep(after);
            IndexComparison.Result result = IndexComparison.run(store, index);
            LOG.info(
                    "the index was compared with the files: {} registered, {} forgotten",
                    result.registered(),
                    result.forgotten());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (InterruptedIOException e) {
            LOG.debug("index and files were not compared to the end, since the store is closed");
        } catch (IOException e) {
            LOG.warn("index and files were not compared to the end; the next start does it again: {}", e.getMessage());
        }
    }

    /** Waits until it has ended, well or not. */
    void await() throws InterruptedException {
        thread.join();
    }

    /** Breaks it off, and waits until it has noticed. */
    @Override
    public void close() {
        thread.interrupt();
        try {
            thread.join(END);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
