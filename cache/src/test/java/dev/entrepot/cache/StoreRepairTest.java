package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.MediaType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StoreRepairTest {
    private static final byte[] BYTES = Samples.bytes(1, 1_000);
    private static final Digest DIGEST = Digest.sha256(BYTES);

    private final TestClock clock = new TestClock();

    @TempDir
    Path directory;

    private ContentStore store;
    private CacheIndex index;
    private StoreRepair repair;

    @BeforeEach
    void open() throws IOException {
        store = ContentStore.open(directory, clock);
        index = CacheIndex.open(store, clock);
        repair = new StoreRepair(store, index);
    }

    @AfterEach
    void close() throws IOException {
        index.close();
        store.close();
    }

    private Path path(ContentKind kind) {
        return store.layout().content(kind, DIGEST);
    }

    private void storeManifest() throws IOException {
        store.putManifest(DIGEST, BYTES);
        index.contents().stored(DIGEST, ContentKind.MANIFEST, BYTES.length, Optional.of(MediaType.OCI_MANIFEST));
    }

    @Test
    void blobStaysCountedWhenTheManifestWithTheSameBytesHasGoneBad() throws IOException {
        Samples.store(store, BYTES);
        storeManifest();
        Files.write(path(ContentKind.MANIFEST), new byte[] {1}, StandardOpenOption.APPEND);

        assertThat(repair.manifest(DIGEST)).isEmpty();

        assertThat(path(ContentKind.MANIFEST)).doesNotExist();
        assertThat(index.contents().get(DIGEST).map(IndexedContent::kind)).contains(ContentKind.BLOB);
        assertThat(index.contents().storedBytes()).isEqualTo(BYTES.length);
    }

    @Test
    void blobStaysCountedWhenTheManifestWithTheSameBytesCannotBeUsed() throws IOException {
        Samples.store(store, BYTES);
        store.putManifest(DIGEST, BYTES);
        index.contents().stored(DIGEST, ContentKind.BLOB, BYTES.length, Optional.empty());

        repair.discardManifest(DIGEST);

        assertThat(path(ContentKind.MANIFEST)).doesNotExist();
        assertThat(index.contents().get(DIGEST).map(IndexedContent::kind)).contains(ContentKind.BLOB);
        assertThat(index.contents().storedBytes()).isEqualTo(BYTES.length);
    }

    @Test
    void manifestStaysCountedWhenTheBlobWithTheSameBytesIsGone() throws IOException {
        store.putManifest(DIGEST, BYTES);
        index.contents().stored(DIGEST, ContentKind.BLOB, BYTES.length, Optional.empty());

        assertThat(repair.openBlob(DIGEST)).isEmpty();

        assertThat(index.contents().get(DIGEST).map(IndexedContent::kind)).contains(ContentKind.MANIFEST);
    }

    @Test
    void whatHasComeInThePlaceOfWhatWasFoundBadStaysAndIsKnownAsBefore() throws IOException {
        storeManifest();
        FileIdentity bad = store.identity(ContentKind.MANIFEST, DIGEST).orElseThrow();
        Path other = Files.write(directory.resolve("other"), BYTES);
        Files.setLastModifiedTime(other, bad.lastModified());
        Files.move(other, path(ContentKind.MANIFEST), StandardCopyOption.REPLACE_EXISTING);

        assertThat(repair.damaged(ContentKind.MANIFEST, DIGEST, bad, "is bad")).isFalse();

        assertThat(repair.manifest(DIGEST)).contains(BYTES);
        assertThat(index.contents().manifestType(DIGEST)).contains(MediaType.OCI_MANIFEST);
        assertThat(store.quarantined()).isZero();
        assertThat(store.quarantine().bytes()).isZero();
    }

    @Test
    void whatIsGoneBeforeItIsMovedAwayIsInNobodysWay() throws IOException {
        storeManifest();
        FileIdentity bad = store.identity(ContentKind.MANIFEST, DIGEST).orElseThrow();
        Files.delete(path(ContentKind.MANIFEST));

        assertThat(repair.damaged(ContentKind.MANIFEST, DIGEST, bad, "is bad")).isFalse();

        assertThat(repair.manifest(DIGEST)).isEmpty();
        assertThat(index.contents().isStored(DIGEST)).isFalse();
    }

    @Test
    void whatNobodyCountsAnyMoreAndIsThereIsCountedAgain() throws IOException {
        storeManifest();
        FileIdentity bad = store.identity(ContentKind.MANIFEST, DIGEST).orElseThrow();
        Files.write(path(ContentKind.MANIFEST), BYTES);
        Files.setLastModifiedTime(path(ContentKind.MANIFEST), FileTime.fromMillis(0));
        index.contents().removed(DIGEST);

        assertThat(repair.damaged(ContentKind.MANIFEST, DIGEST, bad, "is bad")).isFalse();

        assertThat(index.contents().storedBytes()).isEqualTo(BYTES.length);
    }
}
