package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one thread that writes to the database. It gathers changes for {@value #GATHER_MILLIS} ms or until there are
 * {@value #BATCH}, and commits them as one transaction, in the order in which they came: what is on the disk after a
 * crash is what was put up to some moment.
 *
 * <p>A platform thread: each native call would hold a carrier. While the disk refuses, the changes are kept and tried
 * again every second; meanwhile nobody waits for room among the pending changes, and what finds none is not kept:
 * {@link PendingRoom}.
 *
 * <p>Whatever else goes wrong, as for want of memory or by a defect, costs the changes in hand at most: the thread goes
 * on, since without it nothing would be written until a restart.
 *
 * <p>It is long because what waits, what is written and who waits for that must end together.
 */
final class IndexWriter implements AutoCloseable {
    /** The most changes in a transaction. */
    static final int BATCH = 500;
    /** The longest that a change waits for others. */
    static final int GATHER_MILLIS = 50;

    private static final Logger LOG = LoggerFactory.getLogger(IndexWriter.class);
    private static final int PENDING_KIB = 32 * 1024;
    private static final Duration ADMIT = Duration.ofSeconds(5);
    private static final int TOUCH_SECONDS = 1;
    private static final int RETRY_SECONDS = 1;
    private static final int FLUSH_SECONDS = 60;
    private static final int CLOSE_SECONDS = 15;

    private final IndexTransactions transactions;
    private final Touches touches;
    private final Clock clock;
    private final FileChanges changes;
    private final BlockingQueue<IndexChange> queue = new LinkedBlockingQueue<>();
    // Of the thread alone; with room for all that it ever holds.
    private final ArrayDeque<IndexChange> inHand = new ArrayDeque<>(BATCH + 1);
    private final PendingRoom room;
    private final CountDownLatch closing = new CountDownLatch(1);
    private final AtomicLong lostChanges = new AtomicLong();
    private final AtomicLong failedReads = new AtomicLong();
    private final AtomicLong reportedLosses = new AtomicLong();
    private final Thread thread = Thread.ofPlatform().name("index-writer").unstarted(this::run);
    private volatile Predicate<Digest> touchMustWait = digest -> false;
    private volatile boolean doubtful;
    private volatile boolean agrees;

    /**
     * Writes by {@code updates}, which nobody else uses from {@link #start} to {@link #close}.
     *
     * @param changes those of the files, of which it hears
     */
    IndexWriter(IndexUpdates updates, Touches touches, Clock clock, FileChanges changes) {
        this(updates, touches, clock, changes, new PendingRoom(PENDING_KIB, ADMIT));
    }

    /** As above, with another bound for what is pending. */
    IndexWriter(IndexUpdates updates, Touches touches, Clock clock, FileChanges changes, PendingRoom room) {
        this.changes = changes;
        this.room = room;
        this.transactions = new IndexTransactions(updates);
        this.touches = touches;
        this.clock = clock;
    }

    /**
     * Starts the thread; the last use of content for which {@code touchMustWait} holds is written after the content
     * itself.
     */
    void start(Predicate<Digest> contentIsPending) {
        touchMustWait = contentIsPending;
        thread.start();
    }

    /**
     * Waits for room among the pending changes: 32 MiB of those that may be left out, as {@link PendingRoom} has them.
     *
     * @return whether there is room; the change must be {@linkplain #enqueue enqueued} then, or the room
     *     {@linkplain #giveBack given back}
     */
    boolean admit(int bytes) {
        boolean admitted = false;
        try {
            admitted = room.take(bytes, !isFailing());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (!admitted) {
            lostChanges.incrementAndGet();
        }
        return admitted;
    }

    /** Gives back room that was admitted for a change which is not needed. */
    void giveBack(int bytes) {
        room.release(bytes);
    }

    /**
     * Hands over a change that is noted in any case, and is not asked for room; never waits. It tells when it is
     * {@linkplain #settledContent settled}.
     */
    void enqueueContent(IndexChange change) {
        room.addContent();
        enqueue(change);
    }

    /** Notes that such a change waits no longer. */
    void settledContent() {
        room.removeContent();
    }

    /** Whether so many of them wait that there should be no more: as many as fill a share of 32 MiB. */
    boolean isFull() {
        return room.isFull();
    }

    /** Hands over a change; never waits. */
    void enqueue(IndexChange change) {
        queue.add(change);
    }

    /** How many changes wait, besides those that are being written. */
    int waitingChanges() {
        return queue.size();
    }

    /** Whether the last attempt to write failed, or nobody makes one any more. */
    boolean isFailing() {
        return transactions.failure().isPresent() || hasEnded();
    }

    /** Whether the thread has ended although this is not closed; only a restart helps then. */
    boolean hasEnded() {
        return thread.getState() == Thread.State.TERMINATED && closing.getCount() > 0;
    }

    /** The number of changes that were not kept. */
    long lostChanges() {
        return lostChanges.get();
    }

    /** Notes that the database could not be read, so that the next start compares it with the files. */
    void failedToRead(UncheckedIOException e) {
        if (!doubtful && closing.getCount() > 0) {
            LOG.warn("the upstreams are asked instead of the index: {}", e.getMessage());
        }
        doubtful = true;
        failedReads.incrementAndGet();
    }

    /** The number of questions that could not be answered since the start. */
    long failedReads() {
        return failedReads.get();
    }

    /**
     * Waits until all that was handed over before is committed.
     *
     * @throws IOException if the disk refuses, it takes more than a minute, or changes were lost since the last call
     */
    void flush() throws IOException {
        reachBarrier();
        long lost = lostChanges.get();
        requireKept(lost - reportedLosses.getAndSet(lost));
    }

    /**
     * As {@link #flush()}, for one who must know of its own changes, whoever else has asked meanwhile.
     *
     * @param lostBefore what {@link #lostChanges()} was before they were handed over
     */
    void flush(long lostBefore) throws IOException {
        reachBarrier();
        requireKept(lostChanges.get() - lostBefore);
    }

    private void requireKept(long lost) throws IOException {
        if (lost > 0) {
            throw new IOException(
                    lost + " changes of the index could not be kept",
                    transactions.failure().orElse(null));
        }
    }

    private void reachBarrier() throws IOException {
        Barrier barrier = new Barrier();
        enqueue(barrier);
        try {
            await(barrier);
        } catch (IOException e) {
            // Whoever asks while nothing can be written would leave one behind.
            queue.remove(barrier);
            throw e;
        }
    }

    private void await(Barrier barrier) throws IOException {
        try {
            for (int i = 0; i < FLUSH_SECONDS * 10; i++) {
                if (barrier.reached.await(100, TimeUnit.MILLISECONDS)) {
                    return;
                }
                Optional<SQLException> failure = transactions.failure();
                if (failure.isPresent() || !thread.isAlive()) {
                    throw new IOException("the index cannot be written", failure.orElse(null));
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while the index was written");
        }
        throw new IOException("the index was not written within " + FLUSH_SECONDS + " s");
    }

    /** Not a change: says when all before it are done. */
    private static final class Barrier implements IndexChange {
        private final CountDownLatch reached = new CountDownLatch(1);

        @Override
        public int admittedBytes() {
            return 0;
        }

        @Override
        public void save(IndexUpdates updates) {}

        @Override
        public void settled() {}
    }

    private void run() {
        try {
            while (!hasWrittenAll()) {
                closing.await(RETRY_SECONDS, TimeUnit.SECONDS);
            }
        } catch (InterruptedException e) {
            LOG.warn("the index writer was interrupted with {} changes to write", inHand.size() + queue.size());
            doubtful = true;
        }
    }

    /** Writes until it is closed; returns whether there is nothing more to do. */
    private boolean hasWrittenAll() throws InterruptedException {
        boolean closed = false;
        try {
            long lastTouches = System.nanoTime();
            while (true) {
                // Asked before: what was handed over before the end, while this waited in vain, is in the next batch.
                closed = closing.getCount() == 0;
                gather(closed);
                boolean last = closed && inHand.isEmpty();
                Optional<Barrier> barrier = barrierInHand();
                write();
                if (last
                        || barrier.isPresent()
                        || System.nanoTime() - lastTouches >= TimeUnit.SECONDS.toNanos(TOUCH_SECONDS)) {
                    writeTouches();
                    lastTouches = System.nanoTime();
                }
                barrier.ifPresent(reached -> reached.reached.countDown());
                if (last) {
                    return true;
                }
            }
        } catch (RuntimeException | Error e) {
            // The least first, since even that may fail for want of memory.
            doubtful = true;
            transactions.fail(e);
            LOG.error("the index writer failed, and goes on with what is in hand", e);
            return closed;
        }
    }

    /** Takes the next changes in hand; up to a barrier, if there is one. None after a while without any. */
    private void gather(boolean closed) throws InterruptedException {
        if (!inHand.isEmpty()) {
            return;
        }
        IndexChange next = closed ? queue.poll() : queue.poll(TOUCH_SECONDS, TimeUnit.SECONDS);
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(GATHER_MILLIS);
        while (next != null) {
            inHand.add(next);
            if (next instanceof Barrier || inHand.size() >= BATCH) {
                return;
            }
            next = closed ? queue.poll() : queue.poll(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
        }
    }

    private Optional<Barrier> barrierInHand() {
        return inHand.peekLast() instanceof Barrier barrier ? Optional.of(barrier) : Optional.empty();
    }

    private void write() throws InterruptedException {
        if (inHand.isEmpty()) {
            return;
        }
        if (!tryUntilWritten()) {
            doubtful = true;
            lostChanges.addAndGet(inHand.size() - (barrierInHand().isPresent() ? 1 : 0));
        }
        // Out of hand first: nothing is settled twice.
        for (IndexChange change = inHand.poll(); change != null; change = inHand.poll()) {
            room.release(change.admittedBytes());
            change.settled();
        }
        room.moved();
    }

    private boolean tryUntilWritten() throws InterruptedException {
        while (true) {
            Optional<SQLException> refusal = transactions.attempt(inHand);
            if (refusal.isEmpty()) {
                return true;
            }
            if (!IndexDatabase.isPassing(refusal.get()) || closing.getCount() == 0) {
                LOG.warn("{} changes of the index are lost, the first of them {}", inHand.size(), inHand.getFirst());
                return false;
            }
            boolean closed = closing.await(RETRY_SECONDS, TimeUnit.SECONDS);
            LOG.debug("trying again to write the index{}", closed ? ", for the last time" : "");
        }
    }

    /** Writes the last uses, in transactions of their own: losing some costs nothing. */
    private void writeTouches() {
        List<IndexChange> uses = touches.changes(touchMustWait);
        for (int from = 0; from < uses.size(); from += BATCH) {
            List<IndexChange> part = uses.subList(from, Math.min(from + BATCH, uses.size()));
            if (transactions.attempt(part).isPresent()) {
                return;
            }
            part.forEach(IndexChange::settled);
        }
        touches.tidy(clock.millis());
    }

    /** Notes that the index agrees with the files; before that, closing it leaves the comparison to the next start. */
    void agrees() {
        agrees = true;
    }

    /**
     * Writes what is left and notes that all is in order, if it is and the index {@linkplain #agrees agrees} with the
     * files. Waits at most thirty seconds. The connection stays open, so that it can be closed after those that read:
     * only the last to close folds the log, and those cannot.
     *
     * <p>From here on no change of files begins; while one is under way, all is not in order.
     */
    @Override
    public void close() throws SQLException {
        changes.end();
        closing.countDown();
        enqueue(new Barrier());
        try {
            thread.join(TimeUnit.SECONDS.toMillis(CLOSE_SECONDS));
            if (thread.isAlive()) {
                thread.interrupt();
                thread.join(TimeUnit.SECONDS.toMillis(CLOSE_SECONDS));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            thread.interrupt();
            doubtful = true;
        }
        // Before the queue is looked at: what has ended by now is in there, or written.
        if (!changes.isQuiet()) {
            LOG.warn("the disk still changes files of which the index has not heard; the next start compares both");
            doubtful = true;
        }
        // A thread that has only just begun may have ended before the barrier came.
        Stream<IndexChange> all = thread.isAlive() ? queue.stream() : Stream.concat(inHand.stream(), queue.stream());
        long left = all.filter(change -> !(change instanceof Barrier)).count();
        if (left > 0) {
            LOG.warn("{} changes of the index are lost, since it was closed before they were written", left);
            lostChanges.addAndGet(left);
        }
        if (!doubtful && agrees && left == 0 && !thread.isAlive()) {
            transactions.saveClean(true);
        }
    }
}
