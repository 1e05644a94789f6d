package dev.entrepot.oci.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.UnauthorizedException;
import dev.entrepot.oci.testing.Access;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.RecordedCall;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.Response;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.oci.testing.TokenService;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** One registry, asked with the credentials of several people over one client. */
class ShowingTest {
    private static final Tag TAG = new Tag("1");

    private final TestWorld world = new TestWorld();
    private final TokenService tokens = new TokenService(
            Map.of("alice", "a-secret", "bob", "b-secret"),
            (user, repository, action) -> user.equals("alice"),
            Duration.ofMinutes(5),
            world);
    private final TestRegistry registry = TestRegistry.started().open(new Access.Bearer(tokens));
    private RegistryClient client;
    private RegistryClient alice;
    private RegistryClient bob;
    private Digest index;

    @BeforeEach
    void open() throws IOException {
        byte[] json = "{\"schemaVersion\":2,\"manifests\":[]}".getBytes(StandardCharsets.UTF_8);
        index = registry.pushManifest("team/app", MediaType.OCI_INDEX.value(), json, "1");
        client = new RegistryClient(
                TestWorld.endpoint(registry.uri().toString()).withCredentials(CredentialSource.OF_CLIENTS),
                Safeguards.shared(QuotaReserve.DEFAULT),
                world.environment());
        alice = client.showing(new Credential.UserPassword("alice", "a-secret"));
        bob = client.showing(new Credential.UserPassword("bob", "b-secret"));
    }

    @AfterEach
    void close() {
        client.close();
        registry.close();
    }

    private Digest resolved(RegistryClient by) throws IOException {
        return by.repository(TestWorld.NAME).resolve(TAG).orElseThrow().digest();
    }

    @Test
    void tokenOfOneIsNeverUsedForAnother() throws IOException {
        assertThat(resolved(alice)).isEqualTo(index);
        assertThatThrownBy(() -> resolved(bob)).isInstanceOf(UnauthorizedException.class);
        assertThatThrownBy(() -> resolved(client)).isInstanceOf(UnauthorizedException.class);
        assertThat(resolved(alice)).isEqualTo(index);
        assertThat(registry.requests(Requests.tokens()))
                .extracting(call -> call.request().header("Authorization").orElse(""))
                .containsExactly(Access.basic("alice", "a-secret"), Access.basic("bob", "b-secret"), "");
    }

    @Test
    void entryTellsWhetherTheRegistryHasLookedAtTheCredential() throws IOException {
        assertThat(alice.enter()).isTrue();
        assertThatThrownBy(() -> client.showing(new Credential.UserPassword("alice", "wrong"))
                        .enter())
                .isInstanceOf(UnauthorizedException.class);
        registry.open(Access.ANYONE);
        assertThat(client.showing(new Credential.UserPassword("alice", "wrong")).enter())
                .isFalse();
    }

    @Test
    void outageThatOneHasMetIsKnownToAllAndWhatOneMayNotAskForAWhileOthersMay() throws IOException {
        resolved(alice);
        registry.open(Access.ANYONE);
        registry.faults()
                .once(
                        Requests.manifests().and(Requests.withHeader("Authorization")),
                        Fault.instead(Response.error(429, "TOOMANYREQUESTS").header("Retry-After", "60")));
        assertThatThrownBy(() -> resolved(alice)).isInstanceOf(OutageException.class);
        int asked = registry.calls().all().size();
        assertThatThrownBy(() -> resolved(alice)).isInstanceOf(OutageException.class);
        assertThat(registry.calls().all()).hasSize(asked);
        assertThat(resolved(bob)).isEqualTo(index);
        registry.stop();
        for (int i = 0; i < 5; i++) {
            assertThatThrownBy(() -> resolved(bob)).isInstanceOf(OutageException.class);
        }
        RegistryClient carol = client.showing(new Credential.UserPassword("carol", "c"));
        assertThatThrownBy(() -> resolved(carol))
                .isInstanceOfSatisfying(
                        OutageException.class, e -> assertThat(e.reason()).isEqualTo(OutageException.Reason.NOT_ASKED));
        // About the registry itself nobody has asked yet: one may, and then nobody for a while.
        assertThatThrownBy(carol::enter).isInstanceOf(OutageException.class);
        assertThatThrownBy(carol::enter)
                .isInstanceOfSatisfying(
                        OutageException.class, e -> assertThat(e.reason()).isEqualTo(OutageException.Reason.NOT_ASKED));
    }

    @Test
    void tokenServiceThatWantsToBeLeftAloneByOneIsAskedByAnother() {
        registry.faults()
                .once(
                        Requests.tokens(),
                        Fault.instead(Response.error(429, "TOOMANYREQUESTS").header("Retry-After", "60")));
        assertThatThrownBy(() -> resolved(alice)).isInstanceOf(OutageException.class);
        int asked = registry.calls().count(Requests.tokens());
        assertThatThrownBy(() -> resolved(alice)).isInstanceOf(OutageException.class);
        assertThat(registry.calls().count(Requests.tokens())).isEqualTo(asked);
        assertThatThrownBy(() -> resolved(bob)).isInstanceOf(UnauthorizedException.class);
        assertThat(registry.calls().count(Requests.tokens())).isEqualTo(asked + 1);
    }

    @Test
    void tokensThatAreForgottenAreAskedForAnew() throws IOException {
        resolved(alice);
        alice.forgetTokens();
        assertThat(resolved(alice)).isEqualTo(index);
        assertThat(registry.calls().count(Requests.tokens())).isEqualTo(2);
    }

    @Test
    void quotaIsThatOfEachAccountAndIsNotShown() throws IOException {
        registry.open(Access.ANYONE).quota(1);
        assertThat(alice.repository(TestWorld.NAME).fetchManifest(TAG).digest()).isEqualTo(index);
        assertThatThrownBy(() -> alice.repository(TestWorld.NAME).fetchManifest(TAG))
                .isInstanceOf(OutageException.class);
        registry.quota(10);
        assertThat(bob.repository(TestWorld.NAME).fetchManifest(TAG).digest()).isEqualTo(index);
        assertThat(client.state().quotas()).isEmpty();
        assertThat(client.state().account()).isEqualTo("each client's own");
    }

    @Test
    void closingOneLeavesTheOthersTheirConnections() throws IOException {
        resolved(alice);
        bob.close();
        assertThat(resolved(alice)).isEqualTo(index);
        assertThat(registry.calls().all()).extracting(RecordedCall::status).contains(200);
    }
}
