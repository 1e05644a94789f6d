package dev.entrepot.replicator;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What a run did, or a round of one.
 *
 * @param run number of the run in the journal; each round has one of its own; 0 of what the journal does not keep
 * @param rule name of the rule
 * @param trigger why it ran
 * @param started when it began
 * @param ended when it ended
 * @param items what came of each tag at each target
 * @param targets sums for each target
 * @param sourceRequests what was asked of the source, as {@link TargetSummary#requests} counts; what a cache before it
 *     answers counts too
 * @param failure why the run as a whole could not be made, if so
 * @param warnings what of the rule's selection found nothing, what the source lists and does not have, and immutable
 *     tags that it has moved, where they were looked at; each a line for people; they do not change how the run ended
 * @param leftOut targets of the rule that an earlier round was not done with, and that this one did nothing at
 * @param roundOf the run that this was another round of; empty for the first round, whose number is that of the run
 * @param unlisted how many more items there were than are in this report; none but in one that was read from a journal
 */
public record ReplicationReport(
        long run,
        String rule,
        String trigger,
        Instant started,
        Instant ended,
        List<ItemReport> items,
        List<TargetSummary> targets,
        long sourceRequests,
        Optional<ItemReport.Failure> failure,
        List<String> warnings,
        List<String> leftOut,
        OptionalLong roundOf,
        List<Unlisted> unlisted) {
    /** Copies the lists. */
    public ReplicationReport {
        items = List.copyOf(items);
        targets = List.copyOf(targets);
        warnings = List.copyOf(warnings);
        leftOut = List.copyOf(leftOut);
        unlisted = List.copyOf(unlisted);
    }

    /** With all items. */
    public ReplicationReport(
            long run,
            String rule,
            String trigger,
            Instant started,
            Instant ended,
            List<ItemReport> items,
            List<TargetSummary> targets,
            long sourceRequests,
            Optional<ItemReport.Failure> failure,
            List<String> warnings,
            List<String> leftOut,
            OptionalLong roundOf) {
        this(
                run,
                rule,
                trigger,
                started,
                ended,
                items,
                targets,
                sourceRequests,
                failure,
                warnings,
                leftOut,
                roundOf,
                List.of());
    }

    /** Of a run that left out no target. */
    public ReplicationReport(
            long run,
            String rule,
            String trigger,
            Instant started,
            Instant ended,
            List<ItemReport> items,
            List<TargetSummary> targets,
            long sourceRequests,
            Optional<ItemReport.Failure> failure,
            List<String> warnings) {
        this(
                run,
                rule,
                trigger,
                started,
                ended,
                items,
                targets,
                sourceRequests,
                failure,
                warnings,
                List.of(),
                OptionalLong.empty());
    }

    /** How a run ended. */
    public enum Outcome {
        /** Every tag is complete at every target, or left alone as the rule says. */
        COMPLETE,
        /** Some are, some are not, or a target was left out. */
        PARTLY,
        /** None is. */
        FAILED;

        /** As reports write it. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * The sums for a target.
     *
     * @param target name of the target
     * @param tally what was done there
     * @param copied tags that are complete now and were not
     * @param upToDate tags that were complete
     * @param skipped tags that the rule says to leave
     * @param pruned what was deleted: tags, and manifests that were left over without one
     * @param failed tags that were not moved
     * @param requests what was asked of it, each repetition included: an upload of a blob counts once, however many
     *     requests it takes, and so does a list of referrers of several pages; what the registry's client sends by
     *     itself (tokens, redirects, its own repetitions) does not count
     */
    public record TargetSummary(
            String target,
            Tally tally,
            long copied,
            long upToDate,
            long skipped,
            long pruned,
            long failed,
            long requests) {
        static TargetSummary of(String target, List<ItemReport> items, long requests) {
            return new TargetSummary(
                    target,
                    items.stream().map(ItemReport::tally).reduce(Tally.NONE, Tally::plus),
                    count(items, ItemReport.State.COPIED),
                    count(items, ItemReport.State.UP_TO_DATE),
                    count(items, ItemReport.State.SKIPPED),
                    count(items, ItemReport.State.PRUNED),
                    count(items, ItemReport.State.FAILED),
                    requests);
        }

        /** All tags that the rule has there, complete or not; what was deleted is none of them. */
        public long tags() {
            return copied + upToDate + skipped + failed;
        }

        private static long count(List<ItemReport> items, ItemReport.State state) {
            return items.stream().filter(item -> item.state() == state).count();
        }
    }

    /**
     * Items of one kind that are counted and not listed.
     *
     * @param target name of the target
     * @param state what came of them
     * @param failure of those that failed, that of the first listed with the same cause; empty if none of the cause is
     *     listed
     * @param count how many, at least one
     */
    public record Unlisted(String target, ItemReport.State state, Optional<ItemReport.Failure> failure, long count) {}

    /** The same run, before which blobs were sent to its only target; what was sent then was there when it began. */
    public ReplicationReport withSent(Tally before) {
        List<TargetSummary> sums = targets.stream()
                .map(target -> new TargetSummary(
                        target.target(),
                        target.tally().afterSending(before),
                        target.copied(),
                        target.upToDate(),
                        target.skipped(),
                        target.pruned(),
                        target.failed(),
                        target.requests()))
                .toList();
        return new ReplicationReport(
                run,
                rule,
                trigger,
                started,
                ended,
                items,
                sums,
                sourceRequests,
                failure,
                warnings,
                leftOut,
                roundOf,
                unlisted);
    }

    /** How the run ended. */
    public Outcome outcome() {
        // Not of the items: a report that was written down lacks those of tags that were complete. Where nothing is
        // written to, as in an export, there is nothing else.
        List<TargetSummary> sums = targets.isEmpty() ? List.of(TargetSummary.of("", items, 0)) : targets;
        long failed = sums.stream().mapToLong(TargetSummary::failed).sum();
        long tags = sums.stream().mapToLong(TargetSummary::tags).sum();
        if (failure.isPresent() || failed > 0 && failed == tags) {
            return Outcome.FAILED;
        }
        return failed > 0 || !leftOut.isEmpty() ? Outcome.PARTLY : Outcome.COMPLETE;
    }

    /** How long it took. */
    public Duration duration() {
        return Duration.between(started, ended);
    }

    /** Everything that was done at all targets together. */
    public Tally tally() {
        return targets.stream().map(TargetSummary::tally).reduce(Tally.NONE, Tally::plus);
    }
}
