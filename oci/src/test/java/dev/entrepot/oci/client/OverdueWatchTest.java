package dev.entrepot.oci.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class OverdueWatchTest {
    private static final Duration SHORT = Duration.ofMillis(20);

    private final OverdueWatch watch = new OverdueWatch(SHORT);

    private void awaitLooks() throws InterruptedException {
        CountDownLatch looks = new CountDownLatch(3);
        OverdueWatch.Watched one = looks::countDown;
        watch.add(one);
        assertThat(looks.await(10, TimeUnit.SECONDS)).isTrue();
        watch.remove(one);
    }

    @Test
    void headThatDoesNotComeIsCutOnce() throws InterruptedException {
        CountDownLatch cut = new CountDownLatch(1);
        AtomicInteger times = new AtomicInteger();
        HeadBound bound = new HeadBound(watch, SHORT, () -> {
            times.incrementAndGet();
            cut.countDown();
        });

        assertThat(cut.await(10, TimeUnit.SECONDS)).isTrue();
        awaitLooks();

        assertThat(bound.hasFired()).isTrue();
        assertThat(times).hasValue(1);
    }

    @Test
    void whatIsClosedIsNotCutAndOthersAre() throws InterruptedException {
        List<HeadBound> closed = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            closed.add(new HeadBound(watch, SHORT, () -> {}));
        }
        closed.forEach(HeadBound::close);
        CountDownLatch cut = new CountDownLatch(1);
        HeadBound open = new HeadBound(watch, SHORT, cut::countDown);

        assertThat(cut.await(10, TimeUnit.SECONDS)).isTrue();

        assertThat(open.hasFired()).isTrue();
        assertThat(closed).noneMatch(HeadBound::hasFired);
    }

    @Test
    void looksAgainAfterThereWasNothingToLookAt() throws InterruptedException {
        for (int i = 0; i < 3; i++) {
            CountDownLatch cut = new CountDownLatch(1);
            new HeadBound(watch, SHORT, cut::countDown);
            assertThat(cut.await(10, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void peerThatTakesNothingIsCutAndOneThatWaitsForTheSourceIsNot() throws InterruptedException {
        CountDownLatch cut = new CountDownLatch(1);
        StallGuard stalled = new StallGuard(watch, SHORT, cut::countDown);
        StallGuard waiting = new StallGuard(watch, SHORT, () -> {});
        waiting.beforeWrite();
        waiting.afterWrite();
        stalled.beforeWrite();

        assertThat(cut.await(10, TimeUnit.SECONDS)).isTrue();
        awaitLooks();

        assertThat(stalled.hasFired()).isTrue();
        assertThat(waiting.hasFired()).isFalse();
        waiting.close();
    }

    @Test
    void looksAgainAfterThereWasNoThreadForIt() throws InterruptedException {
        AtomicInteger threads = new AtomicInteger();
        // None for the first look, and none for the first cut.
        OverdueWatch scarce = new OverdueWatch(SHORT, task -> {
            int count = threads.incrementAndGet();
            if (count == 1 || count == 3) {
                throw new OutOfMemoryError("unable to create native thread");
            }
            return Thread.ofVirtual().unstarted(task);
        });
        CountDownLatch cut = new CountDownLatch(1);
        assertThatThrownBy(() -> new HeadBound(scarce, SHORT, () -> {})).isInstanceOf(OutOfMemoryError.class);

        HeadBound next = new HeadBound(scarce, SHORT, cut::countDown);

        assertThat(cut.await(10, TimeUnit.SECONDS)).isTrue();
        assertThat(next.hasFired()).isTrue();
    }
}
