package dev.entrepot.oci.client;

import java.time.Instant;
import java.util.Optional;

/**
 * A circuit breaker at one moment.
 *
 * @param position whether requests are sent
 * @param until when the next one may be sent, if none is; empty also if that time has passed, and nobody has asked
 *     since
 * @param opened how often it has opened
 * @param failure how the last outage showed, unless all are sent; shows no secret
 */
public record BreakerState(Position position, Optional<Instant> until, long opened, Optional<String> failure) {
    /** As above, where nothing is known of the last outage. */
    BreakerState(Position position, Optional<Instant> until, long opened) {
        this(position, until, opened, Optional.empty());
    }

    /** Whether requests are sent. */
    public enum Position {
        /** All are. */
        CLOSED,
        /** One is, to see whether it is answered. */
        HALF_OPEN,
        /** None is, or the next one will be, to see the same. */
        OPEN
    }
}
