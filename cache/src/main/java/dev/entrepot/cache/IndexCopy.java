package dev.entrepot.cache;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sqlite.SQLiteErrorCode;

/** Takes what can be read of one index over into a new one of the same format. */
final class IndexCopy {
    private static final Logger LOG = LoggerFactory.getLogger(IndexCopy.class);
    // Repositories first, since the rest names them by number.
    private static final List<String> TABLES =
            List.of("repositories", "links", "tags", "tag_history", "documents", "pins", "content");

    // The new one cannot be written, or the disk fails: it must not take the place of the old one.
    private static final Set<Integer> NOT_OF_THE_OLD = Set.of(
            SQLiteErrorCode.SQLITE_FULL.code,
            SQLiteErrorCode.SQLITE_READONLY.code,
            SQLiteErrorCode.SQLITE_CANTOPEN.code,
            SQLiteErrorCode.SQLITE_NOMEM.code,
            SQLiteErrorCode.SQLITE_BUSY.code,
            SQLiteErrorCode.SQLITE_LOCKED.code,
            SQLiteErrorCode.SQLITE_IOERR.code);

    private IndexCopy() {}

    /**
     * Copies table by table; one that cannot be read is left out, and the log says so. One that cannot be written is an
     * error: pins are asked of nobody.
     *
     * @param from an index that nobody has open
     * @param to another, of the same format and empty
     * @throws SQLException if one of them cannot be used, or the other cannot be written
     */
    static void run(Path from, Connection to) throws SQLException {
        try (PreparedStatement attach = to.prepareStatement("ATTACH DATABASE ? AS old")) {
            attach.setString(1, from.toAbsolutePath().toString());
            attach.execute();
        }
        for (String table : TABLES) {
            copy(to, table);
        }
    }

    private static void copy(Connection connection, String table) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.executeUpdate("INSERT OR REPLACE INTO main." + table + " SELECT * FROM old." + table);
        } catch (SQLException e) {
            if (NOT_OF_THE_OLD.contains(e.getErrorCode() & 0xff)) {
                throw e;
            }
            LOG.warn("the {} of the old index cannot be read and are asked for anew: {}", table, e.getMessage());
        }
    }
}
