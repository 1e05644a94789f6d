package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.OutageException.Reason;
import dev.entrepot.replicator.graph.Concurrently;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class HostGateTest {
    private final VirtualTime clock = new VirtualTime();
    private final RetryPolicy policy = new RetryPolicy(4, Duration.ofSeconds(1), Duration.ofMinutes(5), 6);
    private final HostGate gate = new HostGate(
            "registry.test", 2, policy, new RateLimit(now -> OptionalLong.empty(), clock.time()), clock.time());

    private static OutageException outage(Optional<Duration> retryAfter) {
        return new OutageException(Reason.RATE_LIMITED, "429", retryAfter, null);
    }

    @Test
    void outageIsRepeatedWithGrowingPauses() throws IOException {
        AtomicInteger attempts = new AtomicInteger();

        String answer = gate.request(() -> {
            if (attempts.incrementAndGet() < 4) {
                throw outage(Optional.empty());
            }
            return "answer";
        });

        assertThat(answer).isEqualTo("answer");
        assertThat(clock.slept()).hasSize(3);
        assertThat(clock.slept().get(0)).isBetween(Duration.ofMillis(750), Duration.ofMillis(1251));
        assertThat(clock.slept().get(1)).isBetween(Duration.ofMillis(1500), Duration.ofMillis(2502));
        assertThat(clock.slept().get(2)).isBetween(Duration.ofMillis(3000), Duration.ofMillis(5004));
        assertThat(gate.requestCount()).isEqualTo(4);
    }

    @Test
    void retryAfterIsHonouredByAllRequestsToTheHost() throws IOException {
        AtomicInteger attempts = new AtomicInteger();
        gate.request(() -> {
            if (attempts.incrementAndGet() == 1) {
                throw outage(Optional.of(Duration.ofSeconds(90)));
            }
            return "";
        });
        assertThat(clock.slept()).containsExactly(Duration.ofSeconds(90));

        gate.failed(outage(Optional.of(Duration.ofSeconds(30))));
        gate.request(() -> "another");
        assertThat(clock.slept()).containsExactly(Duration.ofSeconds(90), Duration.ofSeconds(30));
    }

    @Test
    void hostThatAsksToBeLeftAloneLongerThanTheLongestPauseIsGivenUpAndNotAskedBefore() throws IOException {
        AtomicInteger attempts = new AtomicInteger();
        assertThatThrownBy(() -> gate.request(() -> {
                    attempts.incrementAndGet();
                    throw outage(Optional.of(Duration.ofHours(1)));
                }))
                .hasMessage("429");
        assertThatThrownBy(() -> gate.request(() -> "another"))
                .isInstanceOfSatisfying(OutageException.class, e -> {
                    assertThat(e.reason()).isEqualTo(Reason.NOT_ASKED);
                    assertThat(e.underlying()).isEqualTo(Reason.RATE_LIMITED);
                    assertThat(e.retryAfter()).contains(Duration.ofHours(1));
                })
                .hasMessageContaining("registry.test asked to be left alone until 2026-11-20T13:00:00Z");
        assertThat(attempts.get()).isEqualTo(1);
        assertThat(clock.slept()).isEmpty();

        clock.pass(Duration.ofHours(1));
        assertThat(gate.request(() -> "after that")).isEqualTo("after that");
    }

    @Test
    void uploadsAreHalvedWhereTheHostSaysThatThereAreTooManyRequestsAndGrowAgain() throws IOException {
        AdaptiveLimit uploads = new AdaptiveLimit(64, clock.time());
        HostGate of = new HostGate(
                "registry.test",
                8,
                uploads,
                policy,
                new RateLimit(now -> OptionalLong.empty(), clock.time()),
                clock.time());
        assertThat(uploads.allowed()).isEqualTo(4);
        for (int i = 0; i < 12; i++) {
            of.transfer(() -> "sent");
        }
        assertThat(uploads.allowed()).isEqualTo(16);
        AtomicInteger attempts = new AtomicInteger();
        of.request(() -> {
            if (attempts.incrementAndGet() == 1) {
                throw outage(Optional.empty());
            }
            return "small ones count too";
        });
        assertThat(uploads.allowed()).isEqualTo(8);
        for (int i = 0; i < 8; i++) {
            of.transfer(() -> "sent");
        }
        assertThat(uploads.allowed()).as("one more after as many as may run").isEqualTo(9);
    }

    @Test
    void oneOverloadHalvesUploadsOnceAndNeverToNone() {
        AdaptiveLimit uploads = new AdaptiveLimit(64, clock.time());
        for (int i = 0; i < 5; i++) {
            uploads.throttled();
        }
        assertThat(uploads.allowed()).isEqualTo(2);
        for (int i = 0; i < 5; i++) {
            clock.pass(Duration.ofSeconds(1));
            uploads.throttled();
        }
        assertThat(uploads.allowed()).isEqualTo(1);
    }

    @Test
    void wallClockThatIsSetBackKeepsNoUploadsFromBeingHalved() {
        AtomicLong nanos = new AtomicLong();
        AdaptiveLimit uploads = new AdaptiveLimit(64, new Time(clock, nanos::get, clock, new SplittableRandom(7)));
        uploads.throttled();
        assertThat(uploads.allowed()).isEqualTo(2);
        clock.pass(Duration.ofHours(-1));
        nanos.addAndGet(Duration.ofSeconds(1).toNanos());
        uploads.throttled();
        assertThat(uploads.allowed()).isEqualTo(1);
    }

    @Test
    void uploadsOfAllRunsToOnePlaceAreLimitedTogether() throws Exception {
        UploadLimits limits = new UploadLimits(clock.time());
        assertThat(limits.of("registry.test")).isSameAs(limits.of("registry.test"));
        assertThat(limits.of("registry.test")).isNotSameAs(limits.of("other.test"));
        AdaptiveLimit uploads = limits.of("registry.test");
        AtomicInteger running = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        Concurrently.map(IntStream.range(0, 200).boxed().toList(), number -> {
            HostGate of = new HostGate(
                    "run " + number % 2,
                    100,
                    uploads,
                    policy,
                    new RateLimit(now -> OptionalLong.empty(), clock.time()),
                    clock.time());
            return of.transfer(() -> {
                most.accumulateAndGet(running.incrementAndGet(), Math::max);
                Thread.yield();
                running.decrementAndGet();
                return number;
            });
        });
        assertThat(most.get()).isBetween(1, 64);
    }

    @Test
    void wantOfQuotaIsNotWaitedForAndOthersGoOn() throws IOException {
        for (int i = 0; i < 20; i++) {
            assertThatThrownBy(() -> gate.request(() -> {
                        throw new OutageException(Reason.QUOTA, "none left", Optional.of(Duration.ofHours(6)), null);
                    }))
                    .hasMessage("none left");
        }
        assertThat(gate.requestCount()).isEqualTo(20);
        assertThat(gate.request(() -> "another")).isEqualTo("another");
        assertThat(clock.slept()).isEmpty();
    }

    @Test
    void hostThatIsKnownToBeOutIsAskedWhenItMayBeAndNotGivenUpMeanwhile() throws IOException {
        AtomicInteger attempts = new AtomicInteger();
        for (int i = 0; i < 10; i++) {
            attempts.set(0);
            String answer = gate.request(() -> {
                if (attempts.incrementAndGet() == 1) {
                    throw new OutageException(Reason.NOT_ASKED, "out", Optional.of(Duration.ofSeconds(10)), null);
                }
                return "answer";
            });
            assertThat(answer).isEqualTo("answer");
        }
        assertThat(clock.slept()).hasSize(10).containsOnly(Duration.ofSeconds(10));
    }

    @Test
    void answerIsNeverRepeated() {
        AtomicInteger attempts = new AtomicInteger();
        assertThatThrownBy(() -> gate.request(() -> {
                    attempts.incrementAndGet();
                    throw new NotFoundException(NotFoundException.Kind.BLOB, "gone");
                }))
                .isInstanceOf(NotFoundException.class);
        assertThat(attempts.get()).isEqualTo(1);
        assertThat(clock.slept()).isEmpty();
    }

    @Test
    void hostThatIsOutAgainAndAgainIsGivenUpVisibly() {
        AtomicInteger attempts = new AtomicInteger();
        for (int i = 0; i < 5; i++) {
            assertThatThrownBy(() -> gate.request(() -> {
                        attempts.incrementAndGet();
                        throw outage(Optional.empty());
                    }))
                    .isInstanceOf(OutageException.class);
        }
        assertThat(attempts.get()).isEqualTo(6);
        assertThatThrownBy(() -> gate.request(() -> ""))
                .isInstanceOfSatisfying(
                        OutageException.class, e -> assertThat(e.reason()).isEqualTo(Reason.NOT_ASKED))
                .hasMessageContaining("registry.test is not asked again");
    }

    @Test
    void requestsThatFailTogetherAreOneOutageAndShareItsPause() throws Exception {
        HostGate wide = new HostGate(
                "registry.test", 50, policy, new RateLimit(now -> OptionalLong.empty(), clock.time()), clock.time());
        CyclicBarrier together = new CyclicBarrier(50);

        List<String> answers = Concurrently.map(IntStream.range(0, 50).boxed().toList(), number -> {
            AtomicInteger attempts = new AtomicInteger();
            return wide.request(() -> {
                if (attempts.incrementAndGet() == 1) {
                    arrive(together);
                    throw outage(Optional.empty());
                }
                return "answer";
            });
        });

        assertThat(answers).hasSize(50);
        assertThat(clock.slept())
                .isNotEmpty()
                .allSatisfy(pause -> assertThat(pause).isLessThan(Duration.ofMillis(1251)));
    }

    private static void arrive(CyclicBarrier barrier) throws IOException {
        try {
            barrier.await(30, TimeUnit.SECONDS);
        } catch (InterruptedException | BrokenBarrierException | TimeoutException e) {
            throw new IOException(e);
        }
    }

    @Test
    void requestsToADeadHostFailTogetherWhenItHasFailedOften() throws IOException {
        RetryPolicy patient = new RetryPolicy(4, Duration.ofSeconds(1), Duration.ofMinutes(5), 1000);
        HostGate wide = new HostGate(
                "registry.test", 50, patient, new RateLimit(now -> OptionalLong.empty(), clock.time()), clock.time());
        CyclicBarrier together = new CyclicBarrier(20);

        List<Integer> attempts = Concurrently.map(IntStream.range(0, 20).boxed().toList(), number -> {
            AtomicInteger made = new AtomicInteger();
            assertThatThrownBy(() -> wide.request(() -> {
                        if (made.incrementAndGet() == 1) {
                            arrive(together);
                        }
                        throw outage(Optional.empty());
                    }))
                    .isInstanceOf(OutageException.class);
            return made.get();
        });

        assertThat(attempts).allMatch(made -> made <= 4);
        assertThat(clock.slept()).allSatisfy(pause -> assertThat(pause).isLessThan(Duration.ofSeconds(11)));
    }

    @Test
    void successForgetsEarlierOutages() throws IOException {
        for (int i = 0; i < 20; i++) {
            AtomicInteger attempts = new AtomicInteger();
            gate.request(() -> {
                if (attempts.incrementAndGet() < 3) {
                    throw outage(Optional.empty());
                }
                return "";
            });
        }
        assertThat(gate.requestCount()).isEqualTo(60);
    }
}
