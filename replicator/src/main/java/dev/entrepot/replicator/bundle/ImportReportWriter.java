package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.OciJson;
import dev.entrepot.replicator.ItemReport;
import dev.entrepot.replicator.ReplicationRunner.Brought;
import dev.entrepot.replicator.ReplicationRunner.Wanted;
import dev.entrepot.replicator.ReportWriter;
import dev.entrepot.replicator.Sizes;
import dev.entrepot.replicator.bundle.ImportReport.Waiting;
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

    /** How many images that wait a report that is kept lists; what it takes does not grow with the bundle. */
    static final int WAITING_KEPT = 100;

    private ImportReportWriter() {}

    /** Lines, ending in a line break. */
    public static String toText(ImportReport report) {
        return toText(report, report.waiting().size());
    }

    private static String toText(ImportReport report, int listed) {
        StringBuilder text = new StringBuilder(ReportWriter.toText(report.copied(), report.outcome()));
        SortedSet<Integer> needed = new TreeSet<>();
        report.waiting().forEach(waiting -> needed.addAll(waiting.volumes()));
        for (Waiting waiting : report.waiting().subList(0, listed)) {
            text.append("  waits   ").append(waiting.image().name());
            text.append("  for volumes ").append(VolumeNumbers.shown(waiting.volumes()));
            text.append('\n');
        }
        if (listed < report.waiting().size()) {
            text.append("  waits   " + (report.waiting().size() - listed) + " more, which the journal did not keep\n");
        }
        report.early().ifPresent(brought -> append(text, brought));
        if (!needed.isEmpty()) {
            text.append("not complete: give volumes ").append(VolumeNumbers.shown(needed));
            text.append(" to the same command; one that is lost: ");
            text.append(VolumeProblem.reissue(report.bundle(), VolumeNumbers.shown(needed)))
                    .append('\n');
        }
        return text.toString();
    }

    private static void append(StringBuilder text, Brought brought) {
        text.append(brought.target()).append(": ahead of their images ");
        text.append(brought.done().blobsPushed() + " blobs, "
                + Sizes.bytes(brought.done().bytes()) + '\n');
        for (Map.Entry<Wanted, ItemReport.Failure> failure : brought.failures().entrySet()) {
            text.append("  FAILED  ").append(failure.getKey().repository()).append("  ");
            text.append(failure.getValue().cause()).append('\n');
        }
    }

    /** One JSON object: that of a replication's report, and the keys {@code bundle} and {@code waiting}. */
    public static String toJson(ImportReport report) {
        return toJson(report, report.waiting().size()).toString();
    }

    /**
     * The same as the journal keeps it: with the lines for people as {@value #TEXT}, and of the images that wait the
     * first {@value #WAITING_KEPT}; {@code waitingNotListed} says how many more there are, if any.
     */
    static String toKeptJson(ImportReport report) {
        int listed = Math.min(report.waiting().size(), WAITING_KEPT);
        ObjectNode root = toJson(report, listed);
        if (listed < report.waiting().size()) {
            root.put("waitingNotListed", report.waiting().size() - listed);
        }
        return root.put(TEXT, toText(report, listed)).toString();
    }

    private static ObjectNode toJson(ImportReport report, int listed) {
        ObjectNode root = (ObjectNode) OciJson.mapper().readTree(ReportWriter.toJson(report.copied()));
        root.put("outcome", report.outcome());
        root.put("bundle", report.bundle().toString());
        ArrayNode waiting = root.putArray("waiting");
        for (Waiting one : report.waiting().subList(0, listed)) {
            ObjectNode node = waiting.addObject();
            node.put("repository", one.image().repository().value());
            node.put("tag", one.image().tag().value());
            ArrayNode volumes = node.putArray("volumes");
            one.volumes().forEach(volumes::add);
        }
        report.early().ifPresent(brought -> {
            ObjectNode early = root.putObject("early");
            early.put("blobsPushed", brought.done().blobsPushed());
            early.put("bytes", brought.done().bytes());
            early.put("failed", brought.failures().size());
        });
        return root;
    }
}
