package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Platform;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sqlite.SQLiteConfig;

/** An index that is made anew, by hand or because it was damaged. */
class IndexReplacementTest {
    private static final Repository ALPINE = Repository.parse("docker.io/library/alpine");
    private static final Pin BY_HAND = new Pin(ALPINE, new Tag("3.20"), List.of(Platform.parse("linux/arm64")), false);

    private final SettableClock clock = new SettableClock(Instant.parse("2026-11-21T12:00:00Z"));

    @TempDir
    Path directory;

    private ContentStore store;

    @BeforeEach
    void open() throws IOException {
        store = ContentStore.open(directory, clock);
    }

    @AfterEach
    void close() throws IOException {
        store.close();
    }

    private void withAPinAndManyLinks() throws IOException {
        try (CacheIndex index = CacheIndex.open(store, clock)) {
            index.pins().put(BY_HAND);
            for (int i = 0; i < 3000; i++) {
                Digest digest = Digest.sha256(new byte[] {(byte) i, (byte) (i >> 8)});
                index.links().add(ALPINE, List.of(new Link(digest, OptionalLong.of(i), false)));
            }
        }
    }

    private List<Pin> pins() throws IOException {
        try (CacheIndex index = CacheIndex.open(store, clock)) {
            return index.pins().all();
        }
    }

    private void sql(String statement) throws SQLException {
        try (Connection other = new SQLiteConfig().createConnection("jdbc:sqlite:" + directory.resolve("index.db"));
                var run = other.createStatement()) {
            run.execute(statement);
        }
    }

    @Test
    void whoeverIsKilledWhileTheNextOneIsMadeHasTheOldOneStill() throws Exception {
        withAPinAndManyLinks();
        IndexReplacement replacement = new IndexReplacement(store.layout(), clock);
        replacement.make(empty -> true);
        assertThat(store.layout().nextIndex()).exists();
        assertThat(pins()).containsExactly(BY_HAND);
        assertThat(store.layout().nextIndex()).doesNotExist();
    }

    @Test
    void rebuildThatCannotBeDoneLeavesTheOldOneInItsPlace() throws Exception {
        withAPinAndManyLinks();
        Files.createDirectories(store.layout().nextIndex().resolve("in-the-way"));
        assertThatThrownBy(() -> CacheIndex.rebuild(store, clock)).isInstanceOf(IOException.class);
        Files.delete(store.layout().nextIndex().resolve("in-the-way"));
        assertThat(pins()).containsExactly(BY_HAND);
    }

    @Test
    void nextOneThatDoesNotFitOnTheDiskIsAnErrorAndNotAnEmptyTable() throws Exception {
        withAPinAndManyLinks();
        assertThatThrownBy(() -> new IndexReplacement(store.layout(), clock).make(empty -> {
                    try (var run = empty.createStatement()) {
                        run.execute("PRAGMA max_page_count = 30");
                    }
                    IndexCopy.run(store.layout().index(), empty);
                    return true;
                }))
                .isInstanceOf(SQLException.class)
                .hasMessageContaining("full");
        assertThat(pins()).containsExactly(BY_HAND);
    }

    @Test
    void oldOneIsKeptUnderAnotherNameAndTheNextHasAllThatItHad() throws Exception {
        withAPinAndManyLinks();
        for (int round = 1; round <= 2; round++) {
            try (CacheIndex index = CacheIndex.rebuild(store, clock)) {
                assertThat(index.pins().all()).containsExactly(BY_HAND);
                assertThat(index.links().get(ALPINE, Digest.sha256(new byte[] {1, 1})))
                        .isPresent();
                assertThat(index.wasRebuilt()).isFalse();
            }
            assertThat(store.layout().damagedIndex(round)).exists();
        }
    }

    @Test
    void whatWasPutAsideIsKeptForAWeek() throws Exception {
        withAPinAndManyLinks();
        CacheIndex.rebuild(store, clock).close();
        clock.advance(Duration.ofDays(6));
        CacheIndex.rebuild(store, clock).close();
        clock.advance(Duration.ofDays(2));
        assertThat(IndexReplacement.dropOld(store.layout(), clock.instant())).isEqualTo(1);
        assertThat(store.layout().damagedIndex(1)).doesNotExist();
        assertThat(store.layout().damagedIndex(2)).exists();
        assertThat(pins()).containsExactly(BY_HAND);
    }

    @Test
    void logOfTheOldOneIsKeptAsLongAsThatHoweverLongAgoItWasWritten() throws Exception {
        withAPinAndManyLinks();
        Path log = directory.resolve("index.db-wal");
        Files.write(log, new byte[] {1});
        Files.setLastModifiedTime(log, FileTime.from(clock.instant().minus(Duration.ofDays(30))));
        IndexReplacement replacement = new IndexReplacement(store.layout(), clock);
        replacement.make(empty -> true);
        replacement.swap();
        clock.advance(Duration.ofDays(6));
        assertThat(IndexReplacement.dropOld(store.layout(), clock.instant())).isZero();
        assertThat(directory.resolve("index.db.corrupt-1-wal")).exists();
        clock.advance(Duration.ofDays(2));
        assertThat(IndexReplacement.dropOld(store.layout(), clock.instant())).isEqualTo(2);
    }

    @Test
    void logThatSomebodyHasLeftOfAnEarlierOneIsInNobodysWay() throws Exception {
        withAPinAndManyLinks();
        Files.write(directory.resolve("index.db.corrupt-1-wal"), new byte[] {1});
        Files.write(directory.resolve("index.db-wal"), new byte[] {2});
        IndexReplacement replacement = new IndexReplacement(store.layout(), clock);
        replacement.make(empty -> true);
        assertThat(replacement.swap()).isEqualTo(store.layout().damagedIndex(2));
        assertThat(directory.resolve("index.db.corrupt-1-wal")).hasBinaryContent(new byte[] {1});
        assertThat(directory.resolve("index.db.corrupt-2-wal")).hasBinaryContent(new byte[] {2});
    }

    @Test
    void pinsOfADamagedIndexStayAsFarAsTheyCanBeRead() throws Exception {
        withAPinAndManyLinks();
        sql("INSERT INTO pins SELECT repository, 'NOT/A TAG', platforms, referrers, ruled FROM pins");
        sql("UPDATE meta SET value = 0");
        Path file = directory.resolve("index.db");
        byte[] bytes = Files.readAllBytes(file);
        Arrays.fill(bytes, bytes.length - 40_000, bytes.length, (byte) 0x5a);
        Files.write(file, bytes);
        try (CacheIndex index = CacheIndex.open(store, clock)) {
            assertThat(index.wasRebuilt()).isTrue();
            assertThat(index.pins().all()).containsExactly(BY_HAND);
            assertThat(index.links().get(ALPINE, Digest.sha256(new byte[] {1, 1})))
                    .isEmpty();
        }
        assertThat(directory.resolve("index.db.corrupt-1")).hasSize(bytes.length);
        assertThat(pins()).containsExactly(BY_HAND);
    }

    @Test
    void changeThatWasLostIsToldToHimWhoMadeItThoughAnotherHasHeardOfItBefore() throws Exception {
        try (CacheIndex index = CacheIndex.open(store, clock)) {
            sql("ALTER TABLE pins RENAME TO hidden");
            long before = index.lostChanges();
            index.pins().put(BY_HAND);
            assertThatThrownBy(index::flush).isInstanceOf(IOException.class);
            assertThatThrownBy(() -> index.flush(before)).isInstanceOf(IOException.class);
            sql("ALTER TABLE hidden RENAME TO pins");
            long now = index.lostChanges();
            index.pins().put(BY_HAND);
            index.flush(now);
        }
        assertThat(pins()).containsExactly(BY_HAND);
    }
}
