package dev.entrepot.cache;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The tables of the index, as the steps that lead to them. A step that was released is never changed; {@code PRAGMA
 * user_version} counts those taken.
 */
final class IndexSchema {
    /** Each step is a list of statements, taken in one transaction. */
    static final List<List<String>> STEPS = List.of(
            List.of(
                    "CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
                    "CREATE TABLE repositories (id INTEGER PRIMARY KEY, registry TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (registry, name))",
                    "CREATE TABLE links (repository INTEGER NOT NULL, digest BLOB NOT NULL, bytes INTEGER, manifest INTEGER NOT NULL,"
                            + " PRIMARY KEY (repository, digest)) WITHOUT ROWID",
                    "CREATE TABLE tags (repository INTEGER NOT NULL, tag TEXT NOT NULL, digest BLOB NOT NULL,"
                            + " checked_at INTEGER NOT NULL, first_seen_at INTEGER NOT NULL, PRIMARY KEY (repository, tag)) WITHOUT ROWID",
                    // A rowid table: documents may be long, and long rows have no place in the tree that is searched.
                    // The subject of a tag list is empty.
                    "CREATE TABLE documents (repository INTEGER NOT NULL, subject BLOB NOT NULL, fetched_at INTEGER NOT NULL,"
                            + " json BLOB NOT NULL, UNIQUE (repository, subject))",
                    "CREATE INDEX documents_by_age ON documents (fetched_at)",
                    "CREATE TABLE content (digest BLOB PRIMARY KEY, kind INTEGER NOT NULL, bytes INTEGER NOT NULL, media_type TEXT,"
                            + " last_used INTEGER NOT NULL) WITHOUT ROWID",
                    // Holds all that eviction and the sums ask for, so that they never touch the table.
                    "CREATE INDEX content_by_use ON content (last_used, kind, bytes)"),
            // What tags named before: few tags move, and those that do are few lines.
            List.of("CREATE TABLE tag_history (repository INTEGER NOT NULL, tag TEXT NOT NULL, former BLOB NOT NULL,"
                    + " PRIMARY KEY (repository, tag)) WITHOUT ROWID"),
            List.of(
                    // How often it was used of late, and the repository that it was fetched for.
                    "ALTER TABLE content ADD COLUMN uses INTEGER NOT NULL DEFAULT 1",
                    "ALTER TABLE content ADD COLUMN owner INTEGER",
                    "DROP INDEX content_by_use",
                    "CREATE INDEX content_by_use ON content (last_used, kind, bytes, uses, owner)",
                    "CREATE TABLE pins (repository INTEGER NOT NULL, reference TEXT NOT NULL, platforms TEXT NOT NULL,"
                            + " referrers INTEGER NOT NULL, ruled INTEGER NOT NULL, PRIMARY KEY (repository, reference))"
                            + " WITHOUT ROWID"),
            // Whether the upstream has said so. What was linked before counts as that: nobody knows any more.
            List.of("ALTER TABLE links ADD COLUMN proven INTEGER NOT NULL DEFAULT 1"),
            // Of the manifest that a tag names, whether it is kept or not. Of a tag that was checked before, neither is
            // known until it is checked again.
            List.of("ALTER TABLE tags ADD COLUMN media_type TEXT", "ALTER TABLE tags ADD COLUMN bytes INTEGER"));

    private static final Logger LOG = LoggerFactory.getLogger(IndexSchema.class);
    // https://www.sqlite.org/fileformat.html, section 1.3.
    private static final byte[] MAGIC = "SQLite format 3\0".getBytes(StandardCharsets.US_ASCII);
    private static final int USER_VERSION = 60;

    private IndexSchema() {}

    /**
     * Takes the steps that the database has not taken yet, on a connection in auto-commit mode that is closed if this
     * fails.
     *
     * @return whether it was a database without anything in it
     * @throws IOException if the database has taken more steps than there are: a newer program wrote it
     */
    static boolean migrate(Connection connection, List<List<String>> steps) throws SQLException, IOException {
        try (Statement statement = connection.createStatement()) {
            int version = version(statement);
            if (version > steps.size()) {
                throw new IOException("the index has format " + version + ", this program knows up to " + steps.size()
                        + ": run the newer program that wrote it, or name another cache directory");
            }
            for (int step = version; step < steps.size(); step++) {
                statement.execute("BEGIN IMMEDIATE");
                for (String sql : steps.get(step)) {
                    statement.execute(sql);
                }
                statement.execute("PRAGMA user_version = " + (step + 1));
                statement.execute("COMMIT");
            }
            return version == 0;
        }
    }

    /**
     * Whether a newer program wrote a database, by the head of its file: whoever has taken steps has folded them in.
     * What cannot be read, or is no database, is not.
     */
    static boolean isNewer(Path file) {
        if (!Files.isRegularFile(file)) {
            return false;
        }
        try (var in = Files.newInputStream(file)) {
            byte[] head = in.readNBytes(USER_VERSION + Integer.BYTES);
            return head.length == USER_VERSION + Integer.BYTES
                    && Arrays.equals(MAGIC, 0, MAGIC.length, head, 0, MAGIC.length)
                    && ByteBuffer.wrap(head).getInt(USER_VERSION) > STEPS.size();
        } catch (IOException e) {
            LOG.debug("whoever opens the index will say it better: {}", e.toString());
            return false;
        }
    }

    private static int version(Statement statement) throws SQLException {
        try (var row = statement.executeQuery("PRAGMA user_version")) {
            return row.next() ? row.getInt(1) : 0;
        }
    }
}
