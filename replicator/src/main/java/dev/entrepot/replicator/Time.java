package dev.entrepot.replicator;

import java.io.InterruptedIOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.random.RandomGenerator;

/**
 * Everything about a run that is not determined by its inputs.
 *
 * @param clock tells the time
 * @param sleeper lets time pass
 * @param random spreads retries
 */
public record Time(InstantSource clock, Sleeper sleeper, RandomGenerator random) {
    /** The machine's time. */
    public static Time system() {
        return new Time(InstantSource.system(), Thread::sleep, RandomGenerator.getDefault());
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
