package dev.entrepot.oci.client;

import dev.entrepot.oci.Causes;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.OutageException.Reason;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;

/**
 * The same request sent once or twice, each on a thread of its own, until one is answered well. Whoever is still under
 * way at the end is cut: an interrupt ends a virtual thread's wait for a socket and closes it. One thread runs the
 * race.
 */
final class HedgeRace implements AutoCloseable {
    private static final int MOST = 2;

    private final Exchange exchange;
    private final ApiRequest request;
    private final ThreadFactory factory;
    // With room for all from the start: who waits is told also when there is no memory for anything.
    private final BlockingQueue<Outcome> outcomes = new ArrayBlockingQueue<>(MOST);
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

        /** Nobody could say what. */
        record Lost(int runner) implements Outcome {}

        /** Whether it says anything of the content. */
        default boolean isGood() {
            return this instanceof Answer(int runner, ApiResponse response)
                    && !StatusErrors.isOutage(response.status());
        }
    }

    HedgeRace(Exchange exchange, ApiRequest request, ThreadFactory factory) {
        this.exchange = exchange;
        this.request = request;
        this.factory = factory;
    }

    /** Sends the request, twice at most; false if there is no thread for it now, and nothing was sent. */
    boolean start() {
        int runner = threads.size();
        try {
            // Made before anything is sent, for want of memory afterwards.
            Outcome lost = new Outcome.Lost(runner);
            Thread thread = factory.newThread(Causes.handedOn(() -> run(runner, lost)));
            thread.setName("request " + runner);
            threads.add(thread);
            thread.start();
            return true;
        } catch (RejectedExecutionException | OutOfMemoryError e) {
            return false;
        }
    }

    private void run(int runner, Outcome lost) {
        Outcome outcome = lost;
        try {
            outcome = sent(runner);
        } finally {
            // Whatever it is: somebody waits for it.
            if (!offer(outcome)) {
                drop(outcome);
            }
        }
    }

    private Outcome sent(int runner) {
        ApiResponse response;
        try {
            response = exchange.send(request);
        } catch (Throwable e) {
            return new Outcome.Failure(runner, e);
        }
        try {
            return new Outcome.Answer(runner, response);
        } catch (Error e) {
            response.close();
            throw e;
        }
    }

    private synchronized boolean offer(Outcome outcome) {
        return !over && outcomes.offer(outcome);
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
            case Outcome.Lost(int runner) ->
                throw new OutageException(
                        Reason.NOT_ASKED, request.what() + ": there was no memory for what became of it");
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
