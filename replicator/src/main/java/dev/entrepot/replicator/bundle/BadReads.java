package dev.entrepot.replicator.bundle;

/**
 * How many sectors of a medium that gives nothing are tried: each takes a drive its time, and where nothing can be read
 * nothing will be found. For one search, and one thread.
 */
final class BadReads {
    /** The most that are tried. */
    static final int MOST = 64;

    private int seen;

    /** Notes one. */
    void add() {
        seen++;
    }

    /** Whether no more are to be tried. */
    boolean areEnough() {
        return seen >= MOST;
    }
}
