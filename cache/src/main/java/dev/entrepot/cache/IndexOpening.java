package dev.entrepot.cache;

import java.io.IOException;
import java.sql.SQLException;
import java.time.Clock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What happens before the index of a store can be used: it is opened, compared with the files where it may not agree
 * with them, and made anew where it is damaged, lost or unwanted.
 *
 * @param store the store, which stays open for as long as the index
 * @param clock the time of last uses
 */
record IndexOpening(ContentStore store, Clock clock) {
    private static final Logger LOG = LoggerFactory.getLogger(IndexOpening.class);

    /**
     * Opens the index; see {@link CacheIndex#open} and {@link CacheIndex#openAtOnce}.
     *
     * @param compare whether it is compared with the files after a crash
     */
    CacheIndex open(boolean compare) throws IOException {
        boolean all = compare;
        boolean rebuilt = false;
        boolean empty = false;
        while (true) {
            IndexDatabase database = IndexDatabase.open(store.layout(), clock, store.openings());
            rebuilt |= database.rebuilt();
            empty |= database.empty();
            try {
                return open(all || rebuilt, database.orBefore(rebuilt, empty));
            } catch (IOException e) {
                if (!isForWantOfSpace(e) || !LastSpace.free(store.layout())) {
                    throw e;
                }
                // It may have been compared in part.
                all = true;
                LOG.warn("the index is opened once more, because there was no space: {}", e.getMessage());
            }
        }
    }

    private static boolean isForWantOfSpace(IOException e) {
        return e.getCause() instanceof SQLException cause && IndexDatabase.isPassing(cause);
    }

    private CacheIndex open(boolean compare, IndexDatabase database) throws IOException {
        try {
            boolean agrees = database.clean();
            boolean lost = false;
            boolean anew = database.empty() || database.rebuilt();
            if (!agrees
                    && (compare
                            || anew
                            || database.readers().ask(IndexReader::totals).count() == 0)) {
                IndexReconciliation.run(store, database.readers(), database.updates());
                agrees = true;
                lost = database.empty() && isLost(database);
            }
            if (anew) {
                database.updates().saveNumber(IndexDatabase.MADE_ANEW, 0);
            }
            database.updates().deleteDocumentsBefore(clock.instant().minus(ListRecords.LIFE));
            // The last space may have been freed.
            store.recount();
            CacheIndex index = new CacheIndex(
                    database,
                    store.changes(),
                    new PinList(store.layout()),
                    database.rebuilt() || lost,
                    database.readers().ask(IndexReader::totals),
                    clock);
            index.pinListing().catchUp();
            if (agrees) {
                index.agrees();
            }
            return index;
        } catch (SQLException e) {
            database.close();
            throw new IOException(
                    "the index cannot be made ready: " + e.getMessage() + IndexDatabase.remedy(e, store.layout()), e);
        } catch (IOException e) {
            database.close();
            throw e;
        }
    }

    // An empty index is that of a new store, or there was another before it.
    private boolean isLost(IndexDatabase database) throws IOException {
        long files = database.readers().ask(IndexReader::totals).count();
        int pins = database.readers().ask(IndexReader::pins).size();
        if (files == 0 && pins == 0) {
            return false;
        }
        LOG.error(
                "the index {} is lost; it is made again from the files of the store, {} now, but which repositories have which"
                        + " content, and what tags name, must be asked again. {} pins were read in {} and stay; others are lost:"
                        + " compare them with those you had (entrepot cache pin), and pin again what is missing",
                store.layout().index(),
                files,
                pins,
                store.layout().pins());
        return true;
    }

    /** Makes the index anew and opens it; see {@link CacheIndex#rebuild}. */
    CacheIndex rebuild() throws IOException {
        // Moves an old format forward. What was damaged is made anew by that.
        CacheIndex present = open(true);
        if (present.wasRebuilt()) {
            return present;
        }
        present.close();
        IndexReplacement replacement = new IndexReplacement(store.layout(), clock);
        try {
            replacement.make(empty -> {
                if (IndexDatabase.isWhole(store.layout().index())) {
                    IndexCopy.run(store.layout().index(), empty);
                } else {
                    LOG.warn(
                            "the index is damaged: pins, and what is under them, are taken over as far as they can be read");
                    IndexSalvage.run(store.layout(), empty);
                }
                return true;
            });
        } catch (SQLException e) {
            throw new IOException("no new index can be made: " + e.getMessage(), e);
        }
        LOG.info("the index is made anew; the old one is {}", replacement.swap());
        return open(true);
    }
}
