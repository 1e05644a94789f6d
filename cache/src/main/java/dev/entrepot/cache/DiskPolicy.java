package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Repository;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Which content goes first when room is needed. Knows what the index tells it, in memory only, and may be wrong about
 * what is stored: who evicts asks the index. Safe for all threads.
 *
 * <p>Manifests and small blobs compete among themselves for a budget of their own; they are what makes a kept image
 * answer at all. Large blobs of groups with a share compete within their group; all others of one priority together.
 * Weights are counted in units, so that an {@code int} holds the capacity, however large it is.
 */
final class DiskPolicy {
    /** Blobs of fewer bytes are small, and so are all manifests. */
    static final long SMALL_BYTES = 64 * 1024;
    /** The part of the capacity that small content may have before it goes first. */
    static final int SMALL_PARTS = 20;

    /**
     * The part of the capacity that large blobs always have for what has just come and is not known to be worth keeping
     * yet.
     */
    static final int WAITING_PARTS = 20;

    private static final int NOTICED_PARTS = 200;

    private static final int MAX_POOLS = 64;
    private static final long MAX_UNITS = 1L << 30;

    /** What a pool holds. */
    private sealed interface PoolName {
        /** Small content. */
        record Small() implements PoolName {}

        /** Large blobs of one group. */
        record Limited(String group) implements PoolName {}

        /** Large blobs of all groups of a priority that may have the whole disk. */
        record Rest(int priority) implements PoolName {}
    }

    private record NamedPool(PoolName name, int priority, OptionalLong mostBytes, PolicyPool pool) {}

    private record Standing(NamedPool pool, boolean over, long units) {}

    /**
     * Content that should go next.
     *
     * @param overShare whether that is because its group has more than its share
     */
    record Victim(Digest digest, boolean overShare) {}

    private final long capacityBytes;
    private final long lowBytes;
    private final long unitBytes;
    private final DiskShares shares;
    private final ConcurrentHashMap<PoolName, NamedPool> pools = new ConcurrentHashMap<>();
    private volatile long setAsideBytes;
    private volatile long smallBytes;
    private volatile boolean loading;

    /** An empty policy. */
    DiskPolicy(DiskLimits limits, DiskShares shares) {
        this.capacityBytes = limits.capacityBytes();
        this.lowBytes = limits.lowBytes();
        this.shares = shares;
        this.unitBytes = Math.max(1, (capacityBytes + MAX_UNITS - 1) / MAX_UNITS);
        smallPool();
        pool(new PoolName.Rest(0), 0, OptionalLong.empty());
    }

    /** Whether content is small. */
    static boolean isSmall(ContentKind kind, long bytes) {
        return kind == ContentKind.MANIFEST || bytes < SMALL_BYTES;
    }

    private NamedPool pool(PoolName name, int priority, OptionalLong mostBytes) {
        NamedPool known = pools.get(name);
        if (known != null) {
            return known;
        }
        if (pools.size() >= MAX_POOLS) {
            return pool(new PoolName.Rest(0), 0, OptionalLong.empty());
        }
        return pools.computeIfAbsent(
                name, same -> new NamedPool(same, priority, mostBytes, new PolicyPool(maximum(mostBytes))));
    }

    private long maximum(OptionalLong mostBytes) {
        if (loading) {
            return Long.MAX_VALUE / 4;
        }
        long others = Math.max(capacityBytes / SMALL_PARTS, smallBytes + capacityBytes / WAITING_PARTS);
        long large = Math.max(0, lowBytes - others - setAsideBytes);
        return Math.min(large, mostBytes.orElse(Long.MAX_VALUE)) / unitBytes;
    }

    private NamedPool poolOf(ContentKind kind, long bytes, Optional<Repository> owner) {
        if (isSmall(kind, bytes)) {
            return smallPool();
        }
        DiskGroup group = owner.map(shares::of).orElse(DiskGroup.DEFAULT);
        return group.isLimited()
                ? pool(new PoolName.Limited(group.name()), group.priority(), OptionalLong.of((long)
                        (capacityBytes * group.share())))
                : pool(new PoolName.Rest(group.priority()), group.priority(), OptionalLong.empty());
    }

    private PolicyKey key(Digest digest, long bytes) {
        return PolicyKey.of(digest, Math.clamp((bytes + unitBytes - 1) / unitBytes, 1, Integer.MAX_VALUE));
    }

    /** Adds content that has come into the store for a repository; if it was here, it counts as used. */
    void stored(Digest digest, ContentKind kind, long bytes, Optional<Repository> owner) {
        PolicyKey key = key(digest, bytes);
        NamedPool pool = poolOf(kind, bytes, owner);
        for (NamedPool other : pools.values()) {
            if (!other.equals(pool)) {
                other.pool().remove(key);
            }
        }
        pool.pool().put(key);
        if (pool.name() instanceof PoolName.Small) {
            weighSmall();
        }
    }

    /** Counts a use by a repository. Content that was fetched for one of a lower priority now counts for this one. */
    void used(Digest digest, Repository by) {
        PolicyKey key = key(digest, 1);
        DiskGroup group = shares.of(by);
        for (NamedPool pool : pools.values()) {
            if (pool.pool().use(key)) {
                if (!(pool.name() instanceof PoolName.Small) && pool.priority() < group.priority()) {
                    PolicyKey moved = pool.pool().remove(key);
                    if (moved != null) {
                        poolOf(ContentKind.BLOB, SMALL_BYTES, Optional.of(by))
                                .pool()
                                .put(moved);
                    }
                }
                return;
            }
        }
    }

    /** Forgets content. */
    void removed(Digest digest) {
        PolicyKey key = key(digest, 1);
        pools.values().forEach(pool -> pool.pool().remove(key));
    }

    /** Notes how many bytes cannot be had, because they are pinned: what competes has so much less. */
    void setAside(long bytes) {
        setAsideBytes = bytes;
        applyMaximums();
    }

    // What small content leaves of its budget is for large blobs that wait.
    private void weighSmall() {
        long now = bytes(smallPool());
        if (Math.abs(now - smallBytes) > capacityBytes / NOTICED_PARTS) {
            smallBytes = now;
            applyMaximums();
        }
    }

    private NamedPool smallPool() {
        return pool(new PoolName.Small(), 0, OptionalLong.of(capacityBytes / SMALL_PARTS));
    }

    private void applyMaximums() {
        pools.values().forEach(pool -> pool.pool().setMaximum(maximum(pool.mostBytes())));
    }

    /**
     * Begins to take in what was stored before, the longest unused first: nothing is dropped until
     * {@link #endLoading()}.
     */
    void beginLoading() {
        loading = true;
        applyMaximums();
    }

    /** Adds content that was stored before, unless it has come again meanwhile. */
    void load(Digest digest, ContentKind kind, long bytes, Optional<Repository> owner, int uses) {
        poolOf(kind, bytes, owner).pool().load(key(digest, bytes), uses);
    }

    /** Ends what {@link #beginLoading()} began. */
    void endLoading() {
        loading = false;
        smallBytes = bytes(smallPool());
        applyMaximums();
    }

    /**
     * What should go next, without what cannot go: at most {@code count}, all for one reason. None only if there is
     * nothing else.
     *
     * @param passed digests that were looked at and cannot go
     */
    List<Victim> victims(int count, Set<Digest> passed) {
        // As they are now: an order of what changes while it is sorted is none.
        List<Standing> inOrder = new ArrayList<>();
        pools.values()
                .forEach(pool ->
                        inOrder.add(new Standing(pool, isOver(pool), pool.pool().units())));
        inOrder.sort(Comparator.comparing((Standing standing) -> !standing.over())
                .thenComparing(standing -> standing.pool().name() instanceof PoolName.Small)
                .thenComparing(standing -> standing.pool().priority())
                .thenComparing(Comparator.comparingLong(Standing::units).reversed()));
        for (Standing standing : inOrder) {
            NamedPool pool = standing.pool();
            boolean overShare = standing.over() && pool.name() instanceof PoolName.Limited;
            List<Victim> victims = pool.pool().coldest(count + passed.size()).stream()
                    .map(PolicyKey::digest)
                    .filter(digest -> !passed.contains(digest))
                    .map(digest -> new Victim(digest, overShare))
                    .toList();
            if (!victims.isEmpty()) {
                return victims;
            }
        }
        return List.of();
    }

    private boolean isOver(NamedPool pool) {
        return pool.mostBytes().isPresent() && bytes(pool) > pool.mostBytes().getAsLong();
    }

    private long bytes(NamedPool pool) {
        return pool.pool().units() * unitBytes;
    }

    /** What there is, by what competes with each other. */
    List<PoolSize> sizes() {
        return pools.values().stream()
                .map(pool -> new PoolSize(
                        switch (pool.name()) {
                            case PoolName.Small small -> "small";
                            case PoolName.Limited limited -> limited.group();
                            case PoolName.Rest rest -> "priority " + rest.priority();
                        },
                        pool.priority(),
                        pool.pool().count(),
                        bytes(pool),
                        pool.mostBytes()))
                .sorted(Comparator.comparing(PoolSize::name))
                .toList();
    }
}
