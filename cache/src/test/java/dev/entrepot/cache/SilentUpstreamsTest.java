package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.OutageException.Reason;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.UnauthorizedException;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Who waits for an upstream that says nothing. The deadline is longer than the test may take. Long, because each way to
 * fall silent, to answer again and to ask is one case over the same upstream and clock.
 */
@Timeout(30)
class SilentUpstreamsTest {
    private static final Duration DEADLINE = Duration.ofMinutes(10);
    private static final Duration REQUEST = Duration.ofSeconds(10);
    private static final CacheSettings SETTINGS = CacheFixture.SETTINGS.withCheckDeadline(DEADLINE);

    private final AtomicLong nanos = new AtomicLong(-5);
    private final TestClock clock = new TestClock();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final Answering answering = new Answering(
            new SharedCalls<>(threads, Duration.ofMinutes(5), nanos::get),
            new NegativeAnswers(clock),
            new RuleCounters(),
            clock);
    private final CountDownLatch answered = new CountDownLatch(1);

    @AfterEach
    void stop() {
        answered.countDown();
        threads.close();
    }

    private Answer<String> whenItAnswers() {
        try {
            assertThat(answered.await(20, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return Answer.of("new", Verdict.MISS, Duration.ZERO);
    }

    private static Answer<String> atOnce() {
        return Answer.of("new", Verdict.MISS, Duration.ZERO);
    }

    private Answer<String> ask(String repository, String tag, Judgement.Window window, Answering.Asking<String> asking)
            throws IOException {
        return ask(SETTINGS, repository, tag, window, asking);
    }

    private Answer<String> ask(
            CacheSettings settings,
            String repository,
            String tag,
            Judgement.Window window,
            Answering.Asking<String> asking)
            throws IOException {
        return ask(settings, Readers.CLIENTS, repository, tag, window, asking);
    }

    private Answer<String> ask(
            CacheSettings settings,
            Readers readers,
            String repository,
            String tag,
            Judgement.Window window,
            Answering.Asking<String> asking)
            throws IOException {
        return answering.answer(
                new Question.ForManifest(Repository.parse(repository), new Tag(tag), readers),
                settings,
                Optional::empty,
                window,
                () -> Optional.of(new Kept<>("old", clock.instant().minusSeconds(100))),
                asking,
                denial -> {});
    }

    private Answer<String> wait(String repository, String tag, Answering.Asking<String> asking) throws IOException {
        return ask(repository, tag, Judgement.Window.ALWAYS_ASK, asking);
    }

    /** One has waited for the deadline, and the upstream has said nothing. */
    private void findSilent() throws IOException {
        Judgement.Window behind = new Judgement.Window(Duration.ZERO, CacheSettings.FOREVER);
        assertThat(ask("quiet.test/a", "1", behind, this::whenItAnswers).verdict())
                .isEqualTo(Verdict.HIT);
        nanos.addAndGet(DEADLINE.toNanos());
        assertThat(wait("quiet.test/a", "1", this::whenItAnswers).verdict()).isEqualTo(Verdict.STALE);
    }

    @Test
    void afterOneHasWaitedForTheDeadlineNobodyElseDoes() throws IOException {
        findSilent();
        for (int i = 2; i < 20; i++) {
            Answer<String> other = wait("quiet.test/b", "" + i, this::whenItAnswers);
            assertThat(other.verdict()).isEqualTo(Verdict.STALE);
        }
    }

    @Test
    void othersAreWaitedFor() throws IOException {
        findSilent();
        assertThat(wait("talking.test/a", "1", SilentUpstreamsTest::atOnce).content())
                .isEqualTo("new");
    }

    @Test
    void anAnswerToAnyQuestionEndsIt() throws IOException {
        findSilent();
        Question another = new Question.ForTags(Repository.parse("quiet.test/c"), Readers.CLIENTS);
        answering.shareRemembering(another, SETTINGS, SilentUpstreamsTest::atOnce);
        assertThat(wait("quiet.test/b", "2", SilentUpstreamsTest::atOnce).content())
                .isEqualTo("new");
        // Whoever joins the one that hangs still does not wait, and others still do.
        assertThat(wait("quiet.test/a", "1", this::whenItAnswers).verdict()).isEqualTo(Verdict.STALE);
        assertThat(wait("quiet.test/b", "3", SilentUpstreamsTest::atOnce).content())
                .isEqualTo("new");
    }

    @Test
    void theEndOfTheCallEndsIt() throws IOException {
        findSilent();
        answered.countDown();
        while (!wait("quiet.test/a", "1", SilentUpstreamsTest::atOnce).content().equals("new")) {
            Thread.onSpinWait();
        }
        assertThat(wait("quiet.test/b", "2", SilentUpstreamsTest::atOnce).content())
                .isEqualTo("new");
    }

    /** Somebody has waited to the end of a request, which failed so. */
    private void findOut(IOException failure) throws IOException {
        findOut("quiet.test/a", failure);
    }

    private void findOut(String repository, IOException failure) throws IOException {
        Answer<String> answer = wait(repository, "1", () -> {
            nanos.addAndGet(REQUEST.toNanos());
            throw failure;
        });
        assertThat(answer.verdict()).isEqualTo(Verdict.STALE);
    }

    private static OutageException timeOut() {
        return new OutageException(Reason.TIMEOUT, "nothing came", new SocketTimeoutException());
    }

    @Test
    void thatItLeftARequestWithoutAnAnswerIsRememberedBeyondItsEnd() throws Exception {
        findOut(timeOut());
        for (int i = 2; i < 20; i++) {
            // Each is asked about behind all the same.
            CountDownLatch asked = new CountDownLatch(1);
            Answer<String> other = wait("quiet.test/a", "" + i, () -> {
                asked.countDown();
                return whenItAnswers();
            });
            assertThat(other.verdict()).isEqualTo(Verdict.STALE);
            assertThat(asked.await(20, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(wait("talking.test/a", "1", SilentUpstreamsTest::atOnce).content())
                .isEqualTo("new");
    }

    @Test
    void repositoriesThatHangCostTheOthersNothingUntilThereAreFour() throws IOException {
        for (int i = 1; i < SilentUpstreams.ALL; i++) {
            findOut("quiet.test/" + i, timeOut());
            findOut("quiet.test/" + i, timeOut());
        }
        assertThatItIsWaitedFor("quiet.test/b");
        findOut("quiet.test/4", timeOut());
        assertThatItIsNotWaitedFor("quiet.test/b");
        findOut("quiet.test/5", timeOut());
        assertThatItIsNotWaitedFor("quiet.test/b");
        assertThatItIsNotWaitedFor("quiet.test/5");
    }

    @Test
    void whatIsLongAgoDoesNotCountAmongTheFour() throws IOException {
        findOut("quiet.test/1", timeOut());
        nanos.addAndGet(SilentUpstreams.MEMORY.toNanos());
        for (int i = 2; i <= SilentUpstreams.ALL; i++) {
            findOut("quiet.test/" + i, timeOut());
        }
        assertThatItIsWaitedFor("quiet.test/b");
    }

    // What is asked fails in a way that says nothing of the upstream.
    private void assertThatItIsWaitedFor(String repository) throws IOException {
        String why = wait(repository, "3", () -> {
                    throw new OutageException(Reason.NOT_ASKED, "waited for");
                })
                .outage()
                .orElseThrow();
        assertThat(why).isEqualTo("waited for");
    }

    private void assertThatItIsNotWaitedFor(String repository) throws IOException {
        assertThat(wait(repository, "2", this::whenItAnswers).verdict()).isEqualTo(Verdict.STALE);
    }

    @Test
    void whatIsNotKeptFindsThatOutToo() throws IOException {
        Question another = new Question.ForTags(Repository.parse("quiet.test/a"), Readers.CURRENT);
        assertThatThrownBy(() -> answering.shareRemembering(another, SETTINGS.alwaysAsking(), () -> {
                    throw timeOut();
                }))
                .isInstanceOf(OutageException.class);
        assertThat(wait("quiet.test/a", "2", this::whenItAnswers).verdict()).isEqualTo(Verdict.STALE);
    }

    @Test
    void whatBreaksOffAfterLongerThanAClientWaitsHasSaidNothingEither() throws IOException {
        for (Reason reason : List.of(Reason.UNREACHABLE, Reason.TLS, Reason.TOKEN_SERVICE)) {
            String host = reason.name().toLowerCase(Locale.ROOT).replace('_', '-') + ".test";
            wait(host + "/a", "1", () -> {
                nanos.addAndGet(DEADLINE.toNanos());
                throw new OutageException(reason, "broken off");
            });
            assertThat(wait(host + "/a", "2", this::whenItAnswers).verdict()).isEqualTo(Verdict.STALE);
        }
    }

    @Test
    void repetitionsOfTheClientAreNoSilenceHoweverShortTheDeadline() throws IOException {
        for (int millis : List.of(0, 50, 300)) {
            for (Reason reason : List.of(Reason.UNREACHABLE, Reason.TOKEN_SERVICE)) {
                failAfter(Duration.ofMillis(1500), Duration.ofMillis(millis), reason);
                assertThat(wait("quiet.test/a", "2", whenWaitedFor()).content()).isEqualTo("new");
            }
        }
    }

    @Test
    void whatBreaksOffAfterLongerThanTheClientRepeatsItHasSaidNothing() throws IOException {
        failAfter(SilentUpstreams.AT_ONCE, Duration.ofMillis(300), Reason.UNREACHABLE);
        assertThat(wait("quiet.test/a", "2", this::whenItAnswers).verdict()).isEqualTo(Verdict.STALE);
    }

    @Test
    void whatTheBackgroundWaitsForBeforeItSendsAnythingIsNoSilence() throws IOException {
        for (Readers readers : List.of(Readers.CURRENT, Readers.BEHIND)) {
            // After the answer to the one before.
            nanos.incrementAndGet();
            failAfter(REQUEST, Duration.ofMillis(300), Reason.UNREACHABLE, readers);
            assertThat(wait("quiet.test/a", "2", whenWaitedFor()).content()).isEqualTo("new");
        }
    }

    /** An export, say. */
    private Answer<String> askBehind(Judgement.Window window, Answering.Asking<String> asking) throws IOException {
        return ask(
                SETTINGS.withCheckDeadline(Duration.ofSeconds(1)), Readers.BEHIND, "quiet.test/a", "1", window, asking);
    }

    @Test
    void whatIsAskedBehindClientsHurriesNoneOfThemHoweverLongItHasWaitedForItsTurn() throws Exception {
        CountDownLatch asked = new CountDownLatch(1);
        Future<Answer<String>> export = threads.submit(() -> askBehind(Judgement.Window.ALWAYS_ASK, () -> {
            asked.countDown();
            return whenItAnswers();
        }));
        assertThat(asked.await(20, TimeUnit.SECONDS)).isTrue();
        nanos.addAndGet(DEADLINE.toNanos());
        assertThatItIsWaitedFor("quiet.test/b");
        assertThat(wait("quiet.test/a", "1", whenWaitedFor()).content())
                .as("the same question is asked for the client")
                .isEqualTo("new");
        answered.countDown();
        export.get(20, TimeUnit.SECONDS);
    }

    @Test
    void whoAsksBehindClientsWaitsForHisTurnLongerThanTheyWouldForAnAnswer() throws IOException {
        askBehind(new Judgement.Window(Duration.ZERO, CacheSettings.FOREVER), this::whenItAnswers);
        nanos.addAndGet(Duration.ofSeconds(2).toNanos());
        Thread export = Thread.currentThread();
        threads.submit(() -> {
            while (export.getState() == Thread.State.RUNNABLE) {
                Thread.onSpinWait();
            }
            answered.countDown();
        });
        assertThat(askBehind(Judgement.Window.ALWAYS_ASK, this::whenItAnswers).content())
                .isEqualTo("new");
    }

    @Test
    void whoAsksBehindClientsIsGivenWhatIsKeptBeforeHeGivesUp() throws IOException {
        assertThat(Answering.LONGEST_BEHIND).as("by default").isLessThan(Duration.ofMinutes(1));
        askBehind(new Judgement.Window(Duration.ZERO, CacheSettings.FOREVER), this::whenItAnswers);
        nanos.addAndGet(Answering.LONGEST_BEHIND.toNanos());

        assertThat(askBehind(Judgement.Window.ALWAYS_ASK, this::whenItAnswers).verdict())
                .isEqualTo(Verdict.STALE);
    }

    @Test
    void whoAsksBehindClientsDoesNotWaitForAnUpstreamThatIsKnownToBeSilent() throws IOException {
        findOut(timeOut());
        assertThat(askBehind(Judgement.Window.ALWAYS_ASK, this::whenItAnswers).verdict())
                .isEqualTo(Verdict.STALE);
    }

    private void failAfter(Duration time, Duration deadline, Reason reason) {
        failAfter(time, deadline, reason, Readers.CLIENTS);
    }

    private void failAfter(Duration time, Duration deadline, Reason reason, Readers readers) {
        Question another = new Question.ForTags(Repository.parse("quiet.test/a"), readers);
        assertThatThrownBy(() -> answering.shareRemembering(another, SETTINGS.withCheckDeadline(deadline), () -> {
                    nanos.addAndGet(time.toNanos());
                    throw new OutageException(reason, "broken off");
                }))
                .isInstanceOf(OutageException.class);
    }

    /** Answers as soon as this thread waits for it. */
    private static Answering.Asking<String> whenWaitedFor() {
        Thread client = Thread.currentThread();
        return () -> {
            while (client.getState() == Thread.State.RUNNABLE) {
                Thread.onSpinWait();
            }
            return atOnce();
        };
    }

    static List<IOException> answers() {
        return List.of(
                new NotFoundException(NotFoundException.Kind.MANIFEST, "404"),
                new UnauthorizedException(401, "401"),
                new RefusedException(400, "", "400"),
                new InvalidContentException("another digest"),
                new OutageException(Reason.SERVER_ERROR, "500"),
                new OutageException(Reason.RATE_LIMITED, "429"),
                new OutageException(Reason.TIMEOUT, "408"),
                new OutageException(Reason.UNREACHABLE, "connection refused"),
                new OutageException(Reason.DNS, "no such name"),
                new OutageException(Reason.TOKEN_SERVICE, "connection of the token service refused"));
    }

    @ParameterizedTest
    @MethodSource("answers")
    void whateverItAnswersAndThatItIsOutInPlaceOfSilentEndsThat(IOException answer) throws IOException {
        findOut(timeOut());
        Question another = new Question.ForTags(Repository.parse("quiet.test/c"), Readers.CLIENTS);
        assertThatThrownBy(() -> answering.shareRemembering(another, SETTINGS, () -> {
                    throw answer;
                }))
                .isSameAs(answer);
        assertThat(wait("quiet.test/a", "2", SilentUpstreamsTest::atOnce).content())
                .isEqualTo("new");
    }

    @Test
    void whatWasNotSentEndsNothing() throws IOException {
        findOut(timeOut());
        Question another = new Question.ForTags(Repository.parse("quiet.test/c"), Readers.CLIENTS);
        for (Reason reason : List.of(Reason.NOT_ASKED, Reason.QUOTA)) {
            assertThatThrownBy(() -> answering.shareRemembering(another, SETTINGS, () -> {
                        throw new OutageException(reason, "not sent");
                    }))
                    .isInstanceOf(OutageException.class);
        }
        assertThat(wait("quiet.test/a", "2", this::whenItAnswers).verdict()).isEqualTo(Verdict.STALE);
    }

    @Test
    void whatIsHeldBackAfterAnEarlier429EndsNothing() throws IOException {
        findOut(timeOut());
        OutageException held = OutageException.held("not sent", Duration.ofSeconds(30));
        Question another = new Question.ForTags(Repository.parse("quiet.test/c"), Readers.CLIENTS);
        assertThatThrownBy(() -> answering.shareRemembering(another, SETTINGS, () -> {
                    throw held;
                }))
                .isSameAs(held);
        assertThat(wait("quiet.test/a", "2", this::whenItAnswers).verdict()).isEqualTo(Verdict.STALE);
    }

    @Test
    void aSharedCallThatTookTooLongIsNoAnswerOf408() throws IOException {
        findOut(timeOut());
        SharedCalls<String, String> impatient = new SharedCalls<>(threads, Duration.ofMillis(1));
        Question another = new Question.ForTags(Repository.parse("quiet.test/c"), Readers.CLIENTS);
        assertThatThrownBy(() -> answering.shareRemembering(another, SETTINGS, () -> {
                    String never = impatient
                            .call("what it needs", () -> whenItAnswers().content())
                            .value();
                    return Answer.of(never, Verdict.MISS, Duration.ZERO);
                }))
                .isInstanceOf(OutageException.class);
        assertThat(wait("quiet.test/a", "2", this::whenItAnswers).verdict()).isEqualTo(Verdict.STALE);
    }

    @Test
    void whatWasNotSentIsNoSilence() throws IOException {
        for (Reason reason : List.of(Reason.NOT_ASKED, Reason.QUOTA)) {
            findOut(new OutageException(reason, "not sent"));
        }
        findOut(OutageException.held("not sent", Duration.ofSeconds(30)));
        assertThat(wait("quiet.test/a", "2", SilentUpstreamsTest::atOnce).content())
                .isEqualTo("new");
    }

    @Test
    void storageOfBlobsThatSaysNothingIsNotItsRegistry() throws IOException {
        Question blob = new Question.ForProof(
                Repository.parse("quiet.test/a"), Digest.sha256(new byte[0]), false, Readers.CLIENTS);
        assertThatThrownBy(() -> answering.shareRemembering(blob, SETTINGS, () -> {
                    throw timeOut();
                }))
                .isInstanceOf(OutageException.class);
        assertThat(wait("quiet.test/a", "2", SilentUpstreamsTest::atOnce).content())
                .isEqualTo("new");
    }

    static List<IOException> answersAboutBlobs() {
        return List.of(
                new NotFoundException(NotFoundException.Kind.BLOB, "404"),
                new RefusedException(400, "", "400"),
                new OutageException(Reason.SERVER_ERROR, "500"),
                new OutageException(Reason.UNREACHABLE, "connection refused"));
    }

    @ParameterizedTest
    @MethodSource("answersAboutBlobs")
    void noFailureOfAProofOfABlobEndsIt(IOException failure) throws IOException {
        findOut(timeOut());
        assertThatThrownBy(() -> answering.shareRemembering(proofOf("quiet.test/c", false), SETTINGS, () -> {
                    throw failure;
                }))
                .isSameAs(failure);
        assertThat(wait("quiet.test/a", "2", this::whenItAnswers).verdict()).isEqualTo(Verdict.STALE);
    }

    @Test
    void aProofOfABlobDoesNotEndItAndOneOfAManifestDoes() throws IOException {
        findOut(timeOut());
        answering.shareRemembering(proofOf("quiet.test/c", false), SETTINGS, SilentUpstreamsTest::atOnce);
        assertThat(wait("quiet.test/a", "2", this::whenItAnswers).verdict()).isEqualTo(Verdict.STALE);
        answering.shareRemembering(proofOf("quiet.test/c", true), SETTINGS, SilentUpstreamsTest::atOnce);
        assertThat(wait("quiet.test/a", "3", whenWaitedFor()).content()).isEqualTo("new");
    }

    private static Question proofOf(String repository, boolean manifest) {
        return new Question.ForProof(
                Repository.parse(repository), Digest.sha256(new byte[0]), manifest, Readers.CLIENTS);
    }

    @Test
    void oneRequestWithoutAnAnswerAmongOthersThatHaveOneIsNoSilence() throws IOException {
        wait("quiet.test/a", "1", () -> {
            answering.answered(RegistryHost.parse("quiet.test"));
            nanos.addAndGet(DEADLINE.toNanos());
            throw timeOut();
        });
        assertThat(wait("quiet.test/a", "2", SilentUpstreamsTest::atOnce).content())
                .isEqualTo("new");
    }

    @Test
    void whenNobodyHasAskedForThreeMinutesSomebodyWaitsAgain() throws IOException {
        findOut(timeOut());
        nanos.addAndGet(SilentUpstreams.MEMORY.toNanos() - 1);
        assertThat(wait("quiet.test/a", "2", this::whenItAnswers).verdict()).isEqualTo(Verdict.STALE);
        nanos.incrementAndGet();
        assertThat(wait("quiet.test/a", "3", SilentUpstreamsTest::atOnce).content())
                .isEqualTo("new");
    }

    @Test
    void whereNothingStaleMayBeServedItIsWaitedForAllTheSame() throws IOException {
        findOut(timeOut());
        CacheSettings nothingStale = CacheFixture.with(SETTINGS, Map.of());
        assertThat(ask(nothingStale, "quiet.test/a", "2", Judgement.Window.ALWAYS_ASK, SilentUpstreamsTest::atOnce)
                        .content())
                .isEqualTo("new");
    }

    /** A client waits for a question, of which the time will be up in 20 ms. */
    private void beginToFindOut() throws IOException {
        Judgement.Window behind = new Judgement.Window(Duration.ZERO, CacheSettings.FOREVER);
        ask("quiet.test/a", "1", behind, this::whenItAnswers);
        nanos.addAndGet(DEADLINE.minusMillis(20).toNanos());
        CacheSettings hasty = SETTINGS.withCheckDeadline(Duration.ofMillis(1));
        assertThat(ask(hasty, "quiet.test/a", "1", Judgement.Window.ALWAYS_ASK, this::whenItAnswers)
                        .verdict())
                .isEqualTo(Verdict.STALE);
    }

    private Future<Answer<String>> askMeanwhile() throws InterruptedException {
        CountDownLatch asked = new CountDownLatch(1);
        Future<Answer<String>> asking = threads.submit(() -> wait("quiet.test/b", "2", () -> {
            asked.countDown();
            return whenItAnswers();
        }));
        assertThat(asked.await(20, TimeUnit.SECONDS)).isTrue();
        return asking;
    }

    @Test
    void whoAsksSomethingElseWhileItIsFoundOutWaitsNoLongerThanWhoAskedFirst() throws Exception {
        beginToFindOut();
        Future<Answer<String>> asking = askMeanwhile();
        assertThat(asking).isNotDone();
        nanos.addAndGet(Duration.ofMillis(20).toNanos());
        assertThat(asking.get(20, TimeUnit.SECONDS).verdict()).isEqualTo(Verdict.STALE);
    }

    @Test
    void whoAsksMeanwhileHasAllHisTimeOnceAnythingIsAnswered() throws Exception {
        beginToFindOut();
        Future<Answer<String>> asking = askMeanwhile();
        answering.answered(RegistryHost.parse("quiet.test"));
        nanos.addAndGet(Duration.ofMillis(20).toNanos());
        assertThat(wait("quiet.test/c", "3", SilentUpstreamsTest::atOnce).content())
                .isEqualTo("new");
        answered.countDown();
        assertThat(asking.get(20, TimeUnit.SECONDS).content()).isEqualTo("new");
    }

    @Test
    void questionsAreInWordsForPeople() {
        Question question = new Question.ForManifest(
                Repository.parse("quiet.test/a"), new Tag("1"), Readers.showing("never to be seen"));
        assertThat(question).hasToString("manifest 1 of quiet.test/a");
    }
}
