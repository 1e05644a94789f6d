package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.replicator.MemoryRegistry.Abilities;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A rule that is run again while a run of it is still busy with one of its targets. */
class BusyTargetTest {
    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private final MemoryRepository app = source.repository("app");
    private final Shapes shapes = new Shapes(app);
    private final MemoryRegistry slow = new MemoryRegistry("slow.test", Abilities.ALL);
    private final MemoryRegistry fast = new MemoryRegistry("fast.test", Abilities.ALL);
    private final Rules rules = new Rules(source).to(slow).to(fast);

    // A target is free shortly after its last image is reported.
    private ReplicationReport runWhenNotBusy(Engine engine) throws IOException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (true) {
            try {
                return engine.runner.run(rules.rule(), "test", ProgressListener.NONE);
            } catch (RuleBusyException e) {
                assertThat(System.nanoTime()).isLessThan(deadline);
                Thread.onSpinWait();
            }
        }
    }

    @Test
    void tagArrivesAtTheOthersWhileATargetIsBusyWithItsBacklog() throws Exception {
        shapes.tag("v1", shapes.image("amd64"));
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch goesOn = new CountDownLatch(1);
        slow.gate((index, request) -> {
            begun.countDown();
            try {
                assertThat(goesOn.await(30, TimeUnit.SECONDS)).isTrue();
            } catch (InterruptedException e) {
                throw new InterruptedIOException();
            }
        });
        try (Engine engine = new Engine(folder)) {
            CompletableFuture<ReplicationReport> first = new CompletableFuture<>();
            Thread.ofVirtual().start(() -> {
                try {
                    first.complete(engine.run(rules));
                } catch (IOException e) {
                    first.completeExceptionally(e);
                }
            });
            assertThat(begun.await(30, TimeUnit.SECONDS)).isTrue();
            ReplicationReport again = runWhenNotBusy(engine);
            shapes.tag("v2", shapes.image("arm64"));
            List<List<String>> told = new ArrayList<>();
            ReplicationReport second = engine.run(rules, new ProgressListener() {
                @Override
                public void leavesOut(List<String> targets) {
                    told.add(targets);
                }

                @Override
                public void planned(String target, long images, long bytes) {}

                @Override
                public void moved(String target, long bytes) {}

                @Override
                public void finished(ItemReport item) {}
            });

            assertThat(told).containsExactly(List.of("slow.test"));
            assertThat(again.leftOut()).containsExactly("slow.test");
            assertThat(second.leftOut()).containsExactly("slow.test");
            assertThat(second.outcome()).isEqualTo(ReplicationReport.Outcome.PARTLY);
            assertThat(ReportWriter.toText(second)).contains("left out slow.test");
            assertThat(second.targets())
                    .extracting(ReplicationReport.TargetSummary::target)
                    .containsExactly("fast.test");
            Completeness.assertComplete(app, "v2", fast, "mirror/app");
            assertThat(engine.runner.isRunning("rule")).isTrue();
            assertThat(engine.journal.runs().last(9))
                    .as("one run of the rule, however many rounds")
                    .filteredOn(run -> run.roundOf().isEmpty())
                    .singleElement()
                    .satisfies(run -> assertThat(run.outcome()).isEqualTo("running"));

            goesOn.countDown();
            ReplicationReport whole = first.get(30, TimeUnit.SECONDS);
            assertThat(whole.outcome()).isEqualTo(ReplicationReport.Outcome.COMPLETE);
            assertThat(List.of(again, second))
                    .allSatisfy(round -> assertThat(round.roundOf()).hasValue(whole.run()));
            assertThat(ReportWriter.toText(second))
                    .startsWith("round " + second.run() + " of rule: partly in ")
                    .contains("(test, a round of run " + whole.run() + ")");
            assertThat(ReportWriter.toJson(second)).contains("\"roundOf\":" + whole.run());
            assertThat(engine.runner.isRunning("rule")).isFalse();
            assertThat(engine.journal.runs().lastRuns("rule").unfinished())
                    .as("what was left out is owed, also after a restart")
                    .isEqualTo(1);
            ReplicationReport last = engine.run(rules);
            assertThat(engine.journal.runs().lastRuns("rule").unfinished()).isZero();
            assertThat(last.leftOut()).isEmpty();
            assertThat(last.roundOf()).as("a run of its own").isEmpty();
            Completeness.assertComplete(app, "v2", slow, "mirror/app");
        }
    }

    @Test
    void targetIsServedByOneRunAtATime() throws Exception {
        RunningTargets running = new RunningTargets();
        RunningTargets.Claim first = running.claim(rules.rule());
        assertThatThrownBy(() -> running.claim(rules.rule())).isInstanceOf(RuleBusyException.class);

        first.ended("fast.test");
        RunningTargets.Claim second = running.claim(rules.rule());
        assertThat(second.has("fast.test")).isTrue();
        assertThat(second.has("slow.test")).isFalse();
        first.close();
        assertThatThrownBy(() -> running.claim(new Rules(source).to(fast).rule()))
                .as("what the first has given up is the second's")
                .isInstanceOf(RuleBusyException.class);
        second.close();
        assertThat(running.isRunning("rule")).isFalse();
    }

    @Test
    void runGoesOnUntilTheReportOfItsLastRoundIsWritten() throws Exception {
        RunningTargets running = new RunningTargets();
        RunningTargets.Claim first = running.claim(rules.rule());
        first.begun(7);
        first.ended("fast.test");
        first.ended("slow.test");
        assertThat(running.isRunning("rule")).isTrue();
        RunningTargets.Claim second = running.claim(rules.rule());
        assertThat(second.roundOf()).hasValue(7);
        first.close();
        first.close();
        assertThat(running.isRunning("rule")).isTrue();
        second.ended("slow.test");
        RunningTargets.Claim third = running.claim(rules.rule());
        assertThat(third.roundOf()).as("the run that the first began").hasValue(7);
        second.close();
        third.close();
        assertThat(running.isRunning("rule")).isFalse();
        try (RunningTargets.Claim next = running.claim(rules.rule())) {
            assertThat(next.roundOf()).isEmpty();
        }
    }

    @Test
    void roundOfARunThatCouldNotBeginDoesNotBegin() throws Exception {
        RunningTargets running = new RunningTargets();
        RunningTargets.Claim first = running.claim(rules.rule());
        first.ended("fast.test");
        try (RunningTargets.Claim second = running.claim(rules.rule())) {
            first.close();
            assertThatThrownBy(second::roundOf).isInstanceOf(IOException.class).hasMessageContaining("cannot begin");
        }
        try (RunningTargets.Claim next = running.claim(rules.rule())) {
            assertThat(next.roundOf()).isEmpty();
        }
    }
}
