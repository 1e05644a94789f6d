package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.BlockedException;
import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.UnauthorizedException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A blob for a reader that has a place of its own for it: nothing of it is kept because of that reader. */
@Timeout(30)
class PassedBlobTest {
    @TempDir
    private Path directory;

    private final byte[] bytes = CacheFixture.randomBytes(300_000, 5);
    private final Digest digest = Digest.sha256(bytes);
    private CacheFixture cache;
    private FakeUpstream upstream;
    private PullThrough repository;

    @BeforeEach
    void open() throws IOException {
        cache = new CacheFixture(directory);
        upstream = new FakeUpstream("registry.test/team/app");
        repository = cache.repository(upstream);
        ManifestBytes manifest = CacheFixture.image(upstream, bytes);
        repository.manifest(manifest.digest());
    }

    @AfterEach
    void close() throws IOException {
        if (upstream.permits != null) {
            upstream.permits.release(1 << 30);
        }
        cache.close();
    }

    private byte[] passed(long from) throws IOException {
        try (BlobContent content = repository.passBlob(digest, from).content()) {
            return CacheFixture.readFrom(content, from);
        }
    }

    private void assertNothingKept() throws IOException {
        assertThat(cache.store.blobSize(digest)).isEmpty();
        try (Stream<Path> files = Files.walk(directory)) {
            assertThat(files.filter(file -> file.toString().contains(digest.encoded())))
                    .isEmpty();
        }
    }

    @Test
    void nothingOfItIsKept() throws IOException {
        assertThat(passed(0)).isEqualTo(bytes);
        assertThat(passed(200_000)).isEqualTo(Arrays.copyOfRange(bytes, 200_000, 300_000));

        assertNothingKept();
        assertThat(upstream.blobRanges).extracting(ByteRange::first).containsExactly(0L, 200_000L);
    }

    @Test
    void whatIsKeptComesFromThereAndTheSourceSaysSo() throws IOException {
        CachedRepository source = CachedRepository.passingBlobs(repository);
        try (BlobBody body = source.openBlob(digest, ByteRange.ALL)) {
            assertThat(body.isFromCache()).isFalse();
            assertThat(body.totalBytes()).hasValue(300_000);
        }
        repository.keepBlob(digest);
        try (BlobBody body = source.openBlob(digest, ByteRange.ALL)) {
            assertThat(body.isFromCache()).isTrue();
            assertThat(body.stream().readAllBytes()).isEqualTo(bytes);
        }
        assertThat(upstream.count("GET blob")).isEqualTo(2);
    }

    @Test
    void aBodyWithoutASizeThatEndsBeforeTheManifestSaysHasBrokenOff() throws IOException {
        upstream.statesSize = false;
        upstream.breaksSilently = true;
        upstream.breaks.add(120_000);

        assertThat(passed(0)).isEqualTo(bytes);

        assertThat(upstream.blobRanges).extracting(ByteRange::first).containsExactly(0L, 120_000L);
        assertThat(upstream.refuted).isEmpty();
    }

    @Test
    void aBodyWithoutASizeThatIsWholeEndsWhateverAManifestSays() throws IOException {
        byte[] small = CacheFixture.randomBytes(90_000, 6);
        Digest stated = upstream.addBlob(small);
        cache.index.links().add(upstream.repository, List.of(new Link(stated, OptionalLong.of(100_000), false)));
        upstream.statesSize = false;

        try (BlobContent content = repository.passBlob(stated, 0).content()) {
            assertThat(CacheFixture.readFrom(content, 0)).isEqualTo(small);
        }
        assertThat(upstream.blobRanges).hasSize(1);
    }

    @Test
    void aBreakIsGoneOnFromWhereItWas() throws IOException {
        upstream.breaks.add(120_000);

        assertThat(passed(0)).isEqualTo(bytes);

        assertThat(upstream.blobRanges).extracting(ByteRange::first).containsExactly(0L, 120_000L);
        assertNothingKept();
    }

    @Test
    void itReadsAlongBehindAFetchThatIsUnderWayForAClient() throws Exception {
        upstream.permits = new Semaphore(100_000);
        try (BlobContent client = repository.openBlob(digest).content()) {
            assertThat(client.read(0, new byte[10], 0, 10)).isEqualTo(10);
            Answer<BlobContent> answer = repository.passBlob(digest, 0);
            assertThat(answer.verdict()).isEqualTo(Verdict.JOINED);
            upstream.permits.release(1 << 20);
            try (BlobContent content = answer.content()) {
                assertThat(CacheFixture.readFrom(content, 0)).isEqualTo(bytes);
            }
        }
        assertThat(upstream.count("GET blob")).isEqualTo(1);
    }

    static Stream<IOException> answersToOthers() {
        return Stream.of(
                new NotFoundException(NotFoundException.Kind.BLOB, "it is not there"),
                new UnauthorizedException(401, "they may not have it"),
                new BlockedException(BlockedException.Kind.DENIED, "it is larger than they may have"),
                new InvalidContentException("theirs is something else"),
                new OutageException(OutageException.Reason.UNREACHABLE, "theirs is out"),
                new IOException("their disk"));
    }

    @ParameterizedTest
    @MethodSource("answersToOthers")
    void howTheFetchOfAnotherRepositoryFailsIsNoAnswerHere(IOException theirs) throws Exception {
        FakeUpstream other = new FakeUpstream("registry.test/other/app");
        other.addBlob(bytes);
        other.slots = new Semaphore(0);
        other.refusesBlobs = Optional.of(theirs);
        PullThrough others = cache.repository(other);
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<byte[]> client = threads.submit(() -> CacheFixture.readAll(others, digest));
            while (other.count("GET blob") == 0) {
                Thread.onSpinWait();
            }
            Future<byte[]> here = threads.submit(() -> passed(0));
            while (cache.cache.statistics().joined() == 0) {
                Thread.onSpinWait();
            }
            other.slots.release(100);

            assertThat(here.get(20, TimeUnit.SECONDS)).isEqualTo(bytes);
            assertThatThrownBy(() -> client.get(20, TimeUnit.SECONDS)).hasCauseInstanceOf(IOException.class);
        }
        assertThat(upstream.count("GET blob")).isEqualTo(1);
        assertThat(cache.store.blobSize(digest)).isEmpty();
    }

    @Test
    void whatIsPassedCountsAsFetched() throws IOException {
        passed(0);
        passed(200_000);

        assertThat(cache.cache.statistics().bytesFetched()).isEqualTo(400_000);
    }

    @Test
    void whatHasGoneBadInTheStoreIsPutAsideWhenAReaderSaysSo() throws IOException {
        CachedRepository source = CachedRepository.passingBlobs(repository);
        repository.keepBlob(digest);
        source.refuted(digest);
        assertThat(cache.store.blobSize(digest)).as("it is right").hasValue(300_000);
        byte[] bad = bytes.clone();
        bad[123_456] ^= 1;
        Path kept = new StoreLayout(directory).content(ContentKind.BLOB, digest);
        Files.write(kept, bad);

        source.refuted(digest);

        assertThat(cache.store.blobSize(digest)).isEmpty();
        assertThat(cache.index.contents().get(digest)).isEmpty();
        assertThat(passed(0)).isEqualTo(bytes);
    }

    @Test
    void theEndOfAWrongBodyIsWithheld() {
        byte[] wrong = bytes.clone();
        wrong[7] ^= 1;
        upstream.blobs.put(digest, wrong);
        long[] received = {0};

        assertThatThrownBy(() -> {
                    try (BlobContent content = repository.passBlob(digest, 0).content()) {
                        byte[] buffer = new byte[10_000];
                        for (int count = 1; count > 0; received[0] += Math.max(0, count)) {
                            count = content.read(received[0], buffer, 0, buffer.length);
                        }
                    }
                })
                .isInstanceOf(InvalidContentException.class)
                .hasMessageContaining(digest.toString());
        assertThat(received[0]).isLessThanOrEqualTo(300_000 - 16 * 1024);
        assertThat(upstream.refuted).containsExactly(digest);
    }

    @Test
    void whatTheRepositoryDoesNotHaveOrHasAsAManifestIsRefused() throws IOException {
        ManifestBytes manifest = CacheFixture.image(upstream, new byte[] {1});
        upstream.blobs.put(manifest.digest(), manifest.array());

        assertThatThrownBy(() -> repository.passBlob(manifest.digest(), 0))
                .isInstanceOf(NotFoundException.class)
                .hasMessageContaining("has the content of a manifest");
        assertThatThrownBy(() -> repository.passBlob(Digest.sha256(new byte[] {9}), 0))
                .isInstanceOf(NotFoundException.class);
    }
}
