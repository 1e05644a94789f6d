package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/**
 * What to evict next, one after another, from the policy once it is ready, else from the index. The policy is a hint: what a victim weighs, and whether it
 * is there at all, is asked of the index. For one thread, for one eviction.
 */
final class Victims {
    /** Content, and whether it goes because its group has more than its share. */
    record Next(Candidate content, boolean overShare) {}

    private final CacheIndex index;
    private final PolicyFeed feed;
    private final int batch;
    private final Set<Digest> passed = new HashSet<>();
    private final Deque<Next> upcoming = new ArrayDeque<>();

    /** Looks {@code batch} ahead. */
    Victims(CacheIndex index, PolicyFeed feed, int batch) {
        this.index = index;
        this.feed = feed;
        this.batch = batch;
    }

    /**
     * What goes next; empty if nothing is left.
     *
     * @throws IOException if the index cannot be read
     */
    Optional<Next> peek() throws IOException {
        while (upcoming.isEmpty()) {
            Optional<DiskPolicy> policy = feed.ready();
            boolean more = policy.isPresent() ? fromPolicy(policy.get()) : fromIndex();
            if (!more) {
                return Optional.empty();
            }
        }
        return Optional.of(upcoming.element());
    }

    /** Forgets what it has looked ahead: others may have evicted it. */
    void lookAgain() {
        upcoming.clear();
    }

    /** Takes what {@link #peek()} has shown. */
    Next take() {
        return upcoming.remove();
    }

    /** Notes content that cannot go now. */
    void pass(Digest digest) {
        passed.add(digest);
    }

    // False if there was nothing to look at; true does not say that any of it is there.
    private boolean fromPolicy(DiskPolicy policy) throws IOException {
        boolean any = false;
        for (DiskPolicy.Victim victim : policy.victims(batch, passed)) {
            any = true;
            long failures = index.failedReads();
            Optional<IndexedContent> row = index.content(victim.digest());
            if (row.isEmpty()) {
                if (index.failedReads() != failures) {
                    throw new IOException(
                            "the index cannot be read, so that nobody knows what " + victim.digest() + " is");
                }
                policy.removed(victim.digest());
                continue;
            }
            IndexedContent content = row.get();
            Candidate candidate = new Candidate(victim.digest(), content.kind(), content.bytes(), content.lastUsed());
            upcoming.add(new Next(candidate, victim.overShare()));
        }
        return any;
    }

    private boolean fromIndex() throws IOException {
        index.leastRecentlyUsed(batch + passed.size()).stream()
                .filter(candidate -> !passed.contains(candidate.digest()))
                .map(candidate -> new Next(candidate, false))
                .forEach(upcoming::add);
        return !upcoming.isEmpty();
    }
}
