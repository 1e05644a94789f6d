package dev.entrepot.replicator.journal;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.InstantSource;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The runs of a journal, for who only reads them, beside whoever may be writing it. A run that is noted as in progress
 * is shown as {@code interrupted} if nobody is: the process that ran it was killed, and the next that writes the
 * journal notes the same. Whoever writes one holds a lock on the file {@value #LOCK} in its folder. The journal stays
 * as it is.
 */
public final class RunsToRead implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RunsToRead.class);
    private static final String LOCK = "lock";
    private static final String RUNNING = "running";

    private final CopyJournal journal;
    private final Path lock;

    private RunsToRead(CopyJournal journal, Path lock) {
        this.journal = journal;
        this.lock = lock;
    }

    /**
     * Opens the journal of a folder.
     *
     * @throws IOException if it cannot be read
     */
    public static RunsToRead open(Path directory, InstantSource clock) throws IOException {
        return new RunsToRead(CopyJournal.openForReading(directory, clock), directory.resolve(LOCK));
    }

    /** The last runs, newest first, at most so many. */
    public List<RunRecord> runs(int most) throws IOException {
        List<RunRecord> first = journal.runs().last(most);
        Set<Long> killed = killed(first);
        // Read once more: one that was in progress at first may have come to its end before nobody had the lock.
        return killed.isEmpty()
                ? first
                : journal.runs().last(most).stream()
                        .map(run -> told(run, killed))
                        .toList();
    }

    /** A run; empty if there is none of that number. */
    public Optional<RunRecord> run(long number) throws IOException {
        Optional<RunRecord> first = journal.runs().find(number);
        Set<Long> killed = killed(first.stream().toList());
        return killed.isEmpty() ? first : journal.runs().find(number).map(run -> told(run, killed));
    }

    /** The report of a run, or its summary; empty if there is neither. */
    public Optional<String> report(long number) throws IOException {
        return journal.runs().report(number);
    }

    // Those in progress, if nobody can be at them. Who asks for the lock has it for a moment, so it is asked for only
    // then; a server that begins tries for longer than that. Whoever writes has it from before its runs begin until
    // after they end: of those that were in progress before nobody had it, none is one of who is just taking it.
    private Set<Long> killed(List<RunRecord> runs) throws IOException {
        Set<Long> running = new HashSet<>();
        runs.stream().filter(run -> run.outcome().equals(RUNNING)).forEach(run -> running.add(run.id()));
        return running.isEmpty() || isWritten() ? Set.of() : running;
    }

    private boolean isWritten() {
        try (FileChannel channel = FileChannel.open(lock, StandardOpenOption.WRITE);
                FileLock taken = channel.tryLock()) {
            return taken == null;
        } catch (OverlappingFileLockException e) {
            return true;
        } catch (NoSuchFileException e) {
            return false;
        } catch (IOException e) {
            // It cannot be told, for example on a disk that has no locks: what is noted is believed then.
            LOG.debug("whether somebody writes {} cannot be told: {}", lock, e.toString());
            return true;
        }
    }

    private static RunRecord told(RunRecord run, Set<Long> killed) {
        return run.outcome().equals(RUNNING) && killed.contains(run.id())
                ? new RunRecord(
                        run.id(),
                        run.rule(),
                        run.trigger(),
                        run.started(),
                        run.ended(),
                        "interrupted",
                        run.summaryJson(),
                        run.roundOf())
                : run;
    }

    @Override
    public void close() throws IOException {
        journal.close();
    }
}
