package dev.entrepot.replicator.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;

/** Who is told that something was not noted. */
class JournalAccessTest extends JournalFixture {
    @Test
    void whoeverWaitsForWritesIsToldThatOneIsLostSinceItBegan() throws IOException, SQLException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            execute("CREATE TRIGGER refuse BEFORE INSERT ON completed BEGIN SELECT RAISE(ABORT, 'refused'); END");
            journal.tags().complete(completed("v1"));
            assertThatThrownBy(() -> journal.flush(0))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("refused");
            journal.flush(journal.lostChanges());
            long run = journal.runs().start("rule", "test");
            execute("DROP TRIGGER refuse");
            journal.tags().complete(completed("v1"));
            journal.runs().finish(run, "complete", "{}");
            assertThat(journal.tags().completed("target", other, new Tag("v1"))).hasSize(1);
        }
    }

    @Test
    void runIsToldOfALossThatAnotherWasToldOfBefore() throws IOException, SQLException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            long another = journal.runs().start("another", "test");
            long run = journal.runs().start("rule", "test");
            long before = journal.lostChanges();
            execute("CREATE TRIGGER refuse BEFORE INSERT ON completed BEGIN SELECT RAISE(ABORT, 'refused'); END");
            journal.tags().complete(completed("v1"));
            assertThatThrownBy(() -> journal.runs().finish(another, "complete", "{}"))
                    .hasMessageContaining("refused");
            assertThatThrownBy(() -> journal.flush(before)).hasMessageContaining("refused");
            assertThatThrownBy(() -> journal.runs().finish(run, "complete", "{}"))
                    .hasMessageContaining("refused");
            journal.runs().breakOff(run);
            long next = journal.runs().start("rule", "test");
            journal.runs().finish(next, "complete", "{}");
            assertThat(journal.runs().find(next).orElseThrow().outcome()).isEqualTo("complete");
        }
    }
}
