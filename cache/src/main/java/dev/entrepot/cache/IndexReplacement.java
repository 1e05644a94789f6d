package dev.entrepot.cache;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Another index database in the place of the present one. It is made beside it, and takes its place by a rename:
 * whoever is killed meanwhile leaves the present one or the next, never none, which the next start would take for a new
 * store without pins.
 *
 * @param layout where things lie; nobody has the index open
 * @param clock says since when the former one is aside
 */
record IndexReplacement(StoreLayout layout, Clock clock) {
    /** How long the former one is kept for inspection. */
    static final Duration LIFE = Duration.ofDays(7);

    private static final Logger LOG = LoggerFactory.getLogger(IndexReplacement.class);

    /** Puts something into a new database. */
    @FunctionalInterface
    interface Filling<T> {
        /** Fills it; the connection is closed by the caller. */
        T fill(Connection empty) throws SQLException, IOException;
    }

    /** Deletes what a process that was killed has left of one. */
    static void dropUnfinished(StoreLayout layout) throws IOException {
        Path next = layout.nextIndex();
        Files.deleteIfExists(next);
        Files.deleteIfExists(beside(next, "-wal"));
        Files.deleteIfExists(beside(next, "-shm"));
    }

    /**
     * Deletes indexes, and lists of pins, that were put aside more than a week ago, by what the files say.
     *
     * @return how many
     */
    static int dropOld(StoreLayout layout, Instant now) throws IOException {
        Instant oldest = now.minus(LIFE);
        int dropped = 0;
        for (Path file : StoreLayout.files(layout.root())) {
            if (layout.isPutAside(file)
                    && Files.getLastModifiedTime(file).toInstant().isBefore(oldest)
                    && Files.deleteIfExists(file)) {
                LOG.info("{} was put aside more than a week ago and is deleted", file);
                dropped++;
            }
        }
        return dropped;
    }

    /** Makes the next database, and returns what the filling has to say. */
    <T> T make(Filling<T> filling) throws SQLException, IOException {
        dropUnfinished(layout);
        try (Connection connection = IndexDatabase.connect(layout.nextIndex(), false)) {
            IndexSchema.migrate(connection, IndexSchema.STEPS);
            // Unless the filling says otherwise. Closed with the connection.
            new IndexUpdates(connection).saveNumber(IndexDatabase.MADE_ANEW, 0);
            T said = filling.fill(connection);
            fold(connection);
            return said;
        }
    }

    // By itself, closing would do it and say nothing if the disk refused.
    private static void fold(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("PRAGMA main.wal_checkpoint(TRUNCATE)")) {
            if (!row.next() || row.getInt(1) != 0) {
                throw new SQLException("the new index cannot be folded into one file");
            }
        }
    }

    /** Puts it in the place of the present one, and returns the name that the present one is kept under. */
    Path swap() throws IOException {
        Path aside = keepAside();
        // The log belongs to the old file: left where it is, it would be replayed into the new one.
        Path log = beside(aside, "-wal");
        moveIfThere(beside(layout.index(), "-wal"), log);
        Files.deleteIfExists(beside(layout.index(), "-shm"));
        Files.move(
                layout.nextIndex(),
                layout.index(),
                StandardCopyOption.ATOMIC_MOVE,
                StandardCopyOption.REPLACE_EXISTING);
        Durability.forceFolder(Durability.parent(layout.index().toAbsolutePath()));
        // Both are kept as long, whenever they were last written to.
        FileTime now = FileTime.from(clock.instant());
        Files.setLastModifiedTime(aside, now);
        if (Files.exists(log)) {
            Files.setLastModifiedTime(log, now);
        }
        return aside;
    }

    private Path keepAside() throws IOException {
        int number = 1;
        while (isTaken(layout.damagedIndex(number))) {
            number++;
        }
        Path aside = layout.damagedIndex(number);
        keep(layout.index(), aside);
        return aside;
    }

    // Somebody may have deleted one and not its log.
    private static boolean isTaken(Path aside) {
        return Files.exists(aside) || Files.exists(beside(aside, "-wal"));
    }

    /** Has a file under a second name, under which it stays when another takes its place. */
    static void keep(Path file, Path aside) throws IOException {
        try {
            Files.createLink(aside, file);
        } catch (UnsupportedOperationException | FileSystemException e) {
            LOG.debug("copied, since it cannot be linked: {}", e.toString());
            Files.copy(file, aside, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    private static Path beside(Path file, String suffix) {
        return file.resolveSibling(file.getFileName() + suffix);
    }

    private static void moveIfThere(Path from, Path to) throws IOException {
        try {
            Files.move(from, to);
        } catch (NoSuchFileException e) {
            LOG.debug("no {} to put aside", from);
        }
    }
}
