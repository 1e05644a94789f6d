package dev.entrepot.replicator.journal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;

/**
 * What is known of the targets from earlier runs, and the history of the runs themselves. It saves requests and, but
 * for tags that the rule calls immutable, never decides alone: any other tag is asked for at the target, and what the
 * journal says about blobs is corrected when a target refuses. Losing the file costs one full comparison, and what
 * rules had brought until then is no longer known to be theirs.
 *
 * <p>This opens and closes it, and leads to its records. Writes that nobody waits for are on disk in the order in which
 * they were made; {@link #flush} waits for them. Safe for all threads. A failure of the disk or of SQLite is an
 * {@link IOException}.
 */
public final class CopyJournal implements AutoCloseable {
    /** The name of the file in the folder. */
    public static final String FILE = "replication.db";

    /** How long runs are listed. */
    public static final Duration HISTORY = Duration.ofDays(90);

    /** How many runs of a rule are listed, and others only if they are the last that tell how it stands somewhere. */
    public static final int RUNS_OF_RULE = 1_000;

    /** How many runs are listed of all rules together, as above. */
    public static final int RUNS = 10_000;

    /** Bytes of all reports together that are kept; of older runs there are only the summaries. */
    public static final long REPORT_BYTES = 64L << 20;

    /**
     * How many places of blobs are known, of all targets together; some 240 bytes each. Those go first that were not
     * confirmed for longest.
     */
    public static final int BLOBS = 1_000_000;

    private final SqlThread sql;
    private final JournalAccess access;
    private final RunHistory history;
    private final RunRecords runs;
    private final TagRecords tags;
    private final ContentRecords content;
    private final InstantSource clock;

    private CopyJournal(SqlThread sql, InstantSource clock) {
        this.sql = sql;
        this.access = new JournalAccess(sql);
        this.history = new RunHistory(sql);
        this.runs = new RunRecords(access, clock);
        this.tags = new TagRecords(access, clock);
        this.content = new ContentRecords(access);
        this.clock = clock;
    }

    /**
     * Opens or creates the journal in a folder, and marks runs that a killed process left behind as interrupted.
     *
     * @throws IOException if the file cannot be opened or was written by a newer version
     */
    public static CopyJournal open(Path directory, InstantSource clock) throws IOException {
        CopyJournal journal = openBeside(directory, clock);
        journal.sql.call(statements -> {
            statements.update("UPDATE run SET outcome = 'interrupted' WHERE outcome = 'running'");
            return null;
        });
        return journal;
    }

    /**
     * As {@link #open}, and reads all of the file first.
     *
     * @throws DamagedJournalException if any of it is damaged
     */
    public static CopyJournal openChecked(Path directory, InstantSource clock) throws IOException {
        CopyJournal journal = open(directory, clock);
        try {
            journal.sql.callLong(JournalSchema::check);
            return journal;
        } catch (IOException e) {
            try {
                journal.close();
            } catch (IOException also) {
                e.addSuppressed(also);
            }
            throw e;
        }
    }

    /**
     * Puts a damaged journal aside, with what SQLite has beside it; it is never deleted. Nobody has it open.
     *
     * @return where it is then
     */
    public static Path putAside(Path directory) throws IOException {
        Path file = directory.resolve(FILE);
        int number = 1;
        while (Files.exists(directory.resolve(FILE + ".corrupt-" + number))) {
            number++;
        }
        Path aside = directory.resolve(FILE + ".corrupt-" + number);
        Path log = directory.resolve(FILE + "-wal");
        // First: left where it is, it would be replayed into a new file.
        if (Files.exists(log)) {
            Files.move(log, directory.resolve(aside.getFileName() + "-wal"));
        }
        Files.deleteIfExists(directory.resolve(FILE + "-shm"));
        Files.move(file, aside);
        return aside;
    }

    /**
     * Refuses a folder whose journal a newer version wrote, before anything else in it is changed. Changes nothing, and
     * makes none; one that cannot be read is for who opens it.
     *
     * @throws IOException says which version it is, and what to do
     */
    public static void refuseNewer(Path directory) throws IOException {
        SqlThread.refuseNewer(directory.resolve(FILE));
    }

    /**
     * Opens the journal beside a process that may be writing it, to write it too; runs in progress stay in progress.
     */
    public static CopyJournal openBeside(Path directory, InstantSource clock) throws IOException {
        Files.createDirectories(directory);
        return new CopyJournal(SqlThread.open(directory.resolve(FILE)), clock);
    }

    /**
     * As above, to read what is noted of runs. The file stays as it is: one of an older version, because a server of
     * that version may have it open, and could not open it again; nothing but runs and their reports can be read of it.
     */
    public static CopyJournal openForReading(Path directory, InstantSource clock) throws IOException {
        Files.createDirectories(directory);
        return new CopyJournal(SqlThread.openForReading(directory.resolve(FILE)), clock);
    }

    /** The history of the runs. */
    public RunRecords runs() {
        return runs;
    }

    /** What is known of tags at the targets. */
    public TagRecords tags() {
        return tags;
    }

    /** What is known of content at the targets. */
    public ContentRecords content() {
        return content;
    }

    /**
     * Forgets runs that ended before, those over {@link #RUNS_OF_RULE} and {@link #RUNS}, the oldest reports over
     * {@link #REPORT_BYTES}, uploads that nobody went on with since, and places of blobs over {@link #BLOBS}; what is
     * known of tags stays. Returns how many runs.
     */
    public int forgetRuns(Duration olderThan) throws IOException {
        long before = clock.instant().minus(olderThan).toEpochMilli();
        sql.call(statements -> statements.update("DELETE FROM upload WHERE at < ?", before));
        BlobRows.trim(sql);
        return history.trim(before);
    }

    /** How many changes that nobody waited for were lost since this was opened. */
    public long lostChanges() {
        return access.lostChanges();
    }

    /**
     * Waits until everything that was noted before is on disk.
     *
     * @param lostBefore what {@link #lostChanges()} was before the changes that the caller must know of
     * @throws IOException also if something that was noted since then, by whomever, is lost; who does not know by then
     *     what that was does not know what is noted
     */
    public void flush(long lostBefore) throws IOException {
        access.flush(lostBefore);
    }

    @Override
    public void close() throws IOException {
        sql.close();
    }
}
