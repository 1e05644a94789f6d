package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the store within its capacity and the disk above a floor of free space, by deleting what was not used for the longest time.
 * Counted are stored content, partial files, and what was {@linkplain #reserve reserved} for blobs that are still coming. An idle partial
 * counts as last used when it was last written to. Safe for all threads.
 *
 * <p>The file goes first, then its row in the index. A crash in between leaves a row without a file: the store is thought fuller than it is,
 * until the index is compared with the files at the next start. The other order would leave a file that nobody counts and nobody evicts.
 * A blob that is fetched again in that same moment is looked for after its row is gone, and registered again.
 *
 * <p>Readers need no protection: the file that they have open outlives its name. But then its space is not free yet, so free space is
 * measured once per call and what was deleted is added up; waiting for the measure to move would empty the cache for one slow reader.
 */
public final class Evictor implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Evictor.class);
    private static final int BATCH = 64;
    // Once something must go, this part of the capacity goes as well, so that not every fetch has to evict.
    private static final int SLACK_PARTS = 20;
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    /** Where the free space is read: {@link ContentStore#freeBytes()}, except in tests. */
    @FunctionalInterface
    interface FreeSpace {
        /** The bytes that the file system has left. */
        long bytes() throws IOException;
    }

    private final ContentStore store;
    private final CacheIndex index;
    private final FreeSpace freeSpace;
    private final long capacityBytes;
    private final long minFreeBytes;
    private final ReentrantLock lock = new ReentrantLock();
    private final AtomicInteger trimRequests = new AtomicInteger();
    private final AtomicLong evictions = new AtomicLong();
    private final AtomicLong evictedBytes = new AtomicLong();
    private volatile Predicate<Digest> inUse = digest -> false;
    private volatile @Nullable Thread trimmer;

    /**
     * An evictor for a store and its index, which stay open for as long as it is used.
     *
     * @param capacityBytes the most that may be stored
     * @param minFreeBytes what the file system must have left
     */
    public Evictor(ContentStore store, CacheIndex index, long capacityBytes, long minFreeBytes) {
        this(store, index, capacityBytes, minFreeBytes, store::freeBytes);
    }

    /** As above, with another measure of the free space. */
    Evictor(ContentStore store, CacheIndex index, long capacityBytes, long minFreeBytes, FreeSpace freeSpace) {
        if (capacityBytes < 0 || minFreeBytes < 0) {
            throw new IllegalArgumentException("capacity " + capacityBytes + ", free " + minFreeBytes + " bytes");
        }
        this.store = store;
        this.index = index;
        this.capacityBytes = capacityBytes;
        this.minFreeBytes = minFreeBytes;
        this.freeSpace = freeSpace;
    }

    /** Never evicts digests for which this holds. Blobs that are being written never are evicted anyhow. */
    void protect(Predicate<Digest> use) {
        inUse = use;
    }

    /**
     * Makes room for something that is about to be written, evicting as needed. The room is not set aside: who writes over some time
     * {@linkplain #reserve reserves} it.
     *
     * @return whether there is room; false, too, if the disk or the index fails
     */
    boolean makeRoom(long wantedBytes) {
        return locked(() -> roomFor(wantedBytes));
    }

    /**
     * Makes room for a blob to grow to a length, and sets it aside until the ingest is closed. May be repeated with other lengths.
     *
     * @return whether there is room; if not, what was reserved before stays reserved
     */
    boolean reserve(Ingest ingest, long totalBytes) {
        return locked(() -> {
            boolean room = roomFor(Math.max(0, totalBytes - ingest.claimedBytes()));
            if (room) {
                ingest.reserve(totalBytes);
            }
            return room;
        });
    }

    /** Evicts in the background if there is more than there may be. Returns at once. */
    void trim() {
        if (trimRequests.getAndIncrement() == 0) {
            trimmer = Thread.ofVirtual().name("evictor").start(this::trimAll);
        }
    }

    private void trimAll() {
        int seen;
        do {
            seen = trimRequests.get();
            makeRoom(0);
        } while (!trimRequests.compareAndSet(seen, 0));
    }

    /** The bytes that count against the capacity. */
    public long usedBytes() throws IOException {
        // Claims before the sum: a blob that is registered in between is counted twice for a moment, never not at all.
        long claimed = 0;
        for (Map.Entry<Digest, Long> claim : store.ingests().claims().entrySet()) {
            claimed += index.isStored(claim.getKey()) ? 0 : claim.getValue();
        }
        return claimed + index.storedBytes();
    }

    /** The most that may be stored, in bytes. */
    public long capacityBytes() {
        return capacityBytes;
    }

    /** How much content has been evicted since the start. */
    public long evictions() {
        return evictions.get();
    }

    /** The bytes of what has been evicted since the start. */
    public long evictedBytes() {
        return evictedBytes.get();
    }

    /** Stops the eviction in the background, waiting for the file in hand. */
    @Override
    public void close() {
        Thread running = trimmer;
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

    private interface Step {
        boolean run() throws IOException;
    }

    private boolean locked(Step step) {
        try {
            if (!lock.tryLock(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
                LOG.warn("no room could be made: another eviction has run for {} s", PATIENCE.toSeconds());
                return false;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
        try {
            return step.run();
        } catch (IOException e) {
            LOG.warn("no room could be made: {}", e.toString());
            return false;
        } finally {
            lock.unlock();
        }
    }

    private boolean roomFor(long wanted) throws IOException {
        long missing = missing(wanted);
        if (missing <= 0) {
            return true;
        }
        Deque<StoredContent> partials = new ArrayDeque<>(store.ingests().idle().stream()
                .sorted(Comparator.comparing(StoredContent::lastModified))
                .toList());
        long idle = partials.stream().mapToLong(StoredContent::sizeBytes).sum();
        // For what does not fit into an empty cache either, nothing is thrown away.
        if (missing > index.storedBytes() + idle) {
            return false;
        }
        long freed = evict(missing + capacityBytes / SLACK_PARTS, partials);
        return freed >= missing;
    }

    /** How many bytes must go before {@code wanted} more may come; 0 or less if none. */
    private long missing(long wanted) throws IOException {
        long overCapacity = usedBytes() + wanted - capacityBytes;
        long underFloor =
                minFreeBytes + wanted - (freeSpace.bytes() - store.ingests().promisedBytes());
        return Math.max(overCapacity, underFloor);
    }

    private long evict(long goal, Deque<StoredContent> partials) throws IOException {
        Set<Digest> skipped = new HashSet<>();
        Deque<Candidate> oldest = new ArrayDeque<>();
        long freed = 0;
        while (freed < goal && !Thread.currentThread().isInterrupted()) {
            if (oldest.isEmpty()) {
                oldest.addAll(candidates(skipped));
            }
            Candidate content = oldest.peek();
            StoredContent partial = partials.peek();
            if (partial != null && (content == null || partial.lastModified().isBefore(content.lastUsed()))) {
                partials.remove();
                freed += store.ingests().deleteIdle(partial.digest()) ? partial.sizeBytes() : 0;
            } else if (content != null) {
                oldest.remove();
                freed += evict(content, skipped);
            } else {
                break;
            }
        }
        return freed;
    }

    private List<Candidate> candidates(Set<Digest> skipped) throws IOException {
        return index.leastRecentlyUsed(BATCH + skipped.size()).stream()
                .filter(candidate -> !skipped.contains(candidate.digest()))
                .toList();
    }

    private long evict(Candidate candidate, Set<Digest> skipped) {
        Digest digest = candidate.digest();
        if (inUse.test(digest) || store.ingests().isOpen(digest)) {
            skipped.add(digest);
            return 0;
        }
        try {
            store.deleteBlob(digest);
            store.deleteManifest(digest);
            index.removed(digest);
            Optional<StoredContent> back = store.find(candidate.kind(), digest);
            back.ifPresent(found -> index.stored(digest, found.kind(), found.sizeBytes(), Optional.empty()));
        } catch (IOException e) {
            LOG.warn("{} cannot be evicted: {}", digest, e.toString());
            skipped.add(digest);
            return 0;
        }
        evictions.incrementAndGet();
        evictedBytes.addAndGet(candidate.bytes());
        return candidate.bytes();
    }
}
