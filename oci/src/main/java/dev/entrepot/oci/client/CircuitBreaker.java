package dev.entrepot.oci.client;

import dev.entrepot.oci.client.BreakerState.Position;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Has requests of one kind to one registry fail at once while it is out. Opens after five outages in a row, or after
 * one time-out in which nothing else was answered; requests that were under way together and fail together are one
 * outage. Then one request at a time is let through as a probe, after 10 s, 20 s and so on up to two minutes. Any
 * answer closes it. Safe for all threads.
 *
 * <p>What opened it may be one repository that is out, not the registry: a proxy's project whose own upstream hangs. So
 * a request for a repository that has met no outage since its last answer need not wait: up to four of these are let
 * through at a time, each of another repository and as long as any request may take, whatever others do. After ten
 * seconds without an answer such a one keeps nobody back any more; after four that failed the next go in ten seconds.
 *
 * <p>Times are those of a clock that never goes back ({@link SteadyClock}).
 */
final class CircuitBreaker {
    private static final int OUTAGES = 5;
    /** What requests are about that concern no repository. */
    static final String NOBODY = "";

    private static final Duration FIRST = Duration.ofSeconds(10);
    private static final Duration LONGEST = Duration.ofMinutes(2);
    private static final int MOST_SUSPECTS = 1000;
    private static final int MOST_UNSUSPECTED = 4;

    private final Clock clock;
    private Position position = Position.CLOSED;
    private Instant until = Instant.MIN;
    private Duration pause = FIRST;
    private int outages;
    /** When the first request was sent that has failed since the last answer. */
    private Optional<Instant> failingSince = Optional.empty();

    private long round;
    private long answers;
    private long opened;
    /** About whom requests have met an outage and no answer since, the latest last. */
    private final Set<String> suspects = new LinkedHashSet<>();

    /** Those that show whether it was ever out, by what they are about. */
    private final Map<String, Pass> unsuspected = new HashMap<>();

    private int unsuspectedFailures;
    private Instant nextUnsuspected = Instant.MIN;

    CircuitBreaker(Clock clock) {
        this.clock = clock;
    }

    /** What a request that is let through shows. */
    private enum Kind {
        /** It is one of many. */
        ORDINARY,
        /** Whether the registry is back. */
        PROBE,
        /** Whether it was ever out. */
        UNSUSPECTED
    }

    /** Leave to send a request, whose outcome is told once, by one of the three methods. */
    class Pass {
        private final Kind kind;
        private final String about;
        private final long sentIn;
        private final long answersBefore;
        private final Instant sentAt;
        private boolean told;

        private Pass(Kind kind, String about) {
            this.kind = kind;
            this.about = about;
            this.sentIn = round;
            this.answersBefore = answers;
            this.sentAt = clock.instant();
        }

        /** Whether the request is the one that shows whether the registry is back, and should show that soon. */
        boolean isProbe() {
            return kind == Kind.PROBE;
        }

        /** It was answered, whatever the answer. */
        void answered() {
            tell(() -> {
                suspects.remove(about);
                close();
            });
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
                unsuspected.remove(about, this);
                if (kind == Kind.PROBE && position == Position.HALF_OPEN) {
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

    /**
     * Leave for a request; empty if it is not to be sent now.
     *
     * @param about the repository; {@link #NOBODY} if it is about none
     */
    synchronized Optional<Pass> enter(String about) {
        if (position == Position.CLOSED) {
            return Optional.of(new Pass(Kind.ORDINARY, about));
        }
        Instant now = clock.instant();
        if (mayShowThatItWasNeverOut(about, now)) {
            Pass pass = new Pass(Kind.UNSUSPECTED, about);
            unsuspected.put(about, pass);
            return Optional.of(pass);
        }
        if (position == Position.HALF_OPEN || now.isBefore(until)) {
            return Optional.empty();
        }
        position = Position.HALF_OPEN;
        return Optional.of(new Pass(Kind.PROBE, about));
    }

    private boolean mayShowThatItWasNeverOut(String about, Instant now) {
        return !suspects.contains(about)
                && !unsuspected.containsKey(about)
                && !now.isBefore(nextUnsuspected)
                && unsuspected.values().stream()
                                .filter(pass -> now.isBefore(pass.sentAt.plus(FIRST)))
                                .count()
                        < MOST_UNSUSPECTED;
    }

    /**
     * Leave for a request that is to be sent whatever is known. Its answer closes the breaker; an outage that it meets
     * counts for nothing, or who looks often would keep it open.
     */
    synchronized Pass enterAnyway() {
        return new Pass(Kind.ORDINARY, NOBODY) {
            @Override
            void failed(boolean timedOut) {
                withdrawn();
            }
        };
    }

    /** How long until a request about a repository may be sent: a second at least, also while a probe is under way. */
    synchronized Duration untilProbe(String about) {
        Instant then = suspects.contains(about) || until.isBefore(nextUnsuspected) ? until : nextUnsuspected;
        Instant now = clock.instant();
        Instant soonest = now.plusSeconds(1);
        return Duration.between(now, then.isBefore(soonest) ? soonest : then);
    }

    private void close() {
        position = Position.CLOSED;
        pause = FIRST;
        outages = 0;
        failingSince = Optional.empty();
        answers++;
        unsuspected.clear();
        unsuspectedFailures = 0;
        nextUnsuspected = Instant.MIN;
    }

    private void outage(Pass pass, boolean timedOut) {
        suspect(pass.about);
        failingSince(pass);
        switch (pass.kind) {
            case PROBE -> {
                if (pass.answersBefore != answers) {
                    count(pass, timedOut); // others have been answered since it was sent: it proves nothing more
                    return;
                }
                pause = pause.multipliedBy(2).compareTo(LONGEST) > 0 ? LONGEST : pause.multipliedBy(2);
                open();
            }
            case UNSUSPECTED -> {
                unsuspected.remove(pass.about, pass);
                if (position != Position.CLOSED && ++unsuspectedFailures == MOST_UNSUSPECTED) {
                    unsuspectedFailures = 0;
                    nextUnsuspected = clock.instant().plus(FIRST);
                }
            }
            case ORDINARY -> count(pass, timedOut);
        }
    }

    // A request that waits in vain shows an outage only at its end. Of one beside which others were answered it is not
    // known when its own began.
    private void failingSince(Pass pass) {
        Instant from = pass.answersBefore == answers ? pass.sentAt : clock.instant();
        failingSince = Optional.of(failingSince.filter(from::isAfter).orElse(from));
    }

    private void count(Pass pass, boolean timedOut) {
        if (position != Position.CLOSED) {
            return;
        }
        if (pass.sentIn == round) {
            round++;
            outages++;
        }
        if (outages >= OUTAGES || timedOut && pass.answersBefore == answers) {
            open();
        }
    }

    // Who is pushed out of a list so long becomes a probe once more, in his turn.
    private void suspect(String about) {
        suspects.remove(about);
        if (suspects.size() >= MOST_SUSPECTS) {
            suspects.remove(suspects.iterator().next());
        }
        suspects.add(about);
    }

    private void open() {
        opened += position == Position.CLOSED ? 1 : 0;
        position = Position.OPEN;
        until = clock.instant().plus(pause);
        outages = 0;
    }

    /** Whether a request about a repository would not be sent now. */
    synchronized boolean refuses(String about) {
        Instant now = clock.instant();
        boolean notYet = position == Position.HALF_OPEN || position == Position.OPEN && now.isBefore(until);
        return notYet && !mayShowThatItWasNeverOut(about, now);
    }

    /** When the first request was sent that has met an outage since the last answer; empty if none has. */
    synchronized Optional<Instant> failingSince() {
        return failingSince;
    }

    /** How it stands. */
    synchronized BreakerState state() {
        boolean waits = position == Position.OPEN && clock.instant().isBefore(until);
        Optional<Instant> next = waits ? Optional.of(until) : Optional.empty();
        return new BreakerState(position, next, opened);
    }
}
