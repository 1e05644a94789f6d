package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.BlockedException;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What is served under a minimum age when what should be served cannot be had. */
@Timeout(30)
class MinimumAgeTest {
    private static final Tag TAG = new Tag("v1");
    private static final Duration AGE = Duration.ofDays(3);

    @TempDir
    private Path directory;

    private final FakeUpstream upstream = new FakeUpstream("registry.test/team/app");
    private CacheFixture cache;
    private PullThrough repository;
    private ManifestBytes first;
    private int images;

    @BeforeEach
    void open() throws IOException {
        cache = new CacheFixture(directory);
        cache.rule = CacheFixture.with(CacheFixture.SETTINGS, AGE, Duration.ZERO, false);
        repository = cache.repository(upstream);
        first = move();
        assertThatThrownBy(() -> repository.manifest(TAG)).isInstanceOf(BlockedException.class);
        cache.clock.advance(AGE);
        assertThat(digest(repository.manifest(TAG))).isEqualTo(first.digest());
    }

    @AfterEach
    void close() throws IOException {
        cache.close();
    }

    private ManifestBytes move() throws IOException {
        ManifestBytes manifest = CacheFixture.image(upstream, new byte[] {(byte) ++images});
        upstream.tag(TAG.value(), manifest);
        return manifest;
    }

    /** The tag moves, and this is seen. */
    private ManifestBytes seenToMove() throws IOException {
        ManifestBytes moved = move();
        cache.clock.advance(Duration.ofMinutes(2));
        assertThat(repository.manifest(TAG).verdict()).isEqualTo(Verdict.COOLED);
        return moved;
    }

    private static Digest digest(Answer<ManifestBytes> answer) {
        return answer.content().digest();
    }

    @Test
    void whatIsOldEnoughAndCannotBeFetchedHasTheFormerOneStandIn() throws IOException {
        ManifestBytes second = seenToMove();
        cache.clock.advance(AGE);
        upstream.failing = "GET " + second.digest();
        Answer<ManifestBytes> answer = repository.manifest(TAG);
        assertThat(digest(answer)).isEqualTo(first.digest());
        assertThat(answer.verdict()).isEqualTo(Verdict.STALE);
        assertThat(answer.outage()).hasValue("500 by the test");
        assertThat(answer.age()).isEqualTo(Duration.ZERO);
        upstream.failing = "";
        assertThat(digest(repository.manifest(TAG))).isEqualTo(second.digest());
    }

    /** Its age counts from when it was no longer the one to serve. */
    @Test
    void whatStandsInDoesSoForAsLongAsStaleHasIt() throws IOException {
        ManifestBytes second = seenToMove();
        cache.clock.advance(AGE);
        upstream.failing = "GET " + second.digest();
        cache.clock.advance(Duration.ofDays(7));
        assertThat(repository.manifest(TAG).age()).isEqualTo(Duration.ofDays(7));
        cache.clock.advance(Duration.ofMinutes(1));
        assertThatThrownBy(() -> repository.manifest(TAG)).isInstanceOf(OutageException.class);
    }

    @Test
    void whatIsOldEnoughAndOutOfReachWithAllElseHasTheFormerOneStandIn() throws IOException {
        seenToMove();
        cache.clock.advance(AGE);
        upstream.outage = Optional.of(new OutageException(OutageException.Reason.UNREACHABLE, "out"));
        Answer<ManifestBytes> answer = repository.manifest(TAG);
        assertThat(digest(answer)).isEqualTo(first.digest());
        assertThat(answer.verdict()).isEqualTo(Verdict.STALE);
        cache.rule = CacheFixture.with(
                CacheSettings.defaults(Duration.ofMinutes(1), Duration.ZERO, Duration.ofMinutes(1))
                        .withCheckDeadline(Duration.ZERO),
                AGE,
                Duration.ZERO,
                false);
        assertThatThrownBy(() -> repository.manifest(TAG)).isInstanceOf(OutageException.class);
    }

    @Test
    void formerOneThatWasNeverFetchedHasOneBeforeItStandIn() throws IOException {
        ManifestBytes second = seenToMove();
        cache.clock.advance(AGE.minusHours(1));
        seenToMove();
        cache.clock.advance(Duration.ofHours(2));
        upstream.failing = "GET " + second.digest();
        Answer<ManifestBytes> answer = repository.manifest(TAG);
        assertThat(digest(answer)).isEqualTo(first.digest());
        assertThat(answer.verdict()).isEqualTo(Verdict.STALE);
        upstream.failing = "";
        upstream.manifests.remove(second.digest());
        assertThat(repository.manifest(TAG).verdict()).isEqualTo(Verdict.COOLED);
        assertThat(digest(repository.manifest(TAG))).isEqualTo(first.digest());
    }

    @Test
    void ofSeveralThatCouldStandInTheLastOfThoseDoesThatAreKept() throws IOException {
        seenToMove();
        ManifestBytes third = seenToMove();
        cache.clock.advance(AGE);
        upstream.failing = "GET " + third.digest();
        Answer<ManifestBytes> answer = repository.manifest(TAG);
        assertThat(digest(answer)).isEqualTo(first.digest());
        assertThat(answer.verdict()).isEqualTo(Verdict.STALE);
    }

    @Test
    void tagThatIsGoneDoesNotComeBackInTheNextOutage() throws IOException {
        upstream.manifests.remove(TAG);
        cache.clock.advance(Duration.ofMinutes(2));
        assertThatThrownBy(() -> repository.manifest(TAG)).isInstanceOf(NotFoundException.class);
        upstream.outage = Optional.of(new OutageException(OutageException.Reason.UNREACHABLE, "out"));
        assertThatThrownBy(() -> repository.manifest(TAG)).isInstanceOf(OutageException.class);
    }

    @Test
    void whatIsServedUnderATagIsUsed() throws IOException {
        seenToMove();
        cache.clock.advance(Duration.ofMinutes(2));
        repository.manifest(TAG);
        assertThat(cache.index
                        .contents()
                        .candidate(first.digest())
                        .orElseThrow()
                        .lastUsed())
                .isEqualTo(cache.clock.instant());
    }

    @Test
    void belowTheReserveWhatHasBecomeOldEnoughIsNotFetchedWhileTheFormerOneMayStandIn() throws IOException {
        ManifestBytes second = seenToMove();
        cache.clock.advance(AGE);
        upstream.reserved = Optional.of(new OutageException(OutageException.Reason.QUOTA, "few pulls are left"));
        Answer<ManifestBytes> answer = repository.manifest(TAG);
        assertThat(digest(answer)).isEqualTo(first.digest());
        assertThat(answer.verdict()).isEqualTo(Verdict.STALE);
        assertThat(answer.outage()).hasValue("few pulls are left");
        assertThat(upstream.count("GET " + second.digest())).isZero();
        Explanation explained = repository.explain(TAG);
        assertThat(explained.up())
                .isEqualTo(new Explanation.Outcome.Served(Verdict.STALE, Optional.of(first.digest())));
        // Nobody is asked, so that it does not matter how the upstream would fail; the tag was checked just now.
        cache.rule = CacheFixture.with(cache.rule, Map.of(StaleCause.RATE_LIMITED, Duration.ofDays(7)));
        Explanation whileOut = repository.explain(TAG);
        assertThat(whileOut.down())
                .containsEntry(StaleCause.UNREACHABLE, whileOut.up())
                .containsEntry(StaleCause.DELETED, whileOut.up());
        upstream.outage = Optional.of(new OutageException(OutageException.Reason.UNREACHABLE, "off by the test"));
        assertThat(repository.manifest(TAG).verdict()).isEqualTo(Verdict.STALE);
        upstream.outage = Optional.empty();
        upstream.reserved = Optional.empty();
        assertThat(digest(repository.manifest(TAG))).isEqualTo(second.digest());
    }

    @Test
    void whatIsOldEnoughAndTakesTooLongHasTheFormerOneStandIn() throws IOException {
        ManifestBytes second = seenToMove();
        cache.clock.advance(AGE);
        cache.rule = CacheFixture.with(
                CacheFixture.SETTINGS.withCheckDeadline(Duration.ofMillis(20)), AGE, Duration.ZERO, false);
        upstream.manifestPermits = new Semaphore(0);
        assertThat(digest(repository.manifest(TAG))).isEqualTo(first.digest());
        upstream.manifestPermits.release(5);
        while (!digest(repository.manifest(TAG)).equals(second.digest())) {
            Thread.onSpinWait();
        }
        assertThat(upstream.count("GET " + second.digest())).isEqualTo(1);
    }

    @Test
    void whatIsKeptForAnotherRepositoryIsNotFetchedForATagThatNamesIt() throws IOException {
        ManifestBytes second = seenToMove();
        FakeUpstream other = new FakeUpstream("registry.test/team/other");
        other.tag("x", second);
        cache.repository(other).manifest(second.digest());
        cache.clock.advance(AGE);
        assertThat(repository.manifest(TAG).verdict()).isEqualTo(Verdict.REVALIDATED);
        assertThat(upstream.count("GET " + second.digest())).isZero();
    }

    @Test
    void signaturesAreOfAnyAge() throws IOException {
        String tag = first.digest().referrersTag().value();
        for (String name : new String[] {tag, tag + ".sig", tag + ".att", tag + ".sbom"}) {
            upstream.tag(name, first);
            assertThat(repository.manifest(new Tag(name)).content().array()).isEqualTo(first.array());
        }
        upstream.tag("sha256-short", first);
        assertThatThrownBy(() -> repository.manifest(new Tag("sha256-short"))).isInstanceOf(BlockedException.class);
    }

    @Test
    void whatOthersMayNotHaveIsNotToldToOneWhoWaitedWithThem() {
        BlockedException ofOthers = new BlockedException(BlockedException.Kind.DENIED, "team/secret has a limit");
        assertThat(BlobPulls.ofOthers(first.digest(), ofOthers))
                .isInstanceOf(OutageException.class)
                .hasMessageNotContaining("secret");
        NotFoundException missing = new NotFoundException(NotFoundException.Kind.BLOB, "not in team/secret");
        assertThat(BlobPulls.ofOthers(first.digest(), missing)).hasMessageNotContaining("secret");
    }
}
