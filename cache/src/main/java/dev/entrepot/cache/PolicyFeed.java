package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.Repository;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps a {@link DiskPolicy} and the pins told of what an index hears, and fills it with what was stored before, in the
 * background: serving does not wait for it. Until it is {@linkplain #ready() ready}, and if it never is, the order of
 * the index itself, least recently used first, is what is evicted by. Counts are not taken from here, so that they are
 * right from the start.
 */
final class PolicyFeed implements ContentWatcher, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(PolicyFeed.class);
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    // What was used often before the start is known to have been, but has to be used again to stay.
    private static final int MOST_USES = 4;

    private final CacheIndex index;
    private final DiskLimits limits;
    private final PinnedGraphs pins;
    private volatile DiskPolicy policy;
    // The policy that knows of everything; not this one if the disk was divided anew since.
    private volatile @Nullable DiskPolicy filled;
    private volatile boolean closed;
    private volatile long setAsideBytes;
    private final CountDownLatch hurried = new CountDownLatch(1);
    private @Nullable Thread loader;

    /**
     * A policy over an index, which stays open until this is closed.
     *
     * @param after how long the filling lets others go first
     */
    PolicyFeed(CacheIndex index, PinnedGraphs pins, DiskLimits limits, DiskShares shares, Duration after) {
        this.index = index;
        this.limits = limits;
        this.pins = pins;
        this.policy = new DiskPolicy(limits, shares);
        index.contents().watch(this);
        load(policy, after);
    }

    /** Divides the disk anew. */
    synchronized void regroup(DiskShares shares) {
        DiskPolicy next = new DiskPolicy(limits, shares);
        // First, so that whoever fills the former one stops, and what is set aside from now on reaches this one.
        policy = next;
        next.setAside(setAsideBytes);
        hurried.countDown();
        stopLoading();
        load(next, Duration.ZERO);
    }

    private synchronized void load(DiskPolicy into, Duration after) {
        // A platform thread: it stays in native calls for a second or two.
        loader = Thread.ofPlatform().name("policy-loader").daemon().start(() -> fill(into, after));
    }

    private void fill(DiskPolicy into, Duration after) {
        try {
            hurried.await(after.toNanos(), TimeUnit.NANOSECONDS);
            if (policy == into && !closed) {
                fill(into);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void fill(DiskPolicy into) {
        into.beginLoading();
        try {
            index.contents().forEachByUse((digest, kind, bytes, owner, uses) -> {
                into.load(digest, kind, bytes, owner, Math.min(uses, MOST_USES));
                return !closed && policy == into;
            });
            into.endLoading();
            if (policy == into && !closed) {
                filled = into;
            }
        } catch (IOException e) {
            LOG.warn(
                    "what was used least recently is evicted first, because the policy cannot be filled: {}",
                    e.toString());
        }
    }

    /** The policy, once it knows of everything. */
    Optional<DiskPolicy> ready() {
        DiskPolicy current = policy;
        return filled == current ? Optional.of(current) : Optional.empty();
    }

    /** Waits until the filling has ended, well or not, at most for so long. */
    void awaitFilled(Duration atMost) throws InterruptedException {
        Thread running;
        synchronized (this) {
            running = loader;
        }
        if (running != null) {
            running.join(atMost);
        }
    }

    /** The policy, which may not know of everything yet. */
    DiskPolicy policy() {
        return policy;
    }

    /** See {@link DiskPolicy#setAside}. */
    void setAside(long bytes) {
        if (setAsideBytes != bytes) {
            setAsideBytes = bytes;
            policy.setAside(bytes);
        }
    }

    @Override
    public void stored(Digest digest, ContentKind kind, long bytes, Optional<Repository> owner) {
        policy.stored(digest, kind, bytes, owner);
        pins.moved(digest);
    }

    @Override
    public void used(Digest digest, Repository by) {
        policy.used(digest, by);
    }

    @Override
    public void removed(Digest digest) {
        policy.removed(digest);
        pins.moved(digest);
    }

    @Override
    public void changed(Repository repository, ManifestReference what) {
        pins.changed(repository, what);
    }

    private void stopLoading() {
        Thread running = loader;
        if (running == null) {
            return;
        }
        try {
            if (!running.join(PATIENCE)) {
                LOG.warn("the policy is still being filled after {} s", PATIENCE.toSeconds());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Stops the filling; nothing is heard any more. */
    @Override
    public synchronized void close() {
        closed = true;
        hurried.countDown();
        index.contents().watch(ContentWatcher.NONE);
        stopLoading();
    }
}
