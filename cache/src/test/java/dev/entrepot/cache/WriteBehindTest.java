package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.benmanes.caffeine.cache.Weigher;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sqlite.SQLiteErrorCode;

class WriteBehindTest {
    private static final Repository REPOSITORY = Repository.parse("docker.io/library/x");
    private static final Digest DIGEST = Digest.sha256(new byte[0]);

    @TempDir
    Path directory;

    private IndexDatabase database;
    private IndexWriter writer;

    @BeforeEach
    void open() throws IOException {
        database = IndexDatabase.open(
                new StoreLayout(directory), Clock.systemUTC(), new StoreOpenings(OptionalLong.empty(), 1));
        writer = new IndexWriter(database.updates(), new Touches(), Clock.systemUTC(), new FileChanges());
        writer.start(digest -> false);
    }

    @AfterEach
    void close() throws IOException, SQLException {
        writer.close();
        database.close();
    }

    private WriteBehind<Tag, TagRecord> tags(long cacheBytes) {
        return tags(cacheBytes, (key, value) -> 100);
    }

    private WriteBehind<Tag, TagRecord> tags(long cacheBytes, Weigher<Tag, Optional<TagRecord>> weigher) {
        return new WriteBehind<>(
                database.readers(),
                writer,
                cacheBytes,
                weigher,
                (reader, tag) -> reader.tag(REPOSITORY, tag),
                (updates, tag, value) -> {
                    if (value.isPresent()) {
                        updates.saveTag(REPOSITORY, tag, value.get());
                    } else {
                        updates.deleteTag(REPOSITORY, tag);
                    }
                });
    }

    private static Optional<TagRecord> number(long number) {
        return Optional.of(new TagRecord(DIGEST, Instant.ofEpochMilli(number), Instant.EPOCH));
    }

    @Test
    void changesOfOneKeyByManyThreadsAreAllMade() throws Exception {
        WriteBehind<Tag, TagRecord> tags = tags(0);
        Tag tag = new Tag("counted");
        tags.put(tag, number(0));
        int threads = 4;
        int each = 200;
        CyclicBarrier together = new CyclicBarrier(threads);
        try (var executor = Executors.newFixedThreadPool(threads)) {
            List<Future<?>> running = new ArrayList<>();
            for (int thread = 0; thread < threads; thread++) {
                running.add(executor.submit(() -> {
                    together.await();
                    for (int i = 0; i < each; i++) {
                        tags.merge(
                                tag,
                                before ->
                                        number(before.orElseThrow().checkedAt().toEpochMilli() + 1));
                    }
                    return null;
                }));
            }
            for (Future<?> one : running) {
                one.get(20, TimeUnit.SECONDS);
            }
        }
        assertThat(tags.get(tag)).isEqualTo(number(threads * each));
    }

    @Test
    void whatIsWrittenIsPendingNoLongerThoughThereIsNoMemoryToRememberIt() throws Exception {
        AtomicBoolean noMemory = new AtomicBoolean();
        WriteBehind<Tag, TagRecord> tags = tags(10_000, (key, value) -> {
            if (noMemory.get()) {
                throw new OutOfMemoryError("for the test");
            }
            return 100;
        });
        Tag tag = new Tag("v1");
        tags.update(tag, before -> number(1));
        writer.flush();
        assertThat(tags.get(tag)).isEqualTo(number(1));

        noMemory.set(true);
        tags.update(tag, before -> number(2));
        writer.flush();
        assertThat(tags.isPending()).isFalse();
        noMemory.set(false);

        assertThat(tags.get(tag)).as("not what the cache had before").isEqualTo(number(2));
        assertThat(writer.isFailing()).isFalse();
    }

    @Test
    void whatIsAmendedWhileItLoadsIsAmended() throws Exception {
        CountDownLatch read = new CountDownLatch(1);
        CountDownLatch amending = new CountDownLatch(1);
        WriteBehind<Tag, TagRecord> tags = new WriteBehind<>(
                database.readers(),
                writer,
                10_000,
                (key, value) -> 100,
                (reader, tag) -> {
                    read.countDown();
                    try {
                        // Longer than it takes not to wait for this.
                        amending.await(300, TimeUnit.MILLISECONDS);
                    } catch (InterruptedException e) {
                        throw new IllegalStateException(e);
                    }
                    return number(1);
                },
                (updates, tag, value) -> {});
        Tag tag = new Tag("v1");
        try (var executor = Executors.newSingleThreadExecutor()) {
            Future<Optional<TagRecord>> loading = executor.submit(() -> tags.get(tag));
            assertThat(read.await(20, TimeUnit.SECONDS)).isTrue();
            tags.amend(tag, before -> number(2).orElseThrow());
            amending.countDown();
            loading.get(20, TimeUnit.SECONDS);
        }
        assertThat(tags.get(tag)).isEqualTo(number(2));
        tags.amend(new Tag("not-loaded"), before -> number(3).orElseThrow());
        assertThat(tags.get(new Tag("not-loaded"))).isEqualTo(number(1));
    }

    @ParameterizedTest
    @CsvSource({
        "SQLITE_FULL, what is in memory, free space",
        "SQLITE_IOERR, what is in memory, see that it can be written",
        "SQLITE_NOMEM, what is in memory, more memory",
        "SQLITE_BUSY, what is in memory, ''",
        "SQLITE_CORRUPT, these changes are lost, ''",
        "SQLITE_OK, these changes are lost, ''"
    })
    void logSaysWhatBecomesOfWhatIsRefusedAndWhatToDo(SQLiteErrorCode code, String meanwhile, String remedy) {
        SQLException refused = new SQLException("no", "", code.code);

        assertThat(IndexTransactions.meanwhile(refused)).startsWith(meanwhile);
        assertThat(IndexTransactions.remedy(refused)).contains(remedy);
        assertThat(IndexTransactions.remedy(refused).isEmpty()).isEqualTo(remedy.isEmpty());
    }

    @Test
    void readersNeverGoBackInTimeWithoutACache() throws Exception {
        readersNeverGoBackInTime(tags(0));
    }

    @Test
    void readersNeverGoBackInTimeWithACache() throws Exception {
        readersNeverGoBackInTime(tags(10_000));
    }

    /**
     * One thread counts a tag up while others read it: from memory, from the cache and from the database, as it
     * happens.
     */
    private void readersNeverGoBackInTime(WriteBehind<Tag, TagRecord> tags) throws Exception {
        Tag tag = new Tag("counted");
        tags.put(tag, number(0));
        AtomicBoolean done = new AtomicBoolean();
        // Platform threads: virtual ones that never block leave no carrier to the one whose turn it is at a lock.
        try (var threads = Executors.newFixedThreadPool(3)) {
            List<Future<Long>> readers = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                readers.add(threads.submit(() -> {
                    long last = 0;
                    while (!done.get()) {
                        long now = tags.get(tag).orElseThrow().checkedAt().toEpochMilli();
                        assertThat(now).isGreaterThanOrEqualTo(last);
                        last = now;
                    }
                    return last;
                }));
            }
            try {
                for (int i = 1; i <= 300; i++) {
                    tags.put(tag, number(i));
                    if (i % 10 == 0) {
                        writer.flush();
                    }
                }
            } finally {
                done.set(true);
            }
            for (Future<Long> reader : readers) {
                assertThat(reader.get(30, TimeUnit.SECONDS)).isLessThanOrEqualTo(300);
            }
        }
        assertThat(tags.get(tag)).isEqualTo(number(300));
        assertThat(tags.isPending(tag)).isFalse();
    }

    @Test
    void valuesPutByManyThreadsEndAsTheSameInMemoryAndOnTheDisk() throws Exception {
        WriteBehind<Tag, TagRecord> tags = tags(0);
        int rounds = 300;
        CyclicBarrier start = new CyclicBarrier(4);
        try (var threads = Executors.newFixedThreadPool(4)) {
            List<Future<?>> putters = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                int own = i;
                putters.add(threads.submit(() -> {
                    for (int round = 0; round < rounds; round++) {
                        start.await(30, TimeUnit.SECONDS);
                        tags.put(new Tag("round" + round), own == 3 ? Optional.empty() : number(own));
                    }
                    return null;
                }));
            }
            for (Future<?> putter : putters) {
                putter.get(60, TimeUnit.SECONDS);
            }
        }
        Map<Tag, Optional<TagRecord>> inMemory = tags.pending();
        writer.flush();
        assertThat(tags.pending()).isEmpty();
        inMemory.forEach((tag, value) -> assertThat(tags.get(tag)).isEqualTo(value));
    }

    @Test
    void changesWaitNeitherForEachOtherNorForever() throws IOException {
        WriteBehind<Tag, TagRecord> tags = tags(10_000_000);
        for (int i = 0; i < 2 * IndexWriter.BATCH + 1; i++) {
            tags.put(new Tag("t" + i), number(i));
        }
        writer.flush();
        assertThat(tags.pending()).isEmpty();
        assertThat(writer.lostChanges()).isZero();
    }

    @Test
    void whatFindsNoRoomIsRememberedAndAllThatCameBeforeIsWritten() throws Exception {
        CountDownLatch disk = new CountDownLatch(1);
        try (IndexWriter slow = new IndexWriter(
                database.updates(),
                new Touches(),
                Clock.systemUTC(),
                new FileChanges(),
                new PendingRoom(10, Duration.ofMillis(1)))) {
            slow.start(digest -> false);
            WriteBehind<Tag, TagRecord> tags = new WriteBehind<>(
                    database.readers(),
                    slow,
                    10_000_000,
                    (key, value) -> 100,
                    (reader, tag) -> reader.tag(REPOSITORY, tag),
                    (updates, tag, value) -> {
                        awaitUninterruptibly(disk);
                        updates.saveTag(REPOSITORY, tag, value.orElseThrow());
                    });
            for (int i = 0; i < 500; i++) {
                tags.put(new Tag("t" + i), number(i));
            }
            tags.put(new Tag("t0"), number(1000));

            assertThat(tags.pending()).hasSize(9);
            assertThat(slow.lostChanges()).isEqualTo(491);
            assertThat(tags.get(new Tag("t499"))).isEqualTo(number(499));
            assertThat(tags.get(new Tag("t0"))).isEqualTo(number(1000));
            disk.countDown();
            assertThatThrownBy(slow::flush).hasMessageContaining("491 changes");
            slow.flush();
            assertThat(tags.get(new Tag("t0"))).isEqualTo(number(1000));
            tags.put(new Tag("t499"), number(1));
            slow.flush();
        }
        assertThat(tags(0).get(new Tag("t9"))).isEqualTo(number(9));
        assertThat(tags(0).get(new Tag("t10"))).isEmpty();
        assertThat(tags(0).get(new Tag("t499"))).isEqualTo(number(1));
    }

    @Test
    void whatIsRemovedWhileNothingCanBeWrittenDoesNotComeBack() throws Exception {
        CountDownLatch disk = new CountDownLatch(1);
        tags(0).put(new Tag("denied"), number(1));
        writer.flush();
        try (IndexWriter slow = new IndexWriter(
                database.updates(),
                new Touches(),
                Clock.systemUTC(),
                new FileChanges(),
                new PendingRoom(1, Duration.ofMillis(1)))) {
            slow.start(digest -> false);
            WriteBehind<Tag, TagRecord> tags = new WriteBehind<>(
                    database.readers(),
                    slow,
                    0,
                    (key, value) -> 100,
                    (reader, tag) -> reader.tag(REPOSITORY, tag),
                    (updates, tag, value) -> {
                        awaitUninterruptibly(disk);
                        if (value.isPresent()) {
                            updates.saveTag(REPOSITORY, tag, value.get());
                        } else {
                            updates.deleteTag(REPOSITORY, tag);
                        }
                    });
            tags.put(new Tag("other"), number(1));
            assertThat(slow.admit(1)).isFalse();

            tags.remove(new Tag("unknown"));
            assertThat(tags.pending()).containsOnlyKeys(new Tag("other"));
            tags.remove(new Tag("denied"));
            tags.remove(new Tag("denied"));
            assertThat(tags.get(new Tag("denied"))).isEmpty();
            assertThat(slow.waitingChanges()).isLessThanOrEqualTo(2);

            disk.countDown();
            awaitTrue(() -> !tags.isPending());
            assertThat(tags.get(new Tag("denied"))).isEmpty();
        }
        assertThat(tags(0).get(new Tag("denied"))).isEmpty();
        assertThat(tags(0).get(new Tag("other"))).isEqualTo(number(1));
    }

    @Test
    void whoWaitsInVainForWhatCannotBeWrittenLeavesNothingBehind() {
        AtomicBoolean full = new AtomicBoolean(true);
        WriteBehind<Tag, TagRecord> tags = new WriteBehind<>(
                database.readers(),
                writer,
                10_000,
                (key, value) -> 100,
                (reader, tag) -> reader.tag(REPOSITORY, tag),
                (updates, tag, value) -> {
                    if (full.get()) {
                        throw new SQLException("full", "", SQLiteErrorCode.SQLITE_FULL.code);
                    }
                });
        tags.put(new Tag("t"), number(1));

        for (int i = 0; i < 4; i++) {
            assertThatThrownBy(writer::flush).isInstanceOf(IOException.class);
        }

        assertThat(writer.waitingChanges()).isLessThanOrEqualTo(1);
        full.set(false);
    }

    private WriteBehind<Tag, TagRecord> tagsThatFail(AtomicReference<@Nullable Throwable> failure) {
        return new WriteBehind<>(
                database.readers(),
                writer,
                10_000,
                (key, value) -> 100,
                (reader, tag) -> reader.tag(REPOSITORY, tag),
                (updates, tag, value) -> {
                    Throwable thrown = failure.getAndSet(null);
                    updates.saveTag(REPOSITORY, tag, value.orElseThrow());
                    switch (thrown) {
                        case Error error -> throw error;
                        case RuntimeException exception -> throw exception;
                        case null, default -> {}
                    }
                });
    }

    @Test
    void changeThatCannotBeWrittenForADefectIsLostAlone() throws Exception {
        for (Throwable defect : List.of(new IllegalStateException("no"), new LinkageError("no"))) {
            AtomicReference<@Nullable Throwable> failure = new AtomicReference<>(defect);
            WriteBehind<Tag, TagRecord> tags = tagsThatFail(failure);
            long before = writer.lostChanges();
            tags.put(new Tag("lost"), number(1));
            assertThatThrownBy(() -> writer.flush(before)).isInstanceOf(IOException.class);
            assertThat(writer.lostChanges()).isEqualTo(before + 1);
            tags.put(new Tag("kept"), number(2));
            writer.flush(before + 1);
            assertThat(writer.isFailing()).isFalse();
            assertThat(tags(0).get(new Tag("lost"))).isEmpty();
            assertThat(tags(0).get(new Tag("kept"))).isEqualTo(number(2));
        }
    }

    @Test
    void changeForWhichThereIsNoMemoryIsWrittenOnceThereIs() throws Exception {
        WriteBehind<Tag, TagRecord> tags = tagsThatFail(new AtomicReference<>(new OutOfMemoryError("no")));
        tags.put(new Tag("t"), number(1));
        awaitTrue(() -> !tags.isPending(new Tag("t")));
        assertThat(writer.lostChanges()).isZero();
        assertThat(writer.isFailing()).isFalse();
        assertThat(tags(0).get(new Tag("t"))).isEqualTo(number(1));
    }

    @Test
    void writerThatFailsWhereNobodyExpectsItGoesOn() throws Exception {
        AtomicBoolean broken = new AtomicBoolean(true);
        Touches touches = new Touches();
        try (IndexWriter other = new IndexWriter(database.updates(), touches, Clock.systemUTC(), new FileChanges())) {
            other.start(digest -> {
                if (broken.getAndSet(false)) {
                    throw new LinkageError("no");
                }
                return false;
            });
            touches.add(DIGEST, 1);
            assertThatThrownBy(other::flush).isInstanceOf(IOException.class);
            awaitTrue(() -> isFlushed(other));
            assertThat(touches.pending()).isEmpty();
            assertThat(other.isFailing()).isFalse();
        }
    }

    @Test
    void writerWhoseThreadHasEndedSaysSoAndCountsWhatIsNotWritten() throws Exception {
        IndexWriter other = new IndexWriter(database.updates(), new Touches(), Clock.systemUTC(), new FileChanges());
        other.start(digest -> false);
        other.enqueue(new Change(() -> Thread.currentThread().interrupt()));
        awaitTrue(other::hasEnded);
        assertThat(other.isFailing()).isTrue();
        assertThatThrownBy(other::flush).isInstanceOf(IOException.class);
        other.enqueue(new Change(() -> {}));
        other.close();
        assertThat(other.lostChanges()).isEqualTo(1);
    }

    private static boolean isFlushed(IndexWriter writer) {
        try {
            writer.flush();
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    private record Change(Runnable run) implements IndexChange {
        @Override
        public int admittedBytes() {
            return 0;
        }

        @Override
        public void save(IndexUpdates updates) {
            run.run();
        }

        @Override
        public void settled() {}
    }

    private static void awaitTrue(BooleanSupplier condition) {
        long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (!condition.getAsBoolean() && System.nanoTime() < deadline) {
            Thread.onSpinWait();
        }
        assertThat(condition.getAsBoolean()).isTrue();
    }

    private static void awaitUninterruptibly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void changesInHandAreNotLostWhereEvenTheFailureCannotBeToldAtFirst() throws Exception {
        AtomicBoolean mute = new AtomicBoolean(true);
        WriteBehind<Tag, TagRecord> tags = tagsThatFail(new AtomicReference<>(new OutOfMemoryError("no") {
            @Override
            public String toString() {
                if (mute.getAndSet(false)) {
                    throw new OutOfMemoryError("neither");
                }
                return super.toString();
            }
        }));
        tags.put(new Tag("t"), number(1));
        awaitTrue(() -> !tags.isPending(new Tag("t")));
        assertThat(writer.lostChanges()).isZero();
        assertThat(tags(0).get(new Tag("t"))).isEqualTo(number(1));
    }
}
