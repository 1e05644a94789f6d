package dev.entrepot.oci.client;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Looks now and then at what may take too long, all of it on one virtual thread, which lives as long as there is
 * something to look at: a thread and a timer for each request cost more than some of the requests. What is overdue is
 * found by an eighth of its time late, or by ten seconds. Safe for all threads.
 */
final class OverdueWatch {
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(10);
    private static final Duration SHORTEST_PAUSE = Duration.ofMillis(1);
    private static final int LOOKS = 8;

    private final Duration pause;
    private final ThreadFactory threads;
    private final Set<Watched> watched = ConcurrentHashMap.newKeySet();
    private final AtomicBoolean looking = new AtomicBoolean();

    /** Something that may take too long. Implementations have the identity of objects. */
    interface Watched {
        /** Looks at it, and ends it if it is overdue; must not block. */
        void look();
    }

    /** For things of which none may take less time than this. */
    OverdueWatch(Duration shortest) {
        this(shortest, Thread.ofVirtual().factory());
    }

    /** As above, with threads of somebody's. */
    OverdueWatch(Duration shortest, ThreadFactory threads) {
        this.threads = threads;
        Duration part = shortest.dividedBy(LOOKS);
        this.pause = part.compareTo(LONGEST_PAUSE) > 0
                ? LONGEST_PAUSE
                : part.compareTo(SHORTEST_PAUSE) < 0 ? SHORTEST_PAUSE : part;
    }

    /** Looks at it from now on, until it is removed. */
    void add(Watched one) {
        watched.add(one);
        start();
    }

    /** Looks at it no more. */
    void remove(Watched one) {
        watched.remove(one);
    }

    private void start() {
        if (!looking.get() && looking.compareAndSet(false, true)) {
            boolean started = false;
            try {
                start("overdue watch", this::run);
                started = true;
            } finally {
                // For want of memory for a thread: else nobody looked at anything until a restart.
                if (!started) {
                    looking.set(false);
                }
            }
        }
    }

    /** Does something that may block, on a thread of its own. */
    void start(String name, Runnable task) {
        Thread thread = threads.newThread(task);
        thread.setName(name);
        thread.start();
    }

    private void run() {
        try {
            while (!watched.isEmpty()) {
                Thread.sleep(pause);
                watched.forEach(Watched::look);
            }
        } catch (InterruptedException e) {
            // Nobody interrupts it; what is watched is looked at by the next thread.
            Thread.currentThread().interrupt();
        } finally {
            looking.set(false);
            // Something may have come between the last look and now.
            if (!watched.isEmpty()) {
                start();
            }
        }
    }
}
