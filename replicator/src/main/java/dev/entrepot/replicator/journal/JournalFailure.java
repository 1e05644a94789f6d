package dev.entrepot.replicator.journal;

import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import org.sqlite.SQLiteErrorCode;

/** Turns what SQLite says of a journal into what there is to do: each message names the file. */
final class JournalFailure {
    private JournalFailure() {}

    /** What came of doing something with the journal, for example {@code cannot open the replication journal}. */
    static IOException of(String what, Path file, Throwable cause) {
        String message = what + " " + file + ": " + cause.getMessage();
        if (!(cause instanceof SQLException e)) {
            return new IOException(what + " " + file + ": " + cause, cause);
        }
        return isDamage(e)
                ? new DamagedJournalException(message + damaged(file), e)
                : new IOException(message + remedy(file, e), e);
    }

    private static boolean isDamage(SQLException e) {
        return is(e, SQLiteErrorCode.SQLITE_NOTADB) || is(e, SQLiteErrorCode.SQLITE_CORRUPT);
    }

    private static boolean is(SQLException e, SQLiteErrorCode code) {
        return (e.getErrorCode() & 0xff) == code.code;
    }

    private static String damaged(Path file) {
        return "; restore it from a backup, or move it away together with " + file.getFileName() + "-wal and "
                + file.getFileName()
                + "-shm beside it, if they are there, for a new one to be made: all is compared again then, and nothing that was copied before is pruned";
    }

    private static String remedy(Path file, SQLException e) {
        if (is(e, SQLiteErrorCode.SQLITE_FULL)) {
            return "; make space on the disk that " + file.getParent() + " is on";
        }
        if (is(e, SQLiteErrorCode.SQLITE_IOERR)) {
            return "; look at the disk that " + file.getParent() + " is on, and whether it has space left";
        }
        if (is(e, SQLiteErrorCode.SQLITE_READONLY)
                || is(e, SQLiteErrorCode.SQLITE_CANTOPEN)
                || is(e, SQLiteErrorCode.SQLITE_PERM)) {
            return "; the file and its folder must be writable for the user of this process";
        }
        return "";
    }
}
