package dev.entrepot.replicator;

import java.io.InterruptedIOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;

/**
 * Everything about a run that is not determined by its inputs.
 *
 * @param clock tells the time
 * @param nanoTime nanoseconds from some point on, never going back
 * @param sleeper lets time pass
 * @param random spreads retries
 */
public record Time(InstantSource clock, LongSupplier nanoTime, Sleeper sleeper, RandomGenerator random) {
    private static final long NANOS_PER_SECOND = 1_000_000_000;

    /** Time that passes by its clock alone. */
    public Time(InstantSource clock, Sleeper sleeper, RandomGenerator random) {
        this(clock, nanosOf(clock), sleeper, random);
    }

    private static LongSupplier nanosOf(InstantSource clock) {
        return () -> {
            Instant now = clock.instant();
            return now.getEpochSecond() * NANOS_PER_SECOND + now.getNano();
        };
    }

    /** The machine's time. */
    public static Time system() {
        return new Time(InstantSource.system(), System::nanoTime, Thread::sleep, RandomGenerator.getDefault());
    }

    /**
     * Waits.
     *
     * @throws InterruptedIOException if interrupted; the interrupt stays set
     */
    void pause(Duration time) throws InterruptedIOException {
        try {
            sleeper.sleep(time);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while waiting " + time);
        }
    }
}
