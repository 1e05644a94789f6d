package dev.entrepot.replicator.journal;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sqlite.JDBC;
import org.sqlite.ProgressHandler;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteErrorCode;

/**
 * The one platform thread that talks to SQLite, because a native call would hold the carrier of a virtual thread. Work
 * is done in the order in which it is handed in; what has gathered meanwhile shares one transaction, in which each
 * piece is written as a whole or not at all. The file is in WAL mode without a force per commit: after {@code kill -9}
 * everything committed is there, after a power cut it is consistent and may lack the last moments.
 */
final class SqlThread implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SqlThread.class);
    // After these, SQLite may have rolled back the transaction.
    private static final Set<Integer> ROLLED_BACK = Set.of(
            SQLiteErrorCode.SQLITE_FULL.code,
            SQLiteErrorCode.SQLITE_IOERR.code,
            SQLiteErrorCode.SQLITE_NOMEM.code,
            SQLiteErrorCode.SQLITE_INTERRUPT.code);
    private static final int MOST_WAITING = 10_000;
    private static final int BATCH = 512;
    private static final Preparation WRITING = JournalSchema::prepare;
    // Fewer are not worth writing a file anew.
    private static final long FREE_BYTES = 8 << 20;
    // Longer than SQLite waits for a lock that another process has.
    private static final Duration PATIENCE = Duration.ofMinutes(1);
    // Of SQLite, between two looks at how far it is. A check makes about one with each page.
    private static final int STEPS = 1_000;

    private final BlockingQueue<Task<?>> queue = new LinkedBlockingQueue<>(MOST_WAITING);
    private final Path file;
    private final Connection connection;
    private final Map<String, PreparedStatement> statements = new HashMap<>();
    private final AtomicLong done = new AtomicLong();
    private final Duration patience;
    private final Thread thread;
    private volatile boolean closed;
    private volatile boolean ended;

    /** Something to do with the database. */
    @FunctionalInterface
    interface Work<T> {
        @Nullable
        T run(Statements statements) throws SQLException;
    }

    /** Prepared statements, each compiled once; used on the thread of this class only. */
    @FunctionalInterface
    interface Statements {
        PreparedStatement prepare(String text) throws SQLException;

        /** Binds the values and runs a statement that changes rows; returns how many. */
        default int update(String text, Object... values) throws SQLException {
            return bound(text, values).executeUpdate();
        }

        /** A statement with its values bound. */
        default PreparedStatement bound(String text, Object... values) throws SQLException {
            PreparedStatement statement = prepare(text);
            for (int i = 0; i < values.length; i++) {
                statement.setObject(i + 1, values[i]);
            }
            return statement;
        }
    }

    private record Task<T>(Work<T> work, CompletableFuture<@Nullable T> result) {}

    private SqlThread(Path file, Connection connection, Duration patience) {
        this.file = file;
        this.connection = connection;
        this.patience = patience;
        this.thread =
                Thread.ofPlatform().name("replication-journal").daemon(true).start(this::loop);
    }

    static SqlThread open(Path file) throws IOException {
        return open(file, PATIENCE);
    }

    /**
     * Leaves a file as it is that an older version wrote, and may be writing; its runs can be read, and their items.
     */
    static SqlThread openForReading(Path file) throws IOException {
        return open(file, PATIENCE, JournalSchema::prepareForReading);
    }

    /** With how long callers wait while no work at all gets done. */
    static SqlThread open(Path file, Duration patience) throws IOException {
        return open(file, patience, WRITING);
    }

    private interface Preparation {
        void of(Connection connection) throws SQLException;
    }

    // What is deleted is written over later, but a file that was once many times as large as what is in it stays so.
    // It is written anew then, which takes as long as what is left in it, or not at all while somebody else writes.
    private static void giveBack(Connection connection, Path file) {
        try (Statement statement = connection.createStatement()) {
            long free = number(statement, "PRAGMA freelist_count");
            if (free > number(statement, "PRAGMA page_count") / 2
                    && free * number(statement, "PRAGMA page_size") > FREE_BYTES) {
                statement.execute("VACUUM");
                statement.execute("PRAGMA wal_checkpoint(TRUNCATE)");
            }
        } catch (SQLException e) {
            LOG.info("the replication journal {} keeps its size: {}", file, e.getMessage());
        }
    }

    private static long number(Statement statement, String pragma) throws SQLException {
        try (ResultSet row = statement.executeQuery(pragma)) {
            row.next();
            return row.getLong(1);
        }
    }

    private static SqlThread open(Path file, Duration patience, Preparation preparation) throws IOException {
        try {
            Connection connection = JDBC.createConnection("jdbc:sqlite:" + file, new Properties());
            try {
                prepare(connection, file, preparation);
            } catch (SQLException | RuntimeException e) {
                connection.close();
                throw e;
            }
            return new SqlThread(file, connection, patience);
        } catch (SQLException e) {
            throw JournalFailure.of("cannot open the replication journal", file, e);
        }
    }

    private static void prepare(Connection connection, Path file, Preparation preparation) throws SQLException {
        boolean writing = preparation == WRITING;
        try (Statement statement = connection.createStatement()) {
            statement.execute("PRAGMA busy_timeout=10000");
            if (writing) {
                statement.execute("PRAGMA journal_mode=WAL");
            }
            statement.execute("PRAGMA synchronous=NORMAL");
            // By hand: the driver's own way cannot go on after a commit that failed. Whoever writes waits for others
            // before the first look: what is changed after it would fail at once if another had changed anything since.
            statement.execute(writing ? "BEGIN IMMEDIATE" : "BEGIN");
            preparation.of(connection);
            statement.execute("COMMIT");
        }
        if (writing) {
            giveBack(connection, file);
        }
    }

    /**
     * Refuses a file that a newer version wrote, and changes nothing in it. What is not there, or cannot be read, is
     * not refused.
     */
    static void refuseNewer(Path file) throws IOException {
        if (Files.notExists(file)) {
            return;
        }
        SQLiteConfig config = new SQLiteConfig();
        config.setReadOnly(true);
        int version;
        try (Connection connection = config.createConnection("jdbc:sqlite:" + file);
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("PRAGMA user_version")) {
            version = row.next() ? row.getInt(1) : 0;
        } catch (SQLException e) {
            LOG.debug("the version of {} cannot be read: {}", file, e.getMessage());
            return;
        }
        try {
            JournalSchema.refuseNewer(version);
        } catch (SQLException e) {
            throw JournalFailure.of("cannot open the replication journal", file, e);
        }
    }

    /**
     * Hands in work; the future completes when it is committed, or fails with {@link SQLException} or with what the
     * work threw.
     */
    <T> CompletableFuture<@Nullable T> submit(Work<T> work) {
        Task<T> task = new Task<>(work, new CompletableFuture<>());
        try {
            if (closed) {
                throw new SQLException("the journal is closed");
            }
            if (!queue.offer(task, patience.toNanos(), TimeUnit.NANOSECONDS)) {
                throw new SQLException("the journal does not keep up");
            }
            failIfEnded(task);
        } catch (SQLException e) {
            task.result().completeExceptionally(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            task.result().completeExceptionally(e);
        }
        return task.result();
    }

    /**
     * Hands in work and waits for its result.
     *
     * @throws IOException if the work failed, or no work at all got done for the patience of this
     */
    <T> @Nullable T call(Work<T> work) throws IOException {
        return await(submit(work));
    }

    /**
     * As {@link #call}, for work of which one statement may take longer than the patience of this, as what reads the
     * whole file from a slow disk: what that statement gets done counts as progress.
     */
    <T> @Nullable T callLong(Work<T> work) throws IOException {
        return call(statements -> {
            ProgressHandler.setHandler(connection, STEPS, new ProgressHandler() {
                @Override
                protected int progress() {
                    done.incrementAndGet();
                    return 0; // It goes on.
                }
            });
            try {
                return work.run(statements);
            } finally {
                ProgressHandler.clearHandler(connection);
            }
        });
    }

    private <T> @Nullable T await(CompletableFuture<@Nullable T> future) throws IOException {
        long before = done.get();
        while (true) {
            try {
                return future.get(patience.toNanos(), TimeUnit.NANOSECONDS);
            } catch (TimeoutException e) {
                long now = done.get();
                if (now == before) {
                    throw new IOException("the replication journal " + file + " made no progress for " + patience, e);
                }
                before = now;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new InterruptedIOException("interrupted while waiting for the replication journal");
            } catch (ExecutionException e) {
                throw JournalFailure.of(
                        "the replication journal failed at", file, e.getCause() == null ? e : e.getCause());
            }
        }
    }

    private void loop() {
        List<Task<?>> batch = new ArrayList<>();
        try {
            while (true) {
                batch.clear();
                batch.add(queue.take());
                queue.drainTo(batch, BATCH - 1);
                runBatch(batch);
            }
        } catch (InterruptedException e) {
            // That is how close() ends it.
        } finally {
            // However it ends, nobody waits for what will not come.
            closed = true;
            ended = true;
            queue.drainTo(batch);
            batch.forEach(task -> task.result().completeExceptionally(new SQLException("the journal is closed")));
        }
    }

    // Results are handed out only after the commit, so that whoever waited knows that it is on disk. A batch that
    // cannot be written fails; the next begins anew, because disks that are full are emptied again.
    private void runBatch(List<Task<?>> batch) {
        List<Runnable> outcomes = new ArrayList<>(batch.size());
        try {
            execute("BEGIN");
            for (Task<?> task : batch) {
                outcomes.add(attempt(task));
            }
            execute("COMMIT");
        } catch (SQLException | RuntimeException e) {
            batch.forEach(task -> task.result().completeExceptionally(e));
            rollback();
            return;
        }
        outcomes.forEach(Runnable::run);
    }

    /**
     * Does one piece of work, and returns what is to be done after the commit.
     *
     * @throws SQLException if the whole batch has failed with it
     */
    private <T> Runnable attempt(Task<T> task) throws SQLException {
        try {
            prepared("SAVEPOINT task").execute();
            T value = task.work().run(this::prepared);
            prepared("RELEASE task").execute();
            return () -> task.result().complete(value);
        } catch (SQLException e) {
            task.result().completeExceptionally(e);
            if (ROLLED_BACK.contains(e.getErrorCode() & 0xff)) {
                throw e; // what came before is undone, and what comes after would be written by itself
            }
            undo();
            return () -> {};
        } catch (RuntimeException e) {
            // A row that is damaged is refused by the types that it is read into.
            task.result().completeExceptionally(e);
            undo();
            return () -> {};
        } finally {
            done.incrementAndGet();
        }
    }

    // The half of a change that fails is not written with the batch.
    private void undo() throws SQLException {
        // The driver closes a statement for good whose step has failed.
        forgetStatements();
        execute("ROLLBACK TO task");
        execute("RELEASE task");
    }

    private PreparedStatement prepared(String text) throws SQLException {
        PreparedStatement known = statements.get(text);
        if (known != null) {
            return known;
        }
        PreparedStatement statement = connection.prepareStatement(text);
        statements.put(text, statement);
        return statement;
    }

    private void execute(String text) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(text);
        }
    }

    private void rollback() {
        forgetStatements();
        try {
            execute("ROLLBACK");
        } catch (SQLException e) {
            // As when BEGIN itself failed, or SQLite has rolled back by itself.
            LOG.debug("rollback: {}", e.getMessage());
        }
    }

    private void forgetStatements() {
        for (PreparedStatement statement : statements.values()) {
            try {
                statement.close();
            } catch (SQLException e) {
                LOG.debug("closing a statement: {}", e.getMessage());
            }
        }
        statements.clear();
    }

    @Override
    public void close() throws IOException {
        closed = true;
        try {
            await(flush());
        } finally {
            thread.interrupt();
            // Who is interrupted leaves nothing open either.
            boolean interrupted = Thread.interrupted();
            try {
                thread.join(10_000);
            } catch (InterruptedException e) {
                interrupted = true;
            }
            try {
                connection.close();
            } catch (SQLException e) {
                throw JournalFailure.of("cannot close the replication journal", file, e);
            } finally {
                if (interrupted) {
                    Thread.currentThread().interrupt();
                }
            }
        }
    }

    private CompletableFuture<@Nullable Void> flush() {
        Task<Void> task = new Task<>(statements -> null, new CompletableFuture<>());
        if (!queue.offer(task)) {
            task.result().completeExceptionally(new SQLException("the journal does not keep up"));
        }
        failIfEnded(task);
        return task.result();
    }

    // The thread may have ended, and failed all that waited, just before this task came.
    private void failIfEnded(Task<?> task) {
        if (ended && queue.remove(task)) {
            task.result().completeExceptionally(new SQLException("the journal is closed"));
        }
    }
}
