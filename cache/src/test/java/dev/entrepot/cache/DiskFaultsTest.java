package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sqlite.SQLiteConfig;

/** What happens when others touch the folder of the store, or it cannot be written. */
class DiskFaultsTest {
    private static final int SIZE = 80_000;

    private final FakeUpstream upstream = new FakeUpstream("docker.io/library/faulty");
    private final byte[] bytes = CacheFixture.randomBytes(SIZE, 1);
    private final Digest blob = Digest.sha256(bytes);

    @TempDir
    Path directory;

    private CacheFixture fixture;
    private PullThrough repository;
    private ManifestBytes image;

    @BeforeEach
    void pullOnce() throws IOException {
        image = CacheFixture.image(upstream, bytes);
        open();
        repository.manifest(image.digest());
        CacheFixture.readAll(repository, blob);
        fixture.awaitIdle();
    }

    private void open() throws IOException {
        fixture = new CacheFixture(directory);
        repository = fixture.repository(upstream);
    }

    @AfterEach
    void close() throws IOException {
        fixture.close();
    }

    private Path file() {
        return fixture.store.layout().content(ContentKind.BLOB, blob);
    }

    private void pullsRightAndCountsExactly() throws IOException {
        assertThat(CacheFixture.readAll(repository, blob)).isEqualTo(bytes);
        fixture.awaitIdle();
        assertThat(repository.manifest(image.digest()).content().array()).isEqualTo(image.array());
        assertThat(fixture.index.contents().storedBytes())
                .isEqualTo(bytesOnDisk())
                .isEqualTo(SIZE + image.sizeBytes());
        assertThat(fixture.index.contents().storedCount()).isEqualTo(2);
    }

    private long bytesOnDisk() throws IOException {
        try (Stream<Path> blobs = Files.walk(directory.resolve("blobs"));
                Stream<Path> manifests = Files.walk(directory.resolve("manifests"))) {
            return Stream.concat(blobs, manifests)
                    .map(Path::toFile)
                    .filter(java.io.File::isFile)
                    .mapToLong(java.io.File::length)
                    .sum();
        }
    }

    @Test
    void blobRemovedByHandIsFetchedAnew() throws IOException {
        Files.delete(file());
        assertThat(repository.statBlob(blob).verdict()).isEqualTo(Verdict.MISS);
        assertThat(fixture.index.contents().isStored(blob)).isFalse();
        pullsRightAndCountsExactly();
    }

    @Test
    void blobCutShortByHandIsFetchedAnew() throws IOException {
        Files.write(file(), new byte[100]);
        assertThat(repository.statBlob(blob).content()).hasValue(SIZE);
        pullsRightAndCountsExactly();
        assertThat(fixture.store.quarantined()).isEqualTo(1);
    }

    @Test
    void blobThatCannotBeReadIsFetchedAnew() throws IOException {
        Files.delete(file());
        Files.createDirectory(file());
        pullsRightAndCountsExactly();
    }

    private static void makePipe(Path path) throws Exception {
        Process process =
                new ProcessBuilder("mkfifo", path.toString()).inheritIO().start();
        assertThat(process.waitFor()).isZero();
    }

    /** Whoever opens one waits for somebody who writes to it. */
    @Test
    @Timeout(20)
    void pipeInThePlaceOfABlobOrManifestIsPutAsideAndTheContentFetchedAnew() throws Exception {
        Files.delete(file());
        makePipe(file());
        pullsRightAndCountsExactly();
        Path manifest = fixture.store.layout().content(ContentKind.MANIFEST, image.digest());
        close();
        Files.delete(manifest);
        makePipe(manifest);
        open();
        pullsRightAndCountsExactly();
        assertThat(manifest).isRegularFile();
    }

    @Test
    void folderInThePlaceOfAManifestIsPutAsideAndItIsFetchedAnew() throws Exception {
        Path manifest = fixture.store.layout().content(ContentKind.MANIFEST, image.digest());
        close();
        Files.delete(manifest);
        Files.createDirectory(manifest);
        open();
        pullsRightAndCountsExactly();
        assertThat(manifest).isRegularFile();
    }

    @Test
    @Timeout(20)
    void scrubPutsAPipeAside() throws Exception {
        Files.delete(file());
        makePipe(file());
        Scrub scrub = new Scrub(fixture.store, fixture.index, Duration.ZERO, 1 << 30, fixture.clock, pause -> {});
        scrub.runRound();
        assertThat(scrub.progress().bad()).isEqualTo(1);
        assertThat(file()).doesNotExist();
    }

    @Test
    void fileInThePlaceOfAFolderOfContentIsPutAsideAtTheStart() throws Exception {
        Path shard = file().getParent();
        close();
        Files.delete(file());
        Files.delete(shard);
        Files.writeString(shard, "in the way");
        Path long512 =
                Files.createDirectories(directory.resolve("manifests/sha512")).resolve("0f");
        Files.writeString(long512, "in the way");
        open();
        assertThat(shard).isDirectory();
        assertThat(long512).doesNotExist();
        assertThat(directory.resolve("quarantine/folder-blob-sha256-" + shard.getFileName()))
                .hasContent("in the way");
        pullsRightAndCountsExactly();
    }

    @ParameterizedTest
    @ValueSource(strings = {"store.json", "index.db", "index.db-wal", "index.db-shm"})
    void folderInThePlaceOfAFileOfTheStoreIsNamedWithTheRemedy(String name) throws Exception {
        Path file = directory.resolve(name);
        close();
        byte[] was = Files.exists(file) ? Files.readAllBytes(file) : new byte[0];
        Files.deleteIfExists(file);
        Files.createDirectory(file);
        assertThatThrownBy(() -> {
                    try (ContentStore store = ContentStore.open(directory, fixture.clock)) {
                        CacheIndex.open(store, fixture.clock).close();
                    }
                })
                .isInstanceOf(IOException.class)
                .hasMessageContainingAll(file.toString(), "not", "a file: move it away")
                .hasMessageNotContaining("written by this user");
        Files.delete(file);
        if (was.length > 0) {
            Files.write(file, was);
        }
        open();
    }

    @Test
    void manifestRemovedOrSpoiledByHandIsFetchedAnew() throws IOException {
        Path manifest = fixture.store.layout().content(ContentKind.MANIFEST, image.digest());
        close();
        Files.delete(manifest);
        open();
        pullsRightAndCountsExactly();
        close();
        Files.write(manifest, new byte[] {'{', '}'});
        open();
        pullsRightAndCountsExactly();
    }

    @Test
    void folderThatCannotBeWrittenLetsPullsPassThrough() throws IOException {
        byte[] other = CacheFixture.randomBytes(SIZE, 2);
        ManifestBytes second = CacheFixture.image(upstream, other);
        Path ingest = directory.resolve("ingest");
        Files.delete(ingest);
        Files.createFile(ingest);
        assertThat(repository.manifest(second.digest()).content().array()).isEqualTo(second.array());
        assertThat(CacheFixture.readAll(repository, Digest.sha256(other))).isEqualTo(other);
        assertThat(CacheFixture.readAll(repository, blob)).isEqualTo(bytes);
        fixture.awaitIdle();
        assertThat(fixture.store.blobSize(Digest.sha256(other))).isEmpty();
        Files.delete(ingest);
        Files.createDirectory(ingest);
        assertThat(CacheFixture.readAll(repository, Digest.sha256(other))).isEqualTo(other);
        fixture.awaitIdle();
        assertThat(fixture.store.blobSize(Digest.sha256(other))).hasValue(SIZE);
    }

    @Test
    void contentThatCannotBeBroughtBackForWantOfADiskIsNotSaidToBeBack() throws IOException {
        Files.delete(file());
        Path ingest = directory.resolve("ingest");
        Files.delete(ingest);
        Files.createFile(ingest);
        assertThatThrownBy(() -> fixture.cache.restore(repository, ContentKind.BLOB, blob))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("disk");
        fixture.awaitIdle();
        Files.delete(ingest);
        Files.createDirectory(ingest);
        fixture.cache.restore(repository, ContentKind.BLOB, blob);
        pullsRightAndCountsExactly();
    }

    @Test
    void fullDiskThrowsNothingAwayForWhatCannotBeKept() throws IOException {
        byte[] other = CacheFixture.randomBytes(SIZE, 2);
        CacheFixture.image(upstream, other);
        try (Evictor evictor = new Evictor(
                fixture.store,
                fixture.index,
                DiskLimits.of(1L << 40, 1L << 30),
                DiskShares.EQUAL,
                Duration.ZERO,
                () -> 0)) {
            PullThroughCache cache = new PullThroughCache(
                    fixture.store,
                    fixture.index,
                    evictor,
                    fixture.clock,
                    1 << 20,
                    CacheFixture.FAST,
                    task -> Thread.ofVirtual().start(task),
                    CacheRules.always(CacheFixture.SETTINGS));
            PullThrough full = cache.repository(upstream);
            assertThat(CacheFixture.readAll(full, Digest.sha256(other))).isEqualTo(other);
            assertThat(evictor.evictions()).isZero();
            assertThat(CacheFixture.readAll(full, blob)).isEqualTo(bytes);
        }
    }

    @Test
    void comparisonInUseFindsWhatWasAddedAndRemovedByHand() throws IOException {
        byte[] added = CacheFixture.randomBytes(1000, 3);
        Files.write(fixture.store.layout().content(ContentKind.BLOB, Digest.sha256(added)), added);
        Files.delete(file());
        assertThat(IndexComparison.run(fixture.store, fixture.index)).isEqualTo(new IndexComparison.Result(1, 1));
        assertThat(fixture.index.contents().storedBytes()).isEqualTo(bytesOnDisk());
        assertThat(IndexComparison.run(fixture.store, fixture.index)).isEqualTo(new IndexComparison.Result(0, 0));
    }

    @Test
    void indexMadeAnewKnowsAllFilesAndWhatTheOldOneKnew() throws IOException {
        Pin pin = Pin.all(upstream.repository(), image.digest());
        fixture.evictor.pins().pin(pin);
        fixture.evictor.close();
        fixture.index.close();
        try (CacheIndex index = CacheIndex.rebuild(fixture.store, fixture.clock)) {
            assertThat(index.contents().storedBytes()).isEqualTo(bytesOnDisk());
            assertThat(index.pins().all()).containsExactly(pin);
            assertThat(index.links().get(upstream.repository(), blob)).isPresent();
            assertThat(index.contents().manifestType(image.digest())).contains(image.mediaType());
        }
        fixture.store.close();
        open();
        pullsRightAndCountsExactly();
    }

    @Test
    void indexOfTheFormerFormatMovesForward() throws Exception {
        fixture.close();
        for (String file : new String[] {"index.db", "index.db-wal", "index.db-shm"}) {
            Files.deleteIfExists(directory.resolve(file));
        }
        try (var connection = new SQLiteConfig().createConnection("jdbc:sqlite:" + directory.resolve("index.db"))) {
            IndexSchema.migrate(connection, IndexSchema.STEPS.subList(0, 1));
            try (var row = connection.prepareStatement(
                    "INSERT INTO content (digest, kind, bytes, media_type, last_used) VALUES (?, 0, ?, NULL, 1000)")) {
                row.setBytes(1, DigestCode.encode(blob));
                row.setLong(2, SIZE);
                row.executeUpdate();
            }
        } catch (SQLException e) {
            throw new IOException(e);
        }
        open();
        assertThat(fixture.index.contents().get(blob).map(IndexedContent::bytes))
                .isEqualTo(Optional.of((long) SIZE));
        assertThat(fixture.index.pins().all()).isEmpty();
        pullsRightAndCountsExactly();
    }
}
