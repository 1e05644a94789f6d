package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.ConfigLoader;
import dev.entrepot.config.EntrepotConfig;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.testing.Abilities;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Content;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Gate;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.proxy.CommandRunner.Result;
import dev.entrepot.replicator.events.EventFormats;
import dev.entrepot.replicator.journal.CopyJournal;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/**
 * A server with rules: its admin API, its metrics, and commands that find it on their data folder. Long, because all
 * are asked of the same server.
 */
class ReplicationServerTest {
    private static final String SECRET = "a secret of this test";

    @TempDir
    private Path folder;

    private final TestRegistry source = TestRegistry.started();
    private final TestRegistry target = TestRegistry.started(Abilities.WITHOUT_REFERRERS);
    private final HttpClient client = HttpClient.newHttpClient();
    private final Images images = new Images(11);
    private final Bundle image = images.image(20_000, 500);
    private CommandRunner commands;
    private Mirror mirror;

    @BeforeEach
    void start() throws Exception {
        source.push("team/app", image, "v1");
        source.push("team/app", images.referrer(image, "application/vnd.test.sbom"));
        Files.writeString(
                folder.resolve("entrepot.yaml"), """
                server: {listen: 127.0.0.1:0, admin: 127.0.0.1:0, access-log: "off"}
                cache: {directory: ./data}
                upstreams:
                  registry.test: {url: "%s"}
                replication:
                  notifications: {receive: {secret: "%s", debounce: 0s}}
                  rules:
                    - name: to-eu
                      source: registry.test
                      repositories: ["team/*"]
                      tags: ["v*"]
                      targets: [{url: "%s"}]
                    - {name: other, source: registry.test, repositories: [other/app], targets: [{url: "%s"}, {layout: ruled}]}
                """.formatted(source.uri(), SECRET, target.uri(), target.uri()));
        open();
        commands = new CommandRunner(folder);
    }

    private void open() throws Exception {
        EntrepotConfig config =
                ConfigLoader.load(Optional.empty(), folder, Map.of()).config();
        mirror = Mirror.start(config, ClientEnvironment.system("test"), OutputStream.nullOutputStream());
    }

    @AfterEach
    void stop() {
        mirror.close();
        client.close();
        source.close();
        target.close();
    }

    private record Answer(int status, JsonNode json) {}

    private Answer send(HttpRequest.Builder request) throws Exception {
        HttpResponse<String> response = client.send(request.build(), HttpResponse.BodyHandlers.ofString());
        return new Answer(response.statusCode(), OciJson.mapper().readTree(response.body()));
    }

    private HttpRequest.Builder to(String path) {
        return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + mirror.adminPort() + path))
                .timeout(Duration.ofSeconds(30));
    }

    private Answer get(String path) throws Exception {
        return send(to(path).GET());
    }

    private Answer post(String path, String body) throws Exception {
        return send(to(path).POST(HttpRequest.BodyPublishers.ofString(body)));
    }

    // The run ends when the target has the tag and the server has said so; each look is a request to it.
    private JsonNode ended(long run) throws Exception {
        long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (System.nanoTime() < deadline) {
            JsonNode json = get("/replication/runs/" + run).json();
            if (json.has("report")) {
                return json;
            }
        }
        throw new AssertionError("run " + run + " does not end");
    }

    @Test
    void syncThroughTheApiRunsTheRuleAndKeepsItsReport() throws Exception {
        Answer begun = post("/replication/rules/to-eu/sync", "");
        assertThat(begun.status()).isEqualTo(202);
        long run = begun.json().path("run").asLong();
        assertThat(begun.json().path("url").asString()).isEqualTo("/replication/runs/" + run);

        JsonNode ended = ended(run);

        assertThat(ended.path("outcome").asString()).isEqualTo("complete");
        assertThat(ended.path("report").path("targets").path(0).path("copied").asLong())
                .isEqualTo(1);
        assertThat(target.resolve("team/app", "v1")).contains(image.digest());
        assertThat(get("/replication/runs").json().size()).isEqualTo(1);
        assertThat(get("/replication/runs?rule=to-eu").json().size()).isEqualTo(1);
        assertThat(get("/replication/runs?rule=other").json().size()).isZero();
        JsonNode rule = get("/replication/rules").json().path(0);
        assertThat(rule.path("rule").asString()).isEqualTo("to-eu");
        assertThat(rule.path("running").asBoolean(true)).isFalse();
        assertThat(rule.has("lastSuccess")).isTrue();
    }

    private void zeroTheLayer() throws IOException {
        Digest layer = image.blobs().keySet().iterator().next();
        target.pushBlob("team/app", layer, Content.of(new byte[whole().length]));
    }

    private byte[] layer() throws IOException {
        Digest layer = image.blobs().keySet().iterator().next();
        return target.blob("team/app", layer).orElseThrow().open(0).readAllBytes();
    }

    private byte[] whole() throws IOException {
        return image.blobs().values().iterator().next().open(0).readAllBytes();
    }

    @Test
    void syncThroughTheApiReadsBackWhatTheTargetHasWhereItIsAskedTo() throws Exception {
        byte[] whole = whole();
        ended(post("/replication/rules/to-eu/sync", "").json().path("run").asLong());
        zeroTheLayer();
        ended(post("/replication/rules/to-eu/sync", "").json().path("run").asLong());
        assertThat(layer()).as("believed").isNotEqualTo(whole);

        ended(post("/replication/rules/to-eu/sync", "{\"verify\": \"deep\"}")
                .json()
                .path("run")
                .asLong());

        assertThat(layer()).isEqualTo(whole);
        Answer wrong = post("/replication/rules/to-eu/sync", "{\"verify\": \"most\"}");
        assertThat(wrong.status()).isEqualTo(400);
        assertThat(wrong.json().path("error").asString()).contains("head").contains("deep");
        Answer misspelled = post("/replication/rules/to-eu/sync", "{\"verfy\": \"deep\"}");
        assertThat(misspelled.status()).isEqualTo(400);
        assertThat(misspelled.json().path("error").asString()).contains("unknown key \"verfy\"", "\"verify\"");
        assertThat(post("/replication/copy", "{\"source\": \"a.test/b:c\"}")
                        .json()
                        .path("error")
                        .asString())
                .contains("lacks the key \"target\"");
        assertThat(post("/upstreams", "{\"mount\": true}").status()).isEqualTo(400);
        assertThat(post("/cache/pin", "{\"ref\": \"a.test/b:c\"}")
                        .json()
                        .path("error")
                        .asString())
                .contains("unknown key \"ref\"", "\"reference\" (a text, required)");
        assertThat(post("/cache/rebuild", "{\"deep\": true}").status()).isEqualTo(400);
    }

    @Test
    void planOfARunThatReadsBackSaysWhatItSends() throws Exception {
        commands.run("sync", "to-eu");
        zeroTheLayer();

        assertThat(commands.run("plan", "to-eu").out()).contains(" 0 to copy");
        assertThat(commands.run("plan", "to-eu", "--verify", "deep").out())
                .contains(" 1 to copy")
                .contains(" in 1 blobs, 0 mounted, 0 manifests\n");

        Answer wrong = get("/replication/rules/to-eu/plan?verify=most");
        assertThat(wrong.status()).isEqualTo(400);
        assertThat(wrong.json().path("error").asString()).contains("head").contains("deep");
    }

    @ParameterizedTest
    @CsvSource({
        "/replication/runs?rule=to-eu&rule=other, parameter rule",
        "/replication/runs?rule=to-eu%0a, parameter rule",
        "/replication/rules/to-eu/plan?verify=deep&verify=head, parameter verify",
        "/replication/rules/to-eu/plan?verify=%00, parameter verify",
    })
    void queryThatSaysNothingClearIsRefusedByTheNameOfItsParameter(String path, String named) throws Exception {
        Answer answer = get(path);
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.json().path("error").asString()).contains(named);
    }

    @Test
    void commandsHaveTheServerReadBackWhatTheTargetHas() throws Exception {
        byte[] whole = whole();
        commands.run("sync", "to-eu");
        zeroTheLayer();

        assertThat(commands.run("sync", "to-eu", "--verify", "deep").code()).isZero();
        assertThat(layer()).isEqualTo(whole);
        zeroTheLayer();

        String name = "http://" + target.host() + "/team/app:v1";
        assertThat(commands.run("copy", "registry.test/team/app:v1", name, "--verify", "deep")
                        .code())
                .isZero();
        assertThat(layer()).isEqualTo(whole);
    }

    @Test
    void ruleThatRunsIsNotRunTwiceAtOnce() throws Exception {
        Gate gate = new Gate();
        source.faults().once(Requests.tags(), Fault.hold(gate));
        Answer first = post("/replication/rules/to-eu/sync", "");
        assertThat(first.status()).isEqualTo(202);
        gate.awaitArrivals(1);

        Answer second = post("/replication/rules/to-eu/sync", "");

        assertThat(second.status()).isEqualTo(409);
        assertThat(second.json().path("error").asString()).startsWith("rule to-eu is running already; GET ");
        assertThat(commands.run("sync", "to-eu"))
                .returns(1, Result::code)
                .satisfies(result -> assertThat(result.err()).contains("to-eu is running already; wait for its end"));
        JsonNode running =
                get("/replication/runs/" + first.json().path("run").asLong()).json();
        assertThat(running.path("outcome").asString()).isEqualTo("running");
        assertThat(running.path("progress").asString()).startsWith("0/0 images");
        gate.open();
        assertThat(ended(first.json().path("run").asLong()).path("outcome").asString())
                .isEqualTo("complete");
    }

    @Test
    void onePlanIsMadeAtATime() throws Exception {
        Gate gate = new Gate();
        source.faults().once(Requests.tags(), Fault.hold(gate));
        CompletableFuture<HttpResponse<String>> first = client.sendAsync(
                to("/replication/rules/to-eu/plan").GET().build(), HttpResponse.BodyHandlers.ofString());
        gate.awaitArrivals(1);
        Answer second = get("/replication/rules/to-eu/plan");
        assertThat(second.status()).isEqualTo(429);
        assertThat(second.json().path("error").asString()).startsWith("a plan is being made already");
        gate.open();
        assertThat(first.get(30, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
        assertThat(get("/replication/rules/to-eu/plan").status()).isEqualTo(200);
    }

    @Test
    void aRuleThatFailsFromItsFirstRunOnIsSeenInTheMetrics() throws Exception {
        assertThat(metrics())
                .contains("entrepot_replication_failing{rule=\"to-eu\"} 0\n")
                .contains("entrepot_replication_runs_total{rule=\"to-eu\",outcome=\"failed\"} 0\n");
        source.faults().always(Requests.any(), Fault.error(401, "UNAUTHORIZED"));
        ended(post("/replication/rules/to-eu/sync", "").json().path("run").asLong());
        assertThat(metricsWith("entrepot_replication_runs_total{rule=\"to-eu\",outcome=\"failed\"} 1\n"))
                .contains("entrepot_replication_failing{rule=\"to-eu\"} 1\n")
                .doesNotContain("entrepot_replication_lag_seconds{rule=\"to-eu\"");
        mirror.close();
        open();
        assertThat(metrics()).contains("entrepot_replication_failing{rule=\"to-eu\"} 1\n");
        source.faults().clear();
        ended(post("/replication/rules/to-eu/sync", "").json().path("run").asLong());
        assertThat(metricsWith("entrepot_replication_runs_total{rule=\"to-eu\",outcome=\"complete\"} 1\n"))
                .contains("entrepot_replication_failing{rule=\"to-eu\"} 0\n");
    }

    @Test
    void upstreamsShowWhetherTargetsMount() throws Exception {
        assertThat(get("/upstreams").json().at("/targets/0/capabilities")).isEmpty();
        Answer first = post("/replication/rules/to-eu/sync", "");
        ended(first.json().path("run").asLong());
        source.push("team/second", image, "v1");
        Answer second = post("/replication/rules/to-eu/sync", "");
        assertThat(ended(second.json().path("run").asLong()).path("outcome").asString())
                .isEqualTo("complete");
        JsonNode shown = get("/upstreams").json();
        assertThat(shown.at("/targets/0/name").asString(""))
                .isEqualTo(target.host().toString());
        assertThat(shown.at("/targets/0/capabilities/mounts/there").asBoolean(false))
                .isTrue();
        assertThat(commands.run("upstreams").out()).contains("target " + target.host(), "mounts yes");
    }

    @Test
    void planOverTheApiSaysWhatWouldBeDone() throws Exception {
        Answer plan = get("/replication/rules/to-eu/plan");
        assertThat(plan.status()).isEqualTo(200);
        assertThat(plan.json().path("outcome").asString()).isEqualTo("complete");
        assertThat(plan.json().path("text").asString()).contains("1 to copy");
        assertThat(plan.json()
                        .path("plan")
                        .path("targets")
                        .path(0)
                        .path("blobBytes")
                        .asLong())
                .isPositive();
        assertThat(target.tags("team/app")).isEmpty();
    }

    @Test
    void errorsNameTheRemedyInJson() throws Exception {
        Answer unknown = post("/replication/rules/nope/sync", "");
        assertThat(unknown.status()).isEqualTo(404);
        assertThat(unknown.json().path("error").asString())
                .startsWith("there is no rule nope; the configuration has to-eu, other;");
        assertThat(get("/replication/runs/77").status()).isEqualTo(404);
        assertThat(get("/replication/nonsense").status()).isEqualTo(404);
        assertThat(post("/replication/copy", "not json").status()).isEqualTo(400);
        assertThat(post("/replication/copy", "{\"source\": \"registry.test/team/app:v1\", \"target\": \"a.example/b\"}")
                        .json()
                        .path("error")
                        .asString())
                .startsWith("no registry is called a.example");
        assertThat(send(to("/replication/rules").DELETE()).status()).isEqualTo(405);
    }

    @Test
    void commandsOnTheSameFolderAskTheServer() throws Exception {
        Result plan = commands.run("plan", "to-eu");
        assertThat(plan.code()).isZero();
        assertThat(plan.out()).startsWith("plan of to-eu from registry.test\n").contains("1 to copy");
        assertThat(plan.err()).startsWith("asking the server at http://127.0.0.1:" + mirror.adminPort());

        Result sync = commands.run("sync", "to-eu");
        assertThat(sync.code()).isZero();
        assertThat(sync.out()).startsWith("run 1 of to-eu: complete in ").contains("(request)\n", "  copied  ");
        assertThat(commands.run("runs", "1").out()).isEqualTo(sync.out());

        String copied = "http://" + target.host() + "/by-hand:v9";
        assertThat(commands.run("copy", "registry.test/team/app:v1", copied).code())
                .isZero();
        assertThat(target.resolve("by-hand", "v9")).contains(image.digest());

        assertThat(commands.run("sync", "nope")).returns(2, Result::code);
        assertThat(commands.run("runs").out().lines()).hasSize(2);
    }

    @Test
    void ruleThatWasEditedSinceTheServerStartedIsSaidToBeTheOldOne() throws Exception {
        assertThat(commands.run("plan", "to-eu").err()).doesNotContain("warning");
        Path file = folder.resolve("entrepot.yaml");
        Files.writeString(file, Files.readString(file).replace("tags: [\"v*\"]", "tags: [\"v2\"]"));

        Result plan = commands.run("plan", "to-eu");
        assertThat(plan.out()).contains("1 to copy");
        assertThat(plan.err())
                .contains("warning: the server has the rule to-eu as it was when the server started")
                .contains("restart it");
        assertThat(commands.run("sync", "to-eu").err()).contains("warning: the server has the rule to-eu");
    }

    @Test
    void serverCopiesOnlyToLayoutsThatRulesWrite() throws Exception {
        assertThat(commands.run("copy", "registry.test/team/app:v1", "layout:ruled")
                        .code())
                .isZero();
        assertThat(folder.resolve("ruled/index.json"))
                .content()
                .contains(image.digest().toString());

        Result other = commands.run("copy", "registry.test/team/app:v1", "layout:ruled/../other.tar");

        assertThat(other.code()).isEqualTo(2);
        assertThat(other.err())
                .endsWith("and " + folder.resolve("other.tar")
                        + " is not; give the command a data folder of its own (--data)\n");
        assertThat(folder.resolve("other.tar")).doesNotExist();
        assertThat(commands.run("copy", "layout:other:v1", "http://" + target.host() + "/app:v1")
                        .code())
                .isEqualTo(2);
        assertThat(post(
                                "/replication/copy",
                                "{\"source\": \"registry.test/team/app:v1\", \"target\": \"layout:ruled\"}")
                        .status())
                .isEqualTo(400);
    }

    @Test
    void commandsDoItThemselvesOnceTheServerIsGone() throws Exception {
        mirror.close();
        Result sync = commands.run("sync", "to-eu");
        assertThat(sync.code()).isZero();
        // Under load a line may say how far it is.
        assertThat(sync.err()).doesNotContain("asking the server");
        assertThat(sync.out()).contains("(command)\n");
    }

    @Test
    void folderWhoseServerDoesNotAnswerIsInUse() throws Exception {
        Files.delete(folder.resolve("data/server.json"));
        Result sync = commands.run("plan", "to-eu");
        assertThat(sync.code()).isEqualTo(1);
        assertThat(sync.err()).contains("is in use by another process");
    }

    @Test
    void serverThatHasNotLeftItsNoteYetIsWaitedFor() throws Exception {
        Path note = folder.resolve("data/server.json");
        Path later = Files.move(note, folder.resolve("data/later.json"));
        Executor afterItsFirstLook = CompletableFuture.delayedExecutor(500, TimeUnit.MILLISECONDS);
        CompletableFuture<Path> left = CompletableFuture.supplyAsync(() -> moved(later, note), afterItsFirstLook);
        Result plan = commands.run("plan", "to-eu");
        assertThat(left).isCompleted();
        assertThat(plan.code()).isZero();
        assertThat(plan.err()).contains("asking the server");
    }

    private static Path moved(Path from, Path to) {
        try {
            return Files.move(from, to);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void noteOfAnotherServerStays() throws Exception {
        Path note = folder.resolve("data/server.json");
        Files.writeString(note, "{\"admin\": \"http://127.0.0.1:1\", \"instance\": \"another\"}");
        mirror.close();
        assertThat(note).exists();
    }

    private static String pushed(String repository, String tag) {
        return """
                {"events": [{"action": "push", "target": {"mediaType": "application/vnd.oci.image.manifest.v1+json",
                "repository": "%s", "tag": "%s"}}]}
                """.formatted(repository, tag);
    }

    @Test
    void notificationRunsTheRulesThatMatch() throws Exception {
        Answer answer = send(to("/notifications")
                .header("Authorization", "Bearer " + SECRET)
                .POST(HttpRequest.BodyPublishers.ofString(pushed("team/app", "v1"))));
        assertThat(answer.status()).isEqualTo(202);
        assertThat(answer.json().path("rules").toString()).isEqualTo("[\"to-eu\"]");
        target.calls().await(1, Requests.method("PUT").and(Requests.path("/manifests/v1")));
        JsonNode run = ended(1);
        assertThat(run.path("trigger").asString()).isEqualTo("notification");
    }

    @Test
    void notificationThatWasAcceptedIsServedAfterARestart() throws Exception {
        mirror.close();
        Path file = folder.resolve("entrepot.yaml");
        Files.writeString(file, Files.readString(file).replace("debounce: 0s", "debounce: 1h"));
        open();
        assertThat(send(to("/notifications")
                                .header("Authorization", "Bearer " + SECRET)
                                .POST(HttpRequest.BodyPublishers.ofString(pushed("team/app", "v1"))))
                        .status())
                .isEqualTo(202);

        mirror.close();
        open();

        assertThat(ended(1).path("trigger").asString()).isEqualTo("notification");
        assertThat(target.requests(Requests.method("PUT").and(Requests.path("/manifests/v1"))))
                .hasSize(1);
        try (CopyJournal journal = CopyJournal.openForReading(folder.resolve("data"), InstantSource.system())) {
            assertThat(journal.runs().owed("to-eu")).isEmpty();
        }
    }

    @Test
    void notificationThatCannotBeWrittenDownRunsItsRulesAllTheSame() throws Exception {
        source.push("other/app", image, "v1");
        try (Connection journal =
                        DriverManager.getConnection("jdbc:sqlite:" + folder.resolve("data/" + CopyJournal.FILE));
                Statement statement = journal.createStatement()) {
            statement.execute(
                    "CREATE TRIGGER full BEFORE INSERT ON owed BEGIN SELECT RAISE(FAIL, 'disk is full'); END");
        }
        String both = pushed("team/app", "v1").replace("]}", ", %s]}");
        String other = pushed("other/app", "v1").strip();

        Answer answer = send(to("/notifications")
                .header("Authorization", "Bearer " + SECRET)
                .POST(HttpRequest.BodyPublishers.ofString(
                        both.formatted(other.substring(other.indexOf('[') + 1, other.lastIndexOf(']'))))));

        assertThat(answer.status()).isEqualTo(500);
        assertThat(answer.json().toString()).contains("disk is full");
        assertThat(ended(1).path("trigger").asString()).isEqualTo("notification");
        assertThat(ended(2).path("trigger").asString()).isEqualTo("notification");
        assertThat(target.resolve("team/app", "v1")).contains(image.digest());
        assertThat(target.resolve("other/app", "v1")).contains(image.digest());
    }

    @Test
    void notificationThatMatchesNothingRunsNothing() throws Exception {
        String body = pushed("elsewhere/app", "v1");
        Answer answer = send(to("/notifications")
                .header("X-Entrepot-Signature", EventFormats.signature(body.getBytes(StandardCharsets.UTF_8), SECRET))
                .POST(HttpRequest.BodyPublishers.ofString(body)));
        assertThat(answer.status()).isEqualTo(202);
        assertThat(answer.json().path("rules").size()).isZero();
    }

    @Test
    void eventGridIsToldThatItsEventsAreWantedByWhoKnowsTheSecret() throws Exception {
        String question = """
                [{"id": "1", "subject": "", "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
                  "data": {"validationCode": "512d38b6", "validationUrl": "https://grid.test/x"}, "dataVersion": "1"}]
                """;
        HttpRequest.Builder right = to("/notifications?secret=" + SECRET.replace(" ", "%20"))
                .header("aeg-event-type", "SubscriptionValidation")
                .POST(HttpRequest.BodyPublishers.ofString(question));
        Answer answer = send(right);
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.json().toString()).isEqualTo("{\"validationResponse\":\"512d38b6\"}");

        Answer refused = send(to("/notifications?secret=wrong")
                .header("aeg-event-type", "SubscriptionValidation")
                .POST(HttpRequest.BodyPublishers.ofString(question)));
        assertThat(refused.status()).isEqualTo(401);
        assertThat(refused.json().toString()).doesNotContain("512d38b6");
        assertThat(post("/notifications", question).status()).isEqualTo(401);
    }

    @Test
    void senderOfCloudEventsIsPermittedToPostByTheSecretAlone() throws Exception {
        String path = "/notifications?secret=" + SECRET.replace(" ", "%20");
        HttpResponse<String> permitted = options(path, "WebHook-Request-Origin", "eventgrid.azure.net");
        assertThat(permitted.statusCode()).isEqualTo(200);
        assertThat(permitted.headers().firstValue("WebHook-Allowed-Origin")).contains("eventgrid.azure.net");
        assertThat(permitted.headers().firstValue("WebHook-Allowed-Rate")).contains("*");
        assertThat(permitted.headers().firstValue("Allow")).contains("POST");

        for (HttpResponse<String> refused : List.of(
                options("/notifications", "WebHook-Request-Origin", "eventgrid.azure.net"),
                options("/notifications?secret=wrong", "WebHook-Request-Origin", "eventgrid.azure.net"),
                options("/notifications", "X-Entrepot-Signature", EventFormats.signature(new byte[0], SECRET)),
                options(path, "WebHook-Request-Origin", "a b"),
                options(path, "X-Nothing", "x"),
                options("/replication/rules", "WebHook-Request-Origin", "eventgrid.azure.net"),
                options(path, "Origin", "https://page.test"))) {
            assertThat(refused.statusCode()).isIn(400, 401, 403, 405);
            assertThat(refused.headers().map()).doesNotContainKey("webhook-allowed-origin");
        }
    }

    private HttpResponse<String> options(String path, String header, String value) throws Exception {
        return client.send(
                to(path).header(header, value)
                        .method("OPTIONS", HttpRequest.BodyPublishers.noBody())
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    @Test
    void notificationWithoutTheSecretIsRefused() throws Exception {
        String body = pushed("team/app", "v1");
        assertThat(post("/notifications", body).status()).isEqualTo(401);
        assertThat(post("/notifications?secret=wrong", body).status()).isEqualTo(401);
        assertThat(post("/notifications?secret=", body).status()).isEqualTo(401);
        assertThat(send(to("/notifications")
                                .header("Authorization", "Bearer wrong")
                                .POST(HttpRequest.BodyPublishers.ofString(body)))
                        .status())
                .isEqualTo(401);
        assertThat(send(to("/notifications")
                                .header("X-Hub-Signature-256", EventFormats.signature(new byte[1], SECRET))
                                .POST(HttpRequest.BodyPublishers.ofString(body)))
                        .status())
                .isEqualTo(401);
        assertThat(get("/replication/runs").json().size()).isZero();
    }

    @Test
    void senderThatCanSetNoHeaderShowsTheSecretInTheUrl() throws Exception {
        String hub = """
                {"push_data": {"tag": "v1"}, "repository": {"repo_name": "elsewhere/app"}}
                """;
        String right = "/notifications?secret=" + SECRET.replace(" ", "%20");
        assertThat(post(right, hub).status()).isEqualTo(202);
        assertThat(send(to(right)
                                .header("Authorization", "Bearer wrong")
                                .POST(HttpRequest.BodyPublishers.ofString(hub)))
                        .status())
                .as("a header that is wrong is not made up for")
                .isEqualTo(401);
        assertThat(send(to(right)
                                .header("X-Entrepot-Signature", "sha256=00")
                                .POST(HttpRequest.BodyPublishers.ofString(hub)))
                        .status())
                .isEqualTo(401);
        for (int i = 0; i < 20; i++) {
            post("/notifications?secret=guess" + i, hub);
        }
        assertThat(post("/notifications?secret=another", hub).status()).isEqualTo(429);
    }

    @Test
    void secretInTheUrlIsRightAsItIsAndPercentEncoded() throws Exception {
        String awkward = "a+b/c%41&d==";
        String encoded = URLEncoder.encode(awkward, StandardCharsets.UTF_8);
        mirror.close();
        Path file = folder.resolve("entrepot.yaml");
        Files.writeString(file, Files.readString(file).replace(SECRET, awkward));
        open();
        String body = pushed("elsewhere/app", "v1");

        for (String right : List.of(
                "secret=" + awkward,
                "secret=" + encoded,
                "from=hub&secret=" + encoded + "&more",
                "more&secret=" + awkward)) {
            assertThat(post("/notifications?" + right, body).status()).as(right).isEqualTo(202);
        }
        for (String wrong : List.of("secret=a+b/c%41", "secret=" + awkward + "&more", "secret=" + encoded + "x")) {
            assertThat(post("/notifications?" + wrong, body).status()).as(wrong).isEqualTo(401);
        }
        assertThat(metrics()).contains("entrepot_authentication_failures_total{listener=\"admin\"} 3\n");
    }

    @Test
    void guessesAtTheSecretOfNotificationsAreBoundedAndCounted() throws Exception {
        String body = pushed("elsewhere/app", "v1");
        assertThat(notified("Authorization", "Bearer " + SECRET, body)).isEqualTo(202);
        for (int i = 0; i < 10; i++) {
            assertThat(notified("Authorization", "Bearer guess" + i, body)).isEqualTo(401);
            assertThat(notified("X-Entrepot-Signature", "sha256=" + i, body)).isEqualTo(401);
        }
        assertThat(notified("Authorization", "Bearer another", body)).isEqualTo(429);
        assertThat(notified("X-Entrepot-Signature", "sha256=another", body)).isEqualTo(429);
        assertThat(notified("Authorization", "Bearer " + SECRET, body)).isEqualTo(202);
        assertThat(metrics())
                .contains("entrepot_authentication_failures_total{listener=\"admin\"} 20\n")
                .contains("entrepot_passwords_throttled_total{listener=\"admin\"} 2\n");
    }

    private int notified(String header, String value, String body) throws Exception {
        return send(to("/notifications").header(header, value).POST(HttpRequest.BodyPublishers.ofString(body)))
                .status();
    }

    @Test
    void bodiesThatAreLargeOrWithoutLengthAreRefused() throws Exception {
        byte[] large = new byte[1024 * 1024 + 1];
        assertThat(send(to("/replication/copy").POST(HttpRequest.BodyPublishers.ofByteArray(large)))
                        .status())
                .isEqualTo(413);
        assertThat(send(to("/replication/copy")
                                .POST(HttpRequest.BodyPublishers.ofInputStream(
                                        () -> new java.io.ByteArrayInputStream(new byte[10]))))
                        .status())
                .isEqualTo(411);
        assertThat(send(to("/replication/rules/to-eu/sync")
                                .header("Origin", "https://evil.example")
                                .POST(HttpRequest.BodyPublishers.noBody()))
                        .status())
                .isEqualTo(403);
    }

    @Test
    void metricsTellHowEachTargetStands() throws Exception {
        ended(post("/replication/rules/to-eu/sync", "").json().path("run").asLong());
        String labels = "{rule=\"to-eu\",target=\"" + target.host() + "\"} ";
        String metrics = metricsWith("entrepot_replication_runs_total{rule=\"to-eu\",outcome=\"complete\"} 1\n");
        assertThat(metrics)
                .contains("entrepot_replication_complete_ratio" + labels + "1\n")
                .contains("entrepot_replication_lag_digests" + labels + "0\n")
                .contains("entrepot_replication_last_success_timestamp_seconds" + labels)
                .contains("entrepot_replication_lag_seconds" + labels)
                .containsPattern("entrepot_replication_bytes_total\\Q" + labels + "\\E[1-9]");

        String success = line(metrics, "last_success_timestamp_seconds");

        source.push("team/app", images.image(100), "v2");
        target.faults().always(Requests.method("PUT").and(Requests.path("/manifests/")), Fault.error(403, "DENIED"));
        assertThat(ended(post("/replication/rules/to-eu/sync", "")
                                .json()
                                .path("run")
                                .asLong())
                        .path("outcome")
                        .asString())
                .isEqualTo("partly");

        assertThat(metricsWith("entrepot_replication_runs_total{rule=\"to-eu\",outcome=\"partly\"} 1\n"))
                .contains("entrepot_replication_complete_ratio" + labels + "0.5\n")
                .contains("entrepot_replication_lag_digests" + labels + "1\n")
                .contains(success);
    }

    @Test
    void restartDoesNotForgetHowOldTheCopiesAre() throws Exception {
        ended(post("/replication/rules/to-eu/sync", "").json().path("run").asLong());
        String success = line(metricsWith("outcome=\"complete\"} 1\n"), "last_success_timestamp_seconds");

        mirror.close();
        open();

        assertThat(metrics())
                .contains(success)
                .contains("entrepot_replication_complete_ratio{rule=\"to-eu\",target=\"" + target.host() + "\"} 1\n")
                .doesNotContain("entrepot_replication_bytes_total{");
    }

    @Test
    void listOfRunsIsThatOfTheRuleHoweverManyOthersRanSince() throws Exception {
        mirror.close();
        try (CopyJournal journal = CopyJournal.open(folder.resolve("data"), InstantSource.system())) {
            journal.runs().finish(journal.runs().start("to-eu", "test"), "complete", "{}");
            journal.runs().finish(journal.runs().start("to-eu", "test"), "failed", "no report");
            for (int run = 0; run < 200; run++) {
                journal.runs().finish(journal.runs().start("other", "test"), "complete", "{}");
            }
        }
        open();

        JsonNode ofRule = get("/replication/runs?rule=to-eu").json();
        assertThat(ofRule.valueStream().map(run -> run.path("run").asLong())).containsExactly(2L, 1L);
        assertThat(get("/replication/runs").json().size()).isEqualTo(100);
        assertThat(get("/replication/runs/2").json().has("report")).isFalse();
        assertThat(get("/ui/api/runs/2").json().path("outcome").asString()).isEqualTo("failed");
        assertThat(commands.run("runs").out()).hasLineCount(50);
    }

    private static String line(String metrics, String name) {
        return metrics.lines()
                .filter(line -> line.startsWith("entrepot_replication_" + name + "{"))
                .findFirst()
                .orElseThrow();
    }

    // The journal knows the end of a run a moment before it is counted.
    private String metricsWith(String wanted) throws Exception {
        long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        String metrics = metrics();
        while (!metrics.contains(wanted) && System.nanoTime() < deadline) {
            metrics = metrics();
        }
        assertThat(metrics).contains(wanted);
        // A page that was being written when the run ended may tell of the time before in its first lines.
        return metrics();
    }

    private String metrics() throws Exception {
        return client.send(to("/metrics").GET().build(), HttpResponse.BodyHandlers.ofString())
                .body();
    }
}
