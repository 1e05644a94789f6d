package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.Repository;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a server does for its disk while nobody asks for room. */
class HousekeepingTest {
    private static final Repository ALPINE = Repository.parse("docker.io/library/alpine");
    private static final Instant START = Instant.parse("2026-11-21T12:00:00Z");
    private static final long PLENTY = 1L << 40;

    private final SettableClock clock = new SettableClock(START);
    private final AtomicLong free = new AtomicLong(PLENTY);

    @TempDir
    Path directory;

    private ContentStore store;
    private CacheIndex index;

    @BeforeEach
    void open() throws IOException {
        store = ContentStore.open(directory, clock);
        index = CacheIndex.open(store, clock);
    }

    @AfterEach
    void close() throws IOException {
        index.close();
        store.close();
    }

    private Evictor evictor(DiskLimits limits) {
        return new Evictor(store, index, limits, DiskShares.EQUAL, Duration.ZERO, free::get);
    }

    private Housekeeping housekeeping(Evictor evictor) {
        return new Housekeeping(store, index, evictor, clock, pause -> {});
    }

    private void anHour(Housekeeping housekeeping) {
        for (int i = 0; i < Housekeeping.LOOKS_TO_TIDY; i++) {
            housekeeping.look();
        }
    }

    private List<Digest> blobs(int count, int size) throws IOException {
        List<Digest> blobs = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Digest digest = Samples.store(store, Samples.bytes(i, size));
            index.contents().stored(digest, ContentKind.BLOB, size, Optional.empty());
            blobs.add(digest);
            clock.advance(Duration.ofMinutes(1));
        }
        return blobs;
    }

    private long quarantineFiles() throws IOException {
        try (Stream<Path> files = Files.list(store.layout().quarantine())) {
            return files.count();
        }
    }

    @Test
    void capacityThatIsLowerThanBeforeTheStartIsKeptWithoutARequest() throws Exception {
        blobs(40, 100);
        LinkedBlockingQueue<Duration> pauses = new LinkedBlockingQueue<>();
        Semaphore next = new Semaphore(0);
        try (Evictor evictor = evictor(new DiskLimits(2_000, 1_900, 1_000, 0));
                Housekeeping housekeeping = new Housekeeping(store, index, evictor, clock, pause -> {
                    pauses.add(pause);
                    next.acquire();
                })) {
            housekeeping.start();
            assertThat(pauses.poll(20, TimeUnit.SECONDS)).isEqualTo(Duration.ofSeconds(10));
            assertThat(evictor.usedBytes()).isEqualTo(1_000);
            blobs(12, 101);
            next.release();
            assertThat(pauses.poll(20, TimeUnit.SECONDS)).isEqualTo(Duration.ofSeconds(10));
            assertThat(evictor.usedBytes()).isLessThanOrEqualTo(1_000);
        }
    }

    @Test
    void capacityThatIsLowerThanWhatIsPinnedLosesAllElse() throws Exception {
        List<Digest> blobs = blobs(40, 100);
        try (Evictor evictor = evictor(new DiskLimits(2_000, 1_900, 1_000, 0))) {
            for (Digest blob : blobs.subList(0, 25)) {
                evictor.pins().pin(Pin.all(ALPINE, blob));
            }
            Housekeeping housekeeping = housekeeping(evictor);
            housekeeping.look();
            assertThat(evictor.usedBytes()).isEqualTo(2_500);
            assertThat(evictor.evictedBytes()).isEqualTo(1_500);
            assertThat(evictor.lackingBytes()).isEqualTo(500);
            housekeeping.look();
            assertThat(evictor.evictedBytes()).isEqualTo(1_500);
            for (Digest blob : blobs.subList(0, 10)) {
                evictor.pins().unpin(ALPINE, blob);
            }
            housekeeping.look();
            assertThat(evictor.usedBytes()).isEqualTo(1_500);
            assertThat(evictor.lackingBytes()).isZero();
        }
    }

    @Test
    void whatIsPinnedBetweenTheWatermarkAndTheCapacityLeavesTheRestAlone() throws Exception {
        List<Digest> blobs = blobs(20, 100);
        try (Evictor evictor = evictor(new DiskLimits(2_000, 1_700, 1_000, 0))) {
            for (Digest blob : blobs.subList(0, 18)) {
                evictor.pins().pin(Pin.all(ALPINE, blob));
            }
            housekeeping(evictor).look();
            assertThat(evictor.evictions()).isZero();
            assertThat(evictor.lackingBytes()).isZero();
        }
    }

    @Test
    void diskThatANeighbourFillsGetsAllThatMayGoThoughItIsTooLittle() throws Exception {
        List<Digest> blobs = blobs(40, 100);
        try (Evictor evictor = evictor(DiskLimits.of(10_000, 5_000))) {
            evictor.pins().pin(Pin.all(ALPINE, blobs.getFirst()));
            free.set(0);
            Housekeeping housekeeping = housekeeping(evictor);
            housekeeping.look();
            assertThat(evictor.evictedBytes(EvictionReason.FREE_SPACE)).isEqualTo(3_900);
            assertThat(evictor.usedBytes()).isEqualTo(100);
            assertThat(evictor.lackingBytes()).isEqualTo(1_100);
            housekeeping.look();
            assertThat(evictor.lackingBytes()).isEqualTo(5_000);
            free.set(PLENTY);
            housekeeping.look();
            assertThat(evictor.lackingBytes()).isZero();
        }
    }

    @Test
    void ballastIsMadeWithTheSecondLookAndCounted() throws Exception {
        long capacity = 64L << 20;
        try (Evictor evictor = evictor(DiskLimits.of(capacity, 0))) {
            Housekeeping housekeeping = housekeeping(evictor);
            housekeeping.look();
            assertThat(store.layout().ballast()).doesNotExist();
            housekeeping.look();
            assertThat(store.layout().ballast()).hasSize(1 << 20);
            assertThat(evictor.usedBytes()).isEqualTo(1 << 20);
            Files.delete(store.layout().ballast());
            housekeeping.look();
            assertThat(store.layout().ballast()).hasSize(1 << 20);
        }
        close();
        open();
        try (Evictor evictor = evictor(DiskLimits.of(capacity - 1, 0))) {
            assertThat(evictor.usedBytes()).isEqualTo(1 << 20);
            Housekeeping housekeeping = housekeeping(evictor);
            housekeeping.look();
            housekeeping.look();
            assertThat(store.layout().ballast()).doesNotExist();
            assertThat(evictor.usedBytes()).isZero();
        }
    }

    @Test
    void ballastWaitsUntilTheDiskHasRoomForIt() throws Exception {
        try (Evictor evictor = evictor(DiskLimits.of(64L << 20, 2 << 20))) {
            free.set((3 << 20) - 1);
            Housekeeping housekeeping = housekeeping(evictor);
            housekeeping.look();
            housekeeping.look();
            assertThat(store.layout().ballast()).doesNotExist();
            free.set(3 << 20);
            housekeeping.look();
            assertThat(store.layout().ballast()).hasSize(1 << 20);
        }
    }

    @Test
    void ballastHasAPartOfTheCapacityAndNeverMuch() {
        assertThat(Ballast.bytesFor(1L << 40)).isEqualTo(32 << 20);
        assertThat(Ballast.bytesFor(1L << 30)).isEqualTo(16 << 20);
        assertThat(Ballast.bytesFor(1_000_000)).isZero();
    }

    @Test
    void diskThatANeighbourFillsIsRelievedWithoutARequest() throws Exception {
        blobs(40, 100);
        try (Evictor evictor = evictor(DiskLimits.of(10_000, 5_000))) {
            Housekeeping housekeeping = housekeeping(evictor);
            housekeeping.look();
            assertThat(evictor.evictions()).isZero();
            free.set(4_000);
            housekeeping.look();
            assertThat(evictor.evictedBytes(EvictionReason.FREE_SPACE)).isGreaterThanOrEqualTo(1_000);
            assertThat(index.contents().storedBytes()).isPositive();
        }
    }

    @Test
    void quarantineIsEmptiedAfterAWeekWhileTheServerRuns() throws Exception {
        Digest bad = blobs(1, 100).getFirst();
        Samples.quarantine(store, bad);
        index.contents().removed(bad);
        try (Evictor evictor = evictor(DiskLimits.of(10_000, 0))) {
            Housekeeping housekeeping = housekeeping(evictor);
            housekeeping.look();
            assertThat(evictor.usedBytes()).isEqualTo(100);
            clock.advance(Duration.ofDays(8));
            anHour(housekeeping);
            assertThat(quarantineFiles()).isZero();
            assertThat(evictor.usedBytes()).isZero();
        }
    }

    @Test
    void whatLiesInQuarantineGoesBeforeGoodContent() throws Exception {
        List<Digest> blobs = blobs(3, 1_000);
        Samples.quarantine(store, blobs.getFirst());
        index.contents().removed(blobs.getFirst());
        Samples.quarantine(store, blobs.get(1));
        index.contents().removed(blobs.get(1));
        try (Evictor evictor = evictor(new DiskLimits(3_000, 3_000, 3_000, 0))) {
            assertThat(evictor.usedBytes()).isEqualTo(3_000);
            assertThat(Samples.room(store, evictor, 500)).isTrue();
            assertThat(quarantineFiles()).isEqualTo(1);
            assertThat(store.quarantineBytes()).isEqualTo(1_000);
            assertThat(Samples.room(store, evictor, 2_000)).isTrue();
            assertThat(quarantineFiles()).isZero();
            assertThat(evictor.evictions()).isZero();
            assertThat(store.blobSize(blobs.get(2))).hasValue(1_000);
        }
    }

    @Test
    void quarantineIsCountedAfterARestartAndWhatPeopleTakeFromItIsNot() throws Exception {
        Digest bad = blobs(1, 100).getFirst();
        Samples.quarantine(store, bad);
        index.contents().removed(bad);
        close();
        open();
        assertThat(store.quarantineBytes()).isEqualTo(100);
        Files.delete(store.layout().quarantined(ContentKind.BLOB, bad));
        store.quarantine().tidy();
        assertThat(store.quarantineBytes()).isZero();
    }

    @Test
    void partialsAreDroppedAfterADayAndListsAfterAMonthWhileTheServerRuns() throws Exception {
        Digest partial = Digest.sha256(new byte[] {1});
        try (Ingest ingest = store.ingest(partial)) {
            ingest.write(new byte[80], 0, 80);
        }
        clock.set(Instant.now());
        index.lists().putTags(ALPINE, new KeptDocument("{}".getBytes(StandardCharsets.UTF_8), clock.instant()));
        index.flush();
        try (Evictor evictor = evictor(DiskLimits.of(10_000, 0))) {
            Housekeeping housekeeping = housekeeping(evictor);
            housekeeping.look();
            assertThat(store.ingests().idle()).hasSize(1);
            clock.advance(Duration.ofDays(31));
            anHour(housekeeping);
            assertThat(store.ingests().idle()).isEmpty();
            index.flush();
            assertThat(index.<Boolean>ask(
                            reader -> reader.document(ALPINE, Optional.empty()).isPresent()))
                    .isFalse();
        }
    }

    @Test
    void manifestsAloneDoNotGrowBeyondTheCapacity() throws Exception {
        FakeUpstream upstream = new FakeUpstream("docker.io/library/polled");
        close();
        try (CacheFixture fixture = new CacheFixture(directory, CacheFixture.FAST, 200_000)) {
            PullThrough repository = fixture.repository(upstream);
            for (int i = 0; i < 20; i++) {
                ManifestBytes manifest = ManifestBytes.of(
                        MediaType.OCI_MANIFEST,
                        ("{\"schemaVersion\":2,\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":\""
                                        + Digest.sha256(new byte[] {1})
                                        + "\",\"size\":1},\"layers\":[],\"annotations\":{\"n" + i + "\":\""
                                        + "x".repeat(20_000) + "\"}}")
                                .getBytes(StandardCharsets.UTF_8));
                upstream.manifests.put(manifest.digest(), manifest);
                repository.manifest(manifest.digest());
                fixture.clock.advance(Duration.ofMinutes(5));
            }
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
            while (fixture.evictor.usedBytes() > 200_000 && System.nanoTime() < deadline) {
                Thread.onSpinWait();
            }
            assertThat(fixture.evictor.usedBytes()).isLessThanOrEqualTo(200_000);
        }
        open();
    }

    @Test
    void diskIsLookedAfterAgainAfterAFailureThatNobodyExpects() throws Exception {
        blobs(40, 100);
        AtomicReference<Error> failure = new AtomicReference<>(new LinkageError("by the test"));
        DiskAccount.FreeSpace failing = () -> {
            Error thrown = failure.getAndSet(null);
            if (thrown != null) {
                throw thrown;
            }
            return PLENTY;
        };
        try (Evictor evictor = new Evictor(
                store, index, new DiskLimits(2_000, 1_900, 1_000, 0), DiskShares.EQUAL, Duration.ZERO, failing)) {
            Housekeeping housekeeping = housekeeping(evictor);
            housekeeping.look();
            housekeeping.look();
            assertThat(evictor.usedBytes()).isEqualTo(1_000);
        }
    }

    @Test
    void housekeepingGoesOnAfterAFailureThatNobodyExpects() throws Exception {
        LinkedBlockingQueue<Duration> pauses = new LinkedBlockingQueue<>();
        Clock broken = new Clock() {
            @Override
            public ZoneId getZone() {
                return ZoneOffset.UTC;
            }

            @Override
            public Clock withZone(ZoneId zone) {
                return this;
            }

            @Override
            public Instant instant() {
                throw new LinkageError("by the test");
            }
        };
        try (Evictor evictor = evictor(DiskLimits.of(1_000, 0));
                Housekeeping housekeeping = new Housekeeping(store, index, evictor, broken, pause -> {
                    pauses.add(pause);
                    new Semaphore(0).acquire();
                })) {
            housekeeping.start();
            assertThat(pauses.poll(20, TimeUnit.SECONDS)).isNotNull();
        }
    }
}
