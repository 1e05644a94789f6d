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
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.QuotaReserve;
import dev.entrepot.oci.client.RegistryClient;
import dev.entrepot.oci.client.RegistryEndpoint;
import dev.entrepot.oci.client.Safeguards;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Gate;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
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
}
