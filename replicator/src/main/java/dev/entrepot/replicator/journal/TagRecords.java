package dev.entrepot.replicator.journal;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a {@link CopyJournal} knows of tags at targets: what rules have written under them and found complete, what they
 * have left over, and since when the source lacks them. Safe for all threads. A failure of the disk or of SQLite is an
 * {@link IOException}.
 */
public final class TagRecords {
    private static final String OF_RULE = " WHERE target = ? AND repository = ? AND tag = ? AND rule = ?";

    private final JournalAccess access;
    private final InstantSource clock;

    TagRecords(JournalAccess access, InstantSource clock) {
        this.access = access;
        this.clock = clock;
    }

    /**
     * Notes that a rule is about to write a tag, and waits until that is committed: if the process ends before
     * {@link #complete}, it is known whose the tag is.
     */
    public void bring(BroughtTag tag) throws IOException {
        access.call(statements -> {
            BroughtRows.write(statements, tag);
            return null;
        });
    }

    /** What a rule has written under tags at a target, or was about to, of which nothing more is noted. */
    public List<BroughtTag> unnoted(String rule, String target) throws IOException {
        return access.query(
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
        access.later(statements -> statements.update(
                "DELETE FROM brought WHERE target = ? AND repository = ? AND tag = ? AND rule = ? AND digest = ?",
                tag.target(),
                tag.repository().value(),
                tag.tag().value(),
                tag.rule(),
                tag.digest().toString()));
    }

    /** The tags of a repository at a target that rules have written, of all rules. */
    public List<BroughtTag> broughtIn(String target, RepositoryName repository) throws IOException {
        return access.query(
                BroughtRows.SELECT + " WHERE target = ? AND repository = ? ORDER BY tag",
                BroughtRows::read,
                target,
                repository.value());
    }

    /** What rules have written under a tag. */
    public List<BroughtTag> broughtIn(String target, RepositoryName repository, Tag tag) throws IOException {
        return access.query(
                BroughtRows.SELECT + " WHERE target = ? AND repository = ? AND tag = ?",
                BroughtRows::read,
                target,
                repository.value(),
                tag.value());
    }

    /** Notes that a tag is complete; does not wait. */
    public void complete(CompletedTag tag) {
        access.later(statements -> {
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
        access.later(statements -> {
            LeftoverRows.writeDifference(statements, tag, tag.scope(), now);
            LeftoverRows.wantAgain(statements, tag);
            CompletedRows.write(statements, tag);
        });
    }

    /**
     * As {@link #completeAndLeave}, of a tag that the rule wrote and could not note: what it has there is what the
     * target shows; does not wait.
     *
     * @param wanted the scope key of what the rule wants now: what it had before counts as left over if it wanted the
     *     same
     */
    public void adopt(CompletedTag tag, String wanted) {
        long now = clock.millis();
        access.later(statements -> {
            LeftoverRows.writeDifference(statements, tag, wanted, now);
            LeftoverRows.wantAgain(statements, tag);
            CompletedRows.write(statements, tag);
        });
    }

    /** What rules know of a tag at a target, each by itself. */
    public List<CompletedTag> completed(String target, RepositoryName repository, Tag tag) throws IOException {
        return access.query(
                CompletedRows.SELECT + " WHERE target = ? AND repository = ? AND tag = ?",
                CompletedRows::read,
                target,
                repository.value(),
                tag.value());
    }

    /** All tags of a repository at a target that are known to be complete, of all rules. */
    public List<CompletedTag> completedIn(String target, RepositoryName repository) throws IOException {
        return access.query(
                CompletedRows.SELECT + " WHERE target = ? AND repository = ? ORDER BY tag",
                CompletedRows::read,
                target,
                repository.value());
    }

    /** All tags at a target that a rule brought: those that are known to be complete as what the rule wrote. */
    public List<CompletedTag> broughtBy(String rule, String target) throws IOException {
        return access.query(
                CompletedRows.SELECT + " WHERE rule = ? AND target = ? AND EXISTS (SELECT 1 FROM brought"
                        + " WHERE brought.target = completed.target AND brought.repository = completed.repository"
                        + " AND brought.tag = completed.tag AND brought.rule = completed.rule"
                        + " AND brought.digest = completed.target_digest) ORDER BY repository, tag",
                CompletedRows::read,
                rule,
                target);
    }

    /**
     * Forgets what all rules know of a tag, which is gone with all that the one that pruned it had under it. What other
     * rules brought under it is left over of them from now on; does not wait.
     */
    public void forget(CompletedTag gone) {
        long now = clock.millis();
        access.later(statements -> {
            LeftoverRows.writeOthers(statements, CompletedRows.others(statements, gone), now);
            for (String table : List.of("completed", "brought")) {
                statements.update(
                        "DELETE FROM " + table + " WHERE target = ? AND repository = ? AND tag = ?",
                        gone.target(),
                        gone.repository().value(),
                        gone.tag().value());
            }
        });
    }

    /**
     * Forgets what a rule knows of a tag, and what others know of it as the same, and notes that all that the rule had
     * of its graph, and all that others brought of it, is left over from now on; does not wait.
     */
    public void leave(CompletedTag tag) {
        long now = clock.millis();
        access.later(statements -> {
            LeftoverRows.writeAll(statements, tag, now);
            LeftoverRows.writeOthers(
                    statements,
                    CompletedRows.others(statements, tag).stream()
                            .filter(other -> other.targetDigest().equals(tag.targetDigest()))
                            .toList(),
                    now);
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
        return access.query(LeftoverRows.SELECT + " ORDER BY repository, digest", LeftoverRows::read, rule, target);
    }

    /** As above, in one repository. */
    public List<Leftover> leftovers(String rule, String target, RepositoryName repository) throws IOException {
        return access.query(
                LeftoverRows.SELECT + " AND repository = ? ORDER BY digest",
                LeftoverRows::read,
                rule,
                target,
                repository.value());
    }

    /** Whether a manifest at a target is known to have been brought there by a rule, and to be left over. */
    public boolean isLeftover(String rule, String target, RepositoryName repository, Digest digest) throws IOException {
        return !access.query(
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
        access.later(statements -> statements.update(
                "DELETE FROM leftover WHERE rule = ? AND target = ? AND repository = ? AND digest = ?",
                leftover.rule(),
                leftover.target(),
                leftover.repository().value(),
                leftover.digest().toString()));
    }

    /**
     * Since when a tag that a rule brought is missing at the source; notes the present time if it was not known to be.
     * That is forgotten when the tag is noted as complete again.
     */
    public Instant missingSince(CompletedTag tag) throws IOException {
        long now = clock.millis();
        access.call(statements -> statements.update(
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
        return access
                .query(
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
        access.query(
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
     * Notes that a tag is at the source; does not wait. Who goes by that calls {@link CopyJournal#flush} after all of
     * them: a tag of which it is lost would be pruned without its grace time when it is gone later.
     */
    public void notMissing(CompletedTag tag) {
        access.later(statements -> statements.update(
                "UPDATE completed SET missing_since = NULL" + OF_RULE + " AND missing_since IS NOT NULL",
                tag.target(),
                tag.repository().value(),
                tag.tag().value(),
                tag.rule()));
    }

    /** Forgets what was noted as missing of a rule at a target, since nobody looks any more, and waits for that. */
    public void forgetMissing(String rule, String target) throws IOException {
        access.call(statements -> statements.update(
                "UPDATE completed SET missing_since = NULL WHERE rule = ? AND target = ? AND missing_since IS NOT NULL",
                rule,
                target));
    }
}
