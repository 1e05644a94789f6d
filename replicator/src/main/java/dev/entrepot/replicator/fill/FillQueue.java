package dev.entrepot.replicator.fill;

import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Graphs that wait to be brought into the cache in the background, in the order in which they were asked for, and each
 * once however often it is asked for meanwhile. Bounded: what does not fit is dropped, because it is fetched at the
 * latest when a client wants it. Safe for all threads.
 */
public final class FillQueue implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(FillQueue.class);
    private static final Duration ENDS = Duration.ofSeconds(10);

    private final GraphFiller filler;
    private final int workers;
    private final int capacity;
    private final Consumer<FillReport> listener;
    private final LinkedHashSet<FillRequest> waiting = new LinkedHashSet<>();
    private final Set<FillRequest> running = new HashSet<>();
    private final List<Thread> threads = new ArrayList<>();
    private boolean closed;

    /** What became of an offer. */
    public enum Offer {
        /** It will be filled. */
        ACCEPTED,
        /** It waits already; what is being filled now is accepted again, because it may have been asked for since. */
        WAITING,
        /** There is no room, or this is closed. */
        DROPPED
    }

    /**
     * An empty queue.
     *
     * @param workers how many graphs are filled at a time, at least 1
     * @param capacity how many may wait, at least 1
     * @param listener is told of each graph when it is done, on the thread that filled it
     */
    public FillQueue(GraphFiller filler, int workers, int capacity, Consumer<FillReport> listener) {
        if (workers < 1 || capacity < 1) {
            throw new IllegalArgumentException(workers + " workers, " + capacity + " places");
        }
        this.filler = filler;
        this.workers = workers;
        this.capacity = capacity;
        this.listener = listener;
    }

    /** Asks for a graph. Returns at once. */
    public synchronized Offer offer(FillRequest request) {
        if (waiting.contains(request)) {
            return Offer.WAITING;
        }
        if (closed || waiting.size() >= capacity) {
            return Offer.DROPPED;
        }
        waiting.add(request);
        if (threads.size() < workers) {
            threads.add(Thread.ofVirtual().name("fill-" + threads.size()).start(this::work));
        }
        return Offer.ACCEPTED;
    }

    /** How many graphs wait. */
    public synchronized int waiting() {
        return waiting.size();
    }

    /** How many graphs are being filled. */
    public synchronized int running() {
        return running.size();
    }

    private void work() {
        FillRequest request;
        while ((request = next()) != null) {
            try {
                listener.accept(filler.fill(request));
            } catch (InterruptedIOException e) {
                // Whoever interrupts this thread ends it, and the interrupt stays set. What timed out, or was broken
                // off for somebody else, is a failure of this one.
                if (!Thread.currentThread().isInterrupted()) {
                    LOG.warn("{} could not be filled", request.image(), e);
                }
            } catch (RuntimeException | Error e) {
                // Whatever it is, those behind it have their turn.
                LOG.error("{} could not be filled", request.image(), e);
            } finally {
                ended(request);
            }
        }
    }

    // Two threads never fill the same graph: the second would only wait for the first.
    private synchronized @Nullable FillRequest next() {
        if (!closed && !Thread.currentThread().isInterrupted()) {
            for (FillRequest request : waiting) {
                if (!running.contains(request)) {
                    waiting.remove(request);
                    running.add(request);
                    return request;
                }
            }
        }
        threads.remove(Thread.currentThread());
        return null;
    }

    private synchronized void ended(FillRequest request) {
        running.remove(request);
    }

    /**
     * Drops what waits, breaks off what runs, and waits for its end, ten seconds at most. What has come of a blob is
     * kept.
     */
    @Override
    public void close() {
        List<Thread> ending;
        synchronized (this) {
            closed = true;
            waiting.clear();
            ending = List.copyOf(threads);
        }
        ending.forEach(Thread::interrupt);
        try {
            for (Thread thread : ending) {
                if (!thread.join(ENDS)) {
                    LOG.warn("filling in the background did not end within {} s", ENDS.toSeconds());
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
