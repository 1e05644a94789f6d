package dev.entrepot.replicator.journal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.replicator.VirtualTime;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the journal says of how runs and their rounds went, and of what is owed after them. */
class JournalledRunsTest {
    @TempDir
    private Path folder;

    private final VirtualTime clock = new VirtualTime();

    @Test
    void lastRunsAreThoseThatEndedAndThoseSinceThatDidNot() throws IOException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            assertThat(journal.lastRuns("rule")).isEqualTo(LastRuns.NONE);
            journal.breakOff(journal.startRun("rule", "schedule"));
            assertThat(journal.lastRuns("rule")).isEqualTo(new LastRuns(Optional.empty(), 1));
            clock.pass(Duration.ofHours(1));
            Instant complete = clock.instant();
            journal.finishRun(journal.startRun("rule", "schedule"), "complete", "{}");
            clock.pass(Duration.ofHours(1));
            Instant partly = clock.instant();
            journal.finishRun(journal.startRun("rule", "request"), "partly", "{}");
            clock.pass(Duration.ofHours(1));
            assertThat(journal.lastRuns("rule"))
                    .isEqualTo(new LastRuns(Optional.of(partly), 0))
                    .isNotEqualTo(new LastRuns(Optional.of(complete), 0));
            journal.finishRun(journal.startRun("another", "schedule"), "complete", "{}");
            journal.breakOff(journal.startRun("rule", "schedule"));
            journal.startRun("rule", "schedule");
            assertThat(journal.lastRuns("rule").unfinished()).isEqualTo(1);
        }
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            assertThat(journal.lastRuns("rule").unfinished())
                    .as("one was killed")
                    .isEqualTo(2);
        }
    }

    @Test
    void runCameToItsEndIfAllItsRoundsDid() throws IOException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            Instant before = clock.instant();
            journal.finishRun(journal.startRun("rule", "schedule"), "complete", "{}");
            clock.pass(Duration.ofHours(1));
            long run = journal.startRun("rule", "schedule");
            clock.pass(Duration.ofHours(1));
            journal.finishRun(round(journal, run), "partly", "{}");
            long second = round(journal, run);
            assertThat(journal.run(second).orElseThrow().roundOf()).hasValue(run);
            assertThat(journal.run(run).orElseThrow().roundOf()).isEmpty();
            journal.breakOff(second);
            journal.breakOff(run);
            assertThat(journal.lastRuns("rule"))
                    .as("one run, though two of its rounds came to no end")
                    .isEqualTo(new LastRuns(Optional.of(before), 1));
            clock.pass(Duration.ofHours(1));
            Instant after = clock.instant();
            long whole = journal.startRun("rule", "schedule");
            journal.finishRun(roundAtAll(journal, whole), "partly", "{}");
            journal.finishRun(whole, "complete", "{}");
            assertThat(journal.lastRuns("rule")).isEqualTo(new LastRuns(Optional.of(after), 0));
        }
    }

    @Test
    void runThatCameToNoEndIsKnownHoweverManyRoundsOfItFollowed() throws IOException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            Instant before = clock.instant();
            journal.finishRun(journal.startRun("rule", "schedule"), "complete", "{}");
            clock.pass(Duration.ofHours(1));
            long run = journal.startRun("rule", "schedule");
            for (int round = 0; round < 30; round++) {
                journal.finishRun(round(journal, run), "partly", "{}");
            }
            journal.breakOff(run);

            assertThat(journal.lastRuns("rule")).isEqualTo(new LastRuns(Optional.of(before), 1));
        }
    }

    @Test
    void runOfWhichARoundCameToItsEndIsBegunAgainAtOnceHoweverOften() throws IOException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            for (int start = 0; start < 5; start++) {
                long run = journal.startRun("rule", "schedule");
                journal.finishRun(round(journal, run), "partly", "{}");
                journal.breakOff(run);
            }
            assertThat(journal.lastRuns("rule")).isEqualTo(new LastRuns(Optional.empty(), 1));

            for (int start = 0; start < 3; start++) {
                long run = journal.startRun("rule", "schedule");
                journal.breakOff(round(journal, run));
                journal.breakOff(run);
            }
            assertThat(journal.lastRuns("rule"))
                    .as("of these no round came to its end")
                    .isEqualTo(new LastRuns(Optional.empty(), 3));
        }
    }

    @Test
    void roundThatWasBrokenOffIsMadeUpForByALaterOneThatLeftOutNothing() throws IOException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            Instant began = clock.instant();
            long run = journal.startRun("rule", "schedule");
            clock.pass(Duration.ofHours(1));
            journal.breakOff(round(journal, run));
            long partly = round(journal, run);
            journal.finishRun(partly, "partly", "{}");
            journal.finishRun(run, "complete", "{}");
            assertThat(journal.lastRuns("rule"))
                    .as("what was complete began before")
                    .isEqualTo(new LastRuns(Optional.empty(), 1));

            journal.finishRun(roundAtAll(journal, run), "complete", "{}");

            assertThat(journal.lastRuns("rule")).isEqualTo(new LastRuns(Optional.of(began), 0));
        }
    }

    /** Another round of a run, which leaves out what that is busy with. */
    static long round(CopyJournal journal, long run) throws IOException {
        return journal.startRun("rule", "schedule", OptionalLong.of(run), 1);
    }

    /**
     * Another round of a run, at all its targets: what keeps the run going is only a report that is not yet written.
     */
    private static long roundAtAll(CopyJournal journal, long run) throws IOException {
        return journal.startRun("rule", "schedule", OptionalLong.of(run), 0);
    }

    @ParameterizedTest
    @ValueSource(strings = {"partly", "failed"})
    void roundThatWasBrokenOffIsMadeUpForByALaterOneAtAllTargetsThoughSomethingFailed(String outcome)
            throws IOException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            Instant began = clock.instant();
            long run = journal.startRun("rule", "schedule");
            clock.pass(Duration.ofHours(1));
            journal.breakOff(round(journal, run));
            journal.finishRun(round(journal, run), "partly", "{}");
            journal.finishRun(run, "complete", "{}");
            assertThat(journal.lastRuns("rule").unfinished())
                    .as("what the run was busy with was served before the others began")
                    .isEqualTo(1);

            journal.finishRun(roundAtAll(journal, run), outcome, "{}");

            assertThat(journal.lastRuns("rule")).isEqualTo(new LastRuns(Optional.of(began), 0));
        }
    }

    @Test
    void whatARoundLeftOutIsOwedUntilALaterOneWasThere() throws IOException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            long run = journal.startRun("rule", "schedule");
            clock.pass(Duration.ofHours(1));
            journal.finishRun(round(journal, run), "partly", "{}");
            journal.finishRun(run, "complete", "{}");
            assertThat(journal.lastRuns("rule"))
                    .as("a server that was stopped here has not run the rule once more")
                    .isEqualTo(new LastRuns(Optional.empty(), 1));

            Instant began = clock.instant();
            journal.finishRun(journal.startRun("rule", "schedule"), "partly", "{}");

            assertThat(journal.lastRuns("rule")).isEqualTo(new LastRuns(Optional.of(began), 0));
        }
    }

    @Test
    void whatARuleIsToRunForIsOwedUntilARoundThatBeganLaterCameToItsEndAtAllTargets() throws IOException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            assertThat(journal.owed("rule")).isEmpty();
            journal.owe("rule", "first");
            journal.finishRun(journal.startRun("rule", "first"), "failed", "{}");
            assertThat(journal.owed("rule")).as("it has served its time").isEmpty();

            long before = journal.startRun("rule", "schedule");
            journal.owe("rule", "notification");
            journal.finishRun(before, "complete", "{}");
            journal.breakOff(journal.startRun("rule", "notification"));
            journal.finishRun(journal.startRun("another", "schedule"), "complete", "{}");
            assertThat(journal.owed("another")).isEmpty();
            journal.startRun("rule", "notification");
        }
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            assertThat(journal.owed("rule"))
                    .as("one began before, one was broken off, one was killed")
                    .contains("notification");
            journal.finishRun(journal.startRun("rule", "notification"), "complete", "{}");
            assertThat(journal.owed("rule")).isEmpty();
        }
    }

    @Test
    void whatARoundLeftOutIsOwedWhoeverAskedForIt() throws IOException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            long run = journal.startRun("rule", "request");
            journal.finishRun(journal.startRun("rule", "request", OptionalLong.of(run), 1), "partly", "{}");
            journal.finishRun(run, "complete", "{}");
            assertThat(journal.owed("rule"))
                    .as("what was complete began before")
                    .contains("request");

            long whole = journal.startRun("rule", "request");
            long round = journal.startRun("rule", "schedule", OptionalLong.of(whole), 1);
            journal.finishRun(round, "partly", "{}");
            journal.finishRun(whole, "complete", "{}");
            assertThat(journal.owed("rule")).isPresent();
            journal.finishRun(journal.startRun("rule", "request"), "complete", "{}");
            assertThat(journal.owed("rule")).isEmpty();
        }
    }

    @Test
    void whatARoundLeftOutIsNotOwedWhereALaterOneWasThereBeforeItCameToItsEnd() throws IOException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            long run = journal.startRun("rule", "request");
            long late = journal.startRun("rule", "request", OptionalLong.of(run), 1);
            journal.breakOff(journal.startRun("rule", "schedule"));
            journal.finishRun(journal.startRun("another", "schedule"), "complete", "{}");
            journal.startRun("rule", "schedule");
            long second = journal.startRun("rule", "request", OptionalLong.of(run), 1);
            journal.finishRun(late, "partly", "{}");
            assertThat(journal.owed("rule"))
                    .as("of those that began later one was broken off, one is of another rule, two run")
                    .contains("request");

            journal.finishRun(journal.startRun("rule", "schedule"), "complete", "{}");
            assertThat(journal.owed("rule")).isEmpty();
            journal.finishRun(second, "partly", "{}");
            assertThat(journal.owed("rule")).isEmpty();
        }
    }

    @Test
    void whatIsOwedByRulesThatAreNoMoreIsForgotten() throws IOException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            journal.owe("kept", "notification");
            journal.owe("removed", "notification");
            journal.oweOnly(Set.of("kept", "new"));
            assertThat(journal.owed("kept")).contains("notification");
            assertThat(journal.owed("removed")).isEmpty();
            assertThat(journal.owed("new")).isEmpty();
        }
    }
}
