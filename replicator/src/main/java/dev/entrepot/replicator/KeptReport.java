package dev.entrepot.replicator;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A report as the journal keeps it: sums as they are, and of the items so many that its size does not grow with the
 * tags of a rule. A rule of ten thousand tags that all fail, at every run, would fill the disk with their names
 * otherwise. Of each target are listed, the first first:
 *
 * <ul>
 *   <li>{@value #OF_STATE} items that were copied, as many that were skipped, and as many that were pruned;
 *   <li>{@value #OF_CAUSE} that failed with one cause, of {@value #CAUSES} causes; what a cause is is for
 *       {@link FailureGroup} to say;
 * </ul>
 *
 * and {@value #WARNINGS} warnings, all words cut at {@value #TEXT} characters. How many more there were is counted.
 * Tags that were complete are not listed, as in every report that is written.
 */
final class KeptReport {
    static final int OF_STATE = 100;
    static final int OF_CAUSE = 20;
    static final int CAUSES = 20;
    static final int TEXT = 500;
    static final int WARNINGS = 100;

    private final List<ItemReport> items = new ArrayList<>();
    private final Map<Kind, Kept> kinds = new LinkedHashMap<>();
    private final Map<String, Integer> causes = new HashMap<>();

    /** What is counted together; the cause is empty of those that did not fail, and of causes past the bound. */
    private record Kind(String target, ItemReport.State state, Optional<FailureGroup.Cause> cause) {}

    /** Of one kind: how many are listed and how many not, and the first failure. */
    private static final class Kept {
        private final Optional<ItemReport.Failure> failure;
        private int listed;
        private long unlisted;

        Kept(Optional<ItemReport.Failure> failure) {
            this.failure = failure;
        }
    }

    private KeptReport() {}

    /** The same report with the first items of each kind. */
    static ReplicationReport of(ReplicationReport report) {
        KeptReport kept = new KeptReport();
        report.items().stream()
                .filter(item -> item.state() != ItemReport.State.UP_TO_DATE)
                .map(KeptReport::cut)
                .forEach(kept::take);
        return new ReplicationReport(
                report.run(),
                report.rule(),
                report.trigger(),
                report.started(),
                report.ended(),
                kept.items,
                report.targets(),
                report.sourceRequests(),
                report.failure().map(KeptReport::cut),
                warnings(report.warnings()),
                report.leftOut(),
                report.roundOf(),
                kept.unlisted());
    }

    private static List<String> warnings(List<String> warnings) {
        List<String> kept = new ArrayList<>();
        warnings.stream().limit(WARNINGS).map(KeptReport::cut).forEach(kept::add);
        if (warnings.size() > WARNINGS) {
            kept.add(warnings.size() - WARNINGS + " more warnings, which the journal did not keep");
        }
        return kept;
    }

    private void take(ItemReport item) {
        Optional<FailureGroup.Cause> cause =
                item.failure().map(failure -> FailureGroup.Cause.of(item.target(), failure));
        Kept kind = kinds.get(new Kind(item.target(), item.state(), cause));
        if (kind == null) {
            boolean listed = cause.isEmpty() || causes.merge(item.target(), 1, Integer::sum) <= CAUSES;
            kind = kinds.computeIfAbsent(
                    new Kind(item.target(), item.state(), listed ? cause : Optional.empty()),
                    key -> new Kept(listed ? item.failure() : Optional.empty()));
        }
        int most = item.state() != ItemReport.State.FAILED ? OF_STATE : kind.failure.isPresent() ? OF_CAUSE : 0;
        if (kind.listed < most) {
            kind.listed++;
            items.add(item);
        } else {
            kind.unlisted++;
        }
    }

    private List<ReplicationReport.Unlisted> unlisted() {
        List<ReplicationReport.Unlisted> unlisted = new ArrayList<>();
        kinds.forEach((kind, kept) -> {
            if (kept.unlisted > 0) {
                unlisted.add(new ReplicationReport.Unlisted(kind.target(), kind.state(), kept.failure, kept.unlisted));
            }
        });
        return unlisted;
    }

    private static ItemReport cut(ItemReport item) {
        return new ItemReport(
                item.target(),
                item.source(),
                item.repository(),
                item.tag(),
                item.digest(),
                item.state(),
                cut(item.reason()),
                item.failure().map(KeptReport::cut),
                item.tally());
    }

    static ItemReport.Failure cut(ItemReport.Failure failure) {
        return new ItemReport.Failure(failure.side(), cut(failure.node()), cut(failure.cause()), cut(failure.fault()));
    }

    private static String cut(String text) {
        return text.length() <= TEXT ? text : text.substring(0, TEXT) + "...";
    }
}
