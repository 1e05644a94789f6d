package dev.entrepot.cache;

import dev.entrepot.oci.OutageException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
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
        CompletableFuture<V> mine = new CompletableFuture<>();
        CompletableFuture<V> running = this.running.putIfAbsent(key, mine);
        if (running != null) {
            return new Outcome<>(await(key, running), true);
        }
        start(key, mine, work);
        return new Outcome<>(await(key, mine), false);
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

    private V await(K key, CompletableFuture<V> future) throws IOException {
        try {
            return future.get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case IOException io -> throw io;
                case RuntimeException runtime -> throw runtime;
                case Error error -> throw error;
                case null, default -> throw new IllegalStateException(e.getCause());
            }
        } catch (TimeoutException e) {
            throw new OutageException(
                    OutageException.Reason.TIMEOUT, "no answer within " + patience.toSeconds() + " s: " + key);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while waiting for a shared call");
        }
    }
}
