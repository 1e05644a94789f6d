package dev.entrepot.oci.client;

import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.OutageException.Reason;
import dev.entrepot.oci.Repository;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** The circuit breakers of one registry, one for each class of requests; or none at all. Safe for all threads. */
final class Breakers {
    private final SteadyClock clock;
    private final Map<OperationClass, Guard> guards = new EnumMap<>(OperationClass.class);
    /** What the last outage of each kind was, which is what opened a breaker that is open. */
    private final Map<OperationClass, Last> last = new ConcurrentHashMap<>();

    /** What stands before the requests of one kind. */
    private record Guard(OperationClass kind, CircuitBreaker breaker, OutageLog log) {}

    /**
     * An outage.
     *
     * @param words how it shows; with the host, if that is another than was asked
     */
    private record Last(Reason reason, String words) {}

    /** None. */
    Breakers(SteadyClock clock) {
        this.clock = clock;
    }

    /**
     * Closed breakers.
     *
     * @param registry whose they are, for people
     * @param meanwhile what becomes of what is asked for as long as it is out, for people
     */
    Breakers(String registry, String meanwhile, SteadyClock clock) {
        this(clock);
        for (OperationClass kind : OperationClass.values()) {
            CircuitBreaker breaker = new CircuitBreaker(clock);
            guards.put(kind, new Guard(kind, breaker, new OutageLog(registry, kind, meanwhile, clock, breaker)));
        }
    }

    /** A request on its way past its breaker, if it has one. */
    final class Passage {
        private final ApiRequest request;
        private final Optional<Guard> guard;
        private final Optional<CircuitBreaker.Pass> pass;

        private Passage(ApiRequest request, Optional<Guard> guard, Optional<CircuitBreaker.Pass> pass) {
            this.request = request;
            this.guard = guard;
            this.pass = pass;
        }

        boolean isProbe() {
            return pass.filter(CircuitBreaker.Pass::isProbe).isPresent();
        }

        /** The request was answered. */
        void answered() {
            pass.ifPresent(CircuitBreaker.Pass::answered);
            guard.ifPresent(known -> known.log().answered());
        }

        /** The request failed. What was not sent, or failed at the token service, says nothing of the registry. */
        void failed(OutageException outage) {
            boolean brokenOff = Thread.currentThread().isInterrupted();
            switch (outage.reason()) {
                case UNREACHABLE, TIMEOUT, DNS, TLS, SERVER_ERROR -> {
                    // An answer of 408 is quick; a time-out on the wire has a cause.
                    boolean timedOut = outage.reason() == Reason.TIMEOUT && outage.getCause() != null;
                    if (!brokenOff) {
                        String why = without(request.what() + ": ", String.valueOf(outage.getMessage()));
                        // What is asked because somebody wants to know now opens nothing.
                        guard.filter(_ -> request.operation() != Operation.PING)
                                .ifPresent(known -> last.put(
                                        known.kind(), new Last(outage.reason(), without(request.host() + " ", why))));
                        pass.ifPresent(known -> known.failed(timedOut));
                        guard.ifPresent(known -> known.log().failed(why));
                    }
                }
                case QUOTA -> {
                    // A registry that counts pulls, and says so, is back.
                    if (outage.isAnswer()) {
                        answered();
                    }
                }
                case RATE_LIMITED, TOKEN_SERVICE, NOT_ASKED -> {}
            }
        }

        /** Nothing more is known of the request. */
        void ended() {
            pass.ifPresent(CircuitBreaker.Pass::withdrawn);
        }
    }

    // All that fails begins with what was asked for, and of whom: who asks for something else need not be told.
    private static String without(String beginning, String message) {
        return message.startsWith(beginning) ? message.substring(beginning.length()) : message;
    }

    /**
     * Lets a request pass.
     *
     * @throws OutageException at once, with {@link Reason#NOT_ASKED}, if the registry is out
     */
    Passage enter(ApiRequest request) throws OutageException {
        Optional<Guard> guard = OperationClass.of(request.operation()).flatMap(this::guard);
        if (guard.isEmpty()) {
            return new Passage(request, guard, Optional.empty());
        }
        CircuitBreaker breaker = guard.get().breaker();
        if (request.operation() == Operation.PING) {
            // Somebody wants to know, now.
            return new Passage(request, guard, Optional.of(breaker.enterAnyway()));
        }
        String about = request.repository().map(Breakers::name).orElse(CircuitBreaker.NOBODY);
        Optional<CircuitBreaker.Pass> pass = breaker.enter(about);
        if (pass.isEmpty()) {
            throw out(request.what() + ": " + request.host(), guard.get().kind(), breaker.untilProbe(about));
        }
        return new Passage(request, guard, pass);
    }

    private Optional<Guard> guard(OperationClass kind) {
        return Optional.ofNullable(guards.get(kind));
    }

    /** How a request of a kind would be refused now, if it would be. */
    Optional<OutageException> refusal(OperationClass kind, Repository repository) {
        return guard(kind)
                .map(Guard::breaker)
                .filter(breaker -> breaker.refuses(name(repository)))
                .map(breaker ->
                        out("asking for " + repository + ": the registry", kind, breaker.untilProbe(name(repository))));
    }

    private static String name(Repository repository) {
        return repository.name().value();
    }

    private OutageException out(String who, OperationClass kind, Duration wait) {
        Optional<Last> known = Optional.ofNullable(last.get(kind));
        return OutageException.notAsked(
                known.map(Last::reason).orElse(Reason.NOT_ASKED),
                who + " is not asked after its last outages"
                        + known.map(outage -> " (" + outage.words() + ")").orElse("") + "; again at "
                        + clock.onWall(clock.instant().plus(wait)).truncatedTo(ChronoUnit.SECONDS),
                wait);
    }

    /** How many times one of them has opened and closed again. */
    long outagesOver() {
        return guards.values().stream()
                .map(guard -> guard.breaker().state())
                .mapToLong(state -> state.opened() - (state.position() == BreakerState.Position.CLOSED ? 0 : 1))
                .sum();
    }

    /** How they stand, with times of the wall clock. */
    Map<OperationClass, BreakerState> states() {
        Map<OperationClass, BreakerState> states = new EnumMap<>(OperationClass.class);
        guards.forEach((kind, guard) -> {
            BreakerState state = guard.breaker().state();
            Optional<String> failure = Optional.ofNullable(last.get(kind))
                    .filter(_ -> state.position() != BreakerState.Position.CLOSED)
                    .map(Last::words);
            states.put(
                    kind,
                    new BreakerState(state.position(), state.until().map(clock::onWall), state.opened(), failure));
        });
        return states;
    }
}
