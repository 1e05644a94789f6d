package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.Platform;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sqlite.SQLiteConfig;

/** An index that is gone, or not the one that was last used with the files beside it. */
class IndexLossTest {
    private static final int LAYER = 100_000;
    private static final Tag TAG = new Tag("v1");

    private final FakeUpstream upstream = new FakeUpstream("docker.io/library/pinned");

    @TempDir
    Path directory;

    @TempDir
    Path backup;

    private CacheFixture fixture;
    private int seed;

    @BeforeEach
    void open() throws IOException {
        fixture = new CacheFixture(directory);
    }

    @AfterEach
    void close() throws IOException {
        fixture.close();
    }

    private ManifestBytes pull() throws IOException {
        byte[] layer = CacheFixture.randomBytes(LAYER, ++seed);
        ManifestBytes image = CacheFixture.image(upstream, layer);
        upstream.tag(TAG.value(), image);
        PullThrough repository = fixture.repository(upstream);
        repository.manifest(image.digest());
        CacheFixture.readAll(repository, Digest.sha256(layer));
        fixture.awaitIdle();
        return image;
    }

    private Path index() {
        return directory.resolve("index.db");
    }

    private void sql(String statement) throws SQLException {
        try (Connection other = new SQLiteConfig().createConnection("jdbc:sqlite:" + index());
                var run = other.createStatement()) {
            run.execute(statement);
        }
    }

    private void agreesWithTheFiles() throws IOException {
        long bytes = fixture.index.contents().storedBytes();
        long count = fixture.index.contents().storedCount();
        assertThat(IndexComparison.run(fixture.store, fixture.index)).isEqualTo(new IndexComparison.Result(0, 0));
        assertThat(fixture.index.contents().storedBytes()).isEqualTo(bytes);
        assertThat(fixture.index.contents().storedCount()).isEqualTo(count);
    }

    private void restored() throws IOException {
        close();
        Files.copy(backup.resolve("index.db"), index(), StandardCopyOption.REPLACE_EXISTING);
    }

    private void backedUp() throws IOException {
        close();
        Files.copy(index(), backup.resolve("index.db"));
        open();
    }

    @Test
    void olderIndexInPlaceOfTheLastOneIsComparedWithTheFiles() throws IOException {
        pull();
        backedUp();
        pull();
        restored();
        open();
        assertThat(fixture.index.contents().storedCount()).isEqualTo(4);
        agreesWithTheFiles();
    }

    @Test
    void serverThatOpensAnOlderIndexAtOnceLeavesTheComparisonToTheBackground() throws IOException {
        pull();
        backedUp();
        pull();
        restored();
        for (int start = 1; start <= 2; start++) {
            try (ContentStore store = ContentStore.open(directory, fixture.clock);
                    CacheIndex index = CacheIndex.openAtOnce(store, fixture.clock)) {
                assertThat(index.isCompared()).isFalse();
                assertThat(index.contents().storedCount()).isEqualTo(2);
            }
        }
        open();
        assertThat(fixture.index.contents().storedCount()).isEqualTo(4);
    }

    @Test
    void indexThatWasClosedInGoodOrderIsNotComparedNorIsOneOfAnEarlierProgram() throws Exception {
        pull();
        close();
        try (ContentStore store = ContentStore.open(directory, fixture.clock)) {
            for (int opening = 1; opening <= 2; opening++) {
                try (CacheIndex index = CacheIndex.openAtOnce(store, fixture.clock)) {
                    assertThat(index.isCompared()).isTrue();
                }
            }
        }
        sql("DELETE FROM meta WHERE key = 'opening'");
        Files.writeString(directory.resolve("store.json"), "{\"version\":1}");
        for (int start = 1; start <= 2; start++) {
            try (ContentStore store = ContentStore.open(directory, fixture.clock);
                    CacheIndex index = CacheIndex.openAtOnce(store, fixture.clock)) {
                assertThat(index.isCompared()).isTrue();
            }
        }
        open();
    }

    @Test
    void indexThatAnEarlierProgramHasUsedSinceIsComparedOnce() throws IOException {
        pull();
        close();
        Files.writeString(directory.resolve("store.json"), "{\"version\":1}");
        open();
        assertThat(fixture.index.isCompared()).isTrue();
        close();
        try (ContentStore store = ContentStore.open(directory, fixture.clock);
                CacheIndex index = CacheIndex.openAtOnce(store, fixture.clock)) {
            assertThat(index.isCompared()).isTrue();
        }
        open();
    }

    private Pin pinned() throws IOException {
        Pin pin = new Pin(
                upstream.repository(),
                TAG,
                List.of(Platform.parse("linux/arm64"), Platform.parse("linux/amd64")),
                false);
        fixture.evictor.pins().pin(pin);
        return pin;
    }

    private void indexIsLost() throws IOException {
        close();
        Files.delete(index());
    }

    @Test
    void pinsOfAnIndexThatIsGoneStayAndItIsKnownThatItIsGone() throws IOException {
        pull();
        Pin pin = pinned();
        Pin other = Pin.all(Repository.parse("localhost:5000/a/b"), Digest.sha256(new byte[] {1}));
        fixture.evictor.pins().pin(other);
        indexIsLost();
        open();
        assertThat(fixture.index.wasRebuilt()).isTrue();
        assertThat(fixture.index.pins().all()).containsExactly(pin, other);
        agreesWithTheFiles();
        close();
        open();
        assertThat(fixture.index.wasRebuilt()).isFalse();
        assertThat(fixture.index.pins().all()).containsExactly(pin, other);
    }

    @Test
    void indexThatIsEmptyCountsAsLost() throws IOException {
        pull();
        Pin pin = pinned();
        close();
        Files.write(index(), new byte[0]);
        open();
        assertThat(fixture.index.wasRebuilt()).isTrue();
        assertThat(fixture.index.pins().all()).containsExactly(pin);
    }

    @Test
    void lossIsKnownWhereNoPinsWereListedAndANewStoreHasNone() throws IOException {
        assertThat(fixture.index.wasRebuilt()).isFalse();
        pull();
        assertThat(directory.resolve("pins.json")).doesNotExist();
        indexIsLost();
        open();
        assertThat(fixture.index.wasRebuilt()).isTrue();
        assertThat(fixture.index.pins().all()).isEmpty();
    }

    @Test
    void pinThatWasTakenAwayDoesNotComeBack() throws IOException {
        Pin pin = pinned();
        fixture.evictor.pins().unpin(pin.repository(), pin.reference());
        indexIsLost();
        open();
        assertThat(fixture.index.pins().all()).isEmpty();
    }

    @Test
    void startThatIsKilledBetweenTheNewIndexAndItsPinsIsMadeUpFor() throws Exception {
        Pin pin = pinned();
        indexIsLost();
        try (Connection connection = IndexDatabase.connect(index(), false)) {
            IndexSchema.migrate(connection, IndexSchema.STEPS);
        }
        open();
        assertThat(fixture.index.pins().all()).containsExactly(pin);
    }

    @Test
    void pinsThatAnOlderIndexInPlaceOfTheLastOneLacksStay() throws IOException {
        pull();
        backedUp();
        Pin pin = pinned();
        restored();
        open();
        assertThat(fixture.index.pins().all()).containsExactly(pin);
        assertThat(fixture.index.wasRebuilt()).isFalse();
    }

    @Test
    void listOfPinsFollowsAnIndexThatAnEarlierProgramHasUsedSince() throws Exception {
        Pin pin = pinned();
        close();
        sql("UPDATE pins SET referrers = 1");
        Files.writeString(directory.resolve("store.json"), "{\"version\":1}");
        open();
        Pin changed = new Pin(pin.repository(), TAG, pin.platforms(), true);
        assertThat(fixture.index.pins().all()).containsExactly(changed);
        indexIsLost();
        open();
        assertThat(fixture.index.pins().all()).containsExactly(changed);
    }

    @Test
    void earlierProgramThatRefusesTheIndexLeavesItTheOneThatWasUsedLast() throws Exception {
        pull();
        close();
        String marker = Files.readString(directory.resolve("store.json"));
        sql("PRAGMA user_version = 99");
        try (ContentStore store = ContentStore.open(directory, fixture.clock)) {
            assertThatThrownBy(() -> CacheIndex.openAtOnce(store, fixture.clock))
                    .hasMessageContaining("newer program");
        }
        assertThat(directory.resolve("store.json")).hasContent(marker);
        sql("PRAGMA user_version = " + IndexSchema.STEPS.size());
        try (ContentStore store = ContentStore.open(directory, fixture.clock);
                CacheIndex index = CacheIndex.openAtOnce(store, fixture.clock)) {
            assertThat(index.isCompared()).isTrue();
        }
        open();
    }

    @Test
    void startThatIsKilledBeforeTheFilesAreInTheNewIndexLeavesItLost() throws Exception {
        ManifestBytes image = pull();
        indexIsLost();
        for (int start = 1; start <= 2; start++) {
            try (ContentStore store = ContentStore.open(directory, fixture.clock);
                    IndexDatabase killed = IndexDatabase.open(store.layout(), fixture.clock, store.openings())) {
                assertThat(killed.empty()).isTrue();
                killed.updates()
                        .saveContent(
                                image.digest(),
                                new IndexedContent(
                                        ContentKind.MANIFEST,
                                        image.sizeBytes(),
                                        Optional.empty(),
                                        fixture.clock.instant()));
            }
        }
        try (ContentStore store = ContentStore.open(directory, fixture.clock);
                CacheIndex index = CacheIndex.openAtOnce(store, fixture.clock)) {
            assertThat(index.wasRebuilt()).isTrue();
            assertThat(index.isCompared()).isTrue();
            assertThat(index.contents().storedCount()).isEqualTo(2);
        }
        open();
        assertThat(fixture.index.wasRebuilt()).isFalse();
    }

    @Test
    void startThatIsKilledBeforeTheFilesAreInTheNextIndexLeavesItDamaged() throws Exception {
        pull();
        close();
        Files.writeString(index(), "no database at all, as after the disk has gone bad");
        try (ContentStore store = ContentStore.open(directory, fixture.clock)) {
            IndexDatabase.open(store.layout(), fixture.clock, store.openings()).close();
        }
        open();
        assertThat(fixture.index.wasRebuilt()).isTrue();
        assertThat(fixture.index.contents().storedCount()).isEqualTo(2);
        close();
        open();
        assertThat(fixture.index.wasRebuilt()).isFalse();
    }

    @Test
    void startOfANewStoreThatIsKilledLosesNothing() throws Exception {
        close();
        Files.delete(index());
        try (ContentStore store = ContentStore.open(directory, fixture.clock)) {
            IndexDatabase.open(store.layout(), fixture.clock, store.openings()).close();
        }
        open();
        assertThat(fixture.index.wasRebuilt()).isFalse();
    }

    @Test
    void listOfManyPinsIsNotWrittenForEachAndIsWholeAfterTheNextLook() throws IOException {
        PinList list = new PinList(fixture.store.layout());
        int many = 300;
        Object last = null;
        int written = 0;
        for (int i = 0; i < many; i++) {
            fixture.evictor.pins().pin(Pin.all(upstream.repository(), new Tag("v" + i)));
            Object file = Files.readAttributes(directory.resolve("pins.json"), BasicFileAttributes.class)
                    .fileKey();
            written += Objects.equals(file, last) ? 0 : 1;
            last = file;
            if (i < 64) {
                assertThat(list.read().orElseThrow()).hasSize(i + 1);
            }
        }
        assertThat(written).isLessThan(many * 3 / 4);
        assertThat(list.read().orElseThrow().size()).isBetween(many - many / 64, many);
        new Housekeeping(fixture.store, fixture.index, fixture.evictor, fixture.clock, pause -> {}).look();
        assertThat(list.read()).contains(fixture.index.pins().all());
    }

    @Test
    void pinThatWasToldAsFailedAndWasWrittenLaterIsListedWithTheNextLook() throws IOException {
        Pin pin = Pin.all(upstream.repository(), TAG);
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> fixture.evictor.pins().pin(pin)).isInstanceOf(InterruptedIOException.class);
        assertThat(Thread.interrupted()).isTrue();
        fixture.index.flush();
        new Housekeeping(fixture.store, fixture.index, fixture.evictor, fixture.clock, pause -> {}).look();
        assertThat(new PinList(fixture.store.layout()).read()).contains(List.of(pin));
    }

    @Test
    void pinThatTheIndexRefusesIsNotListed() throws Exception {
        Pin kept = pinned();
        sql("CREATE TRIGGER refusal BEFORE INSERT ON pins BEGIN SELECT RAISE(ABORT, 'no'); END");
        assertThatThrownBy(() -> fixture.evictor.pins().pin(Pin.all(upstream.repository(), new Tag("v2"))))
                .isInstanceOf(IOException.class);
        new Housekeeping(fixture.store, fixture.index, fixture.evictor, fixture.clock, pause -> {}).look();
        assertThat(new PinList(fixture.store.layout()).read()).contains(List.of(kept));
    }

    @Test
    void pinsOfRulesAreListedWithTheNextLookAtTheDisk() throws IOException {
        fixture.evictor.pins().pin(new Pin(upstream.repository(), TAG, List.of(), true, true));
        assertThat(directory.resolve("pins.json")).doesNotExist();
        new Housekeeping(fixture.store, fixture.index, fixture.evictor, fixture.clock, pause -> {}).look();
        assertThat(new PinList(fixture.store.layout()).read())
                .contains(fixture.index.pins().all());
    }

    @Test
    void entryOfTheListThatMakesNoSenseCostsNoOtherAndTheListIsKept() throws IOException {
        Path list = directory.resolve("pins.json");
        Pin pin = pinned();
        close();
        String mixed = Files.readString(list).replaceFirst("\\[", "[ {\"repository\":\"no\"}, ");
        Files.writeString(list, mixed);
        Files.delete(index());
        open();
        assertThat(fixture.index.pins().all()).containsExactly(pin);
        assertThat(new PinList(fixture.store.layout()).contents()).contains(new PinList.Contents(List.of(pin), 0));
        fixture.evictor.pins().pin(Pin.all(upstream.repository(), new Tag("v2")));
        assertThat(new PinList(fixture.store.layout()).read().orElseThrow())
                .hasSize(2)
                .contains(pin);
        close();
        open();
        assertThat(fixture.store.layout().damagedPins(1)).hasContent(mixed);
        assertThat(fixture.store.layout().damagedPins(2)).doesNotExist();
    }

    @Test
    void listThatIsNoneIsKeptOnceAndForAWeek() throws IOException {
        pinned();
        for (int start = 0; start < 2; start++) {
            close();
            Files.writeString(directory.resolve("pins.json"), "not even JSON");
            open();
        }
        StoreLayout layout = fixture.store.layout();
        assertThat(layout.damagedPins(1)).hasContent("not even JSON");
        assertThat(layout.damagedPins(2)).doesNotExist();
        assertThat(IndexReplacement.dropOld(layout, fixture.clock.instant())).isZero();
        assertThat(IndexReplacement.dropOld(
                        layout,
                        fixture.clock.instant().plus(IndexReplacement.LIFE).plusMillis(1)))
                .isEqualTo(1);
        assertThat(layout.damagedPins(1)).doesNotExist();
    }

    @Test
    void listOfPinsThatCannotBeUsedIsInNobodysWay() throws IOException {
        Path list = directory.resolve("pins.json");
        Pin pin = pinned();
        close();
        Files.writeString(list, "{\"version\":1,\"pins\":[{\"repository\":\"no\"}]}");
        open();
        assertThat(fixture.index.pins().all()).containsExactly(pin);
        Files.delete(list);
        Files.createDirectories(list.resolve("in-the-way"));
        fixture.evictor.pins().unpin(pin.repository(), pin.reference());
        fixture.evictor.pins().pin(pin);
        indexIsLost();
        open();
        assertThat(fixture.index.pins().all()).isEmpty();
        assertThat(pinned()).isIn(fixture.index.pins().all());
        Files.delete(list.resolve("in-the-way"));
        Files.delete(list);
        new Housekeeping(fixture.store, fixture.index, fixture.evictor, fixture.clock, pause -> {}).look();
        assertThat(new PinList(fixture.store.layout()).read()).contains(List.of(pin));
    }
}
