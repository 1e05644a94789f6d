package dev.entrepot.oci.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.LogLines;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.Response;
import dev.entrepot.oci.testing.TestRegistry;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** That a registry limits what is asked of it is in the log, when it begins and when it ends. */
class LimitLogTest {
    private static final Tag TAG = new Tag("1");

    private final LogLines log = LogLines.of(LimitLog.class);
    private final List<String> said = log.lines();
    private final TestWorld world = new TestWorld();
    private final TestRegistry registry = TestRegistry.started();
    private Digest image;
    private RegistryClient client;
    private RemoteRepository repository;

    @BeforeEach
    void open() throws IOException {
        byte[] index = "{\"schemaVersion\":2,\"manifests\":[]}".getBytes(StandardCharsets.UTF_8);
        image = registry.pushManifest("team/app", MediaType.OCI_INDEX.value(), index, "1");
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

    private void refuse() {
        registry.faults()
                .once(Requests.manifests(), Fault.instead(Response.of(429).header("Retry-After", "30")));
        assertRefused(repository);
    }

    private static void assertRefused(RemoteRepository repository) {
        assertThatThrownBy(() -> repository.resolve(TAG)).isInstanceOf(OutageException.class);
    }

    @Test
    void timeToBeLeftAloneIsSaidOnceAndItsEndWithTheFirstAnswer() throws IOException {
        refuse();
        assertRefused(repository);
        assertThat(said)
                .containsExactly(
                        "WARNING registry.test answered 429 (rate): nothing is asked of it until 2026-11-20T10:00:30Z");
        world.advance(Duration.ofSeconds(30));
        refuse();
        assertThat(said).as("not over yet").hasSize(1);
        world.advance(Duration.ofSeconds(36));
        assertThat(repository.resolve(TAG)).isPresent();
        assertThat(repository.resolve(TAG)).isPresent();
        assertThat(said).hasSize(2).last().isEqualTo("INFO registry.test answers again (rate), after 66 s");
    }

    @Test
    void quotaThatIsUsedUpIsSaidOnceAndThatThereAreMorePullsToo() throws IOException {
        registry.quota(1);
        repository.fetchManifest(image);
        assertThatThrownBy(() -> repository.fetchManifest(image)).isInstanceOf(OutageException.class);
        assertThat(repository.resolve(TAG)).isPresent();
        assertThat(said)
                .containsExactly("WARNING registry.test has no pulls left for anonymous: no manifest is fetched,"
                        + " at the latest until 2026-11-20T16:00:00Z");
        world.advance(Duration.ofMinutes(10));
        registry.quota(5);
        assertThat(repository.resolve(TAG)).isPresent();
        assertThat(said).hasSize(2).last().isEqualTo("INFO registry.test has pulls again for anonymous, after 10 min");
    }

    @Test
    void registryThatLimitsAgainAndAgainDoesNotFillTheLog() throws IOException {
        for (int i = 0; i < 20; i++) {
            refuse();
            world.advance(Duration.ofSeconds(30));
            assertThat(repository.resolve(TAG)).isPresent();
        }
        assertThat(said).hasSize(12);
        assertThat(said.get(10)).endsWith("that no other limit is said before 2026-11-20T11:00:00Z");
    }

    @Test
    void limitsOfAClientsOwnCredentialAreNotSaid() {
        RegistryClient shown = client.showing(new Credential.UserPassword("somebody", "secret"));
        registry.faults()
                .always(Requests.manifests(), Fault.instead(Response.of(429).header("Retry-After", "30")));
        assertRefused(shown.repository(TestWorld.NAME));
        assertThat(said).isEmpty();
    }
}
