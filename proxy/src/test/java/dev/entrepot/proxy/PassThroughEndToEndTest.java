package dev.entrepot.proxy;

import static dev.entrepot.proxy.MirrorFixture.APP;
import static dev.entrepot.proxy.MirrorFixture.code;
import static dev.entrepot.proxy.MirrorFixture.header;
import static dev.entrepot.proxy.MirrorFixture.text;
import static dev.entrepot.proxy.MirrorFixture.verdict;
import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.testing.Access;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Gate;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.Request;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.oci.testing.TokenService;
import java.io.InputStream;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * An upstream that each client shows its own credentials to: who gets what of that which is kept, and what the upstream
 * sees. Long, because all cases share one upstream with its users.
 */
class PassThroughEndToEndTest {
    private static final String ALICE = Access.basic("alice", "alices-secret");
    private static final String BOB = Access.basic("bob", "bobs-secret");
    private static final String MALLORY = Access.basic("mallory", "mallorys-secret");
    private static final String AUTHORIZATION = "Authorization";
    private static final String TAG = "/v2/" + APP + "/manifests/1";

    @TempDir
    private Path folder;

    private final FixtureClock clock = new FixtureClock();
    private final Set<String> readers = ConcurrentHashMap.newKeySet();
    private final TokenService tokens = new TokenService(
            Map.of("alice", "alices-secret", "bob", "bobs-secret", "mallory", "mallorys-secret"),
            (user, repository, action) -> readers.contains(user) && repository.equals(APP),
            Duration.ofMinutes(5),
            clock);
    private final TestRegistry registry = TestRegistry.started().open(new Access.Bearer(tokens));
    private final TestRegistry open = TestRegistry.started();
    private final Images images = new Images(7);
    private final Bundle image = images.image(100_000);
    private final Bundle signature = images.referrer(image, "application/vnd.test.signature");
    private final Digest layer = List.copyOf(image.blobs().keySet()).getLast();
    private final String blob = "/v2/" + APP + "/blobs/" + layer;
    private final Gate gate = new Gate();
    private MirrorFixture mirror;

    @BeforeEach
    void start() throws Exception {
        readers.addAll(List.of("alice", "bob"));
        registry.push(APP, image, "1");
        registry.push(APP, signature);
        open.push("free", image, "1");
        started("");
    }

    private void started(String more) throws Exception {
        mirror = MirrorFixture.started(folder, """
                default-upstream: registry.test
                upstreams:
                  registry.test: {url: "%s", pass-through: {proof: head, proof-for: 5m}}
                  open.test: {url: "%s"}
                """.formatted(registry.uri(), open.uri()) + more, clock, Map.of());
    }

    @AfterEach
    void stop() {
        gate.open();
        mirror.close();
        registry.close();
        open.close();
    }

    private HttpResponse<byte[]> get(String path, String credentials) throws Exception {
        return mirror.get(path, AUTHORIZATION, credentials);
    }

    private List<String> all() {
        List<String> paths = new ArrayList<>(List.of(
                TAG,
                "/v2/" + APP + "/manifests/" + image.digest(),
                "/v2/" + APP + "/referrers/" + image.digest(),
                "/v2/" + APP + "/tags/list"));
        image.blobs().keySet().forEach(digest -> paths.add("/v2/" + APP + "/blobs/" + digest));
        return paths;
    }

    private void pullAll(String credentials) throws Exception {
        for (String path : all()) {
            HttpResponse<byte[]> answer = get(path, credentials);
            assertThat(answer.statusCode()).as(path + " " + text(answer)).isEqualTo(200);
        }
        mirror.awaitFills();
    }

    private void assertThatNothingIsServed(String... credentials) throws Exception {
        for (String path : all()) {
            HttpResponse<byte[]> answer = mirror.get(path, credentials);
            assertThat(answer.statusCode()).as(path).isEqualTo(401);
            assertThat(code(answer)).isEqualTo("UNAUTHORIZED");
            assertThat(header(answer, "WWW-Authenticate")).isEqualTo("Basic realm=\"registry.test\"");
            assertThat(header(answer, "Cache-Control")).isEqualTo("no-store");
            HttpResponse<byte[]> head = mirror.head(path, credentials);
            assertThat(head.statusCode()).as("HEAD " + path).isEqualTo(401);
            assertThat(header(head, "Docker-Content-Digest")).isEmpty();
        }
    }

    @Test
    void whoShowsNothingGetsNothingAndIsToldHowToShowIt() throws Exception {
        pullAll(ALICE);
        registry.calls().clear();
        assertThatNothingIsServed();
        assertThatNothingIsServed(AUTHORIZATION, Access.basic("", ""));
        assertThatNothingIsServed(AUTHORIZATION, "Bearer token-1");
        assertThatNothingIsServed(AUTHORIZATION, "Basic garbage");
        assertThatNothingIsServed(AUTHORIZATION, "Basic " + "A".repeat(20_000));
        assertThat(registry.calls().all()).isEmpty();
    }

    @Test
    void whatIsKeptIsServedToNobodyWhomTheUpstreamDoesNotLetHaveIt() throws Exception {
        pullAll(ALICE);
        assertThatNothingIsServed(AUTHORIZATION, MALLORY);
        assertThatNothingIsServed(AUTHORIZATION, Access.basic("alice", "wrong"));
        pullAll(ALICE);
        pullAll(BOB);
    }

    @Test
    void whatIsKeptIsServedByTheUpstreamsWordWhichCountsForMinutes() throws Exception {
        pullAll(ALICE);
        registry.calls().clear();
        HttpResponse<byte[]> hit = get(blob, BOB);
        assertThat(verdict(hit)).isEqualTo("hit");
        assertThat(registry.requests(Requests.get().and(Requests.blobs()))).isEmpty();
        assertThat(registry.requests(Requests.head().and(Requests.blob(layer))))
                .isNotEmpty()
                .last()
                .satisfies(call -> assertThat(call.status()).isEqualTo(200));
        assertThat(verdict(get(TAG, BOB))).isEqualTo("hit");
        int asked = registry.calls().all().size();
        assertThat(verdict(get(TAG, BOB))).isEqualTo("hit");
        assertThat(verdict(get(blob, BOB))).isEqualTo("hit");
        assertThat(registry.calls().all()).hasSize(asked);
        mirror.advance(Duration.ofMinutes(5).plusSeconds(1));
        assertThat(verdict(get(blob, BOB))).isEqualTo("hit");
        assertThat(registry.calls().all().size()).isGreaterThan(asked);
        assertThat(registry.requests(Requests.get().and(Requests.blobs()))).isEmpty();
    }

    @Test
    void withoutTheUpstreamsWordNothingIsServedInAnOutageEither() throws Exception {
        pullAll(ALICE);
        registry.stop();
        mirror.advance(Duration.ofMinutes(2));
        assertThat(verdict(get(TAG, ALICE))).isEqualTo("stale");
        assertThat(verdict(get(blob, ALICE))).isEqualTo("hit");
        for (String path : all()) {
            assertThat(get(path, BOB).statusCode()).as(path).isIn(502, 503);
        }
        mirror.advance(Duration.ofMinutes(4));
        for (String path : all()) {
            HttpResponse<byte[]> answer = get(path, ALICE);
            assertThat(answer.statusCode()).as(path).isIn(502, 503);
            assertThat(header(answer, "WWW-Authenticate")).isEmpty();
        }
        assertThatNothingIsServed();
        registry.start();
        mirror.advance(Duration.ofMinutes(3));
        pullAll(ALICE);
    }

    @Test
    void clientThatAsksForV2FirstIsServedInAnOutageForAsLongAsItsProofCounts() throws Exception {
        pullAll(ALICE);
        mirror.advance(Duration.ofMinutes(9));
        pullAll(ALICE);
        mirror.advance(Duration.ofMinutes(2));
        registry.stop();
        assertThat(get("/v2/", ALICE).statusCode()).isEqualTo(200);
        assertThat(verdict(get(TAG, ALICE))).isEqualTo("stale");
        assertThat(get("/v2/", BOB).statusCode()).isIn(502, 503);
    }

    @Test
    void rightsThatAreTakenAwayCountWhenTheProofIsOverAtTheLatest() throws Exception {
        pullAll(ALICE);
        readers.remove("alice");
        tokens.revokeAll();
        assertThat(get(blob, ALICE).statusCode()).isEqualTo(200);
        mirror.advance(Duration.ofMinutes(5).plusSeconds(1));
        assertThatNothingIsServed(AUTHORIZATION, ALICE);
    }

    /** The registry itself goes by its token, which says for hours what was so when it was asked for. */
    @Test
    void rightsThatAreTakenAwayCountForATokenAtHandToo() throws Exception {
        registry.open(new Access.Bearer(new TokenService(
                Map.of("alice", "alices-secret"),
                (user, repository, action) -> readers.contains(user),
                Duration.ofHours(12),
                clock)));
        pullAll(ALICE);
        readers.remove("alice");
        mirror.advance(Duration.ofMinutes(5).plusSeconds(1));
        assertThatNothingIsServed(AUTHORIZATION, ALICE);
    }

    @Test
    void refusalWhileTheProofLastsEndsIt() throws Exception {
        pullAll(ALICE);
        readers.remove("alice");
        tokens.revokeAll();
        mirror.advance(Duration.ofMinutes(2));
        assertThat(get(TAG, ALICE).statusCode()).isEqualTo(401);
        assertThatNothingIsServed(AUTHORIZATION, ALICE);
        registry.stop();
        assertThat(get(blob, ALICE).statusCode()).isIn(401, 502, 503);
        registry.start();
        mirror.advance(Duration.ofMinutes(3));
        pullAll(BOB);
    }

    @Test
    void refusalIsRememberedForMoments() throws Exception {
        pullAll(ALICE);
        assertThat(get(blob, MALLORY).statusCode()).isEqualTo(401);
        registry.calls().clear();
        for (int i = 0; i < 10; i++) {
            assertThat(get(blob, MALLORY).statusCode()).isEqualTo(401);
        }
        assertThat(registry.calls().all()).isEmpty();
        readers.add("mallory");
        mirror.advance(Duration.ofSeconds(11));
        assertThat(verdict(get(blob, MALLORY))).isEqualTo("hit");
    }

    @Test
    void upstreamIsShownTheCredentialsOfWhoAsksAndNoOthers() throws Exception {
        pullAll(ALICE);
        assertThat(registry.calls().all())
                .extracting(call -> call.request().header(AUTHORIZATION).orElse(""))
                .allMatch(value -> value.isEmpty() || value.equals(ALICE) || value.startsWith("Bearer token-"));
        registry.calls().clear();
        pullAll(BOB);
        assertThat(registry.requests(Requests.tokens()))
                .isNotEmpty()
                .allSatisfy(
                        call -> assertThat(call.request().header(AUTHORIZATION)).contains(BOB));
        mirror.get("/v2/open.test/free/manifests/1", AUTHORIZATION, ALICE);
        assertThat(open.calls().all())
                .isNotEmpty()
                .noneMatch(call -> call.request().header(AUTHORIZATION).isPresent());
    }

    @Test
    void missingThingIsAnAnswerForWhoMayAndNoneForWhoMayNot() throws Exception {
        String missing = "/v2/" + APP + "/manifests/missing";
        assertThat(get(missing, ALICE).statusCode()).isEqualTo(404);
        assertThat(get(missing, MALLORY).statusCode()).isEqualTo(401);
        assertThat(get("/v2/team/other/manifests/1", ALICE).statusCode()).isEqualTo(401);
    }

    @Test
    void fillIsSharedByThoseWhoMayAndHiddenFromOthers() throws Exception {
        Predicate<Request> gets = Requests.get().and(Requests.blob(layer));
        registry.faults().once(gets, Fault.stallAfter(50_000, gate));
        get(TAG, ALICE);
        try (InputStream first = mirror.open(blob, AUTHORIZATION, ALICE).body()) {
            assertThat(first.readNBytes(1000)).hasSize(1000);
            HttpResponse<InputStream> second = mirror.open(blob, AUTHORIZATION, BOB);
            try (InputStream joined = second.body()) {
                assertThat(verdict(second)).isEqualTo("joined");
                assertThat(get(blob, MALLORY).statusCode()).isEqualTo(401);
                assertThat(mirror.get(blob).statusCode()).isEqualTo(401);
                gate.open();
                assertThat(Digest.sha256(joined.readAllBytes())).isEqualTo(layer);
            }
        }
        assertThat(registry.requests(gets).stream().filter(call -> call.status() == 200))
                .hasSize(1);
    }

    @Test
    void refusalOfOneIsNoAnswerToAnotherWhoJoinedHim() throws Exception {
        get(TAG, ALICE);
        get(TAG, BOB);
        Predicate<Request> gets = Requests.get().and(Requests.blob(layer));
        registry.faults().once(gets, Fault.hold(gate));
        registry.faults().once(gets, Fault.error(403, "DENIED"));
        try (ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<HttpResponse<byte[]>> refused = clients.submit(() -> get(blob, ALICE));
            registry.calls().await(1, gets);
            Future<HttpResponse<byte[]>> served = clients.submit(() -> get(blob, BOB));
            MirrorFixture.await(() -> mirror.metric("entrepot_joined_total") == 1);
            gate.open();
            assertThat(refused.get(20, TimeUnit.SECONDS).statusCode()).isEqualTo(403);
            assertThat(served.get(20, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
        }
    }

    @Test
    void onePassedCredentialIsAskedAboutOnceHoweverManyWait() throws Exception {
        pullAll(ALICE);
        registry.calls().clear();
        registry.faults()
                .once(Requests.path("/v2/").and(Requests.repository(APP).negate()), Fault.hold(gate));
        try (ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<HttpResponse<byte[]>>> all = new ArrayList<>();
            for (int i = 0; i < 40; i++) {
                all.add(clients.submit(() -> get(blob, BOB)));
            }
            registry.calls().await(1, Requests.any());
            gate.open();
            for (Future<HttpResponse<byte[]>> each : all) {
                assertThat(each.get(20, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
            }
        }
        assertThat(registry.calls().count(Requests.blobs())).isLessThanOrEqualTo(3);
    }

    @Test
    void addressThatTriesWrongCredentialsHasToWaitAndDoesNotKeepOthersOut() throws Exception {
        pullAll(ALICE);
        for (int i = 0; i < 20; i++) {
            assertThat(get(TAG, Access.basic("alice", "guess-" + i)).statusCode())
                    .isEqualTo(401);
        }
        registry.calls().clear();
        HttpResponse<byte[]> answer = get(TAG, Access.basic("alice", "guess-20"));
        assertThat(answer.statusCode()).isEqualTo(429);
        assertThat(header(answer, "Retry-After")).isNotEmpty();
        assertThat(registry.calls().all()).isEmpty();
        mirror.advance(Duration.ofMinutes(6));
        for (int i = 30; i < 60; i++) {
            get(TAG, Access.basic("alice", "guess-" + i));
        }
        pullAll(ALICE);
    }

    @Test
    void strangersPushNobodysTokensOut() throws Exception {
        Digest later = registry.pushBlob(APP, images.randomBytes(1000));
        pullAll(ALICE);
        for (int i = 0; i < 1100; i++) {
            get("/v2/", Access.basic("alice", "guess-" + i));
        }
        registry.calls().clear();
        assertThat(get("/v2/" + APP + "/blobs/" + later, ALICE).statusCode()).isEqualTo(200);
        assertThat(registry.calls().count(Requests.tokens())).isZero();
    }

    @Test
    void guessesCountAlsoWhereTheyAreRefusedAsForbidden() throws Exception {
        registry.faults().always(Requests.tokens(), Fault.error(403, "DENIED"));
        for (int i = 0; i < 20; i++) {
            assertThat(get("/v2/", Access.basic("alice", "guess-" + i)).statusCode())
                    .isEqualTo(200);
        }
        registry.faults().clear();
        registry.calls().clear();
        assertThat(get(TAG, Access.basic("alice", "guess-20")).statusCode()).isEqualTo(429);
        assertThat(get(TAG, ALICE).statusCode()).isEqualTo(429);
        assertThat(registry.calls().all()).isEmpty();
    }

    @Test
    void pingAsksForCredentialsAndSaysWhetherTheyAreTaken() throws Exception {
        HttpResponse<byte[]> nobody = mirror.get("/v2/");
        assertThat(nobody.statusCode()).isEqualTo(401);
        assertThat(header(nobody, "WWW-Authenticate")).isEqualTo("Basic realm=\"registry.test\"");
        assertThat(get("/v2/", ALICE).statusCode()).isEqualTo(200);
        assertThat(get("/v2/", Access.basic("alice", "wrong")).statusCode()).isEqualTo(401);
        assertThat(mirror.get("/v2/?ns=open.test").statusCode()).isEqualTo(200);
        assertThat(mirror.get("/v2/?ns=registry.test").statusCode()).isEqualTo(401);
        assertThat(mirror.get("/v2/open.test/free/manifests/1").statusCode()).isEqualTo(200);
    }

    @Test
    void serverNameOfItsOwnLeavesOtherRequestsForV2Alone() throws Exception {
        mirror.close();
        mirror = MirrorFixture.started(folder, """
                default-upstream: open.test
                upstreams:
                  registry.test: {url: "%s", pass-through: {}, hosts: ["private.mirror.test"]}
                  open.test: {url: "%s"}
                """.formatted(registry.uri(), open.uri()), clock, Map.of());
        assertThat(mirror.get("/v2/").statusCode()).isEqualTo(200);
        assertThat(mirror.get("/v2/registry.test/" + APP + "/manifests/1").statusCode())
                .isEqualTo(401);
        assertThat(get("/v2/registry.test/" + APP + "/manifests/1", ALICE).statusCode())
                .isEqualTo(200);
        try (dev.entrepot.proxy.http.RawConnection client = new dev.entrepot.proxy.http.RawConnection(mirror.port())) {
            client.send("GET /v2/ HTTP/1.1\r\nHost: private.mirror.test\r\n\r\n");
            assertThat(client.read(false).status()).isEqualTo(401);
        }
    }

    @Test
    void catalogShowsWhatTheUpstreamHasLetTheClientHave() throws Exception {
        pullAll(ALICE);
        mirror.get("/v2/open.test/free/manifests/1");
        assertThat(text(get("/v2/_catalog", ALICE))).contains("open.test/free", "registry.test/" + APP);
        for (HttpResponse<byte[]> other :
                List.of(mirror.get("/v2/_catalog"), get("/v2/_catalog", BOB), get("/v2/_catalog", MALLORY))) {
            assertThat(text(other)).contains("open.test/free").doesNotContain(APP);
            assertThat(header(other, "Cache-Control")).isEqualTo("no-store");
        }
    }

    @Test
    void nothingOfItIsToBeKeptByOtherCaches() throws Exception {
        for (String path : all()) {
            assertThat(header(get(path, ALICE), "Cache-Control")).as(path).isEqualTo("no-store");
        }
        assertThat(header(mirror.get("/v2/open.test/free/manifests/" + image.digest()), "Cache-Control"))
                .startsWith("public");
    }

    @Test
    void digestKeptForAnotherRegistryOpensNothing() throws Exception {
        mirror.get("/v2/open.test/free/manifests/1");
        for (Digest each : image.blobs().keySet()) {
            mirror.get("/v2/open.test/free/blobs/" + each);
        }
        mirror.awaitFills();
        assertThatNothingIsServed(AUTHORIZATION, MALLORY);
        registry.removeBlob(APP, layer);
        assertThat(get(blob, ALICE).statusCode()).isEqualTo(404);
        assertThat(get("/v2/team/other/blobs/" + layer, ALICE).statusCode()).isEqualTo(401);
    }

    @Test
    void whatRunsWithoutAClientGetsNothing() throws Exception {
        mirror.close();
        started("rules: [{check-deadline: 0s}, {prefetch: true}]\n");
        assertThat(get(TAG, ALICE).statusCode()).isEqualTo(200);
        registry.calls().clear();
        assertThat(mirror.metrics()).contains("entrepot_prefetch_waiting 0");
        assertThat(registry.calls().all()).isEmpty();
        CommandRunner.Result copied =
                new CommandRunner(folder).run("copy", "registry.test/" + APP + ":1", open.uri() + "/copy:1");
        assertThat(copied.code()).isNotZero();
        assertThat(copied.err()).contains("asked with the credentials of each client");
        CommandRunner.Result exported = new CommandRunner(folder)
                .run(
                        "export",
                        "registry.test/" + APP + ":1",
                        "--output",
                        folder.resolve("out.tar").toString(),
                        "--unsigned");
        assertThat(exported.code()).isNotZero();
        assertThat(exported.err()).contains("asked with the credentials of each client");
        Files.writeString(folder.resolve("list"), "registry.test/" + APP + ":1\n");
        CommandRunner.Result warmed = new CommandRunner(folder).run("cache", "warm", "list");
        assertThat(warmed.out() + warmed.err()).contains("no upstream is to be asked");
        assertThat(registry.calls().all()).isEmpty();
    }

    @Test
    void offlineRuleAsksNobodyAndSoServesNobody() throws Exception {
        pullAll(ALICE);
        assertThat(mirror.reconfigure("""
                default-upstream: registry.test
                upstreams:
                  registry.test: {url: "%s", pass-through: {proof: head, proof-for: 5m}, rules: [{offline: true}]}
                  open.test: {url: "%s"}
                """.formatted(registry.uri(), open.uri())))
                .isTrue();
        assertThat(get(blob, ALICE).statusCode()).as("proven a moment ago").isEqualTo(200);
        mirror.advance(Duration.ofMinutes(6));
        registry.calls().clear();
        assertThat(get(blob, ALICE).statusCode()).isEqualTo(503);
        assertThat(registry.requests(Requests.repository(APP))).isEmpty();
    }

    @Test
    void credentialsAreInNothingThatIsShown() throws Exception {
        pullAll(ALICE);
        get(blob, MALLORY);
        String shown = mirror.metrics()
                + mirror.askAdmin("POST", "/upstreams").body()
                + mirror.admin("/explain?ref=registry.test%2Fteam%2Fapp%3A1").body()
                + mirror.admin("/ui/api/refusals").body();
        assertThat(shown).contains("entrepot_passed_credentials 2", "each client's own");
        for (String secret : List.of("alices-secret", "mallorys-secret", ALICE, MALLORY, "token-1\"")) {
            assertThat(shown).doesNotContain(secret);
        }
        assertThat(shown)
                .doesNotContain(Base64.getEncoder().encodeToString("alices-secret".getBytes(StandardCharsets.UTF_8)));
    }
}
