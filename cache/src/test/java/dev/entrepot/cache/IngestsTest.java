package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Digest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What unfinished blobs hold on the disk is known without a look at the folder for each piece of content. */
class IngestsTest {
    private static final byte[] BYTES = Samples.bytes(7, 10_000);
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

    @Test
    void whatAnEarlierProcessLeftIsCounted() throws IOException {
        leave(DIGEST, 3000);
        store.close();

        open();

        assertThat(store.ingests().claims()).containsOnlyKeys(DIGEST).containsValue(3000L);
    }

    @Test
    void theFolderIsReadForTheFirstClaimsAndWhereWhatIsIdleIsWanted() throws IOException {
        assertThat(store.ingests().claimedBytes()).isZero();
        Path foreign = new StoreLayout(directory).partial(DIGEST);
        Files.write(foreign, new byte[500]);

        assertThat(store.ingests().claimedBytes()).isZero();
        assertThat(store.ingests().idle()).hasSize(1);
        assertThat(store.ingests().claimedBytes()).isEqualTo(500);

        Files.delete(foreign);
        assertThat(store.ingests().idle()).isEmpty();
        assertThat(store.ingests().claimedBytes()).isZero();
    }

    @Test
    void aPartialThatNobodyTookUpKeepsItsLength() throws IOException {
        leave(DIGEST, 3000);

        store.ingest(DIGEST).close();

        assertThat(store.ingests().claimedBytes()).isEqualTo(3000).isEqualTo(bytesOnDisk());
    }

    @Test
    void aPartialCountsWhileItIsHashedAgain() throws IOException {
        leave(DIGEST, 3000);
        List<Long> claims = new ArrayList<>();
        try (Ingest ingest = store.ingest(DIGEST)) {
            ingest.reserve(5000);
            assertThat(store.ingests().claimedBytes()).isEqualTo(5000);
            assertThat(store.ingests().promisedBytes()).isEqualTo(2000);
            ingest.reserve(0);
            assertThat(store.ingests().claimedBytes()).isEqualTo(3000);
            ingest.takeUp(hashed -> claims.add(claimed()));
            ingest.write(BYTES, 3000, 500);
            assertThat(store.ingests().claimedBytes()).isEqualTo(3500);
        }
        assertThat(claims).containsOnly(3000L);
    }

    @Test
    void aPartialThatIsThrownAwayCountsNoMore() throws IOException {
        leave(DIGEST, 3000);
        try (Ingest ingest = store.ingest(DIGEST)) {
            ingest.write(BYTES, 0, 10);

            assertThat(store.ingests().claimedBytes()).isEqualTo(10);
        }
    }

    private long claimed() {
        try {
            return store.ingests().claimedBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void whatIsDeletedIsNotCounted() throws IOException {
        leave(DIGEST, 3000);

        assertThat(store.ingests().deleteIdle(DIGEST)).isTrue();

        assertThat(store.ingests().claimedBytes()).isZero().isEqualTo(bytesOnDisk());
    }

    @Test
    void afterManyAtOnceTheClaimsAreWhatLiesOnTheDisk() throws Exception {
        AtomicBoolean over = new AtomicBoolean();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<?> looking = threads.submit((Callable<Void>) () -> {
                while (!over.get()) {
                    store.ingests().idle();
                    store.ingests().claims();
                }
                return null;
            });
            List<Future<?>> writers = new ArrayList<>();
            for (int w = 0; w < 6; w++) {
                long seed = w;
                writers.add(threads.submit((Callable<Void>) () -> {
                    write(new Random(seed), Samples.bytes((int) (100 + seed), 4000));
                    return null;
                }));
            }
            for (Future<?> writer : writers) {
                writer.get();
            }
            over.set(true);
            looking.get();
        }
        assertThat(store.ingests().claimedBytes()).isEqualTo(bytesOnDisk());
    }

    private void write(Random random, byte[] bytes) throws IOException {
        Digest digest = Digest.sha256(bytes);
        for (int i = 0; i < 60; i++) {
            try (Ingest ingest = store.ingest(digest)) {
                int known = (int) ingest.takeUp(hashed -> {});
                switch (random.nextInt(4)) {
                    case 0 -> ingest.abort();
                    case 1 -> {
                        ingest.write(bytes, known, bytes.length - known);
                        ingest.commit(OptionalLong.empty());
                    }
                    default -> ingest.write(bytes, known, random.nextInt(bytes.length - known));
                }
            }
            if (random.nextInt(8) == 0) {
                store.ingests().deleteIdle(digest);
            }
        }
    }

    private void leave(Digest digest, int length) throws IOException {
        try (Ingest ingest = store.ingest(digest)) {
            ingest.write(BYTES, 0, length);
        }
    }

    private long bytesOnDisk() throws IOException {
        try (Stream<Path> files = Files.list(directory.resolve("ingest"))) {
            return files.mapToLong(file -> file.toFile().length()).sum();
        }
    }

    @Test
    void blobThatCouldNotBeBegunForWhateverReasonIsNotTaken() {
        Ingests ingests = new Ingests(store.layout());
        Digest odd = Digest.parse("sha256+b64:x");
        assertThatThrownBy(() -> ingests.open(odd)).isInstanceOf(RuntimeException.class);
        assertThat(ingests.isOpen(odd)).isFalse();
    }
}
