package dev.entrepot.replicator;

import dev.entrepot.oci.OciJson;
import java.util.Locale;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Writes a {@link ReplicationReport} for people and for programs. */
public final class ReportWriter {
    private ReportWriter() {}

    /**
     * One JSON object. Tags that were complete are counted, not listed; of what else the report counts and does not
     * list {@code notListed} says how many there were, for each target, state and cause.
     */
    public static String toJson(ReplicationReport report) {
        ObjectNode root = OciJson.mapper().createObjectNode();
        root.put("run", report.run());
        report.roundOf().ifPresent(run -> root.put("roundOf", run));
        root.put("rule", report.rule());
        root.put("trigger", report.trigger());
        root.put("outcome", report.outcome().toString());
        root.put("started", report.started().toString());
        root.put("ended", report.ended().toString());
        root.put("milliseconds", report.duration().toMillis());
        root.put("sourceRequests", report.sourceRequests());
        report.failure().ifPresent(failure -> root.set("failure", toJson(failure)));
        ArrayNode warnings = root.putArray("warnings");
        report.warnings().forEach(warnings::add);
        if (!report.leftOut().isEmpty()) {
            ArrayNode leftOut = root.putArray("leftOut");
            report.leftOut().forEach(leftOut::add);
        }
        root.putArray("targets");
        for (ReplicationReport.TargetSummary target : report.targets()) {
            root.withArray("targets").add(target(target));
        }
        root.putArray("items");
        for (ItemReport item : report.items()) {
            if (item.state() != ItemReport.State.UP_TO_DATE) {
                root.withArray("items").add(item(item));
            }
        }
        if (!report.unlisted().isEmpty()) {
            ArrayNode unlisted = root.putArray("notListed");
            report.unlisted().forEach(more -> unlisted.add(unlisted(more)));
        }
        return root.toString();
    }

    private static ObjectNode target(ReplicationReport.TargetSummary target) {
        ObjectNode node = OciJson.mapper().createObjectNode();
        node.put("target", target.target());
        node.put("copied", target.copied());
        node.put("upToDate", target.upToDate());
        node.put("skipped", target.skipped());
        node.put("pruned", target.pruned());
        node.put("failed", target.failed());
        node.put("requests", target.requests());
        node.set("done", tally(target.tally()));
        return node;
    }

    private static ObjectNode item(ItemReport item) {
        ObjectNode node = OciJson.mapper().createObjectNode();
        node.put("target", item.target());
        node.put("source", item.source().value());
        node.put("repository", item.repository().value());
        node.put("tag", item.tag());
        item.digest().ifPresent(digest -> node.put("digest", digest.toString()));
        node.put("state", item.state().toString());
        if (!item.reason().isEmpty()) {
            node.put("reason", item.reason());
        }
        item.failure().ifPresent(failure -> node.set("failure", toJson(failure)));
        if (!item.tally().equals(Tally.NONE)) {
            node.set("done", tally(item.tally()));
        }
        return node;
    }

    private static ObjectNode unlisted(ReplicationReport.Unlisted unlisted) {
        ObjectNode node = OciJson.mapper().createObjectNode();
        node.put("target", unlisted.target());
        node.put("state", unlisted.state().toString());
        node.put("count", unlisted.count());
        unlisted.failure().ifPresent(failure -> node.set("failure", toJson(failure)));
        return node;
    }

    /** A failure, as it is in a report. */
    public static ObjectNode toJson(ItemReport.Failure failure) {
        ObjectNode node = OciJson.mapper().createObjectNode();
        node.put("side", failure.side().name().toLowerCase(Locale.ROOT));
        node.put("node", failure.node());
        node.put("cause", failure.cause());
        if (!failure.fault().isEmpty()) {
            node.put("fault", failure.fault());
        }
        return node;
    }

    private static ObjectNode tally(Tally tally) {
        ObjectNode node = OciJson.mapper().createObjectNode();
        node.put("manifestsPushed", tally.manifestsPushed());
        node.put("blobsPushed", tally.blobsPushed());
        node.put("blobsMounted", tally.blobsMounted());
        node.put("blobsPresent", tally.blobsPresent());
        node.put("tagsMoved", tally.tagsMoved());
        node.put("referrerSetsWritten", tally.referrerSetsWritten());
        node.put("manifestsRepaired", tally.manifestsRepaired());
        node.put("blobsRepaired", tally.blobsRepaired());
        node.put("repaired", tally.repaired());
        node.put("bytes", tally.bytes());
        return node;
    }

    /**
     * A line for each tag that something was done for, for each tag that failed or, where many failed with the same
     * cause, for all of these together, and for each target; ending in a line break.
     */
    public static String toText(ReplicationReport report) {
        return toText(report, report.outcome().toString());
    }

    /**
     * As above.
     *
     * @param outcome how that ended which the run is a part of, as the first line says it
     */
    public static String toText(ReplicationReport report, String outcome) {
        StringBuilder text = new StringBuilder();
        if (report.run() != 0) {
            text.append(report.roundOf().isPresent() ? "round " : "run ")
                    .append(report.run())
                    .append(" of ");
        }
        text.append(report.rule());
        text.append(": ").append(outcome).append(" in ");
        text.append(Sizes.time(report.duration())).append(" (").append(report.trigger());
        report.roundOf().ifPresent(run -> text.append(", a round of run ").append(run));
        text.append(")\n");
        report.failure()
                .ifPresent(
                        failure -> text.append("  ").append(describe(failure)).append('\n'));
        report.warnings()
                .forEach(warning -> text.append("  WARNING ").append(warning).append('\n'));
        report.leftOut()
                .forEach(target -> text.append("  left out ")
                        .append(target)
                        .append("  an earlier round of the rule's run is not done with it\n"));
        for (ItemReport item : report.items()) {
            line(text, item);
        }
        for (FailureGroup group : FailureGroup.of(report)) {
            text.append("  FAILED  ").append(group.place()).append("  ");
            text.append(describe(group.first())).append('\n');
        }
        for (ReplicationReport.Unlisted more : report.unlisted()) {
            if (more.failure().isEmpty()) {
                text.append("  ").append(more.state()).append("  ").append(more.target());
                text.append(": " + more.count() + " more, which the journal did not keep\n");
            }
        }
        for (ReplicationReport.TargetSummary target : report.targets()) {
            Tally tally = target.tally();
            text.append(target.target())
                    .append(": " + target.copied() + " copied, " + target.upToDate() + " up to date, ")
                    .append(target.skipped() + " skipped, " + target.pruned() + " pruned, " + target.failed())
                    .append(" failed; " + Sizes.bytes(tally.bytes()) + " in " + tally.blobsPushed() + " blobs and ")
                    .append(tally.manifestsPushed() + " manifests, " + tally.blobsMounted() + " mounted, ")
                    .append(repaired(tally) + ", " + target.requests() + " requests\n");
        }
        return text.toString();
    }

    private static String repaired(Tally tally) {
        return tally.repaired() == 0
                ? "0 repaired"
                : tally.blobsRepaired() + " blobs and " + tally.manifestsRepaired() + " manifests repaired";
    }

    private static void line(StringBuilder text, ItemReport item) {
        String name = item.target() + "/" + item.name();
        switch (item.state()) {
            case COPIED ->
                text.append("  copied  ")
                        .append(name)
                        .append("  ")
                        .append(item.reason())
                        .append('\n');
            case SKIPPED ->
                text.append("  skipped ")
                        .append(name)
                        .append("  ")
                        .append(item.reason())
                        .append('\n');
            case PRUNED ->
                text.append("  pruned  ")
                        .append(name)
                        .append("  ")
                        .append(item.reason())
                        .append('\n');
            case FAILED, UP_TO_DATE -> {}
        }
    }

    private static String describe(ItemReport.Failure failure) {
        String where = switch (failure.side()) {
            case SOURCE -> "at the source, ";
            case TARGET -> "at the target, ";
            case LOCAL -> "on this machine, ";
        };
        return where + failure.node() + ": " + failure.cause();
    }
}
