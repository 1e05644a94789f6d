package dev.entrepot.replicator.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What the journal keeps of tags: what rules brought, left over and miss. */
class TagRecordsTest extends JournalFixture {
    @Test
    void whatATagNoLongerHasIsLeftOverOfTheSameRuleAndScopeOnly() throws IOException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            bring(journal, with("rule", "all", "root", "child", "signature"));
            bring(journal, with("rule", "all", "root", "child"));
            assertThat(left(journal)).containsExactly(digest("signature"));
            assertThat(journal.tags().isLeftover("rule", "target", other, digest("signature")))
                    .isTrue();
            assertThat(journal.tags().isLeftover("another", "target", other, digest("signature")))
                    .isFalse();
            bring(journal, with("rule", "some", "root"));
            bring(journal, with("another", "some", "else"));
            bring(journal, with("rule", "some", "root"));
            assertThat(left(journal)).containsExactly(digest("signature"));
            journal.tags().complete(with("rule", "some", "new"));
            assertThat(left(journal)).containsExactly(digest("signature"));
        }
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            Leftover signature = journal.tags().leftovers("rule", "target").getFirst();
            assertThat(journal.tags().leftovers("rule", "target", other))
                    .isEqualTo(journal.tags().leftovers("rule", "target"))
                    .isNotEmpty();
            assertThat(journal.tags().leftovers("rule", "target", app)).isEmpty();
            assertThat(signature.since()).isEqualTo(clock.instant());
            assertThat(signature.source()).isEqualTo(app);
            clock.pass(Duration.ofDays(1));
            bring(journal, with("rule", "all", "new", "signature"));
            bring(journal, with("rule", "all", "new"));
            assertThat(journal.tags().leftovers("rule", "target"))
                    .as("its time begins anew")
                    .extracting(Leftover::since)
                    .containsExactly(clock.instant());
            journal.tags().forgetLeftover(signature);
            assertThat(left(journal)).isEmpty();
            journal.tags().leave(with("rule", "all", "new", "child"));
            assertThat(left(journal)).containsExactlyInAnyOrder(digest("new"), digest("child"));
            assertThat(journal.tags().completed("target", other, new Tag("v1")))
                    .as("what another rule knows of something else")
                    .extracting(CompletedTag::rule)
                    .containsExactly("another");
            journal.tags().complete(with("rule", "all", "else", "child"));
            assertThat(left(journal)).as("wanted again").containsExactly(digest("new"));
        }
    }

    @Test
    void whatARuleFoundAndDidNotBringIsNotLeftOver() throws IOException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            journal.tags().completeAndLeave(with("rule", "all", "root", "signature"));
            bring(journal, with("another", "all", "root", "signature"));
            bring(journal, with("rule", "all", "new"));
            assertThat(left(journal)).isEmpty();
        }
    }

    @Test
    void eachRuleKnowsATagByItselfAndWhatItBroughtSurvivesAKill() throws IOException {
        CompletedTag narrow = with("narrow", "some", "root");
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            bring(journal, with("rule", "all", "root", "child"));
            journal.tags().complete(narrow);
            assertThat(journal.tags().completed("target", other, new Tag("v1"))).hasSize(2);
            assertThat(journal.tags().broughtBy("rule", "target"))
                    .extracting(CompletedTag::digests)
                    .containsExactly(Set.of(digest("root"), digest("child")));
            assertThat(journal.tags().broughtBy("narrow", "target")).isEmpty();
            // It was about to write the tag, and its process ended.
            journal.tags().bring(brought(with("narrow", "some", "new")));
        }
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            assertThat(journal.tags().broughtIn("target", other, new Tag("v1")))
                    .extracting(BroughtTag::rule)
                    .containsExactlyInAnyOrder("rule", "narrow");
            journal.tags().complete(with("narrow", "some", "new"));
            assertThat(journal.tags().broughtBy("narrow", "target")).hasSize(1);
            journal.tags().complete(with("rule", "all", "new"));
            assertThat(journal.tags().broughtBy("rule", "target"))
                    .as("it is at what another brought")
                    .isEmpty();
            assertThat(journal.tags().broughtIn("target", other)).hasSize(1);
            journal.tags().forget(with("rule", "all", "new"));
            assertThat(journal.tags().broughtIn("target", other)).isEmpty();
            assertThat(journal.tags().completedIn("target", other)).isEmpty();
        }
    }

    @Test
    void ofCopiesAndImportsByHandTheLastIsEnough() throws IOException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            bring(journal, with("rule", "all", "root"));
            for (int bundle = 0; bundle < 3; bundle++) {
                bring(journal, with("import of " + bundle + " to target", "all", "root"));
            }
            assertThat(journal.tags().completedIn("target", other))
                    .extracting(CompletedTag::rule)
                    .containsExactlyInAnyOrder("rule", "import of 2 to target");
            assertThat(journal.tags().broughtIn("target", other))
                    .extracting(BroughtTag::rule)
                    .containsExactlyInAnyOrder("rule", "import of 2 to target");
        }
    }

    @Test
    void whatAnotherRuleBroughtUnderATagThatIsPrunedIsLeftOverOfThatOne() throws IOException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            bring(journal, with("rule", "all", "root", "signature"));
            journal.tags().complete(with("found", "all", "root", "else"));
            journal.tags().forget(with("narrow", "some", "root"));
            assertThat(left(journal)).containsExactlyInAnyOrder(digest("root"), digest("signature"));
            assertThat(journal.tags().leftovers("found", "target"))
                    .as("what a rule found is not its own")
                    .isEmpty();
            assertThat(journal.tags().leftovers("narrow", "target")).isEmpty();
            assertThat(journal.tags().completedIn("target", other)).isEmpty();

            bring(journal, with("rule", "all", "new", "signature", "more"));
            journal.tags().leave(with("narrow", "some", "new"));
            assertThat(left(journal)).contains(digest("new"), digest("more"));
            assertThat(journal.tags().completedIn("target", other)).isEmpty();
        }
    }

    @Test
    void whatWasLeftOverAndIsLeftAgainWithAnotherScopeHasNoOldTime() throws IOException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            bring(journal, with("rule", "all", "old"));
            bring(journal, with("rule", "all", "new"));
            assertThat(left(journal)).containsExactly(digest("old"));
            clock.pass(Duration.ofDays(30));
            bring(journal, with("rule", "all", "old"));
            assertThat(left(journal)).as("wanted again").containsExactly(digest("new"));
            bring(journal, with("rule", "some", "newest"));
            assertThat(left(journal)).containsExactly(digest("new"));
        }
    }

    @Test
    void whatARuleNoLongerWantsIsStillUnderATagThatNamesTheSame() throws IOException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            journal.tags().complete(with("rule", "all", "root", "amd", "arm"));
            journal.tags().complete(with("rule", "some", "root", "amd"));
            journal.tags().complete(with("rule", "some", "root", "amd"));
            CompletedTag known =
                    journal.tags().completed("target", other, new Tag("v1")).getFirst();
            assertThat(known.kept()).containsExactly(digest("arm"));
            assertThat(known.digests()).containsExactlyInAnyOrder(digest("root"), digest("amd"), digest("arm"));
            journal.tags().complete(with("rule", "all", "root", "amd", "arm"));
            assertThat(journal.tags()
                            .completed("target", other, new Tag("v1"))
                            .getFirst()
                            .kept())
                    .isEmpty();
            journal.tags().complete(with("rule", "some", "root", "amd"));
            journal.tags().complete(with("rule", "some", "new", "amd"));
            assertThat(journal.tags()
                            .completed("target", other, new Tag("v1"))
                            .getFirst()
                            .kept())
                    .as("the tag has moved")
                    .isEmpty();
        }
    }

    @Test
    void whoForgetsWhatIsMissingIsToldThatThatFailed() throws IOException, SQLException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            journal.tags().complete(completed("v1"));
            journal.tags().missingSince(completed("v1"));
            execute("CREATE TRIGGER refuse BEFORE UPDATE ON completed BEGIN SELECT RAISE(ABORT, 'refused'); END");
            assertThatThrownBy(() -> journal.tags().forgetMissing("rule", "target"))
                    .hasMessageContaining("refused");
        }
    }

    @Test
    void missingSinceIsTheFirstTimeUntilTheTagIsThereAgain() throws IOException {
        CompletedTag tag = completed("v1");
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            journal.tags().complete(tag);
            assertThat(journal.tags().missing(tag)).isEmpty();
            assertThat(journal.tags().missing("rule", "target")).isEmpty();
            var first = journal.tags().missingSince(tag);
            assertThat(journal.tags().missing("rule", "target"))
                    .isEqualTo(Map.of(tag.repository(), Map.of(tag.tag(), first)));
            assertThat(journal.tags().missing("another", "target")).isEmpty();
            clock.pass(Duration.ofDays(3));
            assertThat(journal.tags().missingSince(tag)).isEqualTo(first);
            journal.tags().notMissing(tag);
            assertThat(journal.tags().missing(tag)).isEmpty();
            assertThat(journal.tags().missingSince(tag)).isEqualTo(clock.instant());
            journal.tags().complete(tag);
            assertThat(journal.tags().missing(tag)).as("complete again").isEmpty();
            journal.tags().missingSince(tag);
            journal.tags().forgetMissing("another", "target");
            assertThat(journal.tags().missing(tag)).isPresent();
            journal.tags().forgetMissing("rule", "target");
            assertThat(journal.tags().missing(tag)).isEmpty();
        }
    }

    @Test
    void damagedRowFailsWhoAsksForItAndNobodyElse() throws IOException, SQLException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            journal.tags().complete(completed("v1"));
        }
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + folder.resolve(CopyJournal.FILE));
                Statement statement = connection.createStatement()) {
            statement.execute("UPDATE completed SET target_digest = 'no digest'");
        }
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            assertThatThrownBy(() -> journal.tags().completed("target", other, new Tag("v1")))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("journal");
            journal.tags().complete(completed("v1"));
            assertThat(journal.tags().completed("target", other, new Tag("v1"))).hasSize(1);
        }
    }
}
