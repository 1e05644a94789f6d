package dev.entrepot.cache;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has room made that nobody waits for, one such run at a time. What is asked for while one is under way is done after
 * it. Safe for all threads.
 */
final class Trimmer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Trimmer.class);
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final Runnable trimming;
    private final AtomicInteger requests = new AtomicInteger();
    private volatile @Nullable Thread thread;

    /** Runs this each time. */
    Trimmer(Runnable trimming) {
        this.trimming = trimming;
    }

    /** Asks for a run on a thread of its own. Returns at once. */
    void request() {
        if (requests.getAndIncrement() == 0) {
            thread = Thread.ofVirtual().name("evictor").start(this::runAll);
        }
    }

    /** Runs in this thread, unless one is under way elsewhere, which then goes on for this one too. */
    void run() {
        if (requests.getAndIncrement() == 0) {
            runAll();
        }
    }

    private void runAll() {
        int seen;
        do {
            seen = requests.get();
            try {
                trimming.run();
            } catch (RuntimeException | Error e) {
                // Also for want of memory: else nobody would ever trim again.
                LOG.error("an eviction in the background failed", e);
            }
        } while (!requests.compareAndSet(seen, 0));
    }

    /** Stops what runs on a thread of its own, waiting for the file in hand. */
    @Override
    public void close() {
        Thread running = thread;
        if (running == null) {
            return;
        }
        running.interrupt();
        try {
            if (!running.join(PATIENCE)) {
                LOG.warn("the eviction in the background did not end within {} s", PATIENCE.toSeconds());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
