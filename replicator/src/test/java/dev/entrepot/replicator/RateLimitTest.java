package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.config.ByteSize;
import dev.entrepot.config.LimitsConfig;
import dev.entrepot.oci.Meter;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class RateLimitTest {
    private final VirtualTime clock = new VirtualTime();

    private static LimitsConfig config() {
        return new LimitsConfig(
                Optional.of(new ByteSize(1000)),
                Optional.of(10),
                List.of(new LimitsConfig.Hours(
                        LocalTime.of(22, 0), LocalTime.of(6, 0), Optional.empty(), Optional.of(100))),
                ZoneOffset.UTC);
    }

    @Test
    void bytesFlowAtTheRateAfterOneSecondsWorth() throws IOException {
        Meter limit = Limits.bandwidth(config(), clock.time());
        Instant start = clock.instant();
        for (int i = 0; i < 100; i++) {
            limit.take(100);
        }
        assertThat(Duration.between(start, clock.instant())).isBetween(Duration.ofSeconds(8), Duration.ofSeconds(10));
    }

    @Test
    void pieceLargerThanTheRateIsTakenSecondBySecond() throws IOException {
        Meter limit = Limits.bandwidth(config(), clock.time());
        Instant start = clock.instant();
        limit.take(60_000);
        assertThat(Duration.between(start, clock.instant())).isEqualTo(Duration.ofSeconds(58));
        limit.take(1);
        assertThat(Duration.between(start, clock.instant())).isEqualTo(Duration.ofSeconds(59));
    }

    @Test
    void whoTakesMuchLetsOthersHaveTheirTurnsAfterEachSecondsWorth() throws Exception {
        AtomicReference<Meter> limit = new AtomicReference<>();
        CompletableFuture<Thread> other = new CompletableFuture<>();
        List<Thread> slept = new CopyOnWriteArrayList<>();
        Sleeper sleeper = time -> {
            if (slept.isEmpty()) {
                other.complete(waiting(() -> limit.get().settle()));
            }
            slept.add(Thread.currentThread());
            clock.sleep(time);
        };
        limit.set(Limits.bandwidth(config(), new Time(clock, sleeper, new SplittableRandom(7))));

        limit.get().take(60_000);

        assertThat(slept).startsWith(Thread.currentThread(), other.join(), Thread.currentThread());
        other.join().join();
    }

    private interface Wait {
        void run() throws IOException;
    }

    /** A thread that does this, and is surely waiting when this returns. */
    private static Thread waiting(Wait wait) {
        Thread thread = Thread.ofPlatform().daemon().start(() -> {
            try {
                wait.run();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        while (thread.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
        return thread;
    }

    @Test
    void whoDoesNotKnowHowMuchWaitsUntilWhatWasCountedIsPaidAndTakesNothing() throws IOException {
        Meter limit = Limits.bandwidth(config(), clock.time());
        Instant start = clock.instant();
        limit.settle();
        limit.count(1_000);
        limit.settle();
        assertThat(clock.instant()).as("nothing is owed").isEqualTo(start);
        limit.count(5_000);
        limit.settle();
        limit.settle();
        assertThat(Duration.between(start, clock.instant())).isEqualTo(Duration.ofSeconds(5));
        limit.count(119_000);
        limit.settle();
        assertThat(Duration.between(start, clock.instant())).isEqualTo(Duration.ofSeconds(124));
    }

    @Test
    void moreThanTwoMinutesAreNeverOwedForWhatIsOnlyCounted() throws IOException {
        Meter limit = Limits.bandwidth(config(), clock.time());
        Instant start = clock.instant();
        limit.count(100_000);
        limit.count(1_000_000_000);
        limit.count(1);
        limit.settle();
        assertThat(Duration.between(start, clock.instant())).isEqualTo(Duration.ofSeconds(120));
    }

    @Test
    void whoWaitsUntilWhatWasCountedIsPaidCanBeInterrupted() {
        Meter limit = Limits.bandwidth(config(), clock.time());
        limit.count(100_000);
        Thread.currentThread().interrupt();
        assertThatThrownBy(limit::settle).isInstanceOf(InterruptedIOException.class);
        assertThat(Thread.interrupted()).isTrue();
    }

    @Test
    void otherHoursHaveOtherLimits() throws IOException {
        Meter bytes = Limits.bandwidth(config(), clock.time());
        Meter requests = Limits.requests(config(), clock.time());
        clock.pass(Duration.ofHours(11));
        Instant night = clock.instant();
        for (int i = 0; i < 1000; i++) {
            bytes.take(1_000_000);
        }
        assertThat(clock.instant()).isEqualTo(night);
        for (int i = 0; i < 1000; i++) {
            requests.take(1);
        }
        assertThat(Duration.between(night, clock.instant())).isBetween(Duration.ofSeconds(8), Duration.ofSeconds(10));
    }

    @Test
    void changeOfTheHourIsNoticedDuringALongPause() throws IOException {
        Meter bytes = Limits.bandwidth(config(), clock.time());
        clock.pass(Duration.ofHours(9).plusMinutes(59));
        bytes.take(10_000_000);
        bytes.take(1);
        assertThat(clock.instant()).isBefore(Instant.parse("2026-11-20T22:01:00Z"));
    }

    @Test
    void debtIsPaidAtTheRateOfTheHourInWhichItIsPaid() throws IOException {
        LimitsConfig slowByDay = new LimitsConfig(
                Optional.of(new ByteSize(1000)),
                Optional.empty(),
                List.of(new LimitsConfig.Hours(
                        LocalTime.of(22, 0),
                        LocalTime.of(6, 0),
                        Optional.of(new ByteSize(1_000_000)),
                        Optional.empty())),
                ZoneOffset.UTC);
        Meter bytes = Limits.bandwidth(slowByDay, clock.time());
        clock.pass(Duration.ofHours(9).plusMinutes(59));
        bytes.take(10_000_000);
        bytes.take(1);
        assertThat(clock.instant())
                .isBetween(Instant.parse("2026-11-20T22:00:00Z"), Instant.parse("2026-11-20T22:01:00Z"));

        clock.pass(Duration.between(clock.instant(), Instant.parse("2026-11-21T05:59:59.500Z")));
        bytes.take(1_000_000);
        bytes.take(1_000_000);
        bytes.take(1);
        assertThat(clock.instant()).as("by day it is slow again").isAfter(Instant.parse("2026-11-21T06:10:00Z"));
    }

    @Test
    void whatWasCountedAtAFastHourIsNoMoreThanTwoMinutesOfTheSlowOneThatFollows() throws IOException {
        LimitsConfig slowByDay = new LimitsConfig(
                Optional.of(new ByteSize(1000)),
                Optional.empty(),
                List.of(new LimitsConfig.Hours(
                        LocalTime.of(22, 0), LocalTime.of(6, 0), Optional.of(new ByteSize(10_000)), Optional.empty())),
                ZoneOffset.UTC);
        Meter bytes = Limits.bandwidth(slowByDay, clock.time());
        clock.pass(Duration.between(clock.instant(), Instant.parse("2026-11-21T05:59:59Z")));
        bytes.count(1_200_000);
        clock.pass(Duration.ofSeconds(1));
        Instant morning = clock.instant();

        bytes.settle();

        assertThat(Duration.between(morning, clock.instant()))
                .isBetween(Duration.ofSeconds(118), Duration.ofSeconds(120));
    }

    @Test
    void whatHasNoLimitAtAnyHourIsNotLimited() {
        LimitsConfig onlyRequests = hours(Optional.empty(), Optional.of(5));
        assertThat(Limits.bandwidth(onlyRequests, clock.time())).isSameAs(Meter.NONE);
        assertThat(Limits.requests(onlyRequests, clock.time())).isNotSameAs(Meter.NONE);
        LimitsConfig onlyBytes = hours(Optional.of(new ByteSize(1000)), Optional.empty());
        assertThat(Limits.requests(onlyBytes, clock.time())).isSameAs(Meter.NONE);
        assertThat(Limits.bandwidth(onlyBytes, clock.time())).isNotSameAs(Meter.NONE);
    }

    private static LimitsConfig hours(Optional<ByteSize> bandwidth, Optional<Integer> requests) {
        return new LimitsConfig(
                Optional.empty(),
                Optional.empty(),
                List.of(new LimitsConfig.Hours(LocalTime.of(22, 0), LocalTime.of(6, 0), bandwidth, requests)),
                ZoneOffset.UTC);
    }

    @Test
    void nobodyIsHeldBackAtAnHourWithoutALimit() {
        Meter byNight = Limits.bandwidth(hours(Optional.of(new ByteSize(1000)), Optional.empty()), clock.time());
        assertThat(byNight.limitsNow()).isFalse();
        // What is begun now may be slow later, and is counted among what is.
        assertThat(byNight.account()).isSameAs(byNight);
        clock.pass(Duration.ofHours(11));
        assertThat(byNight.limitsNow()).isTrue();
        clock.pass(Duration.ofHours(8));
        assertThat(byNight.limitsNow()).isFalse();
        assertThat(Meter.NONE.limitsNow()).isFalse();
    }

    @Test
    void lowLimitHasFewerQuestionsInHandSoThatNoneWaitsForMinutes() {
        assertThat(Limits.atOnce(LimitsConfig.NONE, 64)).isEqualTo(64);
        LimitsConfig low = new LimitsConfig(
                Optional.empty(),
                Optional.of(1_000_000),
                List.of(new LimitsConfig.Hours(
                        LocalTime.of(8, 0), LocalTime.of(18, 0), Optional.empty(), Optional.of(1))),
                ZoneOffset.UTC);
        assertThat(Limits.atOnce(low, 64)).isEqualTo(20);
        assertThat(Limits.atOnce(config(), 64)).as("1000 bytes per second").isEqualTo(1);
        assertThat(Limits.atOnce(bandwidth(16 << 10), 64)).isEqualTo(20);
        assertThat(Limits.atOnce(bandwidth(50_000), 64)).isEqualTo(61);
        assertThat(Limits.atOnce(bandwidth(Long.MAX_VALUE), 64)).isEqualTo(64);
    }

    private static LimitsConfig bandwidth(long bytes) {
        return new LimitsConfig(Optional.of(new ByteSize(bytes)), Optional.empty(), List.of(), ZoneOffset.UTC);
    }

    @Test
    void whatIsOnlyCountedIsWaitedForByTheNext() throws IOException {
        Meter bytes = Limits.bandwidth(config(), clock.time());
        Instant start = clock.instant();
        bytes.count(3_000);
        assertThat(clock.instant()).isEqualTo(start);
        bytes.take(1);
        assertThat(Duration.between(start, clock.instant())).isEqualTo(Duration.ofSeconds(2));
    }
}
