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
            assertThat(journal.runs().lastRuns("rule")).isEqualTo(LastRuns.NONE);
            journal.runs().breakOff(journal.runs().start("rule", "schedule"));
            assertThat(journal.runs().lastRuns("rule")).isEqualTo(new LastRuns(Optional.empty(), 1));
            clock.pass(Duration.ofHours(1));
            Instant complete = clock.instant();
            journal.runs().finish(journal.runs().start("rule", "schedule"), "complete", "{}");
            clock.pass(Duration.ofHours(1));
            Instant partly = clock.instant();
            journal.runs().finish(journal.runs().start("rule", "request"), "partly", "{}");
            clock.pass(Duration.ofHours(1));
            assertThat(journal.runs().lastRuns("rule"))
                    .isEqualTo(new LastRuns(Optional.of(partly), 0))
                    .isNotEqualTo(new LastRuns(Optional.of(complete), 0));
            journal.runs().finish(journal.runs().start("another", "schedule"), "complete", "{}");
            journal.runs().breakOff(journal.runs().start("rule", "schedule"));
            journal.runs().start("rule", "schedule");
            assertThat(journal.runs().lastRuns("rule").unfinished()).isEqualTo(1);
        }
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            assertThat(journal.runs().lastRuns("rule").unfinished())
                    .as("one was killed")
                    .isEqualTo(2);
        }
    }

    @Test
    void runCameToItsEndIfAllItsRoundsDid() throws IOException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            Instant before = clock.instant();
            journal.runs().finish(journal.runs().start("rule", "schedule"), "complete", "{}");
            clock.pass(Duration.ofHours(1));
            long run = journal.runs().start("rule", "schedule");
            clock.pass(Duration.ofHours(1));
            journal.runs().finish(round(journal, run), "partly", "{}");
            long second = round(journal, run);
            assertThat(journal.runs().find(second).orElseThrow().roundOf()).hasValue(run);
            assertThat(journal.runs().find(run).orElseThrow().roundOf()).isEmpty();
            journal.runs().breakOff(second);
            journal.runs().breakOff(run);
            assertThat(journal.runs().lastRuns("rule"))
                    .as("one run, though two of its rounds came to no end")
                    .isEqualTo(new LastRuns(Optional.of(before), 1));
            clock.pass(Duration.ofHours(1));
            Instant after = clock.instant();
            long whole = journal.runs().start("rule", "schedule");
            journal.runs().finish(roundAtAll(journal, whole), "partly", "{}");
            journal.runs().finish(whole, "complete", "{}");
            assertThat(journal.runs().lastRuns("rule")).isEqualTo(new LastRuns(Optional.of(after), 0));
        }
    }

    @Test
    void runThatCameToNoEndIsKnownHoweverManyRoundsOfItFollowed() throws IOException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            Instant before = clock.instant();
            journal.runs().finish(journal.runs().start("rule", "schedule"), "complete", "{}");
            clock.pass(Duration.ofHours(1));
            long run = journal.runs().start("rule", "schedule");
            for (int round = 0; round < 30; round++) {
                journal.runs().finish(round(journal, run), "partly", "{}");
            }
            journal.runs().breakOff(run);

            assertThat(journal.runs().lastRuns("rule")).isEqualTo(new LastRuns(Optional.of(before), 1));
        }
    }

    @Test
    void runOfWhichARoundCameToItsEndIsBegunAgainAtOnceHoweverOften() throws IOException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            for (int start = 0; start < 5; start++) {
                long run = journal.runs().start("rule", "schedule");
                journal.runs().finish(round(journal, run), "partly", "{}");
                journal.runs().breakOff(run);
            }
            assertThat(journal.runs().lastRuns("rule")).isEqualTo(new LastRuns(Optional.empty(), 1));

            for (int start = 0; start < 3; start++) {
                long run = journal.runs().start("rule", "schedule");
                journal.runs().breakOff(round(journal, run));
                journal.runs().breakOff(run);
            }
            assertThat(journal.runs().lastRuns("rule"))
                    .as("of these no round came to its end")
                    .isEqualTo(new LastRuns(Optional.empty(), 3));
        }
    }

    @Test
    void roundThatWasBrokenOffIsMadeUpForByALaterOneThatLeftOutNothing() throws IOException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            Instant began = clock.instant();
            long run = journal.runs().start("rule", "schedule");
            clock.pass(Duration.ofHours(1));
            journal.runs().breakOff(round(journal, run));
            long partly = round(journal, run);
            journal.runs().finish(partly, "partly", "{}");
            journal.runs().finish(run, "complete", "{}");
            assertThat(journal.runs().lastRuns("rule"))
                    .as("what was complete began before")
                    .isEqualTo(new LastRuns(Optional.empty(), 1));

            journal.runs().finish(roundAtAll(journal, run), "complete", "{}");

            assertThat(journal.runs().lastRuns("rule")).isEqualTo(new LastRuns(Optional.of(began), 0));
        }
    }

    /** Another round of a run, which leaves out what that is busy with. */
    static long round(CopyJournal journal, long run) throws IOException {
        return journal.runs().start("rule", "schedule", OptionalLong.of(run), 1);
    }

    /**
     * Another round of a run, at all its targets: what keeps the run going is only a report that is not yet written.
     */
    private static long roundAtAll(CopyJournal journal, long run) throws IOException {
        return journal.runs().start("rule", "schedule", OptionalLong.of(run), 0);
    }

    @ParameterizedTest
    @ValueSource(strings = {"partly", "failed"})
    void roundThatWasBrokenOffIsMadeUpForByALaterOneAtAllTargetsThoughSomethingFailed(String outcome)
            throws IOException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            Instant began = clock.instant();
            long run = journal.runs().start("rule", "schedule");
            clock.pass(Duration.ofHours(1));
            journal.runs().breakOff(round(journal, run));
            journal.runs().finish(round(journal, run), "partly", "{}");
            journal.runs().finish(run, "complete", "{}");
            assertThat(journal.runs().lastRuns("rule").unfinished())
                    .as("what the run was busy with was served before the others began")
                    .isEqualTo(1);

            journal.runs().finish(roundAtAll(journal, run), outcome, "{}");

            assertThat(journal.runs().lastRuns("rule")).isEqualTo(new LastRuns(Optional.of(began), 0));
        }
    }

    @Test
    void whatARoundLeftOutIsOwedUntilALaterOneWasThere() throws IOException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            long run = journal.runs().start("rule", "schedule");
            clock.pass(Duration.ofHours(1));
            journal.runs().finish(round(journal, run), "partly", "{}");
            journal.runs().finish(run, "complete", "{}");
            assertThat(journal.runs().lastRuns("rule"))
                    .as("a server that was stopped here has not run the rule once more")
                    .isEqualTo(new LastRuns(Optional.empty(), 1));

            Instant began = clock.instant();
            journal.runs().finish(journal.runs().start("rule", "schedule"), "partly", "{}");

            assertThat(journal.runs().lastRuns("rule")).isEqualTo(new LastRuns(Optional.of(began), 0));
        }
    }

    @Test
    void whatARuleIsToRunForIsOwedUntilARoundThatBeganLaterCameToItsEndAtAllTargets() throws IOException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            assertThat(journal.runs().owed("rule")).isEmpty();
            journal.runs().owe("rule", "first");
            journal.runs().finish(journal.runs().start("rule", "first"), "failed", "{}");
            assertThat(journal.runs().owed("rule")).as("it has served its time").isEmpty();

            long before = journal.runs().start("rule", "schedule");
            journal.runs().owe("rule", "notification");
            journal.runs().finish(before, "complete", "{}");
            journal.runs().breakOff(journal.runs().start("rule", "notification"));
            journal.runs().finish(journal.runs().start("another", "schedule"), "complete", "{}");
            assertThat(journal.runs().owed("another")).isEmpty();
            journal.runs().start("rule", "notification");
        }
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            assertThat(journal.runs().owed("rule"))
                    .as("one began before, one was broken off, one was killed")
                    .contains("notification");
            journal.runs().finish(journal.runs().start("rule", "notification"), "complete", "{}");
            assertThat(journal.runs().owed("rule")).isEmpty();
        }
    }

    @Test
    void whatARoundLeftOutIsOwedWhoeverAskedForIt() throws IOException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            long run = journal.runs().start("rule", "request");
            journal.runs().finish(journal.runs().start("rule", "request", OptionalLong.of(run), 1), "partly", "{}");
            journal.runs().finish(run, "complete", "{}");
            assertThat(journal.runs().owed("rule"))
                    .as("what was complete began before")
                    .contains("request");

            long whole = journal.runs().start("rule", "request");
            long round = journal.runs().start("rule", "schedule", OptionalLong.of(whole), 1);
            journal.runs().finish(round, "partly", "{}");
            journal.runs().finish(whole, "complete", "{}");
            assertThat(journal.runs().owed("rule")).isPresent();
            journal.runs().finish(journal.runs().start("rule", "request"), "complete", "{}");
            assertThat(journal.runs().owed("rule")).isEmpty();
        }
    }

    @Test
    void whatARoundLeftOutIsNotOwedWhereALaterOneWasThereBeforeItCameToItsEnd() throws IOException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            long run = journal.runs().start("rule", "request");
            long late = journal.runs().start("rule", "request", OptionalLong.of(run), 1);
            journal.runs().breakOff(journal.runs().start("rule", "schedule"));
            journal.runs().finish(journal.runs().start("another", "schedule"), "complete", "{}");
            journal.runs().start("rule", "schedule");
            long second = journal.runs().start("rule", "request", OptionalLong.of(run), 1);
            journal.runs().finish(late, "partly", "{}");
            assertThat(journal.runs().owed("rule"))
                    .as("of those that began later one was broken off, one is of another rule, two run")
                    .contains("request");

            journal.runs().finish(journal.runs().start("rule", "schedule"), "complete", "{}");
            assertThat(journal.runs().owed("rule")).isEmpty();
            journal.runs().finish(second, "partly", "{}");
            assertThat(journal.runs().owed("rule")).isEmpty();
        }
    }

    @Test
    void whatIsOwedByRulesThatAreNoMoreIsForgotten() throws IOException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            journal.runs().owe("kept", "notification");
            journal.runs().owe("removed", "notification");
            journal.runs().oweOnly(Set.of("kept", "new"));
            assertThat(journal.runs().owed("kept")).contains("notification");
            assertThat(journal.runs().owed("removed")).isEmpty();
            assertThat(journal.runs().owed("new")).isEmpty();
        }
    }
}
