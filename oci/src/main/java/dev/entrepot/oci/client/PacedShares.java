package dev.entrepot.oci.client;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How what is read at a pace shares the slots of the background. It may hold a slot for hours and use next to nothing
 * of the registry, so that it is counted apart: all of it together has a quarter of the slots at first, or as many as
 * the registry bears at a time if that is less. Those whose pace it is have equal shares of that. Nobody who has more
 * than his share has to give anything back; whoever has less gets his share on top, of up to three quarters of all
 * slots, and what ends goes to those with less, until all are equal. The last quarter is never had. Counts slots and
 * gives none. Not safe for several threads: whoever gives them has a lock.
 */
final class PacedShares {
    private final int first;
    private final int most;
    private final Map<Object, Integer> running = new HashMap<>();
    private final Map<Object, Integer> waiting = new HashMap<>();
    private int all;

    /** Of so many slots in the background, at least 1. */
    PacedShares(int background) {
        this.first = Math.max(1, background / 4);
        this.most = Math.max(1, background - first);
    }

    /**
     * Whether one more may be had now.
     *
     * @param account whose pace it is; one that waits or has one
     * @param window how many the registry bears at a time
     */
    boolean mayHave(Object account, int window) {
        int together = Math.min(first, window);
        Set<Object> accounts = new HashSet<>(running.keySet());
        accounts.addAll(waiting.keySet());
        int share = Math.max(1, together / Math.max(1, accounts.size()));
        return all < most && (all < together || running.getOrDefault(account, 0) < share);
    }

    /** Whether anybody waits. */
    boolean isWaitedFor() {
        return !waiting.isEmpty();
    }

    /** How many are had. */
    int all() {
        return all;
    }

    void waits(Object account) {
        waiting.merge(account, 1, Integer::sum);
    }

    void waitsNoLonger(Object account) {
        waiting.computeIfPresent(account, PacedShares::oneLess);
    }

    void took(Object account) {
        all++;
        running.merge(account, 1, Integer::sum);
    }

    void returned(Object account) {
        all--;
        running.computeIfPresent(account, PacedShares::oneLess);
    }

    // A value of null takes the key away, so that nothing is left of who is gone.
    private static @Nullable Integer oneLess(Object account, int count) {
        return count == 1 ? null : Integer.valueOf(count - 1);
    }
}
