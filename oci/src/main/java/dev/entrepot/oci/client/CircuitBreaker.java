package dev.entrepot.oci.client;

import dev.entrepot.oci.client.BreakerState.Position;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * Has requests of one kind to one registry fail at once while it is out. Opens after five outages in a row, or after one time-out in which nothing else was
 * answered; requests that were under way together and fail together are one outage. Then one request at a time is let through as a probe, after 10 s, 20 s and so on up
 * to two minutes. Any answer closes it. Safe for all threads.
 *
 * <p>Times are those of a clock that never goes back ({@link SteadyClock}).
 */
final class CircuitBreaker {
    private static final int OUTAGES = 5;
    private static final Duration FIRST = Duration.ofSeconds(10);
    private static final Duration LONGEST = Duration.ofMinutes(2);

    private final Clock clock;
    private Position position = Position.CLOSED;
    private Instant until = Instant.MIN;
    private Duration pause = FIRST;
    private int outages;
    private long round;
    private long answers;
    private long opened;

    CircuitBreaker(Clock clock) {
        this.clock = clock;
    }

    /** Leave to send a request, whose outcome is told once, by one of the three methods. */
    class Pass {
        private final boolean probe;
        private final long sentIn;
        private final long answersBefore;
        private boolean told;

        private Pass(boolean probe) {
            this.probe = probe;
            this.sentIn = round;
            this.answersBefore = answers;
        }

        /** Whether the request is the one that shows whether the registry is back. */
        boolean isProbe() {
            return probe;
        }

        /** It was answered, whatever the answer. */
        void answered() {
            tell(() -> close());
        }

        /**
         * It met an outage.
         *
         * @param timedOut whether it waited in vain for as long as requests may
         */
        void failed(boolean timedOut) {
            tell(() -> outage(this, timedOut));
        }

        /** It was not sent, or was broken off here. Says nothing if the outcome was told before. */
        void withdrawn() {
            tell(() -> {
                if (probe && position == Position.HALF_OPEN) {
                    position = Position.OPEN;
                }
            });
        }

        private void tell(Runnable outcome) {
            synchronized (CircuitBreaker.this) {
                if (!told) {
                    told = true;
                    outcome.run();
                }
            }
        }
    }

    /** Leave for a request; empty if it is not to be sent now. */
    synchronized Optional<Pass> enter() {
        if (position == Position.CLOSED) {
            return Optional.of(new Pass(false));
        }
        if (position == Position.HALF_OPEN || clock.instant().isBefore(until)) {
            return Optional.empty();
        }
        position = Position.HALF_OPEN;
        return Optional.of(new Pass(true));
    }

    /**
     * Leave for a request that is to be sent whatever is known. Its answer closes the breaker; an outage that it meets counts for nothing, or who looks
     * often would keep it open.
     */
    synchronized Pass enterAnyway() {
        return new Pass(false) {
            @Override
            void failed(boolean timedOut) {
                withdrawn();
            }
        };
    }

    /** How long until a request may be sent: a second at least, also while a probe is under way. */
    synchronized Duration untilProbe() {
        Duration left = Duration.between(clock.instant(), until);
        return left.compareTo(Duration.ofSeconds(1)) < 0 ? Duration.ofSeconds(1) : left;
    }

    private void close() {
        position = Position.CLOSED;
        pause = FIRST;
        outages = 0;
        answers++;
    }

    private void outage(Pass pass, boolean timedOut) {
        if (pass.isProbe()) {
            pause = pause.multipliedBy(2).compareTo(LONGEST) > 0 ? LONGEST : pause.multipliedBy(2);
            open();
        } else if (position == Position.CLOSED) {
            if (pass.sentIn == round) {
                round++;
                outages++;
            }
            if (outages >= OUTAGES || timedOut && pass.answersBefore == answers) {
                open();
            }
        }
    }

    private void open() {
        opened += position == Position.CLOSED ? 1 : 0;
        position = Position.OPEN;
        until = clock.instant().plus(pause);
        outages = 0;
    }

    /** Whether a request would not be sent now. */
    synchronized boolean refuses() {
        return position == Position.HALF_OPEN
                || position == Position.OPEN && clock.instant().isBefore(until);
    }

    /** How it stands. */
    synchronized BreakerState state() {
        Optional<Instant> next = position == Position.OPEN ? Optional.of(until) : Optional.empty();
        return new BreakerState(position, next, opened);
    }
}
