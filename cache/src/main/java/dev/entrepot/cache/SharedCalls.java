package dev.entrepot.cache;

import dev.entrepot.oci.OutageException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Calls that several clients wait for and that belong to none of them: the first to ask for a key starts the call on a thread of its own, all
 * who ask while it runs get the same outcome, and a client that leaves ends nothing. Nothing is remembered after the call. Thread-safe.
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

    private final ConcurrentHashMap<K, CompletableFuture<V>> running = new ConcurrentHashMap<>();
    private final Executor executor;
    private final Duration patience;

    /** Runs the work on {@code executor}; each caller waits at most {@code patience}. */
    SharedCalls(Executor executor, Duration patience) {
        this.executor = executor;
        this.patience = patience;
    }

    /** Starts or joins the call for {@code key}. Throws what the work throws, to every caller alike. */
    Outcome<V> call(K key, Work<V> work) throws IOException {
        Call<V> call = startOrJoin(key, work);
        return new Outcome<>(await(call.future, patience).orElseThrow(() -> tooLong(key)), call.joined);
    }

    /** As {@link #call(Object, Work)}, but waits no longer than {@code bound}: then it is empty, and the call goes on. */
    Optional<Outcome<V>> call(K key, Work<V> work, Duration bound) throws IOException {
        Call<V> call = startOrJoin(key, work);
        return await(call.future, bound).map(value -> new Outcome<>(value, call.joined));
    }

    /** Starts the call for {@code key}, unless it runs, and waits for nothing. */
    void begin(K key, Work<V> work) {
        startOrJoin(key, work);
    }

    /** A call under way. */
    private record Call<V>(CompletableFuture<V> future, boolean joined) {}

    private Call<V> startOrJoin(K key, Work<V> work) {
        CompletableFuture<V> mine = new CompletableFuture<>();
        CompletableFuture<V> other = running.putIfAbsent(key, mine);
        if (other != null) {
            return new Call<>(other, true);
        }
        start(key, mine, work);
        return new Call<>(mine, false);
    }

    private OutageException tooLong(K key) {
        return new OutageException(
                OutageException.Reason.TIMEOUT, "no answer within " + patience.toSeconds() + " s: " + key);
    }

    private void start(K key, CompletableFuture<V> future, Work<V> work) {
        try {
            executor.execute(() -> run(key, future, work));
        } catch (RuntimeException e) {
            running.remove(key, future);
            future.completeExceptionally(e);
        }
    }

    // The key is freed before the outcome is published: who asks after an outcome was seen starts anew.
    private void run(K key, CompletableFuture<V> future, Work<V> work) {
        try {
            V value = work.run();
            running.remove(key, future);
            future.complete(value);
        } catch (Throwable e) {
            running.remove(key, future);
            future.completeExceptionally(e);
        }
    }

    private static <V> Optional<V> await(CompletableFuture<V> future, Duration bound) throws IOException {
        try {
            return Optional.of(future.get(bound.toMillis(), TimeUnit.MILLISECONDS));
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
