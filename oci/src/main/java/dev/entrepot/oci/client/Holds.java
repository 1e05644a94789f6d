package dev.entrepot.oci.client;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;

/**
 * Until when, by a {@link SteadyClock}, a registry asked to be left alone: altogether, with blobs, or its token
 * service. Safe for all threads.
 */
final class Holds {
    private static final Duration LONGEST = Duration.ofMinutes(15);

    private final Clock clock;
    private final Map<TooManyKind, Instant> until = new EnumMap<>(TooManyKind.class);

    Holds(Clock clock) {
        this.clock = clock;
    }

    /** No registry's word is taken for longer than this at a time. */
    static Duration bounded(Duration asked) {
        return asked.compareTo(LONGEST) > 0 ? LONGEST : asked;
    }

    /** Takes note of an answer of 429. Until when requests of this kind are not sent; empty if all are. */
    synchronized Optional<Instant> hold(TooManyKind kind, Optional<Duration> retryAfter) {
        return retryAfter.map(asked -> until.merge(
                kind, clock.instant().plus(bounded(asked)), (one, other) -> one.isAfter(other) ? one : other));
    }

    /** Until when, by the wall clock, requests of which kinds are not sent. */
    synchronized Map<TooManyKind, Instant> states(SteadyClock steady) {
        Instant now = steady.instant();
        Map<TooManyKind, Instant> states = new EnumMap<>(TooManyKind.class);
        until.forEach((kind, end) -> {
            if (now.isBefore(end)) {
                states.put(kind, steady.onWall(end));
            }
        });
        return states;
    }

    /** How long a request of this kind has to wait; empty if it need not. */
    synchronized Optional<Duration> wait(TooManyKind kind) {
        Instant now = clock.instant();
        return Optional.ofNullable(until.get(kind)).filter(now::isBefore).map(end -> Duration.between(now, end));
    }
}
