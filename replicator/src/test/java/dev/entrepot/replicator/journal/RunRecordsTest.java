package dev.entrepot.replicator.journal;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** What the journal keeps of runs. */
class RunRecordsTest extends JournalFixture {
    @Test
    void runThatAKilledProcessLeftBehindIsInterrupted() throws IOException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            journal.runs().start("rule", "schedule");
            try (CopyJournal reader = CopyJournal.openForReading(folder, clock)) {
                assertThat(reader.runs().last(5))
                        .singleElement()
                        .satisfies(run -> assertThat(run.outcome()).isEqualTo("running"));
            }
        }
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            assertThat(journal.runs().last(5)).singleElement().satisfies(run -> {
                assertThat(run.outcome()).isEqualTo("interrupted");
                assertThat(run.ended()).isEmpty();
            });
            assertThat(journal.runs().lastSuccess("rule")).isEmpty();
        }
    }

    @Test
    void oldRunsAreForgottenAndWhatTheyBroughtIsNot() throws IOException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            long old = journal.runs().start("rule", "schedule");
            journal.runs().finish(old, "complete", "{}");
            journal.tags().complete(completed("v1"));
            clock.pass(Duration.ofDays(40));
            journal.runs().start("rule", "schedule");

            assertThat(journal.forgetRuns(Duration.ofDays(30))).isEqualTo(1);
            assertThat(journal.runs().last(9)).hasSize(1);
            assertThat(journal.runs().report(old)).isEmpty();
            assertThat(journal.tags().completedIn("target", other)).hasSize(1);
        }
    }
}
