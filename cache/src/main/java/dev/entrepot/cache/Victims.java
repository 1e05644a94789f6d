package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What to evict next, one after another, from the policy once it is ready, else from the index. The policy is a hint:
 * what a victim weighs, and whether it is there at all, is asked of the index. For one thread, for one eviction.
 */
final class Victims {
    /** Content, and whether it goes because its group has more than its share. */
    record Next(Candidate content, boolean overShare) {}

    /** The order of the index. */
    @FunctionalInterface
    interface ByUse {
        /** So many that were not used for longest, the longest first. */
        List<Candidate> first(int n) throws IOException;
    }

    private final CacheIndex index;
    private final ByUse byUse;
    private final PolicyFeed feed;
    private final int batch;
    private final Set<Digest> passed = new HashSet<>();
    private final Deque<Next> upcoming = new ArrayDeque<>();
    // So many of the first that are upcoming may have gone, or been used, since they were looked at.
    private int unsure;

    /** Looks {@code batch} ahead. */
    Victims(CacheIndex index, PolicyFeed feed, int batch) {
        this(index, index.contents()::leastRecentlyUsed, feed, batch);
    }

    /** As above, with the order of the index as somebody sees it who counts. */
    Victims(CacheIndex index, ByUse byUse, PolicyFeed feed, int batch) {
        this.index = index;
        this.byUse = byUse;
        this.feed = feed;
        this.batch = batch;
    }

    /**
     * What goes next; empty if nothing is left.
     *
     * @throws IOException if the index cannot be read
     */
    Optional<Next> peek() throws IOException {
        while (true) {
            if (upcoming.isEmpty()) {
                Optional<DiskPolicy> policy = feed.ready();
                boolean more = policy.isPresent() ? fromPolicy(policy.get()) : fromIndex();
                if (!more) {
                    return Optional.empty();
                }
            } else if (unsure == 0 || isAsItWas(upcoming.element().content())) {
                return Optional.of(upcoming.element());
            } else {
                take();
            }
        }
    }

    /** Trusts no more in what it has looked ahead: others may have evicted or used it. */
    void lookAgain() {
        if (feed.ready().isPresent()) {
            upcoming.clear();
        }
        unsure = upcoming.size();
    }

    /** Takes what {@link #peek()} has shown. */
    Next take() {
        unsure = Math.max(0, unsure - 1);
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
            Optional<Candidate> candidate = candidate(victim.digest());
            if (candidate.isEmpty()) {
                policy.removed(victim.digest());
                continue;
            }
            upcoming.add(new Next(candidate.get(), victim.overShare()));
        }
        return any;
    }

    // What cannot go is read again each time, so that each time at least as much else is read.
    private boolean fromIndex() throws IOException {
        byUse.first(passed.size() + Math.max(batch, passed.size())).stream()
                .filter(candidate -> !passed.contains(candidate.digest()))
                .map(candidate -> new Next(candidate, false))
                .forEach(upcoming::add);
        return !upcoming.isEmpty();
    }

    // What was used since comes later in the order.
    private boolean isAsItWas(Candidate candidate) throws IOException {
        return candidate(candidate.digest())
                .filter(now -> !now.lastUsed().isAfter(candidate.lastUsed()))
                .isPresent();
    }

    private Optional<Candidate> candidate(Digest digest) throws IOException {
        long failures = index.failedReads();
        Optional<Candidate> row = index.contents().candidate(digest);
        if (row.isEmpty() && index.failedReads() != failures) {
            throw new IOException("the index cannot be read, so that nobody knows what " + digest + " is");
        }
        return row;
    }
}
