package dev.entrepot.replicator.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The journal as a whole. */
class CopyJournalTest extends JournalFixture {
    @Test
    void everythingIsThereAfterReopening() throws IOException {
        long run;
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            run = journal.runs().start("rule", "schedule");
            journal.tags().complete(completed("v1"));
            journal.content().blobsAt("target", app, List.of(digest("x"), digest("y")));
            journal.content().blobsAt("target", other, List.of(digest("x")));
            journal.content()
                    .uploadAt("target", app, digest("x"), new UploadSession("/uploads/1", 77, clock.instant()));
            journal.runs().finish(run, "complete", "{}");
        }
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            assertThat(journal.tags().completed("target", other, new Tag("v1"))).contains(completed("v1"));
            assertThat(journal.tags().completedIn("target", other)).hasSize(1);
            assertThat(journal.tags().completed("elsewhere", other, new Tag("v1")))
                    .isEmpty();
            assertThat(journal.content().blobLocations("target", digest("x"))).containsExactly(other, app);
            assertThat(journal.content().blobLocations("target", List.of(digest("x"), digest("unknown"))))
                    .isEqualTo(Map.of(digest("x"), List.of(other, app)));
            assertThat(journal.content().upload("target", app, digest("x")))
                    .contains(new UploadSession("/uploads/1", 77, clock.instant()));
            assertThat(journal.runs().find(run).orElseThrow().outcome()).isEqualTo("complete");
            assertThat(journal.runs().report(run)).contains("{}");
            assertThat(journal.runs().lastSuccess("rule")).contains(clock.instant());
            journal.content().forgetBlob("target", other, digest("x"));
            journal.tags().forget(completed("v1"));
            journal.content().forgetUpload("target", app, digest("x"));
            assertThat(journal.content().blobLocations("target", digest("x"))).containsExactly(app);
            assertThat(journal.tags().completed("target", other, new Tag("v1"))).isEmpty();
            assertThat(journal.content().upload("target", app, digest("x"))).isEmpty();
        }
    }

    @Test
    void closedJournalSaysSo() throws IOException {
        CopyJournal journal = CopyJournal.open(folder, clock);
        journal.close();
        assertThatThrownBy(() -> journal.runs().start("rule", "x"))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("closed");
    }
}
