package dev.entrepot.oci.client;

import static dev.entrepot.oci.client.Priority.BACKGROUND;
import static dev.entrepot.oci.client.Priority.INTERACTIVE;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RequestLimiterTest {
    private final TestWorld world = new TestWorld();

    private static Optional<RequestLimiter.Permit> tryAcquire(RequestLimiter limiter, Priority priority)
            throws InterruptedException {
        return limiter.acquire(priority, Duration.ZERO);
    }

    private static List<RequestLimiter.Permit> takeAll(RequestLimiter limiter, Priority priority)
            throws InterruptedException {
        List<RequestLimiter.Permit> taken = new ArrayList<>();
        for (Optional<RequestLimiter.Permit> one = tryAcquire(limiter, priority);
                one.isPresent();
                one = tryAcquire(limiter, priority)) {
            taken.add(one.get());
        }
        return taken;
    }

    private static Optional<RequestLimiter.Permit> tryAcquirePaced(RequestLimiter limiter, Object account)
            throws InterruptedException {
        return limiter.acquirePaced(account, Duration.ZERO, () -> 0);
    }

    private static List<RequestLimiter.Permit> takeAllPaced(RequestLimiter limiter, Object account)
            throws InterruptedException {
        List<RequestLimiter.Permit> taken = new ArrayList<>();
        for (Optional<RequestLimiter.Permit> one = tryAcquirePaced(limiter, account);
                one.isPresent();
                one = tryAcquirePaced(limiter, account)) {
            taken.add(one.get());
        }
        return taken;
    }

    private static void grow(RequestLimiter limiter) {
        for (int i = 0; i < 10_000; i++) {
            limiter.succeeded();
        }
    }

    /** A thread that waits for a slot, and is surely waiting when this returns. */
    private static CompletableFuture<RequestLimiter.Permit> waiter(RequestLimiter limiter, Priority priority) {
        return waiter(() -> limiter.acquire(priority, Duration.ofSeconds(30)));
    }

    private static CompletableFuture<RequestLimiter.Permit> waiter(Callable<Optional<RequestLimiter.Permit>> acquire) {
        CompletableFuture<RequestLimiter.Permit> result = new CompletableFuture<>();
        Thread thread = Thread.ofPlatform().daemon().start(() -> {
            try {
                result.complete(acquire.call().orElseThrow());
            } catch (Exception e) {
                result.completeExceptionally(e);
            }
        });
        while (thread.getState() != Thread.State.TIMED_WAITING) {
            Thread.onSpinWait();
        }
        return result;
    }

    @Test
    void interactiveRequestsMayTakeAllSlots() throws InterruptedException {
        assertThat(takeAll(new RequestLimiter(8, world), INTERACTIVE)).hasSize(8);
    }

    @ParameterizedTest
    @CsvSource({"1,1", "2,1", "4,3", "8,6", "32,24"})
    void backgroundRequestsNeverTakeTheLastQuarter(int slots, int background) throws InterruptedException {
        RequestLimiter limiter = new RequestLimiter(slots, world);
        grow(limiter);

        assertThat(takeAll(limiter, BACKGROUND)).hasSize(background);
        assertThat(takeAll(limiter, INTERACTIVE)).hasSize(slots - background);
    }

    @Test
    void backgroundRequestsMayTakeAllSlotsWhereNoClientIsServed() throws InterruptedException {
        RequestLimiter limiter = new RequestLimiter(32, false, world);
        grow(limiter);

        assertThat(takeAll(limiter, BACKGROUND)).hasSize(32);
    }

    @Test
    void backgroundRequestsStartWithFour() throws InterruptedException {
        RequestLimiter limiter = new RequestLimiter(32, world);

        assertThat(takeAll(limiter, BACKGROUND)).hasSize(4);
        assertThat(tryAcquire(limiter, INTERACTIVE)).isPresent();
    }

    @Test
    void aSlotIsGivenBackOnce() throws InterruptedException {
        RequestLimiter limiter = new RequestLimiter(1, world);
        RequestLimiter.Permit permit = tryAcquire(limiter, INTERACTIVE).orElseThrow();
        assertThat(tryAcquire(limiter, INTERACTIVE)).isEmpty();

        permit.close();
        permit.close();

        assertThat(takeAll(limiter, INTERACTIVE)).hasSize(1);
    }

    @Test
    void interactiveRequestsGoFirst() throws Exception {
        RequestLimiter limiter = new RequestLimiter(2, world);
        List<RequestLimiter.Permit> taken = takeAll(limiter, INTERACTIVE);
        CompletableFuture<RequestLimiter.Permit> background = waiter(limiter, BACKGROUND);
        CompletableFuture<RequestLimiter.Permit> interactive = waiter(limiter, INTERACTIVE);

        taken.get(0).close();
        RequestLimiter.Permit first = interactive.get(10, TimeUnit.SECONDS);
        assertThat(background).isNotDone();
        assertThat(tryAcquire(limiter, BACKGROUND)).isEmpty();

        first.close();
        assertThat(background.get(10, TimeUnit.SECONDS)).isNotNull();
    }

    @Test
    void backgroundRequestsWaitWhileAnInteractiveOneDoesAndGoOnWhenItGivesUp() throws Exception {
        RequestLimiter limiter = new RequestLimiter(2, world);
        List<RequestLimiter.Permit> taken = takeAll(limiter, INTERACTIVE);
        CompletableFuture<RequestLimiter.Permit> background = waiter(limiter, BACKGROUND);
        Thread.currentThread().interrupt();
        try {
            limiter.acquire(INTERACTIVE, Duration.ofSeconds(1));
        } catch (InterruptedException e) {
            assertThat(Thread.interrupted()).isFalse();
        }

        taken.forEach(RequestLimiter.Permit::close);

        assertThat(background.get(10, TimeUnit.SECONDS)).isNotNull();
    }

    @Test
    void growsWithEachSuccessUntilTheFirst429() {
        RequestLimiter limiter = new RequestLimiter(32, world);
        assertThat(limiter.window()).isEqualTo(4);
        limiter.succeeded();
        assertThat(limiter.window()).isEqualTo(5);
        limiter.succeeded();
        assertThat(limiter.window()).isEqualTo(6);
        grow(limiter);
        assertThat(limiter.window()).isEqualTo(24);
    }

    @Test
    void growsByOneAfterAWindowOfSuccessesOnceThereWasA429() {
        RequestLimiter limiter = new RequestLimiter(32, world);
        for (int i = 0; i < 4; i++) {
            limiter.succeeded();
        }
        limiter.throttled();
        assertThat(limiter.window()).isEqualTo(4);
        for (int i = 0; i < 3; i++) {
            limiter.succeeded();
        }
        assertThat(limiter.window()).isEqualTo(4);
        limiter.succeeded();
        assertThat(limiter.window()).isEqualTo(5);
        for (int i = 0; i < 5; i++) {
            limiter.succeeded();
        }
        assertThat(limiter.window()).isEqualTo(6);
        grow(limiter);
        assertThat(limiter.window()).isEqualTo(24);
    }

    @Test
    void halvesOn429ButNotTwiceWithinATenthOfASecond() {
        RequestLimiter limiter = new RequestLimiter(32, world);
        grow(limiter);

        limiter.throttled();
        assertThat(limiter.window()).isEqualTo(12);
        world.advance(Duration.ofMillis(99));
        limiter.throttled();
        assertThat(limiter.window()).isEqualTo(12);
        world.advance(Duration.ofMillis(1));
        limiter.throttled();
        assertThat(limiter.window()).isEqualTo(6);
    }

    @Test
    void neverFallsBelowOne() throws InterruptedException {
        RequestLimiter limiter = new RequestLimiter(32, world);
        for (int i = 0; i < 10; i++) {
            limiter.throttled();
            world.advance(Duration.ofSeconds(1));
        }

        assertThat(limiter.window()).isEqualTo(1);
        assertThat(takeAll(limiter, BACKGROUND)).hasSize(1);
    }

    @Test
    void aWiderWindowWakesWhoWaits() throws Exception {
        RequestLimiter limiter = new RequestLimiter(32, world);
        takeAll(limiter, BACKGROUND);
        CompletableFuture<RequestLimiter.Permit> waiting = waiter(limiter, BACKGROUND);

        for (int i = 0; i < 4; i++) {
            limiter.succeeded();
        }

        assertThat(waiting.get(10, TimeUnit.SECONDS)).isNotNull();
    }

    @Test
    void whatIsReadAtAPaceNeverKeepsTheRestOfTheBackgroundWaiting() throws InterruptedException {
        RequestLimiter limiter = new RequestLimiter(32, world);
        assertThat(takeAllPaced(limiter, "slow")).hasSize(4);
        assertThat(takeAll(limiter, BACKGROUND)).as("as many as ever").hasSize(4);

        RequestLimiter large = new RequestLimiter(32, world);
        grow(large);
        for (int rule = 0; rule < 100; rule++) {
            takeAllPaced(large, rule);
        }
        assertThat(takeAll(large, BACKGROUND))
                .as("a quarter of the background at least")
                .hasSize(6);
        assertThat(takeAll(large, INTERACTIVE)).hasSize(8);
    }

    @Test
    void restOfTheBackgroundMayHaveAllThatNobodyWantsAtAPace() throws InterruptedException {
        RequestLimiter limiter = new RequestLimiter(32, world);
        grow(limiter);
        List<RequestLimiter.Permit> all = takeAll(limiter, BACKGROUND);
        assertThat(all).hasSize(24);
        assertThat(tryAcquirePaced(limiter, "slow")).isEmpty();
        all.getFirst().close();
        assertThat(takeAllPaced(limiter, "slow")).hasSize(1);
    }

    @Test
    void whoeverHasAPaceHasAShareThoughOthersHaveTakenAllBefore() throws InterruptedException {
        RequestLimiter limiter = new RequestLimiter(32, world);
        grow(limiter);
        List<RequestLimiter.Permit> first = takeAllPaced(limiter, "first");
        assertThat(first).as("a quarter of the background").hasSize(6);
        assertThat(takeAllPaced(limiter, "second")).as("half of that").hasSize(3);
        assertThat(takeAllPaced(limiter, "third")).as("a third of that").hasSize(2);
        for (int rule = 4; rule <= 10; rule++) {
            assertThat(takeAllPaced(limiter, "rule " + rule)).hasSize(1);
        }
        assertThat(takeAllPaced(limiter, "too many"))
                .as("three quarters are taken")
                .isEmpty();
    }

    @Test
    void whatEndsGoesToWhoeverHasLess() throws Exception {
        RequestLimiter limiter = new RequestLimiter(32, world);
        grow(limiter);
        List<RequestLimiter.Permit> first = takeAllPaced(limiter, "first");
        takeAllPaced(limiter, "second");
        for (int ended = 1; ended <= 3; ended++) {
            first.removeFirst().close();
            assertThat(tryAcquirePaced(limiter, "first"))
                    .as("three are its share")
                    .isEmpty();
        }
        assertThat(tryAcquirePaced(limiter, "second")).isEmpty();
        first.removeFirst().close();
        assertThat(tryAcquirePaced(limiter, "second"))
                .as("there is one more than shares")
                .isPresent();
    }

    @Test
    void whoseShareGrowsBecauseAnotherIsGoneIsWoken() throws Exception {
        RequestLimiter limiter = new RequestLimiter(32, world);
        List<RequestLimiter.Permit> other = takeAllPaced(limiter, "other");
        assertThat(takeAllPaced(limiter, "mine")).hasSize(2);
        CompletableFuture<RequestLimiter.Permit> waiting =
                waiter(() -> limiter.acquirePaced("mine", Duration.ofSeconds(30), () -> 0));
        other.subList(0, 2).forEach(RequestLimiter.Permit::close);
        assertThat(waiting).as("both have two").isNotDone();
        other.getLast().close();
        assertThat(waiting.get(10, TimeUnit.SECONDS)).isNotNull();
    }

    @Test
    void whatIsReadAtAPaceStartsOnceNoClientWaits() throws Exception {
        RequestLimiter limiter = new RequestLimiter(4, world);
        List<RequestLimiter.Permit> taken = takeAll(limiter, INTERACTIVE);
        CompletableFuture<RequestLimiter.Permit> paced =
                waiter(() -> limiter.acquirePaced("slow", Duration.ofSeconds(30), () -> 0));
        CompletableFuture<RequestLimiter.Permit> interactive = waiter(limiter, INTERACTIVE);

        taken.getFirst().close();
        interactive.get(10, TimeUnit.SECONDS);
        assertThat(paced).isNotDone();

        taken.getLast().close();
        assertThat(paced.get(10, TimeUnit.SECONDS)).isNotNull();
    }

    @Test
    void fewerAtATimeAreFewerAtAPaceToo() throws InterruptedException {
        RequestLimiter limiter = new RequestLimiter(32, world);
        limiter.throttled();
        assertThat(takeAllPaced(limiter, "slow")).hasSize(2);
        assertThat(takeAll(limiter, BACKGROUND)).hasSize(2);
    }

    @Test
    void whoWaitsIsPatientAsLongAsSomethingMoves() throws InterruptedException {
        RequestLimiter limiter = new RequestLimiter(1, world);
        takeAll(limiter, INTERACTIVE);
        AtomicInteger asked = new AtomicInteger();

        Optional<RequestLimiter.Permit> permit =
                limiter.acquire(INTERACTIVE, Duration.ofMillis(1), () -> Math.min(asked.incrementAndGet(), 7));

        assertThat(permit).isEmpty();
        assertThat(asked).hasValue(8);
    }
}
