package dev.entrepot.cache;

import java.io.IOException;
import java.sql.SQLException;
import java.time.Clock;
import java.util.Optional;
import java.util.OptionalLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the cache remembers besides the bytes: which repository has which content, what tags were when, answers that are
 * kept for a while, and what lies on the disk since when. It survives restarts and crashes; of what was put in the last
 * moments before a crash some may be missing, never what came before it. All it holds can be asked of the upstreams
 * again or read from the file tree, so a damaged index costs requests, not content.
 *
 * <p>Safe for all threads. Questions about one thing are answered from memory when it was asked for lately, and never
 * wait for a commit. A database that fails makes the cache forgetful, not unable: such questions come back empty. Lists
 * say so with an {@link IOException}.
 *
 * <p>This opens and closes it, says how it stands, and leads to its records, which share one writer and one order of
 * changes.
 */
public final class CacheIndex implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(CacheIndex.class);

    private final IndexDatabase database;
    private final IndexReaders readers;
    private final IndexWriter writer;
    private final StoredContents contents;
    private final LinkRecords links;
    private final TagRecords tags;
    private final ListRecords lists;
    private final PinRecords pins;
    private final PinListing pinListing;
    private final boolean rebuilt;
    private volatile boolean compared;

    /**
     * The index of a database that is ready: {@link IndexOpening}.
     *
     * @param changes those of the files, of which it hears from now on
     * @param pinList the list of pins beside it, which may differ from it
     * @param rebuilt whether it was damaged or lost, and made again at this start
     * @param totals the content that it has
     * @param clock the time of last uses
     */
    CacheIndex(
            IndexDatabase database,
            FileChanges changes,
            PinList pinList,
            boolean rebuilt,
            IndexReader.Totals totals,
            Clock clock) {
        this.database = database;
        this.rebuilt = rebuilt;
        this.readers = database.readers();
        Touches touches = new Touches();
        this.writer = new IndexWriter(database.updates(), touches, clock, changes);
        IndexTables tables = new IndexTables(readers, writer);
        this.contents = new StoredContents(tables.contents, readers, touches, totals, clock);
        this.links = new LinkRecords(tables.links, contents, readers, writer);
        this.tags = new TagRecords(tables.tags, tables.tagHistories, readers, contents);
        this.lists = new ListRecords(tables.documents, writer, contents, clock);
        this.pins = new PinRecords(tables.pins, readers);
        this.pinListing = new PinListing(pinList, pins, clock);
        writer.start(tables.contents::isPending);
        changes.heard();
    }

    /**
     * Opens the index of a store. After a crash, or if it is not the one that was last used there, it is compared with
     * the files first; a damaged one is replaced and filled from them.
     *
     * @param store the store, which stays open for as long as the index
     * @param clock the time of last uses
     * @throws IOException if a newer program wrote the index, or the disk refuses
     */
    public static CacheIndex open(ContentStore store, Clock clock) throws IOException {
        return new IndexOpening(store, clock).open(true);
    }

    /**
     * As above, but after a crash without comparing, which takes a second for each 100 000 files: until
     * {@link IndexComparison#run} has done it, the count lacks what was stored in the last moments before the crash. A
     * damaged index is still filled first.
     */
    public static CacheIndex openAtOnce(ContentStore store, Clock clock) throws IOException {
        return new IndexOpening(store, clock).open(false);
    }

    /**
     * Makes the index of a store anew from its files and from what can be read of the old one, which is put aside once
     * the new one is whole. Of one that is lost, what repositories have and what tags name is asked of the upstreams
     * again; of one that is damaged, unless something of the repository is pinned.
     *
     * @throws IOException if a newer program wrote the old one, or the disk refuses
     */
    public static CacheIndex rebuild(ContentStore store, Clock clock) throws IOException {
        return new IndexOpening(store, clock).rebuild();
    }

    /** Begins to load what an index needs, on a thread of its own. For a process that is going to open one. */
    public static void prepare() {
        IndexDatabase.prepare();
    }

    /** Whether it has been compared with the files since it was last left without being closed. */
    public boolean isCompared() {
        return compared;
    }

    /** Notes that it agrees with the files. */
    void agrees() {
        compared = true;
        writer.agrees();
    }

    /**
     * Whether the index was damaged or lost and has been made again at this start: tags and links are gone, of what is
     * pinned too if it was lost, and perhaps pins; content is not.
     */
    public boolean wasRebuilt() {
        return rebuilt;
    }

    /** Why nothing can be written at present, if that is so, and the remedy. For health. */
    public Optional<String> problem() {
        if (writer.hasEnded()) {
            return Optional.of("the index of the store is not written any more, since what writes it has ended; restart"
                    + " the server, and see its log");
        }
        return writer.isFailing()
                ? Optional.of("the index of the store cannot be written; the log says why")
                : Optional.empty();
    }

    /**
     * Whether so much of what lies on the disk waits to be noted that nothing more should be stored: the disk has been
     * slow or has refused for long. The bound is some 30 000 pieces.
     */
    boolean isFull() {
        return writer.isFull();
    }

    /** The number of changes that could not be kept, since the start. */
    public long lostChanges() {
        return writer.lostChanges();
    }

    /** The number of questions since the start that came back empty because the database failed. */
    long failedReads() {
        return writer.failedReads();
    }

    /** What lies on the disk. */
    public StoredContents contents() {
        return contents;
    }

    /** Which repository has which content. */
    public LinkRecords links() {
        return links;
    }

    /** What tags are and were. */
    public TagRecords tags() {
        return tags;
    }

    /** Lists of tags and of referrers. */
    public ListRecords lists() {
        return lists;
    }

    /** The pins. */
    PinRecords pins() {
        return pins;
    }

    /** The list of all pins beside the index, which whoever changes one tells. */
    PinListing pinListing() {
        return pinListing;
    }

    /** Asks the database, after everything that was put before is committed. */
    <T> T ask(IndexReaders.Question<T> question) throws IOException {
        flush();
        return readers.ask(question);
    }

    /** The number that is kept under a name, once it is committed. */
    OptionalLong number(String name) throws IOException {
        return readers.ask(reader -> reader.number(name));
    }

    /** Keeps a number under a name. */
    void putNumber(String name, long value) {
        writer.enqueue(new Number(name, value));
    }

    private record Number(String name, long value) implements IndexChange {
        @Override
        public int admittedBytes() {
            return 0;
        }

        @Override
        public void save(IndexUpdates updates) throws SQLException {
            updates.saveNumber(name, value);
        }

        @Override
        public void settled() {}
    }

    /**
     * Waits until all that was put before is committed.
     *
     * @throws IOException if the disk refuses, or it takes more than a minute
     */
    public void flush() throws IOException {
        writer.flush();
    }

    /**
     * As {@link #flush()}, for one who must know of its own changes, whoever else has asked meanwhile.
     *
     * @param lostBefore what {@link #lostChanges()} was before them
     */
    void flush(long lostBefore) throws IOException {
        writer.flush(lostBefore);
    }

    /**
     * Writes what is left and closes the database, waiting half a minute at most. If files are still being changed
     * then, the next start compares index and files.
     */
    @Override
    public void close() throws IOException {
        try {
            pinListing.catchUp();
        } finally {
            try {
                writer.close();
            } catch (SQLException e) {
                LOG.warn("the index is not closed in good order: {}", e.getMessage());
            }
            database.close();
        }
    }
}
