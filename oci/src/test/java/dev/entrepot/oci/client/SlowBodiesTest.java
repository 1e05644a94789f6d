package dev.entrepot.oci.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.OutageException.Reason;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Gate;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A registry with one slot for requests, and so four for bodies, all of which are slow. */
class SlowBodiesTest {
    private static final int BODIES = 4;
    private static final int HEAD_BYTES = 1000;

    private final TestWorld world = new TestWorld();
    private final TestRegistry registry = TestRegistry.started();
    private final Gate gate = new Gate();
    private final List<BlobBody> bodies = new ArrayList<>();
    private Digest blob = Digest.sha256(new byte[0]);

    @BeforeEach
    void fill() {
        registry.push("team/app", new Images(1).image(100), "1");
        blob = registry.pushBlob("team/app", new Images(2).randomBytes(100_000));
        registry.faults().always(Requests.blob(blob), Fault.stallAfter(HEAD_BYTES, gate));
    }

    @AfterEach
    void close() throws IOException {
        gate.open();
        for (BlobBody body : bodies) {
            body.close();
        }
        registry.close();
    }

    private RegistryClient client(Duration progressTimeout) throws IOException {
        return new RegistryClient(
                TestWorld.endpoint(registry.uri().toString())
                        .withMaxConcurrentRequests(1)
                        .withTimeouts(Duration.ofSeconds(5), progressTimeout),
                world.environment());
    }

    private void takeAllBodies(RemoteRepository repository) throws IOException {
        for (int i = 0; i < BODIES; i++) {
            bodies.add(repository.openBlob(blob, ByteRange.ALL));
        }
    }

    @Test
    void manifestsAreAnsweredAtOnceWhileAllBodiesAreSlow() throws IOException {
        try (RegistryClient client = client(Duration.ofSeconds(30))) {
            RemoteRepository repository = client.repository(TestWorld.NAME);
            takeAllBodies(repository);

            assertThat(repository.fetchManifest(new Tag("1")).sizeBytes()).isPositive();
            assertThat(repository.resolve(new Tag("1"))).isPresent();
            assertThat(repository.statBlob(blob)).isPresent();
        }
    }

    @Test
    void oneBodyMoreWaitsWithoutARequestUntilOneEnds() throws Exception {
        try (RegistryClient client = client(Duration.ofSeconds(30))) {
            RemoteRepository repository = client.repository(TestWorld.NAME);
            takeAllBodies(repository);
            AtomicReference<Thread> thread = new AtomicReference<>();
            CompletableFuture<BlobBody> waiting = open(repository, thread);
            while (thread.get().getState() != Thread.State.TIMED_WAITING) {
                Thread.onSpinWait();
            }
            assertThat(waiting).isNotDone();
            assertThat(registry.calls().gets(blob)).isEqualTo(BODIES);
            assertThat(repository.resolve(new Tag("1"))).isPresent();

            bodies.getFirst().close();

            bodies.add(waiting.get(10, TimeUnit.SECONDS));
            assertThat(registry.calls().gets(blob)).isEqualTo(BODIES + 1);
        }
    }

    private CompletableFuture<BlobBody> open(RemoteRepository repository, AtomicReference<Thread> thread) {
        CompletableFuture<BlobBody> result = new CompletableFuture<>();
        thread.set(Thread.ofPlatform().daemon().start(() -> {
            try {
                result.complete(repository.openBlob(blob, ByteRange.ALL));
            } catch (IOException e) {
                result.completeExceptionally(e);
            }
        }));
        return result;
    }

    @Test
    void bodyThatWasReadToItsEndGivesItsSlotBackBeforeItIsClosed() throws IOException {
        gate.open();
        try (RegistryClient client = client(Duration.ofMillis(200))) {
            RemoteRepository repository = client.repository(TestWorld.NAME);
            takeAllBodies(repository);
            assertThat(bodies.getFirst().stream().readNBytes(100_000)).hasSize(100_000);

            bodies.add(repository.openBlob(blob, ByteRange.ALL));
        }
    }

    @Test
    void whoWaitsGivesUpOnlyWhenNothingMoves() throws IOException {
        try (RegistryClient client = client(Duration.ofMillis(100))) {
            RemoteRepository repository = client.repository(TestWorld.NAME);
            takeAllBodies(repository);

            assertThatThrownBy(() -> repository.openBlob(blob, ByteRange.ALL))
                    .isInstanceOfSatisfying(
                            OutageException.class, e -> assertThat(e.reason()).isEqualTo(Reason.NOT_ASKED));
        }
    }
}
