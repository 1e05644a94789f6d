package dev.entrepot.oci.client;

import dev.entrepot.oci.OutageException;
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

    /**
     * A request met an outage. A 429 is an answer, though not the one that was wanted; what was not sent, or was broken
     * off here, says nothing.
     */
    void met(OutageException met) {
        switch (met.reason()) {
            case UNREACHABLE, TIMEOUT, DNS, TLS, SERVER_ERROR, TOKEN_SERVICE -> {
                if (!Thread.currentThread().isInterrupted() && !isRefusal(met.getCause())) {
                    outage = new Outage(clock.instant(), String.valueOf(met.getMessage()));
                }
            }
            case RATE_LIMITED -> {
                if (!met.isHeld()) {
                    answered();
                }
            }
            // Of a quota that is used up QuotaExchange tells, which knows whether it was answered so.
            case QUOTA, NOT_ASKED -> {}
        }
    }

    // Of a token service, which was not asked, or has too many requests.
    private static boolean isRefusal(@Nullable Throwable cause) {
        return cause instanceof OutageException why
                && switch (why.reason()) {
                    case RATE_LIMITED, QUOTA, NOT_ASKED -> true;
                    case UNREACHABLE, TIMEOUT, DNS, TLS, SERVER_ERROR, TOKEN_SERVICE -> isRefusal(why.getCause());
                };
    }

    Optional<Instant> lastAnswer() {
        return Optional.ofNullable(answered);
    }

    Optional<Outage> lastOutage() {
        return Optional.ofNullable(outage);
    }
}
