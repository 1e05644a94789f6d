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
import java.util.function.Consumer;

/** The circuit breakers of one registry, one for each class of requests; or none at all. Safe for all threads. */
final class Breakers {
    private final SteadyClock clock;
    private final Map<OperationClass, CircuitBreaker> breakers = new EnumMap<>(OperationClass.class);
    /** What the last outage of each kind was, which is what opened a breaker that is open. */
    private final Map<OperationClass, Reason> last = new ConcurrentHashMap<>();

    /**
     * Closed breakers.
     *
     * @param on whether there are any
     */
    Breakers(SteadyClock clock, boolean on) {
        this.clock = clock;
        if (on) {
            for (OperationClass kind : OperationClass.values()) {
                breakers.put(kind, new CircuitBreaker(clock));
            }
        }
    }

    /** A request on its way past its breaker, if it has one. */
    static final class Passage {
        private final Optional<CircuitBreaker.Pass> pass;
        private final Consumer<Reason> outages;

        private Passage(Optional<CircuitBreaker.Pass> pass, Consumer<Reason> outages) {
            this.pass = pass;
            this.outages = outages;
        }

        boolean isProbe() {
            return pass.filter(CircuitBreaker.Pass::isProbe).isPresent();
        }

        /** The request was answered. */
        void answered() {
            pass.ifPresent(CircuitBreaker.Pass::answered);
        }

        /** The request failed. What was not sent, or failed at the token service, says nothing of the registry. */
        void failed(OutageException outage) {
            boolean brokenOff = Thread.currentThread().isInterrupted();
            switch (outage.reason()) {
                case UNREACHABLE, TIMEOUT, DNS, TLS, SERVER_ERROR -> {
                    // An answer of 408 is quick; a time-out on the wire has a cause.
                    boolean timedOut = outage.reason() == Reason.TIMEOUT && outage.getCause() != null;
                    pass.filter(p -> !brokenOff).ifPresent(p -> {
                        outages.accept(outage.reason());
                        p.failed(timedOut);
                    });
                }
                case RATE_LIMITED, QUOTA, TOKEN_SERVICE, NOT_ASKED -> {}
            }
        }

        /** Nothing more is known of the request. */
        void ended() {
            pass.ifPresent(CircuitBreaker.Pass::withdrawn);
        }
    }

    /**
     * Lets a request pass.
     *
     * @throws OutageException at once, with {@link Reason#NOT_ASKED}, if the registry is out
     */
    Passage enter(ApiRequest request) throws OutageException {
        Optional<OperationClass> kind = OperationClass.of(request.operation());
        Optional<CircuitBreaker> breaker = kind.flatMap(known -> Optional.ofNullable(breakers.get(known)));
        if (breaker.isEmpty()) {
            return new Passage(Optional.empty(), outage -> {});
        }
        if (request.operation() == Operation.PING) {
            // Somebody wants to know, now.
            return new Passage(Optional.of(breaker.get().enterAnyway()), outage -> {});
        }
        String about = request.repository().map(Breakers::name).orElse(CircuitBreaker.NOBODY);
        Optional<CircuitBreaker.Pass> pass = breaker.get().enter(about);
        if (pass.isEmpty()) {
            throw out(
                    request.what() + ": " + request.host(),
                    kind.get(),
                    breaker.get().untilProbe(about));
        }
        return new Passage(pass, outage -> last.put(kind.get(), outage));
    }

    /** How a request of a kind would be refused now, if it would be. */
    Optional<OutageException> refusal(OperationClass kind, Repository repository) {
        return Optional.ofNullable(breakers.get(kind))
                .filter(breaker -> breaker.refuses(name(repository)))
                .map(breaker ->
                        out("asking for " + repository + ": the registry", kind, breaker.untilProbe(name(repository))));
    }

    private static String name(Repository repository) {
        return repository.name().value();
    }

    private OutageException out(String who, OperationClass kind, Duration wait) {
        return OutageException.notAsked(
                last.getOrDefault(kind, Reason.NOT_ASKED),
                who + " is not asked after its last outages; again at "
                        + clock.onWall(clock.instant().plus(wait)).truncatedTo(ChronoUnit.SECONDS),
                wait);
    }

    /** How they stand, with times of the wall clock. */
    Map<OperationClass, BreakerState> states() {
        Map<OperationClass, BreakerState> states = new EnumMap<>(OperationClass.class);
        breakers.forEach((kind, breaker) -> {
            BreakerState state = breaker.state();
            states.put(kind, new BreakerState(state.position(), state.until().map(clock::onWall), state.opened()));
        });
        return states;
    }
}
