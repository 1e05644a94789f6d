package dev.entrepot.oci.client;

import dev.entrepot.oci.Causes;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.OutageException.Reason;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * The same request sent once or twice, each on a thread of its own, until one is answered well. Whoever is still under
 * way at the end is cut: an interrupt ends a virtual thread's wait for a socket and closes it. One thread runs the
 * race.
 */
final class HedgeRace implements AutoCloseable {
    private final Exchange exchange;
    private final ApiRequest request;
    private final BlockingQueue<Outcome> outcomes = new LinkedBlockingQueue<>();
    private final List<Thread> threads = new ArrayList<>();
    private Optional<Outcome> kept = Optional.empty();
    private boolean over;

    /** What came of one sending. */
    sealed interface Outcome {
        /** Which one it was, from 0. */
        int runner();

        /** An answer, whatever its status. */
        record Answer(int runner, ApiResponse response) implements Outcome {}

        /** None. */
        record Failure(int runner, Throwable cause) implements Outcome {}

        /** Whether it says anything of the content. */
        default boolean isGood() {
            return this instanceof Answer(int runner, ApiResponse response)
                    && !StatusErrors.isOutage(response.status());
        }
    }

    HedgeRace(Exchange exchange, ApiRequest request) {
        this.exchange = exchange;
        this.request = request;
    }

    /** Sends the request. */
    void start() {
        int runner = threads.size();
        threads.add(Thread.ofVirtual().name("request " + runner).start(Causes.handedOn(() -> run(runner))));
    }

    private void run(int runner) {
        try {
            ApiResponse response = exchange.send(request);
            if (!offer(new Outcome.Answer(runner, response))) {
                response.close();
            }
        } catch (Throwable e) {
            // Whatever it is: somebody waits for it.
            offer(new Outcome.Failure(runner, e));
        }
    }

    private synchronized boolean offer(Outcome outcome) {
        return !over && outcomes.add(outcome);
    }

    /** Waits for the next outcome for so many nanoseconds. */
    Optional<Outcome> next(long nanos) throws OutageException {
        try {
            return Optional.ofNullable(outcomes.poll(nanos, TimeUnit.NANOSECONDS));
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    /** Waits for the next outcome; each sending has bounds of its own. */
    Outcome next() throws OutageException {
        try {
            return outcomes.take();
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    private OutageException interrupted(InterruptedException e) {
        Thread.currentThread().interrupt();
        return new OutageException(Reason.NOT_ASKED, request.what() + ": interrupted while waiting for the answer", e);
    }

    /** The answer of an outcome, which is not closed with the race; or its failure is thrown. */
    ApiResponse take(Outcome outcome) throws IOException {
        kept = Optional.of(outcome);
        switch (outcome) {
            case Outcome.Answer(int runner, ApiResponse response) -> {
                return response;
            }
            case Outcome.Failure(int runner, Throwable cause) -> {
                if (cause instanceof IOException failure) {
                    throw failure;
                }
                if (cause instanceof Error error) {
                    throw error;
                }
                throw cause instanceof RuntimeException defect ? defect : new IllegalStateException(cause);
            }
        }
    }

    /** Closes an answer that is not taken. */
    static void drop(Outcome outcome) {
        if (outcome instanceof Outcome.Answer(int runner, ApiResponse response)) {
            response.close();
        }
    }

    /** Ends what is still under way. */
    @Override
    public void close() {
        List<Outcome> late = new ArrayList<>();
        synchronized (this) {
            over = true;
            outcomes.drainTo(late);
        }
        late.forEach(HedgeRace::drop);
        int done = kept.map(Outcome::runner).orElse(-1);
        for (int i = 0; i < threads.size(); i++) {
            if (i != done) {
                threads.get(i).interrupt();
            }
        }
    }
}
