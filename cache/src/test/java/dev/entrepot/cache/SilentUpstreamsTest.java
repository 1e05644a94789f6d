package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Who waits for an upstream that says nothing. The deadline is longer than the test may take. */
@Timeout(30)
class SilentUpstreamsTest {
    private static final Duration DEADLINE = Duration.ofMinutes(10);
    private static final CacheSettings SETTINGS = CacheFixture.SETTINGS.withCheckDeadline(DEADLINE);

    private final AtomicLong nanos = new AtomicLong(-5);
    private final TestClock clock = new TestClock();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final Answering answering = new Answering(
            new SharedCalls<>(threads, Duration.ofSeconds(20), nanos::get),
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
        return answering.answer(
                new Question.ForManifest(Repository.parse(repository), new Tag(tag), Readers.CLIENTS),
                SETTINGS,
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

    @Test
    void questionsAreInWordsForPeople() {
        Question question = new Question.ForManifest(
                Repository.parse("quiet.test/a"), new Tag("1"), Readers.showing("never to be seen"));
        assertThat(question).hasToString("manifest 1 of quiet.test/a");
    }
}
