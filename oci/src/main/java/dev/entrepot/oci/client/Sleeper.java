package dev.entrepot.oci.client;

import java.time.Duration;

/** Lets time pass between attempts, so that tests need not wait. */
@FunctionalInterface
public interface Sleeper {
    /** Sleeps for real. */
    Sleeper SYSTEM = Thread::sleep;

    /**
     * Returns after {@code duration}.
     *
     * @throws InterruptedException if the thread is interrupted before
     */
    void sleep(Duration duration) throws InterruptedException;
}
