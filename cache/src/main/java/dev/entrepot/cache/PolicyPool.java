package dev.entrepot.cache;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Policy;
import com.github.benmanes.caffeine.cache.RemovalCause;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Content that competes for one part of the disk. Caffeine (W-TinyLFU: how often, then how lately) chooses what is
 * worth keeping within a maximum. What it drops is not gone: it <em>waits</em> on the disk, in the order in which it
 * was dropped, until somebody needs the room, and a use brings it back.
 *
 * <p>Caffeine has no veto and may drop what was just put; behind it, a queue has neither trouble. Nothing here is exact
 * or durable: the index knows what is stored. Safe for all threads. The lock of the queue is never held while the cache
 * is called, which calls the queue in its own.
 */
final class PolicyPool {
    private final Cache<PolicyKey, PolicyKey> kept;
    private final Policy.Eviction<PolicyKey, PolicyKey> eviction;
    private final LinkedHashMap<PolicyKey, PolicyKey> waiting = new LinkedHashMap<>();
    private long waitingUnits;

    /** A pool in which Caffeine keeps so many units. */
    PolicyPool(long maximumUnits) {
        kept = Caffeine.newBuilder()
                .maximumWeight(maximumUnits)
                .weigher((PolicyKey key, PolicyKey same) -> key.units())
                .evictionListener(this::dropped)
                .executor(Runnable::run)
                .build();
        eviction = kept.policy().eviction().orElseThrow();
    }

    private void dropped(@Nullable PolicyKey key, @Nullable PolicyKey same, RemovalCause cause) {
        if (key != null) {
            synchronized (waiting) {
                if (waiting.putIfAbsent(key, key) == null) {
                    waitingUnits += key.units();
                }
            }
        }
    }

    /** Sets how many units Caffeine keeps. */
    void setMaximum(long units) {
        eviction.setMaximum(units);
    }

    /** Adds content, or counts a use of it. */
    void put(PolicyKey key) {
        take(key);
        kept.put(key, key);
    }

    /** Adds content if it is not here, used so many times before. */
    void load(PolicyKey key, int uses) {
        synchronized (waiting) {
            if (waiting.containsKey(key)) {
                return;
            }
        }
        if (kept.asMap().putIfAbsent(key, key) == null) {
            int counted = 1;
            while (counted < uses && use(key)) {
                counted++;
            }
        }
    }

    /** Counts a use, if the content is here. */
    boolean use(PolicyKey key) {
        if (kept.getIfPresent(key) != null) {
            return true;
        }
        PolicyKey back = take(key);
        if (back != null) {
            kept.put(back, back);
        }
        return back != null;
    }

    /** Removes content, and returns it if it was here. */
    @Nullable
    PolicyKey remove(PolicyKey key) {
        PolicyKey was = kept.asMap().remove(key);
        PolicyKey waited = take(key);
        return was != null ? was : waited;
    }

    private @Nullable PolicyKey take(PolicyKey key) {
        synchronized (waiting) {
            PolicyKey was = waiting.remove(key);
            waitingUnits -= was == null ? 0 : was.units();
            return was;
        }
    }

    /** What would go first: at most {@code count}, fewer only if there is no more. */
    List<PolicyKey> coldest(int count) {
        List<PolicyKey> found = new ArrayList<>();
        synchronized (waiting) {
            waiting.values().stream().limit(count).forEach(found::add);
        }
        if (found.size() < count) {
            int more = count - found.size();
            List<PolicyKey> inCache = eviction.coldest(
                    entries -> entries.limit(more).map(Map.Entry::getKey).toList());
            found.addAll(inCache);
        }
        return found;
    }

    /** The weight of all content here, roughly while others come and go. */
    long units() {
        long inCache = eviction.weightedSize().orElse(0);
        synchronized (waiting) {
            return waitingUnits + inCache;
        }
    }

    /** The number of pieces here, roughly. */
    long count() {
        long inCache = kept.estimatedSize();
        synchronized (waiting) {
            return waiting.size() + inCache;
        }
    }
}
