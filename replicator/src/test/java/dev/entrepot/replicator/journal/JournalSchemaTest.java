package dev.entrepot.replicator.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Journals of other versions. */
class JournalSchemaTest extends JournalFixture {
    private static final List<String> BACK_TO_VERSION_7 = List.of(
            "ALTER TABLE run RENAME COLUMN summary TO report",
            "DROP TABLE brought",
            "DROP TABLE completed",
            """
            CREATE TABLE completed(target TEXT NOT NULL, repository TEXT NOT NULL, tag TEXT NOT NULL, rule TEXT NOT NULL,
                source TEXT NOT NULL, source_digest TEXT NOT NULL, target_digest TEXT NOT NULL, scope TEXT NOT NULL, nodes TEXT NOT NULL,
                at INTEGER NOT NULL, registry TEXT NOT NULL DEFAULT '', PRIMARY KEY(target, repository, tag)) WITHOUT ROWID""",
            "CREATE INDEX completed_by_rule ON completed(rule, target)",
            """
            CREATE TABLE missing(rule TEXT NOT NULL, source TEXT NOT NULL, tag TEXT NOT NULL, since INTEGER NOT NULL,
                PRIMARY KEY(rule, source, tag)) WITHOUT ROWID""");

    @Test
    void journalOfVersionSevenKeepsWhatItKnowsUnderTheNamesOfPlaces() throws IOException, SQLException {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            journal.runs().finish(journal.runs().start("rule", "schedule"), "complete", "{}");
        }
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + folder.resolve(CopyJournal.FILE));
                Statement statement = connection.createStatement()) {
            for (String change : BACK_TO_VERSION_7) {
                statement.execute(change);
            }
            statement.execute("INSERT INTO completed VALUES ('host:5000#eu', 'other', 'v1', 'rule', 'app', '"
                    + digest("s") + "', '" + digest("t") + "', 'scope', '" + digest("a") + " -', 0, 'registry.test')");
            statement.execute("INSERT INTO blob VALUES ('host:5000#eu', '" + digest("x") + "', 'other')");
            statement.execute("INSERT INTO missing VALUES ('rule', 'app', 'v1', 1)");
            statement.execute("PRAGMA user_version = 7");
        }
        for (int opened = 0; opened < 2; opened++) {
            try (CopyJournal journal = CopyJournal.open(folder, clock)) {
                CompletedTag old = journal.tags()
                        .completed("host:5000", other, new Tag("v1"))
                        .getFirst();
                assertThat(old.kept()).isEmpty();
                assertThat(journal.tags().missing(old)).isEmpty();
                assertThat(journal.content().blobLocations("host:5000", digest("x")))
                        .containsExactly(other);
                assertThat(journal.runs().last(5)).hasSize(1);
            }
        }
    }

    @Test
    void ofVersionSevenARuleBroughtOnlyWhatAReportSaysThatItWrote() throws IOException, SQLException {
        CopyJournal.open(folder, clock).close();
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + folder.resolve(CopyJournal.FILE));
                Statement statement = connection.createStatement()) {
            for (String change : BACK_TO_VERSION_7) {
                statement.execute(change);
            }
            for (String tag : List.of("new", "moved", "found", "right", "older", "others")) {
                statement.execute("INSERT INTO completed VALUES ('host:5000#eu', 'other', '" + tag
                        + "', 'rule', 'app', '" + digest("s") + "', '" + digest("t") + "', 'scope', '" + digest("a")
                        + " -', 0, 'registry.test')");
            }
            run(statement, "rule", copied("new", "s", "the target does not have the tag"));
            run(statement, "rule", copied("moved", "s", "the tag moves from " + digest("x") + "; and a note"));
            run(statement, "rule", copied("found", "s", "").replace("copied", "up-to-date"));
            run(statement, "rule", copied("right", "s", "the tag is right, and 1 nodes are not complete"));
            run(statement, "rule", copied("older", "z", "the target does not have the tag"));
            run(statement, "another", copied("others", "s", "the target does not have the tag"));
            statement.execute(
                    "INSERT INTO run(rule, cause, started, outcome, report) VALUES ('rule', 'test', 1, 'complete', 'no JSON')");
            statement.execute(
                    "INSERT INTO run(rule, cause, started, outcome) VALUES ('rule', 'test', 1, 'interrupted')");
            statement.execute("PRAGMA user_version = 7");
        }
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            assertThat(journal.tags().broughtIn("host:5000", other))
                    .extracting(BroughtTag::tag, BroughtTag::digest)
                    .containsExactly(tuple(new Tag("moved"), digest("t")), tuple(new Tag("new"), digest("t")));
            assertThat(journal.tags().broughtBy("rule", "host:5000")).hasSize(2);
            assertThat(journal.tags().completedIn("host:5000", other)).hasSize(6);
        }
    }

    private static void run(Statement statement, String rule, String item) throws SQLException {
        statement.execute("INSERT INTO run(rule, cause, started, outcome, report) VALUES ('" + rule
                + "', 'test', 1, 'complete', '{\"run\":1,\"items\":[" + item + "]}')");
    }

    private String copied(String tag, String digest, String reason) {
        return "{\"target\":\"host:5000#eu\",\"source\":\"app\",\"repository\":\"other\",\"tag\":\"" + tag
                + "\",\"digest\":\"" + digest(digest) + "\",\"state\":\"copied\",\"reason\":\"" + reason + "\"}";
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
                        journal.tags().completed("target", other, new Tag("v1")).getFirst();
                assertThat(old.registry()).isEmpty();
                assertThat(old.isFrom("registry.test")).isFalse();
                assertThat(old.targetDigest()).isEqualTo(digest("t"));
                assertThat(journal.content().hasBegun("target", other)).isTrue();
                assertThat(journal.content().hasBegun("target", app)).isFalse();
                assertThat(journal.tags().leftovers("rule", "target")).isEmpty();
                assertThat(journal.runs().find(1).orElseThrow().roundOf()).isEmpty();
                journal.tags().complete(completed("v2"));
                assertThat(journal.tags().completed("target", other, new Tag("v2")))
                        .contains(completed("v2"));
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
                assertThat(beside.runs().last(5)).singleElement().satisfies(run -> {
                    assertThat(run.outcome()).isEqualTo("complete");
                    assertThat(run.roundOf()).isEmpty();
                });
                assertThat(beside.runs().find(1)).isPresent();
            }
            try (ResultSet row = statement.executeQuery("PRAGMA user_version")) {
                assertThat(row.next()).isTrue();
                assertThat(row.getInt(1)).isEqualTo(1);
            }
            statement.execute("INSERT INTO run VALUES (2, 'rule', 'schedule', 3, 4, 'complete', '{}')");
        }
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            assertThat(JournalledRunsTest.round(journal, 2)).isEqualTo(3);
            assertThat(journal.runs().find(3).orElseThrow().roundOf()).hasValue(2);
        }
    }

    private static final List<String> FIRST_VERSION = List.of(
            "CREATE TABLE run(id INTEGER PRIMARY KEY AUTOINCREMENT, rule TEXT NOT NULL, cause TEXT NOT NULL, started INTEGER"
                    + " NOT NULL, ended INTEGER, outcome TEXT NOT NULL, report TEXT)",
            "CREATE TABLE completed(target TEXT NOT NULL, repository TEXT NOT NULL, tag TEXT NOT NULL, rule TEXT NOT NULL,"
                    + " source TEXT NOT NULL, source_digest TEXT NOT NULL, target_digest TEXT NOT NULL, scope TEXT NOT NULL,"
                    + " nodes TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY(target, repository, tag)) WITHOUT ROWID",
            "CREATE TABLE blob(target TEXT NOT NULL, digest TEXT NOT NULL, repository TEXT NOT NULL,"
                    + " PRIMARY KEY(target, digest, repository))",
            "CREATE TABLE upload(target TEXT NOT NULL, repository TEXT NOT NULL, digest TEXT NOT NULL, location TEXT NOT NULL,"
                    + " reached INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY(target, repository, digest)) WITHOUT ROWID");

    @Test
    void whatRoundsOfTheFifthVersionLeftOutGoesByTheirOutcomes() throws IOException, SQLException {
        CopyJournal.open(folder, clock).close();
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + folder.resolve(CopyJournal.FILE));
                Statement statement = connection.createStatement()) {
            statement.execute("DROP TABLE owed");
            statement.execute("ALTER TABLE run RENAME COLUMN summary TO report");
            statement.execute("ALTER TABLE run DROP COLUMN left_out");
            statement.execute("INSERT INTO run VALUES (1, 'busy', 'schedule', 1, 2, 'complete', '{}', NULL)");
            statement.execute("INSERT INTO run VALUES (2, 'busy', 'schedule', 1, 2, 'partly', '{}', 1)");
            statement.execute("INSERT INTO run VALUES (3, 'whole', 'schedule', 1, 2, 'partly', '{}', NULL)");
            statement.execute("INSERT INTO run VALUES (4, 'whole', 'schedule', 1, 2, 'complete', '{}', 3)");
            statement.execute("PRAGMA user_version = 5");
        }
        try (CopyJournal beside = CopyJournal.openForReading(folder, clock)) {
            assertThat(beside.runs().find(2).orElseThrow().roundOf()).hasValue(1);
        }
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            assertThat(journal.runs().lastRuns("busy").unfinished()).isEqualTo(1);
            assertThat(journal.runs().lastRuns("whole").unfinished()).isZero();
            assertThat(journal.runs().owed("busy")).isEmpty();
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
}
