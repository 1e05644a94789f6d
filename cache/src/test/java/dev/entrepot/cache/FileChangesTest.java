package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Repository;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Files that still change when the index is closed, because the disk takes longer than the end of the process waits.
 */
@Timeout(30)
class FileChangesTest {
    private final TestClock clock = new TestClock();
    private final FakeUpstream upstream = new FakeUpstream("registry.test/team/app");
    private final byte[] bytes = CacheFixture.randomBytes(100_000, 1);
    private final Digest digest = upstream.addBlob(bytes);

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

    private BlobFetch begin(BlobFetch.Keeper keeper) {
        return new BlobFetches(
                        store,
                        keeper,
                        CacheFixture.FAST,
                        new CacheStatistics(),
                        task -> Thread.ofVirtual().start(task))
                .join(
                        digest,
                        upstream.repository(),
                        Optional.empty(),
                        upstream,
                        true,
                        OptionalLong.empty(),
                        true,
                        Optional.empty())
                .fetch();
    }

    private static FetchProgress.Patience patience() {
        return new FetchProgress.Patience(CacheFixture.FAST.patience(), false);
    }

    @Test
    void blobOfWhichTheIndexHasNotHeardWhenItIsClosedIsCountedByTheNextStart() throws Exception {
        // An empty index is always compared.
        index.contents().stored(Samples.store(store, Samples.bytes(1, 100)), ContentKind.BLOB, 100, Optional.empty());
        CountDownLatch named = new CountDownLatch(1);
        CountDownLatch noted = new CountDownLatch(1);
        BlobFetch fetch = begin(new SlowKeeper(named, noted));
        named.await();
        index.close();
        noted.countDown();
        fetch.progress().awaitEnd(patience());

        index = CacheIndex.openAtOnce(store, clock);
        assertThat(index.isCompared()).isFalse();
        index.close();
        index = CacheIndex.open(store, clock);
        assertThat(index.contents().storedBytes()).isEqualTo(100 + bytes.length);
    }

    @Test
    void blobThatComesAfterTheIndexWasClosedIsLeftAsAPartialAndTakenUpByTheNextStart() throws Exception {
        index.close();
        BlobFetch fetch = begin(new SlowKeeper(new CountDownLatch(1), new CountDownLatch(0)));
        assertThat(fetch.progress().awaitEnd(patience()).complete()).isFalse();
        assertThat(store.blobSize(digest)).isEmpty();
        while (store.ingests().isOpen(digest)) {
            Thread.onSpinWait();
        }

        upstream.asked.clear();
        index = CacheIndex.openAtOnce(store, clock);
        assertThat(index.isCompared()).isTrue();
        fetch = begin(new SlowKeeper(new CountDownLatch(1), new CountDownLatch(0)));
        assertThat(fetch.progress().awaitEnd(patience()).complete()).isTrue();
        assertThat(store.blobSize(digest)).hasValue(bytes.length);
        assertThat(upstream.count("GET blob")).isZero();
    }

    @Test
    void nobodyElseGetsTheFolderBeforeTheLastChangeHasEnded() throws Exception {
        FileChanges.Change first = store.changes().begin();
        FileChanges.Change last = store.changes().begin();
        index.close();
        store.close();
        assertThatThrownBy(() -> store.changes().begin()).isInstanceOf(IOException.class);
        assertThat(ContentStore.isInUse(directory)).isTrue();
        first.close();
        assertThat(ContentStore.isInUse(directory)).isTrue();
        last.close();
        assertThat(ContentStore.isInUse(directory)).isFalse();
        open();
    }

    /** Tells nobody of a blob that has its name before it may. */
    private record SlowKeeper(CountDownLatch named, CountDownLatch noted) implements BlobFetch.Keeper {
        @Override
        public boolean reserve(Ingest ingest, long totalBytes) {
            return true;
        }

        @Override
        public String lack(Ingest ingest, long totalBytes) {
            return "there is room";
        }

        @Override
        public void sent(Repository repository, Digest digest, long bytes) {}

        @Override
        public void kept(Repository repository, Digest digest, long bytes) {
            named.countDown();
            try {
                noted.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        @Override
        public boolean isProven(Repository repository, Digest digest) {
            return true;
        }
    }
}
