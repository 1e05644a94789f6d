package dev.entrepot.cache;

import java.sql.SQLException;
import java.util.Collection;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sqlite.SQLiteErrorCode;

/** Writes changes all or none, and knows whether that works at present. For one thread, except {@link #failure()}. */
final class IndexTransactions {
    private static final Logger LOG = LoggerFactory.getLogger(IndexTransactions.class);

    private IndexUpdates updates;
    private boolean mustPrepare;
    private volatile @Nullable SQLException failure;

    /** Writes by {@code updates}. */
    IndexTransactions(IndexUpdates updates) {
        this.updates = updates;
    }

    /** Why the last attempt failed, if it did. */
    Optional<SQLException> failure() {
        return Optional.ofNullable(failure);
    }

    /** Notes whether the index was closed in good order. For who comes after the last {@link #attempt}. */
    void saveClean(boolean clean) throws SQLException {
        updates.saveClean(clean);
    }

    /** Notes that something else than the disk has failed, perhaps within a transaction. */
    void fail(Throwable cause) {
        mustPrepare = true;
        rollback();
        failure = new SQLException(cause);
    }

    /**
     * Writes the changes as one transaction. Want of memory counts as a refusal by the disk that may pass, and a defect
     * in a change as one that does not.
     *
     * @return why it failed, if it did; nothing of it is written then
     */
    Optional<SQLException> attempt(Collection<? extends IndexChange> changes) {
        try {
            if (mustPrepare) {
                updates = updates.preparedAgain();
                mustPrepare = false;
            }
            updates.begin();
            for (IndexChange change : changes) {
                change.save(updates);
            }
            updates.commit();
            if (failure != null) {
                LOG.info("the index can be written again");
                failure = null;
            }
            return Optional.empty();
        } catch (SQLException e) {
            return Optional.of(refused(e));
        } catch (OutOfMemoryError e) {
            return Optional.of(refused(new SQLException(e.toString(), "", SQLiteErrorCode.SQLITE_NOMEM.code, e)));
        } catch (RuntimeException | Error e) {
            LOG.error("a change of the index cannot be written, for a defect", e);
            return Optional.of(refused(new SQLException(e)));
        }
    }

    private SQLException refused(SQLException e) {
        if (failure == null) {
            LOG.error("the index cannot be written; {}: {}{}", meanwhile(e), e.getMessage(), remedy(e));
        }
        failure = e;
        // The driver closes a statement for good whose step has failed.
        mustPrepare = true;
        rollback();
        return e;
    }

    /** What becomes of changes that are refused so. */
    static String meanwhile(SQLException e) {
        return IndexDatabase.isPassing(e)
                ? "what is in memory is used meanwhile, and written once it can be"
                : "these changes are lost, and are used for as long as there is room for them in memory";
    }

    /** What to do about a refusal, to follow a message; nothing if it is not known. */
    static String remedy(SQLException e) {
        int code = e.getErrorCode() & 0xff;
        if (code == SQLiteErrorCode.SQLITE_FULL.code) {
            return "; free space on the disk of the data folder";
        }
        if (code == SQLiteErrorCode.SQLITE_NOMEM.code) {
            return "; give this process more memory";
        }
        if (code == SQLiteErrorCode.SQLITE_IOERR.code
                || code == SQLiteErrorCode.SQLITE_READONLY.code
                || code == SQLiteErrorCode.SQLITE_CANTOPEN.code) {
            return "; look at the disk of the data folder, and see that it can be written";
        }
        return "";
    }

    private void rollback() {
        try {
            updates.rollback();
        } catch (SQLException e) {
            // As when BEGIN itself failed, or the database rolled back by itself.
            LOG.debug("rollback: {}", e.getMessage());
        }
    }
}
