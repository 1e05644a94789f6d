package dev.entrepot.cache;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteErrorCode;

/**
 * The database file of the index, opened: one connection that writes, a few that read.
 *
 * @param updates the connection that writes
 * @param readers the connections that read
 * @param empty whether there was no file, or one without anything in it, and nobody has filled it since
 * @param rebuilt whether the file was damaged and has been replaced by one that has its pins and what is under them at
 *     most, and nobody has filled it since
 * @param clean whether it was closed in good order, and is the one that was used with the file tree last, so that it
 *     agrees with that
 */
record IndexDatabase(IndexUpdates updates, IndexReaders readers, boolean empty, boolean rebuilt, boolean clean)
        implements AutoCloseable {
    /** The name under which the database remembers that it was closed in good order. */
    static final String CLEAN = "clean";
    /** The name under which it remembers the opening of the store that it was last used in. */
    static final String OPENING = "opening";
    /** The name under which it remembers why it was made anew, until it has the files. */
    static final String MADE_ANEW = "made anew";
    /** Made because there was none, or none any more. */
    static final int LOST = 1;
    /** Made in the place of a damaged one. */
    static final int DAMAGED = 2;
    /** A native call holds its carrier thread, so more readers would only keep more carriers from other work. */
    static final int READERS = 2;

    private static final Logger LOG = LoggerFactory.getLogger(IndexDatabase.class);
    private static final int BUSY_MILLIS = 5_000;
    private static final int PAGE_CACHE_KIB = 8 * 1024;

    /**
     * Opens the file, moving its format forward; a damaged one is put aside and a new one made, which has the pins that
     * could be read, and what is under them.
     *
     * @param openings of the store, to know the index again by
     * @throws IOException if a newer program wrote it, or the disk refuses
     */
    static IndexDatabase open(StoreLayout layout, Clock clock, StoreOpenings openings) throws IOException {
        while (true) {
            try {
                return openOrReplace(layout, clock, openings);
            } catch (SQLException e) {
                if (!isPassing(e) || !LastSpace.free(layout)) {
                    throw new IOException(
                            "the index " + layout.index() + " cannot be opened: " + e.getMessage() + remedy(e, layout),
                            e);
                }
            }
        }
    }

    /** What to do about a failure, to follow a message; nothing if it is not known. */
    static String remedy(SQLException e, StoreLayout layout) {
        int code = e.getErrorCode() & 0xff;
        return code == SQLiteErrorCode.SQLITE_FULL.code
                ? "; free space on the disk of " + layout.root() + ", some 500 bytes for each stored file"
                : code == SQLiteErrorCode.SQLITE_READONLY.code || code == SQLiteErrorCode.SQLITE_CANTOPEN.code
                        ? "; see that " + layout.root() + " and what is in it can be written by this user"
                        : "";
    }

    /** The same, and known to have been made anew, or to have been empty, if that was so before it was opened. */
    IndexDatabase orBefore(boolean wasRebuilt, boolean wasEmpty) {
        return new IndexDatabase(updates, readers, empty || wasEmpty, rebuilt || wasRebuilt, clean);
    }

    private static IndexDatabase openOrReplace(StoreLayout layout, Clock clock, StoreOpenings openings)
            throws SQLException, IOException {
        refuseWhatIsNoFile(layout);
        IndexReplacement.dropUnfinished(layout);
        try {
            return open(layout, openings, false);
        } catch (SQLException e) {
            if (!isDamage(e)) {
                throw e;
            }
            IndexReplacement replacement = new IndexReplacement(layout, clock);
            IndexSalvage.Found found = replacement.make(empty -> {
                IndexSalvage.Found salvaged = IndexSalvage.run(layout, empty);
                // Closed with the connection.
                new IndexUpdates(empty).saveNumber(MADE_ANEW, DAMAGED);
                return salvaged;
            });
            Path aside = replacement.swap();
            LOG.error(
                    "the index is damaged ({}) and was put aside as {}; it is made again from the files of the store, but which"
                            + " repositories have which content must be asked again. {} pins could be read in it or in the list of"
                            + " pins, and {} tags of their repositories in it; they stay: compare the pins with those you had (entrepot cache pin), and pin again what"
                            + " is missing",
                    e.getMessage(),
                    aside,
                    found.pins(),
                    found.tags());
            return open(layout, openings, true);
        }
    }

    // The library would say that it cannot be opened, as for want of rights.
    private static void refuseWhatIsNoFile(StoreLayout layout) throws IOException {
        for (Path file : layout.indexFiles()) {
            if (Files.exists(file) && !Files.isRegularFile(file)) {
                throw new IOException(
                        "the index cannot be opened: " + file
                                + " is not a file: move it away; what the index lacks then is found again in the store and at the upstreams");
            }
        }
    }

    private static IndexDatabase open(StoreLayout layout, StoreOpenings openings, boolean rebuilt)
            throws SQLException, IOException {
        Path file = layout.index();
        List<AutoCloseable> opened = new ArrayList<>();
        try {
            Connection connection = connect(file, false);
            opened.add(connection);
            boolean unused = IndexSchema.migrate(connection, IndexSchema.STEPS);
            // Whoever made it was killed before it had the files: it is no less new.
            long anew = number(connection, MADE_ANEW)
                    .orElse(unused || number(connection, CLEAN).isEmpty() ? LOST : 0);
            boolean empty = anew == LOST;
            boolean damaged = rebuilt || anew == DAMAGED;
            boolean closed = number(connection, CLEAN).orElse(0) != 0;
            boolean last = openings.isLast(number(connection, OPENING));
            boolean clean = closed && last;
            if (!clean) {
                check(connection);
            }
            if (closed && !clean) {
                LOG.warn(
                        "the index {} is not the one that was last used with the files beside it, as when an older copy was put in"
                                + " its place: they are compared",
                        file);
            }
            List<IndexReader> readers = new ArrayList<>();
            for (int i = 0; i < READERS; i++) {
                Connection reading = connect(file, true);
                opened.add(reading);
                readers.add(new IndexReader(reading));
            }
            IndexUpdates updates = new IndexUpdates(connection);
            // Forced, before anything else is written: a start after a power failure must not find the word of the
            // close before.
            updates.begin();
            // In one with the number of the opening: a start that is killed before does it again.
            if (empty || damaged || !last && openings.former().isPresent()) {
                addListed(layout, readers, updates);
            }
            updates.saveClean(false);
            updates.saveNumber(OPENING, openings.present());
            if (empty) {
                updates.saveNumber(MADE_ANEW, LOST);
            }
            updates.commit();
            updates.checkpoint();
            return new IndexDatabase(
                    updates,
                    new IndexReaders(readers, () -> new IndexReader(connect(file, true))),
                    empty,
                    damaged,
                    clean);
        } catch (SQLException | IOException e) {
            closeAll(opened, e);
            throw e;
        }
    }

    // Both count, where it cannot be said which is older: a pin too many is seen and taken away, one that is missing
    // costs the image.
    private static void addListed(StoreLayout layout, List<IndexReader> readers, IndexUpdates updates)
            throws SQLException {
        List<Pin> listed;
        try {
            listed = new PinList(layout).read().orElse(List.of());
        } catch (IOException e) {
            // Said when it is written anew.
            LOG.debug("the list of pins cannot be used: {}", e.getMessage());
            return;
        }
        Map<IndexTables.PinKey, Pin> known = new HashMap<>();
        readable(readers.getFirst())
                .forEach(pin -> known.put(new IndexTables.PinKey(pin.repository(), pin.reference()), pin));
        int added = 0;
        for (Pin pin : listed) {
            Pin there = known.get(new IndexTables.PinKey(pin.repository(), pin.reference()));
            Pin both = there == null ? pin : there.with(pin);
            if (!both.equals(there)) {
                updates.savePin(both);
                added++;
            }
        }
        if (added > 0) {
            LOG.warn("{} pins that the index did not have are taken over from {}", added, layout.pins());
        }
    }

    private static List<Pin> readable(IndexReader reader) throws SQLException {
        try {
            return reader.pins();
        } catch (SQLException e) {
            if (isDamage(e) || isPassing(e)) {
                throw e;
            }
            LOG.warn("the pins of the index make no sense: {}", e.getMessage());
            return List.of();
        }
    }

    /** Whether a database that nobody has open is undamaged, by reading all of it. */
    static boolean isWhole(Path file) throws SQLException {
        try (Connection connection = connect(file, true)) {
            check(connection);
            return true;
        } catch (SQLException e) {
            if (isDamage(e)) {
                return false;
            }
            throw e;
        }
    }

    private static void closeAll(List<AutoCloseable> opened, Exception cause) {
        for (AutoCloseable one : opened) {
            try {
                one.close();
            } catch (Exception e) {
                cause.addSuppressed(e);
            }
        }
    }

    /**
     * Begins to load the library, on a thread of its own, while the configuration is read: it takes a tenth of a second
     * of the start. Whoever opens a database before it is done waits for the rest.
     */
    static void prepare() {
        Thread.ofPlatform().daemon().name("index-library").start(() -> {
            try (Connection connection = new SQLiteConfig().createConnection("jdbc:sqlite::memory:");
                    Statement statement = connection.createStatement()) {
                statement.execute("SELECT 1");
            } catch (SQLException e) {
                LOG.debug("whoever opens the index will say it better: {}", e.getMessage());
            }
        });
    }

    /** A connection with the settings of all of them. */
    static Connection connect(Path file, boolean reading) throws SQLException {
        SQLiteConfig config = new SQLiteConfig();
        config.setBusyTimeout(BUSY_MILLIS);
        config.setCacheSize(-PAGE_CACHE_KIB);
        if (reading) {
            config.setReadOnly(true);
        } else {
            config.setJournalMode(SQLiteConfig.JournalMode.WAL);
            config.setSynchronous(SQLiteConfig.SynchronousMode.NORMAL);
        }
        return config.createConnection("jdbc:sqlite:" + file.toAbsolutePath());
    }

    private static OptionalLong number(Connection connection, String key) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT value FROM meta WHERE key = '" + key + "'")) {
            return row.next() ? OptionalLong.of(row.getLong(1)) : OptionalLong.empty();
        }
    }

    private static void check(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("PRAGMA quick_check(1)")) {
            String found = row.next() ? row.getString(1) : "no answer";
            if (!found.equals("ok")) {
                throw new SQLException("quick_check: " + found, null, SQLiteErrorCode.SQLITE_CORRUPT.code);
            }
        }
    }

    /**
     * Whether the file, rather than the disk or the moment, is at fault: not a database, damaged, or without our
     * tables.
     */
    private static boolean isDamage(SQLException e) {
        int code = e.getErrorCode() & 0xff;
        return code == SQLiteErrorCode.SQLITE_CORRUPT.code
                || code == SQLiteErrorCode.SQLITE_NOTADB.code
                || code == SQLiteErrorCode.SQLITE_ERROR.code;
    }

    /** Whether the disk or the moment, rather than the change, is at fault, so that trying again may help. */
    static boolean isPassing(SQLException e) {
        int code = e.getErrorCode() & 0xff;
        return code == SQLiteErrorCode.SQLITE_FULL.code
                || code == SQLiteErrorCode.SQLITE_IOERR.code
                || code == SQLiteErrorCode.SQLITE_BUSY.code
                || code == SQLiteErrorCode.SQLITE_LOCKED.code
                || code == SQLiteErrorCode.SQLITE_READONLY.code
                || code == SQLiteErrorCode.SQLITE_CANTOPEN.code
                || code == SQLiteErrorCode.SQLITE_NOMEM.code;
    }

    /** Closes all connections, the one that writes last: it folds the log into the database. */
    @Override
    public void close() throws IOException {
        try (updates) {
            readers.close();
        } catch (SQLException e) {
            throw new IOException("the index cannot be closed: " + e.getMessage(), e);
        }
    }
}
