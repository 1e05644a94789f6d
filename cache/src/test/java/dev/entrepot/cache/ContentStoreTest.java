package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.OciLimits;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ContentStoreTest {
    @TempDir
    Path directory;

    private ContentStore open() throws IOException {
        return ContentStore.open(directory, Clock.systemUTC());
    }

    private ContentStore open(Clock clock, Optional<String> bootId) throws IOException {
        return new StoreOpening(new StoreLayout(directory), clock, bootId, 1).open();
    }

    private Path partial(Digest digest) {
        return new StoreLayout(directory).partial(digest);
    }

    @Test
    void manifestsComeBackByteForByteAfterReopening() throws IOException {
        byte[] bytes = Samples.bytes(1, 3000);
        Digest digest = Digest.sha256(bytes);
        try (ContentStore store = open()) {
            store.putManifest(digest, bytes);
            store.putManifest(digest, bytes);
        }
        try (ContentStore store = open()) {
            assertThat(store.containsManifest(digest)).isTrue();
            assertThat(store.manifest(digest))
                    .hasValueSatisfying(read -> assertThat(read).isEqualTo(bytes));
            assertThat(store.deleteManifest(digest)).isTrue();
            assertThat(store.deleteManifest(digest)).isFalse();
            assertThat(store.manifest(digest)).isEmpty();
        }
    }

    @Test
    void sha512ContentIsKeptApart() throws IOException {
        byte[] bytes = Samples.bytes(2, 100);
        Digest digest = Digest.of(DigestAlgorithm.SHA512, bytes);
        try (ContentStore store = open()) {
            store.putManifest(digest, bytes);
            assertThat(store.containsManifest(digest)).isTrue();
            assertThat(store.containsManifest(Digest.sha256(bytes))).isFalse();
        }
    }

    @Test
    void manifestWithAnotherDigestIsRefused() throws IOException {
        byte[] bytes = Samples.bytes(3, 100);
        Digest other = Digest.sha256(Samples.bytes(4, 100));
        try (ContentStore store = open()) {
            assertThatThrownBy(() -> store.putManifest(other, bytes))
                    .isInstanceOf(InvalidContentException.class)
                    .hasMessageContaining(other.toString())
                    .hasMessageContaining(Digest.sha256(bytes).toString());
            assertThat(store.containsManifest(other)).isFalse();
        }
    }

    @Test
    void manifestBeyondTheLimitIsRefused() throws IOException {
        byte[] bytes = new byte[OciLimits.MAX_MANIFEST_BYTES + 1];
        try (ContentStore store = open()) {
            assertThatThrownBy(() -> store.putManifest(Digest.sha256(bytes), bytes))
                    .isInstanceOf(InvalidContentException.class);
        }
    }

    @Test
    void manifestThatRottedOnTheDiskIsNeverServed() throws IOException {
        byte[] bytes = Samples.bytes(5, 500);
        Digest digest = Digest.sha256(bytes);
        try (ContentStore store = open()) {
            store.putManifest(digest, bytes);
            bytes[77] ^= 1;
            Files.write(new StoreLayout(directory).content(ContentKind.MANIFEST, digest), bytes);
            assertThatThrownBy(() -> store.manifest(digest)).isInstanceOf(InvalidContentException.class);
            try (CacheIndex index = CacheIndex.open(store, Clock.systemUTC())) {
                assertThat(index.contents().isStored(digest)).isTrue();
                assertThat(new StoreRepair(store, index).manifest(digest)).isEmpty();
                assertThat(index.contents().isStored(digest)).isFalse();
            }
            assertThat(store.containsManifest(digest)).isFalse();
            assertThat(directory.resolve("quarantine").resolve("manifest-sha256-" + digest.encoded()))
                    .hasBinaryContent(bytes);
        }
    }

    @Test
    void badManifestLeavesTheBlobOfTheSameDigestAlone() throws IOException {
        byte[] bytes = Samples.bytes(5, 500);
        try (ContentStore store = open()) {
            Digest digest = Samples.store(store, bytes);
            store.putManifest(digest, bytes);
            Files.write(new StoreLayout(directory).content(ContentKind.MANIFEST, digest), new byte[3]);
            try (CacheIndex index = CacheIndex.open(store, Clock.systemUTC())) {
                assertThat(new StoreRepair(store, index).manifest(digest)).isEmpty();
            }
            assertThat(store.containsManifest(digest)).isFalse();
            assertThat(Samples.read(store, digest)).isEqualTo(bytes);
        }
    }

    @Test
    void digestsThatCannotBeVerifiedAreAbsentAndCannotBeStored() throws IOException {
        Digest digest = Digest.parse("sha256+b64:x");
        try (ContentStore store = open()) {
            assertThat(store.openBlob(digest)).isEmpty();
            assertThat(store.blobSize(digest)).isEmpty();
            assertThat(store.manifest(digest)).isEmpty();
            assertThat(store.deleteBlob(digest)).isFalse();
            assertThatThrownBy(() -> store.ingest(digest)).isInstanceOf(InvalidContentException.class);
        }
    }

    @Test
    void evictedBlobStaysReadableForThoseWhoHaveItOpen() throws IOException {
        byte[] bytes = Samples.bytes(6, 100_000);
        try (ContentStore store = open()) {
            Digest digest = Samples.store(store, bytes);
            try (BlobFile file = store.openBlob(digest).orElseThrow()) {
                assertThat(store.deleteBlob(digest)).isTrue();
                assertThat(store.openBlob(digest)).isEmpty();
                byte[] end = new byte[10];
                assertThat(file.read(99_990, end, 0, 10)).isEqualTo(10);
                assertThat(end).isEqualTo(Arrays.copyOfRange(bytes, 99_990, 100_000));
                assertThat(file.read(100_000, end, 0, 10)).isEqualTo(-1);
                assertThat(file.read(0, end, 3, 7)).isEqualTo(7);
                assertThat(end[3]).isEqualTo(bytes[0]);
            }
        }
    }

    @Test
    void everyBlobIsVisited() throws IOException {
        try (ContentStore store = open()) {
            List<Digest> stored = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                stored.add(Samples.store(store, Samples.bytes(i, i)));
            }
            Path foreign = Files.createDirectories(directory.resolve("blobs/sha256/00"));
            Files.writeString(foreign.resolve("not a digest"), "x");
            assertThat(Samples.blobs(store)).containsExactlyInAnyOrderElementsOf(stored);
        }
    }

    @Test
    void secondOpeningIsRefusedWithTheFolderAndTheRemedy() throws IOException {
        try (ContentStore store = open()) {
            assertThat(store.freeBytes()).isPositive();
            assertThatThrownBy(this::open)
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining(directory.toString())
                    .hasMessageContaining("in use")
                    .hasMessageContaining("another cache directory");
        }
        open().close();
    }

    @Test
    void storeOfANewerProgramIsRefusedAndLeftAlone() throws IOException {
        Files.writeString(directory.resolve("store.json"), "{\"version\":2,\"layout\":\"unheard of\"}");
        Path partial = partial(Digest.sha256(new byte[0]));
        Files.createDirectories(partial.getParent());
        Files.writeString(partial, "x");
        assertThatThrownBy(this::open)
                .isInstanceOf(IOException.class)
                .hasMessageContaining("format 2")
                .hasMessageContaining("up to 1");
        assertThat(partial).exists();
        Files.delete(directory.resolve("store.json"));
        open().close();
    }

    @Test
    void fileThatIsNoMarkerIsRefused() throws IOException {
        Files.writeString(directory.resolve("store.json"), "hello");
        assertThatThrownBy(this::open).isInstanceOf(IOException.class).hasMessageContaining("store.json");
    }

    @Test
    void folderThatIsAFileIsRefusedWithTheRemedy() throws IOException {
        Path file = Files.writeString(directory.resolve("file"), "x");
        assertThatThrownBy(() -> ContentStore.open(file, Clock.systemUTC()))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(file.toString())
                .hasMessageContaining("(" + file + " is there, and is no folder): it must be a folder");
    }

    @Test
    void folderThatCannotBeMadeIsRefusedInWords() {
        Path folder = Path.of("/proc/entrepot-nothing/data");
        assumeTrue(Files.isDirectory(Path.of("/proc/self")), "a system without a folder that takes none");
        assertThatThrownBy(() -> ContentStore.open(folder, Clock.systemUTC()))
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith("the cache directory " + folder
                        + " cannot be used (/proc/entrepot-nothing does not exist): it must be a folder");
    }

    @Test
    void folderThatCannotBeWrittenIsRefusedWithTheRemedy() throws IOException {
        Path closed = Files.createDirectory(
                directory.resolve("closed"),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("r-xr-xr-x")));
        assumeFalse(Files.isWritable(closed), "runs as a user whom permissions do not bind");
        assertThatThrownBy(() -> ContentStore.open(closed, Clock.systemUTC()))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(closed.toString())
                .hasMessageContaining("may write to");
    }

    @Test
    void partialOfThisBootIsKeptForADay() throws IOException {
        SettableClock clock = new SettableClock(Instant.now());
        Digest digest = Digest.sha256(Samples.bytes(7, 1000));
        suspend(clock, Optional.of("boot-1"), digest);
        clock.advance(Duration.ofHours(23));
        open(clock, Optional.of("boot-1")).close();
        assertThat(partial(digest)).exists();
        clock.advance(Duration.ofHours(2));
        open(clock, Optional.of("boot-1")).close();
        assertThat(partial(digest)).doesNotExist();
    }

    @Test
    void partialOfAnotherBootIsDropped() throws IOException {
        SettableClock clock = new SettableClock(Instant.now());
        Digest digest = Digest.sha256(Samples.bytes(8, 1000));
        suspend(clock, Optional.of("boot-1"), digest);
        open(clock, Optional.of("boot-2")).close();
        assertThat(partial(digest)).doesNotExist();
        suspend(clock, Optional.of("boot-2"), digest);
        open(clock, Optional.of("boot-2")).close();
        assertThat(partial(digest)).exists();
    }

    @Test
    void partialOfAnUnknownBootIsDropped() throws IOException {
        SettableClock clock = new SettableClock(Instant.now());
        Digest digest = Digest.sha256(Samples.bytes(9, 1000));
        suspend(clock, Optional.empty(), digest);
        open(clock, Optional.empty()).close();
        assertThat(partial(digest)).doesNotExist();
    }

    @Test
    void folderInThePlaceOfAPartialKeepsNoStoreFromOpening() throws IOException {
        Path inTheWay = partial(Digest.sha256(Samples.bytes(10, 1000)));
        Files.createDirectories(inTheWay.resolve("of others"));

        open(Clock.systemUTC(), Optional.empty()).close();

        assertThat(inTheWay).isDirectory();
    }

    private void suspend(Clock clock, Optional<String> bootId, Digest digest) throws IOException {
        try (ContentStore store = open(clock, bootId);
                Ingest ingest = store.ingest(digest)) {
            ingest.write(new byte[10], 0, 10);
            ingest.suspend();
        }
        assertThat(partial(digest)).exists();
    }

    @Test
    void strayTemporaryFilesAndOldQuarantineAreRemoved() throws IOException {
        open().close();
        Digest digest = Digest.sha256(new byte[0]);
        Path temporary = new StoreLayout(directory).temporary(digest, 4);
        Path recent = new StoreLayout(directory).quarantined(ContentKind.BLOB, digest);
        Path old = new StoreLayout(directory).quarantined(ContentKind.MANIFEST, digest);
        for (Path file : List.of(temporary, recent, old)) {
            Files.write(file, "x".getBytes(StandardCharsets.UTF_8));
        }
        Files.setLastModifiedTime(old, FileTime.from(Instant.now().minus(Duration.ofDays(8))));
        open().close();
        assertThat(temporary).doesNotExist();
        assertThat(old).doesNotExist();
        assertThat(recent).exists();
    }
}
