package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Meter;
import dev.entrepot.oci.Pace;
import java.io.InterruptedIOException;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class LiftablePaceTest {
    private final CountDownLatch held = new CountDownLatch(1);
    private final CountDownLatch free = new CountDownLatch(1);
    private final AtomicLong taken = new AtomicLong();

    /** Holds back until it is let go, and then no more. */
    private final Meter meter = new Meter() {
        @Override
        public void take(long units) throws InterruptedIOException {
            held.countDown();
            try {
                free.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new InterruptedIOException("interrupted while held back");
            }
            taken.addAndGet(units);
        }

        @Override
        public void count(long units) {
            taken.addAndGet(units);
        }
    };

    private final AtomicBoolean hurried = new AtomicBoolean();
    private final LiftablePace pace = new LiftablePace(new Pace(Meter.NONE, meter), hurried::get);

    private CompletableFuture<Boolean> fetching() throws InterruptedException {
        CompletableFuture<Boolean> interrupted = new CompletableFuture<>();
        Thread.ofVirtual().start(() -> {
            try {
                pace.pace().bytes().take(7);
                interrupted.complete(Thread.interrupted());
            } catch (InterruptedIOException e) {
                interrupted.completeExceptionally(e);
            }
        });
        held.await();
        return interrupted;
    }

    @Test
    void clientThatComesEndsTheWaitAndLeavesNoInterrupt() throws Exception {
        CompletableFuture<Boolean> interrupted = fetching();
        pace.lift();
        assertThat(interrupted.get(20, TimeUnit.SECONDS)).isFalse();
        assertThat(taken.get()).isZero();
    }

    @Test
    void whatComesWhileAClientWaitsCountsForNobody() throws Exception {
        pace.lift();
        pace.pace().bytes().take(7);
        pace.pace().bytes().count(7);
        assertThat(held.getCount()).isEqualTo(1);
        assertThat(taken.get()).isZero();
    }

    @Test
    void itHoldsAgainWhenTheLastClientHasLeft() throws Exception {
        free.countDown();
        pace.lift();
        pace.lift();
        pace.restore();
        pace.pace().bytes().take(7);
        assertThat(taken.get()).isZero();
        pace.restore();
        pace.pace().bytes().take(7);
        assertThat(taken.get()).isEqualTo(7);
    }

    @Test
    void whoHasNoLimitEndsTheWaitAndWhatComesCountsForNobodyUntilHeHasLeft() throws Exception {
        CompletableFuture<Boolean> interrupted = fetching();
        Runnable left = pace.liftFor(Optional.empty());
        assertThat(interrupted.get(20, TimeUnit.SECONDS)).isFalse();
        pace.pace().bytes().take(5);
        pace.pace().bytes().count(3);
        pace.pace().bytes().settle();
        assertThat(taken.get()).isZero();
        left.run();
        pace.pace().bytes().count(3);
        assertThat(taken.get()).isEqualTo(3);
    }

    @Test
    void whatTheOtherHasALimitForCounts() {
        pace.liftFor(Optional.of(new Pace(Meter.NONE, meter)));
        pace.pace().bytes().count(3);
        assertThat(taken.get()).isEqualTo(3);
    }

    @Test
    void onlyWhatTheOtherHasNoLimitForIsLifted() throws Exception {
        CompletableFuture<Boolean> interrupted = fetching();
        pace.liftFor(Optional.of(new Pace(Meter.NONE, meter)));
        assertThat(pace.holdsBytes()).isTrue();
        assertThat(interrupted).isNotDone();
        pace.liftFor(Optional.of(new Pace(meter, Meter.NONE)));
        assertThat(pace.holdsBytes()).isFalse();
        assertThat(interrupted.get(20, TimeUnit.SECONDS)).isFalse();
    }

    @Test
    void itHoldsAgainWhenWhoHasNoLimitHasLeft() throws Exception {
        Runnable left = pace.liftFor(Optional.of(Pace.FREE));
        assertThat(pace.pace().bytes().account()).isSameAs(Meter.NONE);
        left.run();
        left.run();
        assertThat(pace.pace().bytes().account()).isSameAs(meter);
        CompletableFuture<Boolean> interrupted = fetching();
        assertThat(interrupted).isNotDone();
        free.countDown();
        assertThat(interrupted.get(20, TimeUnit.SECONDS)).isFalse();
        assertThat(taken.get()).isEqualTo(7);
    }

    // The client that comes both has the upstream asked anew and lifts the pace, by one interrupt or two.
    @Test
    void interruptThatAsksAnewIsObeyedThoughTheWaitEndsToo() throws Exception {
        CompletableFuture<Boolean> interrupted = fetching();
        hurried.set(true);
        pace.lift();
        assertThatThrownBy(() -> interrupted.get(20, TimeUnit.SECONDS))
                .hasCauseInstanceOf(InterruptedIOException.class);
    }

    @Test
    void interruptOfAnotherIsObeyed() {
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> pace.pace().bytes().take(7)).isInstanceOf(InterruptedIOException.class);
        assertThat(Thread.interrupted()).isTrue();
    }
}
