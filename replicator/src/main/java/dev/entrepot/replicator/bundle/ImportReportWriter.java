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
    private ImportReportWriter() {}

    /** Lines, ending in a line break. */
    public static String toText(ImportReport report) {
        StringBuilder text = new StringBuilder(ReportWriter.toText(report.copied()));
        SortedSet<Integer> needed = new TreeSet<>();
        for (Waiting waiting : report.waiting()) {
            needed.addAll(waiting.volumes());
            text.append("  waits   ").append(waiting.image().name());
            text.append("  for volumes ").append(VolumeNumbers.shown(waiting.volumes()));
            text.append('\n');
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
        ObjectNode root = (ObjectNode) OciJson.mapper().readTree(ReportWriter.toJson(report.copied()));
        root.put("outcome", report.outcome());
        root.put("bundle", report.bundle().toString());
        ArrayNode waiting = root.putArray("waiting");
        for (Waiting one : report.waiting()) {
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
        return root.toString();
    }
}
