package dev.entrepot.oci.client;

import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.OutageException.Reason;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.Repository;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * Runs a request and the reading of its answer as one repeatable thing: up to three attempts when the connection
 * breaks, on 502, 503 and 504, and, for background work only, on 429 after the time that the registry asks for. Where
 * there is another place to ask, only a connection that broke is worth a second attempt, since it may have been an old
 * one that the registry had closed.
 */
final class Calls {
    private static final int MAX_ATTEMPTS = 3;
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(60);
    private static final Duration LONGEST_INTERACTIVE_WAIT = Duration.ofSeconds(1);

    private final Exchange exchange;
    private final StatusErrors errors;
    private final Breakers breakers;
    private final Sightings sightings;
    private final boolean repeats;
    private final ClientEnvironment environment;
    /** Requests that have failed and are to be sent again, and how they failed last. By identity: two may be equal. */
    private final ConcurrentHashMap<Object, Repeated> repeated = new ConcurrentHashMap<>();

    private record Repeated(ApiRequest request, OutageException outage) {}

    /**
     * Over an exchange.
     *
     * @param repeats whether what the registry refuses for the moment is asked for again
     */
    Calls(
            Exchange exchange,
            StatusErrors errors,
            Breakers breakers,
            Sightings sightings,
            boolean repeats,
            ClientEnvironment environment) {
        this.exchange = exchange;
        this.errors = errors;
        this.breakers = breakers;
        this.sightings = sightings;
        this.repeats = repeats;
        this.environment = environment;
    }

    /**
     * The same, to a server of this program, of which messages of failures hand on what it says
     * ({@link StatusErrors#ofServer}).
     */
    Calls ofServer() {
        return new Calls(exchange, errors.ofServer(), breakers, sightings, repeats, environment);
    }

    /** Makes something of an answer that is not an outage. */
    @FunctionalInterface
    interface Reader<T> {
        /** Reads the answer. */
        T read(ApiResponse response) throws IOException;
    }

    StatusErrors errors() {
        return errors;
    }

    /** How requests of a kind about a repository fail at present, as far as is known. */
    Optional<OutageException> outage(OperationClass kind, Repository repository) {
        return repeating(request ->
                        request.repository().filter(repository::equals).isPresent()
                                && OperationClass.of(request.operation()).equals(Optional.of(kind)))
                .or(() -> breakers.refusal(kind, repository));
    }

    /** How one of these requests has failed that is being repeated. */
    Optional<OutageException> repeating(Predicate<ApiRequest> which) {
        return repeated.values().stream()
                .filter(failed -> which.test(failed.request))
                .map(Repeated::outage)
                .findFirst();
    }

    /** Sends the request and reads the answer, which is closed afterwards. */
    <T> T call(ApiRequest request, Reader<T> reader) throws IOException {
        return open(request, response -> {
            try (response) {
                T result = reader.read(response);
                response.discard();
                return result;
            }
        });
    }

    /**
     * Sends the request and reads the answer, which the reader keeps open or closes; it is closed if the reader throws.
     * What the source of the request's body throws is thrown as it is, and says nothing of the registry.
     */
    <T> T open(ApiRequest request, Reader<T> reader) throws IOException {
        Breakers.Passage passage = breakers.enter(request);
        try {
            return attempts(passage.isProbe() ? request.asProbe() : request, reader, passage);
        } catch (SourceFault e) {
            throw e.cause();
        } catch (OutageException e) {
            passage.failed(e);
            sightings.met(e);
            throw e;
        } catch (RegistryException e) {
            passage.answered();
            sightings.answered();
            throw e;
        } finally {
            passage.ended();
        }
    }

    private <T> T attempts(ApiRequest request, Reader<T> reader, Breakers.Passage passage) throws IOException {
        Object key = new Object();
        try {
            return attempts(request, reader, passage, outage -> repeated.put(key, new Repeated(request, outage)));
        } finally {
            repeated.remove(key);
        }
    }

    private <T> T attempts(
            ApiRequest request, Reader<T> reader, Breakers.Passage passage, Consumer<OutageException> repeating)
            throws IOException {
        for (int attempt = 1; ; attempt++) {
            Optional<Duration> pause;
            OutageException outage;
            try (Attempt once = new Attempt(exchange.send(request))) {
                ApiResponse response = once.response;
                if (!StatusErrors.isOutageOfAll(response.status())) {
                    T result = reader.read(response);
                    once.keep();
                    if (!response.isDoubted()) {
                        passage.answered();
                        sightings.answered();
                    }
                    return result;
                }
                if (response.status() == 429) {
                    passage.answered();
                }
                outage = errors.outage(response);
                pause = pauseAfterStatus(request, response.status(), outage, attempt);
                response.discard();
            } catch (OutageException e) {
                outage = e;
                pause = WireFaults.isBroken(e) ? Optional.of(backoff(attempt)) : Optional.empty();
            }
            if (pause.isEmpty()
                    || !request.repeatable()
                    || attempt >= MAX_ATTEMPTS
                    || Thread.currentThread().isInterrupted()) {
                throw outage;
            }
            repeating.accept(outage);
            sleep(outage, pause.get());
        }
    }

    private static final class Attempt implements AutoCloseable {
        private final ApiResponse response;
        private boolean kept;

        Attempt(ApiResponse response) {
            this.response = response;
        }

        void keep() {
            kept = true;
        }

        @Override
        public void close() {
            if (!kept) {
                response.close();
            }
        }
    }

    private Optional<Duration> pauseAfterStatus(ApiRequest request, int status, OutageException outage, int attempt) {
        boolean interactive = request.priority() == Priority.INTERACTIVE;
        boolean transientStatus = status == 502 || status == 503 || status == 504;
        if (!repeats || !transientStatus && (status != 429 || interactive)) {
            return Optional.empty();
        }
        Duration longest = interactive ? LONGEST_INTERACTIVE_WAIT : LONGEST_WAIT;
        Duration fallback = status == 429 ? backoff(attempt).multipliedBy(10) : backoff(attempt);
        return Optional.of(outage.retryAfter().map(this::jittered).orElse(fallback))
                .filter(pause -> pause.compareTo(longest.multipliedBy(5).dividedBy(4)) <= 0);
    }

    // Never before the time asked for, at most a quarter later.
    private Duration jittered(Duration asked) {
        return asked.plusMillis((long) (asked.toMillis() * environment.random().nextDouble() / 4));
    }

    // 50 to 150 ms, then twice that, and so on.
    private Duration backoff(int attempt) {
        double factor = 0.5 + environment.random().nextDouble();
        return Duration.ofMillis((long) (100 * factor * (1 << attempt - 1)));
    }

    /**
     * How much time is to pass before a failed upload goes on: about 1, 2, 4 seconds, or as long as the registry asks
     * for.
     *
     * @param failures how often it has failed in a row, at least 1
     * @throws OutageException the outage itself, if it is not to be waited for, or if the thread is interrupted
     */
    Duration pauseAfter(OutageException outage, Priority priority, int failures) throws OutageException {
        Duration pause = outage.retryAfter()
                .map(this::jittered)
                .orElseGet(() -> backoff(failures).multipliedBy(10));
        boolean rateLimited = outage.reason() == Reason.RATE_LIMITED && priority == Priority.INTERACTIVE;
        if (rateLimited
                || pause.compareTo(LONGEST_WAIT.multipliedBy(5).dividedBy(4)) > 0
                || Thread.currentThread().isInterrupted()) {
            throw outage;
        }
        return pause;
    }

    /**
     * Lets time pass after an outage.
     *
     * @throws OutageException the outage itself, if the thread is interrupted, which it then still is
     */
    void sleep(OutageException outage, Duration pause) throws OutageException {
        try {
            environment.sleeper().sleep(pause);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw outage;
        }
    }
}
