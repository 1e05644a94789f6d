package dev.entrepot.replicator.journal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.replicator.VirtualTime;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunHistoryTest {
    private static final String RUN =
            "INSERT INTO run(rule, cause, started, ended, outcome, report) VALUES (?, 'schedule', ?, ?, ?, ?)";

    @TempDir
    private Path folder;

    private final VirtualTime clock = new VirtualTime();

    @BeforeEach
    void create() throws IOException {
        CopyJournal.open(folder, clock).close();
    }

    private interface Change {
        void apply(Connection connection, Statement statement) throws SQLException;
    }

    private void change(Change change) throws SQLException {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + folder.resolve(CopyJournal.FILE));
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            change.apply(connection, statement);
            connection.commit();
        }
    }

    /** The tables of runs as version 8 had them. */
    private void backToVersion8() throws SQLException {
        change((connection, statement) -> {
            statement.execute("DROP TABLE report");
            statement.execute("DROP TABLE standing");
            statement.execute("ALTER TABLE run RENAME COLUMN summary TO report");
            statement.execute(
                    "CREATE TABLE item(id INTEGER PRIMARY KEY, run INTEGER NOT NULL, target TEXT NOT NULL,"
                            + " repository TEXT NOT NULL, tag TEXT NOT NULL, state TEXT NOT NULL, detail TEXT NOT NULL, at INTEGER NOT NULL)");
            statement.execute("INSERT INTO item VALUES (1, 1, 'eu.test', 'app', 'v1', 'failed', '', 1)");
            statement.execute("PRAGMA user_version = 8");
        });
    }

    private void run(Connection connection, String rule, String outcome, String report) throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement(RUN)) {
            insert.setString(1, rule);
            insert.setLong(2, clock.millis());
            insert.setLong(3, clock.millis());
            insert.setString(4, outcome);
            insert.setString(5, report);
            insert.execute();
        }
    }

    private static String report(String target, int failed, int bytes) {
        return "{\"rule\":\"rule\",\"warnings\":[\"\\\",\\\"items\\\":[\"],\"targets\":[{\"target\":\"" + target
                + "\",\"failed\":" + failed + "}],\"items\":[{\"target\":\"" + "x".repeat(bytes) + "\"}]}";
    }

    private static String summary(String target, int failed) {
        return report(target, failed, 0).replaceFirst(",\"items\":\\[\\{.*", "}");
    }

    @Test
    void longReportsOfVersionEightAreCutToTheirSummaries() throws Exception {
        backToVersion8();
        change((connection, statement) -> {
            run(connection, "rule", "complete", report("eu.test", 0, 10));
            run(connection, "rule", "partly", report("eu.test", 7, 9 << 20));
            run(connection, "rule", "failed", "no report at all");
            run(
                    connection,
                    "rule",
                    "failed",
                    "{\"targets\":[{\"target\":\"" + "y".repeat(1 << 20) + "\"}],\"items\":[]}");
            run(
                    connection,
                    "export",
                    "complete",
                    "{\"carried\":{\"bytes\":5},\"volumes\":[{}],\"images\":[{}],\"text\":\"T\"}");
        });
        try (CopyJournal beside = CopyJournal.openForReading(folder, clock)) {
            holds(beside);
            assertThat(beside.runs().report(2).orElseThrow())
                    .as("it is still there")
                    .hasSizeGreaterThan(9 << 20);
        }
        assertThat(Files.size(folder.resolve(CopyJournal.FILE))).isGreaterThan(9 << 20);
        for (int opened = 0; opened < 2; opened++) {
            try (CopyJournal journal = CopyJournal.open(folder, clock)) {
                holds(journal);
                assertThat(journal.runs().report(1)).contains(report("eu.test", 0, 10));
                assertThat(journal.runs().report(2)).contains(summary("eu.test", 7));
                assertThat(journal.runs().report(5).orElseThrow()).contains("\"text\":\"T\"");
                assertThat(journal.runs().telling("rule", 1))
                        .extracting(RunRecord::id)
                        .containsExactly(4L, 2L, 1L);
            }
        }
        assertThat(Files.size(folder.resolve(CopyJournal.FILE))).isLessThan(1 << 20);
    }

    private static void holds(CopyJournal journal) throws IOException {
        List<RunRecord> runs = journal.runs().last(9).reversed();
        assertThat(runs).hasSize(5);
        assertThat(runs.get(0).summaryJson()).contains(summary("eu.test", 0));
        assertThat(runs.get(1).summaryJson()).contains(summary("eu.test", 7));
        assertThat(runs.get(2).summaryJson()).isEmpty();
        assertThat(runs.get(3).summaryJson()).isEmpty();
        assertThat(runs.get(4).summaryJson()).contains("{\"carried\":{\"bytes\":5},\"volumes\":[{}]}");
    }

    @Test
    void reportThatIsTooLongIsNotReadWhoeverWroteIt() throws Exception {
        change((connection, statement) -> {
            statement.execute("INSERT INTO run(id, rule, cause, started, ended, outcome, summary) VALUES"
                    + " (1, 'rule', 'schedule', 1, 2, 'failed', hex(zeroblob(20000000)))");
            statement.execute("INSERT INTO report VALUES (1, hex(zeroblob(20000000)))");
        });
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            assertThat(journal.runs().last(9))
                    .singleElement()
                    .satisfies(run -> assertThat(run.summaryJson()).isEmpty());
            assertThat(journal.runs().report(1)).isEmpty();
            journal.forgetRuns(CopyJournal.HISTORY);
        }
    }

    @Test
    void runsOfARuleAreBoundedInNumberButForThoseThatTellHowItStands() throws Exception {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            journal.runs().finish(journal.runs().start("quiet", "schedule"), "complete", report("eu.test", 0, 0));
            journal.runs().finish(journal.runs().start("noisy", "schedule"), "partly", report("us.test", 0, 0));
            journal.runs().finish(journal.runs().start("noisy", "schedule"), "partly", report("us.test", 1, 0));
        }
        change((connection, statement) ->
                statement.execute("WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1"
                        + " FROM number WHERE n < 3000) INSERT INTO run(rule, cause, started, ended, outcome, summary)"
                        + " SELECT 'noisy', 'schedule', " + clock.millis() + ", 1, 'failed', '{}' FROM number"));
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            assertThat(journal.forgetRuns(CopyJournal.HISTORY)).isEqualTo(2000);

            assertThat(journal.runs().last("noisy", 9999)).hasSize(CopyJournal.RUNS_OF_RULE + 2);
            assertThat(journal.runs().telling("noisy", 1))
                    .extracting(RunRecord::id)
                    .containsExactly(3003L, 3L, 2L);
            assertThat(journal.runs().last("quiet", 9)).hasSize(1);
            assertThat(journal.runs().last("quiet", 9).getFirst().summaryJson()).contains(summary("eu.test", 0));
            assertThat(journal.runs().last(5)).extracting(RunRecord::rule).containsOnly("noisy");
        }
    }

    @Test
    void runsOfManyRulesAreBoundedInNumber() throws Exception {
        change((connection, statement) ->
                statement.execute("WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1"
                        + " FROM number WHERE n < 10300) INSERT INTO run(rule, cause, started, ended, outcome, summary)"
                        + " SELECT 'copy ' || n, 'command', " + clock.millis() + ", 1, 'failed', '{}' FROM number"));
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            assertThat(journal.forgetRuns(CopyJournal.HISTORY)).isEqualTo(300);
            assertThat(journal.runs().last(CopyJournal.RUNS * 2).getLast().id()).isEqualTo(301);
        }
    }

    @Test
    void oldestReportsGoWhenAllTogetherAreTooLarge() throws Exception {
        try (CopyJournal journal = CopyJournal.open(folder, clock)) {
            for (int run = 1; run <= 6; run++) {
                journal.runs()
                        .finish(journal.runs().start("rule", "schedule"), "partly", report("eu.test", run, 15 << 20));
            }
            long whole = journal.runs().start("rule", "schedule");
            journal.runs().finish(whole, "partly", report("eu.test", 0, 17 << 20));

            assertThat(journal.forgetRuns(CopyJournal.HISTORY)).isZero();
            assertThat(journal.runs().report(1)).contains(summary("eu.test", 1));
            assertThat(journal.runs().report(2)).contains(summary("eu.test", 2));
            assertThat(journal.runs().report(3)).contains(report("eu.test", 3, 15 << 20));
            assertThat(journal.runs().report(whole))
                    .as("longer than any is kept")
                    .contains(summary("eu.test", 0));
        }
    }
}
