package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the store within its capacity and the disk above a floor of free space, by deleting what {@link DiskPolicy} finds least worth keeping.
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
    private static final int BATCH = 16;
    // Once the file system needs room, this part of the capacity is freed as well, so that not every fetch has to
    // evict.
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
    private final DiskLimits limits;
    private final PolicyFeed feed;
    private final PinnedGraphs pins;
    private final ReentrantLock lock = new ReentrantLock();
    private final AtomicInteger trimRequests = new AtomicInteger();
    private final Map<EvictionReason, LongAdder> evictions = counters();
    private final Map<EvictionReason, LongAdder> evictedBytes = counters();
    private volatile ContentInUse inUse = ContentInUse.NOTHING;
    private volatile @Nullable Thread trimmer;

    /**
     * An evictor for a store and its index, which stay open until it is closed. All repositories share the disk alike.
     *
     * @param capacityBytes the most that may be stored
     * @param minFreeBytes what the file system must have left
     */
    public Evictor(ContentStore store, CacheIndex index, long capacityBytes, long minFreeBytes) {
        this(
                store,
                index,
                DiskLimits.of(capacityBytes, minFreeBytes),
                DiskShares.EQUAL,
                Duration.ZERO,
                store::freeBytes);
    }

    /**
     * An evictor for a store and its index, which stay open until it is closed.
     *
     * @param learningAfter how long others go first before it reads what is stored, to know what of it is worth keeping; until it has, the least recently
     *     used goes first
     */
    public Evictor(ContentStore store, CacheIndex index, DiskLimits limits, DiskShares shares, Duration learningAfter) {
        this(store, index, limits, shares, learningAfter, store::freeBytes);
    }

    /** As above, with another measure of the free space. */
    Evictor(
            ContentStore store,
            CacheIndex index,
            DiskLimits limits,
            DiskShares shares,
            Duration learningAfter,
            FreeSpace freeSpace) {
        this.store = store;
        this.index = index;
        this.limits = limits;
        this.freeSpace = freeSpace;
        this.pins = new PinnedGraphs(store, index);
        this.feed = new PolicyFeed(index, pins, limits, shares, learningAfter);
    }

    private static Map<EvictionReason, LongAdder> counters() {
        Map<EvictionReason, LongAdder> counters = new EnumMap<>(EvictionReason.class);
        for (EvictionReason reason : EvictionReason.values()) {
            counters.put(reason, new LongAdder());
        }
        return counters;
    }

    /** Divides the disk anew among the repositories, in the background. */
    public void regroup(DiskShares shares) {
        feed.regroup(shares);
    }

    /** Never evicts what is in use. Blobs that are being written never are evicted anyhow. */
    void protect(ContentInUse use) {
        inUse = use;
    }

    /**
     * Makes room for something that is about to be written, evicting as needed. The room is not set aside: who writes over some time
     * {@linkplain #reserve reserves} it.
     *
     * @return whether there is room; false, too, if the disk or the index fails
     */
    boolean makeRoom(long wantedBytes) {
        return locked(() -> roomFor(wantedBytes, limits.capacityBytes()));
    }

    /**
     * Makes room for a blob to grow to a length, and sets it aside until the ingest is closed. May be repeated with other lengths.
     *
     * @return whether there is room; if not, what was reserved before stays reserved
     */
    boolean reserve(Ingest ingest, long totalBytes) {
        return locked(() -> {
            boolean room = roomFor(Math.max(0, totalBytes - ingest.claimedBytes()), limits.capacityBytes());
            if (room) {
                ingest.reserve(totalBytes);
            }
            return room;
        });
    }

    /** Evicts in the background down to the low watermark, if there is more than the high one allows. Returns at once. */
    void trim() {
        if (trimRequests.getAndIncrement() == 0) {
            trimmer = Thread.ofVirtual().name("evictor").start(this::trimAll);
        }
    }

    private void trimAll() {
        int seen;
        do {
            seen = trimRequests.get();
            try {
                locked(() -> roomFor(0, limits.highBytes()));
            } catch (RuntimeException e) {
                LOG.error("an eviction in the background failed", e);
            }
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

    /** How much of the disk may be used. */
    public DiskLimits limits() {
        return limits;
    }

    /**
     * The bytes that the file system has left.
     *
     * @throws IOException if it does not say
     */
    public long freeBytes() throws IOException {
        return freeSpace.bytes();
    }

    /** The most that may be stored, in bytes. */
    public long capacityBytes() {
        return limits.capacityBytes();
    }

    /** How much content has been evicted since the start. */
    public long evictions() {
        return evictions.values().stream().mapToLong(LongAdder::sum).sum();
    }

    /** How much content has been evicted for a reason since the start. */
    public long evictions(EvictionReason reason) {
        return count(evictions, reason).sum();
    }

    /** The bytes of what has been evicted since the start. */
    public long evictedBytes() {
        return evictedBytes.values().stream().mapToLong(LongAdder::sum).sum();
    }

    /** The bytes of what has been evicted for a reason since the start. */
    public long evictedBytes(EvictionReason reason) {
        return count(evictedBytes, reason).sum();
    }

    private static LongAdder count(Map<EvictionReason, LongAdder> counters, EvictionReason reason) {
        return Objects.requireNonNull(counters.get(reason));
    }

    /** Whether the policy knows of everything that is stored; before, the least recently used goes first. */
    public boolean policyReady() {
        return feed.ready().isPresent();
    }

    /** What is never evicted. */
    public PinnedGraphs pins() {
        return pins;
    }

    /** The bytes of what is stored under pins, each piece once. */
    public long pinnedBytes() {
        locked(() -> {
            refreshPins();
            return true;
        });
        return pins.bytes();
    }

    /** What decides which content goes first. */
    DiskPolicy policy() {
        return feed.policy();
    }

    /** What is stored, by what competes with each other, roughly. */
    public List<PoolSize> pools() {
        return feed.policy().sizes();
    }

    /** Stops the eviction in the background, waiting for the file in hand. */
    @Override
    public void close() {
        stopTrimming();
        feed.close();
    }

    private void stopTrimming() {
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

    private boolean roomFor(long wanted, long mostBytes) throws IOException {
        long used = usedBytes();
        long overCapacity = used + wanted - mostBytes;
        long underFloor = limits.minFreeBytes()
                + wanted
                - (freeSpace.bytes() - store.ingests().promisedBytes());
        long missing = Math.max(overCapacity, underFloor);
        if (missing <= 0) {
            return true;
        }
        refreshPins();
        Deque<StoredContent> partials = new ArrayDeque<>(store.ingests().idle().stream()
                .sorted(Comparator.comparing(StoredContent::lastModified))
                .toList());
        long idle = partials.stream().mapToLong(StoredContent::sizeBytes).sum();
        // For what would not fit anyway, nothing is thrown away.
        if (missing > mayGo(missing - idle) + idle) {
            return false;
        }
        EvictionReason reason = underFloor > overCapacity ? EvictionReason.FREE_SPACE : EvictionReason.CAPACITY;
        long goal = missing;
        if (overCapacity > 0) {
            goal = Math.max(goal, used + wanted - limits.lowBytes());
        }
        if (underFloor > 0) {
            goal = Math.max(goal, underFloor + limits.capacityBytes() / SLACK_PARTS);
        }
        return evict(goal, partials, reason) >= missing;
    }

    // The bytes that may be evicted. What is in use is only counted where it matters to the question whether there are
    // so many.
    private long mayGo(long asked) {
        long unpinned = index.storedBytes() - pins.bytes();
        if (asked > unpinned || asked <= unpinned - inUse.mostBytes()) {
            return unpinned;
        }
        return unpinned
                - inUse.all().stream()
                        .filter(digest -> !pins.protects(digest))
                        .mapToLong(digest ->
                                index.content(digest).map(IndexedContent::bytes).orElse(0L))
                        .sum();
    }

    private void refreshPins() throws IOException {
        for (Digest released : pins.refresh()) {
            index.content(released)
                    .ifPresent(content -> feed.stored(released, content.kind(), content.bytes(), Optional.empty()));
        }
        feed.setAside(pins.largeBytes());
    }

    private long evict(long goal, Deque<StoredContent> partials, EvictionReason reason) throws IOException {
        Victims victims = new Victims(index, feed, BATCH);
        long freed = 0;
        while (freed < goal && !Thread.currentThread().isInterrupted()) {
            Optional<Victims.Next> content = victims.peek();
            StoredContent partial = partials.peek();
            if (partial != null
                    && (content.isEmpty()
                            || partial.lastModified()
                                    .isBefore(content.get().content().lastUsed()))) {
                partials.remove();
                freed += store.ingests().deleteIdle(partial.digest()) ? partial.sizeBytes() : 0;
            } else if (content.isPresent()) {
                freed += evict(victims.take(), victims, reason);
            } else {
                break;
            }
        }
        return freed;
    }

    private long evict(Victims.Next next, Victims victims, EvictionReason reason) {
        Candidate candidate = next.content();
        if (pins.protects(candidate.digest())) {
            // Back when it is no longer pinned.
            feed.policy().removed(candidate.digest());
            victims.pass(candidate.digest());
            return 0;
        }
        if (isHeld(candidate.digest())) {
            victims.pass(candidate.digest());
            return 0;
        }
        try {
            delete(candidate, next.overShare() ? EvictionReason.SHARE : reason);
            return candidate.bytes();
        } catch (IOException e) {
            LOG.warn("{} cannot be evicted: {}", candidate.digest(), e.toString());
            victims.pass(candidate.digest());
            return 0;
        }
    }

    private boolean isHeld(Digest digest) {
        return inUse.isInUse(digest) || store.ingests().isOpen(digest);
    }

    private void delete(Candidate candidate, EvictionReason reason) throws IOException {
        Digest digest = candidate.digest();
        store.deleteBlob(digest);
        store.deleteManifest(digest);
        index.removed(digest);
        Optional<StoredContent> back = store.find(candidate.kind(), digest);
        back.ifPresent(found -> index.stored(digest, found.kind(), found.sizeBytes(), Optional.empty()));
        count(evictions, reason).increment();
        count(evictedBytes, reason).add(candidate.bytes());
    }

    /**
     * Evicts one piece of content because somebody asked for it. What is pinned, being pulled or being written stays.
     *
     * @return whether it was there and is gone; false, too, if it may not go now, or the disk refuses
     */
    public boolean evict(Digest digest) {
        boolean[] gone = new boolean[1];
        locked(() -> {
            Optional<IndexedContent> row = index.content(digest);
            refreshPins();
            if (row.isPresent() && !isHeld(digest) && !pins.protects(digest)) {
                IndexedContent content = row.get();
                delete(
                        new Candidate(digest, content.kind(), content.bytes(), content.lastUsed()),
                        EvictionReason.ASKED);
                gone[0] = true;
            }
            return true;
        });
        return gone[0];
    }
}
