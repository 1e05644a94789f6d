package dev.entrepot.oci.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URI;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.hc.core5.http.message.BasicClassicHttpResponse;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** That a race ends, and leaves nothing open, also where the machine has nothing left for it. */
class HedgeRaceTest {
    private static final ApiRequest REQUEST = ApiRequest.of(
            Operation.RESOLVE,
            "asking",
            "HEAD",
            URI.create("http://registry.test/v2/a/manifests/1"),
            Priority.INTERACTIVE);

    private final AtomicInteger open = new AtomicInteger();
    private final AtomicInteger asked = new AtomicInteger();
    private final AtomicLong nanos = new AtomicLong();

    private ApiResponse answer(ApiRequest request) throws IOException {
        ApiResponse response = new ApiResponse(request, new BasicClassicHttpResponse(200), () -> {});
        open.incrementAndGet();
        asked.incrementAndGet();
        response.onEnd(open::decrementAndGet);
        return response;
    }

    /** No thread from this one on, from 0. */
    private static ThreadFactory scarce(int none) {
        AtomicInteger made = new AtomicInteger();
        return task -> made.getAndIncrement() < none
                ? Thread.ofVirtual().unstarted(task)
                : new Thread(task) {
                    @Override
                    public void start() {
                        throw new RejectedExecutionException("no thread");
                    }
                };
    }

    private HedgedExchange warm(Exchange exchange, ThreadFactory threads) throws IOException {
        HedgedExchange hedged = new HedgedExchange(exchange, request -> false, () -> true, nanos::get, threads);
        for (int i = 0; i < 20; i++) {
            hedged.send(REQUEST).close();
        }
        return hedged;
    }

    @Test
    @Timeout(20)
    void requestThatThereIsNoThreadForIsSentByWhoWaits() throws IOException {
        HedgedExchange hedged = warm(this::answer, scarce(0));

        try (ApiResponse response = hedged.send(REQUEST)) {
            assertThat(response.status()).isEqualTo(200);
        }
        assertThat(hedged.state()).isEqualTo(new HedgeState(0, 0));
        assertThat(asked).hasValue(21);
        assertThat(open).hasValue(0);
    }

    @Test
    @Timeout(20)
    void firstIsWaitedForWhereThereIsNoThreadForTheSecond() throws Exception {
        CountDownLatch secondRefused = new CountDownLatch(1);
        AtomicInteger sent = new AtomicInteger();
        ThreadFactory one = scarce(1);
        HedgedExchange hedged = warm(
                request -> {
                    if (sent.incrementAndGet() > 20) {
                        await(secondRefused);
                    }
                    return answer(request);
                },
                task -> {
                    if (sent.get() > 20) {
                        secondRefused.countDown();
                    }
                    return one.newThread(task);
                });

        try (ApiResponse response = hedged.send(REQUEST)) {
            assertThat(response.status()).isEqualTo(200);
        }
        assertThat(hedged.state()).isEqualTo(new HedgeState(0, 0));
        assertThat(open).hasValue(0);
    }

    @Test
    @Timeout(20)
    void errorIsThrownByWhoWaits() throws IOException {
        OutOfMemoryError none = new OutOfMemoryError("nothing left");
        try (HedgeRace race = new HedgeRace(
                request -> {
                    throw none;
                },
                REQUEST,
                Thread.ofVirtual().factory())) {
            assertThat(race.start()).isTrue();
            assertThatThrownBy(() -> race.take(race.next())).isSameAs(none);
        }
    }

    @Test
    @Timeout(20)
    void answerThatNobodyTakesIsClosed() throws IOException, InterruptedException {
        CountDownLatch done = new CountDownLatch(1);
        CountDownLatch over = new CountDownLatch(1);
        HedgeRace race = new HedgeRace(
                request -> {
                    await(over);
                    return answer(request);
                },
                REQUEST,
                task -> Thread.ofVirtual().unstarted(() -> {
                    task.run();
                    done.countDown();
                }));
        race.start();
        race.close();
        over.countDown();
        done.await();
        assertThat(open).hasValue(0);
    }

    private static void await(CountDownLatch latch) {
        boolean interrupted = false;
        while (true) {
            try {
                latch.await();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
