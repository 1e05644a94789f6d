package dev.entrepot.proxy;

import static dev.entrepot.proxy.MirrorFixture.APP;
import static dev.entrepot.proxy.MirrorFixture.code;
import static dev.entrepot.proxy.MirrorFixture.header;
import static dev.entrepot.proxy.MirrorFixture.verdict;
import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.cache.Answer;
import dev.entrepot.cache.CacheIndex;
import dev.entrepot.cache.CacheRules;
import dev.entrepot.cache.CacheSettings;
import dev.entrepot.cache.ContentStore;
import dev.entrepot.cache.DiskLimits;
import dev.entrepot.cache.DiskShares;
import dev.entrepot.cache.Evictor;
import dev.entrepot.cache.FetchSettings;
import dev.entrepot.cache.PullThrough;
import dev.entrepot.cache.PullThroughCache;
import dev.entrepot.cache.Verdict;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.client.BreakerState;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.OperationClass;
import dev.entrepot.oci.client.QuotaReserve;
import dev.entrepot.oci.client.RegistryClient;
import dev.entrepot.oci.client.RegistryEndpoint;
import dev.entrepot.oci.client.Safeguards;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Content;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Gate;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.Response;
import dev.entrepot.oci.testing.TestRegistry;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An upstream that is out for long: what is kept comes without asking it each time. */
class UpstreamOutageEndToEndTest {
    private static final String PATH = "/v2/" + APP + "/manifests/";

    private final TestRegistry registry = TestRegistry.started();
    private final Images images = new Images(8);
    private final Bundle image = registry.push(APP, images.image(100), "kept");

    @TempDir
    private Path folder;

    @AfterEach
    void stop() {
        registry.close();
    }

    @Test
    void upstreamThatIsKnownToBeOutIsNotAskedUntilAProbeAndThenServesAgain() throws Exception {
        try (MirrorFixture mirror = MirrorFixture.of(folder, registry.uri())) {
            mirror.get(PATH + "kept");
            mirror.advance(Duration.ofMinutes(2));
            registry.stop();
            for (int i = 0; i < 5; i++) {
                assertThat(mirror.get(PATH + "new").statusCode()).isEqualTo(502);
            }
            registry.start();
            int asked = registry.calls().count(Requests.manifests());
            HttpResponse<byte[]> stale = mirror.get(PATH + "kept");
            assertThat(stale.body()).isEqualTo(image.root().array());
            assertThat(verdict(stale)).isEqualTo("stale");
            assertThat(header(stale, "Warning")).contains("is not asked after its last outages");
            HttpResponse<byte[]> refused = mirror.get(PATH + "new");
            assertThat(refused.statusCode()).isEqualTo(503);
            assertThat(code(refused)).isEqualTo("UNAVAILABLE");
            assertThat(header(refused, "Retry-After")).isEqualTo("10");
            assertThat(registry.calls().count(Requests.manifests())).isEqualTo(asked);
            mirror.advance(Duration.ofSeconds(10));
            assertThat(verdict(mirror.get(PATH + "kept"))).isEqualTo("revalidated");
            assertThat(mirror.get(PATH + "new").statusCode()).isEqualTo(404);
        }
    }

    /** Whoever looks at the log only sees each outage, though the first of them kept nobody from anything. */
    @Test
    void logSaysThatAnUpstreamIsOutWhileAllIsServedAndSaysTheNextOutageAnew() throws Exception {
        List<String> said = new CopyOnWriteArrayList<>();
        Handler handler = new Handler() {
            @Override
            public void publish(LogRecord event) {
                said.add(event.getMessage());
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        Logger log = Logger.getLogger("dev.entrepot");
        try (MirrorFixture mirror = MirrorFixture.of(folder, registry.uri())) {
            mirror.get(PATH + "kept");
            mirror.advance(Duration.ofMinutes(2));
            registry.stop();
            log.addHandler(handler);
            for (int i = 0; i < 40; i++) {
                assertThat(verdict(mirror.get(PATH + "kept"))).isEqualTo("stale");
            }
            assertThat(said).singleElement().asString().contains(" is out (metadata): ", "refused the connection");
            for (int i = 0; i < 2; i++) {
                said.clear();
                for (int request = 0; request < 6; request++) {
                    mirror.get(PATH + "new");
                }
                assertThat(said)
                        .filteredOn(line -> line.contains("cannot be served"))
                        .hasSize(1);
                registry.start();
                mirror.advance(Duration.ofMinutes(2));
                assertThat(verdict(mirror.get(PATH + "kept"))).isEqualTo("revalidated");
                assertThat(said).last().asString().contains(" answers again (metadata), after ");
                registry.stop();
            }
        } finally {
            log.removeHandler(handler);
        }
    }

    /** The registry has not seen the request: nginx says so to who shows no client certificate, or a wrong one. */
    @Test
    void pageOfTheWebServerBeforeTheRegistryIsAnOutageAndWhatIsKeptIsServed() throws Exception {
        try (MirrorFixture mirror = MirrorFixture.of(folder, registry.uri())) {
            mirror.get(PATH + "kept");
            mirror.advance(Duration.ofMinutes(2));
            registry.faults()
                    .always(
                            Requests.any(),
                            Fault.instead(Response.of(
                                    400,
                                    "text/html",
                                    Content.of("<html>400 No required SSL certificate was sent</html>".getBytes()))));
            String words = "answered 400, not in the form of a registry: a client certificate";
            HttpResponse<byte[]> stale = mirror.get(PATH + "kept");
            assertThat(stale.body()).isEqualTo(image.root().array());
            assertThat(verdict(stale)).isEqualTo("stale");
            assertThat(header(stale, "Warning")).contains(words);
            HttpResponse<byte[]> other = mirror.get(PATH + "new");
            assertThat(other.statusCode()).isEqualTo(502);
            assertThat(MirrorFixture.text(other)).contains(words);
            assertThat(mirror.askAdmin("POST", "/upstreams?check=true").body()).contains(words);
        }
    }

    /** The whole time-out of an upstream is a minute; here it is a fifth of a second, and is met once. */
    @Test
    void upstreamThatAcceptsAndNeverAnswersCostsItsTimeOutOnce() throws Exception {
        FixtureClock clock = new FixtureClock();
        ClientEnvironment environment =
                ClientEnvironment.system("test").withVariables(Map.of()).withClock(clock);
        RegistryEndpoint endpoint = RegistryEndpoint.of(registry.host(), registry.uri())
                .withTimeouts(Duration.ofSeconds(1), Duration.ofMillis(200));
        Gate never = new Gate();
        try (ExecutorService fetching = Executors.newVirtualThreadPerTaskExecutor();
                ContentStore store = ContentStore.open(folder, clock);
                CacheIndex index = CacheIndex.open(store, clock);
                Evictor evictor =
                        new Evictor(store, index, DiskLimits.of(1 << 30, 1 << 20), DiskShares.EQUAL, Duration.ZERO);
                RegistryClient client =
                        new RegistryClient(endpoint, Safeguards.shared(QuotaReserve.DEFAULT), environment)) {
            PullThroughCache cache = new PullThroughCache(
                    store,
                    index,
                    evictor,
                    clock,
                    1 << 20,
                    FetchSettings.DEFAULT,
                    fetching,
                    CacheRules.always(
                            CacheSettings.defaults(Duration.ofMinutes(1), Duration.ofDays(7), Duration.ofMinutes(1))
                                    .withCheckDeadline(Duration.ZERO)));
            PullThrough pull =
                    cache.repository(client.repository(registry.repository(APP).name()));
            pull.manifest(new Tag("kept"));
            clock.advance(Duration.ofMinutes(2));
            registry.faults().always(Requests.manifests(), Fault.hold(never));
            int before = registry.calls().count(Requests.manifests());
            for (int i = 0; i < 200; i++) {
                Answer<ManifestBytes> answer = pull.manifest(new Tag("kept"));
                assertThat(answer.verdict()).isEqualTo(Verdict.STALE);
                assertThat(answer.content().digest()).isEqualTo(image.digest());
            }
            assertThat(registry.calls().count(Requests.manifests())).isLessThanOrEqualTo(before + 1);
        } finally {
            never.open();
        }
    }

    /** What rules say, from the next request on. */
    private static final class Rules implements CacheRules {
        private volatile CacheSettings settings = CacheSettings.defaults(
                        Duration.ofMinutes(1), Duration.ofDays(7), Duration.ofMinutes(1))
                .withCheckDeadline(Duration.ofMillis(50));

        @Override
        public CacheSettings of(Repository repository) {
            return settings;
        }

        @Override
        public CacheSettings of(Repository repository, Tag tag) {
            return settings;
        }

        @Override
        public Optional<String> offlineBy(RegistryHost host) {
            return Optional.empty();
        }
    }

    /**
     * As above; then each request that shows whether it is back would cost a client the deadline, which no test
     * outlasts.
     */
    @Test
    void clientsWaitOnceForAnUpstreamThatHasFallenSilentHoweverOftenItIsAskedWhetherItIsBack() throws Exception {
        FixtureClock clock = new FixtureClock();
        ClientEnvironment environment =
                ClientEnvironment.system("test").withVariables(Map.of()).withClock(clock);
        RegistryEndpoint endpoint = RegistryEndpoint.of(registry.host(), registry.uri())
                .withTimeouts(Duration.ofSeconds(1), Duration.ofMillis(200));
        Rules rules = new Rules();
        Gate never = new Gate();
        AtomicInteger underWay = new AtomicInteger();
        AtomicReference<CountDownLatch> held = new AtomicReference<>(new CountDownLatch(0));
        try (ExecutorService fetching = Executors.newVirtualThreadPerTaskExecutor();
                ContentStore store = ContentStore.open(folder, clock);
                CacheIndex index = CacheIndex.open(store, clock);
                Evictor evictor =
                        new Evictor(store, index, DiskLimits.of(1 << 30, 1 << 20), DiskShares.EQUAL, Duration.ZERO);
                RegistryClient client =
                        new RegistryClient(endpoint, Safeguards.shared(QuotaReserve.DEFAULT), environment)) {
            Executor asking = task -> {
                underWay.incrementAndGet();
                fetching.execute(() -> {
                    try {
                        // Who would wait for what is held fails this test by what comes of it then.
                        boolean _ = held.get().await(20, TimeUnit.SECONDS);
                        task.run();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    } finally {
                        underWay.decrementAndGet();
                    }
                });
            };
            PullThroughCache cache =
                    new PullThroughCache(store, index, evictor, clock, 1 << 20, FetchSettings.DEFAULT, asking, rules);
            PullThrough pull =
                    cache.repository(client.repository(registry.repository(APP).name()));
            List<Tag> tags = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                registry.push(APP, image, "tag-" + i);
                tags.add(new Tag("tag-" + i));
                pull.manifest(tags.get(i));
            }
            clock.advance(Duration.ofMinutes(2));
            registry.faults().always(Requests.manifests(), Fault.hold(never));
            assertThat(pull.manifest(tags.getFirst()).outage().orElseThrow())
                    .contains("did not confirm it within 50 ms");
            // Until that has timed out, and the upstream is left alone.
            awaitOutage(pull, tags.getFirst(), "is not asked after its last outages");
            await(() -> underWay.get() == 0);

            rules.settings = rules.settings.withCheckDeadline(Duration.ofMinutes(10));
            for (int pause : List.of(10, 20, 40, 80)) {
                clock.advance(Duration.ofSeconds(pause));
                long before = never.arrivals();
                List<Future<Answer<ManifestBytes>>> pulls = tags.stream()
                        .map(tag -> fetching.submit(() -> pull.manifest(tag)))
                        .toList();
                for (Future<Answer<ManifestBytes>> each : pulls) {
                    Answer<ManifestBytes> answer = each.get(20, TimeUnit.SECONDS);
                    assertThat(answer.verdict()).isEqualTo(Verdict.STALE);
                    // And not what comes of the request that shows whether it is back, which they would have waited
                    // for.
                    assertThat(answer.outage().orElseThrow())
                            .containsAnyOf("is asked further", "is not asked after its last outages");
                }
                never.awaitArrivals(before + 1);
                awaitBreaker(client, BreakerState.Position.OPEN);
                await(() -> underWay.get() == 0);
                assertThat(never.arrivals()).isEqualTo(before + 1);
            }

            registry.faults().clear();
            never.open();
            clock.advance(Duration.ofSeconds(120));
            // The upstream is back, and its answer comes no sooner than what the client gets instead of it.
            CountDownLatch served = new CountDownLatch(1);
            held.set(served);
            assertThat(pull.manifest(tags.get(1)).verdict()).isEqualTo(Verdict.STALE);
            assertThat(underWay.get()).isEqualTo(1);
            served.countDown();
            await(() -> pull.manifest(tags.get(1)).verdict() == Verdict.HIT);
            assertThat(pull.manifest(tags.get(2)).verdict()).isEqualTo(Verdict.REVALIDATED);
        } finally {
            never.open();
        }
    }

    private static void awaitOutage(PullThrough pull, Tag tag, String outage) throws Exception {
        await(() -> pull.manifest(tag)
                .outage()
                .filter(text -> text.contains(outage))
                .isPresent());
    }

    private static void awaitBreaker(RegistryClient client, BreakerState.Position position) throws Exception {
        await(() -> client.state().breakers().get(OperationClass.METADATA).position() == position);
    }

    private static void await(Callable<Boolean> condition) throws Exception {
        Instant end = Instant.now().plusSeconds(20);
        while (!condition.call()) {
            assertThat(Instant.now()).isBefore(end);
            Thread.onSpinWait();
        }
    }
}
