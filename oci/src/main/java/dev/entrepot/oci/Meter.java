package dev.entrepot.oci;

import java.io.InterruptedIOException;

/** Counts units of which there may be so many in a time. Implementations are safe for all threads. */
public interface Meter {
    /** One that counts nothing and never waits. */
    Meter NONE = new Meter() {
        @Override
        public void take(long units) {}

        @Override
        public void count(long units) {}

        @Override
        public boolean limitsNow() {
            return false;
        }
    };

    /**
     * Takes so many units, waiting until they may be taken.
     *
     * @throws InterruptedIOException if interrupted while waiting; the interrupt stays set
     */
    void take(long units) throws InterruptedIOException;

    /** Counts so many units without waiting: who takes the next waits for these, too. */
    void count(long units);

    /**
     * Waits until what was taken and counted before has been paid for, and takes nothing: for those who can count only
     * afterwards what they will need.
     *
     * @throws InterruptedIOException if interrupted while waiting; the interrupt stays set
     */
    default void settle() throws InterruptedIOException {
        take(0);
    }

    /**
     * Whose units these are now: the same for all meters that take from the same, and {@link #NONE} where there is no
     * limit. It may change, so that whoever counts by it asks once for each thing that he counts.
     */
    default Meter account() {
        return this;
    }

    /** Whether there is a limit at this time of day. What is begun without one may well be held back later. */
    default boolean limitsNow() {
        return true;
    }
}
