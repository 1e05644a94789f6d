package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.InvalidContentException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IngestTest {
    private static final byte[] BYTES = Samples.bytes(42, 500_000);
    private static final Digest DIGEST = Digest.sha256(BYTES);

    @TempDir
    Path directory;

    private ContentStore store;

    @BeforeEach
    void open() throws IOException {
        store = ContentStore.open(directory, Clock.systemUTC());
    }

    @AfterEach
    void close() throws IOException {
        store.close();
    }

    private List<Path> files(String folder) throws IOException {
        try (Stream<Path> files = Files.walk(directory.resolve(folder))) {
            return files.filter(Files::isRegularFile).toList();
        }
    }

    @Test
    void blobIsInvisibleUntilItIsCommitted() throws IOException {
        try (Ingest ingest = store.ingest(DIGEST)) {
            ingest.write(BYTES, 0, BYTES.length);
            assertThat(ingest.writtenBytes()).isEqualTo(BYTES.length);
            assertThat(store.openBlob(DIGEST)).isEmpty();
            assertThat(store.ingests().claimedBytes()).isEqualTo(BYTES.length);
            ingest.commit(OptionalLong.of(BYTES.length));
            assertThat(Samples.read(store, DIGEST)).isEqualTo(BYTES);
        }
        assertThat(store.blobSize(DIGEST)).hasValue(BYTES.length);
        assertThat(store.ingests().claimedBytes()).isZero();
        assertThat(files("ingest")).isEmpty();
    }

    @Test
    void emptyBlobIsABlob() throws IOException {
        Digest empty = Digest.sha256(new byte[0]);
        try (Ingest ingest = store.ingest(empty)) {
            ingest.commit(OptionalLong.of(0));
        }
        assertThat(store.blobSize(empty)).hasValue(0);
        assertThat(Samples.read(store, empty)).isEmpty();
    }

    @Test
    void blobOfUnknownSizeAndSha512IsCommitted() throws IOException {
        Digest digest = Digest.of(DigestAlgorithm.SHA512, BYTES);
        try (Ingest ingest = store.ingest(digest)) {
            ingest.write(BYTES, 0, BYTES.length);
            ingest.commit(OptionalLong.empty());
        }
        assertThat(Samples.read(store, digest)).isEqualTo(BYTES);
    }

    @Test
    void wrongBytesLeaveNothing() throws IOException {
        byte[] wrong = BYTES.clone();
        wrong[wrong.length - 1] ^= 1;
        try (Ingest ingest = store.ingest(DIGEST)) {
            ingest.write(wrong, 0, wrong.length);
            assertThatThrownBy(() -> ingest.commit(OptionalLong.of(wrong.length)))
                    .isInstanceOf(InvalidContentException.class)
                    .hasMessageContaining(DIGEST.toString())
                    .hasMessageContaining(Digest.sha256(wrong).toString());
        }
        assertThat(files("ingest")).isEmpty();
        assertThat(files("blobs")).isEmpty();
    }

    @Test
    void wrongLengthLeavesNothing() throws IOException {
        try (Ingest ingest = store.ingest(DIGEST)) {
            ingest.write(BYTES, 0, 1000);
            assertThatThrownBy(() -> ingest.commit(OptionalLong.of(BYTES.length)))
                    .isInstanceOf(InvalidContentException.class)
                    .hasMessageContaining("1000 bytes")
                    .hasMessageContaining(BYTES.length + " bytes");
        }
        assertThat(files("ingest")).isEmpty();
        assertThat(files("blobs")).isEmpty();
    }

    @Test
    void partialIsTakenUpWhereItStopped() throws IOException {
        try (Ingest ingest = store.ingest(DIGEST)) {
            ingest.write(BYTES, 0, 300_000);
        }
        assertThat(store.ingests().idle()).hasSize(1);
        assertThat(store.ingests().claimedBytes()).isEqualTo(300_000);
        List<Long> progress = new ArrayList<>();
        try (Ingest ingest = store.ingest(DIGEST)) {
            assertThat(ingest.takeUp(progress::add)).isEqualTo(300_000);
            ingest.write(BYTES, 300_000, 200_000);
            ingest.commit(OptionalLong.of(BYTES.length));
        }
        assertThat(progress).containsExactly(131_072L, 262_144L, 300_000L);
        assertThat(Samples.read(store, DIGEST)).isEqualTo(BYTES);
    }

    @Test
    void partialThatWentBadIsFoundOutAndDropped() throws IOException {
        try (Ingest ingest = store.ingest(DIGEST)) {
            ingest.write(new byte[100_000], 0, 100_000);
        }
        try (Ingest ingest = store.ingest(DIGEST)) {
            ingest.takeUp(written -> {});
            ingest.write(BYTES, 100_000, 400_000);
            assertThatThrownBy(() -> ingest.commit(OptionalLong.of(BYTES.length)))
                    .isInstanceOf(InvalidContentException.class);
        }
        assertThat(files("ingest")).isEmpty();
    }

    @Test
    void partialThatIsNotTakenUpIsOverwritten() throws IOException {
        try (Ingest ingest = store.ingest(DIGEST)) {
            ingest.write(new byte[600_000], 0, 600_000);
        }
        try (Ingest ingest = store.ingest(DIGEST)) {
            ingest.write(BYTES, 0, BYTES.length);
            ingest.commit(OptionalLong.of(BYTES.length));
        }
        assertThat(Samples.read(store, DIGEST)).isEqualTo(BYTES);
    }

    @Test
    void interruptedTakeUpKeepsThePartialAndTheInterrupt() throws IOException {
        try (Ingest ingest = store.ingest(DIGEST)) {
            ingest.write(BYTES, 0, 300_000);
        }
        try (Ingest ingest = store.ingest(DIGEST)) {
            Thread.currentThread().interrupt();
            assertThatThrownBy(() -> ingest.takeUp(written -> {})).isInstanceOf(InterruptedIOException.class);
            assertThat(Thread.interrupted()).isTrue();
        }
        assertThat(store.ingests().claimedBytes()).isEqualTo(300_000);
    }

    @Test
    void bytesBehindThoseHashedAreNeverPublished() throws IOException {
        byte[] start = Arrays.copyOf(BYTES, 200_000);
        Digest digest = Digest.sha256(start);
        try (Ingest ingest = store.ingest(digest)) {
            ingest.write(BYTES, 0, 300_000);
        }
        try (Ingest ingest = store.ingest(digest)) {
            Thread.currentThread().interrupt();
            assertThatThrownBy(() -> ingest.takeUp(written -> {})).isInstanceOf(InterruptedIOException.class);
            assertThat(Thread.interrupted()).isTrue();
            int taken = Math.toIntExact(ingest.writtenBytes());
            ingest.write(BYTES, taken, 200_000 - taken);
            ingest.commit(OptionalLong.of(200_000));
        }
        assertThat(Samples.read(store, digest)).isEqualTo(start);
    }

    @Test
    void abortedPartialIsGone() throws IOException {
        try (Ingest ingest = store.ingest(DIGEST)) {
            ingest.write(BYTES, 0, 1000);
            ingest.abort();
            assertThat(ingest.claimedBytes()).isZero();
        }
        assertThat(files("ingest")).isEmpty();
    }

    @Test
    void untouchedIngestLeavesNoEmptyFileAndKeepsAnEarlierPartial() throws IOException {
        store.ingest(DIGEST).close();
        assertThat(files("ingest")).isEmpty();
        try (Ingest ingest = store.ingest(DIGEST)) {
            ingest.write(BYTES, 0, 1000);
        }
        store.ingest(DIGEST).close();
        assertThat(store.ingests().claimedBytes()).isEqualTo(1000);
    }

    @Test
    void oneIngestPerDigestAtATime() throws IOException {
        Ingest first = store.ingest(DIGEST);
        assertThatThrownBy(() -> store.ingest(DIGEST)).isInstanceOf(IllegalStateException.class);
        assertThat(store.ingests().isOpen(DIGEST)).isTrue();
        assertThat(store.ingests().deleteIdle(DIGEST)).isFalse();
        first.close();
        try (Ingest second = store.ingest(DIGEST)) {
            first.close();
            assertThat(store.ingests().isOpen(second.digest())).isTrue();
        }
        assertThat(store.ingests().isOpen(DIGEST)).isFalse();
    }

    @Test
    void readerOutlivesTheRename() throws IOException {
        try (Ingest ingest = store.ingest(DIGEST)) {
            ingest.write(BYTES, 0, 200_000);
            try (RandomAccessFile reader = ingest.openReader()) {
                byte[] half = new byte[200_000];
                reader.readFully(half);
                assertThat(half).isEqualTo(Arrays.copyOf(BYTES, 200_000));
                ingest.write(BYTES, 200_000, 300_000);
                ingest.commit(OptionalLong.empty());
                byte[] rest = new byte[300_000];
                reader.readFully(rest);
                assertThat(rest).isEqualTo(Arrays.copyOfRange(BYTES, 200_000, 500_000));
            }
            try (RandomAccessFile late = ingest.openReader()) {
                assertThat(late.length()).isEqualTo(BYTES.length);
            }
        }
    }

    @Test
    void hashStateGoesOnWithoutTheDisk() throws IOException {
        try (Ingest ingest = store.ingest(DIGEST)) {
            ingest.write(BYTES, 0, 123_456);
            MessageDigest copy = ingest.hashState();
            copy.update(BYTES, 123_456, BYTES.length - 123_456);
            assertThat(Digest.of(DigestAlgorithm.SHA256, copy)).isEqualTo(DIGEST);
            ingest.write(BYTES, 123_456, BYTES.length - 123_456);
            ingest.commit(OptionalLong.empty());
        }
    }

    @Test
    void reservedBytesAreCountedBeforeTheyAreWritten() throws IOException {
        try (Ingest ingest = store.ingest(DIGEST)) {
            ingest.reserve(400_000);
            assertThat(store.ingests().claimedBytes()).isEqualTo(400_000);
            ingest.write(BYTES, 0, BYTES.length);
            assertThat(store.ingests().claimedBytes()).isEqualTo(500_000);
        }
    }

    @Test
    void nothingIsWrittenAfterTheDigestWasCompared() throws IOException {
        try (Ingest ingest = store.ingest(DIGEST)) {
            ingest.write(BYTES, 0, BYTES.length);
            ingest.verify(OptionalLong.empty());
            assertThatThrownBy(() -> ingest.write(BYTES, 0, 1)).isInstanceOf(IllegalStateException.class);
            assertThat(store.openBlob(DIGEST)).isEmpty();
            ingest.commit(OptionalLong.empty());
        }
        assertThat(store.blobSize(DIGEST)).hasValue(BYTES.length);
    }
}
