package dev.entrepot.cache;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Takes out of a damaged index what nobody else knows: the pins. All other rows can be asked for again, and are not trusted. */
final class IndexSalvage {
    private static final Logger LOG = LoggerFactory.getLogger(IndexSalvage.class);

    private IndexSalvage() {}

    /** The pins of a damaged index, as far as they can be read and make sense; none if it is no database at all. */
    static List<Pin> pins(Path damaged) {
        List<Pin> found = new ArrayList<>();
        try (Connection connection = IndexDatabase.connect(damaged, true);
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(IndexReader.PINS)) {
            while (row.next()) {
                try {
                    found.add(IndexReader.pinOf(row));
                } catch (RuntimeException e) {
                    LOG.warn("a pin of the damaged index makes no sense: {}", e.getMessage());
                }
            }
        } catch (SQLException e) {
            LOG.debug("the pins of the damaged index cannot all be read: {}", e.getMessage());
        }
        return found;
    }

    /** Puts pins into a new index; returns how many. */
    static int put(List<Pin> pins, Connection empty) throws SQLException {
        // Closed by whoever opened the connection.
        IndexUpdates updates = new IndexUpdates(empty);
        updates.begin();
        for (Pin pin : pins) {
            updates.savePin(pin);
        }
        updates.commit();
        return pins.size();
    }
}
