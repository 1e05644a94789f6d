package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Repository;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the store within its capacity and the disk above a floor of free space, by deleting what lies in quarantine,
 * and then what {@link DiskPolicy} finds least worth keeping. Counted are stored content, partial files, what lies in
 * quarantine, the {@link Ballast}, and what was {@linkplain #reserve reserved} for blobs that are still coming. An idle
 * partial counts as last used when it was last written to. Safe for all threads.
 *
 * <p>The file goes first, then its row in the index. A crash in between leaves a row without a file: the store is
 * thought fuller than it is, until the index is compared with the files at the next start. The other order would leave
 * a file that nobody counts and nobody evicts. A blob that is fetched again in that same moment is looked for after its
 * row is gone, and registered again.
 *
 * <p>Readers need no protection: the file that they have open outlives its name. But then its space is not free yet, so
 * free space is measured once per run and what was deleted is added up; waiting for the measure to move would empty the
 * cache for one slow reader.
 *
 * <p>Nobody waits for more than is needed: a fill has its own room made and a few victims beyond; the rest down to the
 * low watermark goes in the background, a few victims at a time, and who waits meanwhile has the next turn.
 *
 * <p>It is long because one lock, one account and one order of victims belong together.
 */
public final class Evictor implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Evictor.class);
    private static final int BATCH = 16;
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
    // Fair, so that who waits comes before the next turn of an eviction in the background.
    private final ReentrantLock lock = new ReentrantLock(true);
    private final EvictionCounts counts = new EvictionCounts();
    private final Trimmer trimmer = new Trimmer(this::trimAll);
    // Guarded by the lock: what the index could not be asked about when it was released.
    private final Set<Digest> released = new HashSet<>();
    private volatile ContentInUse inUse = ContentInUse.NOTHING;

    /**
     * An evictor for a store and its index, which stay open until it is closed.
     *
     * @param learningAfter how long others go first before it reads what is stored, to know what of it is worth
     *     keeping; until it has, the least recently used goes first
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

    /** Divides the disk anew among the repositories, in the background. */
    public void regroup(DiskShares shares) {
        feed.regroup(shares);
    }

    /** Never evicts what is in use. Blobs that are being written never are evicted anyhow. */
    void protect(ContentInUse use) {
        inUse = use;
    }

    /**
     * Makes room for a blob to grow to a length, and sets it aside until the ingest is closed. May be repeated with
     * other lengths.
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

    /**
     * Why {@link #reserve} has found no room for a blob of a length: which limit leaves none, with figures, and what to
     * do about it. As it is now, which may be a moment later.
     */
    String lack(Ingest ingest, long totalBytes) {
        List<String> lack = new ArrayList<>(1);
        locked(() -> lack.add(new DiskLack(
                        limits,
                        usage(),
                        ingest.claimedBytes(),
                        inUseBytes(),
                        pins.bytes(),
                        store.ingests().promisedBytes(),
                        freeSpace.bytes())
                .of(totalBytes)));
        return lack.isEmpty() ? "the disk cannot be looked at; see whether it is slow" : lack.getFirst();
    }

    /**
     * Evicts in the background down to the low watermark, if there is more than the high one allows. Returns at once.
     */
    void trim() {
        trimmer.request();
    }

    /** As {@link #trim()}, in this thread; returns at once if that is being done. */
    void trimNow() {
        trimmer.run();
    }

    private void trimAll() {
        List<Run> run = new ArrayList<>(1);
        boolean more = true;
        while (more && !Thread.currentThread().isInterrupted()) {
            preparePins();
            more = locked(() -> {
                if (run.isEmpty()) {
                    beginTrim().ifPresent(run::add);
                }
                boolean further = !run.isEmpty()
                        && run.getFirst().goOn(run.getFirst().need.goalBytes(), BATCH);
                if (!further) {
                    noteLacking(run.isEmpty() ? 0 : run.getFirst().freed);
                }
                return further;
            });
        }
    }

    // After a start every pinned graph is walked. Whoever finds room meanwhile does not wait for that.
    private void preparePins() {
        try {
            if (need(0, limits.highBytes()).isPresent()) {
                pins.refresh();
            }
        } catch (IOException e) {
            LOG.debug("what is pinned is worked out when room is made: {}", e.toString());
        }
    }

    // Others wait for room, or the capacity was lowered: then what may go goes, though it be less than should. For the
    // high watermark alone it stays: between that and the capacity there is room for use.
    private Optional<Run> beginTrim() throws IOException {
        Optional<Run> whole = begin(need(0, limits.highBytes()));
        Optional<DiskNeed> must = whole.isPresent() ? Optional.empty() : need(0, limits.capacityBytes());
        if (must.isEmpty()) {
            return whole;
        }
        List<StoredContent> partials = store.ingests().idle();
        long possible = others(partials) + mayGo(index.contents().storedBytes() - pins.bytes());
        long goal = Math.min(must.get().goalBytes(), possible);
        return goal <= 0
                ? Optional.empty()
                : Optional.of(new Run(
                        new DiskNeed(must.get().missingBytes(), goal, must.get().reason()), partials));
    }

    // What was deleted and is still being read is not free yet.
    private void noteLacking(long freed) throws IOException {
        long lacking = need(0, limits.capacityBytes())
                .map(need -> need.reason() == EvictionReason.FREE_SPACE
                        ? Math.max(0, need.missingBytes() - freed)
                        : need.missingBytes())
                .orElse(0L);
        counts.lacking(lacking);
    }

    /**
     * The bytes that would have to go for the limits to be kept, and may not, because they are pinned or in use; by the
     * last eviction in the background.
     */
    public long lackingBytes() {
        return counts.lackingBytes();
    }

    /**
     * Makes room for a ballast of so many bytes in the place of that there is, and counts it; returns whether there is
     * room.
     */
    boolean claim(Ballast ballast, long bytes) {
        return locked(() -> {
            boolean room = roomFor(Math.max(0, bytes - ballast.bytes()));
            if (room) {
                ballast.claim(bytes);
            }
            return room;
        });
    }

    /** The bytes that count against the capacity. */
    public long usedBytes() throws IOException {
        return usage().total();
    }

    /** The bytes that count against the capacity, by what they are. */
    public DiskUsage usage() throws IOException {
        // Claims before the sum: a blob that is registered in between is counted twice for a moment, never not at all.
        long claimed = 0;
        for (Map.Entry<Digest, Long> claim : store.ingests().claims().entrySet()) {
            claimed += index.contents().isStored(claim.getKey()) ? 0 : claim.getValue();
        }
        return new DiskUsage(
                index.contents().storedBytes(),
                claimed,
                store.quarantine().bytes(),
                store.ballast().bytes());
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
        return counts.evictions();
    }

    /** How much content has been evicted for a reason since the start. */
    public long evictions(EvictionReason reason) {
        return counts.evictions(reason);
    }

    /** The bytes of what has been evicted since the start. */
    public long evictedBytes() {
        return counts.bytes();
    }

    /** The bytes of what has been evicted for a reason since the start. */
    public long evictedBytes(EvictionReason reason) {
        return counts.bytes(reason);
    }

    /** Whether the policy knows of everything that is stored; before, the least recently used goes first. */
    public boolean policyReady() {
        return feed.ready().isPresent();
    }

    /** Waits until {@link #policyReady()}, or it is clear that it will not be, at most for so long. */
    void awaitPolicy(Duration atMost) throws InterruptedException {
        feed.awaitFilled(atMost);
    }

    /** What is never evicted. */
    public PinnedGraphs pins() {
        return pins;
    }

    /**
     * The bytes of what is stored under pins, each piece once; as they were of late, while an eviction is under way.
     */
    public long pinnedBytes() {
        try {
            if (!lock.isLocked()) {
                // The walk of all pins after a start is long, and who wants room that is there does not wait for it.
                pins.refresh();
            }
            if (lock.tryLock()) {
                try {
                    refreshPins();
                } finally {
                    lock.unlock();
                }
            }
        } catch (IOException e) {
            LOG.warn("what is pinned is counted as before: {}", e.getMessage());
        }
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
        trimmer.close();
        feed.close();
    }

    private interface Step {
        boolean run() throws IOException;
    }

    private boolean locked(Step step) {
        try {
            if (!lock.tryLock(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
                LOG.warn(
                        "no room could be made: others have waited for the disk for {} s; see whether it is slow, and whether"
                                + " the cache is full of what is pinned",
                        PATIENCE.toSeconds());
                return false;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
        try {
            return step.run();
        } catch (IOException e) {
            LOG.warn("no room could be made: {}; see that the data folder can be read and written", e.toString());
            return false;
        } catch (RuntimeException e) {
            LOG.error("no room could be made, because of a defect", e);
            return false;
        } finally {
            lock.unlock();
        }
    }

    private Optional<DiskNeed> need(long wanted, long mostBytes) throws IOException {
        return DiskNeed.of(
                limits,
                mostBytes,
                wanted,
                usedBytes(),
                freeSpace.bytes() - store.ingests().promisedBytes());
    }

    private boolean roomFor(long wanted) throws IOException {
        Optional<DiskNeed> need = need(wanted, limits.capacityBytes());
        if (need.isEmpty()) {
            return true;
        }
        Optional<Run> run = begin(need);
        return run.isPresent() && makeRoom(run.get());
    }

    private boolean makeRoom(Run run) throws IOException {
        long missing = run.need.missingBytes();
        run.goOn(missing, Integer.MAX_VALUE);
        if (run.freed >= missing && run.goOn(run.need.goalBytes(), BATCH)) {
            trim();
        }
        return run.freed >= missing;
    }

    // For what would not fit anyway, nothing is thrown away: empty then.
    private Optional<Run> begin(Optional<DiskNeed> need) throws IOException {
        if (need.isEmpty()) {
            return Optional.empty();
        }
        refreshPins();
        List<StoredContent> partials = store.ingests().idle();
        long others = others(partials);
        long missing = need.get().missingBytes();
        return missing > mayGo(missing - others) + others
                ? Optional.empty()
                : Optional.of(new Run(need.get(), partials));
    }

    private long others(List<StoredContent> partials) {
        return store.quarantine().bytes()
                + partials.stream().mapToLong(StoredContent::sizeBytes).sum();
    }

    // The bytes that may be evicted. What is in use is only counted where it matters to the question whether there are
    // so many.
    private long mayGo(long asked) {
        long unpinned = index.contents().storedBytes() - pins.bytes();
        if (asked > unpinned || asked <= unpinned - inUse.mostBytes()) {
            return unpinned;
        }
        return unpinned - inUseBytes();
    }

    // Of what is pinned as well, only the pin counts.
    private long inUseBytes() {
        return inUse.all().stream()
                .filter(digest -> !pins.protects(digest))
                .mapToLong(digest ->
                        index.contents().get(digest).map(IndexedContent::bytes).orElse(0L))
                .sum();
    }

    // Costs what has changed since the last call, which mostly is nothing.
    private void refreshPins() throws IOException {
        pins.refresh();
        released.addAll(pins.released());
        Iterator<Digest> each = released.iterator();
        while (each.hasNext()) {
            Digest digest = each.next();
            long failures = index.failedReads();
            Optional<IndexedContent> content = index.contents().get(digest);
            if (content.isEmpty() && index.failedReads() != failures) {
                break; // the others, too, when the index can be read
            }
            each.remove();
            content.ifPresent(stored -> feed.stored(digest, stored.kind(), stored.bytes(), stored.owner()));
        }
        feed.setAside(pins.largeBytes());
    }

    /** One eviction, in one or several turns. Each under the lock. */
    private final class Run {
        private final DiskNeed need;
        private final Victims victims = new Victims(index, feed, BATCH);
        private final Deque<StoredContent> partials;
        private long freed;

        Run(DiskNeed need, List<StoredContent> idle) {
            this.need = need;
            this.partials = new ArrayDeque<>(idle.stream()
                    .sorted(Comparator.comparing(StoredContent::lastModified))
                    .toList());
        }

        /**
         * Evicts until so much is freed in all, or so many victims were looked at.
         *
         * @return whether there is more to do
         */
        boolean goOn(long goalBytes, int most) throws IOException {
            // Others may have had their turn since.
            victims.lookAgain();
            freed += store.quarantine().free(goalBytes - freed);
            for (int looked = 0; freed < goalBytes && !Thread.currentThread().isInterrupted(); looked++) {
                if (looked == most) {
                    return true;
                }
                if (!next()) {
                    return false;
                }
            }
            return false;
        }

        private boolean next() throws IOException {
            Optional<Victims.Next> content = victims.peek();
            StoredContent partial = partials.peek();
            if (partial != null
                    && (content.isEmpty()
                            || partial.lastModified()
                                    .isBefore(content.get().content().lastUsed()))) {
                partials.remove();
                freed += store.ingests().deleteIdle(partial.digest()) ? partial.sizeBytes() : 0;
            } else if (content.isPresent()) {
                freed += evict(victims.take());
            }
            return partial != null || content.isPresent();
        }

        private long evict(Victims.Next next) throws IOException {
            Candidate candidate = next.content();
            refreshPins();
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
                delete(candidate, next.overShare() ? EvictionReason.SHARE : need.reason());
                return candidate.bytes();
            } catch (IOException e) {
                LOG.warn("{} cannot be evicted: {}", candidate.digest(), e.toString());
                victims.pass(candidate.digest());
                return 0;
            }
        }
    }

    private boolean isHeld(Digest digest) {
        return inUse.isInUse(digest) || store.ingests().isOpen(digest);
    }

    private void delete(Candidate candidate, EvictionReason reason) throws IOException {
        Digest digest = candidate.digest();
        Optional<Repository> owner = index.contents().get(digest).flatMap(IndexedContent::owner);
        store.deleteBlob(digest);
        store.deleteManifest(digest);
        index.contents().removed(digest);
        Optional<StoredContent> back = store.find(candidate.kind(), digest);
        back.ifPresent(
                found -> index.contents().stored(digest, found.kind(), found.sizeBytes(), Optional.empty(), owner));
        counts.evicted(reason, candidate.bytes());
    }

    /**
     * Evicts one piece of content because somebody asked for it. What is pinned, being pulled or being written stays.
     *
     * @return whether it was there and is gone; false, too, if it may not go now, or the disk refuses
     */
    public boolean evict(Digest digest) {
        return locked(() -> {
            Optional<IndexedContent> row = index.contents().get(digest);
            refreshPins();
            if (row.isEmpty() || isHeld(digest) || pins.protects(digest)) {
                return false;
            }
            IndexedContent content = row.get();
            delete(new Candidate(digest, content.kind(), content.bytes(), content.lastUsed()), EvictionReason.ASKED);
            return true;
        });
    }
}
