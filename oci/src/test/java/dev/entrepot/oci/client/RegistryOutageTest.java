package dev.entrepot.oci.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.OutageException.Reason;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.client.BreakerState.Position;
import dev.entrepot.oci.testing.Access;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Gate;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.Response;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.oci.testing.TokenService;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A client before a registry that is out: how often it asks, and what of. */
class RegistryOutageTest {
    private static final Tag TAG = new Tag("1");

    private final TestWorld world = new TestWorld();
    private final TestRegistry registry = TestRegistry.started();
    private final Gate never = new Gate();
    private Digest blob;
    private RegistryClient client;
    private RemoteRepository repository;

    @BeforeEach
    void fill() throws IOException {
        byte[] index = "{\"schemaVersion\":2,\"manifests\":[]}".getBytes(StandardCharsets.UTF_8);
        registry.pushManifest("team/app", MediaType.OCI_INDEX.value(), index, "1");
        blob = registry.pushBlob("team/app", new byte[] {1, 2, 3});
        client = new RegistryClient(
                TestWorld.endpoint(registry.uri().toString())
                        .withTimeouts(Duration.ofSeconds(1), Duration.ofMillis(200)),
                Safeguards.shared(QuotaReserve.DEFAULT),
                world.environment());
        repository = client.repository(TestWorld.NAME);
    }

    @AfterEach
    void stop() {
        never.open();
        client.close();
        registry.close();
    }

    private OutageException outage() {
        return catchThrowableOfType(OutageException.class, () -> repository.resolve(TAG));
    }

    private void assertAt(OperationClass kind, Position position) {
        BreakerState state = client.state().breakers().get(kind);
        assertThat(state).isNotNull();
        assertThat(state.position()).isEqualTo(position);
    }

    @Test
    void afterOneTimeOutNobodyWaitsForTheNextUntilAProbeIsAnswered() throws IOException {
        registry.faults().always(Requests.manifests(), Fault.hold(never));
        assertThat(outage().reason()).isEqualTo(Reason.TIMEOUT);
        int sent = world.requests.size();
        for (int i = 0; i < 100; i++) {
            OutageException known = outage();
            assertThat(known.reason()).isEqualTo(Reason.NOT_ASKED);
            assertThat(known.underlying()).isEqualTo(Reason.TIMEOUT);
            assertThat(known.retryAfter()).contains(Duration.ofSeconds(10));
            assertThat(known).hasMessageContaining("again at 2026-11-20T10:00:10Z");
        }
        assertThat(world.requests).hasSize(sent);
        world.advance(Duration.ofSeconds(10));
        assertThat(outage().reason()).isEqualTo(Reason.TIMEOUT);
        assertThat(outage().retryAfter()).contains(Duration.ofSeconds(20));
        registry.faults().clear();
        world.advance(Duration.ofSeconds(20));
        assertThat(repository.resolve(TAG)).isPresent();
        assertAt(OperationClass.METADATA, Position.CLOSED);
    }

    @Test
    void blobsThatAreOutDoNotKeepManifestsBack() throws IOException {
        registry.faults().always(Requests.blob(blob), Fault.hold(never));
        assertThatThrownBy(() -> repository.openBlob(blob, ByteRange.ALL)).isInstanceOf(OutageException.class);
        assertAt(OperationClass.BLOBS, Position.OPEN);
        assertThat(repository.resolve(TAG)).isPresent();
        assertAt(OperationClass.METADATA, Position.CLOSED);
    }

    @Test
    void probeThatIsAnsweredThatTheQuotaIsUsedUpClosesIt() {
        Response used = Response.error(429, "TOOMANYREQUESTS")
                .header("ratelimit-limit", "100;w=21600")
                .header("ratelimit-remaining", "0;w=21600");
        registry.faults().always(Requests.manifests(), Fault.hold(never));
        assertThat(outage().reason()).isEqualTo(Reason.TIMEOUT);
        assertAt(OperationClass.METADATA, Position.OPEN);
        registry.faults().clear();
        registry.faults().always(Requests.get().and(Requests.manifests()), Fault.instead(used));
        world.advance(Duration.ofSeconds(10));

        OutageException quota = catchThrowableOfType(OutageException.class, () -> repository.fetchManifest(TAG));

        assertThat(quota.reason()).isEqualTo(Reason.QUOTA);
        assertThat(quota.isAnswer()).isTrue();
        assertAt(OperationClass.METADATA, Position.CLOSED);
        // What is not sent because of it says nothing.
        assertThat(catchThrowableOfType(OutageException.class, () -> repository.fetchManifest(TAG))
                        .isAnswer())
                .isFalse();
    }

    /** A look at what is left is answered for the sake of a pull, which then is not sent. */
    @Test
    void probeThatOurOwnCountOfTheQuotaStopsClosesItWhereALookWasAnswered() throws IOException {
        registry.quota(1);
        Digest digest = repository.resolve(TAG).orElseThrow().digest();
        repository.fetchManifest(digest);
        registry.faults().always(Requests.manifests(), Fault.hold(never));
        assertThat(catchThrowableOfType(OutageException.class, () -> repository.resolve(TAG)))
                .extracting(OutageException::reason)
                .isEqualTo(Reason.TIMEOUT);
        assertAt(OperationClass.METADATA, Position.OPEN);

        world.advance(Duration.ofSeconds(10));
        OutageException unasked = catchThrowableOfType(OutageException.class, () -> repository.fetchManifest(digest));
        assertThat(unasked.reason()).isEqualTo(Reason.QUOTA);
        assertAt(OperationClass.METADATA, Position.OPEN);
        assertThat(repository.outage()).as("the next may be a probe").isEmpty();

        registry.faults().clear();
        world.advance(Duration.ofSeconds(60));
        OutageException looked = catchThrowableOfType(OutageException.class, () -> repository.fetchManifest(digest));
        assertThat(looked.reason()).isEqualTo(Reason.QUOTA);
        assertAt(OperationClass.METADATA, Position.CLOSED);
    }

    /** As in Harbor a project whose remote hangs, of which a pod pulls again and again. */
    @Test
    void repositoryThatHangsTakesNoOtherDownWithIt() throws IOException {
        registry.pushManifest(
                "good/app",
                MediaType.OCI_INDEX.value(),
                "{\"schemaVersion\":2,\"manifests\":[]}".getBytes(StandardCharsets.UTF_8),
                "1");
        RemoteRepository good = client.repository(new RepositoryName("good/app"));
        registry.faults().always(Requests.manifests().and(Requests.repository("team/app")), Fault.hold(never));
        for (int i = 0; i < 3; i++) {
            assertThat(outage().reason()).isEqualTo(Reason.TIMEOUT);
            assertAt(OperationClass.METADATA, Position.OPEN);
            assertThat(repository.outage()).isPresent();
            assertThat(good.outage()).isEmpty();
            assertThat(good.resolve(TAG)).isPresent();
            assertAt(OperationClass.METADATA, Position.CLOSED);
        }
    }

    @Test
    void tokenServiceThatIsOutHasItsOwn() throws IOException {
        registry.open(new Access.Bearer(TokenService.forAnyone()));
        registry.faults().always(request -> request.path().equals("/token"), Fault.hold(never));
        assertThat(outage().reason()).isEqualTo(Reason.TOKEN_SERVICE);
        int tokens = registry.calls().count(request -> request.path().equals("/token"));
        assertThat(outage().reason()).isEqualTo(Reason.TOKEN_SERVICE);
        assertThat(registry.calls().count(request -> request.path().equals("/token")))
                .isEqualTo(tokens);
        assertAt(OperationClass.TOKEN, Position.OPEN);
        assertAt(OperationClass.METADATA, Position.CLOSED);
        registry.faults().clear();
        world.advance(Duration.ofSeconds(10));
        assertThat(repository.resolve(TAG)).isPresent();
    }

    @Test
    void answersOfAnyKindNeverOpenIt() {
        for (int status : new int[] {404, 401, 403, 400, 429}) {
            registry.faults().clear();
            registry.faults().always(Requests.manifests(), Fault.error(status, "UNSUPPORTED"));
            for (int i = 0; i < 10; i++) {
                assertThatThrownBy(() -> repository.fetchManifest(TAG)).isInstanceOf(IOException.class);
            }
            assertAt(OperationClass.METADATA, Position.CLOSED);
        }
    }

    /** As nginx answers who shows no client certificate. A HEAD does not show who says so, and is followed by a GET. */
    @Test
    void a400ThatNoRegistryHasWrittenOpensItWhateverIsAskedFor() {
        registry.faults().always(Requests.any(), Fault.status(400));
        List<ThrowingCallable> requests = List.of(
                () -> repository.listTags(Optional.empty()),
                () -> repository.resolve(TAG),
                () -> repository.fetchManifest(TAG),
                () -> repository.referrers(blob),
                () -> repository.resolve(new Tag("another")));
        for (ThrowingCallable request : requests) {
            assertAt(OperationClass.METADATA, Position.CLOSED);
            assertServerError(request);
        }
        assertAt(OperationClass.METADATA, Position.OPEN);
        assertThat(client.state().answeredAt()).isEmpty();
        world.advance(Duration.ofSeconds(10));
        assertServerError(() -> repository.resolve(TAG));
        assertThat(outage().retryAfter()).as("the probe has failed").contains(Duration.ofSeconds(20));
    }

    private static void assertServerError(ThrowingCallable request) {
        assertThatThrownBy(request)
                .isInstanceOfSatisfying(
                        OutageException.class, e -> assertThat(e.reason()).isEqualTo(Reason.SERVER_ERROR));
    }

    @Test
    void fiveErrorsOfTheServerOpenItAndTheFirstAnswerClosesIt() {
        registry.faults().always(Requests.manifests(), Fault.status(500));
        for (int i = 0; i < 5; i++) {
            assertThat(outage().reason()).isEqualTo(Reason.SERVER_ERROR);
        }
        assertThat(outage().reason()).isEqualTo(Reason.NOT_ASKED);
        int sent = world.requests.size();
        assertThat(repository.outage())
                .hasValueSatisfying(known -> assertThat(known.underlying()).isEqualTo(Reason.SERVER_ERROR));
        assertThat(world.requests).hasSize(sent);
        registry.faults().clear();
        world.advance(Duration.ofSeconds(10));
        assertThat(repository.outage()).isEmpty();
        assertThatThrownBy(() -> repository.fetchManifest(new Tag("missing"))).isInstanceOf(NotFoundException.class);
        assertAt(OperationClass.METADATA, Position.CLOSED);
        assertThat(client.state().breakers().get(OperationClass.METADATA))
                .isEqualTo(new BreakerState(Position.CLOSED, Optional.empty(), 1));
    }

    @Test
    void pingIsSentWhateverIsKnownAndItsAnswerEndsTheOutage() throws IOException {
        registry.faults().always(Requests.manifests(), Fault.hold(never));
        outage();
        assertAt(OperationClass.METADATA, Position.OPEN);
        assertThat(client.state().failure().orElseThrow()).contains("did not answer in time");
        world.advance(Duration.ofSeconds(1));
        client.ping();
        assertAt(OperationClass.METADATA, Position.CLOSED);
        assertThat(client.state().answeredAt()).contains(world.instant());
        assertThat(client.state().failedAt()).contains(world.instant().minusSeconds(1));
    }

    @Test
    void clientWithoutSafeguardsAsksEachTime() throws IOException {
        registry.faults().always(Requests.manifests(), Fault.status(500));
        try (RegistryClient plain = world.client(registry.uri().toString())) {
            for (int i = 0; i < 10; i++) {
                assertThatThrownBy(() -> plain.repository(TestWorld.NAME).resolve(TAG))
                        .isInstanceOfSatisfying(
                                OutageException.class,
                                e -> assertThat(e.reason()).isEqualTo(Reason.SERVER_ERROR));
            }
            assertThat(plain.state().breakers()).isEmpty();
        }
    }
}
