package dev.entrepot.replicator;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The limit of uploads of each place, which all runs of this process share, whichever rule they are of. Safe for all threads. */
final class UploadLimits {
    // Each run has a limit of its own besides, the rule's.
    private static final int MOST = 64;

    private final Time time;
    private final Map<String, AdaptiveLimit> limits = new ConcurrentHashMap<>();

    UploadLimits(Time time) {
        this.time = time;
    }

    /** That of a place. */
    AdaptiveLimit of(String place) {
        return limits.computeIfAbsent(place, key -> new AdaptiveLimit(MOST, time));
    }
}
