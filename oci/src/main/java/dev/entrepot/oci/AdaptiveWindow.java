package dev.entrepot.oci;

import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * How many requests a host may have at one time, found out as TCP finds out what a network bears (RFC 5681): starting
 * with four, one more after each success until the host first asks for fewer, from then on one more after as many
 * successes as may run at a time; half as many after such an answer, but no more than once in 100 ms, since one
 * overload refuses many requests. Counts no requests itself. Not safe for several threads: whoever counts them has a
 * lock.
 */
public final class AdaptiveWindow {
    private static final int FIRST = 4;
    private static final Duration BETWEEN_HALVINGS = Duration.ofMillis(100);

    private int most;
    private final LongSupplier millis;
    private int size;
    private int successes;
    private boolean wasThrottled;
    private long halvedAtMillis = Long.MIN_VALUE / 2;

    /**
     * At its first size.
     *
     * @param most requests at a time that it never exceeds, at least 1
     * @param millis milliseconds since any moment
     */
    public AdaptiveWindow(int most, LongSupplier millis) {
        this.most = most;
        this.millis = millis;
        this.size = Math.min(FIRST, most);
    }

    /**
     * Lets it grow to so many, if it may not grow to more already. It grows by successes, as ever.
     *
     * @param most requests at a time that it never exceeds from now on
     */
    public void allow(int most) {
        this.most = Math.max(this.most, most);
    }

    /** How many there may be now. */
    public int size() {
        return size;
    }

    /**
     * The host answered a request and was not over its limits.
     *
     * @return whether there may be one more from now on
     */
    public boolean succeeded() {
        successes++;
        if (size < most && (!wasThrottled || successes >= size)) {
            size++;
            successes = 0;
            return true;
        }
        return false;
    }

    /** Whether the host has ever asked for fewer. */
    public boolean wasThrottled() {
        return wasThrottled;
    }

    /** The host asked for fewer. */
    public void throttled() {
        successes = 0;
        wasThrottled = true;
        long now = millis.getAsLong();
        if (now - halvedAtMillis >= BETWEEN_HALVINGS.toMillis()) {
            halvedAtMillis = now;
            size = Math.max(1, size / 2);
        }
    }
}
