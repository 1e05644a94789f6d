package dev.entrepot.proxy.replication;

import dev.entrepot.config.ReplicationRuleConfig.Verify;
import dev.entrepot.oci.OciJson;
import dev.entrepot.proxy.admin.AdminEndpoint;
import dev.entrepot.proxy.admin.AdminReply;
import dev.entrepot.proxy.admin.AdminRequest;
import dev.entrepot.proxy.admin.RequestBody;
import dev.entrepot.proxy.admin.RequestBody.Key;
import dev.entrepot.proxy.admin.RequestBody.Kind;
import dev.entrepot.replicator.ReplicationRule;
import dev.entrepot.replicator.RuleBusyException;
import dev.entrepot.replicator.journal.RunRecord;
import dev.entrepot.replicator.schedule.ReplicationScheduler;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.databind.util.RawValue;

/**
 * Replication over the admin API, all in JSON:
 *
 * <pre>
 * GET  /replication                     which server this is
 * GET  /replication/rules               the rules, whether they run, and when they run next
 * GET  /replication/rules/RULE/plan     what a run would do now; with ?verify=deep what one would that reads back; 429 while another one is asked for, because each is kept in memory whole
 * POST /replication/rules/RULE/sync     run it: 202 and the number of the run, 409 if it is running; with {"verify": "deep"} what the targets have is read back
 * POST /replication/copy                {"source", "target"}, and "verify" if wanted: copy one image, as above; of layouts only those that rules write
 * GET  /replication/runs[?rule=RULE]    the last runs, 100 of them
 * GET  /replication/runs/RUN            one run: how far it is, or its report as the journal keeps it
 * POST /notifications[?secret=SECRET]   what a registry posts when something was pushed to it; OPTIONS asks whether it may
 * </pre>
 */
final class ReplicationApi implements AdminEndpoint {
    private static final String ROOT = "/replication";
    private static final RequestBody SYNC = RequestBody.of(Key.optional("verify", Kind.TEXT));
    private static final RequestBody COPY = RequestBody.of(
            Key.required("source", Kind.TEXT), Key.required("target", Kind.TEXT), Key.optional("verify", Kind.TEXT));
    private static final String RULES = ROOT + "/rules";
    private static final String RUNS = ROOT + "/runs";
    private static final int RUNS_SHOWN = 100;

    private final Replication replication;
    private final RuleRuns runs;
    private final ReplicationScheduler scheduler;
    private final NotificationReceiver notifications;
    private final String instance;
    private final Semaphore planning = new Semaphore(1);

    ReplicationApi(
            Replication replication,
            RuleRuns runs,
            ReplicationScheduler scheduler,
            NotificationReceiver notifications,
            String instance) {
        this.replication = replication;
        this.runs = runs;
        this.scheduler = scheduler;
        this.notifications = notifications;
        this.instance = instance;
    }

    // Registries show the secret of notifications, which opens nothing else.
    @Override
    public boolean guardsItself(AdminRequest request) {
        return request.path().equals("/notifications");
    }

    @Override
    public Optional<AdminReply> refusal(AdminRequest request) {
        return request.path().equals("/notifications") ? notifications.refusal(request) : Optional.empty();
    }

    @Override
    public Optional<AdminReply> permission(AdminRequest request) {
        return request.path().equals("/notifications")
                ? Optional.of(notifications.permission(request))
                : Optional.empty();
    }

    @Override
    public Optional<AdminReply> answer(AdminRequest request) throws IOException {
        String path = request.path();
        boolean post = request.method().equals("POST");
        if (path.equals("/notifications")) {
            return Optional.of(
                    post ? notifications.receive(request) : AdminReply.error(405, "notifications are posted"));
        }
        if (!path.equals(ROOT) && !path.startsWith(ROOT + "/")) {
            return Optional.empty();
        }
        try {
            return Optional.of(post ? write(path, request.body()) : read(path, request.query()));
        } catch (UnknownThingException e) {
            return Optional.of(AdminReply.error(404, e.getMessage()));
        } catch (BadRequestException e) {
            return Optional.of(AdminReply.error(400, String.valueOf(e.getMessage())));
        } catch (RuleBusyException e) {
            return Optional.of(AdminReply.error(409, e.getMessage() + "; GET " + RUNS + " shows when it has ended"));
        }
    }

    /** What the path names is not there. */
    private static final class UnknownThingException extends Exception {
        private static final long serialVersionUID = 1L;

        UnknownThingException(String message) {
            super(message);
        }

        @Override
        public String getMessage() {
            return String.valueOf(super.getMessage());
        }
    }

    private AdminReply read(String path, String query) throws IOException, UnknownThingException, BadRequestException {
        if (path.equals(ROOT)) {
            return ok(OciJson.mapper()
                    .createObjectNode()
                    .put("instance", instance)
                    .put("rules", RULES)
                    .put("runs", RUNS)
                    .toString());
        }
        if (path.equals(RULES)) {
            return ok(rules());
        }
        if (path.equals(RUNS)) {
            return ok(RunTexts.toJson(runsOf(parameter(query, "rule"))));
        }
        if (path.startsWith(RUNS + "/")) {
            return ok(run(path.substring(RUNS.length() + 1)));
        }
        ReplicationRule asWritten = rule(path, "/plan");
        Optional<String> asked = parameter(query, "verify");
        ReplicationRule rule = asked.isPresent() ? asWritten.verifying(verify(asked.get())) : asWritten;
        if (!planning.tryAcquire()) {
            return AdminReply.error(
                    429, "a plan is being made already, and one is made at a time; try again when it is done");
        }
        try {
            return ok(plan(rule));
        } finally {
            planning.release();
        }
    }

    private AdminReply write(String path, byte[] body)
            throws IOException, UnknownThingException, BadRequestException, RuleBusyException {
        if (path.equals(ROOT + "/copy")) {
            return begun(copy(body));
        }
        ReplicationRule rule = rule(path, "/sync");
        return begun(runs.begin(verify(body).map(rule::verifying).orElse(rule), "request"));
    }

    // Nothing need be posted to run a rule.
    private static Optional<Verify> verify(byte[] body) throws BadRequestException {
        return verify(read(SYNC, body));
    }

    private static JsonNode read(RequestBody form, byte[] body) throws BadRequestException {
        try {
            return form.read(body);
        } catch (IllegalArgumentException e) {
            throw new BadRequestException(String.valueOf(e.getMessage()));
        }
    }

    private static Optional<Verify> verify(JsonNode json) throws BadRequestException {
        if (!json.has("verify")) {
            return Optional.empty();
        }
        return Optional.of(verify(json.path("verify").asString("")));
    }

    private static Verify verify(String text) throws BadRequestException {
        for (Verify choice : Verify.values()) {
            if (choice.name().toLowerCase(Locale.ROOT).equals(text)) {
                return choice;
            }
        }
        throw new BadRequestException("\"verify\" is \"head\" or \"deep\"");
    }

    private static AdminReply ok(String json) {
        return new AdminReply(200, json);
    }

    private static AdminReply begun(long run) {
        ObjectNode json = OciJson.mapper().createObjectNode();
        json.put("run", run);
        json.put("url", RUNS + "/" + run);
        return new AdminReply(202, json.toString());
    }

    private String rules() throws IOException {
        ArrayNode array = OciJson.mapper().createArrayNode();
        for (ReplicationRule rule : replication.rules()) {
            ObjectNode json = array.addObject();
            json.put("rule", rule.name());
            json.put("source", rule.source().name());
            replication.fingerprint(rule.name()).ifPresent(fingerprint -> json.put("fingerprint", fingerprint));
            ArrayNode targets = json.putArray("targets");
            rule.targets().forEach(target -> targets.add(target.registry().name()));
            json.put("running", replication.isRunning(rule.name()));
            scheduler.nextRun(rule.name()).ifPresent(next -> json.put("next", next.toString()));
            replication
                    .journal()
                    .runs()
                    .lastSuccess(rule.name())
                    .ifPresent(last -> json.put("lastSuccess", last.toString()));
        }
        return array.toString();
    }

    private List<RunRecord> runsOf(Optional<String> rule) throws IOException {
        return rule.isEmpty()
                ? replication.journal().runs().last(RUNS_SHOWN)
                : replication.journal().runs().last(rule.get(), RUNS_SHOWN);
    }

    private String run(String number) throws IOException, UnknownThingException {
        Optional<RunRecord> run = number.matches("[0-9]{1,18}")
                ? replication.journal().runs().find(Long.parseLong(number))
                : Optional.empty();
        if (run.isEmpty()) {
            throw new UnknownThingException("there is no run " + number + "; GET " + RUNS + " shows the last");
        }
        ObjectNode json = RunTexts.toJson(
                run.get(), replication.journal().runs().report(run.get().id()));
        if (!RunTexts.ended(run.get())) {
            runs.progress(run.get().rule()).ifPresent(line -> json.put("progress", line));
        }
        return json.toString();
    }

    private String plan(ReplicationRule rule) throws IOException {
        PlanAnswer plan = PlanAnswer.of(replication.plan(rule));
        ObjectNode json = OciJson.mapper().createObjectNode();
        json.put("outcome", plan.outcome());
        json.put("text", plan.text());
        json.putRawValue("plan", new RawValue(plan.json()));
        return json.toString();
    }

    private long copy(byte[] body) throws IOException, BadRequestException, RuleBusyException {
        JsonNode json = read(COPY, body);
        Optional<Verify> verify = verify(json);
        ImageCopy copy = replication
                .copy(json.path("source").asString(""), json.path("target").asString(""), false)
                .verifying(verify);
        return runs.begin(copy);
    }

    private ReplicationRule rule(String path, String verb) throws UnknownThingException {
        if (!path.startsWith(RULES + "/") || !path.endsWith(verb)) {
            throw new UnknownThingException("nothing is at " + path + "; GET " + RULES + " shows the rules");
        }
        try {
            String name =
                    path.substring(RULES.length() + 1, Math.max(RULES.length() + 1, path.length() - verb.length()));
            return replication.rule(URLDecoder.decode(name, StandardCharsets.UTF_8));
        } catch (BadRequestException | IllegalArgumentException e) {
            throw new UnknownThingException(
                    e.getMessage() + "; a rule that was added since this server started is known after a restart");
        }
    }

    private static Optional<String> parameter(String query, String name) throws BadRequestException {
        try {
            return AdminRequest.parameter(query, name);
        } catch (IllegalArgumentException e) {
            throw new BadRequestException(String.valueOf(e.getMessage()));
        }
    }
}
