package dev.entrepot.replicator.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.VirtualTime;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CopyJournalTest {
    @TempDir
    private Path folder;

    private final VirtualTime clock = new VirtualTime();
    private final RepositoryName app = new RepositoryName("app");
    private final RepositoryName other = new RepositoryName("other");

    private static Digest digest(String seed) {
        return Digest.sha256(seed.getBytes(StandardCharsets.UTF_8));
    }

    private CompletedTag completed(String tag) {
        return new CompletedTag(
                "rule",
                "target",
                "registry.test",
                app,
                other,
                new Tag(tag),
                digest("s"),
                digest("t"),
                "scope",
                List.of(new CompletedTag.Node(digest("a"), "-"), new CompletedTag.Node(digest("b"), "0123")),
                clock.instant());
    }

    @Test
    void everythingIsThereAfterReopening() throws IOException {
        long run;
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            run = journal.startRun("rule", "schedule");
            journal.item(run, new ItemRecord("target", other, "v1", "copied", ""));
            journal.complete(completed("v1"));
            journal.blobsAt("target", app, List.of(digest("x"), digest("y")));
            journal.blobsAt("target", other, List.of(digest("x")));
            journal.uploadAt("target", app, digest("x"), new UploadSession("/uploads/1", 77, clock.instant()));
            journal.finishRun(run, "complete", "{}");
        }
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            assertThat(journal.completed("target", other, new Tag("v1"))).contains(completed("v1"));
            assertThat(journal.completedBy("rule", "target")).hasSize(1);
            assertThat(journal.completed("elsewhere", other, new Tag("v1"))).isEmpty();
            assertThat(journal.blobLocations("target", digest("x"))).containsExactly(other, app);
            assertThat(journal.blobLocations("target", List.of(digest("x"), digest("unknown"))))
                    .isEqualTo(Map.of(digest("x"), List.of(other, app)));
            assertThat(journal.upload("target", app, digest("x")))
                    .contains(new UploadSession("/uploads/1", 77, clock.instant()));
            assertThat(journal.run(run).orElseThrow().outcome()).isEqualTo("complete");
            assertThat(journal.items(run)).hasSize(1);
            assertThat(journal.lastSuccess("rule")).contains(clock.instant());
            journal.forgetBlob("target", other, digest("x"));
            journal.forgetTag("target", other, new Tag("v1"));
            journal.forgetUpload("target", app, digest("x"));
            assertThat(journal.blobLocations("target", digest("x"))).containsExactly(app);
            assertThat(journal.completed("target", other, new Tag("v1"))).isEmpty();
            assertThat(journal.upload("target", app, digest("x"))).isEmpty();
        }
    }

    @Test
    void runThatAKilledProcessLeftBehindIsInterrupted() throws IOException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            journal.startRun("rule", "schedule");
            try (CopyJournal reader = CopyJournal.openForReading(folder, clock)) {
                assertThat(reader.runs(5))
                        .singleElement()
                        .satisfies(run -> assertThat(run.outcome()).isEqualTo("running"));
            }
        }
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            assertThat(journal.runs(5)).singleElement().satisfies(run -> {
                assertThat(run.outcome()).isEqualTo("interrupted");
                assertThat(run.ended()).isEmpty();
            });
            assertThat(journal.lastSuccess("rule")).isEmpty();
        }
    }

    @Test
    void oldRunsAreForgottenAndWhatTheyBroughtIsNot() throws IOException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            long old = journal.startRun("rule", "schedule");
            journal.item(old, new ItemRecord("target", app, "v1", "copied", ""));
            journal.finishRun(old, "complete", "{}");
            journal.complete(completed("v1"));
            clock.pass(Duration.ofDays(40));
            journal.startRun("rule", "schedule");

            assertThat(journal.forgetRuns(Duration.ofDays(30))).isEqualTo(1);
            assertThat(journal.runs(9)).hasSize(1);
            assertThat(journal.items(old)).isEmpty();
            assertThat(journal.completedBy("rule", "target")).hasSize(1);
        }
    }

    @Test
    void whereACopyHasBegunIsKnownToAnotherProcessAtOnce() throws IOException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            journal.begin("target", app);
            journal.begin("target", app);

            try (CopyJournal beside = CopyJournal.openForReading(folder, clock)) {
                assertThat(beside.hasBegun("target", app)).isTrue();
                assertThat(beside.hasBegun("target", other)).isFalse();
                assertThat(beside.hasBegun("elsewhere", app)).isFalse();
            }
        }
    }

    private CompletedTag with(String rule, String scope, String... nodes) {
        return new CompletedTag(
                rule,
                "target",
                "registry.test",
                app,
                other,
                new Tag("v1"),
                digest(nodes[0]),
                digest(nodes[0]),
                scope,
                Stream.of(nodes)
                        .map(node -> new CompletedTag.Node(digest(node), "-"))
                        .toList(),
                clock.instant());
    }

    private static List<Digest> left(CopyJournal journal) throws IOException {
        return journal.leftovers("rule", "target").stream()
                .map(Leftover::digest)
                .toList();
    }

    @Test
    void whatATagNoLongerHasIsLeftOverOfTheSameRuleAndScopeOnly() throws IOException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            journal.completeAndLeave(with("rule", "all", "root", "child", "signature"));
            journal.completeAndLeave(with("rule", "all", "root", "child"));
            assertThat(left(journal)).containsExactly(digest("signature"));
            assertThat(journal.isLeftover("rule", "target", other, digest("signature")))
                    .isTrue();
            assertThat(journal.isLeftover("another", "target", other, digest("signature")))
                    .isFalse();
            journal.completeAndLeave(with("rule", "some", "root"));
            journal.completeAndLeave(with("another", "some", "else"));
            journal.completeAndLeave(with("rule", "some", "root"));
            assertThat(left(journal)).containsExactly(digest("signature"));
            journal.complete(with("rule", "some", "new"));
            assertThat(left(journal)).containsExactly(digest("signature"));
        }
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            Leftover signature = journal.leftovers("rule", "target").getFirst();
            assertThat(signature.since()).isEqualTo(clock.instant());
            assertThat(signature.source()).isEqualTo(app);
            clock.pass(Duration.ofDays(1));
            journal.completeAndLeave(with("rule", "all", "new", "signature"));
            journal.completeAndLeave(with("rule", "all", "new"));
            assertThat(journal.leftovers("rule", "target"))
                    .as("its time begins anew")
                    .extracting(Leftover::since)
                    .containsExactly(clock.instant());
            journal.forgetLeftover(signature);
            assertThat(left(journal)).isEmpty();
            journal.leaveTag(with("rule", "all", "new", "child"));
            assertThat(left(journal)).containsExactlyInAnyOrder(digest("new"), digest("child"));
            assertThat(journal.completed("target", other, new Tag("v1"))).isEmpty();
        }
    }

    @Test
    void missingSinceIsTheFirstTime() throws IOException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            var first = journal.missingSince("rule", app, new Tag("v1"));
            clock.pass(Duration.ofDays(3));
            assertThat(journal.missingSince("rule", app, new Tag("v1"))).isEqualTo(first);
            journal.notMissing("rule", app, new Tag("v1"));
            assertThat(journal.missingSince("rule", app, new Tag("v1"))).isEqualTo(clock.instant());
        }
    }

    @Test
    void journalOfTheFirstVersionIsReadAndItsTagsAreOfNoKnownRegistry() throws IOException, SQLException {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + folder.resolve(CopyJournal.FILE));
                Statement statement = connection.createStatement()) {
            for (String table : FIRST_VERSION) {
                statement.execute(table);
            }
            statement.execute("INSERT INTO completed VALUES ('target', 'other', 'v1', 'rule', 'app', '" + digest("s")
                    + "', '" + digest("t") + "', 'scope', '" + digest("a") + " -', 0)");
            statement.execute("INSERT INTO run VALUES (1, 'rule', 'schedule', 1, 2, 'complete', '{}')");
            statement.execute("PRAGMA user_version = 1");
        }
        for (int opened = 0; opened < 2; opened++) {
            try (CopyJournal journal = CopyJournal.open(folder, clock)) {
                CompletedTag old =
                        journal.completed("target", other, new Tag("v1")).orElseThrow();
                assertThat(old.registry()).isEmpty();
                assertThat(old.isFrom("registry.test")).isFalse();
                assertThat(old.targetDigest()).isEqualTo(digest("t"));
                assertThat(journal.hasBegun("target", other)).isTrue();
                assertThat(journal.hasBegun("target", app)).isFalse();
                assertThat(journal.leftovers("rule", "target")).isEmpty();
                assertThat(journal.run(1).orElseThrow().roundOf()).isEmpty();
                journal.complete(completed("v2"));
                assertThat(journal.completed("target", other, new Tag("v2"))).contains(completed("v2"));
            }
        }
    }

    @Test
    void journalOfAnOlderVersionIsLeftAsItIsByWhoOnlyReadsItsRuns() throws IOException, SQLException {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + folder.resolve(CopyJournal.FILE));
                Statement statement = connection.createStatement()) {
            for (String table : FIRST_VERSION) {
                statement.execute(table);
            }
            statement.execute("INSERT INTO run VALUES (1, 'rule', 'schedule', 1, 2, 'complete', '{}')");
            statement.execute("PRAGMA user_version = 1");
            try (CopyJournal beside = CopyJournal.openForReading(folder, clock)) {
                assertThat(beside.runs(5)).singleElement().satisfies(run -> {
                    assertThat(run.outcome()).isEqualTo("complete");
                    assertThat(run.roundOf()).isEmpty();
                });
                assertThat(beside.run(1)).isPresent();
            }
            try (ResultSet row = statement.executeQuery("PRAGMA user_version")) {
                assertThat(row.next()).isTrue();
                assertThat(row.getInt(1)).isEqualTo(1);
            }
            statement.execute("INSERT INTO run VALUES (2, 'rule', 'schedule', 3, 4, 'complete', '{}')");
        }
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            assertThat(JournalledRunsTest.round(journal, 2)).isEqualTo(3);
            assertThat(journal.run(3).orElseThrow().roundOf()).hasValue(2);
        }
    }

    private static final List<String> FIRST_VERSION = List.of(
            "CREATE TABLE run(id INTEGER PRIMARY KEY AUTOINCREMENT, rule TEXT NOT NULL, cause TEXT NOT NULL, started INTEGER"
                    + " NOT NULL, ended INTEGER, outcome TEXT NOT NULL, report TEXT)",
            "CREATE TABLE completed(target TEXT NOT NULL, repository TEXT NOT NULL, tag TEXT NOT NULL, rule TEXT NOT NULL,"
                    + " source TEXT NOT NULL, source_digest TEXT NOT NULL, target_digest TEXT NOT NULL, scope TEXT NOT NULL,"
                    + " nodes TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY(target, repository, tag)) WITHOUT ROWID");

    @Test
    void whatRoundsOfTheFifthVersionLeftOutGoesByTheirOutcomes() throws IOException, SQLException {
        CopyJournal.open(folder, clock).close();
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + folder.resolve(CopyJournal.FILE));
                Statement statement = connection.createStatement()) {
            statement.execute("DROP TABLE owed");
            statement.execute("ALTER TABLE run DROP COLUMN left_out");
            statement.execute("INSERT INTO run VALUES (1, 'busy', 'schedule', 1, 2, 'complete', '{}', NULL)");
            statement.execute("INSERT INTO run VALUES (2, 'busy', 'schedule', 1, 2, 'partly', '{}', 1)");
            statement.execute("INSERT INTO run VALUES (3, 'whole', 'schedule', 1, 2, 'partly', '{}', NULL)");
            statement.execute("INSERT INTO run VALUES (4, 'whole', 'schedule', 1, 2, 'complete', '{}', 3)");
            statement.execute("PRAGMA user_version = 5");
        }
        try (CopyJournal beside = CopyJournal.openForReading(folder, clock)) {
            assertThat(beside.run(2).orElseThrow().roundOf()).hasValue(1);
        }
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            assertThat(journal.lastRuns("busy").unfinished()).isEqualTo(1);
            assertThat(journal.lastRuns("whole").unfinished()).isZero();
            assertThat(journal.owed("busy")).isEmpty();
        }
    }

    @Test
    void journalOfANewerVersionIsRefused() throws IOException, SQLException {
        CopyJournal.open(folder, clock).close();
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + folder.resolve(CopyJournal.FILE));
                Statement statement = connection.createStatement()) {
            statement.execute("PRAGMA user_version = 99");
        }
        assertThatThrownBy(() -> CopyJournal.open(folder, clock))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("newer version")
                .hasMessageContaining("run that version, or restore the data folder");
    }

    @Test
    void damagedRowFailsWhoAsksForItAndNobodyElse() throws IOException, SQLException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            journal.complete(completed("v1"));
        }
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + folder.resolve(CopyJournal.FILE));
                Statement statement = connection.createStatement()) {
            statement.execute("UPDATE completed SET target_digest = 'no digest'");
        }
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            assertThatThrownBy(() -> journal.completed("target", other, new Tag("v1")))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("journal");
            journal.complete(completed("v1"));
            assertThat(journal.completed("target", other, new Tag("v1"))).isPresent();
        }
    }

    @Test
    void closedJournalSaysSo() throws IOException {
        CopyJournal journal = CopyJournal.open(folder, clock);
        journal.close();
        assertThatThrownBy(() -> journal.startRun("rule", "x"))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("closed");
    }
}
