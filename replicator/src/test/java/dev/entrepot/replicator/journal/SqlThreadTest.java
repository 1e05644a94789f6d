package dev.entrepot.replicator.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sqlite.ProgressHandler;

class SqlThreadTest {
    @TempDir
    private Path folder;

    private SqlThread open(Duration patience) throws IOException {
        return SqlThread.open(folder.resolve("test.db"), patience);
    }

    @Test
    void workThatFailsInAnyWayFailsAlone() throws IOException {
        try (SqlThread sql = open(Duration.ofSeconds(30))) {
            assertThatThrownBy(() -> sql.call(statements -> {
                        throw new IllegalArgumentException("damaged");
                    }))
                    .isInstanceOf(IOException.class)
                    .hasRootCauseInstanceOf(IllegalArgumentException.class);
            String next = sql.call(statements -> "next");
            assertThat(next).isEqualTo("next");
        }
    }

    @Test
    void nothingIsWrittenOfWorkThatFails() throws IOException {
        try (SqlThread sql = open(Duration.ofSeconds(30))) {
            sql.call(statements -> statements.update("CREATE TABLE kept(number INTEGER PRIMARY KEY)"));
            sql.call(statements -> statements.update("INSERT INTO kept VALUES (1)"));
            assertThatThrownBy(() -> sql.call(statements -> {
                        statements.update("INSERT INTO kept VALUES (2)");
                        return statements.update("INSERT INTO kept VALUES (1)");
                    }))
                    .isInstanceOf(IOException.class);
            assertThatThrownBy(() -> sql.call(statements -> {
                        statements.update("INSERT INTO kept VALUES (3)");
                        throw new IllegalArgumentException("damaged");
                    }))
                    .isInstanceOf(IOException.class);
            assertThat(rows(sql, "kept")).isEqualTo(1);
        }
    }

    private static Integer rows(SqlThread sql, String table) throws IOException {
        return sql.call(statements -> {
            try (ResultSet row =
                    statements.prepare("SELECT count(*) FROM " + table).executeQuery()) {
                row.next();
                return row.getInt(1);
            }
        });
    }

    // The last connection to a file that is closed takes the log beside it away.
    private Path log() {
        return folder.resolve("test.db-wal");
    }

    @Test
    void fileThatCannotBeOpenedIsNotLeftOpen() throws IOException {
        try (SqlThread sql = open(Duration.ofSeconds(30))) {
            sql.call(statements -> statements.update("PRAGMA user_version = 1000000"));
        }
        assertThatThrownBy(() -> open(Duration.ofSeconds(30))).isInstanceOf(IOException.class);
        assertThat(log()).doesNotExist();
    }

    @Test
    void fileIsClosedByWhoIsInterruptedToo() throws Exception {
        SqlThread sql = open(Duration.ofSeconds(30));
        sql.call(statements -> statements.update("CREATE TABLE kept(number INTEGER)"));
        assertThat(log()).exists();
        Thread closing = Thread.ofVirtual().start(() -> {
            Thread.currentThread().interrupt();
            assertThatThrownBy(sql::close).isInstanceOf(IOException.class);
        });
        closing.join();
        assertThat(log()).doesNotExist();
    }

    @Test
    void fileThatIsNoJournalIsNamedWithWhatToDo() throws IOException {
        Path file = folder.resolve("test.db");
        Files.writeString(file, "no database at all, and longer than the header of one would be. ".repeat(20));

        assertThatThrownBy(() -> open(Duration.ofSeconds(30)))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("cannot open the replication journal " + file)
                .hasMessageContaining("move it away together with test.db-wal and test.db-shm");
        assertThat(file).as("it stays for whoever wants to look at it").isNotEmptyFile();
    }

    @Test
    void fileThatIsDamagedFurtherOnIsNamedWithWhatToDoWhereThatShows() throws IOException {
        Path file = folder.resolve("test.db");
        try (SqlThread sql = open(Duration.ofSeconds(30))) {
            sql.call(statements -> statements.update("CREATE TABLE filled(bytes BLOB)"));
            sql.call(statements -> statements.update("INSERT INTO filled VALUES (?)", new byte[10]));
        }
        byte[] bytes = Files.readAllBytes(file);
        Arrays.fill(bytes, bytes.length - 4096, bytes.length, (byte) 0);
        Files.write(file, bytes);
        try (SqlThread sql = open(Duration.ofSeconds(30))) {
            assertThatThrownBy(() -> sql.call(statements -> statements.update("DELETE FROM filled WHERE bytes = 1")))
                    .isInstanceOf(DamagedJournalException.class)
                    .hasMessageContaining("the replication journal failed at " + file)
                    .hasMessageContaining("move it away together with test.db-wal");
        }
    }

    @Test
    void diskThatIsFullForAWhileEndsNothing() throws IOException {
        String insert = "INSERT INTO filled VALUES (?)";
        try (SqlThread sql = open(Duration.ofSeconds(30))) {
            sql.call(statements -> statements.update("CREATE TABLE filled(bytes BLOB)"));
            sql.call(statements -> statements.update(insert, new byte[10]));
            mostPages(sql, 40);
            assertThatThrownBy(() -> sql.call(statements -> statements.update(insert, new byte[1_000_000])))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("full")
                    .hasMessageContaining("make space on the disk that " + folder + " is on");
            mostPages(sql, 10_000);

            sql.call(statements -> statements.update(insert, new byte[1_000_000]));
            Integer rows = sql.call(statements -> {
                try (ResultSet row =
                        statements.prepare("SELECT count(*) FROM filled").executeQuery()) {
                    row.next();
                    return row.getInt(1);
                }
            });
            assertThat(rows).isEqualTo(2);
        }
    }

    private static void mostPages(SqlThread sql, int pages) throws IOException {
        sql.call(statements -> {
            try (ResultSet row =
                    statements.prepare("PRAGMA max_page_count = " + pages).executeQuery()) {
                return row.next();
            }
        });
    }

    @Test
    void commitThatFailsFailsItsBatchAndNoLaterOne() throws IOException {
        try (SqlThread sql = open(Duration.ofSeconds(30))) {
            sql.call(statements -> statements.update("CREATE TABLE parent(id INTEGER PRIMARY KEY)"));
            sql.call(statements -> statements.update(
                    "CREATE TABLE child(parent INTEGER REFERENCES parent(id) DEFERRABLE INITIALLY DEFERRED)"));
            assertThatThrownBy(() -> sql.call(statements -> {
                        // In a transaction the other pragma does nothing.
                        statements.update("PRAGMA defer_foreign_keys = ON");
                        statements.update("ROLLBACK");
                        statements.update("PRAGMA foreign_keys = ON");
                        statements.update("BEGIN");
                        statements.update("SAVEPOINT task");
                        return statements.update("INSERT INTO child VALUES (7)");
                    }))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("FOREIGN KEY");

            sql.call(statements -> statements.update("INSERT INTO parent VALUES (7)"));
            Integer added = sql.call(statements -> statements.update("INSERT INTO child VALUES (7)"));
            assertThat(added).isEqualTo(1);
        }
    }

    @Test
    void everythingThatWaitsFailsWhenTheThreadEnds() throws Exception {
        try (SqlThread sql = open(Duration.ofSeconds(30))) {
            CountDownLatch begun = new CountDownLatch(1);
            CountDownLatch queued = new CountDownLatch(1);
            var fatal = sql.submit(statements -> {
                begun.countDown();
                await(queued);
                throw new ThreadEnd();
            });
            assertThat(begun.await(30, TimeUnit.SECONDS)).isTrue();
            var behind = sql.submit(statements -> "behind");
            queued.countDown();

            assertThatThrownBy(() -> fatal.get(30, TimeUnit.SECONDS)).isInstanceOf(ExecutionException.class);
            assertThatThrownBy(() -> behind.get(30, TimeUnit.SECONDS)).isInstanceOf(ExecutionException.class);
            assertThatThrownBy(() -> sql.call(statements -> "later")).isInstanceOf(IOException.class);
        } catch (IOException e) {
            assertThat(e).hasMessageContaining("journal");
        }
    }

    @Test
    void waitEndsWhenTheDatabaseMakesNoProgress() throws IOException {
        CountDownLatch stuck = new CountDownLatch(1);
        try (SqlThread sql = open(Duration.ofMillis(500))) {
            assertThatThrownBy(() -> sql.call(statements -> {
                        await(stuck);
                        return "late";
                    }))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("no progress");
            stuck.countDown();
        }
    }

    @Test
    void statementThatGetsOnIsWaitedForHoweverLongItTakes() throws IOException {
        long patienceMillis = 400;
        try (SqlThread sql = open(Duration.ofMillis(patienceMillis))) {
            Integer counted = sql.callLong(statements -> {
                long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(3 * patienceMillis);
                while (System.nanoTime() < end) {
                    count(statements);
                }
                return count(statements);
            });
            assertThat(counted).isEqualTo(10_000);
        }
    }

    private static int count(SqlThread.Statements statements) throws SQLException {
        String text =
                "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 10000) SELECT max(x) FROM n";
        try (ResultSet row = statements.prepare(text).executeQuery()) {
            row.next();
            return row.getInt(1);
        }
    }

    @Test
    void checkOfAFileSaysHowFarItIs() throws Exception {
        AtomicInteger looks = new AtomicInteger();
        try (SqlThread sql = open(Duration.ofSeconds(30))) {
            sql.call(statements -> statements.update("CREATE TABLE filled(bytes BLOB)"));
            for (int row = 0; row < 200; row++) {
                sql.call(statements -> statements.update("INSERT INTO filled VALUES (zeroblob(10000))"));
            }
            sql.call(statements -> {
                var connection = statements.prepare("SELECT 1").getConnection();
                ProgressHandler.setHandler(connection, 100, new ProgressHandler() {
                    @Override
                    protected int progress() {
                        looks.incrementAndGet();
                        return 0;
                    }
                });
                return JournalSchema.check(statements);
            });
        }
        assertThat(looks).as("of some 600 pages").hasValueGreaterThanOrEqualTo(5);
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await(30, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** What ends a thread whatever it catches of the usual kinds. */
    private static final class ThreadEnd extends Error {}
}
