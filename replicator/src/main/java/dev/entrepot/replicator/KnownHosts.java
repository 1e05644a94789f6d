package dev.entrepot.replicator;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What is known of each host, for all runs of this process, whichever rule they are of. What is asked of a host as a
 * source and as a target is known apart. Safe for all threads.
 */
final class KnownHosts {
    // Each run has a limit of its own besides, the rule's.
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

    /** The target at this place. */
    KnownHost target(String place) {
        return targets.computeIfAbsent(place, key -> unknown());
    }

    /** A host of which nothing is known, and which nobody else shares. */
    KnownHost unknown() {
        return new KnownHost(MOST_UPLOADS, false, policy, time);
    }
}
