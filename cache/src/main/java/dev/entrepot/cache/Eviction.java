package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One eviction, in one or several turns: what lies in quarantine goes first, and then one {@link Victims victim} after
 * another and idle partials, of which each counts as last used when it was last written to. What is protected stays.
 * For one thread at a time, which is in each turn the one that has the lock of the {@link Evictor}.
 *
 * <p>Readers need no protection: the file that they have open outlives its name. But then its space is not free yet, so
 * free space is measured once, for the need, and what was deleted is added up; waiting for the measure to move would
 * empty the cache for one slow reader.
 */
final class Eviction {
    // Of the evictor: what becomes of the disk is in the log under one name.
    private static final Logger LOG = LoggerFactory.getLogger(Evictor.class);

    private final DiskNeed need;
    private final ContentStore store;
    private final Victims victims;
    private final PolicyFeed feed;
    private final Protection protection;
    private final Removal removal;
    private final Deque<StoredContent> partials;
    private long freedBytes;

    /**
     * Nothing has gone yet.
     *
     * @param idle the partials that may go
     * @param feed whose policy forgets what it shows though it is pinned
     */
    Eviction(
            DiskNeed need,
            List<StoredContent> idle,
            ContentStore store,
            Victims victims,
            PolicyFeed feed,
            Protection protection,
            Removal removal) {
        this.need = need;
        this.store = store;
        this.victims = victims;
        this.feed = feed;
        this.protection = protection;
        this.removal = removal;
        this.partials = new ArrayDeque<>(idle.stream()
                .sorted(Comparator.comparing(StoredContent::lastModified))
                .toList());
    }

    /** What it is for. */
    DiskNeed need() {
        return need;
    }

    /** The bytes that are freed in all. */
    long freedBytes() {
        return freedBytes;
    }

    /**
     * Evicts until so much is freed in all, or so many victims were looked at.
     *
     * @return whether there is more to do
     * @throws IOException if the index or a folder cannot be read
     */
    boolean goOn(long goalBytes, int most) throws IOException {
        // Others may have had their turn since.
        victims.lookAgain();
        freedBytes += store.quarantine().free(goalBytes - freedBytes);
        for (int looked = 0; freedBytes < goalBytes && !Thread.currentThread().isInterrupted(); looked++) {
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
            freedBytes += store.ingests().deleteIdle(partial.digest()) ? partial.sizeBytes() : 0;
        } else if (content.isPresent()) {
            freedBytes += evict(victims.take());
        }
        return partial != null || content.isPresent();
    }

    private long evict(Victims.Next next) throws IOException {
        try (FileChanges.Change _ = removal.begin(next.content().digest())) {
            return evictUnlessProtected(next);
        }
    }

    private long evictUnlessProtected(Victims.Next next) throws IOException {
        Candidate candidate = next.content();
        Digest digest = candidate.digest();
        protection.refresh();
        if (protection.isPinned(digest)) {
            // Back when it is no longer pinned.
            feed.policy().removed(digest);
            victims.pass(digest);
            return 0;
        }
        if (protection.isHeld(digest)) {
            victims.pass(digest);
            return 0;
        }
        try {
            return removal.remove(candidate, next.overShare() ? EvictionReason.SHARE : need.reason());
        } catch (IOException e) {
            LOG.warn("{} cannot be evicted: {}", digest, e.toString());
            victims.pass(digest);
            return 0;
        }
    }
}
