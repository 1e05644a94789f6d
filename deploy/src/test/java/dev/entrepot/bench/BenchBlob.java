package dev.entrepot.bench;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A blob of the fake upstream: the first bytes of its base file, then a tail of its own that makes it unlike any other.
 * Counts what was asked of it.
 *
 * @param digest its digest, as text
 * @param size bytes
 * @param tail the last bytes
 * @param throttle the rate at which all its readers together get it
 * @param headerDelay how late an answer begins
 * @param gets GET requests
 * @param heads HEAD requests
 * @param bytesSent bytes of bodies
 */
record BenchBlob(
        String digest,
        long size,
        byte[] tail,
        Optional<Throttle> throttle,
        Duration headerDelay,
        AtomicLong gets,
        AtomicLong heads,
        AtomicLong bytesSent) {
    /** A blob that nobody has asked for. */
    BenchBlob(String digest, long size, byte[] tail, Optional<Throttle> throttle, Duration headerDelay) {
        this(digest, size, tail, throttle, headerDelay, new AtomicLong(), new AtomicLong(), new AtomicLong());
    }
}
