package dev.entrepot.replicator.journal;

import java.io.IOException;
import java.sql.ResultSet;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The history of the runs of a {@link CopyJournal}, and what rules owe: to run once more. Safe for all threads. A
 * failure of the disk or of SQLite is an {@link IOException}.
 */
public final class RunRecords {
    // More in a row make no difference to anybody.
    private static final int LOOKED_AT = 20;

    private final JournalAccess access;
    private final InstantSource clock;
    // How many changes were lost when a run began that is in progress.
    private final Map<Long, Long> lostBefore = new ConcurrentHashMap<>();

    RunRecords(JournalAccess access, InstantSource clock) {
        this.access = access;
        this.clock = clock;
    }

    /** Notes that a run begins, at all targets of its rule, and returns its number. */
    public long start(String rule, String trigger) throws IOException {
        return start(rule, trigger, OptionalLong.empty(), 0);
    }

    /**
     * Notes that a run begins, or another round of one, and returns its number.
     *
     * @param roundOf the run that it is another round of; empty for a run
     * @param leftOut how many targets of the rule are busy, and so not served by it
     */
    public long start(String rule, String trigger, OptionalLong roundOf, int leftOut) throws IOException {
        long lost = access.lostChanges();
        Long id = access.call(statements -> {
            statements.update(
                    "INSERT INTO run(rule, cause, started, outcome, round_of, left_out) VALUES (?, ?, ?, 'running', NULLIF(?, 0), ?)",
                    rule,
                    trigger,
                    clock.millis(),
                    roundOf.orElse(0),
                    leftOut);
            try (ResultSet row = statements.bound("SELECT last_insert_rowid()").executeQuery()) {
                row.next();
                return row.getLong(1);
            }
        });
        long run = id == null ? 0 : id;
        lostBefore.put(run, lost);
        return run;
    }

    /**
     * Notes that a run has ended, once everything before is on disk; see {@link CopyJournal#flush}.
     *
     * @param reportJson its report, one JSON object; of one of more than 16 MiB only the summary is kept
     * @throws IOException also if something that was to be noted since it began, by whomever, is lost, whoever was told
     *     of that meanwhile; such a run can only be {@linkplain #breakOff broken off}
     */
    public void finish(long run, String outcome, String reportJson) throws IOException {
        access.flush(lostBefore.getOrDefault(run, 0L));
        access.call(statements -> {
            RunRows.end(statements, run, clock.millis(), outcome, reportJson);
            OwedRows.ended(statements, run);
            return null;
        });
        lostBefore.remove(run);
    }

    /** Notes that a run has ended without a report, once everything before is on disk. */
    public void breakOff(long run) throws IOException {
        lostBefore.remove(run);
        access.call(statements -> {
            statements.update("UPDATE run SET ended = ?, outcome = 'broken-off' WHERE id = ?", clock.millis(), run);
            return null;
        });
    }

    /** The last runs, newest first. */
    public List<RunRecord> last(int most) throws IOException {
        return access.query(RunRows.SELECT + " ORDER BY id DESC LIMIT ?", RunRows::read, most);
    }

    /** The last runs of a rule, newest first. */
    public List<RunRecord> last(String rule, int most) throws IOException {
        return access.query(RunRows.SELECT + " WHERE rule = ? ORDER BY id DESC LIMIT ?", RunRows::read, rule, most);
    }

    /**
     * The last runs of a rule, and whatever came after, for each of its targets the last that served it and the last
     * after which it lacked nothing; newest first.
     */
    public List<RunRecord> telling(String rule, int most) throws IOException {
        return access.query(StandingRows.SELECT_RUNS, RunRows::read, rule, most);
    }

    /** The report of a run; if that is not kept any more, what it said but for the items; empty before its end. */
    public Optional<String> report(long run) throws IOException {
        return access.query(RunRows.SELECT_REPORT, row -> Optional.ofNullable(row.getString(1)), run).stream()
                .flatMap(Optional::stream)
                .findFirst();
    }

    /** One run. */
    public Optional<RunRecord> find(long id) throws IOException {
        return access.query(RunRows.SELECT + " WHERE id = ?", RunRows::read, id).stream()
                .findFirst();
    }

    /** The end of the last run of a rule that was complete. */
    public Optional<Instant> lastSuccess(String rule) throws IOException {
        return access
                .query(
                        "SELECT MAX(ended) FROM run WHERE rule = ? AND outcome = 'complete' HAVING MAX(ended) IS NOT NULL",
                        row -> Instant.ofEpochMilli(row.getLong(1)),
                        rule)
                .stream()
                .findFirst();
    }

    /** How the last runs of a rule went, each with all its rounds. What is in progress does not count. */
    public LastRuns lastRuns(String rule) throws IOException {
        return RunEnding.last(access.query(RunEnding.SELECT, RunEnding::read, rule, LOOKED_AT));
    }

    /**
     * Notes that a rule is to run once more, for what came after all its runs that have begun, and waits until that is
     * committed, which outlives the process, not a power cut. It is owed until a round that begins from now on comes to
     * its end at all targets, complete or not. What rounds left out is owed without being said here.
     *
     * @param trigger why
     */
    public void owe(String rule, String trigger) throws IOException {
        access.call(statements -> {
            OwedRows.owe(statements, rule, trigger);
            return null;
        });
    }

    /** Forgets what is owed by rules that are none of these: they were removed, or have other names now. */
    public void oweOnly(Set<String> rules) throws IOException {
        access.call(statements -> {
            OwedRows.keep(statements, rules);
            return null;
        });
    }

    /** Why a rule is to run once more; empty if it is not. */
    public Optional<String> owed(String rule) throws IOException {
        return access.query(OwedRows.SELECT, row -> row.getString(1), rule).stream()
                .findFirst();
    }
}
