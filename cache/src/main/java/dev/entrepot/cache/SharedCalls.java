package dev.entrepot.cache;

import dev.entrepot.oci.Cause;
import dev.entrepot.oci.Causes;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.Pace;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;

/**
 * Calls that several clients wait for and that belong to none of them: the first to ask for a key starts the call on a
 * thread of its own, all who ask while it runs get the same outcome, and a client that leaves ends nothing. Nothing is
 * remembered after the call. A call keeps to the {@link Pace} of the first to ask, until somebody joins who has no
 * limit. Thread-safe.
 *
 * @param <K> what is asked for
 * @param <V> the outcome
 */
final class SharedCalls<K, V> {
    /** An outcome, and whether this caller only joined. */
    record Outcome<V>(V value, boolean joined) {}

    /** Work that may fail as registries and disks do. */
    interface Work<V> {
        V run() throws IOException;
    }

    private final ConcurrentHashMap<K, Running<V>> running = new ConcurrentHashMap<>();
    private final Executor executor;
    private final Duration patience;
    private final LongSupplier nanoTime;

    /** Runs the work on {@code executor}; each caller waits at most {@code patience}. */
    SharedCalls(Executor executor, Duration patience) {
        this(executor, patience, System::nanoTime);
    }

    /** As above; {@code nanoTime} says for how long a call has been running. */
    SharedCalls(Executor executor, Duration patience, LongSupplier nanoTime) {
        this.executor = executor;
        this.patience = patience;
        this.nanoTime = nanoTime;
    }

    /** Starts or joins the call for {@code key}. Throws what the work throws, to every caller alike. */
    Outcome<V> call(K key, Work<V> work) throws IOException {
        Call<V> call = startOrJoin(key, work);
        return new Outcome<>(await(call.future, patience).orElseThrow(() -> tooLong(key)), call.joined);
    }

    /**
     * As {@link #call(Object, Work)}, but waits only as long as {@code patience} says: then it is empty, and the call
     * goes on. Asked again each time that it said is up.
     */
    Optional<Outcome<V>> call(K key, Work<V> work, Patience patience) throws IOException {
        Call<V> call = startOrJoin(key, work);
        UnderWay underWay = new UnderWay(call.startNanos, call.future);
        while (true) {
            Duration left = patience.left(underWay);
            Optional<V> value = await(call.future, left);
            if (value.isPresent() || !left.isPositive()) {
                return value.map(found -> new Outcome<>(found, call.joined));
            }
        }
    }

    /** For how long somebody waits for a call. */
    @FunctionalInterface
    interface Patience {
        /** How much longer; zero or less if no longer. */
        Duration left(UnderWay call);
    }

    /**
     * A call that has been begun.
     *
     * @param startNanos when, by {@link #nanoTime()}
     */
    record UnderWay(long startNanos, Future<?> outcome) {
        /** Whether it has ended since. */
        boolean isEnded() {
            return outcome.isDone();
        }
    }

    /** The time by which calls begin. */
    long nanoTime() {
        return nanoTime.getAsLong();
    }

    /** Starts the call for {@code key}, unless it runs, and waits for nothing. */
    void begin(K key, Work<V> work) {
        startOrJoin(key, work);
    }

    /** A call under way. */
    private record Call<V>(CompletableFuture<V> future, long startNanos, boolean joined) {}

    private record Running<V>(
            CompletableFuture<V> future, long startNanos, Optional<Cause> cause, Optional<LiftablePace> pace) {
        Running(long startNanos) {
            this(
                    new CompletableFuture<>(),
                    startNanos,
                    Causes.current(),
                    Pace.current().map(pace -> new LiftablePace(pace, () -> false)));
        }

        // Who has no limit is not held back because another has one.
        void joined() {
            Optional<Cause> joining = Causes.current();
            if (joining.isPresent() && cause.isPresent()) {
                joining.get().joins(cause.get());
            }
            pace.ifPresent(held -> held.liftFor(Pace.current()));
        }

        V run(Work<V> work) throws IOException {
            return pace.isEmpty() ? work.run() : pace.get().pace().<V, IOException>call(work::run);
        }
    }

    private Call<V> startOrJoin(K key, Work<V> work) {
        Running<V> mine = new Running<>(nanoTime.getAsLong());
        Running<V> other = running.putIfAbsent(key, mine);
        if (other != null) {
            other.joined();
            return new Call<>(other.future, other.startNanos, true);
        }
        start(key, mine, work);
        return new Call<>(mine.future, mine.startNanos, false);
    }

    private OutageException tooLong(K key) {
        String message = "no answer within " + patience.toSeconds() + " s about " + key;
        return new OutageException(OutageException.Reason.TIMEOUT, message, new TimeoutException(message));
    }

    private void start(K key, Running<V> call, Work<V> work) {
        try {
            executor.execute(Causes.handedOn(() -> run(key, call, work)));
        } catch (RuntimeException | Error e) {
            // Also for want of memory for a thread: else nobody had an answer until a restart.
            running.remove(key, call);
            call.future.completeExceptionally(e);
        }
    }

    // The key is freed before the outcome is published: who asks after an outcome was seen starts anew.
    private void run(K key, Running<V> call, Work<V> work) {
        try {
            V value = call.run(work);
            running.remove(key, call);
            call.future.complete(value);
        } catch (Throwable e) {
            running.remove(key, call);
            call.future.completeExceptionally(e);
        }
    }

    private static <V> Optional<V> await(CompletableFuture<V> future, Duration bound) throws IOException {
        if (!bound.isPositive() && !future.isDone()) {
            // As when time is up, but without the exception, which is dear where each request comes by here.
            return Optional.empty();
        }
        try {
            return Optional.of(future.get(Math.max(1, bound.toMillis()), TimeUnit.MILLISECONDS));
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case IOException io -> throw io;
                case RuntimeException runtime -> throw runtime;
                case Error error -> throw error;
                case null, default -> throw new IllegalStateException(e.getCause());
            }
        } catch (TimeoutException e) {
            return Optional.empty();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while waiting for a shared call");
        }
    }
}
