package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.Repository;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads all content again, at a bounded rate, and puts in quarantine what no longer has its digest: what is served from
 * the disk is not hashed again each time. A round goes folder by folder; the index keeps which comes next, so that a
 * round that was cut off goes on there. Safe for all threads.
 */
public final class Scrub implements AutoCloseable {
    /** How a scrub waits, so that it reads no faster than it may. */
    @FunctionalInterface
    public interface Pacer {
        /** Waits. */
        void pause(Duration time) throws InterruptedException;
    }

    /**
     * How far scrubbing is.
     *
     * @param running whether a round is under way now
     * @param foldersDone of this round, of {@link #folders}
     * @param folders in a whole round
     * @param readBytes since the start
     * @param checked pieces of content, since the start
     * @param bad of them put in quarantine, since the start
     * @param lastRound when a round was last ended; empty if none was since the store was first opened
     */
    public record Progress(
            boolean running,
            int foldersDone,
            int folders,
            long readBytes,
            long checked,
            long bad,
            Optional<Instant> lastRound) {}

    private static final Logger LOG = LoggerFactory.getLogger(Scrub.class);
    private static final String NEXT = "scrub_next";
    private static final String ENDED = "scrub_ended";
    // Not 0 until the first round has ended: the time above is that of the first opening then, from which it is due.
    private static final String FIRST = "scrub_first";
    private static final int FOLDERS = ContentKind.values().length * StoreLayout.ALGORITHMS.size() * StoreLayout.SHARDS;
    private static final int STEP_BYTES = 128 * 1024;
    private static final Duration LOOK = Duration.ofHours(1);
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final long STEPS_PER_SECOND = 10;

    private final ContentStore store;
    private final CacheIndex index;
    private final StoreRepair repair;
    private final Duration period;
    private final long bytesPerSecond;
    private final Clock clock;
    private final Pacer pacer;
    private final ReentrantLock round = new ReentrantLock();
    private final BlockingQueue<Boolean> requests = new ArrayBlockingQueue<>(1);
    private final AtomicLong readBytes = new AtomicLong();
    private final AtomicLong checked = new AtomicLong();
    private final AtomicLong bad = new AtomicLong();
    private final Healing healing;
    // What this has noted in the index, which says it too once it has written it: that may take long.
    private final Map<String, Long> noted = new ConcurrentHashMap<>();
    private volatile boolean closed;
    private long unpaced;
    private @Nullable Thread thread;

    /**
     * A scrub that has not begun.
     *
     * @param period how long after a round the next one begins; none by itself if zero
     * @param bytesPerSecond how fast it reads
     */
    public Scrub(ContentStore store, CacheIndex index, Duration period, long bytesPerSecond, Clock clock, Pacer pacer) {
        if (bytesPerSecond < 1) {
            throw new IllegalArgumentException("a scrub of " + bytesPerSecond + " bytes per second");
        }
        this.store = store;
        this.index = index;
        this.repair = new StoreRepair(store, index);
        this.healing = new Healing(store, index.links());
        this.period = period;
        this.bytesPerSecond = bytesPerSecond;
        this.clock = clock;
        this.pacer = pacer;
    }

    /**
     * Fetches anew what was found bad. Called by the thread that scrubs, which waits for it; never twice at once for
     * the same content, nor after the scrub was closed.
     */
    @FunctionalInterface
    public interface Healer {
        /**
         * Brings back content that has been put in quarantine.
         *
         * @param repository the one that it was fetched for
         */
        void heal(Repository repository, ContentKind kind, Digest digest);
    }

    /**
     * Has what is found bad fetched anew from now on, and again every hour until it is stored; else that is left to the
     * next server, or request.
     */
    public void heal(Healer newHealer) {
        healing.by(newHealer);
    }

    /**
     * Begins to scrub in the background: at once a round that was cut off, or that has become due while nobody
     * scrubbed, others when they are due or {@linkplain #request() asked for}.
     */
    public synchronized void start() {
        try {
            if (read(ENDED).isEmpty()) {
                note(ENDED, clock.millis());
                note(FIRST, 1);
            }
            if (read(NEXT).orElse(0) > 0 || isDue()) {
                request();
            }
        } catch (IOException e) {
            LOG.warn("scrub: when the last round was cannot be read, and is left as it is: {}", e.getMessage());
        }
        // A platform thread: it reads from the disk most of the time.
        thread = Thread.ofPlatform().name("scrub").daemon().start(this::runWhenDue);
    }

    /** Asks for a round, to be begun now in the background; if one is under way, it goes on. */
    public void request() {
        requests.offer(true);
    }

    private void runWhenDue() {
        try {
            healAgain();
            while (!closed) {
                boolean asked = requests.poll(LOOK.toMillis(), TimeUnit.MILLISECONDS) != null;
                if (!closed && (asked || isDue())) {
                    runRound();
                    requests.clear();
                } else if (!closed) {
                    healAgain();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    // Also if the last round ended in what is now the future: the clock was set back, and nobody knows when it was.
    private boolean isDue() {
        long now = clock.millis();
        long ended = number(ENDED).orElse(now);
        return !period.isZero() && (ended > now || now - ended >= period.toMillis());
    }

    /**
     * Runs a round to its end in this thread, from where the last one was cut off. Returns at once if one is under way.
     *
     * @throws InterruptedException if the thread is interrupted; the next round goes on from there
     */
    public void runRound() throws InterruptedException {
        if (!round.tryLock()) {
            return;
        }
        try {
            long badBefore = bad.get();
            int first = (int) read(NEXT).orElse(0);
            LOG.info("scrub: begins at folder {} of {}", first, FOLDERS);
            for (int folder = first; folder < FOLDERS && !closed; folder++) {
                scrub(folder);
                // Of one in which this was closed, the rest has not been read.
                if (!closed) {
                    note(NEXT, folder + 1L);
                }
            }
            if (!closed) {
                note(NEXT, 0);
                note(ENDED, clock.millis());
                note(FIRST, 0);
                LOG.info("scrub: has ended, {} bad since it began here", bad.get() - badBefore);
            }
        } catch (IOException e) {
            LOG.warn("scrub: where to go on cannot be read; it is tried again within an hour: {}", e.getMessage());
        } finally {
            round.unlock();
        }
    }

    private void scrub(int folder) throws InterruptedException {
        int perKind = StoreLayout.ALGORITHMS.size() * StoreLayout.SHARDS;
        ContentKind kind = ContentKind.values()[folder / perKind];
        DigestAlgorithm algorithm = StoreLayout.ALGORITHMS.get(folder % perKind / StoreLayout.SHARDS);
        try {
            for (Digest digest : store.shard(kind, algorithm, folder % StoreLayout.SHARDS)) {
                if (closed) {
                    return;
                }
                check(kind, digest);
            }
        } catch (IOException e) {
            LOG.warn("scrub: a folder of {} is left out: {}", store.layout().tree(kind), e.toString());
        }
    }

    private void check(ContentKind kind, Digest digest) throws InterruptedException {
        String why;
        Optional<FileIdentity> read = Optional.empty();
        try {
            // Before it is opened: a large one takes hours, in which it may be evicted and fetched anew.
            read = store.identity(kind, digest);
            Digest actual = hash(kind, digest);
            checked.incrementAndGet();
            if (actual.equals(digest) || closed) {
                return;
            }
            why = "has gone bad on the disk: its digest is " + actual;
        } catch (NoSuchFileException e) {
            LOG.debug("scrub: {} has gone meanwhile", digest);
            return;
        } catch (FileSystemException e) {
            // Not opened at all, for want of rights or of file handles: that says nothing about the content.
            LOG.warn("scrub: {} is left out this time: {}", digest, e.toString());
            pace(STEP_BYTES);
            return;
        } catch (IOException e) {
            checked.incrementAndGet();
            why = "cannot be read: " + e;
        }
        if (read.isPresent()) {
            replace(kind, digest, read.get(), why);
        }
    }

    private void replace(ContentKind kind, Digest digest, FileIdentity read, String why) {
        Optional<Repository> owner = healing.owner(digest);
        boolean moved;
        try {
            moved = repair.damaged(kind, digest, read, why);
        } catch (IOException e) {
            LOG.error("{}", e.getMessage());
            bad.incrementAndGet();
            return;
        }
        if (!moved) {
            return;
        }
        // Whoever sees the count finds it no more.
        bad.incrementAndGet();
        owner.ifPresent(repository -> healing.heal(repository, kind, digest));
    }

    /** Has what lies in quarantine and has not come again fetched anew, as every hour. */
    void healAgain() {
        healing.again();
    }

    /**
     * How much of what lies in quarantine is not stored again.
     *
     * @throws IOException if it cannot be listed
     */
    public int awaited() throws IOException {
        return healing.absent().size();
    }

    private Digest hash(ContentKind kind, Digest digest) throws IOException, InterruptedException {
        MessageDigest hasher = digest.algorithm().newMessageDigest();
        byte[] buffer = new byte[STEP_BYTES];
        Path path = store.layout().content(kind, digest);
        ContentStore.requireFile(path);
        try (InputStream in = Files.newInputStream(path)) {
            for (int count = in.read(buffer); count >= 0 && !closed; count = in.read(buffer)) {
                hasher.update(buffer, 0, count);
                readBytes.addAndGet(count);
                pace(count);
            }
        }
        return Digest.of(digest.algorithm(), hasher);
    }

    private void pace(int count) throws InterruptedException {
        unpaced += count;
        if (unpaced >= bytesPerSecond / STEPS_PER_SECOND) {
            pacer.pause(Duration.ofNanos((long) (unpaced * 1e9 / bytesPerSecond)));
            unpaced = 0;
        }
    }

    private void note(String name, long value) {
        noted.put(name, value);
        index.putNumber(name, value);
    }

    private OptionalLong read(String name) throws IOException {
        Long own = noted.get(name);
        return own != null ? OptionalLong.of(own) : index.number(name);
    }

    // Empty, too, if the index cannot be read: nothing may be written for that reason.
    private OptionalLong number(String name) {
        try {
            return read(name);
        } catch (IOException e) {
            return OptionalLong.empty();
        }
    }

    /** How far it is. */
    public Progress progress() {
        return new Progress(
                round.isLocked(),
                (int) number(NEXT).orElse(0),
                FOLDERS,
                readBytes.get(),
                checked.get(),
                bad.get(),
                number(FIRST).orElse(0) > 0
                        ? Optional.empty()
                        : number(ENDED).stream().mapToObj(Instant::ofEpochMilli).findFirst());
    }

    /** Stops; a round that is under way goes on from the folder in hand at the next start. */
    @Override
    public synchronized void close() {
        closed = true;
        healing.close();
        Thread running = thread;
        if (running == null) {
            return;
        }
        running.interrupt();
        try {
            if (!running.join(PATIENCE)) {
                LOG.warn("the scrub did not end within {} s", PATIENCE.toSeconds());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
