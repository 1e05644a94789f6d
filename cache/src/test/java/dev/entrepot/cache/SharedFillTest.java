package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OciLimits;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.UnauthorizedException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The promises of docs/design.md, "A fetch in flight". Long, because each is one case over the same cache and upstream.
 */
@Timeout(30)
class SharedFillTest {
    @TempDir
    Path directory;

    private CacheFixture cache;
    private FakeUpstream upstream;
    private PullThrough repository;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

    @BeforeEach
    void open() throws IOException {
        cache = new CacheFixture(directory);
        upstream = new FakeUpstream("registry.test/team/app");
        repository = cache.repository(upstream);
    }

    @AfterEach
    void close() throws IOException {
        threads.shutdownNow();
        cache.close();
    }

    private Digest linkedBlob(byte[] bytes) throws IOException {
        ManifestBytes manifest = CacheFixture.image(upstream, bytes);
        repository.manifest(manifest.digest());
        return Digest.sha256(bytes);
    }

    private <T> T get(Future<T> future) throws Exception {
        return future.get(20, TimeUnit.SECONDS);
    }

    @Test
    void keptBlobIsInTheStoreWithoutAClientAndAskedForOnce() throws IOException {
        byte[] bytes = CacheFixture.randomBytes(300_000, 1);
        Digest digest = linkedBlob(bytes);
        assertThat(repository.keepBlob(digest)).isTrue();
        int asked = upstream.asked.size();
        assertThat(repository.keepBlob(digest)).isTrue();
        assertThat(CacheFixture.readAll(repository, digest)).isEqualTo(bytes);
        assertThat(upstream.asked).hasSize(asked);
    }

    @Test
    void keptBlobOfAnotherRepositoryIsProvedFirst() throws IOException {
        Digest digest = linkedBlob(CacheFixture.randomBytes(1_000, 1));
        repository.keepBlob(digest);
        FakeUpstream strangers = new FakeUpstream("registry.test/team/other");
        assertThatThrownBy(() -> cache.repository(strangers).keepBlob(digest)).isInstanceOf(NotFoundException.class);
    }

    @Test
    void missIsFetchedThenServedWithoutTheUpstream() throws IOException {
        byte[] bytes = CacheFixture.randomBytes(300_000, 1);
        Digest digest = linkedBlob(bytes);
        assertThat(CacheFixture.readAll(repository, digest)).isEqualTo(bytes);
        cache.awaitIdle();
        upstream.outage = Optional.of(new OutageException(OutageException.Reason.UNREACHABLE, "off"));
        Answer<BlobContent> answer = repository.openBlob(digest);
        assertThat(answer.verdict()).isEqualTo(Verdict.HIT);
        try (BlobContent content = answer.content()) {
            assertThat(CacheFixture.readFrom(content, 0)).isEqualTo(bytes);
        }
    }

    @Test
    void readerWhoseBlobIsGoneAgainBeforeItsFirstReadGoesOnByItself() throws IOException {
        byte[] bytes = CacheFixture.randomBytes(300_000, 9);
        Digest digest = linkedBlob(bytes);
        try (BlobContent content = repository.openBlob(digest).content()) {
            cache.awaitIdle();
            Files.delete(cache.store.layout().content(ContentKind.BLOB, digest));
            assertThat(CacheFixture.readFrom(content, 0)).isEqualTo(bytes);
        }
        assertThat(upstream.count("GET blob")).isEqualTo(2);
    }

    @Test
    void manyClientsCostTheUpstreamOneBody() throws Exception {
        byte[] bytes = CacheFixture.randomBytes(500_000, 2);
        Digest digest = linkedBlob(bytes);
        upstream.permits = new Semaphore(100_000);
        Callable<byte[]> client = () -> CacheFixture.readAll(repository, digest);
        List<Future<byte[]>> clients = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            clients.add(threads.submit(client));
        }
        upstream.permits.release(400_000);
        for (Future<byte[]> each : clients) {
            assertThat(get(each)).isEqualTo(bytes);
        }
        assertThat(upstream.count("GET blob")).isEqualTo(1);
        assertThat(upstream.bytesSent.get()).isEqualTo(bytes.length);
        assertThat(cache.cache.statistics().fillsFailed()).isZero();
    }

    @Test
    void secondClientTailsTheFirstFetch() throws Exception {
        byte[] bytes = CacheFixture.randomBytes(200_000, 3);
        Digest digest = linkedBlob(bytes);
        upstream.permits = new Semaphore(150_000);
        try (BlobContent first = repository.openBlob(digest).content()) {
            byte[] buffer = new byte[10];
            assertThat(first.read(120_000, buffer, 0, 10)).isEqualTo(10);
            Answer<BlobContent> second = repository.openBlob(digest);
            assertThat(second.verdict()).isEqualTo(Verdict.JOINED);
            assertThat(second.content().read(0, buffer, 0, 10)).isEqualTo(10);
            assertThat(buffer).isEqualTo(Arrays.copyOf(bytes, 10));
            upstream.permits.release(50_000);
            assertThat(CacheFixture.readFrom(second.content(), 0)).isEqualTo(bytes);
        }
        assertThat(upstream.count("GET blob")).isEqualTo(1);
    }

    @Test
    void clientThatLeavesEndsNothing() throws Exception {
        byte[] bytes = CacheFixture.randomBytes(200_000, 4);
        Digest digest = linkedBlob(bytes);
        upstream.permits = new Semaphore(1000);
        repository.openBlob(digest).content().close();
        upstream.permits.release(199_000);
        cache.awaitIdle();
        assertThat(repository.openBlob(digest).verdict()).isEqualTo(Verdict.HIT);
        assertThat(upstream.count("GET blob")).isEqualTo(1);
    }

    @Test
    void brokenConnectionIsResumedWhereItStopped() throws Exception {
        byte[] bytes = CacheFixture.randomBytes(300_000, 5);
        Digest digest = linkedBlob(bytes);
        upstream.breaks.add(100_000);
        upstream.breaks.add(50_000);
        assertThat(CacheFixture.readAll(repository, digest)).isEqualTo(bytes);
        assertThat(upstream.blobRanges).extracting(ByteRange::first).containsExactly(0L, 100_000L, 150_000L);
        assertThat(upstream.bytesSent.get()).isEqualTo(bytes.length);
    }

    @Test
    void brokenConnectionIsStartedAnewWhereRangesAreIgnored() throws Exception {
        byte[] bytes = CacheFixture.randomBytes(300_000, 6);
        Digest digest = linkedBlob(bytes);
        upstream.rangesWork = false;
        upstream.breaks.add(100_000);
        assertThat(CacheFixture.readAll(repository, digest)).isEqualTo(bytes);
    }

    @Test
    void fetchEndsAfterFiveBreaksWithoutProgress() throws Exception {
        Digest digest = linkedBlob(CacheFixture.randomBytes(300_000, 7));
        upstream.breaks.add(100_000);
        for (int i = 0; i < 5; i++) {
            upstream.breaks.add(0);
        }
        assertThatThrownBy(() -> CacheFixture.readAll(repository, digest)).isInstanceOf(OutageException.class);
        assertThat(upstream.count("GET blob")).isEqualTo(5);
        assertThat(cache.cache.statistics().fillsFailed()).isEqualTo(1);
    }

    @Test
    void fetchEndsAfterFiveBreaksWithNoProgressWorthTheName() throws Exception {
        Digest digest = linkedBlob(CacheFixture.randomBytes(300_000, 7));
        for (int i = 0; i < 100; i++) {
            upstream.breaks.add(1);
        }
        assertThatThrownBy(() -> CacheFixture.readAll(repository, digest)).isInstanceOf(OutageException.class);
        assertThat(upstream.count("GET blob")).isEqualTo(5);
    }

    private static List<RegistryException> refusals() {
        return List.of(
                new UnauthorizedException(403, "denied by the test"),
                new RefusedException(400, "UNKNOWN", "refused by the test"),
                new NotFoundException(NotFoundException.Kind.BLOB, "gone by the test"));
    }

    @ParameterizedTest
    @MethodSource("refusals")
    void fillThatTheUpstreamRefusesHasFailed(RegistryException refusal) throws Exception {
        Digest digest = linkedBlob(CacheFixture.randomBytes(1_000, 7));
        upstream.refusesBlobs = Optional.of(refusal);
        assertThatThrownBy(() -> CacheFixture.readAll(repository, digest)).isInstanceOf(refusal.getClass());
        assertThat(cache.cache.statistics().fillsFailed()).isEqualTo(1);
    }

    @Test
    void blobThatNobodyNamesAndNobodyHasIsNoFailedFill() throws Exception {
        Digest guessed = Digest.sha256(new byte[] {1});
        assertThatThrownBy(() -> CacheFixture.readAll(repository, guessed)).isInstanceOf(NotFoundException.class);
        cache.awaitIdle();
        assertThat(cache.cache.statistics().fillsFailed()).isZero();
    }

    @Test
    void everyWaiterGetsTheSameFailure() throws Exception {
        Digest digest = linkedBlob(CacheFixture.randomBytes(300_000, 8));
        byte[] wrong = CacheFixture.randomBytes(300_000, 9);
        upstream.blobs.put(digest, wrong);
        upstream.permits = new Semaphore(100_000);
        List<Future<byte[]>> clients = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            clients.add(threads.submit(() -> CacheFixture.readAll(repository, digest)));
        }
        // Whoever comes after the failure starts anew: all must be there before it.
        while (cache.cache.statistics().joined() < 9) {
            Thread.onSpinWait();
        }
        upstream.permits.release(200_000);
        for (Future<byte[]> each : clients) {
            assertThatThrownBy(() -> get(each)).hasRootCauseInstanceOf(InvalidContentException.class);
        }
        assertThat(upstream.count("GET blob")).isEqualTo(1);
        assertThat(cache.cache.statistics().fillsFailed()).isEqualTo(1);
    }

    @Test
    void lastBytesOfAWrongBodyNeverReachAClientAndNothingIsKept() throws Exception {
        byte[] good = CacheFixture.randomBytes(300_000, 10);
        Digest digest = linkedBlob(good);
        byte[] wrong = good.clone();
        wrong[10] ^= 1;
        upstream.blobs.put(digest, wrong);
        long[] received = {0};
        assertThatThrownBy(() -> {
                    try (BlobContent content = repository.openBlob(digest).content()) {
                        byte[] buffer = new byte[10_000];
                        while (true) {
                            int count = content.read(received[0], buffer, 0, buffer.length);
                            if (count < 0) {
                                return;
                            }
                            received[0] += count;
                        }
                    }
                })
                .isInstanceOf(InvalidContentException.class)
                .hasMessageContaining(digest.toString());
        assertThat(received[0]).isLessThanOrEqualTo(300_000 - 16 * 1024);
        cache.awaitIdle();
        assertThat(filesBelow(directory)).noneMatch(path -> path.toString().contains(digest.encoded()));
        upstream.blobs.put(digest, good);
        assertThat(CacheFixture.readAll(repository, digest)).isEqualTo(good);
    }

    private static List<Path> filesBelow(Path directory) throws IOException {
        try (var files = Files.walk(directory)) {
            return files.filter(Files::isRegularFile).toList();
        }
    }

    @Test
    void bodyLongerThanTheManifestSaysIsRefused() throws Exception {
        byte[] bytes = CacheFixture.randomBytes(100_000, 11);
        Digest digest = linkedBlob(bytes);
        upstream.statesSize = false;
        upstream.blobs.put(digest, Arrays.copyOf(bytes, 100_001));
        assertThatThrownBy(() -> CacheFixture.readAll(repository, digest))
                .isInstanceOf(InvalidContentException.class)
                .hasMessageContaining("100000");
    }

    @Test
    void sizeThatContradictsTheManifestIsRefusedBeforeAnyByte() throws Exception {
        Digest digest = linkedBlob(CacheFixture.randomBytes(100_000, 12));
        upstream.blobs.put(digest, new byte[50]);
        assertThatThrownBy(() -> repository.openBlob(digest)).isInstanceOf(InvalidContentException.class);
    }

    @Test
    void emptyBlobIsFetchedAndKept() throws Exception {
        Digest digest = linkedBlob(new byte[0]);
        assertThat(CacheFixture.readAll(repository, digest)).isEmpty();
        cache.awaitIdle();
        assertThat(repository.openBlob(digest).verdict()).isEqualTo(Verdict.HIT);
    }

    @Test
    void rangeFarAheadIsFetchedInWindowsWhileTheFillGoesOn() throws Exception {
        byte[] bytes = CacheFixture.randomBytes(2_000_000, 13);
        Digest digest = linkedBlob(bytes);
        Semaphore slow = new Semaphore(10_000);
        upstream.permits = slow;
        try (BlobContent content = repository.openBlob(digest).content()) {
            slow.release(20_000);
            byte[] buffer = new byte[500];
            Future<Integer> ahead = threads.submit(() -> content.read(1_500_000, buffer, 0, 500));
            slow.release(20_000);
            assertThat(get(ahead)).isPositive();
            assertThat(buffer).startsWith(Arrays.copyOfRange(bytes, 1_500_000, 1_500_100));
            assertThat(upstream.blobRanges).anySatisfy(range -> {
                assertThat(range.first()).isEqualTo(1_500_000);
                assertThat(range.last()).hasValue(1_500_000 + 128 * 1024 - 1);
            });
            slow.release(4_000_000);
            assertThat(CacheFixture.readFrom(content, 1_500_000))
                    .isEqualTo(Arrays.copyOfRange(bytes, 1_500_000, 2_000_000));
        }
        assertThat(CacheFixture.readAll(repository, digest)).isEqualTo(bytes);
    }

    @Test
    void rangeThatWaitsForTheFillHoldsNoBodyOfItsOwnMeanwhile() throws Exception {
        byte[] bytes = CacheFixture.randomBytes(600_000, 13);
        Digest digest = linkedBlob(bytes);
        Semaphore slow = new Semaphore(10_000);
        upstream.permits = slow;
        int window = 128 * 1024;
        try (BlobContent content = repository.openBlob(digest).content()) {
            byte[] buffer = new byte[window];
            for (int at = 0; at < window; ) {
                at += content.read(300_000 + at, buffer, at, window - at);
            }
            assertThat(buffer).isEqualTo(Arrays.copyOfRange(bytes, 300_000, 300_000 + window));
            // No longer far behind, and not there yet.
            slow.release(290_000);
            while (upstream.bytesSent.get() < window + 300_000) {
                Thread.onSpinWait();
            }
            Future<Integer> next = threads.submit(() -> content.read(300_000 + window, buffer, 0, 500));
            while (upstream.openBodies.get() > 1) {
                Thread.onSpinWait();
            }
            assertThat(next.isDone()).isFalse();
            slow.release(4_000_000);
            assertThat(get(next)).isPositive();
        }
    }

    @Test
    void rangeFarAheadWaitsForTheFillWhereRangesAreIgnored() throws Exception {
        byte[] bytes = CacheFixture.randomBytes(1_000_000, 14);
        Digest digest = linkedBlob(bytes);
        upstream.rangesWork = false;
        try (BlobContent content = repository.openBlob(digest).content()) {
            assertThat(CacheFixture.readFrom(content, 900_000))
                    .isEqualTo(Arrays.copyOfRange(bytes, 900_000, 1_000_000));
        }
    }

    @Test
    void rangeFarAheadAsksForNothingWhereRangesAreKnownToBeIgnored() throws Exception {
        byte[] bytes = CacheFixture.randomBytes(1_000_000, 24);
        Digest digest = linkedBlob(bytes);
        upstream.rangesWork = false;
        upstream.knownToIgnoreRanges = true;
        Semaphore slow = new Semaphore(10_000);
        upstream.permits = slow;
        try (BlobContent content = repository.openBlob(digest).content()) {
            byte[] buffer = new byte[500];
            Future<Integer> ahead = threads.submit(() -> content.read(900_000, buffer, 0, 500));
            slow.release(2_000_000);
            assertThat(get(ahead)).isPositive();
            assertThat(buffer).startsWith(Arrays.copyOfRange(bytes, 900_000, 900_001));
        }
        assertThat(upstream.blobRanges).hasSize(1);
    }

    @Test
    void upstreamIsToldOfAWrongDigestAndOfNothingElse() throws Exception {
        byte[] bytes = CacheFixture.randomBytes(200_000, 25);
        Digest digest = linkedBlob(bytes);
        byte[] wrong = bytes.clone();
        wrong[199_999] ^= 1;
        upstream.blobs.put(digest, wrong);
        assertThatThrownBy(() -> CacheFixture.readAll(repository, digest)).isInstanceOf(InvalidContentException.class);
        assertThat(upstream.refuted).containsExactly(digest);
        // Who comes before the fetch has gone joins it, and its failure.
        cache.awaitIdle();
        upstream.blobs.put(digest, bytes);
        assertThat(CacheFixture.readAll(repository, digest)).isEqualTo(bytes);
        assertThat(upstream.refuted).hasSize(1);
    }

    @Test
    void partialOfAnOutageIsTakenUpByTheNextFetch() throws Exception {
        byte[] bytes = CacheFixture.randomBytes(400_000, 15);
        Digest digest = linkedBlob(bytes);
        upstream.breaks.add(256_000);
        for (int i = 0; i < 5; i++) {
            upstream.breaks.add(0);
        }
        assertThatThrownBy(() -> CacheFixture.readAll(repository, digest)).isInstanceOf(OutageException.class);
        cache.awaitIdle();
        upstream.breaks.clear();
        upstream.blobRanges.clear();
        assertThat(CacheFixture.readAll(repository, digest)).isEqualTo(bytes);
        assertThat(upstream.blobRanges).extracting(ByteRange::first).containsExactly(256_000L);
    }

    /** As an upstream refuses a range that begins beyond the end of the blob. */
    @Test
    void partialAfterWhichTheUpstreamRefusesToGoOnIsNoRefusalOfTheBlobAndIsThrownAway() throws Exception {
        byte[] bytes = CacheFixture.randomBytes(100_000, 44);
        Digest digest = linkedBlob(bytes);
        Files.write(new StoreLayout(directory).partial(digest), new byte[200_000]);
        upstream.refusesBlobs = Optional.of(new RefusedException(416, "RANGE_INVALID", "refused by the test"));
        assertThatThrownBy(() -> CacheFixture.readAll(repository, digest)).isInstanceOf(OutageException.class);
        cache.awaitIdle();
        upstream.refusesBlobs = Optional.empty();
        assertThat(CacheFixture.readAll(repository, digest)).isEqualTo(bytes);
        assertThat(upstream.blobRanges).extracting(ByteRange::first).containsExactly(0L);
    }

    @Test
    void blobOfAnotherRepositoryIsServedOnlyAfterProof() throws Exception {
        byte[] bytes = CacheFixture.randomBytes(100_000, 16);
        Digest digest = linkedBlob(bytes);
        CacheFixture.readAll(repository, digest);
        cache.awaitIdle();
        FakeUpstream other = new FakeUpstream("registry.test/team/other");
        assertThatThrownBy(() -> cache.repository(other).openBlob(digest)).isInstanceOf(NotFoundException.class);
        other.addBlob(bytes);
        assertThat(CacheFixture.readAll(cache.repository(other), digest)).isEqualTo(bytes);
        assertThat(other.count("GET blob")).isZero();
        assertThat(other.count("HEAD blob")).isEqualTo(2);
        assertThat(cache.repository(other).openBlob(digest).verdict()).isEqualTo(Verdict.HIT);
    }

    @Test
    void fetchOfAnotherRepositoryIsNotJoinedWithoutProof() throws Exception {
        byte[] bytes = CacheFixture.randomBytes(100_000, 17);
        Digest digest = linkedBlob(bytes);
        upstream.permits = new Semaphore(1000);
        try (BlobContent first = repository.openBlob(digest).content()) {
            FakeUpstream other = new FakeUpstream("registry.test/team/other");
            assertThatThrownBy(() -> cache.repository(other).openBlob(digest)).isInstanceOf(NotFoundException.class);
            upstream.permits.release(99_000);
            assertThat(CacheFixture.readFrom(first, 0)).isEqualTo(bytes);
        }
    }

    @Test
    void manifestIsNeverServedAsABlob() throws Exception {
        ManifestBytes manifest = CacheFixture.image(upstream, new byte[10]);
        upstream.blobs.put(manifest.digest(), manifest.array());
        assertThatThrownBy(() -> repository.openBlob(manifest.digest())).isInstanceOf(NotFoundException.class);
        assertThatThrownBy(() -> repository.statBlob(manifest.digest())).isInstanceOf(NotFoundException.class);
        repository.manifest(manifest.digest());
        assertThatThrownBy(() -> repository.openBlob(manifest.digest())).isInstanceOf(NotFoundException.class);
        assertThatThrownBy(() -> repository.statBlob(manifest.digest())).isInstanceOf(NotFoundException.class);
    }

    @Test
    void outageBeforeTheFirstByteIsThrownWhenOpening() throws Exception {
        Digest digest = linkedBlob(new byte[1000]);
        upstream.outage = Optional.of(new OutageException(OutageException.Reason.TIMEOUT, "slow"));
        assertThatThrownBy(() -> repository.openBlob(digest)).isInstanceOf(OutageException.class);
    }

    @Test
    void unnamedBlobIsServedWhateverTheUpstreamSaysOfItAsAManifest() throws Exception {
        byte[] bytes = CacheFixture.randomBytes(100_000, 21);
        Digest digest = upstream.addBlob(bytes);
        upstream.failing = "HEAD " + digest;
        assertThat(CacheFixture.readAll(repository, digest)).isEqualTo(bytes);
        assertThat(repository.statBlob(digest).content()).hasValue(100_000);
    }

    @Test
    void unnamedBlobThatCannotBeAManifestStartsWithItsFirstBytes() throws Exception {
        byte[] bytes = CacheFixture.randomBytes(100_000, 22);
        bytes[0] = 0x1f;
        Digest digest = upstream.addBlob(bytes);
        upstream.permits = new Semaphore(50_000);
        try (BlobContent content = repository.openBlob(digest).content()) {
            assertThat(content.read(0, new byte[1000], 0, 1000)).isPositive();
            upstream.permits.release(50_000);
            assertThat(CacheFixture.readFrom(content, 0)).isEqualTo(bytes);
        }
    }

    /** The upstream withholds the last byte: who had to wait for all of it would wait in vain. */
    @ParameterizedTest
    @ValueSource(ints = {1_001, 20_001, 100_001})
    void namedBlobStartsWithItsFirstBytesHoweverItBegins(int size) throws Exception {
        byte[] bytes = CacheFixture.randomBytes(size, 24);
        bytes[0] = '{';
        Digest digest = linkedBlob(bytes);
        upstream.permits = new Semaphore(size - 1);
        try (BlobContent content =
                get(threads.submit(() -> repository.openBlob(digest))).content()) {
            int visible = Math.max(0, size - CacheFixture.FAST.holdBackBytes());
            byte[] begin = new byte[visible];
            for (int read = 0; read < visible; ) {
                read += content.read(read, begin, read, visible - read);
            }
            assertThat(begin).isEqualTo(Arrays.copyOf(bytes, visible));
            upstream.permits.release();
            assertThat(CacheFixture.readFrom(content, 0)).isEqualTo(bytes);
        }
    }

    /**
     * What it costs that no manifest is served as a blob: of a small blob that nobody names and that begins as one may,
     * nothing is said before its end.
     */
    @ParameterizedTest
    @MethodSource
    void unnamedSmallBlobThatBeginsAsAManifestMayIsWaitedFor(byte[] beginning) throws Exception {
        byte[] bytes = CacheFixture.randomBytes(5_001, 25);
        System.arraycopy(beginning, 0, bytes, 0, beginning.length);
        Digest digest = upstream.addBlob(bytes);
        upstream.permits = new Semaphore(5_000);

        Future<Answer<BlobContent>> opened = threads.submit(() -> repository.openBlob(digest));
        while (!upstream.permits.hasQueuedThreads()) {
            Thread.onSpinWait();
        }

        assertThatThrownBy(() -> opened.get(50, TimeUnit.MILLISECONDS)).isInstanceOf(TimeoutException.class);
        upstream.permits.release();
        try (BlobContent content = get(opened).content()) {
            assertThat(CacheFixture.readFrom(content, 0)).isEqualTo(bytes);
        }
    }

    static Stream<Named<byte[]>> unnamedSmallBlobThatBeginsAsAManifestMayIsWaitedFor() {
        byte[] spaces = new byte[2_000];
        Arrays.fill(spaces, (byte) ' ');
        return Stream.of(
                Named.of("an object", new byte[] {'{'}),
                Named.of("white space and an object", new byte[] {'\n', ' ', '\t', '{'}),
                Named.of("white space", spaces),
                Named.of("zeros", new byte[2_000]),
                Named.of("a byte order mark", new byte[] {(byte) 0xEF, (byte) 0xBB, (byte) 0xBF, '{'}),
                Named.of("wide characters", new byte[] {(byte) 0xFE, (byte) 0xFF}),
                Named.of("wide characters in the other order", new byte[] {(byte) 0xFF, (byte) 0xFE}));
    }

    @Test
    void unnamedBlobThatIsTooLargeForAManifestStartsWithItsFirstBytesHoweverItBegins() throws Exception {
        byte[] bytes = CacheFixture.randomBytes(OciLimits.MAX_MANIFEST_BYTES + 1, 26);
        bytes[0] = '{';
        Digest digest = upstream.addBlob(bytes);
        upstream.permits = new Semaphore(1_000);
        try (BlobContent content =
                get(threads.submit(() -> repository.openBlob(digest))).content()) {
            assertThat(content.read(0, new byte[1_000], 0, 1_000)).isPositive();
        } finally {
            upstream.permits.release(bytes.length);
        }
    }

    @Test
    void bytesInFlightCanBeSentFromTheFileExceptThoseThatAreWithheld() throws Exception {
        byte[] bytes = CacheFixture.randomBytes(100_000, 23);
        Digest digest = linkedBlob(bytes);
        upstream.permits = new Semaphore(50_000);
        try (BlobContent content = repository.openBlob(digest).content()) {
            assertThat(content.read(0, new byte[1], 0, 1)).isEqualTo(1);
            BlobContent.Stored part = content.stored(0).orElseThrow();
            assertThat(part.endBytes()).isBetween(1L, 50_000L);
            byte[] begin = new byte[(int) part.endBytes()];
            part.file().read(ByteBuffer.wrap(begin), 0);
            assertThat(begin).isEqualTo(Arrays.copyOf(bytes, begin.length));
            assertThat(content.stored(50_000)).isEmpty();
            upstream.permits.release(50_000);
            assertThat(CacheFixture.readFrom(content, 0)).isEqualTo(bytes);
            assertThat(content.stored(99_999).orElseThrow().endBytes()).isEqualTo(100_000);
            assertThat(content.stored(100_000)).isEmpty();
        }
    }

    @Test
    void manifestThatCannotBeUnderstoodIsRefusedEachTime() throws Exception {
        byte[] both =
                "{\"schemaVersion\":2,\"manifests\":[],\"config\":{},\"layers\":[]}".getBytes(StandardCharsets.UTF_8);
        ManifestBytes manifest = ManifestBytes.verified(MediaType.OCI_INDEX, Digest.sha256(both), both);
        upstream.tag("v1", manifest);
        for (int attempt = 0; attempt < 2; attempt++) {
            assertThatThrownBy(() -> repository.manifest(manifest.digest()))
                    .isInstanceOf(InvalidContentException.class);
            assertThatThrownBy(() -> repository.manifest(new Tag("v1"))).isInstanceOf(InvalidContentException.class);
        }
    }

    private static ManifestBytes index(String entryType, Digest entry, int size) throws IOException {
        String json = "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"" + entryType + "\",\"digest\":\"" + entry
                + "\",\"size\":" + size + "}]}";
        return ManifestBytes.of(MediaType.OCI_INDEX, json.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void layersInAnIndexStayBlobs() throws Exception {
        byte[] bytes = CacheFixture.randomBytes(1000, 41);
        Digest layer = upstream.addBlob(bytes);
        String type = "application/vnd.oci.image.layer.v1.tar+gzip";
        ManifestBytes cacheIndex = index(type, layer, bytes.length);
        upstream.tag("buildcache", cacheIndex);
        repository.manifest(cacheIndex.digest());
        assertThat(CacheFixture.readAll(repository, layer)).isEqualTo(bytes);
        cache.awaitIdle();
        upstream.tag("worse", index(MediaType.OCI_MANIFEST.value(), layer, bytes.length));
        repository.manifest(new Tag("worse"));
        assertThat(CacheFixture.readAll(repository, layer)).isEqualTo(bytes);
    }

    @Test
    void manifestOfAnotherRepositoryIsABlobWhereAManifestNamesItAsALayer() throws Exception {
        FakeUpstream other = new FakeUpstream("registry.test/team/other");
        ManifestBytes there = CacheFixture.image(other, new byte[10]);
        cache.repository(other).manifest(there.digest());
        Digest layer = linkedBlob(there.array());
        assertThat(CacheFixture.readAll(repository, layer)).isEqualTo(there.array());
    }

    @Test
    void partialThatIsWholeIsNotFetchedAgain() throws Exception {
        byte[] bytes = CacheFixture.randomBytes(100_000, 42);
        Digest digest = linkedBlob(bytes);
        Files.write(new StoreLayout(directory).partial(digest), bytes);
        assertThat(CacheFixture.readAll(repository, digest)).isEqualTo(bytes);
        cache.awaitIdle();
        assertThat(upstream.count("GET blob")).isZero();
        assertThat(cache.store.blobSize(digest)).hasValue(100_000);
    }

    @Test
    void clientThatJoinsTheBackgroundDoesNotWaitInItsQueue() throws Exception {
        byte[] bytes = CacheFixture.randomBytes(300_000, 5);
        Digest digest = linkedBlob(bytes);
        FakeUpstream behind = new FakeUpstream("registry.test/team/app");
        behind.addBlob(bytes);
        behind.slots = new Semaphore(0);
        Future<Boolean> kept =
                threads.submit(() -> cache.cache.alwaysAsking(behind).keepBlob(digest));
        while (behind.count("GET blob") == 0) {
            Thread.onSpinWait();
        }
        assertThat(CacheFixture.readAll(repository, digest)).isEqualTo(bytes);
        assertThat(kept.get()).isTrue();
        assertThat(behind.bytesSent).hasValue(0);
        assertThat(upstream.count("GET blob")).isOne();
    }

    @Test
    void clientThatJoinsBreaksOffNoBodyThatTheBackgroundHasOpened() throws Exception {
        byte[] bytes = CacheFixture.randomBytes(300_000, 6);
        Digest digest = linkedBlob(bytes);
        FakeUpstream behind = new FakeUpstream("registry.test/team/app");
        behind.addBlob(bytes);
        behind.permits = new Semaphore(100_000);
        Future<Boolean> kept =
                threads.submit(() -> cache.cache.alwaysAsking(behind).keepBlob(digest));
        while (behind.bytesSent.get() < 100_000) {
            Thread.onSpinWait();
        }
        Future<byte[]> read = threads.submit(() -> CacheFixture.readAll(repository, digest));
        behind.permits.release(200_000);
        assertThat(read.get()).isEqualTo(bytes);
        assertThat(kept.get()).isTrue();
        assertThat(behind.count("GET blob")).isOne();
        assertThat(upstream.count("GET blob")).isZero();
    }

    @Test
    void blobThatWasCutShortIsNotTakenForKept() throws Exception {
        byte[] bytes = CacheFixture.randomBytes(100_000, 43);
        Digest digest = linkedBlob(bytes);
        assertThat(repository.keepBlob(digest)).isTrue();
        cache.awaitIdle();
        Files.write(cache.store.layout().content(ContentKind.BLOB, digest), new byte[1_000]);
        assertThat(repository.keepBlob(digest)).isTrue();
        assertThat(Files.readAllBytes(cache.store.layout().content(ContentKind.BLOB, digest)))
                .isEqualTo(bytes);
    }
}
