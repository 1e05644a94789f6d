package dev.entrepot.replicator.journal;

import dev.entrepot.replicator.journal.SqlThread.Statements;
import java.io.IOException;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The ways in which all records of a journal are read and written. What nobody waits for is on disk in the order in
 * which it was handed in. Safe for all threads.
 */
final class JournalAccess {
    private static final Logger LOG = LoggerFactory.getLogger(JournalAccess.class);

    private final SqlThread sql;
    // Never counted back: of several that wait each is told.
    private final AtomicLong lost = new AtomicLong();
    private volatile @Nullable Throwable lastLoss;
    // Since somebody waited: a full disk loses one after another.
    private final AtomicBoolean logged = new AtomicBoolean();

    JournalAccess(SqlThread sql) {
        this.sql = sql;
    }

    /** What is made of a row. */
    interface Rows<T> {
        T read(ResultSet row) throws SQLException;
    }

    /** What is written. */
    interface Change {
        void apply(Statements statements) throws SQLException;
    }

    /** Hands in work and waits for its result; see {@link SqlThread#call}. */
    <T> @Nullable T call(SqlThread.Work<T> work) throws IOException {
        return sql.call(work);
    }

    /** The rows of a question, all in memory. */
    <T> List<T> query(String text, Rows<T> rows, Object... values) throws IOException {
        List<T> result = sql.call(statements -> {
            List<T> found = new ArrayList<>();
            try (ResultSet row = statements.bound(text, values).executeQuery()) {
                while (row.next()) {
                    found.add(rows.read(row));
                }
            }
            return found;
        });
        return result == null ? List.of() : result;
    }

    /**
     * Hands in a change and does not wait. One that fails is lost, and each who {@linkplain #flush waits} for all of
     * them is told. What is interrupted tells its own run.
     */
    void later(Change change) {
        var unused = sql.submit(statements -> {
                    change.apply(statements);
                    return null;
                })
                .whenComplete((nothing, failure) -> {
                    if (failure != null && !(failure instanceof InterruptedException)) {
                        lastLoss = failure;
                        lost.incrementAndGet();
                        if (logged.compareAndSet(false, true)) {
                            LOG.warn("the replication journal lost what was to be noted: {}", failure.toString());
                        }
                    }
                });
    }

    /** How many changes that nobody waited for were lost since this was opened. */
    long lostChanges() {
        return lost.get();
    }

    /**
     * Waits until everything that was noted before is on disk.
     *
     * @param lostBefore what {@link #lostChanges()} was before the changes that the caller must know of
     * @throws IOException also if something that was noted since then, by whomever, is lost; who does not know by then
     *     what that was does not know what is noted
     */
    void flush(long lostBefore) throws IOException {
        sql.call(statements -> null);
        logged.set(false);
        if (lost.get() > lostBefore) {
            Throwable failure = lastLoss;
            throw new IOException("the replication journal failed: " + failure, failure);
        }
    }
}
