package dev.entrepot.oci.client;

import java.time.Instant;
import java.util.Optional;

/**
 * A circuit breaker at one moment.
 *
 * @param position whether requests are sent
 * @param until when the next one may be sent, if none is
 * @param opened how often it has opened
 */
public record BreakerState(Position position, Optional<Instant> until, long opened) {
    /** Whether requests are sent. */
    public enum Position {
        /** All are. */
        CLOSED,
        /** One is, to see whether it is answered. */
        HALF_OPEN,
        /** None is. */
        OPEN
    }
}
