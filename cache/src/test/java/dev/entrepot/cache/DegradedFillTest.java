package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.testing.LogLines;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A cache without room still serves every pull, verified. */
@Timeout(30)
class DegradedFillTest {
    @TempDir
    Path directory;

    private CacheFixture cache;
    private FakeUpstream upstream;
    private PullThrough repository;
    private final byte[] bytes = CacheFixture.randomBytes(400_000, 1);
    private Digest digest;

    @BeforeEach
    void open() throws IOException {
        cache = new CacheFixture(directory, CacheFixture.FAST, 10_000);
        upstream = new FakeUpstream("registry.test/team/app");
        repository = cache.repository(upstream);
        ManifestBytes manifest = CacheFixture.image(upstream, bytes);
        repository.manifest(manifest.digest());
        digest = Digest.sha256(bytes);
    }

    @AfterEach
    void close() throws IOException {
        cache.close();
    }

    @Test
    void pullWithoutRoomIsPassedThrough() throws Exception {
        assertThat(CacheFixture.readAll(repository, digest)).isEqualTo(bytes);
        // Until the first fetch has ended, who comes joins it.
        cache.awaitIdle();
        assertThat(CacheFixture.readAll(repository, digest)).isEqualTo(bytes);
        assertThat(cache.store.blobSize(digest)).isEmpty();
        assertThat(cache.cache.statistics().degraded()).isEqualTo(2);
    }

    @Test
    void whatNobodyButTheStoreWantsIsNotFetchedWithoutRoom() {
        assertThatThrownBy(() -> repository.keepBlob(digest))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("no room for its 400000 bytes")
                .hasMessageContaining("raise capacity");
        assertThat(upstream.bytesSent).hasValue(0);
        assertThat(cache.store.refusals().last())
                .map(StoreRefusals.Refusal::kind)
                .hasValue(ContentKind.BLOB);
    }

    @Test
    void manifestThatStatesAWrongSizeKeepsABlobThatHasRoomFromNothing() throws IOException {
        byte[] small = CacheFixture.randomBytes(2_000, 2);
        Digest stated = upstream.addBlob(small);
        cache.index.links().add(upstream.repository, List.of(new Link(stated, OptionalLong.of(1L << 40), false)));

        assertThat(repository.keepBlob(stated)).isTrue();

        assertThat(cache.store.blobSize(stated)).hasValue(2_000);
    }

    @Test
    void whatIsThereOfABlobNeedsNoMoreRoom() throws Exception {
        byte[] most = CacheFixture.randomBytes(9_000, 3);
        Digest begun = upstream.addBlob(most);
        cache.index.links().add(upstream.repository, List.of(new Link(begun, OptionalLong.of(9_000), false)));
        try (Ingest ingest = cache.store.ingest(begun)) {
            ingest.write(most, 0, 6_000);
            ingest.suspend();
        }

        assertThat(repository.keepBlob(begun)).isTrue();
    }

    @Test
    void whatIsThereOfABlobMakesNoRoomForTheRestOfIt() throws Exception {
        byte[] tooMuch = CacheFixture.randomBytes(12_000, 4);
        Digest begun = upstream.addBlob(tooMuch);
        cache.index.links().add(upstream.repository, List.of(new Link(begun, OptionalLong.of(12_000), false)));
        try (Ingest ingest = cache.store.ingest(begun)) {
            ingest.write(tooMuch, 0, 6_000);
            ingest.suspend();
        }

        assertThatThrownBy(() -> repository.keepBlob(begun)).hasMessageContaining("no room for its 12000 bytes");
        assertThat(upstream.bytesSent).hasValue(0);
    }

    @Test
    void whoComesWhileAFetchThatTheDiskFailedIsClosingIsServed() throws Exception {
        CountDownLatch closing = new CountDownLatch(1);
        upstream.holdsClose.set(closing);
        // Served while the fetch still holds its file.
        assertThat(CacheFixture.readAll(repository, digest)).isEqualTo(bytes);
        assertThat(CacheFixture.readAll(repository, digest)).isEqualTo(bytes);
        closing.countDown();
        cache.awaitIdle();
    }

    @Test
    void logSaysWhyABlobIsNotKeptAndWhatToDo() throws IOException {
        try (LogLines log = LogLines.of(BlobFetch.class)) {
            CacheFixture.readAll(repository, digest);
            assertThat(log.texts())
                    .anySatisfy(line -> assertThat(line)
                            .contains(digest.toString(), "no room for 400000 bytes")
                            .contains("more than the whole capacity of 10000 bytes", "raise capacity")
                            .doesNotContain("min-free", "unpin"));
        }
    }

    @Test
    void passThroughIsResumedAfterABreak() throws IOException {
        upstream.breaks.add(400_000);
        upstream.breaks.add(100_000);
        assertThat(CacheFixture.readAll(repository, digest)).isEqualTo(bytes);
    }

    @Test
    void lastBytesOfAWrongBodyAreWithheldInPassThrough() {
        byte[] wrong = bytes.clone();
        wrong[5] ^= 1;
        upstream.blobs.put(digest, wrong);
        long[] received = {0};
        assertThatThrownBy(() -> {
                    try (BlobContent content = repository.openBlob(digest).content()) {
                        byte[] buffer = new byte[10_000];
                        for (int count; (count = content.read(received[0], buffer, 0, buffer.length)) >= 0; ) {
                            received[0] += count;
                        }
                    }
                })
                .isInstanceOf(InvalidContentException.class);
        assertThat(received[0]).isBetween(1L, bytes.length - 16L * 1024);
    }

    @Test
    void rangeIsServedInPassThrough() throws IOException {
        try (BlobContent content = repository.openBlob(digest).content()) {
            assertThat(CacheFixture.readFrom(content, 123_456))
                    .isEqualTo(Arrays.copyOfRange(bytes, 123_456, bytes.length));
        }
    }

    @Test
    void bodyOfUnknownSizeIsPassedThrough() throws IOException {
        upstream.statesSize = false;
        assertThat(CacheFixture.readAll(repository, digest)).isEqualTo(bytes);
    }
}
