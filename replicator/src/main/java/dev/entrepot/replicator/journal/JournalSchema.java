package dev.entrepot.replicator.journal;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sqlite.SQLiteErrorCode;

/**
 * The tables of the journal, and their version. An older file is brought to this version when it is opened to be
 * written.
 */
final class JournalSchema {
    private static final Logger LOG = LoggerFactory.getLogger(JournalSchema.class);
    private static final int VERSION = 9;

    private static final String BEGUN =
            "CREATE TABLE begun(target TEXT NOT NULL, repository TEXT NOT NULL, PRIMARY KEY(target, repository)) WITHOUT ROWID";

    private static final String LEFTOVER = """
        CREATE TABLE leftover(target TEXT NOT NULL, repository TEXT NOT NULL, digest TEXT NOT NULL, rule TEXT NOT NULL,
            registry TEXT NOT NULL, source TEXT NOT NULL, tag TEXT NOT NULL, since INTEGER NOT NULL,
            PRIMARY KEY(rule, target, repository, digest)) WITHOUT ROWID""";

    private static final String OWED =
            "CREATE TABLE owed(rule TEXT PRIMARY KEY, cause TEXT NOT NULL, last_run INTEGER NOT NULL)";

    // What each rule knows of a tag, and since when the source lacks it.
    private static final String COMPLETED = """
        CREATE TABLE completed(target TEXT NOT NULL, repository TEXT NOT NULL, tag TEXT NOT NULL, rule TEXT NOT NULL,
            source TEXT NOT NULL, source_digest TEXT NOT NULL, target_digest TEXT NOT NULL, scope TEXT NOT NULL, nodes TEXT NOT NULL,
            at INTEGER NOT NULL, registry TEXT NOT NULL DEFAULT '', kept TEXT NOT NULL DEFAULT '', missing_since INTEGER,
            PRIMARY KEY(target, repository, tag, rule)) WITHOUT ROWID""";

    private static final String COMPLETED_BY_RULE = "CREATE INDEX completed_by_rule ON completed(rule, target)";

    // What each rule has written under a tag, or is about to write. Two digests only while it moves.
    private static final String BROUGHT = """
        CREATE TABLE brought(target TEXT NOT NULL, repository TEXT NOT NULL, tag TEXT NOT NULL, rule TEXT NOT NULL,
            digest TEXT NOT NULL, registry TEXT NOT NULL, source TEXT NOT NULL,
            PRIMARY KEY(target, repository, tag, rule, digest)) WITHOUT ROWID""";

    private static final String REPORT = "CREATE TABLE report(run INTEGER PRIMARY KEY, json TEXT NOT NULL)";

    private static final String TABLE = "CREATE TABLE";

    private static final String[] TABLES = {
        """
        CREATE TABLE run(id INTEGER PRIMARY KEY AUTOINCREMENT, rule TEXT NOT NULL, cause TEXT NOT NULL, started INTEGER NOT NULL,
            ended INTEGER, outcome TEXT NOT NULL, summary TEXT, round_of INTEGER, left_out INTEGER)""",
        "CREATE INDEX run_by_rule ON run(rule, outcome)",
        REPORT,
        StandingRows.TABLE,
        COMPLETED,
        COMPLETED_BY_RULE,
        BROUGHT,
        """
        CREATE TABLE blob(target TEXT NOT NULL, digest TEXT NOT NULL, repository TEXT NOT NULL,
            PRIMARY KEY(target, digest, repository))""",
        """
        CREATE TABLE upload(target TEXT NOT NULL, repository TEXT NOT NULL, digest TEXT NOT NULL, location TEXT NOT NULL,
            reached INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY(target, repository, digest)) WITHOUT ROWID""",
        BEGUN,
        LEFTOVER,
        OWED,
    };

    // Where the tags of version 1 came from is not known: they are compared in full once.
    private static final String FROM_1_TO_2 = "ALTER TABLE completed ADD COLUMN registry TEXT NOT NULL DEFAULT ''";

    // To where a killed run of version 2 had begun to copy is known only where a tag came.
    private static final String[] FROM_2_TO_3 = {
        BEGUN, "INSERT INTO begun SELECT DISTINCT target, repository FROM completed",
    };

    private static final String FROM_4_TO_5 = "ALTER TABLE run ADD COLUMN round_of INTEGER";

    // What the rounds of earlier versions left out only their outcomes tell.
    private static final String[] FROM_5_TO_6 = {
        "ALTER TABLE run ADD COLUMN left_out INTEGER",
        "UPDATE run SET left_out = (round_of IS NOT NULL AND outcome <> 'complete')",
    };

    // Of long reports nothing is read at an upgrade, and of all together no more than is kept of them later.
    private static final int LONG_REPORT = 1 << 20;

    private static final String SHORT_REPORTS =
            "SELECT id FROM (SELECT id, SUM(octet_length(report)) OVER (ORDER BY id DESC) AS total FROM run"
                    + " WHERE octet_length(report) <= " + LONG_REPORT + ") WHERE total <= " + CopyJournal.REPORT_BYTES;

    // Of what the journal has as complete, what a kept report says that its rule wrote: the last rule that compared a
    // tag took it for its own, also one that somebody else had brought. The reason tells a tag that was written from
    // one
    // that was right, and of which only content was missing.
    private static final String BROUGHT_BY_REPORTS =
            "INSERT OR IGNORE INTO brought SELECT completed.target, completed.repository, completed.tag, completed.rule,"
                    + " completed.target_digest, completed.registry, completed.source FROM run"
                    + " CROSS JOIN json_each(CASE WHEN json_valid(run.report) THEN run.report ELSE '{}' END, '$.items') AS item"
                    + " CROSS JOIN completed ON completed.target = item.value ->> '$.target'"
                    + " AND completed.repository = item.value ->> '$.repository' AND completed.tag = item.value ->> '$.tag'"
                    + " AND completed.rule = run.rule AND completed.source_digest = item.value ->> '$.digest'"
                    + " WHERE run.id IN (" + SHORT_REPORTS
                    + ") AND item.type = 'object' AND item.value ->> '$.state' = 'copied'"
                    + " AND (item.value ->> '$.reason' LIKE 'the target does not have the tag%'"
                    + " OR item.value ->> '$.reason' LIKE 'the tag moves from %')";

    private static final String NOT_BROUGHT = "SELECT COUNT(*) FROM completed WHERE NOT EXISTS (SELECT 1 FROM brought"
            + " WHERE brought.target = completed.target AND brought.repository = completed.repository"
            + " AND brought.tag = completed.tag AND brought.rule = completed.rule)";

    // Up to version 7 what a rule wrote itself is known by its reports alone, and one place had several names where a
    // rule
    // had it several times. A grace time that had begun begins anew.
    private static final String[] FROM_7_TO_8 = {
        "ALTER TABLE completed RENAME TO completed7",
        "DROP INDEX IF EXISTS completed_by_rule",
        COMPLETED,
        COMPLETED_BY_RULE,
        "INSERT INTO completed SELECT target, repository, tag, rule, source, source_digest, target_digest, scope, nodes, at, registry, '', NULL"
                + " FROM completed7",
        "DROP TABLE completed7",
        "DROP TABLE IF EXISTS brought",
        BROUGHT,
        BROUGHT_BY_REPORTS,
        "DROP TABLE IF EXISTS missing",
        atItsPlace("completed"),
        atItsPlace("brought"),
        atItsPlace("blob"),
        atItsPlace("begun"),
        atItsPlace("upload"),
        atItsPlace("leftover"),
    };

    // Up to version 8 a report had every tag of a run, a run its report in its row, and a table each item once more,
    // which nobody read. Of long reports the summary is kept, however much they fill: SQLite cuts one after the other.
    // Bytes of the longest of which even that is made, which is in memory then, though not in the heap.
    private static final int CUT_BYTES = 128 << 20;

    private static final String[] FROM_8_TO_9 = {
        "DROP TABLE IF EXISTS report",
        "DROP TABLE IF EXISTS standing",
        REPORT,
        StandingRows.TABLE,
        "INSERT INTO report SELECT id, report FROM run WHERE id IN (" + SHORT_REPORTS + ")",
        "UPDATE run SET report = CASE WHEN octet_length(report) <= " + CUT_BYTES + " THEN "
                + RunRows.summaryOf("run.report") + " END WHERE report IS NOT NULL",
        "ALTER TABLE run RENAME COLUMN report TO summary",
        StandingRows.NOTE_ALL,
        "DROP TABLE IF EXISTS item",
    };

    // Of registries; a layout that was named so is compared anew.
    private static String atItsPlace(String table) {
        return "UPDATE OR REPLACE " + table
                + " SET target = substr(target, 1, instr(target, '#') - 1) WHERE instr(target, '#') > 1 AND instr(target, '/') = 0";
    }

    // Of this connection alone, where it hides the table of the same name. The file stays as it is.
    private static String runsBefore9(boolean rounds) {
        return "CREATE TEMP VIEW run AS SELECT id, rule, cause, started, ended, outcome, CASE WHEN octet_length(report) <= "
                + CUT_BYTES + " THEN " + RunRows.summaryOf("main.run.report") + " END AS summary, "
                + (rounds ? "round_of" : "NULL AS round_of") + " FROM main.run";
    }

    private static final String REPORTS_BEFORE_9 =
            "CREATE TEMP VIEW report AS SELECT id AS run, report AS json FROM main.run WHERE report IS NOT NULL";

    private JournalSchema() {}

    static void prepare(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            int version = version(statement);
            refuseNewer(version);
            if (version == 0) {
                for (String table : TABLES) {
                    statement.execute(table);
                }
            }
            if (version == 1) {
                statement.execute(FROM_1_TO_2);
            }
            if (version == 1 || version == 2) {
                for (String change : FROM_2_TO_3) {
                    statement.execute(change);
                }
            }
            // What earlier versions left at targets is not known.
            if (version > 0 && version < 4) {
                statement.execute(LEFTOVER);
            }
            if (version > 0 && version < 5) {
                statement.execute(FROM_4_TO_5);
            }
            if (version > 0 && version < 6) {
                for (String change : FROM_5_TO_6) {
                    statement.execute(change);
                }
            }
            if (version > 0 && version < 7) {
                statement.execute(OWED);
            }
            if (version > 0 && version < 8) {
                for (String change : FROM_7_TO_8) {
                    statement.execute(change);
                }
                sayWhatIsNotPruned(statement);
            }
            if (version > 0 && version < 9) {
                for (String change : FROM_8_TO_9) {
                    statement.execute(change);
                }
            }
            if (version < VERSION) {
                statement.execute("PRAGMA user_version = " + VERSION);
            }
        }
    }

    /** Refuses the version of a file that a newer version of this program wrote. */
    static void refuseNewer(int version) throws SQLException {
        if (version > VERSION) {
            throw new SQLException("the journal was written by a newer version of this program (schema " + version
                    + ", this one knows " + VERSION
                    + "): run that version, or restore the data folder from before the upgrade");
        }
    }

    /**
     * As above, but the file stays as it is: an older one so that who only reads does not take it from the version that
     * has it open, and one without tables because another process is about to make them.
     */
    static void prepareForReading(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            int version = version(statement);
            refuseNewer(version);
            if (version == 0) {
                for (String table : TABLES) {
                    if (table.startsWith(TABLE)) {
                        statement.execute("CREATE TEMP TABLE" + table.substring(TABLE.length()));
                    }
                }
            } else if (version < 9) {
                statement.execute(runsBefore9(version >= 5));
                statement.execute(REPORTS_BEFORE_9);
            }
        }
    }

    /** Reads the whole file; what is damaged is an exception that says so. */
    static @Nullable Void check(SqlThread.Statements statements) throws SQLException {
        try (ResultSet row = statements.prepare("PRAGMA quick_check(1)").executeQuery()) {
            String found = row.next() ? row.getString(1) : "no answer";
            if (!found.equals("ok")) {
                throw new SQLException("quick_check: " + found, null, SQLiteErrorCode.SQLITE_CORRUPT.code);
            }
            return null;
        }
    }

    private static void sayWhatIsNotPruned(Statement statement) throws SQLException {
        try (ResultSet row = statement.executeQuery(NOT_BROUGHT)) {
            row.next();
            if (row.getLong(1) > 0) {
                LOG.warn(
                        "replication: of {} tags no kept report of the earlier version says that their rule brought them;"
                                + " they are not pruned, and for on-conflict they are somebody else's",
                        row.getLong(1));
            }
        }
    }

    private static int version(Statement statement) throws SQLException {
        try (ResultSet row = statement.executeQuery("PRAGMA user_version")) {
            row.next();
            return row.getInt(1);
        }
    }
}
