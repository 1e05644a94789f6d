package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import java.io.IOException;
import java.util.HashSet;
import java.util.Iterator;
import java.util.Optional;
import java.util.Set;

/**
 * Which content may not be evicted, because it is pinned, in use, or being written, and how much of what is stored may.
 * What is pinned is so by the last {@link #refresh()}, all else at the moment. For one thread at a time, which is the
 * one that has the lock of the {@link Evictor}; except for {@link #protect}, which is for all.
 */
final class Protection {
    private final ContentStore store;
    private final CacheIndex index;
    private final PinnedGraphs pins;
    private final PolicyFeed feed;
    // What the index could not be asked about when it was released.
    private final Set<Digest> released = new HashSet<>();
    private volatile ContentInUse inUse = ContentInUse.NOTHING;

    /** Nothing is in use; what is pinned is not looked at yet. */
    Protection(ContentStore store, CacheIndex index, PinnedGraphs pins, PolicyFeed feed) {
        this.store = store;
        this.index = index;
        this.pins = pins;
        this.feed = feed;
    }

    /** Never has evicted what is in use, from now on in place of what was said to be before. */
    void protect(ContentInUse use) {
        inUse = use;
    }

    /**
     * Works out what is pinned, and has the policy know what no longer is. Costs what has changed since the last call,
     * which mostly is nothing.
     *
     * @throws IOException if the index cannot be read; everything stays protected as it was
     */
    void refresh() throws IOException {
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

    /** Whether this is under a pin. */
    boolean isPinned(Digest digest) {
        return pins.protects(digest);
    }

    /** Whether this is in use or being written. */
    boolean isHeld(Digest digest) {
        return inUse.isInUse(digest)
                || store.ingests().isOpen(digest)
                || store.changes().isComing(digest);
    }

    /** The bytes that may be evicted. */
    long evictableBytes() {
        return evictableBytes(unpinnedBytes());
    }

    /**
     * The bytes that may be evicted, for who only asks whether there are so many: what is in use is only counted where
     * it matters to that.
     */
    long evictableBytes(long asked) {
        long unpinned = unpinnedBytes();
        if (asked > unpinned || asked <= unpinned - inUse.mostBytes()) {
            return unpinned;
        }
        return unpinned - inUseBytes();
    }

    private long unpinnedBytes() {
        return index.contents().storedBytes() - pins.bytes();
    }

    /** The bytes of what is in use. Of what is pinned as well, only the pin counts. */
    long inUseBytes() {
        return inUse.all().stream()
                .filter(digest -> !pins.protects(digest))
                .mapToLong(digest ->
                        index.contents().get(digest).map(IndexedContent::bytes).orElse(0L))
                .sum();
    }
}
