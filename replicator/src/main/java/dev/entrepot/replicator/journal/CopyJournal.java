package dev.entrepot.replicator.journal;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.journal.SqlThread.Statements;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is known of the targets from earlier runs, and the history of the runs themselves. It saves requests and, but
 * for tags that the rule calls immutable, never decides alone: any other tag is asked for at the target, and what the
 * journal says about blobs is corrected when a target refuses. Losing the file costs one full comparison, and what
 * rules had brought until then is no longer known to be theirs.
 *
 * <p>It is long because it is the one door to all its tables. Writes that nobody waits for are on disk in the order in
 * which they were made; {@link #flush()} waits for them. Safe for all threads. A failure of the disk or of SQLite is an
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

    private static final Logger LOG = LoggerFactory.getLogger(CopyJournal.class);
    private static final int AT_ONCE = 500;
    private static final String OF_RULE = " WHERE target = ? AND repository = ? AND tag = ? AND rule = ?";

    // More in a row make no difference to anybody.
    private static final int LOOKED_AT = 20;

    private final SqlThread sql;
    private final RunHistory history;
    private final InstantSource clock;
    // The first since somebody was told.
    private final AtomicReference<@Nullable Throwable> lost = new AtomicReference<>();

    private CopyJournal(SqlThread sql, InstantSource clock) {
        this.sql = sql;
        this.history = new RunHistory(sql);
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
     * As above, to read what is noted of runs. The file of an older version stays as it is, because a server of that
     * version may have it open, and could not open it again; nothing but runs and their reports can be read of it.
     */
    public static CopyJournal openForReading(Path directory, InstantSource clock) throws IOException {
        Files.createDirectories(directory);
        return new CopyJournal(SqlThread.openForReading(directory.resolve(FILE)), clock);
    }

    /** Notes that a run begins, at all targets of its rule, and returns its number. */
    public long startRun(String rule, String trigger) throws IOException {
        return startRun(rule, trigger, OptionalLong.empty(), 0);
    }

    /**
     * Notes that a run begins, or another round of one, and returns its number.
     *
     * @param roundOf the run that it is another round of; empty for a run
     * @param leftOut how many targets of the rule are busy, and so not served by it
     */
    public long startRun(String rule, String trigger, OptionalLong roundOf, int leftOut) throws IOException {
        Long id = sql.call(statements -> {
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
        return id == null ? 0 : id;
    }

    /**
     * Notes that a run has ended, once everything before is on disk; see {@link #flush()}.
     *
     * @param reportJson its report, one JSON object; of one of more than 16 MiB only the summary is kept
     */
    public void finishRun(long run, String outcome, String reportJson) throws IOException {
        flush();
        sql.call(statements -> {
            RunRows.end(statements, run, clock.millis(), outcome, reportJson);
            OwedRows.ended(statements, run);
            return null;
        });
    }

    /** Notes that a run has ended without a report, once everything before is on disk. */
    public void breakOff(long run) throws IOException {
        sql.call(statements -> {
            statements.update("UPDATE run SET ended = ?, outcome = 'broken-off' WHERE id = ?", clock.millis(), run);
            return null;
        });
    }

    /** The last runs, newest first. */
    public List<RunRecord> runs(int most) throws IOException {
        return query(RunRows.SELECT + " ORDER BY id DESC LIMIT ?", RunRows::read, most);
    }

    /** The last runs of a rule, newest first. */
    public List<RunRecord> runs(String rule, int most) throws IOException {
        return query(RunRows.SELECT + " WHERE rule = ? ORDER BY id DESC LIMIT ?", RunRows::read, rule, most);
    }

    /**
     * The last runs of a rule, and whatever came after, for each of its targets the last that served it and the last
     * after which it lacked nothing; newest first.
     */
    public List<RunRecord> telling(String rule, int most) throws IOException {
        return query(StandingRows.SELECT_RUNS, RunRows::read, rule, most);
    }

    /** The report of a run; if that is not kept any more, what it said but for the items; empty before its end. */
    public Optional<String> report(long run) throws IOException {
        return query(RunRows.SELECT_REPORT, row -> Optional.ofNullable(row.getString(1)), run).stream()
                .flatMap(Optional::stream)
                .findFirst();
    }

    /** One run. */
    public Optional<RunRecord> run(long id) throws IOException {
        return query(RunRows.SELECT + " WHERE id = ?", RunRows::read, id).stream()
                .findFirst();
    }

    /** The end of the last run of a rule that was complete. */
    public Optional<Instant> lastSuccess(String rule) throws IOException {
        return query(
                        "SELECT MAX(ended) FROM run WHERE rule = ? AND outcome = 'complete' HAVING MAX(ended) IS NOT NULL",
                        row -> Instant.ofEpochMilli(row.getLong(1)),
                        rule)
                .stream()
                .findFirst();
    }

    /** How the last runs of a rule went, each with all its rounds. What is in progress does not count. */
    public LastRuns lastRuns(String rule) throws IOException {
        return RunEnding.last(query(RunEnding.SELECT, RunEnding::read, rule, LOOKED_AT));
    }

    /**
     * Notes that a rule is to run once more, for what came after all its runs that have begun, and waits until that is
     * committed, which outlives the process, not a power cut. It is owed until a round that begins from now on comes to
     * its end at all targets, complete or not. What rounds left out is owed without being said here.
     *
     * @param trigger why
     */
    public void owe(String rule, String trigger) throws IOException {
        sql.call(statements -> {
            OwedRows.owe(statements, rule, trigger);
            return null;
        });
    }

    /** Forgets what is owed by rules that are none of these: they were removed, or have other names now. */
    public void oweOnly(Set<String> rules) throws IOException {
        sql.call(statements -> {
            OwedRows.keep(statements, rules);
            return null;
        });
    }

    /** Why a rule is to run once more; empty if it is not. */
    public Optional<String> owed(String rule) throws IOException {
        return query(OwedRows.SELECT, row -> row.getString(1), rule).stream().findFirst();
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

    /**
     * Notes that a rule is about to write a tag, and waits until that is committed: if the process ends before
     * {@link #complete}, it is known whose the tag is.
     */
    public void bring(BroughtTag tag) throws IOException {
        sql.call(statements -> {
            BroughtRows.write(statements, tag);
            return null;
        });
    }

    /** What a rule has written under tags at a target, or was about to, of which nothing more is noted. */
    public List<BroughtTag> unnoted(String rule, String target) throws IOException {
        return query(
                BroughtRows.SELECT + " WHERE rule = ? AND target = ? AND NOT EXISTS (SELECT 1 FROM completed"
                        + " WHERE completed.target = brought.target AND completed.repository = brought.repository"
                        + " AND completed.tag = brought.tag AND completed.rule = brought.rule"
                        + " AND completed.target_digest = brought.digest)",
                BroughtRows::read,
                rule,
                target);
    }

    /** Forgets that a rule has written something under a tag; does not wait. */
    public void forgetBrought(BroughtTag tag) {
        later(statements -> statements.update(
                "DELETE FROM brought WHERE target = ? AND repository = ? AND tag = ? AND rule = ? AND digest = ?",
                tag.target(),
                tag.repository().value(),
                tag.tag().value(),
                tag.rule(),
                tag.digest().toString()));
    }

    /** The tags of a repository at a target that rules have written, of all rules. */
    public List<BroughtTag> broughtIn(String target, RepositoryName repository) throws IOException {
        return query(
                BroughtRows.SELECT + " WHERE target = ? AND repository = ? ORDER BY tag",
                BroughtRows::read,
                target,
                repository.value());
    }

    /** What rules have written under a tag. */
    public List<BroughtTag> broughtIn(String target, RepositoryName repository, Tag tag) throws IOException {
        return query(
                BroughtRows.SELECT + " WHERE target = ? AND repository = ? AND tag = ?",
                BroughtRows::read,
                target,
                repository.value(),
                tag.value());
    }

    /** Notes that a tag is complete; does not wait. */
    public void complete(CompletedTag tag) {
        later(statements -> {
            LeftoverRows.wantAgain(statements, tag);
            CompletedRows.write(statements, tag);
        });
    }

    /**
     * As above, and notes what of the graph that the rule brought under the tag before is not in this one, as left over
     * from now on; does not wait.
     */
    public void completeAndLeave(CompletedTag tag) {
        long now = clock.millis();
        later(statements -> {
            LeftoverRows.writeDifference(statements, tag, now);
            CompletedRows.write(statements, tag);
        });
    }

    /** What rules know of a tag at a target, each by itself. */
    public List<CompletedTag> completed(String target, RepositoryName repository, Tag tag) throws IOException {
        return query(
                CompletedRows.SELECT + " WHERE target = ? AND repository = ? AND tag = ?",
                CompletedRows::read,
                target,
                repository.value(),
                tag.value());
    }

    /** All tags of a repository at a target that are known to be complete, of all rules. */
    public List<CompletedTag> completedIn(String target, RepositoryName repository) throws IOException {
        return query(
                CompletedRows.SELECT + " WHERE target = ? AND repository = ? ORDER BY tag",
                CompletedRows::read,
                target,
                repository.value());
    }

    /** All tags at a target that a rule brought: those that are known to be complete as what the rule wrote. */
    public List<CompletedTag> broughtBy(String rule, String target) throws IOException {
        return query(
                CompletedRows.SELECT + " WHERE rule = ? AND target = ? AND EXISTS (SELECT 1 FROM brought"
                        + " WHERE brought.target = completed.target AND brought.repository = completed.repository"
                        + " AND brought.tag = completed.tag AND brought.rule = completed.rule"
                        + " AND brought.digest = completed.target_digest) ORDER BY repository, tag",
                CompletedRows::read,
                rule,
                target);
    }

    /** Forgets what all rules know of a tag, which is gone; does not wait. */
    public void forgetTag(String target, RepositoryName repository, Tag tag) {
        later(statements -> {
            for (String table : List.of("completed", "brought")) {
                statements.update(
                        "DELETE FROM " + table + " WHERE target = ? AND repository = ? AND tag = ?",
                        target,
                        repository.value(),
                        tag.value());
            }
        });
    }

    /**
     * Forgets what a rule knows of a tag, and what others know of it as the same, and notes that all of its graph is
     * left over from now on; does not wait.
     */
    public void leaveTag(CompletedTag tag) {
        long now = clock.millis();
        later(statements -> {
            LeftoverRows.writeAll(statements, tag, now);
            for (String which : List.of("completed WHERE target_digest", "brought WHERE digest")) {
                statements.update(
                        "DELETE FROM " + which + " = ? AND target = ? AND repository = ? AND tag = ?",
                        tag.targetDigest().toString(),
                        tag.target(),
                        tag.repository().value(),
                        tag.tag().value());
            }
        });
    }

    /** What a rule has left over at a target. */
    public List<Leftover> leftovers(String rule, String target) throws IOException {
        return query(LeftoverRows.SELECT + " ORDER BY repository, digest", LeftoverRows::read, rule, target);
    }

    /** As above, in one repository. */
    public List<Leftover> leftovers(String rule, String target, RepositoryName repository) throws IOException {
        return query(
                LeftoverRows.SELECT + " AND repository = ? ORDER BY digest",
                LeftoverRows::read,
                rule,
                target,
                repository.value());
    }

    /** Whether a manifest at a target is known to have been brought there by a rule, and to be left over. */
    public boolean isLeftover(String rule, String target, RepositoryName repository, Digest digest) throws IOException {
        return !query(
                        "SELECT 1 FROM leftover WHERE rule = ? AND target = ? AND repository = ? AND digest = ?",
                        row -> true,
                        rule,
                        target,
                        repository.value(),
                        digest.toString())
                .isEmpty();
    }

    /** Forgets something that was left over: it is gone; does not wait. */
    public void forgetLeftover(Leftover leftover) {
        later(statements -> statements.update(
                "DELETE FROM leftover WHERE rule = ? AND target = ? AND repository = ? AND digest = ?",
                leftover.rule(),
                leftover.target(),
                leftover.repository().value(),
                leftover.digest().toString()));
    }

    /** Notes that something is about to be sent to a repository at a target, and waits until that is on disk. */
    public void begin(String target, RepositoryName repository) throws IOException {
        sql.call(statements -> statements.update(
                "INSERT OR IGNORE INTO begun(target, repository) VALUES (?, ?)", target, repository.value()));
    }

    /** Whether anything was ever about to be sent to a repository at a target. */
    public boolean hasBegun(String target, RepositoryName repository) throws IOException {
        return !query(
                        "SELECT 1 FROM begun WHERE target = ? AND repository = ?",
                        row -> true,
                        target,
                        repository.value())
                .isEmpty();
    }

    /** Notes, or confirms, blobs that manifests of a repository at a target hold on to; does not wait. */
    public void blobsAt(String target, RepositoryName repository, Collection<Digest> blobs) {
        List<Digest> copy = List.copyOf(blobs);
        if (!copy.isEmpty()) {
            later(statements -> BlobRows.write(statements, target, repository, copy));
        }
    }

    /** The repositories at a target that are known to have a blob, most recent first, at most eight. */
    public List<RepositoryName> blobLocations(String target, Digest blob) throws IOException {
        return blobLocations(target, List.of(blob)).getOrDefault(blob, List.of());
    }

    /**
     * As above, for many blobs: those of which nothing is known are left out. A task for {@value #AT_ONCE} of them
     * rather than for each, whose hand-over costs more than the question.
     */
    public Map<Digest, List<RepositoryName>> blobLocations(String target, Collection<Digest> blobs) throws IOException {
        Map<Digest, List<RepositoryName>> locations = new HashMap<>();
        List<Digest> order = List.copyOf(blobs);
        for (int from = 0; from < order.size(); from += AT_ONCE) {
            List<Digest> part = order.subList(from, Math.min(from + AT_ONCE, order.size()));
            Map<Digest, List<RepositoryName>> found =
                    sql.call(statements -> BlobRows.locations(statements, target, part));
            locations.putAll(found == null ? Map.of() : found);
        }
        return locations;
    }

    /** Forgets that a repository at a target has a blob, because the target said otherwise; does not wait. */
    public void forgetBlob(String target, RepositoryName repository, Digest blob) {
        later(statements -> statements.update(
                "DELETE FROM blob WHERE target = ? AND digest = ? AND repository = ?",
                target,
                blob.toString(),
                repository.value()));
    }

    /**
     * Since when a tag that a rule brought is missing at the source; notes the present time if it was not known to be.
     * That is forgotten when the tag is noted as complete again.
     */
    public Instant missingSince(CompletedTag tag) throws IOException {
        long now = clock.millis();
        sql.call(statements -> statements.update(
                "UPDATE completed SET missing_since = ?" + OF_RULE + " AND missing_since IS NULL",
                now,
                tag.target(),
                tag.repository().value(),
                tag.tag().value(),
                tag.rule()));
        return missing(tag).orElse(Instant.ofEpochMilli(now));
    }

    /** Since when a tag is noted as missing at the source; empty if it is not. */
    public Optional<Instant> missing(CompletedTag tag) throws IOException {
        return query(
                        "SELECT missing_since FROM completed" + OF_RULE + " AND missing_since IS NOT NULL",
                        row -> Instant.ofEpochMilli(row.getLong(1)),
                        tag.target(),
                        tag.repository().value(),
                        tag.tag().value(),
                        tag.rule())
                .stream()
                .findFirst();
    }

    /** Since when tags of a rule at a target are noted as missing at the source, by repository there. */
    public Map<RepositoryName, Map<Tag, Instant>> missing(String rule, String target) throws IOException {
        record Missing(RepositoryName repository, Tag tag, Instant since) {}
        Map<RepositoryName, Map<Tag, Instant>> missing = new HashMap<>();
        query(
                        "SELECT repository, tag, missing_since FROM completed"
                                + " WHERE rule = ? AND target = ? AND missing_since IS NOT NULL",
                        row -> new Missing(
                                new RepositoryName(row.getString(1)),
                                new Tag(row.getString(2)),
                                Instant.ofEpochMilli(row.getLong(3))),
                        rule,
                        target)
                .forEach(one -> missing.computeIfAbsent(one.repository(), name -> new HashMap<>())
                        .put(one.tag(), one.since()));
        return missing;
    }

    /**
     * Notes that a tag is at the source; does not wait. Who goes by that calls {@link #flush()} after all of them: a
     * tag of which it is lost would be pruned without its grace time when it is gone later.
     */
    public void notMissing(CompletedTag tag) {
        later(statements -> statements.update(
                "UPDATE completed SET missing_since = NULL" + OF_RULE + " AND missing_since IS NOT NULL",
                tag.target(),
                tag.repository().value(),
                tag.tag().value(),
                tag.rule()));
    }

    /** Forgets what was noted as missing of a rule at a target, since nobody looks any more, and waits for that. */
    public void forgetMissing(String rule, String target) throws IOException {
        sql.call(statements -> statements.update(
                "UPDATE completed SET missing_since = NULL WHERE rule = ? AND target = ? AND missing_since IS NOT NULL",
                rule,
                target));
    }

    /** Notes an upload that may be continued; does not wait. */
    public void uploadAt(String target, RepositoryName repository, Digest blob, UploadSession session) {
        later(statements -> statements.update(
                "INSERT OR REPLACE INTO upload(target, repository, digest, location, reached, at) VALUES (?, ?, ?, ?, ?, ?)",
                target,
                repository.value(),
                blob.toString(),
                session.location(),
                session.offset(),
                session.at().toEpochMilli()));
    }

    /** The upload of a blob that may be continued. */
    public Optional<UploadSession> upload(String target, RepositoryName repository, Digest blob) throws IOException {
        return query(
                        "SELECT location, reached, at FROM upload WHERE target = ? AND repository = ? AND digest = ?",
                        row -> new UploadSession(
                                row.getString(1), row.getLong(2), Instant.ofEpochMilli(row.getLong(3))),
                        target,
                        repository.value(),
                        blob.toString())
                .stream()
                .findFirst();
    }

    /** Forgets an upload that has ended; does not wait. */
    public void forgetUpload(String target, RepositoryName repository, Digest blob) {
        later(statements -> statements.update(
                "DELETE FROM upload WHERE target = ? AND repository = ? AND digest = ?",
                target,
                repository.value(),
                blob.toString()));
    }

    /**
     * Waits until everything that was noted before is on disk.
     *
     * @throws IOException also if something that was noted since this was called last, by whomever, is lost; who does
     *     not know by then what that was does not know what is noted
     */
    public void flush() throws IOException {
        sql.call(statements -> null);
        Throwable failure = lost.getAndSet(null);
        if (failure != null) {
            throw new IOException("the replication journal failed: " + failure, failure);
        }
    }

    @Override
    public void close() throws IOException {
        sql.close();
    }

    private interface Rows<T> {
        T read(ResultSet row) throws SQLException;
    }

    private interface Change {
        void apply(Statements statements) throws SQLException;
    }

    private <T> List<T> query(String text, Rows<T> rows, Object... values) throws IOException {
        List<T> result = sql.call(statements -> {
            List<T> found = new ArrayList<>();
            try (ResultSet row = statements.bound(text, values).executeQuery()) {
                while (row.next()) {
                    found.add(rows.read(row));
                }
            }
            return found;
        });
        return result == null ? List.of() : result;
    }

    // A write that fails is lost, and whoever waits for all of them is told. What is interrupted tells its own run.
    private void later(Change change) {
        var unused = sql.submit(statements -> {
                    change.apply(statements);
                    return null;
                })
                .whenComplete((nothing, failure) -> {
                    if (failure != null
                            && !(failure instanceof InterruptedException)
                            && lost.compareAndSet(null, failure)) {
                        LOG.warn("the replication journal lost what was to be noted: {}", failure.toString());
                    }
                });
    }
}
