package dev.entrepot.replicator;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What is known of each host, for all runs of this process, whichever rule they are of. What is asked of a host as a
 * source and as a target is known apart. Safe for all threads.
 */
final class KnownHosts {
    private static final int MOST_UPLOADS = 64;

    private final RetryPolicy policy;
    private final Time time;
    private final Map<String, KnownHost> sources = new ConcurrentHashMap<>();
    private final Map<String, KnownHost> targets = new ConcurrentHashMap<>();

    KnownHosts(RetryPolicy policy, Time time) {
        this.policy = policy;
        this.time = time;
    }

    /** The source of this name. */
    KnownHost source(String name) {
        return sources.computeIfAbsent(name, key -> new KnownHost(MOST_UPLOADS, true, policy, time));
    }

    /**
     * The target at this place. The runs that go there have as many uploads under way, all together, as the rule of
     * them that may have most.
     *
     * @param mostUploads how many uploads the rule of a run may have under way, at least 1
     */
    KnownHost target(String place, int mostUploads) {
        int most = Math.min(mostUploads, MOST_UPLOADS);
        KnownHost target = targets.computeIfAbsent(place, key -> new KnownHost(most, false, policy, time));
        target.uploads().allow(most);
        return target;
    }

    /** A host of which nothing is known, and which nobody else shares. */
    KnownHost unknown() {
        return new KnownHost(MOST_UPLOADS, false, policy, time);
    }
}
