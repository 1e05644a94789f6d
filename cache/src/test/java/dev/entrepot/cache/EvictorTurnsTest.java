package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Repository;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sqlite.SQLiteConfig;

/**
 * What others may do while an eviction is under way, and what an eviction does when something changes or fails
 * meanwhile.
 */
class EvictorTurnsTest {
    private static final Instant START = Instant.parse("2026-11-21T12:00:00Z");
    private static final long PLENTY = 1L << 40;
    private static final long SECONDS = 20;

    private final SettableClock clock = new SettableClock(START);

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

    private Evictor evictor(DiskLimits limits, DiskShares shares) throws InterruptedException {
        Evictor evictor = new Evictor(store, index, limits, shares, Duration.ZERO, () -> PLENTY);
        evictor.awaitPolicy(Duration.ofSeconds(SECONDS));
        assertThat(evictor.policyReady()).isTrue();
        return evictor;
    }

    private Digest blob(int seed, int size, Optional<Repository> owner) throws IOException {
        Digest digest = Samples.store(store, Samples.bytes(seed, size));
        index.contents().stored(digest, ContentKind.BLOB, size, Optional.empty(), owner);
        clock.advance(Duration.ofMinutes(1));
        return digest;
    }

    private List<Digest> blobs(int count, int size) throws IOException {
        List<Digest> blobs = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            blobs.add(blob(i, size, Optional.empty()));
        }
        return blobs;
    }

    /** Asked before each victim goes, by the thread that evicts. */
    private interface BeforeVictim {
        void victim(int number, Digest digest) throws Exception;
    }

    private static ContentInUse watching(BeforeVictim before) {
        AtomicInteger victims = new AtomicInteger();
        return new ContentInUse() {
            @Override
            public boolean isInUse(Digest digest) {
                try {
                    before.victim(victims.incrementAndGet(), digest);
                    return false;
                } catch (RuntimeException e) {
                    throw e;
                } catch (Exception e) {
                    throw new AssertionError(e);
                }
            }

            @Override
            public long mostBytes() {
                return 0;
            }

            @Override
            public Set<Digest> all() {
                return Set.of();
            }
        };
    }

    @Test
    void fillHasItsTurnInTheMiddleOfALongEvictionInTheBackground() throws Exception {
        blobs(120, 100);
        CountDownLatch reserved = new CountDownLatch(1);
        boolean[] inTime = new boolean[1];
        try (Evictor evictor = evictor(new DiskLimits(12_100, 11_000, 1_000, 0), DiskShares.EQUAL)) {
            Thread fill = Thread.ofPlatform().unstarted(() -> {
                try (Ingest ingest = store.ingest(Digest.sha256(new byte[] {1}))) {
                    if (evictor.reserve(ingest, 50)) {
                        reserved.countDown();
                    }
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
            });
            evictor.protect(watching((number, digest) -> {
                if (number == 1) {
                    fill.start();
                    while (fill.getState() != Thread.State.TIMED_WAITING) {
                        Thread.onSpinWait();
                    }
                } else if (number == 60) {
                    inTime[0] = reserved.await(SECONDS, TimeUnit.SECONDS);
                }
            }));
            evictor.trimNow();
            fill.join();
            assertThat(inTime[0]).isTrue();
            assertThat(evictor.usedBytes()).isLessThanOrEqualTo(1_000);
        }
    }

    @Test
    void bytesUnderPinsAreToldDuringAnEviction() throws Exception {
        blobs(20, 100);
        CountDownLatch told = new CountDownLatch(1);
        boolean[] inTime = new boolean[1];
        try (Evictor evictor = evictor(new DiskLimits(2_000, 1_900, 1_000, 0), DiskShares.EQUAL)) {
            evictor.protect(watching((number, digest) -> {
                if (number == 1) {
                    Thread.ofVirtual().start(() -> {
                        evictor.pinnedBytes();
                        told.countDown();
                    });
                    inTime[0] = told.await(SECONDS, TimeUnit.SECONDS);
                }
            }));
            evictor.trimNow();
        }
        assertThat(inTime[0]).isTrue();
    }

    @Test
    void roomIsMadeOutWhileSomebodyWaitsForTheFirstWalkOfThePins() throws Exception {
        blobs(2, 100);
        try (Evictor evictor = evictor(DiskLimits.of(5_000, 0), DiskShares.EQUAL)) {
            Thread asking = Thread.ofPlatform().unstarted(evictor::pinnedBytes);
            boolean room;
            // As long as this is held, the walk goes on.
            synchronized (evictor.pins()) {
                asking.start();
                while (asking.getState() != Thread.State.BLOCKED) {
                    Thread.onSpinWait();
                }
                room = Samples.room(store, evictor, 1_000);
            }
            asking.join();
            assertThat(room).isTrue();
        }
    }

    @Test
    void fillEvictsWhatItNeedsAndLeavesTheRestToTheBackground() throws Exception {
        blobs(100, 100);
        try (Evictor evictor = evictor(new DiskLimits(10_000, 2_000, 1_000, 0), DiskShares.EQUAL)) {
            AtomicLong whenReserved = new AtomicLong();
            CountDownLatch go = new CountDownLatch(1);
            evictor.protect(watching((number, digest) -> {
                // One for the room, and sixteen more; what comes then is nobody's wait.
                if (number == 18) {
                    go.await(SECONDS, TimeUnit.SECONDS);
                }
            }));
            try (Ingest ingest = store.ingest(Digest.sha256(new byte[] {1}))) {
                assertThat(evictor.reserve(ingest, 100)).isTrue();
                whenReserved.set(evictor.evictions());
                go.countDown();
            }
            assertThat(whenReserved.get()).isEqualTo(17);
            evictor.trimNow();
            while (evictor.usedBytes() > 1_000) {
                Thread.onSpinWait();
            }
        }
    }

    @Test
    void whatIsPinnedWhileAnEvictionRunsStays() throws Exception {
        FakeUpstream upstream = new FakeUpstream("docker.io/library/late");
        close();
        try (CacheFixture fixture = new CacheFixture(directory, CacheFixture.FAST, 1_000_000)) {
            byte[] first = CacheFixture.randomBytes(100_000, 1);
            byte[] second = CacheFixture.randomBytes(100_001, 2);
            var image = CacheFixture.image(upstream, first, second);
            PullThrough repository = fixture.repository(upstream);
            repository.manifest(image.digest());
            CacheFixture.readAll(repository, Digest.sha256(first));
            CacheFixture.readAll(repository, Digest.sha256(second));
            fixture.awaitIdle();
            fixture.evictor.protect(watching((number, digest) -> {
                if (number == 1) {
                    fixture.evictor.pins().pin(Pin.all(upstream.repository(), image.digest()));
                }
            }));
            fixture.makeRoom(1_000_000);
            // The one in hand goes; it was asked about before.
            assertThat(fixture.evictor.evictions()).isEqualTo(1);
        }
        open();
    }

    @Test
    void contentThatTheIndexCannotBeAskedAboutIsEvictedWhenItCan() throws Exception {
        blobs(5, 1000);
        close();
        open();
        try (Evictor evictor = evictor(DiskLimits.of(5_000, 0), DiskShares.EQUAL)) {
            sql("ALTER TABLE content RENAME TO hidden");
            assertThat(Samples.room(store, evictor, 1000)).isFalse();
            sql("ALTER TABLE hidden RENAME TO content");
            assertThat(Samples.room(store, evictor, 1000)).isTrue();
            assertThat(evictor.evictions()).isEqualTo(2);
        }
    }

    private void sql(String statement) throws SQLException {
        try (Connection other = new SQLiteConfig().createConnection("jdbc:sqlite:" + directory.resolve("index.db"));
                var run = other.createStatement()) {
            run.execute(statement);
        }
    }

    @Test
    void unpinnedContentCompetesInItsOwnGroupAlsoAfterARestart() throws Exception {
        Repository low = Repository.parse("docker.io/ci/low");
        DiskShares shares = repository -> repository.equals(low) ? new DiskGroup("low", -10, 1) : DiskGroup.DEFAULT;
        int large = 100_000;
        Digest ofOthers = blob(1, large, Optional.of(Repository.parse("docker.io/library/app")));
        Digest ofLow = blob(2, large, Optional.of(low));
        Pin pin = Pin.all(low, ofLow);
        close();
        open();
        try (Evictor evictor = evictor(DiskLimits.of(3 * large, 0), shares)) {
            evictor.pins().pin(pin);
            assertThat(evictor.policy().victims(1, Set.of()))
                    .singleElement()
                    .satisfies(victim -> assertThat(victim.digest()).isEqualTo(ofLow));
            // The eviction finds it pinned, and has the policy forget it.
            assertThat(Samples.room(store, evictor, large + 1)).isTrue();
            assertThat(store.blobSize(ofLow)).isPresent();
            assertThat(store.blobSize(ofOthers)).isEmpty();
            evictor.pins().unpin(low, ofLow);
            evictor.pinnedBytes();
            assertThat(evictor.pools())
                    .filteredOn(pool -> pool.priority() == -10)
                    .singleElement()
                    .satisfies(pool -> assertThat(pool.bytes()).isEqualTo(large));
        }
    }

    @Test
    void defectWhileRoomIsMadeIsNoRoomAndNoFailedPull() throws Exception {
        blobs(5, 1000);
        try (Evictor evictor = evictor(DiskLimits.of(5_000, 0), DiskShares.EQUAL)) {
            evictor.protect(watching((number, digest) -> {
                throw new IllegalArgumentException("a defect");
            }));
            assertThat(Samples.room(store, evictor, 1000)).isFalse();
        }
    }
}
