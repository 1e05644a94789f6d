package dev.entrepot.oci.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.OutageException.Reason;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.testing.Access;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Gate;
import dev.entrepot.oci.testing.Request;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.Response;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.oci.testing.TokenService;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import org.apache.hc.core5.http.message.BasicClassicHttpResponse;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A client before a registry that counts pulls: what it sends, and above all what it does not. */
class RegistryQuotaTest {
    private static final Predicate<Request> PULLS = Requests.get().and(Requests.manifests());
    private static final Predicate<Request> HEADS = PULLS.negate().and(Requests.manifests());

    private final TestWorld world = new TestWorld();
    private final TestRegistry registry = TestRegistry.started();
    private final List<Digest> manifests = new ArrayList<>();
    private RegistryClient client;

    @BeforeEach
    void fill() throws IOException {
        for (int i = 0; i < 130; i++) {
            byte[] index = ("{\"schemaVersion\":2,\"manifests\":[],\"annotations\":{\"n\":\"" + i + "\"}}")
                    .getBytes(StandardCharsets.UTF_8);
            manifests.add(registry.pushManifest("team/app", MediaType.OCI_INDEX.value(), index, "t" + i));
        }
        client = new RegistryClient(
                TestWorld.endpoint(registry.uri().toString()),
                Safeguards.shared(QuotaReserve.DEFAULT),
                world.environment());
    }

    @AfterEach
    void stop() {
        client.close();
        registry.close();
    }

    private RemoteRepository clients() {
        return client.repository(TestWorld.NAME, Priority.INTERACTIVE);
    }

    private RemoteRepository background() {
        return client.repository(TestWorld.NAME, Priority.BACKGROUND);
    }

    private static OutageException refused(RemoteRepository repository, Digest digest) {
        return catchThrowableOfType(OutageException.class, () -> repository.fetchManifest(digest));
    }

    @ParameterizedTest
    @CsvSource({
        "docker.io,https://registry-1.docker.io,true",
        "hub,https://registry-1.docker.io,true",
        "hub,https://Index.Docker.IO/,true",
        "docker.io,https://mirror.test,true",
        "hub,https://registry-1.docker.io.test,false",
        "hub,https://mirror.test,false"
    })
    void hubIsKnownToCountByItsNameAndByWhereItIs(String name, String url, boolean hub) throws IOException {
        RegistryEndpoint endpoint = RegistryEndpoint.of(RegistryHost.parse(name), URI.create(url));
        try (RegistryClient unused =
                new RegistryClient(endpoint, Safeguards.shared(QuotaReserve.DEFAULT), world.environment())) {
            assertThat(unused.repository(TestWorld.NAME).countsPulls()).isEqualTo(hub);
        }
    }

    @Test
    void aHundredPullsAreMadeByManyAtOnceAndNotOneIsRefusedByTheRegistry() throws Exception {
        registry.quota(100);
        clients().resolve(new Tag("t0"));
        AtomicInteger stopped = new AtomicInteger();
        // Answers that come while others are still about to ask have what is under way counted twice.
        Gate gate = new Gate();
        registry.faults().always(PULLS, Fault.hold(gate));
        try (ExecutorService many = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> pulls = new ArrayList<>();
            for (Digest digest : manifests) {
                pulls.add(many.submit(() -> {
                    try {
                        return clients().fetchManifest(digest);
                    } catch (OutageException e) {
                        assertThat(e.reason()).isEqualTo(Reason.QUOTA);
                        if (stopped.incrementAndGet() == 30) {
                            gate.open();
                        }
                        return stopped;
                    }
                }));
            }
            for (Future<?> pull : pulls) {
                pull.get();
            }
        }
        assertThat(registry.calls().count(PULLS)).isEqualTo(100);
        assertThat(stopped).hasValue(30);
        assertThat(world.requests).doesNotContain("manifest 429");
    }

    @Test
    void replicationStopsAtTheReserveAndSaysUntilWhenWhileClientsGoOn() throws IOException {
        registry.quota(100);
        for (int i = 0; i < 75; i++) {
            background().fetchManifest(manifests.get(i));
        }
        OutageException outage = refused(background(), manifests.get(75));
        assertThat(outage.reason()).isEqualTo(Reason.QUOTA);
        assertThat(outage)
                .hasMessageContaining("registry.test")
                .hasMessageContaining("25 of 100 pulls are left, which are kept for clients")
                .hasMessageContaining("until 2026-11-20T16:00:00Z");
        assertThat(outage.retryAfter()).contains(Duration.ofHours(6));
        assertThat(background().resolve(new Tag("t80"))).isPresent();
        assertThat(background().listTags(Optional.empty()).tags()).isNotEmpty();
        for (int i = 75; i < 100; i++) {
            clients().fetchManifest(manifests.get(i));
        }
        assertThat(refused(clients(), manifests.get(100))).hasMessageContaining("none of 100 pulls is left");
        assertThat(registry.calls().count(PULLS)).isEqualTo(100);
        assertThat(world.pauses).isEmpty();
    }

    @Test
    void withNothingLeftOneHeadAMinuteLooksAndTheFirstThatShowsMoreLetsPullsGo() throws IOException {
        registry.quota(1);
        clients().fetchManifest(manifests.get(0));
        for (int i = 0; i < 20; i++) {
            refused(clients(), manifests.get(1));
        }
        assertThat(registry.calls().count(HEADS)).isZero();
        world.advance(Duration.ofMinutes(1));
        for (int i = 0; i < 20; i++) {
            assertThat(refused(clients(), manifests.get(1)).retryAfter())
                    .contains(Duration.ofHours(6).minusMinutes(1));
        }
        assertThat(registry.calls().count(HEADS)).isEqualTo(1);
        assertThat(registry.calls().count(PULLS)).isEqualTo(1);
        registry.quota(5);
        world.advance(Duration.ofMinutes(1));
        clients().fetchManifest(manifests.get(1));
        assertThat(registry.calls().count(PULLS)).isEqualTo(2);
    }

    @Test
    void refusalForQuotaStopsPullsAndNothingElse() throws IOException {
        registry.quota(0);
        OutageException first = refused(background(), manifests.get(0));
        assertThat(first.reason()).isEqualTo(Reason.QUOTA);
        assertThat(first.retryAfter()).contains(Duration.ofSeconds(60));
        assertThat(refused(clients(), manifests.get(0)).reason()).isEqualTo(Reason.QUOTA);
        assertThat(clients().resolve(new Tag("t1"))).isPresent();
        assertThat(registry.calls().count(PULLS)).isEqualTo(1);
        assertThat(client.state().tooMany()).containsEntry(TooManyKind.QUOTA, 1L);
        assertThat(world.pauses).isEmpty();
    }

    @Test
    void bare429IsAboutTheRateAndNothingIsSentUntilRetryAfter() throws IOException {
        registry.faults().once(PULLS, Fault.instead(Response.of(429).header("Retry-After", "30")));
        OutageException first = refused(clients(), manifests.get(0));
        assertThat(first.reason()).isEqualTo(Reason.RATE_LIMITED);
        assertThat(first.isHeld()).isFalse();
        int before = world.requests.size();
        assertThatThrownBy(() -> clients().resolve(new Tag("t1"))).isInstanceOfSatisfying(OutageException.class, e -> {
            assertThat(e.reason()).isEqualTo(Reason.RATE_LIMITED);
            assertThat(e.isHeld()).isTrue();
            assertThat(e.retryAfter()).contains(Duration.ofSeconds(30));
        });
        assertThat(world.requests).hasSize(before);
        assertThat(client.state().tooMany()).containsEntry(TooManyKind.RATE, 1L);
        assertThat(background().resolve(new Tag("t1"))).isPresent();
        assertThat(world.pauses).containsExactly(Duration.ofSeconds(30));
    }

    @Test
    void refusalForQuotaThatAsksForNoPauseIsOneOfQuota() throws IOException {
        RegistryEndpoint hub = RegistryEndpoint.of(RegistryHost.parse("docker.io"), registry.uri());
        registry.faults()
                .once(
                        PULLS,
                        Fault.instead(Response.error(429, "TOOMANYREQUESTS").header("Retry-After", "0")));
        try (RegistryClient asking =
                new RegistryClient(hub, Safeguards.shared(QuotaReserve.DEFAULT), world.environment())) {
            OutageException refused = refused(asking.repository(TestWorld.NAME), manifests.get(0));
            assertThat(refused.reason()).isEqualTo(Reason.QUOTA);
            assertThat(refused.retryAfter()).contains(Duration.ZERO);
            assertThat(asking.repository(TestWorld.NAME).fetchManifest(manifests.get(0)))
                    .isNotNull();
        }
    }

    @Test
    void pullThatEndsWithAnErrorOfTheRuntimeIsNoLongerUnderWay() throws IOException {
        RegistryEndpoint endpoint = TestWorld.endpoint("http://registry.test");
        Foundation shared = Foundation.open(
                endpoint, "registry.test", Safeguards.shared(QuotaReserve.DEFAULT), world.environment());
        AtomicInteger sent = new AtomicInteger();
        QuotaExchange exchange = new QuotaExchange(
                request -> {
                    if (sent.incrementAndGet() > 1) {
                        throw new LinkageError("no");
                    }
                    BasicClassicHttpResponse answer = new BasicClassicHttpResponse(200);
                    answer.addHeader("RateLimit-Limit", "10;w=3600");
                    answer.addHeader("RateLimit-Remaining", "5;w=3600");
                    return new ApiResponse(request, answer, () -> {});
                },
                endpoint,
                new QuotaBudgets(endpoint, QuotaReserve.DEFAULT, shared.clock()),
                shared.holds(),
                shared.limits(),
                QuotaExchange.Waiting.NEVER,
                shared);
        ApiRequest pull = ApiRequest.of(
                Operation.MANIFEST,
                "fetching",
                "GET",
                URI.create("http://registry.test/v2/team/app/manifests/1"),
                Priority.INTERACTIVE);
        exchange.send(pull).close();
        for (int i = 0; i < 10; i++) {
            assertThatThrownBy(() -> exchange.send(pull)).isInstanceOf(LinkageError.class);
        }
        shared.transport().close();
    }

    @Test
    void retryAfterMayBeADate() throws IOException {
        registry.faults()
                .once(PULLS, Fault.instead(Response.of(429).header("Retry-After", "Fri, 20 Nov 2026 10:02:00 GMT")));
        refused(clients(), manifests.get(0));
        assertThat(refused(clients(), manifests.get(0)).retryAfter()).contains(Duration.ofMinutes(2));
        world.advance(Duration.ofMinutes(2));
        clients().fetchManifest(manifests.get(0));
    }

    @Test
    void tooManyBytesHoldBlobsAndNotManifests() throws IOException {
        Digest blob = registry.pushBlob("team/app", new byte[] {1, 2, 3});
        registry.faults()
                .once(Requests.blob(blob), Fault.instead(Response.of(429).header("Retry-After", "99999999999")));
        for (int i = 0; i < 3; i++) {
            assertThatThrownBy(() -> clients().openBlob(blob, ByteRange.ALL)).isInstanceOf(OutageException.class);
        }
        assertThat(registry.calls().count(Requests.blob(blob))).isEqualTo(1);
        clients().fetchManifest(manifests.get(0));
        assertThat(client.state().tooMany()).containsEntry(TooManyKind.EGRESS, 1L);
        world.advance(Duration.ofMinutes(15));
        clients().openBlob(blob, ByteRange.ALL).close();
    }

    @Test
    void tokenServiceIsLeftAloneForAsLongAsItAsks() throws IOException {
        registry.open(new Access.Bearer(TokenService.forAnyone()));
        Predicate<Request> tokens = request -> request.path().equals("/token");
        registry.faults().once(tokens, Fault.instead(Response.of(429).header("Retry-After", "40")));
        for (int i = 0; i < 3; i++) {
            OutageException outage = refused(clients(), manifests.get(0));
            assertThat(outage.reason()).isEqualTo(Reason.TOKEN_SERVICE);
            assertThat(outage.retryAfter()).contains(Duration.ofSeconds(40));
        }
        assertThat(registry.calls().count(tokens)).isEqualTo(1);
        assertThat(client.state().tooMany()).containsEntry(TooManyKind.TOKEN, 1L);
        world.advance(Duration.ofSeconds(40));
        clients().fetchManifest(manifests.get(0));
    }

    @ParameterizedTest
    @ValueSource(strings = {"-1", "NaN", "99999999999999999999", "0", "0;w=-5", "1;w=99999999999", "💥", "\"0\""})
    void headersThatMakeNoSenseDoNoHarm(String value) throws IOException {
        registry.faults()
                .always(
                        Requests.manifests(),
                        Fault.answer(response -> response.header("RateLimit-Limit", value)
                                .header("RateLimit-Remaining", value)
                                .header("RateLimit-Reset", value)
                                .header("Retry-After", value)
                                .header("docker-ratelimit-source", value)));
        for (int i = 0; i < 5; i++) {
            clients().fetchManifest(manifests.get(i));
            background().resolve(new Tag("t" + i));
        }
    }

    @Test
    void eachAccountHasABudgetOfItsOwnThatANewPasswordDoesNotChange() throws IOException {
        AtomicInteger password = new AtomicInteger();
        RegistryEndpoint endpoint = TestWorld.endpoint(registry.uri().toString())
                .withCredentials(host ->
                        Optional.of(new Credential.UserPassword("robot", "secret-" + password.incrementAndGet())));
        registry.quota(100);
        try (RegistryClient known =
                new RegistryClient(endpoint, Safeguards.shared(QuotaReserve.DEFAULT), world.environment())) {
            known.repository(TestWorld.NAME).fetchManifest(manifests.get(0));
            known.repository(TestWorld.NAME).fetchManifest(manifests.get(1));
            assertThat(known.state().quotas()).singleElement().satisfies(quota -> {
                assertThat(quota.account()).isEqualTo("robot");
                assertThat(quota.remaining()).hasValue(98);
                assertThat(quota.reserve()).hasValue(25);
                assertThat(quota.toString()).doesNotContain("secret");
            });
        }
    }
}
