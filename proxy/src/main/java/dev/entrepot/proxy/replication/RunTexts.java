package dev.entrepot.proxy.replication;

import dev.entrepot.oci.OciJson;
import dev.entrepot.replicator.journal.RunRecord;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Writes what the journal knows of runs, for people and for programs. */
public final class RunTexts {
    private RunTexts() {}

    /** A JSON array. */
    public static String toJson(List<RunRecord> runs) {
        ArrayNode array = OciJson.mapper().createArrayNode();
        runs.forEach(run -> array.add(summary(run)));
        return array.toString();
    }

    /** One JSON object, with the whole report once the run has ended. */
    public static ObjectNode toJson(RunRecord run) {
        ObjectNode json = summary(run);
        run.reportJson().ifPresent(report -> json.set("report", OciJson.mapper().readTree(report)));
        return json;
    }

    private static ObjectNode summary(RunRecord run) {
        ObjectNode json = OciJson.mapper().createObjectNode();
        json.put("run", run.id());
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
                    .append(run.trigger())
                    .append(")")
                    .append(run.reportJson().map(RunTexts::counts).orElse(""))
                    .append('\n');
        }
        return text.toString();
    }

    private static String counts(String report) {
        StringBuilder text = new StringBuilder();
        for (JsonNode target : OciJson.mapper().readTree(report).path("targets")) {
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
    static boolean ended(RunRecord run) {
        return !run.outcome().equals("running");
    }

    /** The run of that number, as JSON. */
    static Optional<String> find(Optional<RunRecord> run) {
        return run.map(found -> toJson(found).toString());
    }
}
