package dev.entrepot.oci.client;

import java.time.Clock;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** When a registry last answered, and when and how it last did not. Safe for all threads. */
final class Sightings {
    private final Clock clock;
    private volatile @Nullable Instant answered;
    private volatile @Nullable Outage outage;

    /**
     * An outage.
     *
     * @param at when it was met
     * @param message what its exception says, without secrets as all of them
     */
    record Outage(Instant at, String message) {}

    Sightings(Clock clock) {
        this.clock = clock;
    }

    void answered() {
        answered = clock.instant();
    }

    void failed(String message) {
        outage = new Outage(clock.instant(), message);
    }

    Optional<Instant> lastAnswer() {
        return Optional.ofNullable(answered);
    }

    Optional<Outage> lastOutage() {
        return Optional.ofNullable(outage);
    }
}
