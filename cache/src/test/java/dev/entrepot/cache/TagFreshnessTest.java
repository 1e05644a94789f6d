package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.UnauthorizedException;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * When a tag, a tag list or a referrers list is served from what is kept, and when not. Long, because each is one case
 * over the same clock and upstream.
 */
@Timeout(30)
class TagFreshnessTest {
    private static final Tag TAG = new Tag("v1");

    @TempDir
    Path directory;

    private CacheFixture cache;
    private FakeUpstream upstream;
    private PullThrough repository;
    private ManifestBytes first;

    @BeforeEach
    void open() throws IOException {
        cache = new CacheFixture(directory);
        upstream = new FakeUpstream("registry.test/team/app");
        repository = cache.repository(upstream);
        first = CacheFixture.image(upstream, new byte[] {1});
        upstream.tag("v1", first);
    }

    @AfterEach
    void close() throws IOException {
        cache.close();
    }

    private void goOut(OutageException.Reason reason) {
        upstream.outage = Optional.of(new OutageException(reason, "registry.test is out"));
    }

    @Test
    void freshTagAsksNobody() throws IOException {
        assertThat(repository.manifest(TAG).verdict()).isEqualTo(Verdict.MISS);
        upstream.asked.clear();
        cache.clock.advance(Duration.ofSeconds(59));
        Answer<ManifestBytes> answer = repository.manifest(TAG);
        assertThat(answer.verdict()).isEqualTo(Verdict.HIT);
        assertThat(answer.age()).isEqualTo(Duration.ofSeconds(59));
        assertThat(answer.content().array()).isEqualTo(first.array());
        assertThat(upstream.asked).isEmpty();
    }

    @Test
    void whatIsServedUnderATagIsUsed() throws IOException {
        repository.manifest(TAG);
        cache.clock.advance(Duration.ofSeconds(59));
        repository.manifest(TAG);
        assertThat(cache.index
                        .contents()
                        .candidate(first.digest())
                        .orElseThrow()
                        .lastUsed())
                .isEqualTo(cache.clock.instant());
    }

    @Test
    void oldTagIsRevalidatedByHead() throws IOException {
        repository.manifest(TAG);
        upstream.asked.clear();
        cache.clock.advance(Duration.ofMinutes(2));
        assertThat(repository.manifest(TAG).verdict()).isEqualTo(Verdict.REVALIDATED);
        assertThat(upstream.asked).containsExactly("HEAD v1");
        assertThat(repository.manifest(TAG).verdict()).isEqualTo(Verdict.HIT);
    }

    /** The call may be that of somebody in the background, whom a reserve stops and not the one who joined. */
    @Test
    void whoMayHaveJoinedSomebodyWithoutQuotaAsksForItselfOnce() {
        goOut(OutageException.Reason.QUOTA);
        assertThatThrownBy(() -> repository.manifest(TAG)).isInstanceOf(OutageException.class);
        assertThat(upstream.asked).containsExactly("GET v1", "GET v1");
        upstream.asked.clear();
        goOut(OutageException.Reason.RATE_LIMITED);
        assertThatThrownBy(() -> repository.manifest(TAG)).isInstanceOf(OutageException.class);
        assertThat(upstream.asked).containsExactly("GET v1");
    }

    @Test
    void movedTagIsFetchedByDigest() throws IOException {
        repository.manifest(TAG);
        ManifestBytes second = CacheFixture.image(upstream, new byte[] {2});
        upstream.tag("v1", second);
        upstream.asked.clear();
        cache.clock.advance(Duration.ofMinutes(2));
        assertThat(repository.manifest(TAG).content().digest()).isEqualTo(second.digest());
        assertThat(upstream.asked).containsExactly("HEAD v1", "GET " + second.digest());
    }

    @Test
    void tagThatMovesBetweenHeadAndGetIsNotTorn() throws IOException {
        repository.manifest(TAG);
        ManifestBytes second = CacheFixture.image(upstream, new byte[] {2});
        upstream.tag("v1", second);
        upstream.manifests.remove(second.digest());
        cache.clock.advance(Duration.ofMinutes(2));
        assertThat(repository.manifest(TAG).content().digest()).isEqualTo(second.digest());
    }

    @ParameterizedTest
    @EnumSource(OutageException.Reason.class)
    void outageOfAnyKindServesWhatIsKept(OutageException.Reason reason) throws IOException {
        repository.manifest(TAG);
        goOut(reason);
        cache.clock.advance(Duration.ofDays(6));
        Answer<ManifestBytes> answer = repository.manifest(TAG);
        assertThat(answer.verdict()).isEqualTo(Verdict.STALE);
        assertThat(answer.outage()).hasValue("registry.test is out");
        assertThat(answer.content().array()).isEqualTo(first.array());
    }

    @Test
    void outageServesNothingThatIsTooOld() throws IOException {
        repository.manifest(TAG);
        goOut(OutageException.Reason.TIMEOUT);
        cache.clock.advance(Duration.ofDays(8));
        assertThatThrownBy(() -> repository.manifest(TAG)).isInstanceOf(OutageException.class);
    }

    @Test
    void outageWithNothingKeptIsAnError() {
        goOut(OutageException.Reason.DNS);
        assertThatThrownBy(() -> repository.manifest(TAG)).isInstanceOf(OutageException.class);
    }

    @Test
    void notFoundIsAnAnswerAndForgetsTheTag() throws IOException {
        repository.manifest(TAG);
        upstream.manifests.remove(TAG);
        cache.clock.advance(Duration.ofMinutes(2));
        assertThatThrownBy(() -> repository.manifest(TAG)).isInstanceOf(NotFoundException.class);
        goOut(OutageException.Reason.UNREACHABLE);
        assertThatThrownBy(() -> repository.manifest(TAG)).isInstanceOf(OutageException.class);
    }

    @Test
    void unauthorizedIsAnAnswer() throws IOException {
        repository.manifest(TAG);
        upstream.outage = Optional.of(new UnauthorizedException(401, "no"));
        cache.clock.advance(Duration.ofMinutes(2));
        assertThatThrownBy(() -> repository.manifest(TAG)).isInstanceOf(UnauthorizedException.class);
    }

    @Test
    void oneCheckIsSharedByAllWhoWait() throws Exception {
        upstream.manifestPermits = new Semaphore(0);
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Answer<ManifestBytes>>> clients = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                clients.add(threads.submit(() -> repository.manifest(TAG)));
            }
            while (upstream.count("GET v1") == 0) {
                Thread.onSpinWait();
            }
            upstream.manifestPermits.release(1);
            for (Future<Answer<ManifestBytes>> client : clients) {
                assertThat(client.get(10, TimeUnit.SECONDS).content().array()).isEqualTo(first.array());
            }
        }
        assertThat(upstream.count("GET v1")).isEqualTo(1);
    }

    @Test
    void hitByDigestAsksNobody() throws IOException {
        repository.manifest(first.digest());
        upstream.asked.clear();
        cache.clock.advance(Duration.ofDays(300));
        assertThat(repository.manifest(first.digest()).verdict()).isEqualTo(Verdict.HIT);
        assertThat(upstream.asked).isEmpty();
    }

    @Test
    void manifestOfAnotherRepositoryIsServedOnlyAfterProof() throws IOException {
        repository.manifest(first.digest());
        FakeUpstream other = new FakeUpstream("registry.test/team/other");
        assertThatThrownBy(() -> cache.repository(other).manifest(first.digest()))
                .isInstanceOf(NotFoundException.class);
        assertThat(other.asked).as("denied twice").containsExactly("HEAD " + first.digest(), "GET " + first.digest());
        other.asked.clear();
        other.tag("x", first);
        assertThat(cache.repository(other).manifest(first.digest()).verdict()).isEqualTo(Verdict.REVALIDATED);
        assertThat(other.count("GET")).isZero();
        assertThat(cache.repository(other).manifest(first.digest()).verdict()).isEqualTo(Verdict.HIT);
    }

    @Test
    void tagsSurviveARestart() throws IOException {
        repository.manifest(TAG);
        cache.close();
        cache = new CacheFixture(directory);
        goOut(OutageException.Reason.UNREACHABLE);
        repository = cache.repository(upstream);
        assertThat(repository.manifest(TAG).verdict()).isEqualTo(Verdict.HIT);
        cache.clock.advance(Duration.ofHours(1));
        assertThat(repository.manifest(TAG).verdict()).isEqualTo(Verdict.STALE);
        assertThat(repository.manifest(first.digest()).verdict()).isEqualTo(Verdict.HIT);
    }

    @Test
    void referrersAreServedStaleAndNeverFalselyEmpty() throws IOException {
        Referrers list = new Referrers(Referrers.Origin.API, List.of(first.descriptor()));
        upstream.referrers.put(first.digest(), list);
        assertThat(repository.referrers(first.digest()).content()).isEqualTo(list);
        goOut(OutageException.Reason.SERVER_ERROR);
        assertThat(repository.referrers(first.digest()).verdict()).isEqualTo(Verdict.HIT);
        cache.clock.advance(Duration.ofHours(1));
        Answer<Referrers> stale = repository.referrers(first.digest());
        assertThat(stale.verdict()).isEqualTo(Verdict.STALE);
        assertThat(stale.content()).isEqualTo(list);
        ManifestBytes other = CacheFixture.image(upstream, new byte[] {7});
        assertThatThrownBy(() -> repository.referrers(other.digest())).isInstanceOf(OutageException.class);
    }

    @Test
    void tagListIsServedStale() throws IOException {
        upstream.tag("a", first);
        assertThat(repository.tags().content()).containsExactly(new Tag("a"), TAG);
        goOut(OutageException.Reason.RATE_LIMITED);
        cache.clock.advance(Duration.ofHours(1));
        assertThat(repository.tags().verdict()).isEqualTo(Verdict.STALE);
    }

    @Test
    void clockThatWasSetBackMakesNothingFresh() throws IOException {
        repository.manifest(TAG);
        cache.clock.advance(Duration.ofDays(-1));
        assertThat(repository.manifest(TAG).verdict()).isEqualTo(Verdict.REVALIDATED);
    }

    @Test
    void repositoryWithFallbackTagsShowsTheReferrersApiForEverySubject() throws IOException {
        Digest subject = first.digest();
        upstream.tag(subject.referrersTag().value(), first);
        ManifestBytes leaf = CacheFixture.image(upstream, new byte[] {9});
        assertThat(repository.referrers(leaf.digest()).content())
                .isEqualTo(new Referrers(Referrers.Origin.FALLBACK_TAG, List.of()));
    }

    @Test
    void repositoryWithoutFallbackTagsShowsNoReferrersApi() throws IOException {
        repository.manifest(TAG);
        assertThat(repository.referrers(first.digest()).content().origin()).isEqualTo(Referrers.Origin.NONE);
        assertThat(upstream.count("TAGS")).isEqualTo(1);
        cache.clock.advance(Duration.ofMinutes(5));
        assertThat(repository.referrers(first.digest()).content().origin()).isEqualTo(Referrers.Origin.NONE);
        assertThat(upstream.count("TAGS")).isEqualTo(1);
    }

    @Test
    void subjectWithoutReferrersIsEmptyOnceAnotherHadAFallbackTag() throws IOException {
        Referrers list = new Referrers(Referrers.Origin.FALLBACK_TAG, List.of(first.descriptor()));
        ManifestBytes leaf = CacheFixture.image(upstream, new byte[] {9});
        upstream.referrers.put(first.digest(), list);
        repository.referrers(first.digest());
        assertThat(repository.referrers(leaf.digest()).content().origin()).isEqualTo(Referrers.Origin.FALLBACK_TAG);
        assertThat(upstream.count("TAGS")).isZero();
    }

    @Test
    void whatWasDeniedDoesNotComeBackInTheNextOutage() throws IOException {
        upstream.referrers.put(first.digest(), new Referrers(Referrers.Origin.API, List.of(first.descriptor())));
        repository.manifest(TAG);
        repository.tags();
        repository.referrers(first.digest());
        cache.clock.advance(Duration.ofHours(1));
        upstream.outage = Optional.of(new UnauthorizedException(401, "no"));
        assertThatThrownBy(() -> repository.manifest(TAG)).isInstanceOf(UnauthorizedException.class);
        assertThatThrownBy(() -> repository.tags()).isInstanceOf(UnauthorizedException.class);
        assertThatThrownBy(() -> repository.referrers(first.digest())).isInstanceOf(UnauthorizedException.class);
        goOut(OutageException.Reason.UNREACHABLE);
        assertThatNothingIsServed();
        cache.close();
        open(upstream);
        assertThatNothingIsServed();
    }

    private void assertThatNothingIsServed() {
        assertThatThrownBy(() -> repository.manifest(TAG)).isInstanceOf(OutageException.class);
        assertThatThrownBy(() -> repository.tags()).isInstanceOf(OutageException.class);
        assertThatThrownBy(() -> repository.referrers(first.digest())).isInstanceOf(OutageException.class);
    }

    private void askBehind() throws IOException {
        int asked = upstream.asked.size();
        do {
            // A check that was still under way may just have put the next one off.
            cache.clock.advance(Duration.ofHours(1));
            assertThat(repository.manifest(TAG).verdict()).isEqualTo(Verdict.HIT);
        } while (upstream.asked.size() == asked);
    }

    @Test
    void rightsThatHaveEndedTakeNothingAwayThatIsServedBeforeAnybodyIsAsked() throws IOException {
        repository.manifest(TAG);
        cache.rule = CacheFixture.with(CacheFixture.SETTINGS, Duration.ZERO, CacheSettings.FOREVER, false);
        upstream.outage = Optional.of(new UnauthorizedException(401, "the robot account has expired"));
        for (int i = 0; i < 3; i++) {
            askBehind();
        }
        upstream.outage = Optional.empty();
        upstream.manifests.remove(TAG);
        // Kept until it has been asked behind one of these.
        assertThatThrownBy(() -> {
                    while (true) {
                        // A check that was still under way may just have put the next one off.
                        cache.clock.advance(Duration.ofHours(1));
                        repository.manifest(TAG);
                    }
                })
                .isInstanceOf(NotFoundException.class);
    }

    @Test
    void whatAnUpstreamHidesFromOneCredentialIsNotTakenFromOthers() throws IOException {
        repository.manifest(TAG);
        FakeUpstream hiding = new FakeUpstream("registry.test/team/app");
        cache.clock.advance(Duration.ofMinutes(2));
        assertThatThrownBy(() -> cache.cache.repositoryFor("mallory", hiding).manifest(TAG))
                .isInstanceOf(NotFoundException.class);
        goOut(OutageException.Reason.UNREACHABLE);
        assertThat(repository.manifest(TAG).verdict()).isEqualTo(Verdict.STALE);
    }

    @Test
    void newTagOfWhatIsKeptCostsNoPullWherePullsAreCounted() throws IOException {
        upstream.countsPulls = true;
        FakeUpstream other = new FakeUpstream("registry.test/team/other");
        other.countsPulls = true;
        repository.manifest(first.digest());
        upstream.asked.clear();
        for (FakeUpstream each : List.of(upstream, other)) {
            each.tag("new", first);
            Answer<ManifestBytes> answer = cache.repository(each).manifest(new Tag("new"));
            assertThat(answer.content().array()).isEqualTo(first.array());
            assertThat(answer.verdict()).isEqualTo(Verdict.REVALIDATED);
            assertThat(each.asked).containsExactly("HEAD new");
            assertThat(cache.repository(each).manifest(first.digest()).verdict())
                    .isEqualTo(Verdict.HIT);
        }
    }

    @Test
    void newTagOfWhatIsNotKeptIsFetchedByTheDigestThatItNames() throws IOException {
        upstream.countsPulls = true;
        assertThat(repository.manifest(TAG).verdict()).isEqualTo(Verdict.MISS);
        assertThat(upstream.asked).containsExactly("HEAD v1", "GET " + first.digest());
        assertThat(repository.manifest(TAG).verdict()).isEqualTo(Verdict.HIT);
    }

    @Test
    void newTagThatMovesBetweenHeadAndGetIsAskedForByItself() throws IOException {
        upstream.countsPulls = true;
        upstream.manifests.remove(first.digest());
        assertThat(repository.manifest(TAG).content().digest()).isEqualTo(first.digest());
    }

    /**
     * Where no pull is left, the HEAD that says so is free, but need not be repeated for as long as the tag is fresh.
     */
    @Test
    void newTagForWhichNoPullIsLeftIsNotResolvedWithEachRequest() {
        upstream.countsPulls = true;
        upstream.failing = "GET " + first.digest();
        for (int i = 0; i < 5; i++) {
            assertThatThrownBy(() -> repository.manifest(TAG)).isInstanceOf(OutageException.class);
        }
        assertThat(upstream.count("HEAD")).isEqualTo(1);
    }

    @Test
    void movedTagOfWhatIsKeptForAnotherRepositoryIsNotFetched() throws IOException {
        repository.manifest(TAG);
        FakeUpstream other = new FakeUpstream("registry.test/team/other");
        ManifestBytes second = CacheFixture.image(other, new byte[] {2});
        cache.repository(other).manifest(second.digest());
        upstream.tag("v1", second);
        upstream.reserved = Optional.of(new OutageException(OutageException.Reason.QUOTA, "few pulls are left"));
        upstream.asked.clear();
        cache.clock.advance(Duration.ofMinutes(2));
        assertThat(repository.manifest(TAG).content().digest()).isEqualTo(second.digest());
        assertThat(upstream.asked).containsExactly("HEAD v1");
        assertThat(repository.manifest(second.digest()).verdict()).isEqualTo(Verdict.HIT);
    }

    @Test
    void tagThatIsOfflineIsNotAskedForByTheDigestThatItNamed() throws IOException {
        repository.manifest(TAG);
        loseManifests();
        cache.tagRule = Optional.of(CacheFixture.with(CacheFixture.SETTINGS, Duration.ZERO, Duration.ZERO, true));
        upstream.asked.clear();
        cache.clock.advance(Duration.ofSeconds(1));
        assertThatThrownBy(() -> repository.manifest(TAG)).hasMessageContaining("it is offline by");
        cache.tagRule = Optional.of(CacheFixture.with(CacheFixture.SETTINGS, Duration.ofNanos(1), Duration.ZERO, true));
        assertThatThrownBy(() -> repository.manifest(TAG)).hasMessageContaining("it is offline by");
        assertThat(upstream.asked).isEmpty();
        cache.rule = cache.tagRule.get();
        cache.tagRule = Optional.of(CacheFixture.SETTINGS);
        cache.clock.advance(Duration.ofMinutes(2));
        assertThat(repository.manifest(TAG).content().digest()).isEqualTo(first.digest());
    }

    @Test
    void blobWhoseSizeIsDeniedIsStillFetched() throws IOException {
        Digest blob = upstream.addBlob(new byte[] {5, 6});
        cache.rule = CacheFixture.remembering();
        upstream.deniesSizes = true;
        assertThatThrownBy(() -> repository.statBlob(blob)).isInstanceOf(NotFoundException.class);
        assertThat(CacheFixture.readAll(repository, blob)).containsExactly(5, 6);
    }

    @Test
    void sizeOfAProvedBlobIsThatOfItsFile() throws IOException {
        byte[] bytes = CacheFixture.randomBytes(5000, 3);
        Digest blob = upstream.addBlob(bytes);
        CacheFixture.readAll(repository, blob);
        cache.awaitIdle();
        FakeUpstream other = new FakeUpstream("registry.test/team/other");
        other.addBlob(bytes);
        other.statesZero = true;
        assertThat(CacheFixture.readAll(cache.repository(other), blob)).isEqualTo(bytes);
        assertThat(cache.evictor.evict(blob)).isPresent();
        assertThat(CacheFixture.readAll(cache.repository(other), blob)).isEqualTo(bytes);
    }

    @Test
    void immutableTagWhoseManifestIsLostStaysWhatItWasWhileTheUpstreamHasIt() throws IOException {
        repository.manifest(TAG);
        ManifestBytes second = CacheFixture.image(upstream, new byte[] {2});
        upstream.tag("v1", second);
        loseManifests();
        cache.rule = CacheSettings.defaults(CacheSettings.FOREVER, Duration.ofDays(7), Duration.ofMinutes(1));
        upstream.asked.clear();
        assertThat(repository.manifest(TAG).content().digest()).isEqualTo(first.digest());
        assertThat(upstream.asked).containsExactly("GET " + first.digest());

        loseManifests();
        cache.rule = CacheSettings.defaults(CacheSettings.FOREVER, Duration.ofDays(7), Duration.ofMinutes(1));
        upstream.manifests.remove(first.digest());
        assertThat(repository.manifest(TAG).content().digest()).isEqualTo(second.digest());
    }

    private void loseManifests() throws IOException {
        cache.store.deleteManifest(first.digest());
        cache.close();
        open(upstream);
    }

    private void open(FakeUpstream same) throws IOException {
        cache = new CacheFixture(directory);
        repository = cache.repository(same);
    }

    @Test
    void aRequestThatIsAnsweredShowsThatTheUpstreamSpeaksThoughTheQuestionTakesAnother() throws Exception {
        upstream.tag("v2", first);
        repository.manifest(TAG);
        repository.manifest(new Tag("v2"));
        cache.rule = CacheFixture.SETTINGS.withCheckDeadline(Duration.ofMinutes(10));
        cache.clock.advance(Duration.ofMinutes(2));
        upstream.outage = Optional.of(
                new OutageException(OutageException.Reason.TIMEOUT, "nothing came", new SocketTimeoutException()));
        assertThat(repository.manifest(TAG).verdict()).isEqualTo(Verdict.STALE);

        upstream.outage = Optional.empty();
        upstream.namePermits = new Semaphore(0);
        upstream.manifestPermits = new Semaphore(0);
        upstream.tag("v1", CacheFixture.image(upstream, new byte[] {2}));
        long asked = upstream.count("GET");
        assertThat(repository.manifest(TAG).verdict()).isEqualTo(Verdict.STALE);
        upstream.namePermits.release(1);
        while (upstream.count("GET") == asked) {
            Thread.onSpinWait();
        }
        upstream.namePermits.release(1);
        assertThat(repository.manifest(new Tag("v2")).verdict()).isEqualTo(Verdict.REVALIDATED);
        upstream.manifestPermits.release(1);
    }

    @Test
    void whatATagNamedIsRememberedAlsoWhenTwoFindItMovedAtTheSameTime() throws Exception {
        repository.manifest(TAG);
        cache.clock.advance(Duration.ofMinutes(2));
        FakeUpstream replicated = new FakeUpstream("registry.test/team/app");
        ManifestBytes second = CacheFixture.image(replicated, new byte[] {2});
        replicated.tag("v1", second);
        ManifestBytes third = CacheFixture.image(upstream, new byte[] {3});
        upstream.tag("v1", third);
        upstream.namePermits = new Semaphore(0);
        upstream.asked.clear();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<Answer<ManifestBytes>> slow = threads.submit(() -> repository.manifest(TAG));
            while (upstream.count("HEAD") == 0) {
                Thread.onSpinWait();
            }
            cache.cache.alwaysAsking(replicated).manifest(TAG);
            upstream.namePermits.release(10);
            assertThat(slow.get(20, TimeUnit.SECONDS).content().digest()).isEqualTo(third.digest());
        }
        assertThat(cache.index.tags().get(upstream.repository(), TAG).map(TagRecord::digest))
                .contains(third.digest());
        assertThat(cache.index.tags().history(upstream.repository(), TAG).former())
                .extracting(TagHistory.Former::digest)
                .containsExactly(first.digest(), second.digest());
    }
}
