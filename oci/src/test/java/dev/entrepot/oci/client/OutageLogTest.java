package dev.entrepot.oci.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.OutageException.Reason;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.LogLines;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** An outage is in the log when it begins and when it ends, whoever is served meanwhile. */
class OutageLogTest {
    private static final Tag TAG = new Tag("1");

    private final LogLines log = LogLines.of(OutageLog.class);
    private final List<String> said = log.lines();
    private final TestWorld world = new TestWorld();
    private final TestRegistry registry = TestRegistry.started();
    private RegistryClient client;
    private RemoteRepository repository;

    @BeforeEach
    void open() throws IOException {
        byte[] index = "{\"schemaVersion\":2,\"manifests\":[]}".getBytes(StandardCharsets.UTF_8);
        registry.pushManifest("team/app", MediaType.OCI_INDEX.value(), index, "1");
        client = new RegistryClient(
                TestWorld.endpoint(registry.uri().toString()),
                Safeguards.shared(QuotaReserve.DEFAULT),
                world.environment());
        repository = client.repository(TestWorld.NAME);
    }

    @AfterEach
    void stop() {
        log.close();
        client.close();
        registry.close();
    }

    private OutageException outage() {
        return catchThrowableOfType(OutageException.class, () -> repository.resolve(TAG));
    }

    private void outage(int requests) {
        registry.faults().always(Requests.manifests(), Fault.status(500));
        for (int i = 0; i < requests; i++) {
            outage();
        }
    }

    private void answer() throws IOException {
        registry.faults().clear();
        assertThat(repository.resolve(TAG)).isPresent();
    }

    @Test
    void outageIsSaidOnceAndItsEndTooAndTheNextOneAgain() throws IOException {
        for (int i = 0; i < 2; i++) {
            said.clear();
            registry.stop();
            for (int request = 0; request < 40; request++) {
                outage();
            }
            assertThat(said)
                    .containsExactly("WARNING registry.test is out (metadata): " + registry.host()
                            + " refused the connection; what is kept is served; asked again at "
                            + world.instant().plusSeconds(10).truncatedTo(ChronoUnit.SECONDS));
            world.advance(Duration.ofSeconds(10));
            outage();
            assertThat(said).hasSize(1);
            world.advance(Duration.ofSeconds(20));
            registry.start();
            answer();
            answer();
            assertThat(said).hasSize(2).last().isEqualTo("INFO registry.test answers again (metadata), after 30 s");
        }
    }

    @Test
    void refusalOfTheBreakerSaysWhatOpenedIt() {
        outage(5);
        OutageException refusal = outage();
        assertThat(refusal.reason()).isEqualTo(Reason.NOT_ASKED);
        assertThat(refusal)
                .hasMessageContaining(registry.host() + " is not asked after its last outages (answered 500); again at "
                        + "2026-11-20T10:00:10Z");
        assertThat(repository.outage())
                .hasValueSatisfying(known -> assertThat(known)
                        .hasMessageContaining(
                                "the registry is not asked after its last outages (answered 500); again"));
    }

    @Test
    void registryThatComesAndGoesDoesNotFillTheLogAndAnOutageThatLastsIsSaidInTheEnd() throws IOException {
        for (int i = 0; i < 20; i++) {
            outage(6);
            world.advance(Duration.ofSeconds(10));
            answer();
        }
        assertThat(said).hasSize(12);
        assertThat(said.get(10)).contains("that no other outage is said before 2026-11-20T11:00:00Z");
        outage(6);
        world.advance(Duration.ofHours(1));
        outage();
        assertThat(said).hasSize(13);
        assertThat(said.getLast()).contains("is out (metadata) since 2026-11-20T10:03:20Z: ");
        world.advance(Duration.ofMinutes(2));
        answer();
        assertThat(said).hasSize(14).last().asString().endsWith("after 62 min");
    }

    @Test
    void outageBeginsWhenTheFirstRequestWasSentThatWaitedInVain() throws IOException {
        CountDownLatch end = new CountDownLatch(1);
        registry.faults().always(Requests.manifests(), Fault.first(() -> {
            world.advance(Duration.ofSeconds(60));
            end.await();
        }));
        RegistryEndpoint impatient = TestWorld.endpoint(registry.uri().toString())
                .withTimeouts(Duration.ofSeconds(2), Duration.ofMillis(200));
        try (RegistryClient waiting =
                new RegistryClient(impatient, Safeguards.shared(QuotaReserve.DEFAULT), world.environment())) {
            RemoteRepository app = waiting.repository(TestWorld.NAME);
            assertThat(catchThrowableOfType(OutageException.class, () -> app.resolve(TAG))
                            .reason())
                    .isEqualTo(Reason.TIMEOUT);
            assertThat(said).singleElement().asString().contains("is out (metadata) since 2026-11-20T10:00:00Z: ");
            world.advance(Duration.ofSeconds(14));
            registry.faults().clear();
            assertThat(app.resolve(TAG)).isPresent();
            assertThat(said).hasSize(2).last().isEqualTo("INFO registry.test answers again (metadata), after 74 s");
        } finally {
            end.countDown();
        }
    }

    @Test
    void outageOfAMirrorIsSaidTooAndWhoseMirrorItIs() throws IOException {
        MirrorEndpoint mirror = MirrorEndpoint.open(
                RegistryHost.parse("docker.io"),
                TestWorld.endpoint(registry.uri().toString()),
                Optional.of(new RepositoryName("hub")),
                true,
                Safeguards.shared(QuotaReserve.DEFAULT).ofMirror(),
                world.environment());
        try (RegistryClient there = mirror.client()) {
            registry.stop();
            for (int i = 0; i < 6; i++) {
                catchThrowableOfType(
                        OutageException.class,
                        () -> there.repository(TestWorld.NAME).resolve(TAG));
            }
            assertThat(said)
                    .singleElement()
                    .asString()
                    .startsWith("WARNING docker.io via registry.test/hub is out (metadata): ")
                    .contains("refused the connection; the next place is asked;");
        }
    }

    @Test
    void ofACommandThatServesNobodyItIsNotSaidThatWhatIsKeptIsServed() throws IOException {
        try (RegistryClient command = new RegistryClient(
                TestWorld.endpoint(registry.uri().toString()).withoutClients(),
                Safeguards.shared(QuotaReserve.DEFAULT),
                world.environment())) {
            registry.stop();
            for (int i = 0; i < 6; i++) {
                catchThrowableOfType(
                        OutageException.class,
                        () -> command.repository(TestWorld.NAME).resolve(TAG));
            }
            assertThat(said)
                    .singleElement()
                    .asString()
                    .contains("refused the connection; what is asked of it fails until it answers;");
        }
    }

    @Test
    void outagesThatAreOverAreCounted() throws IOException {
        outage(6);
        assertThat(client.outagesOver()).isZero();
        client.ping();
        assertThat(client.outagesOver()).isOne();
        assertThat(said).hasSize(2);
    }
}
