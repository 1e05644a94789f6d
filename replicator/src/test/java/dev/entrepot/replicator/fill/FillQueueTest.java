package dev.entrepot.replicator.fill;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.net.SocketTimeoutException;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class FillQueueTest {
    private final BlockingQueue<FillReport> done = new LinkedBlockingQueue<>();
    private final Semaphore begun = new Semaphore(0);
    private final Semaphore allowed = new Semaphore(0);

    // Nothing is found in these repositories, but only when the test allows it.
    private final GraphFiller filler = new GraphFiller(repository -> {
        begun.release();
        allowed.acquireUninterruptibly();
        throw new IllegalArgumentException("no upstream");
    });

    private static FillRequest request(int number) {
        return new FillRequest(Repository.parse("registry.test/app"), new Tag("v" + number), List.of(), true);
    }

    private FillReport next() throws InterruptedException {
        FillReport report = done.poll(10, TimeUnit.SECONDS);
        assertThat(report).isNotNull();
        return report;
    }

    @Test
    void graphsAreFilledInTheOrderOfAskingAndEachOnceWhileItWaits() throws InterruptedException {
        try (FillQueue queue = new FillQueue(filler, 1, 10, done::add)) {
            assertThat(queue.offer(request(1))).isEqualTo(FillQueue.Offer.ACCEPTED);
            begun.acquire();
            assertThat(queue.offer(request(2))).isEqualTo(FillQueue.Offer.ACCEPTED);
            assertThat(queue.offer(request(3))).isEqualTo(FillQueue.Offer.ACCEPTED);
            assertThat(queue.offer(request(2))).isEqualTo(FillQueue.Offer.WAITING);
            assertThat(queue.waiting()).isEqualTo(2);
            allowed.release(3);
            assertThat(List.of(next().request(), next().request(), next().request()))
                    .containsExactly(request(1), request(2), request(3));
            assertThat(done).isEmpty();
        }
    }

    @Test
    void whatIsBeingFilledIsFilledAgainIfAskedForMeanwhile() throws InterruptedException {
        try (FillQueue queue = new FillQueue(filler, 2, 10, done::add)) {
            queue.offer(request(1));
            begun.acquire();
            assertThat(queue.offer(request(1))).isEqualTo(FillQueue.Offer.ACCEPTED);
            allowed.release(2);
            assertThat(List.of(next().request(), next().request())).containsExactly(request(1), request(1));
        }
    }

    @Test
    void whatDoesNotFitIsDropped() throws InterruptedException {
        try (FillQueue queue = new FillQueue(filler, 1, 1, done::add)) {
            queue.offer(request(1));
            begun.acquire();
            assertThat(queue.offer(request(2))).isEqualTo(FillQueue.Offer.ACCEPTED);
            assertThat(queue.offer(request(3))).isEqualTo(FillQueue.Offer.DROPPED);
            allowed.release(2);
            assertThat(next().request()).isEqualTo(request(1));
            assertThat(next().request()).isEqualTo(request(2));
        }
    }

    @Test
    void errorOfOneGraphEndsNoWorker() throws InterruptedException {
        AtomicBoolean first = new AtomicBoolean(true);
        Consumer<FillReport> listener = report -> {
            if (first.getAndSet(false)) {
                throw new NoClassDefFoundError("broken");
            }
            done.add(report);
        };
        allowed.release(2);
        try (FillQueue queue = new FillQueue(filler, 1, 10, listener)) {
            queue.offer(request(1));
            queue.offer(request(2));
            assertThat(next().request()).isEqualTo(request(2));
        }
    }

    @Test
    void whatWasInterruptedElsewhereEndsNoWorker() throws InterruptedException {
        GraphFiller timesOut = new GraphFiller(repository -> {
            begun.release();
            allowed.acquireUninterruptibly();
            throw FillQueueTest.<RuntimeException>unchecked(new SocketTimeoutException("by somebody else"));
        });
        try (FillQueue queue = new FillQueue(timesOut, 1, 10, done::add)) {
            queue.offer(request(1));
            queue.offer(request(2));
            allowed.release(2);
            begun.acquire(2);
        }
    }

    @SuppressWarnings("unchecked")
    private static <E extends Exception> E unchecked(Exception e) throws E {
        throw (E) e;
    }

    @Test
    void closingBreaksOffWhatRunsAndDropsWhatWaits() throws InterruptedException {
        CountDownLatch interrupted = new CountDownLatch(1);
        GraphFiller stuck = new GraphFiller(repository -> {
            begun.release();
            try {
                new CountDownLatch(1).await();
            } catch (InterruptedException e) {
                interrupted.countDown();
                Thread.currentThread().interrupt();
            }
            throw new IllegalArgumentException("no upstream");
        });
        FillQueue queue = new FillQueue(stuck, 1, 10, done::add);
        queue.offer(request(1));
        queue.offer(request(2));
        begun.acquire();
        queue.close();
        assertThat(interrupted.getCount()).isZero();
        assertThat(queue.waiting()).isZero();
        assertThat(done).extracting(FillReport::request).doesNotContain(request(2));
        assertThat(queue.offer(request(3))).isEqualTo(FillQueue.Offer.DROPPED);
    }
}
