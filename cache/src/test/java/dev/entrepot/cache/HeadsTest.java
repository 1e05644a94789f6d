package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What is asked of an upstream for who wants to know what a tag or digest names, and what is made of its answers to
 * HEAD.
 */
@Timeout(30)
class HeadsTest {
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
        upstream.countsPulls = true;
        repository = cache.repository(upstream);
        first = CacheFixture.image(upstream, new byte[] {1});
        upstream.tag("v1", first);
    }

    @AfterEach
    void close() throws IOException {
        cache.close();
    }

    @Test
    void tagAndDigestAreDescribedByHeadWherePullsAreCounted() throws IOException {
        Answer<Descriptor> byTag = repository.describe(TAG);
        assertThat(byTag.content()).isEqualTo(first.descriptor());
        assertThat(byTag.verdict()).isEqualTo(Verdict.MISS);
        assertThat(repository.describe(first.digest()).content()).isEqualTo(first.descriptor());
        assertThat(upstream.asked).containsExactly("HEAD v1", "HEAD " + first.digest());
    }

    @Test
    void theyAreFetchedWherePullsAreNotCountedForWhoComesBackForThem() throws IOException {
        upstream.countsPulls = false;
        repository.describe(TAG);
        upstream.asked.clear();
        assertThat(repository.manifest(first.digest()).verdict()).isEqualTo(Verdict.HIT);
        assertThat(repository.describe(TAG).verdict()).isEqualTo(Verdict.HIT);
        assertThat(repository.describe(first.digest()).verdict()).isEqualTo(Verdict.HIT);
        assertThat(upstream.asked).isEmpty();
    }

    @Test
    void whatIsKeptIsDescribedAsItIsServed() throws IOException {
        repository.manifest(TAG);
        upstream.asked.clear();
        assertThat(repository.describe(TAG).verdict()).isEqualTo(Verdict.HIT);
        assertThat(repository.describe(first.digest()).verdict()).isEqualTo(Verdict.HIT);
        assertThat(upstream.asked).isEmpty();
        cache.clock.advance(Duration.ofMinutes(2));
        assertThat(repository.describe(TAG).verdict()).isEqualTo(Verdict.REVALIDATED);
        assertThat(upstream.asked).containsExactly("HEAD v1");
        assertThat(repository.manifest(TAG).verdict()).as("renewed by that").isEqualTo(Verdict.HIT);
    }

    private ManifestBytes move() throws IOException {
        repository.manifest(TAG);
        ManifestBytes second = CacheFixture.image(upstream, new byte[] {2});
        upstream.tag("v1", second);
        cache.clock.advance(Duration.ofMinutes(2));
        upstream.asked.clear();
        return second;
    }

    @Test
    void tagThatIsKeptAndHasMovedIsFetchedOnceAndStaysWhatItWasSaidToBe() throws IOException {
        ManifestBytes second = move();
        Answer<Descriptor> described = repository.describe(TAG);
        assertThat(described.content()).isEqualTo(second.descriptor());
        assertThat(described.verdict()).isEqualTo(Verdict.MISS);
        for (int i = 0; i < 3; i++) {
            cache.clock.advance(Duration.ofMinutes(2));
            assertThat(repository.describe(TAG).verdict()).isEqualTo(Verdict.REVALIDATED);
        }
        assertThat(upstream.count("GET ")).isEqualTo(1);
        assertThat(upstream.asked).contains("GET " + second.digest());
        cache.clock.advance(Duration.ofMinutes(2));
        upstream.outage = outage();
        assertThat(repository.describe(TAG).content()).isEqualTo(second.descriptor());
        assertThat(repository.describe(TAG).verdict()).isEqualTo(Verdict.STALE);
        assertThat(repository.manifest(TAG).content().digest()).isEqualTo(second.digest());
    }

    @Test
    void onePullBringsInWhatATagHasMovedToForAllWhoAskMeanwhile() throws Exception {
        ManifestBytes second = move();
        upstream.manifestPermits = new Semaphore(0);
        List<Future<Digest>> answers = new ArrayList<>();
        try (ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 4; i++) {
                answers.add(
                        clients.submit(() -> repository.describe(TAG).content().digest()));
                answers.add(
                        clients.submit(() -> repository.manifest(TAG).content().digest()));
            }
            upstream.manifestPermits.release(8);
        }
        for (Future<Digest> answer : answers) {
            assertThat(answer.get()).isEqualTo(second.digest());
        }
        assertThat(upstream.count("GET ")).isEqualTo(1);
    }

    @Test
    void tagThatHasMovedToWhatCannotBeHadIsDescribedAsAGetGivesIt() throws IOException {
        ManifestBytes second = move();
        upstream.failing = "GET " + second.digest();
        assertThat(repository.describe(TAG).content()).isEqualTo(first.descriptor());
        assertThat(repository.describe(TAG).verdict()).isEqualTo(Verdict.STALE);
        assertThat(repository.manifest(TAG).content().digest()).isEqualTo(first.digest());
        cache.rule = CacheFixture.with(CacheFixture.SETTINGS, Map.of());
        assertThat(repository.describe(TAG).content())
                .as("where a GET gets nothing")
                .isEqualTo(second.descriptor());
    }

    @Test
    void tagThatHasMovedIsDescribedAndNotFetchedWherePullsAreReservedAndNothingStandsIn() throws IOException {
        ManifestBytes second = move();
        cache.rule = CacheFixture.with(CacheFixture.SETTINGS, Map.of());
        upstream.reserved = Optional.of(new OutageException(OutageException.Reason.QUOTA, "few pulls are left"));
        assertThat(repository.describe(TAG).content()).isEqualTo(second.descriptor());
        assertThat(upstream.asked).containsExactly("HEAD v1");
    }

    @Test
    void tagThatHasMovedIsDescribedAsAGetGivesItWherePullsAreReserved() throws IOException {
        repository.manifest(TAG);
        upstream.tag("v1", CacheFixture.image(upstream, new byte[] {2}));
        upstream.reserved = Optional.of(new OutageException(OutageException.Reason.QUOTA, "few pulls are left"));
        cache.clock.advance(Duration.ofMinutes(2));
        Answer<Descriptor> described = repository.describe(TAG);
        assertThat(described.content()).isEqualTo(first.descriptor());
        assertThat(described.verdict()).isEqualTo(Verdict.STALE);
        assertThat(repository.manifest(TAG).content().digest()).isEqualTo(first.digest());
    }

    @Test
    void tagWhoseBytesARuleNeedsIsFetched() throws IOException {
        cache.tagRule =
                Optional.of(CacheFixture.with(CacheFixture.SETTINGS, Duration.ZERO, Duration.ofHours(1), false));
        repository.describe(TAG);
        assertThat(upstream.asked).contains("GET " + first.digest());
    }

    @Test
    void tagThatHeadHasFoundIsServedThoughItsAbsenceWasRemembered() throws IOException {
        cache.rule = CacheFixture.remembering();
        upstream.manifests.remove(TAG);
        assertThatThrownBy(() -> repository.manifest(TAG)).isInstanceOf(NotFoundException.class);
        upstream.tag("v1", first);
        assertThatThrownBy(() -> repository.manifest(TAG)).as("remembered").isInstanceOf(NotFoundException.class);
        assertThat(repository.describe(TAG).content()).isEqualTo(first.descriptor());
        assertThat(repository.manifest(TAG).content().digest()).isEqualTo(first.digest());
    }

    @Test
    void headOfWhatIsKeptIsAUseOfIt() throws IOException {
        repository.manifest(TAG);
        cache.clock.advance(Duration.ofMinutes(2));
        repository.describe(TAG);
        assertThat(cache.index
                        .contents()
                        .candidate(first.digest())
                        .orElseThrow()
                        .lastUsed())
                .isEqualTo(cache.clock.instant());
    }

    @Test
    void tagThatIsGoneIsForgotten() throws IOException {
        repository.manifest(TAG);
        upstream.manifests.remove(TAG);
        cache.clock.advance(Duration.ofMinutes(2));
        upstream.asked.clear();
        assertThatThrownBy(() -> repository.describe(TAG)).isInstanceOf(NotFoundException.class);
        assertThat(upstream.asked).as("believed, where a GET costs a pull").containsExactly("HEAD v1");
        upstream.outage = Optional.of(new OutageException(OutageException.Reason.UNREACHABLE, "registry.test is out"));
        assertThatThrownBy(() -> repository.manifest(TAG)).isInstanceOf(OutageException.class);
    }

    /** As a proxy registry that knows of manifests only while it holds them. */
    @Test
    void tagThatIsDeniedByHeadAndSentIsKept() throws IOException {
        upstream.countsPulls = false;
        repository.manifest(TAG);
        upstream.deniesNames = true;
        for (int i = 0; i < 3; i++) {
            cache.clock.advance(Duration.ofMinutes(2));
            upstream.asked.clear();
            assertThat(repository.manifest(TAG).verdict()).isEqualTo(Verdict.REVALIDATED);
            assertThat(upstream.asked).containsExactly("HEAD v1", "GET v1");
        }
        assertThat(repository.resolve(TAG)).as("for replication").contains(first.descriptor());
        ManifestBytes second = CacheFixture.image(upstream, new byte[] {2});
        upstream.tag("v1", second);
        cache.clock.advance(Duration.ofMinutes(2));
        assertThat(repository.manifest(TAG).content().digest()).isEqualTo(second.digest());
        upstream.manifests.remove(TAG);
        cache.clock.advance(Duration.ofMinutes(2));
        assertThatThrownBy(() -> repository.manifest(TAG)).isInstanceOf(NotFoundException.class);
        assertThat(repository.resolve(TAG)).isEmpty();
    }

    @Test
    void tagThatIsDeniedByHeadIsKeptUnderAMinimumAgeToo() throws IOException {
        upstream.countsPulls = false;
        cache.tagRule = Optional.of(CacheFixture.with(CacheFixture.SETTINGS, Duration.ofDays(1), Duration.ZERO, false));
        assertThatThrownBy(() -> repository.manifest(TAG)).hasMessageContaining("too young");
        cache.clock.advance(Duration.ofDays(2));
        assertThat(repository.manifest(TAG).content().digest()).isEqualTo(first.digest());
        upstream.deniesNames = true;
        cache.clock.advance(Duration.ofMinutes(2));
        assertThat(repository.manifest(TAG).content().digest()).isEqualTo(first.digest());
    }

    @Test
    void digestThatIsDeniedByHeadAndSentIsProved() throws IOException {
        upstream.countsPulls = false;
        repository.manifest(first.digest());
        FakeUpstream other = new FakeUpstream("registry.test/team/other");
        other.deniesNames = true;
        other.tag("x", first);
        assertThat(cache.repository(other).manifest(first.digest()).verdict()).isEqualTo(Verdict.REVALIDATED);
        assertThat(other.asked).containsExactly("HEAD " + first.digest(), "GET " + first.digest());
    }

    private static Optional<IOException> outage() {
        return Optional.of(new OutageException(OutageException.Reason.UNREACHABLE, "registry.test is out"));
    }

    private Explanation.Outcome explained() {
        return repository.explain(TAG).down().get(StaleCause.UNREACHABLE);
    }

    @Test
    void tagThatIsKnownByNameIsDescribedInAnOutageAndNotServed() throws IOException {
        repository.describe(TAG);
        cache.clock.advance(Duration.ofMinutes(2));
        assertThat(explained())
                .isInstanceOfSatisfying(
                        Explanation.Outcome.Failed.class,
                        failed -> assertThat(failed.head())
                                .contains(new Explanation.Outcome.Served(Verdict.STALE, Optional.of(first.digest()))));
        upstream.outage = outage();
        Answer<Descriptor> described = repository.describe(TAG);
        assertThat(described.content()).isEqualTo(first.descriptor());
        assertThat(described.verdict()).isEqualTo(Verdict.STALE);
        assertThat(described.age()).isEqualTo(Duration.ofMinutes(2));
        assertThat(described.outage().orElseThrow()).contains("registry.test is out");
        assertThatThrownBy(() -> repository.manifest(TAG)).isInstanceOf(OutageException.class);
        assertThatThrownBy(() -> repository.manifest(first.digest())).isInstanceOf(OutageException.class);
        assertThatThrownBy(() -> repository.describe(first.digest())).isInstanceOf(OutageException.class);

        cache.clock.advance(Duration.ofDays(7));
        assertThatThrownBy(() -> repository.describe(TAG)).isInstanceOf(OutageException.class);
        assertThat(explained())
                .isInstanceOfSatisfying(
                        Explanation.Outcome.Failed.class,
                        failed -> assertThat(failed.head()).isEmpty());
    }

    @Test
    void tagThatIsKnownByNameIsDescribedWhereItIsNotKnownAnyMoreThatPullsAreCounted() throws IOException {
        repository.describe(TAG);
        cache.clock.advance(Duration.ofMinutes(2));
        upstream.countsPulls = false;
        upstream.outage = outage();
        assertThat(repository.describe(TAG).content()).isEqualTo(first.descriptor());
        assertThat(repository.describe(TAG).verdict()).isEqualTo(Verdict.STALE);
    }

    @Test
    void tagThatIsKnownByNameIsAskedForAsLongAsTheUpstreamAnswers() throws IOException {
        repository.describe(TAG);
        upstream.asked.clear();
        assertThat(repository.describe(TAG).verdict()).isEqualTo(Verdict.MISS);
        assertThat(upstream.asked).containsExactly("HEAD v1");
    }

    /** As a rule may allow of what is kept. */
    @Test
    void tagThatIsKnownByNameAndGoneIsNeverDescribed() throws IOException {
        Map<StaleCause, Duration> evenDeleted = new EnumMap<>(CacheFixture.SETTINGS.stale());
        evenDeleted.put(StaleCause.DELETED, Duration.ofDays(7));
        cache.rule = CacheFixture.with(CacheFixture.SETTINGS, evenDeleted);
        for (boolean counted : new boolean[] {true, false}) {
            upstream.countsPulls = true;
            upstream.tag("v1", first);
            repository.describe(TAG);
            upstream.countsPulls = counted;
            upstream.manifests.remove(TAG);
            upstream.manifests.remove(first.digest());
            assertThatThrownBy(() -> repository.describe(TAG)).isInstanceOf(NotFoundException.class);
            upstream.outage = outage();
            assertThatThrownBy(() -> repository.describe(TAG)).isInstanceOf(OutageException.class);
            upstream.outage = Optional.empty();
        }
    }

    @Test
    void tagThatIsKnownByNameIsNotDescribedUnderAMinimumAge() throws IOException {
        repository.describe(TAG);
        cache.clock.advance(Duration.ofDays(2));
        cache.tagRule = Optional.of(CacheFixture.with(CacheFixture.SETTINGS, Duration.ofDays(1), Duration.ZERO, false));
        upstream.outage = outage();
        assertThatThrownBy(() -> repository.describe(TAG)).isInstanceOf(OutageException.class);
    }

    @Test
    void tagThatIsKnownByNameIsDescribedWhereTheUpstreamIsNeverAsked() throws IOException {
        repository.describe(TAG);
        upstream.asked.clear();
        cache.rule = CacheFixture.with(CacheFixture.SETTINGS, Duration.ZERO, Duration.ZERO, true);
        assertThat(repository.describe(TAG).verdict()).isEqualTo(Verdict.STALE);
        assertThatThrownBy(() -> repository.manifest(TAG)).isInstanceOf(OutageException.class);
        assertThat(repository.explain(TAG).up())
                .isInstanceOfSatisfying(
                        Explanation.Outcome.Failed.class,
                        failed -> assertThat(failed.head()).isPresent());
        assertThat(upstream.asked).isEmpty();
    }

    @Test
    void tagThatIsKnownByNameIsDescribedAfterTheDeadlineOfAnUpstreamThatSaysNothing() throws IOException {
        repository.describe(TAG);
        cache.rule = CacheFixture.SETTINGS.withCheckDeadline(Duration.ofMillis(50));
        upstream.namePermits = new Semaphore(0);
        assertThat(repository.describe(TAG).verdict()).isEqualTo(Verdict.STALE);
        upstream.namePermits.release();
    }

    @Test
    void nameIsDescribedAfterTheIndexWasOpenedAgain() throws IOException {
        repository.describe(TAG);
        cache.close();
        cache = new CacheFixture(directory);
        repository = cache.repository(upstream);
        upstream.outage = outage();
        assertThat(repository.describe(TAG).content()).isEqualTo(first.descriptor());
    }
}
