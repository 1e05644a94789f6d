package dev.entrepot.bench;

import java.util.concurrent.locks.LockSupport;

/** A rate that all users of it share. A sender that comes late may catch up a tenth of a second. Thread-safe. */
final class Throttle {
    private static final long CATCH_UP_NANOS = 100_000_000;

    private final double nanosPerByte;
    private long nextNanos = System.nanoTime();

    Throttle(long bytesPerSecond) {
        this.nanosPerByte = 1e9 / bytesPerSecond;
    }

    /** Waits until these bytes may be sent. */
    void take(long bytes) {
        long at = reserve(bytes);
        for (long wait = at - System.nanoTime(); wait > 0; wait = at - System.nanoTime()) {
            LockSupport.parkNanos(wait);
        }
    }

    private synchronized long reserve(long bytes) {
        nextNanos = Math.max(nextNanos, System.nanoTime() - CATCH_UP_NANOS) + (long) (bytes * nanosPerByte);
        return nextNanos;
    }
}
