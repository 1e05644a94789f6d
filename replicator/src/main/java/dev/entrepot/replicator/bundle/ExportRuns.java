package dev.entrepot.replicator.bundle;

import dev.entrepot.replicator.journal.CopyJournal;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;

/**
 * The reports of exports, in the folder {@code export-runs} of a data folder: a journal as that of imports. Several
 * exports may write it at one time, also beside a server that has the data folder open. Which exports were killed is
 * found out by the first that is alone: each holds a lock, which the system gives free when the process ends, however
 * it ends. Safe for all threads.
 */
public final class ExportRuns implements AutoCloseable {
    private final CopyJournal journal;
    private final FileChannel lock;

    private ExportRuns(CopyJournal journal, FileChannel lock) {
        this.journal = journal;
        this.lock = lock;
    }

    /** Where they are in a data folder. */
    public static Path of(Path data) {
        return data.resolve("export-runs");
    }

    /**
     * Opens them, and makes the folder if it is not there.
     *
     * @param data the data folder
     * @throws IOException if it cannot be written to
     */
    public static ExportRuns open(Path data, InstantSource clock) throws IOException {
        Path folder = of(data);
        Files.createDirectories(folder);
        FileChannel channel = FileChannel.open(
                folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        CopyJournal journal = null;
        try {
            FileLock alone = channelLock(channel::tryLock);
            if (alone != null) {
                journal = CopyJournal.open(folder, clock);
                alone.release();
            }
            // Waits for another that is alone in this moment: it may be making the file, and finds out which were
            // killed.
            channelLock(() -> channel.lock(0, Long.MAX_VALUE, true));
            if (journal == null) {
                journal = CopyJournal.openBeside(folder, clock);
            }
            return new ExportRuns(journal, channel);
        } catch (IOException | RuntimeException e) {
            channel.close();
            if (journal != null) {
                journal.close();
            }
            throw e;
        }
    }

    private interface Locking {
        @Nullable
        FileLock now() throws IOException;
    }

    // Another export of this process, which has it for both.
    private static @Nullable FileLock channelLock(Locking locking) throws IOException {
        try {
            return locking.now();
        } catch (OverlappingFileLockException e) {
            return null;
        }
    }

    /**
     * Notes that an export begins. What ended long ago is forgotten.
     *
     * @param name the rule or the images that it is of
     * @return its number
     */
    public long begin(String name) throws IOException {
        journal.forgetRuns(CopyJournal.HISTORY);
        return journal.runs().start(name, "export");
    }

    /**
     * Notes how an export ended.
     *
     * @param outcome {@code complete} or {@code failed}
     * @param reportJson its report
     */
    public void end(long run, String outcome, String reportJson) throws IOException {
        journal.runs().finish(run, outcome, reportJson);
    }

    /** Notes that an export was interrupted. */
    public void breakOff(long run) throws IOException {
        journal.runs().breakOff(run);
    }

    @Override
    public void close() throws IOException {
        try {
            journal.close();
        } finally {
            lock.close();
        }
    }
}
