package dev.entrepot.proxy.replication;

import dev.entrepot.oci.OciJson;
import dev.entrepot.replicator.ProgressLine;
import dev.entrepot.replicator.ReplicationRule;
import dev.entrepot.replicator.journal.RunRecord;
import dev.entrepot.replicator.schedule.ReplicationScheduler;
import java.io.IOException;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * How the rules stand and how far runs have come, for people who look on. What is in the journal is read only after a
 * run has begun or ended; all the rest is in memory, so that it may be asked for all the time. Safe for all threads.
 */
public final class ReplicationStatus {
    private static final int RUNS_SHOWN = 30;
    private static final int FAILURES_SHOWN = 100;

    private final Replication replication;
    private final RuleRuns runs;
    private final ReplicationScheduler scheduler;
    private final ReplicationMetrics metrics;
    private Optional<Journal> journal = Optional.empty();

    /**
     * What the journal said.
     *
     * @param changes of the runs, when it was read
     */
    private record Journal(long changes, Map<String, Instant> lastSuccess, ArrayNode runs) {}

    ReplicationStatus(
            Replication replication, RuleRuns runs, ReplicationScheduler scheduler, ReplicationMetrics metrics) {
        this.replication = replication;
        this.runs = runs;
        this.scheduler = scheduler;
        this.metrics = metrics;
    }

    /**
     * {@code {"rules": [...], "copies": [...], "runs": [...]}}: rules with their targets, lag and progress; copies of
     * single images that are running; the last runs, the newest first.
     *
     * @throws IOException if the journal cannot be read
     */
    public ObjectNode json() throws IOException {
        Journal known = journal();
        Map<String, ProgressLine.Progress> running = runs.running();
        List<ReplicationMetrics.Standing> standings = metrics.standings();
        ObjectNode json = OciJson.mapper().createObjectNode();
        ArrayNode rules = json.putArray("rules");
        for (ReplicationRule rule : replication.rules()) {
            ObjectNode one = rules.addObject();
            one.put("rule", rule.name());
            one.put("source", rule.source().name());
            scheduler.nextRun(rule.name()).ifPresent(next -> one.put("next", next.toString()));
            Optional.ofNullable(known.lastSuccess().get(rule.name()))
                    .ifPresent(last -> one.put("lastSuccess", last.toString()));
            Optional.ofNullable(running.remove(rule.name()))
                    .ifPresent(progress -> one.set("progress", progress(progress)));
            ArrayNode targets = one.putArray("targets");
            rule.targets()
                    .forEach(target ->
                            targets.add(target(rule.name(), target.registry().name(), standings)));
        }
        ArrayNode copies = json.putArray("copies");
        running.forEach((name, progress) -> copies.addObject().put("name", name).set("progress", progress(progress)));
        json.set("runs", known.runs());
        return json;
    }

    private static ObjectNode target(String rule, String target, List<ReplicationMetrics.Standing> standings) {
        ObjectNode json = OciJson.mapper().createObjectNode().put("target", target);
        standings.stream()
                .filter(standing ->
                        standing.rule().equals(rule) && standing.target().equals(target))
                .forEach(standing -> {
                    standing.completeSince().ifPresent(since -> json.put("completeSince", since.toString()));
                    json.put("missing", standing.missing());
                    json.put("ratio", standing.ratio());
                });
        return json;
    }

    private static ObjectNode progress(ProgressLine.Progress progress) {
        ObjectNode json = OciJson.mapper().createObjectNode();
        json.put("images", progress.images());
        json.put("done", progress.done());
        json.put("failed", progress.failed());
        json.put("bytes", progress.bytes());
        json.put("movedBytes", progress.movedBytes());
        json.put("bytesPerSecond", progress.bytesPerSecond());
        progress.left().ifPresent(left -> json.put("secondsLeft", left.toSeconds()));
        json.put("text", progress.text());
        return json;
    }

    private synchronized Journal journal() throws IOException {
        long changes = runs.changes();
        if (journal.isPresent() && journal.get().changes() == changes) {
            return journal.get();
        }
        Map<String, Instant> lastSuccess = new HashMap<>();
        for (ReplicationRule rule : replication.rules()) {
            replication.journal().runs().lastSuccess(rule.name()).ifPresent(last -> lastSuccess.put(rule.name(), last));
        }
        ArrayNode last = OciJson.mapper().createArrayNode();
        replication.journal().runs().last(RUNS_SHOWN).forEach(run -> last.add(line(run)));
        Journal read = new Journal(changes, lastSuccess, last);
        journal = Optional.of(read);
        return read;
    }

    private static ObjectNode line(RunRecord run) {
        ObjectNode json = OciJson.mapper().createObjectNode();
        json.put("run", run.id());
        run.roundOf().ifPresent(first -> json.put("roundOf", first));
        json.put("rule", run.rule());
        json.put("trigger", run.trigger());
        json.put("started", run.started().toString());
        run.ended().ifPresent(ended -> json.put("ended", ended.toString()));
        json.put("outcome", run.outcome());
        run.summaryJson().flatMap(RunTexts::read).ifPresent(summary -> {
            json.set("targets", summary.path("targets"));
            if (summary.has("failure")) {
                json.set("failure", summary.path("failure"));
            }
        });
        return json;
    }

    /**
     * One run, with what it did not bring, of what the journal keeps of that the first hundred.
     *
     * @return empty if there is none
     * @throws IOException if the journal cannot be read
     */
    public Optional<ObjectNode> run(long id) throws IOException {
        Optional<RunRecord> run = replication.journal().runs().find(id);
        if (run.isEmpty()) {
            return Optional.empty();
        }
        ObjectNode json = line(run.get());
        ArrayNode failures = json.putArray("failures");
        replication.journal().runs().report(id).flatMap(RunTexts::read).ifPresent(report -> {
            report.path("items")
                    .valueStream()
                    .filter(item -> item.path("state").asString("").equalsIgnoreCase("failed"))
                    .limit(FAILURES_SHOWN)
                    .forEach(failures::add);
            json.put("items", report.path("items").size() + unlisted(report));
            json.set("warnings", report.path("warnings"));
        });
        return Optional.of(json);
    }

    private static long unlisted(JsonNode report) {
        return report.path("notListed")
                .valueStream()
                .mapToLong(more -> more.path("count").asLong(0))
                .sum();
    }
}
