package dev.entrepot.replicator.fill;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.cache.CachedRepository;
import dev.entrepot.cache.PullThrough;
import dev.entrepot.config.ByteSize;
import dev.entrepot.config.LimitsConfig;
import dev.entrepot.config.NamePattern;
import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.Meter;
import dev.entrepot.oci.Pace;
import dev.entrepot.oci.Platform;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.RegistryClient;
import dev.entrepot.oci.client.RegistryEndpoint;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.replicator.Engine;
import dev.entrepot.replicator.MemoryRegistry;
import dev.entrepot.replicator.ReplicationReport;
import dev.entrepot.replicator.ReportWriter;
import dev.entrepot.replicator.Rules;
import dev.entrepot.replicator.SourceRegistry;
import dev.entrepot.replicator.layout.LayoutTargets;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What reading through the cache takes of a pace: what goes over the wire for it, on whatever thread, and nothing else.
 */
@Timeout(30)
class PacedCacheTest {
    private static final String NAME = "team/app";
    private static final Tag TAG = new Tag("v1");

    @TempDir
    Path directory;

    private final AtomicLong requests = new AtomicLong();
    private final AtomicLong bytes = new AtomicLong();
    private final Pace pace = new Pace(counting(requests), counting(bytes));
    private TestRegistry registry;

    private static Meter counting(AtomicLong count) {
        return new Meter() {
            @Override
            public void take(long units) {
                count.addAndGet(units);
            }

            @Override
            public void count(long units) {
                count.addAndGet(units);
            }
        };
    }

    @BeforeEach
    void start() {
        registry = TestRegistry.started();
        registry.push(NAME, new Images(7).image(Platform.parse("linux/amd64"), 300_000), TAG.value());
    }

    @AfterEach
    void stop() {
        registry.close();
    }

    /** Reads an image, and returns how many bytes it has. */
    private static long read(CachedRepository source) throws IOException {
        ManifestBytes manifest =
                source.fetchManifest(source.resolve(TAG).orElseThrow().digest());
        long all = manifest.sizeBytes();
        for (Descriptor blob : Manifest.parse(manifest).blobs()) {
            try (BlobBody body = source.openBlob(blob.digest(), ByteRange.ALL)) {
                all += body.stream().readAllBytes().length;
            }
        }
        return all;
    }

    @Test
    void whatIsFetchedCountsOnceAndWhatIsKeptNotAtAll() throws IOException {
        try (FilledCache cache = new FilledCache(directory, registry, 1L << 30)) {
            CachedRepository source = new CachedRepository(cache.open(registry.repository(NAME)));

            long all = pace.<Long, IOException>call(() -> read(source));

            assertThat(bytes.get()).isEqualTo(all).isGreaterThan(300_000);
            assertThat(requests.get())
                    .isEqualTo(registry.requests(request -> true).size());
            long sent = requests.get();
            pace.<Long, IOException>call(() -> read(source));
            assertThat(bytes.get()).isEqualTo(all);
            assertThat(requests.get())
                    .as("only what the tag names is asked again")
                    .isEqualTo(sent + 1)
                    .isEqualTo(registry.requests(request -> true).size());
        }
    }

    @Test
    void runReadsAtItsRulesBandwidthWhatTheCacheHasNotAndTheRestAtOnce() throws IOException {
        try (FilledCache cache = new FilledCache(directory.resolve("cache"), registry, 1L << 30);
                Engine engine = new Engine(directory)) {
            Rules rules = new Rules(new MemoryRegistry("unused.test", MemoryRegistry.Abilities.ALL));
            rules.source = new CachedSource(registry, cache);
            rules.repositories = List.of(NamePattern.parse(NAME));
            rules.limits =
                    new LimitsConfig(Optional.of(new ByteSize(1000)), Optional.empty(), List.of(), ZoneOffset.UTC);

            assertThat(timeOf(engine, rules, "one")).isGreaterThan(Duration.ofSeconds(150));
            assertThat(timeOf(engine, rules, "other")).isLessThan(Duration.ofSeconds(10));
        }
    }

    // Layouts are no network, so that nothing but what is read takes time.
    private Duration timeOf(Engine engine, Rules rules, String layout) throws IOException {
        rules.targets.clear();
        rules.to(new LayoutTargets().target(layout, directory.resolve(layout)));
        Instant start = engine.clock.instant();
        ReplicationReport report = engine.run(rules);
        assertThat(report.outcome()).as(ReportWriter.toText(report)).isEqualTo(ReplicationReport.Outcome.COMPLETE);
        return Duration.between(start, engine.clock.instant());
    }

    private record CachedSource(TestRegistry registry, FilledCache cache) implements SourceRegistry {
        @Override
        public String name() {
            return registry.host().value();
        }

        @Override
        public RepositorySource repository(RepositoryName name) {
            return new CachedRepository(cache.open(registry.repository(name.value())));
        }

        @Override
        public List<RepositoryName> catalog() {
            throw new AssertionError("the rule names its repository");
        }
    }

    @Test
    void whatClientsFetchCountsForNobody() throws IOException {
        try (FilledCache cache = new FilledCache(directory, registry, 1L << 30)) {
            CachedRepository client = new CachedRepository(cache.pull(registry.repository(NAME)));
            pace.<Long, IOException>call(() -> read(client));
            assertThat(requests.get()).isZero();
            assertThat(bytes.get()).isZero();
        }
    }

    /** Holds back whoever takes of it, and before anything is sent if it says so, until he is interrupted. */
    private static final class Closed implements Meter {
        private final CountDownLatch held = new CountDownLatch(1);
        private final AtomicLong counted = new AtomicLong();
        private final boolean owes;

        Closed(boolean owes) {
            this.owes = owes;
        }

        @Override
        public void settle() throws InterruptedIOException {
            if (owes) {
                take(0);
            }
        }

        @Override
        public void take(long units) throws InterruptedIOException {
            held.countDown();
            try {
                new CountDownLatch(1).await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new InterruptedIOException("interrupted while held back");
            }
        }

        @Override
        public void count(long units) {
            counted.addAndGet(units);
        }
    }

    private void clientIsNotHeldBackBy(Pace slow, Closed meter) throws Exception {
        try (FilledCache cache = new FilledCache(directory, registry, 1L << 30)) {
            CachedRepository source = new CachedRepository(cache.open(registry.repository(NAME)));
            Digest layer =
                    Manifest.parse(source.fetchManifest(TAG)).blobs().getLast().digest();
            Thread background = Thread.ofVirtual().start(() -> {
                try {
                    slow.<Integer, IOException>call(() -> readAll(source, layer));
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
            meter.held.await();

            CachedRepository client = new CachedRepository(cache.pull(registry.repository(NAME)));

            assertThat(readAll(client, layer)).isGreaterThan(200_000);
            assertThat(registry.requests(Requests.blob(layer).and(Requests.method("GET"))))
                    .as("one fill, which the client joined")
                    .hasSize(1);
            background.join();
        }
    }

    private static int readAll(CachedRepository source, Digest blob) throws IOException {
        try (BlobBody body = source.openBlob(blob, ByteRange.ALL)) {
            return body.stream().readAllBytes().length;
        }
    }

    @Test
    void clientThatJoinsAFillWhoseBytesAreHeldBackIsNot() throws Exception {
        Closed meter = new Closed(false);
        clientIsNotHeldBackBy(new Pace(Meter.NONE, meter), meter);
    }

    @Test
    void clientThatJoinsAFillThatIsHeldBackUntilWhatIsOwedIsPaidIsNot() throws Exception {
        Closed meter = new Closed(true);
        clientIsNotHeldBackBy(new Pace(Meter.NONE, meter), meter);
    }

    @Test
    void clientThatWantsADocumentForWhichARunIsHeldBackIsNotAndTheRunCanBeInterrupted() throws Exception {
        Closed meter = new Closed(true);
        try (FilledCache cache = new FilledCache(directory, registry, 1L << 30)) {
            Repository repository = registry.repository(NAME);
            CachedRepository source = new CachedRepository(cache.open(repository));
            Digest digest = registry.resolve(NAME, TAG.value()).orElseThrow();
            CompletableFuture<ManifestBytes> run = new CompletableFuture<>();
            Thread background = Thread.ofVirtual().start(() -> {
                try {
                    run.complete(new Pace(Meter.NONE, meter)
                            .<ManifestBytes, IOException>call(() -> source.fetchManifest(digest)));
                } catch (IOException e) {
                    run.completeExceptionally(e);
                }
            });
            meter.held.await();

            CachedRepository client = new CachedRepository(cache.pull(repository));

            assertThat(client.fetchManifest(TAG).digest()).isEqualTo(digest);
            assertThat(registry.requests(Requests.manifest(digest).and(Requests.get())))
                    .as("only by the tag, for the client")
                    .isEmpty();
            assertThat(run).isNotDone();
            background.interrupt();
            assertThatThrownBy(run::join).hasCauseInstanceOf(InterruptedIOException.class);
        }
    }

    /** What somebody reads in the background. */
    private interface Reading {
        void of(CachedRepository source, PullThrough pull, Digest layer) throws IOException;
    }

    private void isNotHeldBackBy(Pace slow, Closed meter, Reading reading) throws Exception {
        try (FilledCache cache = new FilledCache(directory, registry, 1L << 30)) {
            PullThrough pull = cache.open(registry.repository(NAME));
            CachedRepository source = new CachedRepository(pull);
            Digest layer =
                    Manifest.parse(source.fetchManifest(TAG)).blobs().getLast().digest();
            CompletableFuture<Integer> background = inBackground(slow, () -> readAll(source, layer));
            meter.held.await();

            reading.of(source, pull, layer);

            assertThat(registry.requests(Requests.blob(layer).and(Requests.method("GET"))))
                    .as("one fill, which was joined")
                    .hasSize(1);
            assertThat(background.join()).isGreaterThan(200_000);
        }
    }

    private static <T> CompletableFuture<T> inBackground(Pace pace, ScopedValue.CallableOp<T, IOException> reading) {
        CompletableFuture<T> result = new CompletableFuture<>();
        Thread.ofVirtual().start(() -> {
            try {
                result.complete(pace.<T, IOException>call(reading));
            } catch (IOException e) {
                result.completeExceptionally(e);
            }
        });
        return result;
    }

    @Test
    void ruleWithoutALimitThatJoinsAFillWhoseBytesAreHeldBackIsNotAndTheyAreNotOwed() throws Exception {
        Closed meter = new Closed(false);
        isNotHeldBackBy(
                new Pace(Meter.NONE, meter),
                meter,
                (source, pull, layer) -> assertThat(Pace.FREE.<Integer, IOException>call(() -> readAll(source, layer)))
                        .isGreaterThan(200_000));
        assertThat(meter.counted.get()).as("what the other rule owes").isZero();
    }

    @Test
    void ruleWithoutALimitThatJoinsAFillWhoseRequestIsHeldBackIsNot() throws Exception {
        Closed meter = new Closed(false);
        isNotHeldBackBy(
                new Pace(meter, counting(bytes)),
                meter,
                (source, pull, layer) -> assertThat(Pace.FREE.<Integer, IOException>call(() -> readAll(source, layer)))
                        .isGreaterThan(200_000));
    }

    @Test
    void whatIsPrefetchedIsNotHeldBackEither() throws Exception {
        Closed meter = new Closed(false);
        isNotHeldBackBy(
                new Pace(Meter.NONE, meter),
                meter,
                (source, pull, layer) -> assertThat(pull.keepBlob(layer)).isTrue());
    }

    @Test
    void ruleWithALimitOfItsOwnGoesAtThePaceOfTheFillThatItJoins() throws Exception {
        Closed meter = new Closed(false);
        try (FilledCache cache = new FilledCache(directory, registry, 1L << 30)) {
            CachedRepository source = new CachedRepository(cache.open(registry.repository(NAME)));
            Digest layer =
                    Manifest.parse(source.fetchManifest(TAG)).blobs().getLast().digest();
            CompletableFuture<Integer> slow = inBackground(new Pace(Meter.NONE, meter), () -> readAll(source, layer));
            meter.held.await();
            try (BlobBody body = pace.<BlobBody, IOException>call(() -> source.openBlob(layer, ByteRange.ALL))) {
                assertThat(body.totalBytes()).isPresent();
                assertThat(slow).isNotDone();
                assertThat(bytes.get()).as("it is not read for this one").isZero();
            }
            Pace.FREE.<Integer, IOException>call(() -> readAll(source, layer));
            slow.join();
        }
    }

    @Test
    void ruleWithoutALimitThatJoinsAFillThatWaitsForASlotOfItsRuleIsNotHeldBack() throws Exception {
        Closed meter = new Closed(false);
        CountDownLatch second = new CountDownLatch(2);
        Meter requestsOfRule = new Meter() {
            @Override
            public void take(long units) {
                second.countDown();
            }

            @Override
            public void count(long units) {}
        };
        RegistryClient few = new RegistryClient(
                RegistryEndpoint.of(registry.host(), registry.uri()).withMaxConcurrentRequests(1),
                ClientEnvironment.system("test"));
        try (FilledCache cache = new FilledCache(directory, few, Clock.systemUTC(), 1L << 30)) {
            CachedRepository source = new CachedRepository(cache.open(registry.repository(NAME)));
            List<Descriptor> blobs = Manifest.parse(source.fetchManifest(TAG)).blobs();
            Digest other = registry.pushBlob(NAME, new Images(8).randomBytes(1000));
            Digest layer = blobs.getLast().digest();
            Pace slow = new Pace(requestsOfRule, meter);
            CompletableFuture<Integer> first = inBackground(slow, () -> readAll(source, other));
            meter.held.await();
            CompletableFuture<Integer> waiting = inBackground(slow, () -> readAll(source, layer));
            second.await();

            assertThat(Pace.FREE.<Integer, IOException>call(() -> readAll(source, layer)))
                    .isGreaterThan(200_000);
            assertThat(waiting.join()).isGreaterThan(200_000);
            assertThat(first).as("of the rule that is held back").isNotDone();
        }
    }

    @Test
    void ruleWithoutALimitThatWantsADocumentForWhichAnotherIsHeldBackIsNot() throws Exception {
        Closed meter = new Closed(true);
        try (FilledCache cache = new FilledCache(directory, registry, 1L << 30)) {
            CachedRepository source = new CachedRepository(cache.open(registry.repository(NAME)));
            Digest digest = registry.resolve(NAME, TAG.value()).orElseThrow();
            CompletableFuture<ManifestBytes> slow =
                    inBackground(new Pace(Meter.NONE, meter), () -> source.fetchManifest(digest));
            meter.held.await();

            assertThat(Pace.FREE
                            .<ManifestBytes, IOException>call(() -> source.fetchManifest(digest))
                            .digest())
                    .isEqualTo(digest);
            assertThat(slow.join().digest()).isEqualTo(digest);
            assertThat(registry.requests(Requests.manifest(digest).and(Requests.get())))
                    .hasSize(1);
        }
    }

    // Many small documents first, and then blobs: as long as what comes is paid for before more is asked for, nobody
    // waits long for it.
    @Test
    void documentsOfAFirstRunArePaidForAsTheyComeAndNoBlobWaitsForAllOfThem() throws IOException {
        int images = 60;
        for (int i = 0; i < images; i++) {
            registry.push("team/small", new Images(100 + i).image(Platform.parse("linux/amd64"), 10), "w" + i);
        }
        try (FilledCache cache = new FilledCache(directory.resolve("cache"), registry, 1L << 30);
                Engine engine = new Engine(directory)) {
            Rules rules = new Rules(new MemoryRegistry("unused.test", MemoryRegistry.Abilities.ALL));
            rules.source = new CachedSource(registry, cache);
            rules.repositories = List.of(NamePattern.parse("team/small"));
            rules.limits =
                    new LimitsConfig(Optional.of(new ByteSize(1000)), Optional.empty(), List.of(), ZoneOffset.UTC);

            Duration took = timeOf(engine, rules, "one");

            long sent = registry.calls().bytesOut();
            assertThat(took.toSeconds()).isBetween(sent / 1000 - 5, sent / 1000 + 5);
            assertThat(engine.clock.slept().stream().max(Comparator.naturalOrder()))
                    .hasValueSatisfying(longest -> assertThat(longest).isLessThan(Duration.ofSeconds(5)));
        }
    }

    @Test
    void clientThatJoinsAFillWhoseRequestIsHeldBackIsNot() throws Exception {
        Closed meter = new Closed(false);
        clientIsNotHeldBackBy(new Pace(meter, Meter.NONE), meter);
    }
}
