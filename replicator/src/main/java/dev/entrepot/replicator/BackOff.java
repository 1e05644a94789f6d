package dev.entrepot.replicator;

import dev.entrepot.oci.OutageException;
import java.time.Duration;
import java.time.Instant;

/**
 * When a host may be asked again for something, for all runs of this process: each has its own {@link View} of it.
 * Requests that were on their way together and fail together are one outage, however many they are and of whichever
 * run. Safe for all threads.
 */
final class BackOff {
    private final String what;
    private final RetryPolicy policy;
    private final Time time;
    private long outages;
    private long outagesAtAnswer;
    private Instant notBefore = Instant.MIN;
    private long closures;
    private Instant closedAt = Instant.MIN;
    private Instant closedUntil = Instant.MIN;
    private String closedBy = "";

    /**
     * Nothing is held back.
     *
     * @param what what is asked for, with a space before it, or nothing if it is everything
     */
    BackOff(String what, RetryPolicy policy, Time time) {
        this.what = what;
        this.policy = policy;
        this.time = time;
    }

    /** What a run that begins now sees. */
    synchronized View view() {
        return new View(outages, closures);
    }

    /**
     * What one run sees: it waits as all others do, and gives up by the outages since it began. What the host asked for
     * before that it heeds for no longer than the longest pause: then one run finds out whether it is still so.
     */
    final class View {
        private final long outagesBefore;
        private final long closuresBefore;

        private View(long outagesBefore, long closuresBefore) {
            this.outagesBefore = outagesBefore;
            this.closuresBefore = closuresBefore;
        }

        /** A number that changes with each outage. */
        long round() {
            synchronized (BackOff.this) {
                return outages;
            }
        }

        /**
         * Whether a request that has failed is not worth repeating: what counts is how often the host has failed in a
         * row, whoever asked.
         */
        boolean isOut() {
            synchronized (BackOff.this) {
                return failures() >= policy.attempts()
                        || opens().isAfter(time.clock().instant());
            }
        }

        /**
         * How long to wait before asking; not positive if it may be asked now.
         *
         * @param host the host's name, for the message
         * @throws OutageException if it is given up for this run
         */
        Duration untilTurn(String host) throws OutageException {
            synchronized (BackOff.this) {
                if (failures() >= policy.giveUpAfter()) {
                    throw new OutageException(
                            OutageException.Reason.NOT_ASKED,
                            host + " is not asked again" + what + " in this run after " + failures()
                                    + " outages in a row");
                }
                Instant now = time.clock().instant();
                Instant opens = opens();
                if (now.isBefore(opens)) {
                    throw OutageException.notAsked(
                            OutageException.Reason.RATE_LIMITED,
                            host + " asked to be left alone until " + closedUntil + what
                                    + ", and is given up for this run: " + closedBy,
                            Duration.between(now, opens));
                }
                return now.isBefore(notBefore) ? Duration.between(now, notBefore) : Duration.ZERO;
            }
        }

        /** The host answered. */
        void answered() {
            synchronized (BackOff.this) {
                outagesAtAnswer = outages;
            }
        }

        /**
         * Takes note of an outage, and makes all requests wait.
         *
         * @param sentIn the {@link #round()} when what met it was sent
         * @return whether nobody has told of it before
         */
        boolean failed(OutageException outage, long sentIn) {
            synchronized (BackOff.this) {
                boolean news = sentIn == outages && outage.reason() != OutageException.Reason.NOT_ASKED;
                Duration pause = outage.retryAfter().orElse(Duration.ZERO);
                if (news) {
                    outages++;
                    pause = outage.retryAfter().orElseGet(() -> spread(policy.pause(failures())));
                }
                holdBack(pause, outage);
                return news;
            }
        }

        /**
         * The host asked for a pause, and whoever it refused takes care of the rest: it waits and tries again, or is an
         * outage that is told of then.
         */
        void hold(Duration pause) {
            synchronized (BackOff.this) {
                if (pause.compareTo(policy.longest()) <= 0) {
                    waitUntil(time.clock().instant().plus(pause));
                }
            }
        }

        private int failures() {
            return Math.toIntExact(outages - Math.max(outagesAtAnswer, outagesBefore));
        }

        private Instant opens() {
            boolean old = closures == closuresBefore && closures > 0;
            Instant bound = old ? closedAt.plus(policy.longest()) : Instant.MAX;
            return closedUntil.isBefore(bound) ? closedUntil : bound;
        }
    }

    private void holdBack(Duration pause, OutageException outage) {
        Instant until = time.clock().instant().plus(pause);
        boolean named = outage.retryAfter().isPresent();
        if (named && pause.compareTo(policy.longest()) > 0) {
            if (until.isAfter(closedUntil)) {
                closures++;
                closedAt = time.clock().instant();
                closedUntil = until;
                closedBy = String.valueOf(outage.getMessage());
            }
        } else {
            waitUntil(until);
        }
    }

    private void waitUntil(Instant until) {
        if (until.isAfter(notBefore)) {
            notBefore = until;
        }
    }

    private Duration spread(Duration pause) {
        return pause.multipliedBy(750 + time.random().nextInt(501)).dividedBy(1000);
    }
}
