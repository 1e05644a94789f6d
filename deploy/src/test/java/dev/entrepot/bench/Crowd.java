package dev.entrepot.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Many clients at once.
 *
 * @param pulls every answer
 * @param nanos from the common start to the last byte of the last client
 */
record Crowd(List<Pull> pulls, long nanos) {
    /**
     * Connects {@code clients} clients, lets them start at one moment, and waits until each has asked for the path
     * {@code times} times, one after another on its connection. Platform threads, because a native read holds its
     * thread.
     *
     * @throws java.util.concurrent.ExecutionException if any of them did not get its answer
     */
    static Crowd pull(Place place, int clients, int times, String path) throws Exception {
        CountDownLatch connected = new CountDownLatch(clients);
        CountDownLatch start = new CountDownLatch(1);
        Callable<List<Pull>> client = () -> {
            try (PullConnection connection = connect(place, connected)) {
                start.await();
                List<Pull> pulls = new ArrayList<>();
                for (int i = 0; i < times; i++) {
                    pulls.add(connection.get(path));
                }
                return pulls;
            }
        };
        try (ExecutorService threads = Executors.newFixedThreadPool(clients)) {
            List<Future<List<Pull>>> running = new ArrayList<>();
            for (int i = 0; i < clients; i++) {
                running.add(threads.submit(client));
            }
            connected.await();
            long from = System.nanoTime();
            start.countDown();
            List<Pull> pulls = new ArrayList<>();
            for (Future<List<Pull>> one : running) {
                pulls.addAll(one.get());
            }
            return new Crowd(pulls, System.nanoTime() - from);
        }
    }

    private static PullConnection connect(Place place, CountDownLatch connected) throws IOException {
        try {
            return PullConnection.open(place);
        } finally {
            connected.countDown();
        }
    }

    /** Bytes of all bodies. */
    long bytes() {
        return pulls.stream().mapToLong(Pull::bytes).sum();
    }

    /** Seconds from the start to the end of the last. */
    double seconds() {
        return nanos / 1e9;
    }

    /** Million bytes per second, of all together. */
    double megabytesPerSecond() {
        return bytes() / 1e6 / seconds();
    }
}
