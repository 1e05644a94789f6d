package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.Repository;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EvictorTest {
    private static final Repository BY = Repository.parse("docker.io/library/user");
    private static final Instant START = Instant.parse("2026-11-20T12:00:00Z");
    private static final long PLENTY = 1L << 40;

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

    private Evictor evictor(long capacity) {
        return new Evictor(store, index, DiskLimits.of(capacity, 0), DiskShares.EQUAL, Duration.ZERO, () -> PLENTY);
    }

    /** Stores a blob of this size and lets a minute pass. */
    private Digest blob(int size) throws IOException {
        byte[] bytes = Samples.bytes(size, size);
        Digest digest = Samples.store(store, bytes);
        index.contents().stored(digest, ContentKind.BLOB, size, Optional.empty());
        clock.advance(Duration.ofMinutes(1));
        return digest;
    }

    private boolean has(Digest digest) throws IOException {
        boolean there = store.blobSize(digest).isPresent() || store.containsManifest(digest);
        assertThat(index.contents().isStored(digest)).isEqualTo(there);
        return there;
    }

    private long bytesOnDisk() throws IOException {
        long bytes = 0;
        for (String folder : List.of("blobs", "manifests", "ingest")) {
            try (Stream<Path> files = Files.walk(directory.resolve(folder))) {
                bytes += files.map(Path::toFile)
                        .filter(f -> f.isFile())
                        .mapToLong(f -> f.length())
                        .sum();
            }
        }
        return bytes;
    }

    @Test
    void whatWasNotUsedForLongestGoesFirstAlsoAfterARestart() throws IOException {
        Digest first = blob(1000);
        Digest second = blob(1001);
        Digest third = blob(1002);
        index.contents().touched(first, BY);
        close();
        open();
        try (Evictor evictor = evictor(3100)) {
            assertThat(Samples.room(store, evictor, 500)).isTrue();
            assertThat(has(second)).isFalse();
            assertThat(has(first)).isTrue();
            assertThat(has(third)).isTrue();
            assertThat(evictor.evictions()).isEqualTo(1);
            assertThat(evictor.evictedBytes()).isEqualTo(1001);
            assertThat(evictor.usedBytes()).isEqualTo(2002).isEqualTo(bytesOnDisk());
        }
    }

    @Test
    void nothingIsEvictedWhileThereIsRoom() throws IOException {
        blob(1000);
        try (Evictor evictor = evictor(2000)) {
            assertThat(Samples.room(store, evictor, 1000)).isTrue();
            assertThat(evictor.evictions()).isZero();
        }
    }

    @Test
    void someSlackIsMadeSoThatNotEveryFetchEvicts() throws IOException {
        for (int i = 0; i < 20; i++) {
            blob(100 + i);
        }
        long used = index.contents().storedBytes();
        try (Evictor evictor = evictor(used)) {
            assertThat(Samples.room(store, evictor, 1)).isTrue();
            assertThat(evictor.usedBytes()).isLessThanOrEqualTo(used - used / 20);
            long evictions = evictor.evictions();
            assertThat(Samples.room(store, evictor, 1)).isTrue();
            assertThat(evictor.evictions()).isEqualTo(evictions);
        }
    }

    @Test
    void whatCannotFitEvictsNothing() throws IOException {
        Digest digest = blob(1000);
        try (Evictor evictor = evictor(2000)) {
            assertThat(Samples.room(store, evictor, 2001)).isFalse();
            assertThat(has(digest)).isTrue();
        }
    }

    @Test
    void roomThatUnfinishedBlobsTakeIsNotMadeAtTheExpenseOfOthers() throws IOException {
        Digest digest = blob(400);
        try (Evictor evictor = evictor(2000);
                Ingest ingest = store.ingest(Digest.sha256(new byte[] {1}))) {
            assertThat(evictor.reserve(ingest, 1500)).isTrue();
            assertThat(evictor.usedBytes()).isEqualTo(1900);
            assertThat(Samples.room(store, evictor, 600)).isFalse();
            assertThat(has(digest)).isTrue();
            assertThat(Samples.room(store, evictor, 500)).isTrue();
            assertThat(has(digest)).isFalse();
        }
    }

    @Test
    void reservationEndsWithItsIngest() throws IOException {
        try (Evictor evictor = evictor(2000)) {
            try (Ingest ingest = store.ingest(Digest.sha256(new byte[] {1}))) {
                assertThat(evictor.reserve(ingest, 1500)).isTrue();
                assertThat(evictor.reserve(ingest, 2000)).isTrue();
                assertThat(evictor.reserve(ingest, 2001)).isFalse();
                assertThat(ingest.claimedBytes()).isEqualTo(2000);
            }
            assertThat(evictor.usedBytes()).isZero();
        }
    }

    @Test
    void publishedBlobIsCountedOnceWhileItsIngestIsStillOpen() throws IOException {
        byte[] bytes = Samples.bytes(1, 1500);
        try (Evictor evictor = evictor(2000);
                Ingest ingest = store.ingest(Digest.sha256(bytes))) {
            ingest.write(bytes, 0, bytes.length);
            ingest.commit(OptionalLong.empty());
            assertThat(evictor.usedBytes()).isEqualTo(1500);
            index.contents().stored(ingest.digest(), ContentKind.BLOB, 1500, Optional.empty());
            assertThat(evictor.usedBytes()).isEqualTo(1500);
        }
    }

    @Test
    void digestsInUseAreSkipped() throws IOException {
        Digest first = blob(1000);
        Digest second = blob(1001);
        try (Evictor evictor = evictor(2100)) {
            evictor.protect(inUse(first, 1000));
            assertThat(Samples.room(store, evictor, 1000)).isTrue();
            assertThat(has(first)).isTrue();
            assertThat(has(second)).isFalse();
            assertThat(Samples.room(store, evictor, 2000)).isFalse();
            assertThat(has(first)).isTrue();
        }
    }

    @Test
    void nothingGoesForWhatWouldNotFitBesideWhatIsInUse() throws IOException {
        Digest used = blob(1000);
        Digest other = blob(1001);
        try (Evictor evictor = evictor(2100)) {
            evictor.protect(inUse(used, 1000));
            assertThat(Samples.room(store, evictor, 1200)).isFalse();
            assertThat(has(other)).isTrue();
            assertThat(evictor.evictions()).isZero();
        }
    }

    private static ContentInUse inUse(Digest used, long bytes) {
        return new ContentInUse() {
            @Override
            public boolean isInUse(Digest digest) {
                return digest.equals(used);
            }

            @Override
            public long mostBytes() {
                return bytes;
            }

            @Override
            public Set<Digest> all() {
                return Set.of(used);
            }
        };
    }

    @Test
    void manifestsAreEvictedToo() throws IOException {
        byte[] manifest = Samples.bytes(1, 300);
        Digest digest = Digest.sha256(manifest);
        store.putManifest(digest, manifest);
        index.contents().stored(digest, ContentKind.MANIFEST, 300, Optional.of(MediaType.OCI_MANIFEST));
        try (Evictor evictor = evictor(300)) {
            assertThat(Samples.room(store, evictor, 10)).isTrue();
            assertThat(has(digest)).isFalse();
        }
    }

    @Test
    void idlePartialGoesAtItsAge() throws IOException {
        Digest old = blob(1000);
        Digest partial = Digest.sha256(new byte[] {1});
        try (Ingest ingest = store.ingest(partial)) {
            ingest.write(new byte[800], 0, 800);
        }
        Files.setLastModifiedTime(store.layout().partial(partial), FileTime.from(clock.instant()));
        clock.advance(Duration.ofMinutes(1));
        Digest recent = blob(1001);
        try (Evictor evictor = evictor(2801)) {
            assertThat(evictor.usedBytes()).isEqualTo(2801);
            assertThat(Samples.room(store, evictor, 800)).isTrue();
            assertThat(has(old)).isFalse();
            assertThat(store.ingests().idle()).hasSize(1);
            assertThat(Samples.room(store, evictor, 1200)).isTrue();
            assertThat(store.ingests().idle()).isEmpty();
            assertThat(has(recent)).isTrue();
        }
    }

    @Test
    void contentThatWasUsedSinceAnIdlePartialWasLeftGoesAfterIt() throws Exception {
        Digest used = blob(1000);
        Digest partial = Digest.sha256(new byte[] {1});
        try (Ingest ingest = store.ingest(partial)) {
            ingest.write(new byte[800], 0, 800);
        }
        Files.setLastModifiedTime(store.layout().partial(partial), FileTime.from(clock.instant()));
        index.flush();
        clock.advance(Duration.ofMinutes(1));
        index.contents().touched(used, BY);
        index.flush();
        try (Evictor evictor = evictor(1800)) {
            evictor.awaitPolicy(Duration.ofSeconds(20));
            assertThat(Samples.room(store, evictor, 700)).isTrue();
            assertThat(has(used)).isTrue();
            assertThat(store.ingests().idle()).isEmpty();
        }
    }

    @Test
    void partialThatCannotBeDeletedKeepsNothingElse() throws IOException {
        Path folder = store.layout().partial(Digest.sha256(new byte[] {1}));
        Files.createDirectories(folder.resolve("of-somebody-else"));
        Files.setLastModifiedTime(folder, FileTime.from(clock.instant()));
        clock.advance(Duration.ofMinutes(1));
        Digest old = blob(100_000);
        try (Evictor evictor = evictor(120_000)) {
            assertThat(Samples.room(store, evictor, 100_000)).isTrue();
            assertThat(has(old)).isFalse();
            assertThat(store.ingests().deleteIdleBefore(clock.instant())).isZero();
        }
    }

    @Test
    void floorOfFreeSpaceIsKept() throws IOException {
        Digest first = blob(1000);
        Digest second = blob(1001);
        AtomicLong free = new AtomicLong(5000);
        try (Evictor evictor =
                new Evictor(store, index, DiskLimits.of(10_000, 4000), DiskShares.EQUAL, Duration.ZERO, free::get)) {
            assertThat(Samples.room(store, evictor, 1000)).isTrue();
            assertThat(has(first)).isTrue();
            free.set(4500);
            assertThat(Samples.room(store, evictor, 1000)).isTrue();
            assertThat(has(first)).isFalse();
            assertThat(has(second)).isTrue();
            free.set(1000);
            assertThat(Samples.room(store, evictor, 0)).isFalse();
            assertThat(has(second)).isTrue();
        }
    }

    @Test
    void reservedBytesDoNotCountAsFree() throws IOException {
        try (Evictor evictor = new Evictor(
                        store, index, DiskLimits.of(10_000, 4000), DiskShares.EQUAL, Duration.ZERO, () -> 5000);
                Ingest ingest = store.ingest(Digest.sha256(new byte[] {1}))) {
            assertThat(evictor.reserve(ingest, 900)).isTrue();
            assertThat(Samples.room(store, evictor, 101)).isFalse();
            assertThat(Samples.room(store, evictor, 100)).isTrue();
        }
    }

    @Test
    void trimEvictsInTheBackground() throws IOException {
        blob(1000);
        Digest second = blob(1001);
        try (Evictor evictor = evictor(1500)) {
            evictor.trim();
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
            while (evictor.evictedBytes() == 0 && System.nanoTime() < deadline) {
                Thread.onSpinWait();
            }
            assertThat(evictor.evictedBytes()).isEqualTo(1000);
            assertThat(has(second)).isTrue();
        }
    }

    @Test
    void rowWithoutFileIsEvictedLikeOne() throws IOException {
        Digest digest = blob(1000);
        store.deleteBlob(digest);
        try (Evictor evictor = evictor(1000)) {
            assertThat(Samples.room(store, evictor, 100)).isTrue();
            assertThat(index.contents().isStored(digest)).isFalse();
            assertThat(index.contents().storedBytes()).isZero();
        }
    }

    @Test
    void capacityIsNeverExceededByConcurrentFills() throws Exception {
        long capacity = 100_000;
        int fills = 6;
        AtomicLong most = new AtomicLong();
        // All fills stand still when the disk is measured: when all have written, and when all have published or given
        // up.
        CyclicBarrier standstill =
                new CyclicBarrier(fills, () -> most.accumulateAndGet(unchecked(this::bytesOnDisk), Math::max));
        try (Evictor evictor = evictor(capacity);
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> running = new ArrayList<>();
            for (int t = 0; t < fills; t++) {
                int thread = t;
                running.add(threads.submit(() -> {
                    Random random = new Random(thread);
                    for (int round = 0; round < 12; round++) {
                        fill(evictor, random, thread * 1000 + round, standstill);
                        standstill.await(30, TimeUnit.SECONDS);
                    }
                    return null;
                }));
            }
            for (Future<?> fill : running) {
                fill.get(60, TimeUnit.SECONDS);
            }
            assertThat(evictor.evictions()).isPositive();
        }
        assertThat(most.get()).isGreaterThan(capacity / 2).isLessThanOrEqualTo(capacity);
        assertThat(index.contents().storedBytes() + store.ingests().claimedBytes())
                .isEqualTo(bytesOnDisk());
    }

    private void fill(Evictor evictor, Random random, int seed, CyclicBarrier standstill) throws Exception {
        byte[] bytes = Samples.bytes(seed, 1 + random.nextInt(40_000));
        Digest digest = Digest.sha256(bytes);
        try (Ingest ingest = store.ingest(digest)) {
            boolean room = evictor.reserve(ingest, bytes.length);
            boolean leave = random.nextInt(5) == 0;
            if (room) {
                ingest.write(bytes, 0, leave ? bytes.length / 2 : bytes.length);
            }
            standstill.await(30, TimeUnit.SECONDS);
            if (room && !leave) {
                ingest.commit(OptionalLong.of(bytes.length));
                index.contents().stored(digest, ContentKind.BLOB, bytes.length, Optional.empty());
            }
        }
    }

    @Test
    void accountsAgreeWithTheFilesWhenBlobsComeBackWhileTheyAreEvicted() throws Exception {
        byte[] bytes = Samples.bytes(1, 1000);
        Digest digest = Digest.sha256(bytes);
        AtomicBoolean done = new AtomicBoolean();
        try (Evictor evictor = evictor(1000);
                var threads = Executors.newFixedThreadPool(1)) {
            Future<?> evicting = threads.submit(() -> {
                while (!done.get()) {
                    Samples.room(store, evictor, 1000);
                }
                return null;
            });
            try {
                // On a fast disk the thread that evicts may begin after 150.
                for (int i = 0; i < 150 || i < 100_000 && evictor.evictions() == 0; i++) {
                    Samples.store(store, bytes);
                    index.contents().stored(digest, ContentKind.BLOB, bytes.length, Optional.empty());
                }
            } finally {
                done.set(true);
            }
            evicting.get(30, TimeUnit.SECONDS);
            assertThat(evictor.evictions()).isPositive();
        }
        assertThat(index.contents().storedBytes()).isEqualTo(bytesOnDisk());
        has(digest);
    }

    private static long unchecked(Callable<Long> measure) {
        try {
            return measure.call();
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }
}
