package dev.entrepot.replicator;

import static dev.entrepot.replicator.RequestKind.LOOK;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Meter;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.OutageException.Reason;
import dev.entrepot.oci.Pace;
import dev.entrepot.replicator.graph.Concurrently;
import dev.entrepot.replicator.graph.RequestLimit;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** How a host is spared. Long, because all cases share one gate in virtual time. */
class HostGateTest {
    private final VirtualTime clock = new VirtualTime();
    private final RetryPolicy policy = new RetryPolicy(4, Duration.ofSeconds(1), Duration.ofMinutes(5), 6);
    private final KnownHost host = new KnownHost(64, false, policy, clock.time());
    private final HostGate gate = gate(2, host);

    private HostGate gate(int concurrency, KnownHost known) {
        return gate(concurrency, known, policy);
    }

    private HostGate gate(int concurrency, KnownHost known, RetryPolicy retries) {
        return new HostGate("registry.test", concurrency, known, retries, Pace.FREE, clock.time());
    }

    private static OutageException outage(Optional<Duration> retryAfter) {
        return new OutageException(Reason.RATE_LIMITED, "429", retryAfter, null);
    }

    private static RequestLimit.Request<String> refusedOnce(String answer) {
        AtomicInteger attempts = new AtomicInteger();
        return () -> {
            if (attempts.incrementAndGet() == 1) {
                throw outage(Optional.empty());
            }
            return answer;
        };
    }

    private static OutageException because(Reason reason) {
        return new OutageException(reason, "out", Optional.of(Duration.ofSeconds(90)), null);
    }

    @ParameterizedTest
    @EnumSource(
            value = Reason.class,
            names = {"RATE_LIMITED", "SERVER_ERROR", "TIMEOUT", "NOT_ASKED"})
    void uploadsThatAreRefusedHoldUpUploadsAndNothingElse(Reason reason) throws IOException {
        gate.failed(RequestKind.UPLOAD, because(reason));
        for (RequestKind kind : List.of(LOOK, RequestKind.READ_BLOB, RequestKind.WRITE)) {
            assertThat(gate.request(kind, () -> "answer")).isEqualTo("answer");
        }
        assertThat(clock.slept()).isEmpty();

        gate.transfer(() -> "sent");
        assertThat(clock.slept()).containsExactly(Duration.ofSeconds(90));
    }

    @ParameterizedTest
    @EnumSource(
            value = Reason.class,
            names = {"UNREACHABLE", "DNS", "TLS", "TOKEN_SERVICE"})
    void hostThatDoesNotAnswerIsLeftAloneAltogether(Reason reason) throws IOException {
        gate.failed(RequestKind.UPLOAD, because(reason));
        gate.request(LOOK, () -> "answer");
        assertThat(clock.slept()).containsExactly(Duration.ofSeconds(90));
    }

    @Test
    void uploadsThatAreGivenUpAreNamedAndTheRestGoesOn() throws IOException {
        for (int i = 0; i < 6; i++) {
            assertThatThrownBy(() -> gate.transfer(() -> {
                        throw outage(Optional.empty());
                    }))
                    .isInstanceOf(OutageException.class);
        }
        assertThatThrownBy(() -> gate.transfer(() -> "sent"))
                .hasMessage(
                        "registry.test is not asked again for uploads of blobs in this run after 6 outages in a row");
        assertThat(gate.request(LOOK, () -> "answer")).isEqualTo("answer");

        gate.failed(RequestKind.WRITE, outage(Optional.of(Duration.ofHours(1))));
        assertThatThrownBy(() -> gate.request(RequestKind.WRITE, () -> "written"))
                .hasMessageContaining("asked to be left alone until 2026-11-20T13:00:")
                .hasMessageContaining("for writes of manifests, and is given up for this run: 429");
        assertThat(gate.request(LOOK, () -> "answer")).isEqualTo("answer");
    }

    @Test
    void whatTheSourceBreaksOffInTheMidstOfAnUploadSaysNothingOfTheTarget() throws IOException {
        int allowed = host.uploads().allowed();
        for (int i = 0; i < 5; i++) {
            gate.failed(RequestKind.UPLOAD, because(Reason.SERVER_ERROR));
        }
        long progress = gate.progress();
        for (IOException fault : List.of(new IOException("reset"), because(Reason.RATE_LIMITED))) {
            assertThatThrownBy(() -> gate.transfer(() -> {
                        throw new BlobTransfer.SourceFault(fault);
                    }))
                    .isInstanceOf(BlobTransfer.SourceFault.class);
        }
        assertThat(gate.progress()).isEqualTo(progress);
        assertThat(host.uploads().allowed()).isEqualTo(allowed);
        gate.failed(RequestKind.UPLOAD, because(Reason.SERVER_ERROR));
        assertThatThrownBy(() -> gate.transfer(() -> "sent")).hasMessageContaining("after 6 outages in a row");
    }

    @Test
    void requestsThatWaitWithinTheirPermitsHoldUpNoOtherKind() throws Exception {
        HostGate narrow = gate(1, host);
        AtomicInteger answered = new AtomicInteger();
        narrow.request(RequestKind.WRITE, () -> {
            Thread other = Thread.ofVirtual().start(() -> {
                try {
                    answered.addAndGet(narrow.request(LOOK, () -> 1));
                } catch (IOException e) {
                    answered.set(-1);
                }
            });
            try {
                other.join(Duration.ofSeconds(30));
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
            return answered.get();
        });
        assertThat(answered.get()).isEqualTo(1);
    }

    @Test
    void runsThatGoToOneHostAtOnceWaitTogetherAndOthersDoNot() throws IOException {
        KnownHosts hosts = new KnownHosts(policy, clock.time());
        HostGate one = gate(2, hosts.target("registry.test", 100));
        HostGate other = gate(2, hosts.target("registry.test", 100));
        HostGate elsewhere = gate(2, hosts.target("healthy.test", 100));
        HostGate asSource = gate(2, hosts.source("registry.test"));

        one.failed(RequestKind.UPLOAD, outage(Optional.of(Duration.ofSeconds(90))));
        elsewhere.transfer(() -> "sent");
        asSource.request(LOOK, () -> "answer");
        assertThat(clock.slept()).isEmpty();
        other.transfer(() -> "sent");
        assertThat(clock.slept()).containsExactly(Duration.ofSeconds(90));
    }

    @Test
    void runsThatGoToOneHostAtOnceGiveItUpTogetherAndLaterOnesTryAgain() throws IOException {
        HostGate other = gate(2, host);
        for (int i = 0; i < 6; i++) {
            assertThatThrownBy(() -> gate.request(LOOK, () -> {
                        throw because(Reason.UNREACHABLE);
                    }))
                    .isInstanceOf(OutageException.class);
        }
        assertThatThrownBy(() -> other.transfer(() -> "sent"))
                .hasMessage("registry.test is not asked again in this run after 6 outages in a row");

        HostGate later = gate(2, host);
        assertThat(later.transfer(() -> "sent")).isEqualTo("sent");
    }

    @Test
    void laterRunHeedsWhatTheHostAskedForButNotForHours() throws IOException {
        gate.failed(LOOK, outage(Optional.of(Duration.ofHours(3))));
        clock.pass(Duration.ofMinutes(1));
        HostGate later = gate(2, host);
        assertThatThrownBy(() -> later.request(LOOK, () -> "answer"))
                .isInstanceOfSatisfying(
                        OutageException.class, e -> assertThat(e.retryAfter()).contains(Duration.ofMinutes(4)));
        clock.pass(Duration.ofMinutes(4));
        assertThat(later.request(LOOK, () -> "answer")).isEqualTo("answer");
        assertThatThrownBy(() -> gate.request(LOOK, () -> "the run that heard it"))
                .isInstanceOf(OutageException.class);
    }

    @Test
    void outageIsRepeatedWithGrowingPauses() throws IOException {
        AtomicInteger attempts = new AtomicInteger();

        String answer = gate.request(LOOK, () -> {
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
    void retryAfterIsHonouredByAllRequestsOfItsKind() throws IOException {
        AtomicInteger attempts = new AtomicInteger();
        gate.request(LOOK, () -> {
            if (attempts.incrementAndGet() == 1) {
                throw outage(Optional.of(Duration.ofSeconds(90)));
            }
            return "";
        });
        assertThat(clock.slept()).containsExactly(Duration.ofSeconds(90));

        gate.failed(LOOK, outage(Optional.of(Duration.ofSeconds(30))));
        gate.request(LOOK, () -> "another");
        assertThat(clock.slept()).containsExactly(Duration.ofSeconds(90), Duration.ofSeconds(30));
    }

    @Test
    void hostThatAsksToBeLeftAloneLongerThanTheLongestPauseIsGivenUpAndNotAskedBefore() throws IOException {
        AtomicInteger attempts = new AtomicInteger();
        assertThatThrownBy(() -> gate.request(LOOK, () -> {
                    attempts.incrementAndGet();
                    throw outage(Optional.of(Duration.ofHours(1)));
                }))
                .hasMessage("429");
        assertThatThrownBy(() -> gate.request(LOOK, () -> "another"))
                .isInstanceOfSatisfying(OutageException.class, e -> {
                    assertThat(e.reason()).isEqualTo(Reason.NOT_ASKED);
                    assertThat(e.underlying()).isEqualTo(Reason.RATE_LIMITED);
                    assertThat(e.retryAfter()).contains(Duration.ofHours(1));
                })
                .hasMessageContaining("registry.test asked to be left alone until 2026-11-20T13:00:00Z");
        assertThat(attempts.get()).isEqualTo(1);
        assertThat(clock.slept()).isEmpty();

        clock.pass(Duration.ofHours(1));
        assertThat(gate.request(LOOK, () -> "after that")).isEqualTo("after that");
    }

    @Test
    void uploadsAreHalvedWhereTheHostSaysThatThereAreTooManyRequestsAndGrowAgain() throws IOException {
        AdaptiveLimit uploads = host.uploads();
        HostGate of = gate(8, host);
        assertThat(uploads.allowed()).isEqualTo(4);
        for (int i = 0; i < 12; i++) {
            of.transfer(() -> "sent");
        }
        assertThat(uploads.allowed()).isEqualTo(16);
        of.request(LOOK, refusedOnce("other requests are not uploads"));
        assertThat(uploads.allowed()).isEqualTo(16);
        of.request(RequestKind.UPLOAD, refusedOnce("a mount is asked for where uploads are"));
        assertThat(uploads.allowed()).isEqualTo(8);
        for (int i = 0; i < 8; i++) {
            of.transfer(() -> "sent");
        }
        assertThat(uploads.allowed()).as("one more after as many as may run").isEqualTo(9);
    }

    @Test
    void refusalThatTheClientRepeatsByItselfIsHeededAtOnceByAllOthers() throws IOException {
        HostGate other = gate(8, host);
        for (int i = 0; i < 12; i++) {
            gate.transfer(() -> "sent");
        }
        assertThatThrownBy(() -> gate.transfer(() -> {
                    Pace.current().orElseThrow().refusals().refused(429, Optional.of(Duration.ofSeconds(30)));
                    assertThat(host.uploads().allowed()).isEqualTo(8);
                    other.request(LOOK, () -> "answer");
                    assertThat(clock.slept()).isEmpty();
                    other.request(RequestKind.UPLOAD, () -> "mounted");
                    assertThat(clock.slept()).containsExactly(Duration.ofSeconds(30));
                    throw outage(Optional.of(Duration.ofHours(1)));
                }))
                .hasMessage("429");
        assertThat(host.uploads().allowed()).as("one refusal halves once").isEqualTo(8);
    }

    @Test
    void refusalOfASourceIsHeededByItsClient() throws IOException {
        HostGate source = gate(8, new KnownHosts(policy, clock.time()).source("registry.test"));
        source.request(LOOK, () -> {
            Pace.current().orElseThrow().refusals().refused(429, Optional.of(Duration.ofSeconds(30)));
            return "answer of another place";
        });
        source.request(LOOK, () -> "answer");
        assertThat(clock.slept()).isEmpty();
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
        assertThat(mostUploadsOfRunsOf(100)).isBetween(1, 64);
        assertThat(mostUploadsOfRunsOf(2))
                .as("where the rules allow a target no more")
                .isBetween(1, 2);
    }

    @Test
    void whatIsInterruptedHoldsNobodyUp() throws Exception {
        Thread broken = Thread.ofVirtual().start(() -> {
            Thread.currentThread().interrupt();
            assertThatThrownBy(() -> gate(2, host).request(LOOK, () -> {
                        throw because(Reason.TIMEOUT);
                    }))
                    .isInstanceOf(OutageException.class);
        });
        broken.join();
        gate(2, host).request(LOOK, () -> "answer");
        assertThat(clock.slept()).isEmpty();
    }

    @Test
    void targetTakesAsManyUploadsAsTheRuleThatMayHaveMost() {
        KnownHosts hosts = new KnownHosts(policy, clock.time());
        AdaptiveLimit uploads = hosts.target("registry.test", 2).uploads();
        assertThat(uploads.allowed()).isEqualTo(2);
        hosts.target("registry.test", 8);
        hosts.target("registry.test", 1);
        for (int i = 0; i < 20; i++) {
            uploads.succeeded();
        }
        assertThat(uploads.allowed()).isEqualTo(8);
    }

    private int mostUploadsOfRunsOf(int concurrency) throws IOException {
        KnownHosts hosts = new KnownHosts(policy, clock.time());
        assertThat(hosts.target("registry.test", concurrency)).isSameAs(hosts.target("registry.test", concurrency));
        assertThat(hosts.target("registry.test", concurrency)).isNotSameAs(hosts.target("other.test", concurrency));
        AtomicInteger running = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        Concurrently.map(IntStream.range(0, 200).boxed().toList(), number -> {
            HostGate of = gate(concurrency, hosts.target("registry.test", concurrency));
            return of.transfer(() -> {
                most.accumulateAndGet(running.incrementAndGet(), Math::max);
                Thread.yield();
                running.decrementAndGet();
                return number;
            });
        });
        return most.get();
    }

    private static Meter paced() {
        return new Meter() {
            @Override
            public void take(long units) {}

            @Override
            public void count(long units) {}
        };
    }

    @ParameterizedTest
    @CsvSource({"4, 4, 8388608", "8, 8, 8388608", "32, 8, 8388608", "64, 16, 8388608", "32, 8, 1"})
    void fewUploadsOfLargeBlobsAndAtAPaceRunAtOnceAndLeaveRoomForOthers(int concurrency, int large, long bytes)
            throws Exception {
        Meter bandwidth = bytes < HostGate.LARGE_BYTES ? paced() : Meter.NONE;
        HostGate of = gate(concurrency, host);
        // So that what the host is known to bear limits nothing.
        for (int i = 0; i < 64; i++) {
            of.transfer(() -> "sent");
        }
        CountDownLatch begun = new CountDownLatch(large);
        Semaphore enough = new Semaphore(0);
        AtomicInteger running = new AtomicInteger();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 3 * large; i++) {
                threads.submit(() -> of.transfer(bytes, bandwidth, () -> {
                    running.incrementAndGet();
                    begun.countDown();
                    enough.acquireUninterruptibly();
                    return "sent";
                }));
            }
            begun.await();
            if (large < concurrency) {
                assertThat(of.transfer(HostGate.LARGE_BYTES - 1, Meter.NONE, () -> "sent"))
                        .isEqualTo("sent");
            }
            assertThat(running.get()).isEqualTo(large);
            enough.release(3 * large);
        }
        assertThat(running.get()).isEqualTo(3 * large);
    }

    @Test
    void wantOfQuotaIsNotWaitedForAndOthersGoOn() throws IOException {
        for (int i = 0; i < 20; i++) {
            assertThatThrownBy(() -> gate.request(LOOK, () -> {
                        throw new OutageException(Reason.QUOTA, "none left", Optional.of(Duration.ofHours(6)), null);
                    }))
                    .hasMessage("none left");
        }
        assertThat(gate.requestCount()).isEqualTo(20);
        assertThat(gate.request(LOOK, () -> "another")).isEqualTo("another");
        assertThat(clock.slept()).isEmpty();
    }

    @Test
    void hostThatIsKnownToBeOutIsAskedWhenItMayBeAndNotGivenUpMeanwhile() throws IOException {
        AtomicInteger attempts = new AtomicInteger();
        for (int i = 0; i < 10; i++) {
            attempts.set(0);
            String answer = gate.request(LOOK, () -> {
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
        assertThatThrownBy(() -> gate.request(LOOK, () -> {
                    attempts.incrementAndGet();
                    throw new NotFoundException(NotFoundException.Kind.BLOB, "gone");
                }))
                .isInstanceOf(NotFoundException.class);
        assertThat(attempts.get()).isEqualTo(1);
        assertThat(clock.slept()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"3600, 1", "1, 6"})
    void whatWaitsForRoomHearsWhatCameOfThoseBeforeIt(long retryAfterSeconds, int sent) throws Exception {
        HostGate narrow = gate(1, host);
        AtomicInteger attempts = new AtomicInteger();
        List<OutageException> failures = new CopyOnWriteArrayList<>();
        CountDownLatch first = new CountDownLatch(1);
        CountDownLatch all = new CountDownLatch(1);
        List<Thread> uploads = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            uploads.add(Thread.ofVirtual().start(() -> {
                try {
                    narrow.transfer(() -> {
                        attempts.incrementAndGet();
                        first.countDown();
                        await(all);
                        throw outage(Optional.of(Duration.ofSeconds(retryAfterSeconds)));
                    });
                } catch (OutageException e) {
                    failures.add(e);
                } catch (IOException e) {
                    attempts.set(-1);
                }
            }));
            first.await();
        }
        for (Thread upload : uploads) {
            while (upload.getState() != Thread.State.WAITING) {
                Thread.onSpinWait();
            }
        }
        all.countDown();
        for (Thread upload : uploads) {
            upload.join();
        }
        assertThat(failures).hasSize(20);
        assertThat(attempts.get()).isEqualTo(sent);
        assertThat(narrow.requestCount()).isEqualTo(sent);
    }

    private static void await(CountDownLatch latch) throws IOException {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }

    @Test
    void hostThatIsOutAgainAndAgainIsGivenUpVisibly() {
        AtomicInteger attempts = new AtomicInteger();
        for (int i = 0; i < 5; i++) {
            assertThatThrownBy(() -> gate.request(LOOK, () -> {
                        attempts.incrementAndGet();
                        throw outage(Optional.empty());
                    }))
                    .isInstanceOf(OutageException.class);
        }
        assertThat(attempts.get()).isEqualTo(6);
        assertThatThrownBy(() -> gate.request(LOOK, () -> ""))
                .isInstanceOfSatisfying(
                        OutageException.class, e -> assertThat(e.reason()).isEqualTo(Reason.NOT_ASKED))
                .hasMessageContaining("registry.test is not asked again");
    }

    @Test
    void requestsThatFailTogetherAreOneOutageAndShareItsPause() throws Exception {
        HostGate wide = gate(50, host);
        CyclicBarrier together = new CyclicBarrier(50);

        List<String> answers = Concurrently.map(IntStream.range(0, 50).boxed().toList(), number -> {
            AtomicInteger attempts = new AtomicInteger();
            return wide.request(LOOK, () -> {
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
        HostGate wide = gate(50, new KnownHost(64, false, patient, clock.time()), patient);
        CyclicBarrier together = new CyclicBarrier(20);

        List<Integer> attempts = Concurrently.map(IntStream.range(0, 20).boxed().toList(), number -> {
            AtomicInteger made = new AtomicInteger();
            assertThatThrownBy(() -> wide.request(LOOK, () -> {
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
            gate.request(LOOK, () -> {
                if (attempts.incrementAndGet() < 3) {
                    throw outage(Optional.empty());
                }
                return "";
            });
        }
        assertThat(gate.requestCount()).isEqualTo(60);
    }
}
