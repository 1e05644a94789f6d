package dev.entrepot.oci.client;

import java.time.Duration;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.OptionalLong;

/**
 * When a second request is sent, and how many may be: after longer than 19 of 20 of the last 128 requests of that kind
 * took, and never before 50 ms; at most one for twenty requests. Nothing is known before 20 requests. Safe for all
 * threads.
 */
final class HedgePace {
    private static final int WINDOW = 128;
    private static final int LEAST = 20;
    private static final long SHORTEST_NANOS = Duration.ofMillis(50).toNanos();
    /** Requests for which one may be sent a second time. */
    private static final int SHARE = 20;
    /** How many may come in a row after a quiet time. */
    private static final int BURST = 2;

    private final Map<Operation, Times> times = new EnumMap<>(Operation.class);
    private int credit;

    private static final class Times {
        private final long[] nanos = new long[WINDOW];
        private int count;
        private int next;

        void add(long took) {
            nanos[next] = took;
            next = (next + 1) % WINDOW;
            count = Math.min(count + 1, WINDOW);
        }

        OptionalLong slowest() {
            if (count < LEAST) {
                return OptionalLong.empty();
            }
            long[] sorted = Arrays.copyOf(nanos, count);
            Arrays.sort(sorted);
            return OptionalLong.of(sorted[(count * (SHARE - 1) - 1) / SHARE]);
        }
    }

    private Times of(Operation operation) {
        return times.computeIfAbsent(operation, o -> new Times());
    }

    /** A request begins; in how many nanoseconds a second may follow, if it is known. */
    synchronized OptionalLong begin(Operation operation) {
        credit = Math.min(credit + 1, BURST * SHARE);
        OptionalLong slowest = of(operation).slowest();
        return slowest.isPresent()
                ? OptionalLong.of(Math.max(SHORTEST_NANOS, slowest.getAsLong()))
                : OptionalLong.empty();
    }

    /** A request was answered, after so many nanoseconds. */
    synchronized void answered(Operation operation, long nanos) {
        of(operation).add(nanos);
    }

    /** Whether one more may be sent a second time, which then counts. */
    synchronized boolean spend() {
        if (credit < SHARE) {
            return false;
        }
        credit -= SHARE;
        return true;
    }
}
