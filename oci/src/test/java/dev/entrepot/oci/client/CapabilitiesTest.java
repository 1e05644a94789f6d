package dev.entrepot.oci.client;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.testing.Abilities;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Feature;
import dev.entrepot.oci.testing.RecordedCall;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a repository has shown that it cannot do is not asked of it again for ten minutes. */
class CapabilitiesTest {
    private static final Tag TAG = new Tag("1");
    private static final byte[] INDEX = "{\"schemaVersion\":2,\"manifests\":[]}".getBytes(StandardCharsets.UTF_8);
    private static final byte[] MOVED =
            "{\"schemaVersion\":2,\"manifests\":[],\"annotations\":{}}".getBytes(StandardCharsets.UTF_8);

    private final TestWorld world = new TestWorld();
    private final TestRegistry registry = TestRegistry.started();
    private Digest index;
    private Digest blob;
    private RegistryClient client;
    private RemoteRepository repository;

    @BeforeEach
    void fill() throws IOException {
        index = registry.pushManifest("team/app", MediaType.OCI_INDEX.value(), INDEX, "1");
        blob = registry.pushBlob("team/app", new byte[] {1, 2, 3});
        client = world.client(registry.uri().toString());
        repository = client.repository(TestWorld.NAME);
    }

    @AfterEach
    void stop() {
        client.close();
        registry.close();
    }

    private CapabilityState state(Capability capability) {
        CapabilityState state = client.state().capabilities().get(capability);
        assertThat(state).isNotNull();
        return state;
    }

    private List<Integer> statuses() {
        return registry.calls().all().stream().map(RecordedCall::status).toList();
    }

    @Test
    void headOfManifestsThatIsRefusedIsNotAskedForAgainAndTheTagIsCheckedByItsETag() throws IOException {
        registry.able(Abilities.DEFAULT.without(Feature.HEAD_MANIFESTS));
        for (int i = 0; i < 3; i++) {
            assertThat(repository.resolve(TAG)).map(d -> d.digest()).contains(index);
        }
        assertThat(statuses()).containsExactly(405, 200, 304, 304);
        assertThat(state(Capability.HEAD_MANIFESTS).there()).isFalse();
        assertThat(state(Capability.CONDITIONAL).there()).isTrue();
        Digest moved = registry.pushManifest("team/app", MediaType.OCI_INDEX.value(), MOVED, "1");
        assertThat(repository.resolve(TAG)).map(d -> d.digest()).contains(moved);
        assertThat(repository.resolve(new Tag("missing"))).isEmpty();
        assertThat(registry.calls().count(Requests.head())).isEqualTo(1);
        registry.able(Abilities.DEFAULT);
        world.advance(Duration.ofMinutes(11));
        assertThat(repository.resolve(TAG)).map(d -> d.digest()).contains(moved);
        assertThat(registry.calls().count(Requests.head())).isEqualTo(2);
        assertThat(state(Capability.HEAD_MANIFESTS)).isEqualTo(new CapabilityState(true, world.instant(), 1, 0));
    }

    @Test
    void registryThatSendsTheSameAgainIsNotAskedConditionallyAnyMore() throws IOException {
        registry.able(Abilities.DEFAULT.without(Feature.HEAD_MANIFESTS, Feature.ETAGS));
        registry.faults().always(Requests.get(), Fault.header("ETag", "\"fixed\""));
        for (int i = 0; i < 4; i++) {
            assertThat(repository.resolve(TAG)).map(d -> d.digest()).contains(index);
        }
        assertThat(registry.calls().count(Requests.withHeader("If-None-Match"))).isEqualTo(1);
        assertThat(state(Capability.CONDITIONAL).there()).isFalse();
    }

    @Test
    void weakValidatorIsNotBelieved() throws IOException {
        registry.able(Abilities.DEFAULT.without(Feature.HEAD_MANIFESTS, Feature.ETAGS));
        registry.faults().always(Requests.get(), Fault.header("ETag", "W/\"weak\""));
        repository.resolve(TAG);
        repository.resolve(TAG);
        assertThat(registry.calls().count(Requests.withHeader("If-None-Match"))).isZero();
    }

    @Test
    void headOfBlobsThatIsRefusedIsNotAskedForAgain() throws IOException {
        registry.able(Abilities.DEFAULT.without(Feature.HEAD_BLOBS));
        for (int i = 0; i < 3; i++) {
            assertThat(repository.statBlob(blob)).contains(OptionalLong.of(3));
        }
        assertThat(registry.calls().count(Requests.head())).isEqualTo(1);
        assertThat(state(Capability.HEAD_BLOBS).there()).isFalse();
        assertThat(state(Capability.RANGES).there()).isTrue();
    }

    @Test
    void rangesThatAreIgnoredAreKnownToBeForTenMinutes() throws IOException {
        registry.able(Abilities.DEFAULT.without(Feature.RANGES));
        assertThat(repository.ignoresRanges()).isFalse();
        try (BlobBody body = repository.openBlob(blob, ByteRange.from(1))) {
            assertThat(body.offset()).isZero();
        }
        assertThat(repository.ignoresRanges()).isTrue();
        assertThat(client.repository(new RepositoryName("team/other")).ignoresRanges())
                .isFalse();
        world.advance(Duration.ofMinutes(11));
        assertThat(repository.ignoresRanges()).isFalse();
        assertThat(state(Capability.RANGES).without()).isZero();
    }

    @Test
    void mountsThatAreRefusedAsSuchAreNotTriedAgain() throws IOException {
        registry.faults().always(Requests.uploads(), Fault.status(405));
        assertThat(repository.mountBlob(blob, new RepositoryName("team/other"))).isFalse();
        assertThat(repository.mountBlob(blob, new RepositoryName("team/other"))).isFalse();
        assertThat(registry.calls().count(Requests.uploads())).isEqualTo(1);
        registry.faults().clear();
        registry.pushBlob("team/other", new byte[] {1, 2, 3});
        world.advance(Duration.ofMinutes(11));
        assertThat(repository.mountBlob(blob, new RepositoryName("team/other"))).isTrue();
        assertThat(state(Capability.MOUNTS).there()).isTrue();
    }

    @Test
    void mountsAreRememberedOfEachRepositoryByItself() throws IOException {
        RemoteRepository other = client.repository(new RepositoryName("team/other"));
        registry.faults().always(Requests.uploads().and(Requests.repository("team/other")), Fault.status(405));
        registry.pushBlob("team/third", new byte[] {1, 2, 3});

        assertThat(other.mountBlob(blob, new RepositoryName("team/third"))).isFalse();
        assertThat(repository.mountBlob(blob, new RepositoryName("team/third"))).isTrue();

        assertThat(state(Capability.MOUNTS)).isEqualTo(new CapabilityState(true, world.instant(), 1, 1));
        world.advance(Duration.ofMinutes(11));
        assertThat(state(Capability.MOUNTS).with() + state(Capability.MOUNTS).without())
                .isZero();
    }

    @Test
    void mountThatIsNoAnswerToTheQuestionIsNotRememberedAndLeavesNoSession() throws IOException {
        assertThat(repository.mountBlob(blob, new RepositoryName("team/nowhere")))
                .isFalse();

        assertThat(client.state().capabilities()).doesNotContainKey(Capability.MOUNTS);
        assertThat(registry.uploadsOpen()).isZero();
    }

    @Test
    void probeFindsOutAllThatCanBeReadAndWritesNothing() throws IOException {
        Sample sample = new Sample(TestWorld.NAME, index, Optional.of(blob));
        client.probe(sample);
        assertThat(client.state().capabilities())
                .containsOnlyKeys(
                        Capability.REFERRERS,
                        Capability.RANGES,
                        Capability.HEAD_MANIFESTS,
                        Capability.HEAD_BLOBS,
                        Capability.CONDITIONAL)
                .allSatisfy((capability, state) -> assertThat(state)
                        .as(capability.label())
                        .isEqualTo(new CapabilityState(true, world.instant(), 1, 0)));
        assertThat(registry.calls().all())
                .hasSize(5)
                .extracting(call -> call.request().method())
                .containsOnly("GET", "HEAD");

        registry.able(Abilities.DEFAULT.without(
                Feature.HEAD_MANIFESTS, Feature.HEAD_BLOBS, Feature.RANGES, Feature.REFERRERS_API));
        world.advance(Duration.ofMinutes(11));
        client.probe(sample);
        assertThat(state(Capability.HEAD_MANIFESTS).there()).isFalse();
        assertThat(state(Capability.HEAD_BLOBS).there()).isFalse();
        assertThat(state(Capability.RANGES).there()).isFalse();
        assertThat(state(Capability.REFERRERS).there()).isFalse();
    }

    @Test
    void probeCostsNoPullWhereTheyAreCounted() throws IOException {
        registry.quota(10);
        try (RegistryClient counted =
                new RegistryClient(client.endpoint(), Safeguards.shared(QuotaReserve.DEFAULT), world.environment())) {
            counted.probe(new Sample(TestWorld.NAME, index, Optional.of(blob)));
            assertThat(counted.state().capabilities()).containsKey(Capability.HEAD_MANIFESTS);
        }
        assertThat(registry.calls().count(Requests.get().and(Requests.manifests())))
                .isZero();
    }

    @Test
    void repositoriesOfOneRegistryAreCountedApart() throws IOException {
        registry.pushManifest("team/other", MediaType.OCI_INDEX.value(), INDEX, "1");
        registry.faults().always(Requests.head().and(Requests.repository("team/other")), Fault.status(405));
        repository.resolve(TAG);
        client.repository(new RepositoryName("team/other")).resolve(TAG);
        assertThat(state(Capability.HEAD_MANIFESTS)).isEqualTo(new CapabilityState(false, world.instant(), 1, 1));
    }
}
