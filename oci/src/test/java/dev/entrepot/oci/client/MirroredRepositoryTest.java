package dev.entrepot.oci.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.testing.Access;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Content;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Gate;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.Response;
import dev.entrepot.oci.testing.TestRegistry;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A registry with a mirror that is believed about tags and one that is not: who is asked, and whose answer counts. */
class MirroredRepositoryTest {
    private static final Tag TAG = new Tag("1");
    private static final String APP = "team/app";

    private final TestWorld world = new TestWorld();
    private final TestRegistry registry = TestRegistry.started();
    private final TestRegistry copy = TestRegistry.started();
    private final TestRegistry cache = TestRegistry.started();
    private final Gate never = new Gate();
    private final Images images = new Images(3);
    private final Bundle image = images.image(100_000);
    private final Digest layer = layer(image);
    private RegistryClient client;
    private RepositorySource repository;

    @BeforeEach
    void fill() throws IOException {
        registry.push(APP, image, "1");
        client = new RegistryClient(
                TestWorld.endpoint(registry.uri().toString())
                        .withCredentials(CredentialSource.fixed(new Credential.UserPassword("robot", "secret"))),
                Safeguards.shared(QuotaReserve.DEFAULT),
                List.of(mirror(copy, Optional.empty(), true), mirror(cache, Optional.of("proxy/hub"), false)),
                world.environment());
        repository = client.source(TestWorld.NAME, Priority.INTERACTIVE);
    }

    private MirrorEndpoint mirror(TestRegistry at, Optional<String> prefix, boolean resolves) throws IOException {
        RegistryEndpoint endpoint =
                RegistryEndpoint.of(at.host(), at.uri()).withTimeouts(Duration.ofSeconds(1), Duration.ofMillis(300));
        return new MirrorEndpoint(
                new RegistryClient(
                        endpoint, Safeguards.shared(QuotaReserve.DEFAULT).ofMirror(), world.environment()),
                prefix.map(RepositoryName::new),
                resolves);
    }

    private static Digest layer(Bundle image) {
        return image.blobs().entrySet().stream()
                .filter(blob -> blob.getValue().bytes().length == 100_000)
                .map(Map.Entry::getKey)
                .findFirst()
                .orElseThrow();
    }

    @AfterEach
    void stop() {
        never.open();
        client.close();
        registry.close();
        copy.close();
        cache.close();
    }

    private byte[] bytes(long from) throws IOException {
        try (BlobBody body = repository.openBlob(layer, ByteRange.from(from));
                InputStream in = body.stream()) {
            return in.readAllBytes();
        }
    }

    private byte[] layerBytes() {
        return image.blobs().get(layer).bytes();
    }

    @Test
    void whatMirrorsHaveIsNotAskedOfTheRegistry() throws IOException {
        copy.push(APP, image, "1");
        assertThat(repository.resolve(TAG)).map(d -> d.digest()).contains(image.digest());
        assertThat(repository.fetchManifest(TAG).digest()).isEqualTo(image.digest());
        assertThat(repository.fetchManifest(image.digest()).array())
                .isEqualTo(image.root().array());
        assertThat(repository.statBlob(layer)).isPresent();
        assertThat(bytes(0)).isEqualTo(layerBytes());
        assertThat(registry.calls().all()).isEmpty();
        assertThat(cache.calls().all()).isEmpty();
        assertThat(client.mirrors().getFirst().answered()).isEqualTo(5);
        assertThat(client.mirrors().getFirst().passedOn()).isZero();
    }

    @Test
    void reserveOfTheRegistryIsKeptWhileAllMirrorsAreOut() throws IOException {
        registry.quota(4);
        for (int i = 0; i < 3; i++) {
            client.repository(TestWorld.NAME).fetchManifest(TAG);
        }
        assertThat(client.repository(TestWorld.NAME).reserved()).isPresent();
        assertThat(repository.reserved()).as("a mirror may have it for nothing").isEmpty();

        copy.stop();
        for (int i = 0; i < 5; i++) {
            repository.resolve(image.digest());
        }
        assertThat(repository.reserved()).as("and so may the other").isEmpty();
        cache.stop();
        for (int i = 0; i < 5; i++) {
            repository.resolve(image.digest());
        }
        assertThat(repository.reserved()).isPresent();
    }

    @Test
    void mirrorThatIsNotBelievedAboutTagsIsAskedByDigestOnlyAndUnderItsPrefix() throws IOException {
        cache.push("proxy/hub/" + APP, images.image(10), "1");
        cache.push("proxy/hub/" + APP, image);
        assertThat(repository.resolve(TAG)).map(d -> d.digest()).contains(image.digest());
        assertThat(repository.fetchManifest(TAG).digest()).isEqualTo(image.digest());
        assertThat(cache.calls().all()).isEmpty();
        registry.calls().clear();
        assertThat(repository.fetchManifest(image.digest()).digest()).isEqualTo(image.digest());
        assertThat(bytes(0)).isEqualTo(layerBytes());
        assertThat(registry.calls().all()).isEmpty();
        assertThat(repository.repository())
                .isEqualTo(client.repository(TestWorld.NAME).repository());
    }

    @Test
    void whateverAMirrorAnswersInsteadTheNextIsAskedAtOnce() throws IOException {
        for (Fault fault : List.of(
                Fault.status(404),
                Fault.status(401),
                Fault.status(403),
                Fault.status(400),
                Fault.error(429, "TOOMANYREQUESTS"),
                Fault.status(500),
                Fault.instead(Response.of(503).header("Retry-After", "20")),
                Fault.body("{\"schemaVersion\":2,\"layers\":[]}".getBytes(StandardCharsets.UTF_8)),
                Fault.answer(response ->
                        response.withBody(Content.of(new byte[] {1, 2, 3})).header("Content-Encoding", "br")),
                Fault.hangUp())) {
            copy.faults().clear();
            copy.faults().always(Requests.any(), fault);
            copy.push(APP, image, "1");
            assertThat(repository.fetchManifest(image.digest()).array())
                    .isEqualTo(image.root().array());
        }
        RepositorySource background = client.source(TestWorld.NAME, Priority.BACKGROUND);
        copy.faults().clear();
        copy.faults().always(Requests.any(), Fault.instead(Response.of(429).header("Retry-After", "20")));
        assertThat(background.resolve(TAG)).isPresent();
        assertThat(world.pauses).allSatisfy(pause -> assertThat(pause).isLessThan(Duration.ofSeconds(1)));
    }

    @Test
    void mirrorThatNeverAnswersCostsItsTimeOutOnceAndOneThatIsDownNothing() throws IOException {
        cache.stop();
        Gate gate = never;
        copy.faults().always(Requests.any(), Fault.hold(gate));
        for (int i = 0; i < 20; i++) {
            assertThat(repository.fetchManifest(image.digest()).digest()).isEqualTo(image.digest());
        }
        assertThat(copy.calls().count(Requests.any())).isEqualTo(1);
        assertThat(client.mirrors().getFirst().passedOn()).isEqualTo(20);
    }

    @Test
    void breakersAreOfEachPlaceAndOfEachKindOfRequest() throws IOException {
        copy.faults().always(Requests.manifests(), Fault.hold(never));
        repository.resolve(TAG);

        Map<OperationClass, BreakerState> ofTheMirror =
                client.mirrors().getFirst().client().state().breakers();
        assertThat(ofTheMirror.get(OperationClass.METADATA))
                .extracting(BreakerState::position)
                .isEqualTo(BreakerState.Position.OPEN);
        assertThat(ofTheMirror.get(OperationClass.BLOBS))
                .extracting(BreakerState::position)
                .isEqualTo(BreakerState.Position.CLOSED);
        for (RegistryClient other : List.of(client, client.mirrors().getLast().client())) {
            assertThat(other.state().breakers().values())
                    .extracting(BreakerState::position)
                    .containsOnly(BreakerState.Position.CLOSED);
        }
    }

    @Test
    void onlyTheRegistrySaysThatSomethingIsNotThere() throws IOException {
        assertThat(repository.resolve(new Tag("missing"))).isEmpty();
        assertThatThrownBy(() -> repository.fetchManifest(new Tag("missing"))).isInstanceOf(NotFoundException.class);
        registry.faults().always(Requests.any(), Fault.status(500));
        OutageException outage = catchThrowableOfType(OutageException.class, () -> repository.resolve(TAG));
        assertThat(outage).hasMessageContaining("127.0.0.1:" + registry.server().port());
        assertThatThrownBy(() -> repository.fetchManifest(TAG)).isInstanceOf(OutageException.class);
        assertThatThrownBy(() -> repository.statBlob(layer)).isInstanceOf(OutageException.class);
        assertThatThrownBy(() -> repository.openBlob(layer, ByteRange.ALL)).isInstanceOf(OutageException.class);
    }

    @Test
    void bodyThatBreaksOffAtAMirrorGoesOnAtTheNextPlace() throws IOException {
        copy.push(APP, image, "1");
        copy.faults().always(Requests.blobs(), Fault.resetAfter(40_000));
        byte[] begun;
        try (BlobBody body = repository.openBlob(layer, ByteRange.ALL)) {
            begun = body.stream().readNBytes(40_000);
            assertThatThrownBy(() -> body.stream().read()).isInstanceOf(OutageException.class);
        }
        assertThat(begun).isEqualTo(Arrays.copyOf(layerBytes(), 40_000));
        assertThat(bytes(40_000)).isEqualTo(Arrays.copyOfRange(layerBytes(), 40_000, 100_000));
        assertThat(registry.calls().count(Requests.blob(layer).and(Requests.withHeader("Range"))))
                .isEqualTo(1);
        world.advance(Duration.ofMinutes(2));
        copy.faults().clear();
        registry.calls().clear();
        assertThat(bytes(0)).isEqualTo(layerBytes());
        assertThat(registry.calls().all()).isEmpty();
    }

    @Test
    void bodyThatBrokeOffIsTakenUpAtTheSameMirrorIfTheRegistryIsOut() throws IOException {
        copy.push(APP, image, "1");
        copy.faults().once(Requests.blobs(), Fault.truncateAfter(40_000));
        registry.stop();
        try (BlobBody body = repository.openBlob(layer, ByteRange.ALL)) {
            assertThatThrownBy(() -> body.stream().readAllBytes()).isInstanceOf(OutageException.class);
        }
        assertThat(bytes(40_000)).isEqualTo(Arrays.copyOfRange(layerBytes(), 40_000, 100_000));
    }

    @Test
    void blobThatTurnedOutToBeAnotherIsAskedOfTheRegistryFromThenOn() throws IOException {
        copy.push(APP, image, "1");
        copy.faults().always(Requests.blobs(), Fault.corruptAt(7));
        assertThat(bytes(0)).isNotEqualTo(layerBytes());
        repository.refuted(layer);
        assertThat(bytes(0)).isEqualTo(layerBytes());
        assertThat(repository.statBlob(layer)).isPresent();
        assertThat(copy.calls().count(Requests.blob(layer))).isEqualTo(1);
        copy.faults().clear();
        world.advance(Duration.ofMinutes(11));
        assertThat(bytes(0)).isEqualTo(layerBytes());
        assertThat(copy.calls().count(Requests.blob(layer))).isEqualTo(2);
    }

    @Test
    void referrersOfAMirrorAreBelievedUnlessThereAreNone() throws IOException {
        Bundle signature = images.referrer(image, "application/vnd.example.sig");
        registry.push(APP, signature);
        copy.push(APP, image, "1");
        assertThat(repository.referrers(image.digest()).descriptors())
                .extracting(d -> d.digest())
                .containsExactly(signature.digest());
        assertThat(copy.calls().count(Requests.referrers())).isEqualTo(1);
        registry.faults().always(Requests.any(), Fault.status(500));
        assertThatThrownBy(() -> repository.referrers(image.digest())).isInstanceOf(OutageException.class);
        copy.push(APP, signature);
        Referrers found = repository.referrers(image.digest());
        assertThat(found.descriptors()).extracting(d -> d.digest()).containsExactly(signature.digest());
        assertThat(cache.calls().count(Requests.referrers())).isZero();
    }

    @Test
    void tagListIsThatOfTheRegistry() throws IOException {
        copy.push(APP, image, "only-here");
        assertThat(repository.listTags(Optional.empty()).tags()).containsExactly(TAG);
        assertThat(copy.calls().all()).isEmpty();
    }

    @Test
    void credentialsOfTheRegistryAreNotForItsMirrors() throws IOException {
        registry.open(new Access.Basic("robot", "secret"));
        copy.push(APP, image, "1");
        copy.open(new Access.Basic("robot", "secret"));
        assertThat(repository.fetchManifest(TAG).digest()).isEqualTo(image.digest());
        assertThat(copy.calls().all()).isNotEmpty();
        assertThat(copy.calls().count(Requests.withHeader("Authorization"))).isZero();
        assertThat(registry.calls().count(Requests.withHeader("Authorization"))).isPositive();
    }

    @Test
    void whoIsInterruptedAsksNobodyElse() {
        copy.faults().always(Requests.any(), Fault.status(500));
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> repository.resolve(TAG)).isInstanceOf(OutageException.class);
        assertThat(Thread.interrupted()).isTrue();
        assertThat(registry.calls().all()).isEmpty();
    }
}
