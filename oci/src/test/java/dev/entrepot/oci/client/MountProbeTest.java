package dev.entrepot.oci.client;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.testing.Abilities;
import dev.entrepot.oci.testing.Access;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Feature;
import dev.entrepot.oci.testing.RecordedCall;
import dev.entrepot.oci.testing.Request;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.Response;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.oci.testing.TokenService;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Whether a repository mounts is asked by having it mount what it has from itself. */
class MountProbeTest {
    private static final Predicate<Request> MOUNTS = Requests.uploads().and(Requests.method("POST"));
    private static final Predicate<Request> DELETES = Requests.method("DELETE");

    private final TestWorld world = new TestWorld();
    private final TestRegistry registry = TestRegistry.started();
    private final TestRegistry storage = TestRegistry.started();
    private Digest manifest;
    private Digest config;
    private Sample sample;
    private RegistryClient client;

    @BeforeEach
    void fill() throws IOException {
        config = registry.pushBlob("team/app", "{}".getBytes(StandardCharsets.UTF_8));
        manifest = registry.pushManifest(
                "team/app",
                MediaType.OCI_MANIFEST.value(),
                """
                {"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"application/vnd.oci.image.config.v1+json",
                "digest":"%s","size":2},"layers":[]}
                """.formatted(MediaType.OCI_MANIFEST, config).getBytes(StandardCharsets.UTF_8),
                "1");
        sample = new Sample(TestWorld.NAME, manifest, Optional.of(config));
        client = client(CredentialSource.NONE);
    }

    private RegistryClient client(CredentialSource credentials) throws IOException {
        return new RegistryClient(
                TestWorld.endpoint(registry.uri().toString()).withCredentials(credentials),
                Safeguards.shared(QuotaReserve.DEFAULT),
                world.environment());
    }

    @AfterEach
    void stop() {
        client.close();
        registry.close();
        storage.close();
    }

    private MountAnswer answer() {
        return client.probeMounts(sample).answer();
    }

    @Test
    void repositoryThatMountsHasNothingAfterwardsThatItHadNot() {
        Set<Digest> before = registry.blobs("team/app");
        MountsAsked asked = client.probeMounts(sample);
        assertThat(asked.answer()).isEqualTo(MountAnswer.MOUNTED);
        assertThat(asked.said()).isEqualTo("registry.test/team/app mounts: answered 201");
        assertThat(registry.blobs("team/app")).isEqualTo(before);
        assertThat(registry.uploadsOpen()).isZero();
        assertThat(registry.requests(Requests.uploads())).singleElement().satisfies(call -> {
            assertThat(call.request().method()).isEqualTo("POST");
            assertThat(call.request().query("mount")).contains(config.toString());
            assertThat(call.request().query("from")).contains("team/app");
        });
        assertThat(client.state().capabilities().get(Capability.MOUNTS))
                .isEqualTo(new CapabilityState(true, world.instant(), 1, 0));
        assertThat(client.state().mountsAsked()).contains(asked);
        world.advance(Duration.ofMinutes(11));
        assertThat(client.state().mountsAsked()).isEmpty();
        assertThat(client.state().capabilities().get(Capability.MOUNTS))
                .isNotNull()
                .satisfies(state -> assertThat(state.with()).isZero());
    }

    @Test
    void sessionThatIsOpenedInsteadIsDeletedAndSaysNothingOfMounts() {
        registry.able(Abilities.DEFAULT.without(Feature.MOUNT));
        MountsAsked asked = client.probeMounts(sample);
        assertThat(asked.answer()).isEqualTo(MountAnswer.SESSION);
        assertThat(asked.said()).endsWith("it is deleted");
        assertThat(registry.calls().count(DELETES)).isEqualTo(1);
        assertThat(registry.uploadsOpen()).isZero();
        assertThat(client.state().capabilities()).doesNotContainKey(Capability.MOUNTS);
        assertThat(client.state().mountsAsked()).contains(asked);

        registry.faults().always(DELETES, Fault.status(405));
        assertThat(client.probeMounts(sample).said()).contains("left to the registry");
    }

    @Test
    void sessionAtAnotherHostIsDeletedThereWithoutCredentials() throws IOException {
        registry.open(new Access.Basic("robot", "secret"));
        registry.faults()
                .always(
                        MOUNTS.and(Requests.withHeader("Authorization")),
                        Fault.instead(Response.of(202).header("Location", storage.uri() + "/sessions/1?signed=yes")));
        try (RegistryClient robot = client(CredentialSource.fixed(new Credential.UserPassword("robot", "secret")))) {
            assertThat(robot.probeMounts(sample).answer()).isEqualTo(MountAnswer.SESSION);
        }
        assertThat(storage.calls().all()).singleElement().satisfies(call -> {
            assertThat(call.request().method()).isEqualTo("DELETE");
            assertThat(call.request().path()).isEqualTo("/sessions/1");
            assertThat(call.request().header("Authorization")).isEmpty();
        });
    }

    @Test
    void refusalsAreToldApart() {
        Map<Fault, MountAnswer> answers = Map.ofEntries(
                Map.entry(Fault.error(401, "UNAUTHORIZED"), MountAnswer.NOT_ALLOWED),
                Map.entry(Fault.error(403, "DENIED"), MountAnswer.NOT_ALLOWED),
                Map.entry(Fault.status(405), MountAnswer.UNSUPPORTED),
                Map.entry(Fault.status(404), MountAnswer.UNSUPPORTED),
                Map.entry(Fault.status(501), MountAnswer.UNSUPPORTED),
                Map.entry(Fault.error(400, "UNSUPPORTED"), MountAnswer.UNSUPPORTED),
                Map.entry(Fault.error(422, "UNSUPPORTED"), MountAnswer.UNSUPPORTED),
                Map.entry(Fault.error(403, "UNSUPPORTED"), MountAnswer.UNSUPPORTED),
                Map.entry(Fault.error(400, "NAME_INVALID"), MountAnswer.UNCLEAR),
                Map.entry(Fault.status(200), MountAnswer.UNCLEAR),
                Map.entry(Fault.status(202), MountAnswer.UNCLEAR),
                Map.entry(Fault.status(500), MountAnswer.UNCLEAR),
                Map.entry(Fault.hangUp(), MountAnswer.UNCLEAR));
        answers.forEach((fault, answer) -> {
            registry.faults().clear();
            registry.faults().always(MOUNTS, fault);
            MountsAsked asked = client.probeMounts(sample);
            assertThat(asked.answer()).as(asked.said()).isEqualTo(answer);
        });
        registry.faults().clear();
        registry.faults().always(MOUNTS, Fault.error(403, "DENIED"));
        assertThat(client.probeMounts(sample).said())
                .isEqualTo("registry.test/team/app may not be pushed to by this account: answered 403 DENIED");
    }

    @Test
    void whatGoesWrongCountsAsNoFailureOfTheRegistry() throws IOException {
        registry.open(new Access.Bearer(TokenService.forAnyone()));
        Predicate<Request> pushTokens = Requests.tokens()
                .and(request -> request.query("scope").orElse("").contains("push"));
        client.repository(TestWorld.NAME).resolve(new Tag("1"));
        for (Fault fault : List.of(Fault.status(500), Fault.hangUp(), Fault.status(429))) {
            for (Predicate<Request> failing : List.of(MOUNTS, pushTokens)) {
                registry.faults().clear();
                registry.faults().always(failing, fault);
                for (int i = 0; i < 6; i++) {
                    assertThat(answer()).isEqualTo(MountAnswer.UNCLEAR);
                }
            }
        }
        UpstreamState state = client.state();
        assertThat(state.failedAt()).isEmpty();
        assertThat(state.failure()).isEmpty();
        assertThat(state.tooMany().values()).containsOnly(0L);
        assertThat(state.breakers().values())
                .allSatisfy(breaker -> assertThat(breaker.opened()).isZero());
        assertThat(client.repository(TestWorld.NAME).resolve(new Tag("1"))).isPresent();
    }

    @Test
    void tokenThatMayPushIsAskedForOnlyForThisRequestAndThisRepository() throws IOException {
        registry.open(new Access.Bearer(TokenService.forUser("robot", "secret")));
        try (RegistryClient robot = client(CredentialSource.fixed(new Credential.UserPassword("robot", "secret")))) {
            assertThat(robot.probeMounts(sample).answer()).isEqualTo(MountAnswer.MOUNTED);
            assertThat(scopes())
                    .containsExactly(List.of("repository:team/app:pull"), List.of("repository:team/app:pull,push"));
            registry.calls().clear();
            robot.repository(TestWorld.NAME).resolve(new Tag("1"));
            assertThat(scopes()).containsExactly(List.of("repository:team/app:pull"));
        }
    }

    private List<List<String>> scopes() {
        return registry.requests(Requests.tokens()).stream()
                .map(RecordedCall::request)
                .map(request -> request.queryAll("scope"))
                .toList();
    }

    @Test
    void accountThatMayOnlyReadIsSaidNotToBeAllowed() throws IOException {
        registry.open(new Access.Bearer(new TokenService(
                Map.of("robot", "secret"),
                (user, repository, action) -> action.equals("pull"),
                Duration.ofMinutes(5),
                world)));
        try (RegistryClient robot = client(CredentialSource.fixed(new Credential.UserPassword("robot", "secret")))) {
            assertThat(robot.probeMounts(sample).answer()).isEqualTo(MountAnswer.NOT_ALLOWED);
            assertThat(robot.state().capabilities()).doesNotContainKey(Capability.MOUNTS);
        }
        registry.faults()
                .always(
                        Requests.tokens()
                                .and(request ->
                                        request.query("scope").orElse("").contains("push")),
                        Fault.status(403));
        assertThat(answer()).isEqualTo(MountAnswer.NOT_ALLOWED);
    }

    @Test
    void blobThatIsNotThereIsNotMounted() {
        registry.removeBlob("team/app", config);
        assertThat(answer()).isEqualTo(MountAnswer.NOTHING_TO_ASK_BY);
        sample = new Sample(TestWorld.NAME, new Tag("missing"), Optional.empty());
        assertThat(answer()).isEqualTo(MountAnswer.NOTHING_TO_ASK_BY);
        assertThat(registry.calls().count(Requests.uploads())).isZero();
    }

    @Test
    void configurationOfWhatATagNamesIsMountedWhereThatCostsNoPull() throws IOException {
        registry.pushManifest(
                "team/app",
                MediaType.OCI_INDEX.value(),
                """
                {"schemaVersion":2,"mediaType":"%s","manifests":[{"mediaType":"%s","digest":"%s","size":1}]}
                """.formatted(MediaType.OCI_INDEX, MediaType.OCI_MANIFEST, manifest)
                        .getBytes(StandardCharsets.UTF_8),
                "all");
        sample = new Sample(TestWorld.NAME, new Tag("all"), Optional.empty());
        assertThat(answer()).isEqualTo(MountAnswer.MOUNTED);
        assertThat(registry.requests(MOUNTS))
                .singleElement()
                .satisfies(call -> assertThat(call.request().query("mount")).contains(config.toString()));
        registry.quota(10);
        client.repository(TestWorld.NAME).resolve(new Tag("1"));
        registry.calls().clear();
        assertThat(answer()).isEqualTo(MountAnswer.NOTHING_TO_ASK_BY);
        assertThat(registry.calls().all()).isEmpty();
    }

    @Test
    void replicationDoesNotTryWhatTheProbeWasRefusedAndTargetsAtTheSameAddressKnowIt() throws IOException {
        registry.faults().always(MOUNTS, Fault.status(405));
        MountsAsked asked = client.probeMounts(sample);
        registry.faults().clear();
        registry.calls().clear();
        try (RegistryClient target = new RegistryClient(
                        RegistryEndpoint.of(RegistryHost.parse("other.name"), registry.uri()), world.environment());
                RegistryClient elsewhere = new RegistryClient(
                        RegistryEndpoint.of(RegistryHost.parse("other.name"), storage.uri()), world.environment())) {
            target.learnMounts(client, asked);
            elsewhere.learnMounts(client, asked);
            for (RegistryClient one : List.of(client, target)) {
                assertThat(one.target(TestWorld.NAME).mountBlob(config, TestWorld.NAME))
                        .isFalse();
            }
            assertThat(registry.calls().all()).isEmpty();
            assertThat(elsewhere.state().capabilities()).isEmpty();
            assertThat(client.target(new RepositoryName("team/new")).mountBlob(config, TestWorld.NAME))
                    .isTrue();
        }
    }
}
