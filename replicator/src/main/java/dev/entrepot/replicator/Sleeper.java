package dev.entrepot.replicator;

import java.time.Duration;

/** Lets time pass; in tests it is virtual. */
@FunctionalInterface
public interface Sleeper {
    /**
     * Returns after this time.
     *
     * @throws InterruptedException if the thread is interrupted before
     */
    void sleep(Duration time) throws InterruptedException;
}
