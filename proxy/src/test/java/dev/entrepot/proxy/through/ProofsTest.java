package dev.entrepot.proxy.through;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.UnauthorizedException;
import dev.entrepot.proxy.access.CredentialKey;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** What upstreams say of claims, and for how long it counts. */
class ProofsTest {
    private static final Duration MINUTES = Duration.ofMinutes(5);

    private final AtomicLong nanos = new AtomicLong();
    private final Proofs proofs = new Proofs(nanos::get);
    private final AtomicInteger asked = new AtomicInteger();
    private final CredentialKey.Maker keys = new CredentialKey.Maker(new byte[32]);
    private final Claim claim = claim("alice", Claim.Right.PULL);

    private Claim claim(String user, Claim.Right right) {
        return new Claim(
                keys.of(user, "secret"),
                new RegistryHost("registry.test"),
                Optional.of(new RepositoryName("team/app")),
                right);
    }

    private void advance(Duration time) {
        nanos.addAndGet(time.toNanos());
    }

    private void require(Claim of, IOException... failures) throws IOException {
        proofs.require(of, MINUTES, () -> {
            asked.incrementAndGet();
            if (failures.length > 0) {
                throw failures[0];
            }
        });
    }

    @Test
    void wordOfTheUpstreamCountsFromWhenItWasAskedAndForNothingElse() throws Exception {
        proofs.require(claim, MINUTES, () -> advance(Duration.ofMinutes(1)));
        assertThat(proofs.holds(claim)).isTrue();
        assertThat(proofs.holds(claim("alice", Claim.Right.LIST))).isFalse();
        assertThat(proofs.holds(claim("bob", Claim.Right.PULL))).isFalse();
        advance(Duration.ofMinutes(4).minusNanos(1));
        assertThat(proofs.holds(claim)).isTrue();
        advance(Duration.ofNanos(1));
        assertThat(proofs.holds(claim)).isFalse();
        require(claim);
        assertThat(asked).hasValue(1);
        proofs.revoke(claim);
        assertThat(proofs.holds(claim)).isFalse();
    }

    @Test
    void refusalCountsForTenSecondsAndSilenceAndAbsenceForNothing() throws Exception {
        UnauthorizedException refusal = new UnauthorizedException(401, "no");
        assertThatThrownBy(() -> require(claim, refusal)).isSameAs(refusal);
        assertThatThrownBy(() -> require(claim)).isSameAs(refusal);
        assertThat(asked).hasValue(1);
        advance(Duration.ofSeconds(10));
        for (IOException nothing : List.of(
                new OutageException(OutageException.Reason.UNREACHABLE, "out"),
                new NotFoundException(NotFoundException.Kind.MANIFEST, "not there"))) {
            assertThatThrownBy(() -> require(claim, nothing)).isSameAs(nothing);
            assertThat(proofs.holds(claim)).isFalse();
        }
        assertThat(asked).hasValue(3);
        require(claim);
        assertThat(proofs.holds(claim)).isTrue();
    }

    @Test
    void allWhoWaitHaveTheSameAnswerUnlessItIsAboutWhatOnlyOneOfThemWants() throws Exception {
        for (IOException first : List.of(
                new UnauthorizedException(401, "no"),
                new NotFoundException(NotFoundException.Kind.MANIFEST, "not there"))) {
            asked.set(0);
            boolean shared = first instanceof UnauthorizedException;
            Claim of = claim(first.getClass().getName(), Claim.Right.PULL);
            CountDownLatch asking = new CountDownLatch(1);
            CountDownLatch goOn = new CountDownLatch(1);
            try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
                Future<?> one = threads.submit(() -> {
                    proofs.require(of, MINUTES, () -> {
                        asking.countDown();
                        awaited(goOn);
                        throw first;
                    });
                    return true;
                });
                awaited(asking);
                List<Thread> waiting = new ArrayList<>();
                List<Future<Boolean>> others = new ArrayList<>();
                for (int i = 0; i < 5; i++) {
                    others.add(threads.submit(() -> {
                        synchronized (waiting) {
                            waiting.add(Thread.currentThread());
                        }
                        try {
                            require(of);
                            return true;
                        } catch (UnauthorizedException e) {
                            return false;
                        }
                    }));
                }
                while (!allWait(waiting, 5)) {
                    Thread.onSpinWait();
                }
                goOn.countDown();
                assertThatThrownBy(() -> one.get(20, TimeUnit.SECONDS)).hasCause(first);
                for (Future<Boolean> other : others) {
                    assertThat(other.get(20, TimeUnit.SECONDS)).isEqualTo(!shared);
                }
            }
            assertThat(asked.get()).isEqualTo(shared ? 0 : 5);
        }
    }

    private static boolean allWait(List<Thread> threads, int count) {
        synchronized (threads) {
            return threads.size() == count
                    && threads.stream().allMatch(thread -> thread.getState() == Thread.State.TIMED_WAITING);
        }
    }

    private static void awaited(CountDownLatch latch) throws IOException {
        try {
            assertThat(latch.await(20, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        }
    }

    @Test
    void claimsShowNothingOfTheCredential() {
        assertThat(claim.toString()).doesNotContain("alice", "secret");
    }
}
