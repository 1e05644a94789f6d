package dev.entrepot.replicator;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Tags that failed at one target and at one side with the same cause, so that a host that is out is told once and not
 * once for each tag.
 *
 * @param target name of the target
 * @param failures the tags, at least one, in the order of the run
 * @param more how many others there were, which the report counts and does not list
 */
public record FailureGroup(String target, List<Failed> failures, long more) {
    // As many as fit into a line. So many failures are told one by one, each with its own node and cause.
    private static final int NAMED = 3;

    /** Copies the list. */
    public FailureGroup {
        failures = List.copyOf(failures);
    }

    /**
     * A tag that failed.
     *
     * @param tag repository at the target and tag
     * @param failure what went wrong
     */
    public record Failed(String tag, ItemReport.Failure failure) {}

    /** What tags have in common that are told of together. */
    record Cause(String target, Side side, String text) {
        static Cause of(String target, ItemReport.Failure failure) {
            return new Cause(target, failure.side(), failure.fault().isEmpty() ? failure.cause() : failure.fault());
        }
    }

    /** The tags of a report that failed, in the order in which each cause came first. */
    public static List<FailureGroup> of(ReplicationReport report) {
        Map<String, List<Failed>> byTarget = new LinkedHashMap<>();
        for (ItemReport item : report.items()) {
            if (item.state() == ItemReport.State.FAILED) {
                byTarget.computeIfAbsent(item.target(), target -> new ArrayList<>())
                        .add(new Failed(
                                item.name(),
                                item.failure()
                                        .orElseGet(
                                                () -> new ItemReport.Failure(Side.LOCAL, item.tag(), item.reason()))));
            }
        }
        Map<Cause, Long> more = report.unlisted().stream()
                .filter(unlisted -> unlisted.failure().isPresent())
                .collect(Collectors.groupingBy(
                        unlisted ->
                                Cause.of(unlisted.target(), unlisted.failure().get()),
                        Collectors.summingLong(ReplicationReport.Unlisted::count)));
        return byTarget.entrySet().stream()
                .flatMap(entry -> of(entry.getKey(), entry.getValue(), more).stream())
                .toList();
    }

    /** The same for one target, of which all are listed. */
    static List<FailureGroup> of(String target, List<Failed> failures) {
        return of(target, failures, Map.of());
    }

    private static List<FailureGroup> of(String target, List<Failed> failures, Map<Cause, Long> unlisted) {
        Map<Cause, List<Failed>> byCause = failures.stream()
                .collect(Collectors.groupingBy(
                        failed -> Cause.of(target, failed.failure()), LinkedHashMap::new, Collectors.toList()));
        List<FailureGroup> groups = new ArrayList<>();
        byCause.forEach((cause, same) -> {
            long more = unlisted.getOrDefault(cause, 0L);
            if (same.size() + more > NAMED) {
                groups.add(new FailureGroup(target, same, more));
            } else {
                same.forEach(failed -> groups.add(new FailureGroup(target, List.of(failed), 0)));
            }
        });
        return groups;
    }

    private long count() {
        return failures.size() + more;
    }

    /** What went wrong for the first of them. */
    public ItemReport.Failure first() {
        return failures.getFirst().failure();
    }

    /** The tag, or how many there are and the first of them. */
    public String tags() {
        String names = failures.stream().limit(NAMED).map(Failed::tag).collect(Collectors.joining(", "));
        return count() == 1 ? names : count() + " tags (" + names + ", ...)";
    }

    /** The target and {@link #tags()}. */
    public String place() {
        return target + (count() == 1 ? "/" : ": ") + tags();
    }
}
