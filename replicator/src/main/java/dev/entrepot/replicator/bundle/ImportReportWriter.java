package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.OciJson;
import dev.entrepot.replicator.ItemReport;
import dev.entrepot.replicator.ReplicationRunner.Brought;
import dev.entrepot.replicator.ReplicationRunner.Wanted;
import dev.entrepot.replicator.ReportWriter;
import dev.entrepot.replicator.Sizes;
import dev.entrepot.replicator.bundle.ImportReport.Waiting;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes an {@link ImportReport} for people and for programs: as the report of a replication, and what waits for
 * volumes behind it.
 */
public final class ImportReportWriter {
    /** Where a report that is kept has what it is for people. */
    public static final String TEXT = "text";

    /**
     * How many images that wait, and how many blobs that failed ahead of their images, a report that is kept lists;
     * what it takes does not grow with the bundle.
     */
    static final int LISTED_KEPT = 100;

    private ImportReportWriter() {}

    /** Lines, ending in a line break. */
    public static String toText(ImportReport report) {
        return toText(report, Integer.MAX_VALUE);
    }

    private static String toText(ImportReport report, int most) {
        StringBuilder text = new StringBuilder(ReportWriter.toText(report.copied(), report.outcome()));
        SortedSet<Integer> needed = needed(report);
        int listed = Math.min(report.waiting().size(), most);
        for (Waiting waiting : report.waiting().subList(0, listed)) {
            text.append("  waits   ").append(waiting.image().name());
            text.append("  for volumes ").append(VolumeNumbers.shown(waiting.volumes()));
            text.append('\n');
        }
        if (listed < report.waiting().size()) {
            text.append("  waits   " + (report.waiting().size() - listed) + " more, which the journal did not keep\n");
        }
        report.early().ifPresent(brought -> append(text, brought, most));
        if (!needed.isEmpty()) {
            text.append("not complete: give volumes ").append(VolumeNumbers.shown(needed));
            text.append(" to the same command; one that is lost: ");
            text.append(VolumeProblem.reissue(report.bundle(), VolumeNumbers.shown(needed)))
                    .append('\n');
        }
        return text.toString();
    }

    private static SortedSet<Integer> needed(ImportReport report) {
        SortedSet<Integer> needed = new TreeSet<>();
        report.waiting().forEach(waiting -> needed.addAll(waiting.volumes()));
        return needed;
    }

    private static void append(StringBuilder text, Brought brought, int most) {
        text.append(brought.target()).append(": ahead of their images ");
        text.append(brought.done().blobsPushed() + " blobs, "
                + Sizes.bytes(brought.done().bytes()) + '\n');
        List<Map.Entry<Wanted, ItemReport.Failure>> failures = failures(brought, most);
        for (Map.Entry<Wanted, ItemReport.Failure> failure : failures) {
            text.append("  FAILED  ").append(failure.getKey().repository()).append("  ");
            text.append(failure.getValue().cause()).append('\n');
        }
        if (failures.size() < brought.failures().size()) {
            text.append("  FAILED  " + (brought.failures().size() - failures.size())
                    + " more, which the journal did not keep\n");
        }
    }

    private static List<Map.Entry<Wanted, ItemReport.Failure>> failures(Brought brought, int most) {
        return brought.failures().entrySet().stream()
                .sorted(Comparator.comparing((Map.Entry<Wanted, ItemReport.Failure> failure) ->
                                failure.getKey().repository().value())
                        .thenComparing(failure -> failure.getKey().node().digest()))
                .limit(most)
                .toList();
    }

    /**
     * One JSON object: that of a replication's report, and the keys {@code bundle}, {@code waiting}, the volumes that
     * all of these need as {@code needed}, and what came of the blobs that were sent ahead of their images as
     * {@code early}.
     */
    public static String toJson(ImportReport report) {
        return toJson(report, Integer.MAX_VALUE).toString();
    }

    /**
     * The same as the journal keeps it: with the lines for people as {@value #TEXT}, and of the images that wait, and
     * of the blobs that failed, the first {@value #LISTED_KEPT}, with why in at most so many characters as of items;
     * {@code waitingNotListed} says how many more images there are, if any.
     *
     * @param whole with what was copied as the journal keeps that
     */
    static String toKeptJson(ImportReport whole) {
        ImportReport report = new ImportReport(
                whole.bundle(), whole.copied(), whole.waiting(), whole.early().map(ImportReportWriter::cut));
        ObjectNode root = toJson(report, LISTED_KEPT);
        if (LISTED_KEPT < report.waiting().size()) {
            root.put("waitingNotListed", report.waiting().size() - LISTED_KEPT);
        }
        return root.put(TEXT, toText(report, LISTED_KEPT)).toString();
    }

    private static Brought cut(Brought brought) {
        Map<Wanted, ItemReport.Failure> failures = new HashMap<>();
        brought.failures().forEach((wanted, failure) -> failures.put(wanted, failure.kept()));
        return new Brought(brought.target(), brought.done(), brought.sent(), failures);
    }

    private static ObjectNode toJson(ImportReport report, int most) {
        ObjectNode root = (ObjectNode) OciJson.mapper().readTree(ReportWriter.toJson(report.copied()));
        root.put("outcome", report.outcome());
        root.put("bundle", report.bundle().toString());
        ArrayNode waiting = root.putArray("waiting");
        for (Waiting one : report.waiting().subList(0, Math.min(report.waiting().size(), most))) {
            ObjectNode node = waiting.addObject();
            node.put("repository", one.image().repository().value());
            node.put("tag", one.image().tag().value());
            ArrayNode volumes = node.putArray("volumes");
            one.volumes().forEach(volumes::add);
        }
        ArrayNode needed = root.putArray("needed");
        needed(report).forEach(needed::add);
        report.early().ifPresent(brought -> {
            ObjectNode early = root.putObject("early");
            early.put("blobsPushed", brought.done().blobsPushed());
            early.put("bytes", brought.done().bytes());
            early.put("failed", brought.failures().size());
            ArrayNode failures = early.putArray("failures");
            failures(brought, most).forEach(failure -> {
                ObjectNode node = failures.addObject();
                node.put("repository", failure.getKey().repository().value());
                node.put("digest", failure.getKey().node().digest().toString());
                node.set("failure", ReportWriter.toJson(failure.getValue()));
            });
        });
        return root;
    }
}
