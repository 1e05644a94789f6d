package dev.entrepot.cache;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Takes what can be read of one index over into a new one of the same format. */
final class IndexCopy {
    private static final Logger LOG = LoggerFactory.getLogger(IndexCopy.class);
    // Repositories first, since the rest names them by number.
    private static final List<String> TABLES =
            List.of("repositories", "links", "tags", "tag_history", "documents", "pins", "content");

    private IndexCopy() {}

    /**
     * Copies table by table; one that cannot be read is left out, and the log says so.
     *
     * @param from an index that nobody has open
     * @param to another, of the same format and empty
     * @throws SQLException if neither can be used
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

    private static void copy(Connection connection, String table) {
        try (Statement statement = connection.createStatement()) {
            statement.executeUpdate("INSERT OR REPLACE INTO main." + table + " SELECT * FROM old." + table);
        } catch (SQLException e) {
            LOG.warn("the {} of the old index cannot be read and are asked for anew: {}", table, e.getMessage());
        }
    }
}
