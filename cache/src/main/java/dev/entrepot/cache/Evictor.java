package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the store within its capacity and the disk above a floor of free space, by deleting what lies in quarantine,
 * and then what {@link DiskPolicy} finds least worth keeping. What counts is said by {@link DiskAccount}, what may not
 * go by {@link Protection}, and what goes is taken by an {@link Eviction}; whether, for how much and in whose turn is
 * decided here. Safe for all threads.
 *
 * <p>Nobody waits for more than is needed: a fill has its own room made and a few victims beyond; the rest down to the
 * low watermark goes in the background, a few victims at a time, and who waits meanwhile has the next turn.
 *
 * <p>There is one lock: who has it looks at the account, evicts, and sets aside what it has found, so that nobody else
 * takes the same room or the same victim. Asking the account alone needs none.
 *
 * <p>It is long because it is the face of all that for who fills, for who operates the mirror, and for the metrics.
 */
public final class Evictor implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Evictor.class);
    private static final int BATCH = 16;
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final ContentStore store;
    private final CacheIndex index;
    private final DiskAccount account;
    private final DiskLimits limits;
    private final PolicyFeed feed;
    private final PinnedGraphs pins;
    // For who has the lock.
    private final Protection protection;
    private final Removal removal;
    // Fair, so that who waits comes before the next turn of an eviction in the background.
    private final ReentrantLock lock = new ReentrantLock(true);
    private final EvictionCounts counts = new EvictionCounts();
    private final Trimmer trimmer = new Trimmer(this::trimAll);

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
            DiskAccount.FreeSpace freeSpace) {
        this.store = store;
        this.index = index;
        this.limits = limits;
        this.account = new DiskAccount(store, index, limits, freeSpace);
        this.pins = new PinnedGraphs(store, index);
        this.feed = new PolicyFeed(index, pins, limits, shares, learningAfter);
        this.protection = new Protection(store, index, pins, feed);
        this.removal = new Removal(store, index, counts);
    }

    /** Divides the disk anew among the repositories, in the background. */
    public void regroup(DiskShares shares) {
        feed.regroup(shares);
    }

    /** Never evicts what is in use. Blobs that are being written never are evicted anyhow. */
    void protect(ContentInUse use) {
        protection.protect(use);
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
     * Why {@link #reserve} would find no room for a blob of a length that nobody is fetching, whatever it evicted, as
     * {@link #lack} says it. Evicts nothing itself.
     *
     * @return empty if there is room or it could be made, or if that cannot be found out now
     */
    Optional<String> lackOfAllRoom(Digest digest, long totalBytes) {
        List<String> lack = new ArrayList<>(1);
        locked(() -> {
            if (account.need(totalBytes, limits.capacityBytes()).isEmpty()) {
                return true;
            }
            // What there is of it counts for it, and does not go for it.
            List<StoredContent> partials = store.ingests().idle();
            List<StoredContent> others = partials.stream()
                    .filter(partial -> !partial.digest().equals(digest))
                    .toList();
            long there = bytes(partials) - bytes(others);
            Optional<DiskNeed> need = account.need(Math.max(0, totalBytes - there), limits.capacityBytes());
            if (need.isPresent() && !canFree(need.get(), others)) {
                lack.add(account.lack(there, protection.inUseBytes(), pins.bytes())
                        .of(totalBytes));
            }
            return true;
        });
        return lack.stream().findFirst();
    }

    /**
     * Why {@link #reserve} has found no room for a blob of a length: which limit leaves none, with figures, and what to
     * do about it. As it is now, which may be a moment later.
     */
    String lack(Ingest ingest, long totalBytes) {
        List<String> lack = new ArrayList<>(1);
        locked(() -> lack.add(account.lack(ingest.claimedBytes(), protection.inUseBytes(), pins.bytes())
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
        List<Eviction> run = new ArrayList<>(1);
        boolean more = true;
        while (more && !Thread.currentThread().isInterrupted()) {
            preparePins();
            more = locked(() -> {
                if (run.isEmpty()) {
                    beginTrim().ifPresent(run::add);
                }
                boolean further = !run.isEmpty()
                        && run.getFirst().goOn(run.getFirst().need().goalBytes(), BATCH);
                if (!further) {
                    noteLacking(run.isEmpty() ? 0 : run.getFirst().freedBytes());
                }
                return further;
            });
        }
    }

    // After a start every pinned graph is walked. Whoever finds room meanwhile does not wait for that.
    private void preparePins() {
        try {
            if (account.need(0, limits.highBytes()).isPresent()) {
                pins.refresh();
            }
        } catch (IOException e) {
            LOG.debug("what is pinned is worked out when room is made: {}", e.toString());
        }
    }

    // Others wait for room, or the capacity was lowered: then what may go goes, though it be less than should. For the
    // high watermark alone it stays: between that and the capacity there is room for use.
    private Optional<Eviction> beginTrim() throws IOException {
        Optional<Eviction> whole = begin(account.need(0, limits.highBytes()));
        Optional<DiskNeed> must = whole.isPresent() ? Optional.empty() : account.need(0, limits.capacityBytes());
        if (must.isEmpty()) {
            return whole;
        }
        List<StoredContent> partials = store.ingests().idle();
        long possible = others(partials) + protection.evictableBytes();
        long goal = Math.min(must.get().goalBytes(), possible);
        return goal <= 0
                ? Optional.empty()
                : Optional.of(eviction(
                        new DiskNeed(must.get().missingBytes(), goal, must.get().reason()), partials));
    }

    // What was deleted and is still being read is not free yet.
    private void noteLacking(long freed) throws IOException {
        long lacking = account.need(0, limits.capacityBytes())
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
        return account.usage();
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
        return account.freeBytes();
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
                    protection.refresh();
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

    private boolean roomFor(long wanted) throws IOException {
        Optional<DiskNeed> need = account.need(wanted, limits.capacityBytes());
        if (need.isEmpty()) {
            return true;
        }
        Optional<Eviction> run = begin(need);
        return run.isPresent() && makeRoom(run.get());
    }

    private boolean makeRoom(Eviction run) throws IOException {
        long missing = run.need().missingBytes();
        run.goOn(missing, Integer.MAX_VALUE);
        if (run.freedBytes() >= missing && run.goOn(run.need().goalBytes(), BATCH)) {
            trim();
        }
        return run.freedBytes() >= missing;
    }

    // For what would not fit anyway, nothing is thrown away: empty then.
    private Optional<Eviction> begin(Optional<DiskNeed> need) throws IOException {
        if (need.isEmpty()) {
            return Optional.empty();
        }
        List<StoredContent> partials = store.ingests().idle();
        return canFree(need.get(), partials) ? Optional.of(eviction(need.get(), partials)) : Optional.empty();
    }

    private boolean canFree(DiskNeed need, List<StoredContent> partials) throws IOException {
        protection.refresh();
        long others = others(partials);
        return need.missingBytes() <= protection.evictableBytes(need.missingBytes() - others) + others;
    }

    private long others(List<StoredContent> partials) {
        return store.quarantine().bytes() + bytes(partials);
    }

    private static long bytes(List<StoredContent> partials) {
        return partials.stream().mapToLong(StoredContent::sizeBytes).sum();
    }

    private Eviction eviction(DiskNeed need, List<StoredContent> partials) {
        return new Eviction(need, partials, store, new Victims(index, feed, BATCH), feed, protection, removal);
    }

    /**
     * Evicts one piece of content because somebody asked for it. What is pinned, being pulled or being written stays.
     *
     * @return its bytes if it was there and is gone; empty, too, if it may not go now, or the disk refuses
     */
    public OptionalLong evict(Digest digest) {
        long[] bytes = new long[1];
        boolean gone = locked(() -> {
            try (FileChanges.Change _ = removal.begin(digest)) {
                Optional<IndexedContent> row = index.contents().get(digest);
                protection.refresh();
                if (row.isEmpty() || protection.isHeld(digest) || protection.isPinned(digest)) {
                    return false;
                }
                IndexedContent content = row.get();
                removal.remove(
                        new Candidate(digest, content.kind(), content.bytes(), content.lastUsed()),
                        EvictionReason.ASKED);
                bytes[0] = content.bytes();
                return true;
            }
        });
        return gone ? OptionalLong.of(bytes[0]) : OptionalLong.empty();
    }
}
