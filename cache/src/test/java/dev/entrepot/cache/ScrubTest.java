package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ScrubTest {
    private static final int RATE = 100_000;
    private static final int LAYER = 50_000;

    private final FakeUpstream upstream = new FakeUpstream("docker.io/library/scrubbed");
    private final List<Duration> pauses = new ArrayList<>();
    private final byte[] good = CacheFixture.randomBytes(LAYER, 1);
    private final byte[] bad = CacheFixture.randomBytes(LAYER, 2);

    @TempDir
    Path directory;

    private CacheFixture fixture;
    private PullThrough repository;

    @BeforeEach
    void open() throws IOException {
        fixture = new CacheFixture(directory);
        repository = fixture.repository(upstream);
        ManifestBytes image = CacheFixture.image(upstream, good, bad);
        repository.manifest(image.digest());
        CacheFixture.readAll(repository, Digest.sha256(good));
        CacheFixture.readAll(repository, Digest.sha256(bad));
        fixture.awaitIdle();
    }

    @AfterEach
    void close() throws IOException {
        fixture.close();
    }

    private Scrub scrub(Scrub.Pacer pacer) {
        return new Scrub(fixture.store, fixture.index, Duration.ofDays(30), RATE, fixture.clock, pacer);
    }

    private void spoil() throws IOException {
        byte[] spoiled = bad.clone();
        spoiled[LAYER / 2] ^= 1;
        Files.write(fixture.store.layout().content(ContentKind.BLOB, Digest.sha256(bad)), spoiled);
    }

    @Test
    void badBlobGoesIntoQuarantineAndIsFetchedAnew() throws Exception {
        spoil();
        long before = fixture.index.contents().storedBytes();
        try (Scrub scrub = scrub(pauses::add)) {
            scrub.runRound();
            assertThat(scrub.progress().checked()).isEqualTo(3);
            assertThat(scrub.progress().bad()).isEqualTo(1);
        }
        assertThat(fixture.store.quarantined()).isEqualTo(1);
        assertThat(Files.exists(fixture.store.layout().quarantined(ContentKind.BLOB, Digest.sha256(bad))))
                .isTrue();
        assertThat(fixture.index.contents().storedBytes()).isEqualTo(before - LAYER);
        assertThat(fixture.index.contents().isStored(Digest.sha256(good))).isTrue();
        assertThat(CacheFixture.readAll(repository, Digest.sha256(bad))).isEqualTo(bad);
        fixture.awaitIdle();
        assertThat(fixture.index.contents().storedBytes()).isEqualTo(before);
    }

    @Test
    void roundThatFollowsAnotherAtOnceReadsEverythingAgain() throws Exception {
        try (Scrub scrub = scrub(pauses::add)) {
            scrub.runRound();
            scrub.runRound();
            assertThat(scrub.progress().checked()).isEqualTo(6);
        }
    }

    @Test
    void roundThatIsClosedWhileAFileIsReadGoesOnWithThatFilesFolder() throws Exception {
        List<Scrub> under = new ArrayList<>();
        long first;
        try (Scrub scrub = scrub(pause -> under.getFirst().close())) {
            under.add(scrub);
            scrub.runRound();
            first = scrub.progress().checked();
        }
        fixture.index.flush();
        try (Scrub next = scrub(pauses::add)) {
            next.runRound();
            assertThat(first + next.progress().checked()).isEqualTo(3 + 1);
        }
    }

    @Test
    void goodBlobThatHasComeInThePlaceOfABadOneWhileThatWasReadStays() throws Exception {
        spoil();
        Path file = fixture.store.layout().content(ContentKind.BLOB, Digest.sha256(bad));
        long before = fixture.index.contents().storedBytes();
        // A pause follows each file that has been read.
        try (Scrub scrub = scrub(pause -> fetchAnew(file))) {
            scrub.runRound();
            assertThat(scrub.progress().checked()).isEqualTo(3);
            assertThat(scrub.progress().bad()).isZero();
        }
        assertThat(file).hasBinaryContent(bad);
        assertThat(fixture.store.quarantined()).isZero();
        assertThat(fixture.index.contents().storedBytes()).isEqualTo(before);
    }

    private void fetchAnew(Path file) {
        try {
            Files.delete(file);
            Files.write(file, bad);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void roundGoesOnThoughWhatIsFoundBadCannotBeFetchedAnew() throws Exception {
        spoil();
        try (Scrub scrub = scrub(pauses::add)) {
            scrub.heal((owner, kind, lost) -> {
                throw new RejectedExecutionException("nothing is fetched any more");
            });
            scrub.runRound();
            assertThat(scrub.progress().checked()).isEqualTo(3);
            fixture.index.flush();
            assertThat(scrub.progress().lastRound()).isPresent();
        }
    }

    @Test
    void badBlobWithoutAnOwnerIsFetchedAnewForARepositoryThatHasIt() throws Exception {
        Digest digest = Digest.sha256(bad);
        fixture.index.contents().removed(digest);
        fixture.index.contents().stored(digest, ContentKind.BLOB, LAYER, Optional.empty());
        assertThat(fixture.index.contents().get(digest).orElseThrow().owner()).isEmpty();
        spoil();
        List<String> asked = new ArrayList<>();
        try (Scrub scrub = scrub(pauses::add)) {
            scrub.heal((owner, kind, lost) -> asked.add(owner + " " + kind + " " + lost));
            scrub.runRound();
        }
        assertThat(asked).containsExactly(upstream.repository() + " BLOB " + digest);
    }

    @Test
    void whatCouldNotBeFetchedAnewIsTriedAgainUntilItHasComeAlsoByAnother() throws Exception {
        spoil();
        List<Digest> asked = new ArrayList<>();
        // As a command does that finds it while there is no server.
        try (Scrub scrub = scrub(pauses::add)) {
            scrub.runRound();
            assertThat(scrub.awaited()).isEqualTo(1);
        }
        try (Scrub scrub = scrub(pauses::add)) {
            scrub.heal((owner, kind, lost) -> asked.add(lost));
            scrub.healAgain();
            scrub.healAgain();
            assertThat(asked).containsExactly(Digest.sha256(bad), Digest.sha256(bad));
            CacheFixture.readAll(repository, Digest.sha256(bad));
            fixture.awaitIdle();
            scrub.healAgain();
            assertThat(scrub.awaited()).isZero();
            fixture.clock.advance(Duration.ofHours(1));
            assertThat(fixture.evictor.evict(Digest.sha256(bad))).isPresent();
            scrub.healAgain();
            assertThat(asked).hasSize(2);
        }
    }

    @Test
    void nothingIsFetchedAnewTwiceAtOnceNorAfterTheEnd() throws Exception {
        spoil();
        List<Digest> asked = new CopyOnWriteArrayList<>();
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch fetched = new CountDownLatch(1);
        try (Scrub scrub = scrub(pauses::add)) {
            scrub.runRound();
            scrub.heal((owner, kind, lost) -> {
                asked.add(lost);
                begun.countDown();
                awaitUninterruptibly(fetched);
            });
            Thread hourly = Thread.ofVirtual().start(scrub::healAgain);
            begun.await();

            scrub.healAgain();
            assertThat(asked).hasSize(1);
            scrub.close();
            fetched.countDown();
            hourly.join();
            scrub.healAgain();

            assertThat(asked).hasSize(1);
        }
    }

    private static void awaitUninterruptibly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void noMoreIsReadThanMayBe() throws Exception {
        try (Scrub scrub = scrub(pauses::add)) {
            scrub.runRound();
            long paused = pauses.stream().mapToLong(Duration::toMillis).sum();
            // All but the rest that is less than a tenth of a second.
            assertThat(paused).isBetween(scrub.progress().readBytes() * 1000 / RATE - 200, 1100L);
        }
    }

    @Test
    void roundThatWasCutOffGoesOnWhereItStopped() throws Exception {
        Thread reader = Thread.currentThread();
        try (Scrub scrub = scrub(pause -> {
            throw new InterruptedException("as at a stop");
        })) {
            assertThatThrownBy(scrub::runRound).isInstanceOf(InterruptedException.class);
            assertThat(reader.isInterrupted()).isFalse();
        }
        fixture.index.flush();
        try (Scrub scrub = scrub(pauses::add)) {
            int first = scrub.progress().foldersDone();
            assertThat(first).isLessThan(scrub.progress().folders());
            scrub.runRound();
            fixture.index.flush();
            // The blob in hand is read again, the one before it, if any, is not; the manifests come after all blobs.
            assertThat(scrub.progress().checked()).isBetween(2L, 3L);
            assertThat(scrub.progress().foldersDone()).isZero();
            assertThat(scrub.progress().lastRound()).contains(fixture.clock.instant());
        }
    }

    @Test
    void roundIsDueWhereTheLastOneEndedInWhatIsNowTheFuture() throws Exception {
        spoil();
        fixture.index.putNumber(
                "scrub_ended", fixture.clock.instant().plus(Duration.ofDays(1)).toEpochMilli());
        fixture.index.flush();
        try (Scrub scrub = scrub(pauses::add)) {
            scrub.start();
            awaitRound(scrub);
            assertThat(scrub.progress().bad()).isEqualTo(1);
        }
    }

    private void awaitRound(Scrub scrub) {
        long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (!scrub.progress().lastRound().equals(Optional.of(fixture.clock.instant()))
                && System.nanoTime() < deadline) {
            Thread.onSpinWait();
        }
        assertThat(scrub.progress().lastRound()).contains(fixture.clock.instant());
    }

    @Test
    void noRoundHasEndedBeforeTheFirstOne() throws Exception {
        try (Scrub scrub = scrub(pauses::add)) {
            scrub.start();
            fixture.index.flush();
            assertThat(fixture.index.number("scrub_ended")).isPresent();
            assertThat(scrub.progress().lastRound()).isEmpty();
            scrub.runRound();
            fixture.index.flush();
            assertThat(scrub.progress().lastRound()).contains(fixture.clock.instant());
        }
    }

    @Test
    void scrubInTheBackgroundBeginsWhenItIsAskedFor() throws Exception {
        spoil();
        try (Scrub scrub = scrub(pauses::add)) {
            scrub.start();
            scrub.request();
            long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
            while (scrub.progress().bad() == 0 && System.nanoTime() < deadline) {
                Thread.onSpinWait();
            }
            assertThat(scrub.progress().bad()).isEqualTo(1);
        }
    }
}
