package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.BlockedException;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.OutageException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What one manifest says wrongly of a blob's size keeps nobody from the blob: the upstream's own word and the digest
 * decide.
 */
@Timeout(30)
class StatedSizesTest {
    private static final int SIZE = 100_000;

    @TempDir
    private Path directory;

    private final byte[] bytes = CacheFixture.randomBytes(SIZE, 3);
    private final Digest digest = Digest.sha256(bytes);
    private CacheFixture cache;
    private FakeUpstream upstream;
    private PullThrough repository;

    @BeforeEach
    void open() throws IOException {
        cache = new CacheFixture(directory);
        upstream = new FakeUpstream("registry.test/team/app");
        repository = cache.repository(upstream);
    }

    @AfterEach
    void close() throws IOException {
        if (upstream.slots != null) {
            upstream.slots.release(100);
        }
        cache.close();
    }

    // The right manifest first, and then one that says another size.
    private void pullManifestThatSays(long size) throws IOException {
        ManifestBytes right = CacheFixture.image(upstream, bytes);
        String json = new String(right.array(), StandardCharsets.UTF_8);
        ManifestBytes wrong = ManifestBytes.of(
                right.mediaType(),
                json.replace("\"size\":" + SIZE, "\"size\":" + size).getBytes(StandardCharsets.UTF_8));
        upstream.manifests.put(wrong.digest(), wrong);
        repository.manifest(right.digest());
        repository.manifest(wrong.digest());
        assertThat(cache.index
                        .links()
                        .get(repository.repository(), digest)
                        .orElseThrow()
                        .sizeBytes())
                .hasValue(size);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 50, SIZE - 1, SIZE + 1, 10L * SIZE, Long.MAX_VALUE})
    void blobIsPulledWhateverAManifestSaysOfItsSize(long said) throws IOException {
        pullManifestThatSays(said);

        assertThat(CacheFixture.readAll(repository, digest)).isEqualTo(bytes);
        cache.awaitIdle();
        assertThat(cache.store.blobSize(digest)).hasValue(SIZE);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, SIZE - 1, SIZE + 1, 10L * SIZE})
    void blobWhoseUpstreamStatesNoSizeIsPulledWhateverAManifestSays(long said) throws IOException {
        pullManifestThatSays(said);
        upstream.statesSize = false;

        assertThat(CacheFixture.readAll(repository, digest)).isEqualTo(bytes);
        cache.awaitIdle();
        assertThat(cache.store.blobSize(digest)).hasValue(SIZE);
    }

    @Test
    void smallBlobWhoseUpstreamStatesNoSizeIsKeptInLittleRoom() throws IOException {
        cache.close();
        cache = new CacheFixture(directory, CacheFixture.FAST, 1_000_000);
        repository = cache.repository(upstream);
        pullManifestThatSays(SIZE);
        upstream.statesSize = false;

        assertThat(CacheFixture.readAll(repository, digest)).isEqualTo(bytes);
        cache.awaitIdle();
        assertThat(cache.store.blobSize(digest)).hasValue(SIZE);
        assertThat(cache.cache.statistics().degraded()).isZero();
    }

    @ParameterizedTest
    @ValueSource(longs = {0, SIZE - 1, SIZE, SIZE + 1})
    void sizeOfABlobThatIsNotKeptIsTheUpstreamsBeforeTheManifests(long said) throws IOException {
        pullManifestThatSays(said);

        assertThat(repository.statBlob(digest).content()).hasValue(SIZE);
        assertThat(upstream.count("HEAD blob")).isEqualTo(1);
        try (BlobContent content = repository.openBlob(digest).content()) {
            assertThat(content.totalBytes()).hasValue(SIZE);
        }
    }

    @Test
    void sizeOfABlobIsTheOneItIsSentWithWhereTheUpstreamsHeadIsWrong() throws IOException {
        pullManifestThatSays(SIZE);
        upstream.statedSizes.put(digest, 5L);

        assertThat(repository.statBlob(digest).content()).hasValue(SIZE);
        upstream.refusesBlobs = Optional.of(new OutageException(OutageException.Reason.SERVER_ERROR, "out"));
        assertThat(repository.statBlob(digest).content()).isEmpty();
    }

    @Test
    void sizeOnWhichUpstreamAndManifestAgreeCostsOneRequest() throws IOException {
        pullManifestThatSays(SIZE);

        assertThat(repository.statBlob(digest).content()).hasValue(SIZE);
        assertThat(upstream.count("HEAD blob")).isEqualTo(1);
        assertThat(upstream.count("GET blob")).isZero();
    }

    @Test
    void sizeOfABlobThatIsNotKeptIsTheManifestsWhereTheUpstreamStatesNone() throws IOException {
        pullManifestThatSays(SIZE);

        upstream.statesZero = true;
        assertThat(repository.statBlob(digest).content()).hasValue(SIZE);
        upstream.statesZero = false;
        upstream.statesSize = false;
        assertThat(repository.statBlob(digest).content()).hasValue(SIZE);

        Digest other = upstream.addBlob(CacheFixture.randomBytes(SIZE, 9));
        assertThat(repository.statBlob(other).content()).isEmpty();
        upstream.statesSize = true;
        assertThat(repository.statBlob(other).content()).hasValue(SIZE);
    }

    @Test
    void nothingIsSaidOfTheSizeWhereAManifestSaysThatThereIsNothing() throws IOException {
        pullManifestThatSays(0);
        upstream.statesSize = false;

        assertThat(repository.statBlob(digest).content()).isEmpty();

        upstream.statesSize = true;
        Digest empty = upstream.addBlob(new byte[0]);
        assertThat(repository.statBlob(empty).content()).hasValue(0);
    }

    @Test
    void blobWithoutRoomIsPassedThroughWhateverAManifestSays() throws IOException {
        cache.close();
        cache = new CacheFixture(directory, CacheFixture.FAST, 10_000);
        repository = cache.repository(upstream);
        pullManifestThatSays(SIZE + 1);

        assertThat(CacheFixture.readAll(repository, digest)).isEqualTo(bytes);
        assertThat(cache.cache.statistics().degraded()).isEqualTo(1);
    }

    @Test
    void endOfAWrongBodyIsWithheldAlsoWhereAManifestSaysThatItIsLonger() throws IOException {
        pullManifestThatSays(10L * SIZE);
        upstream.statesSize = false;
        byte[] altered = bytes.clone();
        altered[0] ^= 1;
        upstream.blobs.put(digest, altered);
        long[] received = {0};

        assertThatThrownBy(() -> {
                    try (BlobContent content = repository.openBlob(digest).content()) {
                        byte[] buffer = new byte[10_000];
                        for (int count = 1; count > 0; received[0] += Math.max(count, 0)) {
                            count = content.read(received[0], buffer, 0, buffer.length);
                        }
                    }
                })
                .isInstanceOf(OutageException.class);
        assertThat(received[0]).isLessThanOrEqualTo(SIZE - 16 * 1024);
    }

    @Test
    void brokenBodyThatStatesNoSizeIsResumedUpToTheSizeThatTheManifestSays() throws IOException {
        ManifestBytes right = CacheFixture.image(upstream, bytes);
        repository.manifest(right.digest());
        upstream.statesSize = false;
        // It ends as if it were whole.
        upstream.blobs.put(digest, Arrays.copyOf(bytes, SIZE / 2));
        upstream.slots = new Semaphore(1);
        try (BlobContent content = repository.openBlob(digest).content()) {
            byte[] some = new byte[1];
            assertThat(content.read(0, some, 0, 1)).isEqualTo(1);
            upstream.blobs.put(digest, bytes);
            upstream.slots.release(10);
            assertThat(CacheFixture.readFrom(content, 0)).isEqualTo(bytes);
        }
    }

    @Test
    void blobIsRefusedAsTooLargeByTheUpstreamsWordAndByAManifestsWhereThatGivesNone() throws IOException {
        cache.rule = limited(SIZE);
        pullManifestThatSays(10L * SIZE);
        upstream.outage = Optional.of(new OutageException(OutageException.Reason.SERVER_ERROR, "out"));
        assertThatThrownBy(() -> repository.openBlob(digest))
                .isInstanceOf(BlockedException.class)
                .hasMessageContaining("1000000 bytes");

        upstream.outage = Optional.empty();
        assertThat(CacheFixture.readAll(repository, digest)).isEqualTo(bytes);

        cache.rule = limited(SIZE - 1);
        assertThatThrownBy(() -> repository.openBlob(digest))
                .isInstanceOf(BlockedException.class)
                .hasMessageContaining("100000 bytes");
    }

    private static CacheSettings limited(long maxBytes) {
        CacheSettings plain = CacheFixture.with(CacheFixture.SETTINGS, Duration.ZERO, Duration.ZERO, false);
        return new CacheSettings(
                plain.denied(),
                plain.freshFor(),
                plain.behindFor(),
                plain.listsFreshFor(),
                plain.referrersFreshFor(),
                plain.checkDeadline(),
                plain.stale(),
                plain.negative(),
                plain.offline(),
                plain.pin(),
                plain.prefetch(),
                plain.minAge(),
                OptionalLong.of(maxBytes),
                plain.priority(),
                plain.share(),
                plain.decidedBy());
    }

    @Test
    void blobIsProvedWhereHeadAndGetAgreeAgainstAManifestAndNotWhereTheyDoNot() throws IOException {
        pullManifestThatSays(SIZE + 1);
        repository.proveBlob(digest);

        upstream.statesZero = true;
        assertThatThrownBy(() -> repository.proveBlob(digest)).isInstanceOf(InvalidContentException.class);

        upstream.statesZero = false;
        CacheFixture.readAll(repository, digest);
        cache.awaitIdle();
        repository.proveBlob(digest);
    }

    @Test
    void whatIsNotTheBlobIsRefusedWithTheSizeThatTheManifestSays() throws IOException {
        pullManifestThatSays(SIZE);
        upstream.blobs.put(digest, new byte[50]);

        assertThatThrownBy(() -> repository.openBlob(digest))
                .isInstanceOf(InvalidContentException.class)
                .hasMessageContaining("after 50 bytes")
                .hasMessageContaining("a manifest says 100000 bytes");
    }

    @Test
    void layerThatIsAManifestByItselfIsALayerAlsoWhereItsSizeIsInDoubt() throws IOException {
        byte[] layer = "{\"schemaVersion\":2,\"config\":{},\"layers\":[]}".getBytes(StandardCharsets.UTF_8);
        ManifestBytes right = CacheFixture.image(upstream, layer);
        String json = new String(right.array(), StandardCharsets.UTF_8);
        ManifestBytes wrong = ManifestBytes.of(
                right.mediaType(),
                json.replace("\"size\":" + layer.length, "\"size\":9999").getBytes(StandardCharsets.UTF_8));
        upstream.manifests.put(wrong.digest(), wrong);
        repository.manifest(wrong.digest());

        assertThat(CacheFixture.readAll(repository, Digest.sha256(layer))).isEqualTo(layer);
    }

    @Test
    void clientsOfALargePartialHaveTheSizeBeforeItIsHashed() throws IOException {
        byte[] large = CacheFixture.randomBytes((64 << 20) + 10, 4);
        ManifestBytes manifest = CacheFixture.image(upstream, large);
        Digest blob = Digest.sha256(large);
        repository.manifest(manifest.digest());
        Path partial = new StoreLayout(directory).partial(blob);
        Files.write(partial, Arrays.copyOf(large, 64 << 20));
        upstream.slots = new Semaphore(0);

        try (BlobContent content = repository.openBlob(blob).content()) {
            assertThat(content.totalBytes()).hasValue(large.length);
            upstream.slots.release(10);
            byte[] end = new byte[20];
            assertThat(content.read(large.length - 10L, end, 0, 20)).isEqualTo(10);
        }
        assertThat(upstream.count("HEAD blob")).isEqualTo(1);
    }
}
