package dev.entrepot.oci.client;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.entrepot.oci.Repository;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/** Remembers for ten minutes which repositories have no referrers API, so that it is not asked for again and again. Safe for all threads. */
final class ReferrersMemory {
    private static final Duration LIFE = Duration.ofMinutes(10);
    private static final int MAX_REPOSITORIES = 10_000;

    private final Cache<Repository, Instant> absentUntil =
            Caffeine.newBuilder().maximumSize(MAX_REPOSITORIES).build();
    private final Clock clock;
    private volatile Optional<Boolean> lastSeen = Optional.empty();

    ReferrersMemory(Clock clock) {
        this.clock = clock;
    }

    boolean isKnownAbsent(Repository repository) {
        Instant until = absentUntil.getIfPresent(repository);
        return until != null && clock.instant().isBefore(until);
    }

    /** Whether the API was there when it was last asked for; empty if it was not. */
    Optional<Boolean> lastSeen() {
        return lastSeen;
    }

    void sawApi() {
        lastSeen = Optional.of(true);
    }

    void rememberAbsent(Repository repository) {
        absentUntil.put(repository, clock.instant().plus(LIFE));
        lastSeen = Optional.of(false);
    }
}
