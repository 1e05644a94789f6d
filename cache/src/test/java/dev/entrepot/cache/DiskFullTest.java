package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A disk of 4 MiB that is really full. Needs the right to mount one; skipped elsewhere. */
class DiskFullTest {
    private static final Repository REPOSITORY = Repository.parse("docker.io/library/full");
    private static final int DISK_BYTES = 4 * 1024 * 1024;

    @TempDir
    Path directory;

    private boolean mounted;
    private Path disk;
    private ContentStore store;

    @BeforeEach
    void mount() throws Exception {
        disk = Files.createDirectory(directory.resolve("disk"));
        mounted = run("mount", "-t", "tmpfs", "-o", "size=" + DISK_BYTES, "tmpfs", disk.toString());
        assumeTrue(mounted, "no right to mount a small disk");
        store = ContentStore.open(disk, Clock.systemUTC());
    }

    @AfterEach
    void unmount() throws Exception {
        if (mounted) {
            store.close();
            assertThat(run("umount", disk.toString())).isTrue();
        }
    }

    private static boolean run(String... command) throws InterruptedException {
        try {
            Process process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            return process.waitFor(10, TimeUnit.SECONDS) && process.exitValue() == 0;
        } catch (IOException e) {
            return false;
        }
    }

    /** Leaves this many bytes free. */
    private Path fill(int left) throws IOException {
        Path file = disk.resolve("filler");
        Files.write(file, new byte[Math.toIntExact(store.freeBytes() - left)]);
        return file;
    }

    @Test
    void failedWriteCountsForNothingAndCanBeRepeatedOrGivenUp() throws IOException {
        byte[] bytes = Samples.bytes(1, 400_000);
        Digest digest = Digest.sha256(bytes);
        Path filler = fill(200_000);
        try (Ingest ingest = store.ingest(digest)) {
            ingest.write(bytes, 0, 100_000);
            assertThatThrownBy(() -> ingest.write(bytes, 100_000, 300_000)).isInstanceOf(IOException.class);
            assertThat(ingest.writtenBytes()).isEqualTo(100_000);
            MessageDigest state = ingest.hashState();
            state.update(bytes, 100_000, 300_000);
            assertThat(Digest.of(DigestAlgorithm.SHA256, state)).isEqualTo(digest);
            Files.delete(filler);
            ingest.write(bytes, 100_000, 300_000);
            ingest.commit(OptionalLong.of(400_000));
        }
        assertThat(Samples.read(store, digest)).isEqualTo(bytes);
    }

    @Test
    void partialOfAFailedWriteEndsWhereItsHashEnds() throws IOException {
        byte[] bytes = Samples.bytes(1, 400_000);
        Path filler = fill(200_000);
        try (Ingest ingest = store.ingest(Digest.sha256(bytes))) {
            ingest.write(bytes, 0, 100_000);
            assertThatThrownBy(() -> ingest.write(bytes, 100_000, 300_000)).isInstanceOf(IOException.class);
        }
        assertThat(store.ingests().claimedBytes()).isEqualTo(100_000);
        Files.delete(filler);
    }

    @Test
    void manifestThatDoesNotFitLeavesNothing() throws IOException {
        byte[] bytes = Samples.bytes(1, 100_000);
        Digest digest = Digest.sha256(bytes);
        Path filler = fill(20_000);
        assertThatThrownBy(() -> store.putManifest(digest, bytes)).isInstanceOf(IOException.class);
        assertThat(store.containsManifest(digest)).isFalse();
        try (Stream<Path> files = Files.list(disk.resolve("ingest"))) {
            assertThat(files).isEmpty();
        }
        Files.delete(filler);
        store.putManifest(digest, bytes);
        assertThat(store.manifest(digest)).isPresent();
    }

    @Test
    void indexRemembersWhatItCouldNotWriteAndWritesItLater() throws IOException {
        Tag last = new Tag("t2999");
        try (CacheIndex index = CacheIndex.open(store, Clock.systemUTC())) {
            Path filler = fill(0);
            for (int i = 0; i < 3000; i++) {
                Digest digest = Digest.sha256(new byte[] {(byte) i, (byte) (i >> 8)});
                index.tags().put(REPOSITORY, new Tag("t" + i), new TagRecord(digest, Instant.now(), Instant.now()));
                index.contents().stored(digest, ContentKind.BLOB, 1, Optional.empty());
            }
            assertThatThrownBy(index::flush).isInstanceOf(IOException.class);
            assertThat(index.problem()).isPresent();
            assertThat(index.tags().get(REPOSITORY, last)).isPresent();
            assertThat(index.contents().storedCount()).isEqualTo(3000);
            assertThat(index.contents().leastRecentlyUsed(5000)).hasSize(3000);
            Files.delete(filler);
            flushWhenThereIsRoom(index);
            assertThat(index.problem()).isEmpty();
            assertThat(index.lostChanges()).isZero();
        }
        try (CacheIndex index = CacheIndex.open(store, Clock.systemUTC())) {
            assertThat(index.wasRebuilt()).isFalse();
            assertThat(index.tags().knownIn(REPOSITORY)).hasSize(3000).contains(last);
            assertThat(index.contents().storedCount()).isEqualTo(3000);
        }
    }

    private static void flushWhenThereIsRoom(CacheIndex index) throws IOException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (true) {
            try {
                index.flush();
                return;
            } catch (IOException e) {
                if (System.nanoTime() > deadline) {
                    throw e;
                }
            }
        }
    }

    @Test
    void fullDiskIsOpenedAtTheExpenseOfQuarantineAndUnfinishedBlobs() throws IOException {
        try (CacheIndex index = CacheIndex.open(store, Clock.systemUTC())) {
            index.pins().put(Pin.all(REPOSITORY, new Tag("kept")));
        }
        Digest bad = Samples.store(store, Samples.bytes(1, 200_000));
        Samples.quarantine(store, bad);
        try (Ingest ingest = store.ingest(Digest.sha256(new byte[] {1}))) {
            ingest.write(new byte[200_000], 0, 200_000);
        }
        Digest good = Samples.store(store, Samples.bytes(2, 100_000));
        fill(0);
        store.close();
        store = ContentStore.open(disk, Clock.systemUTC());
        try (CacheIndex index = CacheIndex.open(store, Clock.systemUTC())) {
            assertThat(index.pins().all()).hasSize(1);
        }
        assertThat(store.blobSize(good)).hasValue(100_000);
        assertThat(store.blobSize(bad)).isEmpty();
        assertThat(store.ingests().idle()).isEmpty();
    }

    @Test
    void fullDiskIsOpenedAtTheExpenseOfItsBallastFirst() throws IOException {
        try (CacheIndex index = CacheIndex.open(store, Clock.systemUTC())) {
            index.pins().put(Pin.all(REPOSITORY, new Tag("kept")));
        }
        Digest good = Samples.store(store, Samples.bytes(2, 100_000));
        try (Ingest ingest = store.ingest(Digest.sha256(new byte[] {1}))) {
            ingest.write(new byte[200_000], 0, 200_000);
        }
        store.ballast().make(1 << 20);
        fill(0);
        store.close();
        store = ContentStore.open(disk, Clock.systemUTC());
        try (CacheIndex index = CacheIndex.open(store, Clock.systemUTC())) {
            assertThat(index.pins().all()).hasSize(1);
        }
        assertThat(store.ballastBytes()).isZero();
        assertThat(store.blobSize(good)).hasValue(100_000);
        assertThat(store.ingests().idle()).hasSize(1);
    }

    /** Making it anew from the files needs more than opening it. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void lostOrDamagedIndexIsMadeAnewOnAFullDisk(boolean lost) throws IOException {
        CacheIndex.open(store, Clock.systemUTC()).close();
        for (int i = 0; i < 150; i++) {
            Samples.store(store, Samples.bytes(i, 100));
        }
        // The log of the database may grow to more than the index, while a reader looks at what was.
        Samples.quarantine(store, Samples.store(store, Samples.bytes(1, 2_300_000)));
        Path index = disk.resolve("index.db");
        if (lost) {
            Files.delete(index);
        } else {
            Files.writeString(index, "not a database");
        }
        fill(300_000);
        try (CacheIndex opened = CacheIndex.openAtOnce(store, Clock.systemUTC())) {
            assertThat(opened.contents().storedCount()).isEqualTo(150);
            assertThat(opened.isCompared()).isTrue();
            assertThat(opened.wasRebuilt()).isTrue();
        }
        assertThat(store.quarantineBytes()).isZero();
    }

    @Test
    void indexThatCannotBeMadeAnewSaysWhatToDo() throws IOException {
        CacheIndex.open(store, Clock.systemUTC()).close();
        for (int i = 0; i < 300; i++) {
            Samples.store(store, Samples.bytes(i, 100));
        }
        Files.delete(disk.resolve("index.db"));
        fill(300_000);
        assertThatThrownBy(() -> CacheIndex.openAtOnce(store, Clock.systemUTC()))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("free space on the disk of " + disk);
    }

    @Test
    void ballastThatDoesNotFitLeavesNothing() throws IOException {
        Path filler = fill(1 << 19);
        assertThatThrownBy(() -> store.ballast().make(1 << 20)).isInstanceOf(IOException.class);
        assertThat(disk.resolve("ballast")).doesNotExist();
        assertThat(store.ballastBytes()).isZero();
        Files.delete(filler);
    }

    @Test
    void fullDiskIsRefusedAtOpeningWithTheRemedy() throws IOException {
        store.close();
        fill(0);
        assertThatThrownBy(() -> ContentStore.open(disk, Clock.systemUTC()))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(disk.toString())
                .hasMessageContaining("space left");
        Files.delete(disk.resolve("filler"));
        store = ContentStore.open(disk, Clock.systemUTC());
        assertThat(List.of(store.freeBytes())).doesNotContain(0L);
    }
}
