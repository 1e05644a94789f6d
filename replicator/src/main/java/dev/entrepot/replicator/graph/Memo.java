package dev.entrepot.replicator.graph;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;

/**
 * Answers to questions, each asked once: who asks first finds out, all others wait for the same outcome, also if it is
 * a failure. Lives for one run. An answer costs its key and itself; a future only while it is being found out, and for
 * failures. The wait is bounded by the bounds of the question itself. Safe for all threads.
 */
public final class Memo<K, V> {
    private final ConcurrentHashMap<K, V> answers = new ConcurrentHashMap<>();
    private final ConcurrentHashMap<K, CompletableFuture<V>> open = new ConcurrentHashMap<>();
    private final IoFunction<? super K, ? extends V> question;

    /** Of the answers to this question. */
    public Memo(IoFunction<? super K, ? extends V> question) {
        this.question = question;
    }

    /**
     * The answer for {@code key}.
     *
     * @throws IOException if finding out failed, now or before
     * @throws InterruptedIOException if interrupted while another thread finds out
     */
    public V get(K key) throws IOException {
        return get(key, question);
    }

    /** As {@link #get(Object)}, with a question of the caller's; it is asked only if there is no answer yet. */
    public V get(K key, IoFunction<? super K, ? extends V> ask) throws IOException {
        V known = answers.get(key);
        return known != null ? known : find(key, ask);
    }

    private V find(K key, IoFunction<? super K, ? extends V> ask) throws IOException {
        CompletableFuture<V> mine = new CompletableFuture<>();
        CompletableFuture<V> earlier = open.putIfAbsent(key, mine);
        if (earlier != null) {
            return await(earlier);
        }
        try {
            // Another thread may have found it out after this one had looked and before it took the question.
            V known = answers.get(key);
            V value = known != null ? known : ask.apply(key);
            answers.put(key, value);
            mine.complete(value);
            open.remove(key, mine);
            return value;
        } catch (IOException | RuntimeException | Error e) {
            mine.completeExceptionally(e);
            throw e;
        }
    }

    private static <V> V await(CompletableFuture<V> future) throws IOException {
        try {
            return future.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while waiting for an answer that another thread asked for");
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case IOException cause -> throw cause;
                case RuntimeException cause -> throw cause;
                case Error cause -> throw cause;
                case null, default -> throw new IOException(e);
            }
        }
    }
}
