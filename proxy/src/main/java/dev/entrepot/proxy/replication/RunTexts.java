package dev.entrepot.proxy.replication;

import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.OciJson;
import dev.entrepot.replicator.ReplicationReport;
import dev.entrepot.replicator.ReportWriter;
import dev.entrepot.replicator.Sizes;
import dev.entrepot.replicator.bundle.ImportReportWriter;
import dev.entrepot.replicator.journal.RunRecord;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Writes what the journal knows of runs, for people and for programs. */
public final class RunTexts {
    /** Where a report has what it is for people, if that is not made of the rest of it. */
    public static final String TEXT = ImportReportWriter.TEXT;

    private RunTexts() {}

    /** A line with what a report does not say of itself, ending in a line break. */
    public static String lastLine(Instant started, Instant ended, int exitCode) {
        return String.format("began %.19sZ, took ", started) + Sizes.time(Duration.between(started, ended))
                + ", exit code " + exitCode + "\n";
    }

    /**
     * The report of a run for people; empty for what cannot be said so, as of an export of which only the sums are
     * kept.
     *
     * @throws InvalidContentException if the text is no report
     */
    public static Optional<String> report(String json) throws InvalidContentException {
        JsonNode report = read(json).orElseThrow(() -> new InvalidContentException("the report of a run is no JSON"));
        if (report.path(TEXT).isString()) {
            return Optional.of(report.path(TEXT).asString());
        }
        if (!report.has("rule")) {
            return Optional.empty();
        }
        // That of an import whose images wait for volumes, of which only the sums are kept, is not that of its sums.
        ReplicationReport read = ReportReader.read(json);
        return Optional.of(ReportWriter.toText(
                read, report.path("outcome").asString(read.outcome().toString())));
    }

    /** What a journal has of a run, if it can be read: that of an older version, or a damaged one, may be anything. */
    static Optional<JsonNode> read(String json) {
        try {
            return Optional.of(OciJson.mapper().readTree(json)).filter(JsonNode::isObject);
        } catch (JacksonException e) {
            return Optional.empty();
        }
    }

    /** A JSON array. */
    public static String toJson(List<RunRecord> runs) {
        ArrayNode array = OciJson.mapper().createArrayNode();
        runs.forEach(run -> array.add(summary(run)));
        return array.toString();
    }

    /**
     * One JSON object, with the report once the run has ended. A report that was read after the run, which ended
     * between the two, is left out: who waits for it goes by the outcome, too.
     */
    public static ObjectNode toJson(RunRecord run, Optional<String> report) {
        ObjectNode json = summary(run);
        report.filter(text -> ended(run)).flatMap(RunTexts::read).ifPresent(read -> {
            ((ObjectNode) read).remove(TEXT);
            json.set("report", read);
        });
        return json;
    }

    private static ObjectNode summary(RunRecord run) {
        ObjectNode json = OciJson.mapper().createObjectNode();
        json.put("run", run.id());
        run.roundOf().ifPresent(first -> json.put("roundOf", first));
        json.put("rule", run.rule());
        json.put("trigger", run.trigger());
        json.put("started", run.started().toString());
        run.ended().ifPresent(ended -> json.put("ended", ended.toString()));
        json.put("outcome", run.outcome());
        return json;
    }

    /** A line for each run: number, start, outcome, what it did, and the rule. */
    public static String toText(List<RunRecord> runs) {
        if (runs.isEmpty()) {
            return "no runs yet\n";
        }
        StringBuilder text = new StringBuilder();
        for (RunRecord run : runs) {
            text.append(String.format("%6d  %.19sZ  %-11s  ", run.id(), run.started(), run.outcome()))
                    .append(run.rule())
                    .append("  (")
                    .append(run.trigger());
            run.roundOf().ifPresent(first -> text.append(", a round of run ").append(first));
            text.append(")")
                    .append(run.summaryJson()
                            .flatMap(RunTexts::read)
                            .map(RunTexts::counts)
                            .orElse(""))
                    .append('\n');
        }
        return text.toString();
    }

    private static String counts(JsonNode root) {
        StringBuilder text = new StringBuilder();
        if (root.has("carried")) {
            text.append("; ").append(root.path("volumes").size()).append(" volumes, ");
            JsonNode moved = root.has("reissued") ? root.path("reissued") : root.path("carried");
            text.append(Sizes.bytes(moved.path("bytes").asLong(0)));
        }
        for (JsonNode target : root.path("targets")) {
            text.append("; ")
                    .append(target.path("target").asString(""))
                    .append(": ")
                    .append(target.path("copied").asLong(0))
                    .append(" copied, ")
                    .append(target.path("upToDate").asLong(0))
                    .append(" up to date, ")
                    .append(target.path("failed").asLong(0))
                    .append(" failed");
        }
        return text.toString();
    }

    /** Whether a run has ended, one way or the other. */
    public static boolean ended(RunRecord run) {
        return !run.outcome().equals("running");
    }
}
