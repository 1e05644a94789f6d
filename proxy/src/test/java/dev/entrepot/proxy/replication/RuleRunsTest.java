package dev.entrepot.proxy.replication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.replicator.ReplicationReport;
import dev.entrepot.replicator.ReplicationRule;
import dev.entrepot.replicator.RuleBusyException;
import dev.entrepot.replicator.SourceRegistry;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import java.util.logging.StreamHandler;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class RuleRunsTest {
    private final BlockingQueue<String> again = new LinkedBlockingQueue<>();
    private final Map<String, RuleRuns.RuleRunner> byTrigger = new ConcurrentHashMap<>();
    private final RuleRuns runs = new RuleRuns(
            (rule, trigger, progress) ->
                    Optional.ofNullable(byTrigger.get(trigger)).orElseThrow().run(rule, trigger, progress),
            InstantSource.system(),
            List.of(),
            RunTracing.OFF,
            (rule, trigger) -> again.add(rule + " " + trigger));
    private final ReplicationRule rule = ReplicationRule.wholeImages("rule", new NoSource());

    private static final class NoSource implements SourceRegistry {
        @Override
        public String name() {
            return "source.test";
        }

        @Override
        public RepositorySource repository(RepositoryName name) {
            throw new AssertionError("nothing is read");
        }

        @Override
        public List<RepositoryName> catalog() {
            throw new AssertionError("nothing is read");
        }
    }

    @AfterEach
    void close() {
        runs.close();
    }

    private static ReplicationReport report(long run, String trigger, String... leftOut) {
        Instant time = Instant.parse("2026-11-21T12:00:00Z");
        return new ReplicationReport(
                run,
                "rule",
                trigger,
                time,
                time,
                List.of(),
                List.of(),
                0,
                Optional.empty(),
                List.of(),
                List.of(leftOut),
                OptionalLong.empty());
    }

    private static void await(CountDownLatch latch) throws IOException {
        try {
            assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new InterruptedIOException();
        }
    }

    @Test
    void runIsKnownByTheNumberThatItHasInTheJournalWhileItGoesOn() throws Exception {
        CountDownLatch goesOn = new CountDownLatch(1);
        byTrigger.put("request", (rule, trigger, progress) -> {
            progress.begun(7);
            progress.planned("target.test", 2, 100);
            await(goesOn);
            return report(7, trigger);
        });

        assertThat(runs.begin(rule, "request")).isEqualTo(7);
        long changes = runs.changes();
        assertThat(runs.running()).containsOnlyKeys("rule");
        goesOn.countDown();
        while (runs.progress("rule").isPresent()) {
            Thread.onSpinWait();
        }
        assertThat(runs.changes()).isGreaterThan(changes);
    }

    @Test
    void whatWasMadeForARunIsClosedAlsoWhereItCannotBegin() throws Exception {
        for (Exception why : List.of(new RuleBusyException("copy"), new IOException("the journal is full"))) {
            CountDownLatch closed = new CountDownLatch(1);
            assertThatThrownBy(() -> runs.begin(
                            "copy",
                            progress -> {
                                switch (why) {
                                    case RuleBusyException busy -> throw busy;
                                    case IOException failure -> throw failure;
                                    default -> throw new AssertionError(why);
                                }
                            },
                            closed::countDown))
                    .isSameAs(why);
            await(closed);
        }
        CountDownLatch closed = new CountDownLatch(1);
        runs.close();
        assertThatThrownBy(() -> runs.begin("copy", progress -> report(1, "copy"), closed::countDown))
                .isInstanceOf(IOException.class);
        await(closed);
    }

    /** Has the rule run, and its first target busy until then; returns when that has begun. */
    private Thread busyUntil(CountDownLatch end, String cause) throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        byTrigger.put(cause, (rule, trigger, progress) -> {
            begun.countDown();
            await(end);
            return report(1, trigger);
        });
        Thread run = Thread.ofVirtual().start(() -> runs.run(rule, cause));
        await(begun);
        return run;
    }

    @Test
    void ruleRunsOnceMoreWhenTheTargetIsFreeThatAnotherRunLeftOut() throws Exception {
        CountDownLatch goesOn = new CountDownLatch(1);
        byTrigger.put("second", (rule, trigger, progress) -> report(2, trigger, "slow.test"));
        byTrigger.put("third", (rule, trigger, progress) -> {
            throw new RuleBusyException(rule.name());
        });
        Thread first = busyUntil(goesOn, "first");

        runs.run(rule, "second");
        runs.run(rule, "third");
        assertThat(again).as("as long as the target is busy").isEmpty();
        goesOn.countDown();
        first.join();

        assertThat(again).containsExactly("rule third");
    }

    @Test
    void ruleThatIsDueWhileAllItsTargetsAreBusySaysSoOnce() throws Exception {
        List<String> said = new CopyOnWriteArrayList<>();
        Logger log = Logger.getLogger(RuleRuns.class.getName());
        Handler handler = new StreamHandler() {
            @Override
            public void publish(LogRecord event) {
                said.add(new SimpleFormatter().formatMessage(event));
            }
        };
        log.addHandler(handler);
        try {
            CountDownLatch goesOn = new CountDownLatch(1);
            byTrigger.put("schedule", (rule, trigger, progress) -> {
                throw new RuleBusyException(rule.name());
            });
            Thread first = busyUntil(goesOn, "first");
            for (int i = 0; i < 5; i++) {
                runs.run(rule, "schedule");
            }
            goesOn.countDown();
            first.join();
        } finally {
            log.removeHandler(handler);
        }
        assertThat(said).hasSize(1).first().asString().endsWith("this run (schedule) follows that one");
    }

    @Test
    void ruleRunsAgainAtOnceWhereTheTargetHasBecomeFreeMeanwhile() {
        byTrigger.put("schedule", (rule, trigger, progress) -> report(2, trigger, "slow.test"));

        runs.run(rule, "schedule");

        assertThat(again).containsExactly("rule schedule");
    }

    @Test
    void ruleRunsOnceMoreForTheTargetThatARoundLeftOutWhichSomebodyAskedFor() throws Exception {
        CountDownLatch goesOn = new CountDownLatch(1);
        byTrigger.put("request", (rule, trigger, progress) -> {
            progress.begun(2);
            return report(2, trigger, "slow.test");
        });
        Thread first = busyUntil(goesOn, "schedule");

        CountDownLatch ended = new CountDownLatch(1);
        assertThat(runs.begin(
                        "rule", listener -> byTrigger.get("request").run(rule, "request", listener), ended::countDown))
                .isEqualTo(2);
        await(ended);
        assertThat(again).as("as long as the target is busy").isEmpty();
        goesOn.countDown();
        first.join();

        assertThat(again).containsExactly("rule request");
        assertThat(runs.begin(rule, "request")).isEqualTo(2);
        assertThat(again.poll()).isEqualTo("rule request");
        assertThat(again.poll(30, TimeUnit.SECONDS))
                .as("at once where the target has become free meanwhile")
                .isEqualTo("rule request");
    }

    @Test
    void targetThatARoundHasBegunAtMeanwhileIsOwedNothing() throws Exception {
        CountDownLatch firstEnds = new CountDownLatch(1);
        CountDownLatch secondEnds = new CountDownLatch(1);
        Thread first = roundUntil(firstEnds, "first", "a.test");
        Thread second = roundUntil(secondEnds, "second", "b.test");

        firstEnds.countDown();
        first.join();
        secondEnds.countDown();
        second.join();

        assertThat(again)
                .as("the second began at a.test after the first; nobody was at b.test after the second")
                .containsExactly("rule second");
    }

    @Test
    void targetIsOwedNothingEitherWhereTheRoundAtItHasEndedMeanwhile() throws Exception {
        CountDownLatch firstEnds = new CountDownLatch(1);
        Thread first = roundUntil(firstEnds, "first", "a.test");
        byTrigger.put("second", (rule, trigger, progress) -> {
            progress.leavesOut(List.of("b.test"));
            return report(2, trigger, "b.test");
        });
        runs.run(rule, "second");
        assertThat(again).as("as long as b.test is busy").isEmpty();

        firstEnds.countDown();
        first.join();

        assertThat(again).containsExactly("rule second");
    }

    @Test
    void roundThatFailedHasServedNobody() throws Exception {
        CountDownLatch firstEnds = new CountDownLatch(1);
        Thread first = roundUntil(firstEnds, "first", "a.test");
        byTrigger.put("second", (rule, trigger, progress) -> {
            progress.leavesOut(List.of("b.test"));
            throw new IOException("the journal is full");
        });
        runs.run(rule, "second");

        firstEnds.countDown();
        first.join();

        assertThat(again).containsExactly("rule first");
    }

    /** Has the rule run without a target until then, and report that; returns when that has begun. */
    private Thread roundUntil(CountDownLatch end, String cause, String leftOut) throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        byTrigger.put(cause, (rule, trigger, progress) -> {
            progress.leavesOut(List.of(leftOut));
            begun.countDown();
            await(end);
            return report(1, trigger, leftOut);
        });
        Thread run = Thread.ofVirtual().start(() -> runs.run(rule, cause));
        await(begun);
        return run;
    }

    @Test
    void whoAsksForARuleThatIsBusyAtAllItsTargetsIsToldSoAndNothingFollows() throws Exception {
        CountDownLatch goesOn = new CountDownLatch(1);
        byTrigger.put("request", (rule, trigger, progress) -> {
            throw new RuleBusyException(rule.name());
        });
        Thread first = busyUntil(goesOn, "schedule");

        assertThatThrownBy(() -> runs.begin(rule, "request")).isInstanceOf(RuleBusyException.class);
        goesOn.countDown();
        first.join();

        assertThat(again).isEmpty();
    }

    @Test
    void wholeRunsAndFailuresAreNotRepeated() {
        byTrigger.put("whole", (rule, trigger, progress) -> report(1, trigger));
        byTrigger.put("failure", (rule, trigger, progress) -> {
            throw new IOException("the journal is full");
        });

        runs.run(rule, "whole");
        runs.run(rule, "failure");

        assertThat(again).isEmpty();
        assertThat(runs.running()).isEmpty();
    }

    @Test
    void whoAsksForARunThatWantOfMemoryEndsIsToldSoAtOnce() {
        byTrigger.put("request", (rule, trigger, progress) -> {
            throw new OutOfMemoryError("no heap");
        });

        assertThatThrownBy(() -> runs.begin(rule, "request"))
                .isInstanceOf(IllegalStateException.class)
                .hasRootCauseMessage("no heap");
        assertThat(runs.running()).isEmpty();
    }
}
