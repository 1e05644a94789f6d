package dev.entrepot.replicator.graph;

import dev.entrepot.oci.Causes;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;

/**
 * Runs tasks side by side, each on a virtual thread of its own, and waits for all of them. Requests are not limited
 * here: what needs a limit takes a permit for the one request it makes. A task that fails does not cut the others
 * short, because others may share their results.
 */
public final class Concurrently {
    private Concurrently() {}

    /**
     * Applies the function to all items at the same time and returns the results in the order of the items. For a few
     * items; of many, each has a thread that waits: see {@link #map(Collection, int, IoFunction)}.
     *
     * @throws IOException the failure of the first item, in their order, that failed; those of others are suppressed in
     *     it
     * @throws InterruptedIOException if the calling thread is interrupted; the tasks are then interrupted too
     */
    public static <A, B> List<B> map(Collection<A> items, IoFunction<? super A, ? extends B> function)
            throws IOException {
        return map(items, Math.max(1, items.size()), function);
    }

    /**
     * Applies the function to each item, to so many at once, begun in their order, and returns the results in that
     * order. What waits for its turn has no thread yet, and what has ended has none any more, so that many items cost
     * little.
     *
     * @param atOnce at least 1
     * @throws IOException the failure of the first item, in their order, that failed; those of others are suppressed in
     *     it
     * @throws InterruptedIOException if the calling thread is interrupted; the tasks are then interrupted too, and no
     *     more are begun
     */
    public static <A, B> List<B> map(Collection<A> items, int atOnce, IoFunction<? super A, ? extends B> function)
            throws IOException {
        if (items.size() == 1) {
            List<B> single = new ArrayList<>(1);
            single.add(function.apply(items.iterator().next()));
            return single;
        }
        Semaphore turns = new Semaphore(atOnce);
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            // Not the executor's own futures: those hold on to their threads.
            List<CompletableFuture<B>> futures = new ArrayList<>(items.size());
            // One wait for all of them, where each of theirs would be a wait of its own.
            CountDownLatch ended = new CountDownLatch(items.size());
            try {
                for (A item : items) {
                    turns.acquire();
                    CompletableFuture<B> future = new CompletableFuture<>();
                    futures.add(future);
                    threads.execute(Causes.handedOn(() -> {
                        run(item, function, future);
                        turns.release();
                        ended.countDown();
                    }));
                }
                ended.await();
                return collect(futures);
            } catch (InterruptedException e) {
                threads.shutdownNow();
                Thread.currentThread().interrupt();
                throw new InterruptedIOException("interrupted while waiting for " + items.size() + " tasks");
            }
        }
    }

    private static <A, B> void run(A item, IoFunction<? super A, ? extends B> function, CompletableFuture<B> future) {
        try {
            future.complete(function.apply(item));
        } catch (Throwable e) {
            future.completeExceptionally(e);
        }
    }

    private static <B> List<B> collect(List<CompletableFuture<B>> futures) throws IOException, InterruptedException {
        List<B> results = new ArrayList<>(futures.size());
        List<Throwable> failures = new ArrayList<>();
        for (CompletableFuture<B> future : futures) {
            try {
                results.add(future.get());
            } catch (ExecutionException e) {
                failures.add(e.getCause() == null ? e : e.getCause());
            }
        }
        if (failures.isEmpty()) {
            return results;
        }
        throw rethrow(failures);
    }

    private static IOException rethrow(List<Throwable> failures) {
        Throwable first = failures.getFirst();
        failures.stream().skip(1).limit(8).filter(other -> other != first).forEach(first::addSuppressed);
        return switch (first) {
            case IOException e -> e;
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            default -> new IOException(first);
        };
    }
}
