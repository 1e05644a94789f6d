package dev.entrepot.oci.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.Response;
import dev.entrepot.oci.testing.TestRegistry;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** Somebody sets the wall clock while the program runs. */
class SteadyClockTest {
    private static final Tag MISSING = new Tag("missing");

    private final TestWorld wall = new TestWorld();
    private final AtomicLong nanos = new AtomicLong(77);

    private RegistryClient client(TestRegistry registry) throws IOException {
        return new RegistryClient(
                TestWorld.endpoint(registry.uri().toString()),
                Safeguards.shared(QuotaReserve.DEFAULT),
                wall.environment().withNanoTime(nanos::get));
    }

    private void pass(Duration duration) {
        nanos.addAndGet(duration.toNanos());
        wall.advance(duration);
    }

    @Test
    void goesOnAsNanosecondsDoAndIsShownAsTheWallClockStands() {
        SteadyClock clock = new SteadyClock(wall, nanos::get);
        Instant start = wall.instant();
        wall.advance(Duration.ofHours(-2));
        nanos.addAndGet(Duration.ofSeconds(5).toNanos());
        assertThat(clock.instant()).isEqualTo(start.plusSeconds(5));
        Instant soon = clock.instant().plusSeconds(10);
        assertThat(clock.onWall(soon)).isEqualTo(wall.instant().plusSeconds(10));
        assertThat(clock.ofWall(clock.onWall(soon))).isEqualTo(soon);
    }

    @Test
    void breakerThatOpenedBeforeTheClockWasSetBackLetsItsProbeThroughInTime() throws IOException {
        try (TestRegistry registry = TestRegistry.started();
                RegistryClient client = client(registry)) {
            RemoteRepository repository = client.repository(TestWorld.NAME);
            registry.faults().always(Requests.manifests(), Fault.status(500));
            for (int i = 0; i < 5; i++) {
                assertThatThrownBy(() -> repository.resolve(MISSING)).isInstanceOf(OutageException.class);
            }
            registry.faults().clear();
            wall.advance(Duration.ofHours(-1));
            assertThatThrownBy(() -> repository.resolve(MISSING)).hasMessageContaining("again at 2026-11-20T09:00:10Z");
            BreakerState state = client.state().breakers().get(OperationClass.METADATA);
            assertThat(state).isNotNull();
            assertThat(state.until()).contains(wall.instant().plusSeconds(10));
            pass(Duration.ofSeconds(10));
            assertThat(repository.resolve(MISSING)).isEmpty();
        }
    }

    @Test
    void holdAndQuotaEndInTimeThoughTheClockWasSetBack() throws IOException {
        try (TestRegistry registry = TestRegistry.started();
                RegistryClient client = client(registry)) {
            RemoteRepository repository = client.repository(TestWorld.NAME);
            registry.faults()
                    .once(Requests.manifests(), Fault.instead(Response.of(429).header("Retry-After", "30")));
            assertThatThrownBy(() -> repository.resolve(MISSING)).isInstanceOf(OutageException.class);
            wall.advance(Duration.ofHours(-1));
            pass(Duration.ofSeconds(29));
            assertThatThrownBy(() -> repository.resolve(MISSING)).hasMessageContaining("left alone");
            pass(Duration.ofSeconds(1));
            assertThat(repository.resolve(MISSING)).isEmpty();

            registry.faults()
                    .always(
                            Requests.manifests(),
                            Fault.instead(Response.of(404)
                                    .header("RateLimit-Limit", "100;w=600")
                                    .header("RateLimit-Remaining", "0;w=600")));
            assertThat(repository.resolve(MISSING)).isEmpty();
            assertThatThrownBy(() -> repository.fetchManifest(MISSING)).hasMessageContaining("none of 100 pulls");
            wall.advance(Duration.ofHours(-1));
            assertThat(client.state().quotas().getFirst().stoppedUntil())
                    .contains(wall.instant().plusSeconds(600));
            registry.faults().clear();
            pass(Duration.ofSeconds(600));
            assertThatThrownBy(() -> repository.fetchManifest(MISSING)).hasMessageContaining("404");
        }
    }
}
