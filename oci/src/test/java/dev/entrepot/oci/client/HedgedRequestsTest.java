package dev.entrepot.oci.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Gate;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.Response;
import dev.entrepot.oci.testing.TestRegistry;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Small requests that take long are sent a second time, and no others. A request that is held and not sent again ends
 * by its time-out.
 */
class HedgedRequestsTest {
    private static final Tag TAG = new Tag("1");

    private final TestWorld world = new TestWorld();
    private final TestRegistry registry = TestRegistry.started();
    private final Gate never = new Gate();
    private RegistryClient client;

    @BeforeEach
    void fill() throws IOException {
        byte[] index = "{\"schemaVersion\":2,\"manifests\":[]}".getBytes(StandardCharsets.UTF_8);
        registry.pushManifest("team/app", MediaType.OCI_INDEX.value(), index, "1");
        client = client(32, Duration.ofSeconds(20), true);
    }

    private RegistryClient client(int slots, Duration timeout, boolean hedges) throws IOException {
        return new RegistryClient(
                TestWorld.endpoint(registry.uri().toString())
                        .withMaxConcurrentRequests(slots)
                        .withTimeouts(Duration.ofSeconds(1), timeout),
                Safeguards.shared(QuotaReserve.DEFAULT).withHedges(hedges),
                world.environment());
    }

    private void replace(int slots, boolean hedges) throws IOException {
        client.close();
        client = client(slots, Duration.ofMillis(300), hedges);
    }

    private RemoteRepository repository() {
        return client.repository(TestWorld.NAME);
    }

    private void resolve(int times) throws IOException {
        for (int i = 0; i < times; i++) {
            assertThat(repository().resolve(TAG)).isPresent();
        }
    }

    private void holdNext() {
        registry.faults().once(Requests.manifests(), Fault.hold(never));
    }

    @AfterEach
    void stop() {
        never.open();
        client.close();
        registry.close();
    }

    @Test
    void secondRequestIsAnsweredWhereTheFirstHangs() throws IOException {
        resolve(20);
        holdNext();
        resolve(1);
        assertThat(client.state().hedges()).isEqualTo(new HedgeState(1, 1));
        assertThat(registry.calls().count(Requests.head())).isEqualTo(22);
        assertThat(client.state().breakers().get(OperationClass.METADATA))
                .extracting(BreakerState::position)
                .isEqualTo(BreakerState.Position.CLOSED);
        resolve(5);
        assertThat(registry.calls().count(Requests.head())).isEqualTo(27);
    }

    @Test
    void getOfAManifestIsSentAgainWhereNothingCounts() throws IOException {
        for (int i = 0; i < 20; i++) {
            repository().fetchManifest(TAG);
        }
        holdNext();
        assertThat(repository().fetchManifest(TAG).sizeBytes()).isPositive();
        assertThat(client.state().hedges()).isEqualTo(new HedgeState(1, 1));
    }

    @Test
    void firstAnswerCountsIfTheSecondFails() throws Exception {
        resolve(20);
        Gate gate = new Gate();
        registry.faults().once(Requests.head(), Fault.hold(gate));
        registry.faults().once(Requests.head().and(request -> gate.arrivals() > 0), Fault.status(500));
        registry.calls().clear();
        CompletableFuture<Boolean> answer = CompletableFuture.supplyAsync(() -> {
            try {
                return repository().resolve(TAG).isPresent();
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        });
        registry.calls().await(2, Requests.head());
        gate.open();
        assertThat(answer.get(20, TimeUnit.SECONDS)).isTrue();
        assertThat(client.state().hedges().sent()).isEqualTo(1);
        assertThat(world.pauses).isEmpty();
    }

    @Test
    void nothingIsSentTwiceBeforeItIsKnownHowLongItTakes() throws IOException {
        replace(32, true);
        resolve(19);
        holdNext();
        assertThatThrownBy(() -> resolve(1)).isInstanceOf(OutageException.class);
        assertThat(registry.calls().count(Requests.head())).isEqualTo(20);
    }

    @Test
    void atMostOneInTwentyIsSentTwice() throws IOException {
        replace(32, true);
        resolve(20);
        holdNext();
        resolve(1);
        holdNext();
        assertThatThrownBy(() -> resolve(1)).isInstanceOf(OutageException.class);
        assertThat(client.state().hedges()).isEqualTo(new HedgeState(1, 1));
    }

    @Test
    void whatCostsAPullIsSentOnce() throws IOException {
        replace(32, true);
        registry.quota(100);
        for (int i = 0; i < 20; i++) {
            repository().fetchManifest(TAG);
        }
        holdNext();
        assertThatThrownBy(() -> repository().fetchManifest(TAG)).isInstanceOf(OutageException.class);
        assertThat(client.state().hedges().sent()).isZero();
    }

    @Test
    void nothingIsSentTwiceWhereAllSlotsAreTaken() throws IOException {
        replace(1, true);
        resolve(20);
        holdNext();
        assertThatThrownBy(() -> resolve(1)).isInstanceOf(OutageException.class);
        assertThat(client.state().hedges().sent()).isZero();
    }

    @Test
    void nothingIsSentTwiceWhereThatIsSwitchedOffOrNobodyWaits() throws IOException {
        replace(32, false);
        resolve(20);
        holdNext();
        assertThatThrownBy(() -> resolve(1)).isInstanceOf(OutageException.class);
        replace(32, true);
        RemoteRepository background = client.repository(TestWorld.NAME, Priority.BACKGROUND);
        for (int i = 0; i < 20; i++) {
            background.resolve(TAG);
        }
        holdNext();
        assertThatThrownBy(() -> background.resolve(TAG)).isInstanceOf(OutageException.class);
        assertThat(client.state().hedges().sent()).isZero();
    }

    @Test
    void whoIsInterruptedLeavesNothingBehind() throws Exception {
        resolve(20);
        registry.faults().always(Requests.manifests(), Fault.hold(never));
        registry.calls().clear();
        CompletableFuture<Throwable> failure = new CompletableFuture<>();
        Thread thread = Thread.ofVirtual().start(() -> {
            try {
                repository().resolve(TAG);
            } catch (IOException e) {
                failure.complete(Thread.currentThread().isInterrupted() ? e : new AssertionError("not interrupted"));
            }
        });
        registry.calls().await(2, Requests.head());
        thread.interrupt();
        assertThat(failure.get(20, TimeUnit.SECONDS)).isInstanceOf(OutageException.class);
        registry.faults().clear();
        for (int i = 0; i < 40; i++) {
            resolve(1);
        }
    }

    @Test
    void delayIsLongerThanNineteenOfTwentyTookAndNeverVeryShort() {
        HedgePace pace = new HedgePace();
        for (int i = 1; i <= 19; i++) {
            pace.answered(Operation.RESOLVE, TimeUnit.MILLISECONDS.toNanos(100L * i));
            assertThat(pace.begin(Operation.RESOLVE)).isEmpty();
        }
        pace.answered(Operation.RESOLVE, TimeUnit.SECONDS.toNanos(60));
        assertThat(pace.begin(Operation.RESOLVE)).hasValue(TimeUnit.MILLISECONDS.toNanos(1900));
        assertThat(pace.begin(Operation.MANIFEST)).isEmpty();
        for (int i = 0; i < 200; i++) {
            pace.answered(Operation.RESOLVE, 1);
        }
        assertThat(pace.begin(Operation.RESOLVE)).hasValue(TimeUnit.MILLISECONDS.toNanos(50));
    }

    @Test
    void answerOfTooManyRequestsIsNotGood() throws Exception {
        resolve(20);
        Gate gate = new Gate();
        registry.faults().once(Requests.head(), Fault.hold(gate));
        registry.faults().once(Requests.head().and(request -> gate.arrivals() > 0), Fault.instead(Response.of(429)));
        registry.calls().clear();
        CompletableFuture<Boolean> answer = CompletableFuture.supplyAsync(() -> {
            try {
                return repository().resolve(TAG).isPresent();
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        });
        registry.calls().await(2, Requests.head());
        gate.open();
        assertThat(answer.get(20, TimeUnit.SECONDS)).isTrue();
    }
}
