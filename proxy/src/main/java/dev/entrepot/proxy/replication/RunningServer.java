package dev.entrepot.proxy.replication;

import dev.entrepot.cache.ContentStore;
import dev.entrepot.config.ReplicationRuleConfig;
import dev.entrepot.config.ReplicationRuleConfig.Verify;
import dev.entrepot.oci.OciJson;
import dev.entrepot.replicator.ReplicationReport;
import dev.entrepot.replicator.RuleBusyException;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Supplier;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** The server that has the data folder open, asked over its admin API to plan and run. */
public final class RunningServer implements Replicating {
    private static final Duration CONNECT = Duration.ofSeconds(2);
    private static final Duration ANSWER = Duration.ofSeconds(30);
    // A plan is one answer, and of a large rule it takes its time.
    private static final Duration PLAN = Duration.ofHours(1);
    // The plan of the largest rule is well below that.
    private static final long MOST_BYTES = 256L << 20;
    private static final Duration BETWEEN_LOOKS = Duration.ofMillis(250);
    private static final int STARTING_SECONDS = 2;

    private final URI url;
    private final Optional<URI> registry;
    private final String token;
    private final HttpClient http;
    private final Duration longestAnswer;

    private RunningServer(ServerNote note, HttpClient http, Duration longestAnswer) {
        this.longestAnswer = longestAnswer;
        this.url = note.url();
        this.registry = note.registry();
        this.token = note.token();
        this.http = http;
    }

    /**
     * The server that has a data folder open, if one does and answers. One that has the folder open but has left no
     * note yet is given {@value #STARTING_SECONDS} s for it.
     */
    public static Optional<RunningServer> find(Path directory) throws InterruptedException {
        return find(directory, ANSWER);
    }

    /** As above, with another time for each answer but a plan to come to its end. */
    static Optional<RunningServer> find(Path directory, Duration longestAnswer) throws InterruptedException {
        Instant end = Instant.now().plusSeconds(STARTING_SECONDS);
        Optional<RunningServer> server = noted(directory, longestAnswer);
        while (server.isEmpty() && isInUse(directory) && Instant.now().isBefore(end)) {
            Thread.sleep(BETWEEN_LOOKS);
            server = noted(directory, longestAnswer);
        }
        return server;
    }

    private static boolean isInUse(Path directory) {
        try {
            return ContentStore.isInUse(directory);
        } catch (IOException e) {
            return false; // who opens it says what is wrong with it
        }
    }

    private static Optional<RunningServer> noted(Path directory, Duration longestAnswer) throws InterruptedException {
        Optional<ServerNote> note = ServerNote.read(directory);
        if (note.isEmpty()) {
            return Optional.empty();
        }
        HttpClient http;
        try {
            http = client(note.get());
        } catch (IOException e) {
            return Optional.empty();
        }
        RunningServer server = new RunningServer(note.get(), http, longestAnswer);
        try {
            JsonNode answer = server.get("/replication", longestAnswer);
            if (answer.path("instance").asString("").equals(note.get().instance())) {
                return Optional.of(server);
            }
        } catch (IOException | BadRequestException e) {
            // Nobody is there, or somebody else: the folder's lock says whether to look again.
        }
        server.close();
        return Optional.empty();
    }

    private static HttpClient client(ServerNote note) throws IOException {
        HttpClient.Builder builder =
                HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(CONNECT);
        return note.certificate().isPresent()
                ? builder.sslContext(
                                PinnedCertificate.context(note.certificate().get()))
                        .build()
                : builder.build();
    }

    /** Where its admin API is. */
    public URI url() {
        return url;
    }

    /**
     * What a command on its data folder shows, so that it may do everything; empty for a server of an earlier version.
     */
    public String token() {
        return token;
    }

    /** Where its pull API is, as far as it says so. */
    public Optional<URI> registry() {
        return registry;
    }

    /**
     * The answer to a GET of its admin API.
     *
     * @throws BadRequestException if it answered that the request is wrong
     * @throws IOException if it failed, or did not answer
     */
    public JsonNode get(String path) throws IOException, BadRequestException, InterruptedException {
        return get(path, longestAnswer);
    }

    /** The answer to a POST, as above. */
    public JsonNode post(String path, String json) throws IOException, BadRequestException, InterruptedException {
        return read(send(posting(path, json), longestAnswer));
    }

    private HttpRequest.Builder asking(String path) {
        HttpRequest.Builder request = HttpRequest.newBuilder(url.resolve(path));
        return token.isEmpty() ? request : request.header("Authorization", "Bearer " + token);
    }

    private HttpRequest posting(String path, String json) {
        return asking(path)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(json))
                .build();
    }

    /**
     * Asks the admin API for something that is no replication.
     *
     * @param body what to post, or empty to get
     * @throws BadRequestException if the server says that this makes no sense
     * @throws IOException if it fails, or does not answer within an hour
     */
    public JsonNode ask(String path, Optional<String> body)
            throws IOException, BadRequestException, InterruptedException {
        if (body.isEmpty()) {
            return get(path, PLAN);
        }
        return read(send(posting(path, body.get()), PLAN));
    }

    /**
     * Whether the server runs a rule otherwise than this configuration says: the file was edited since it started. A
     * rule that it does not know, or an answer that says nothing of it, is no reason to think so.
     */
    public boolean runsOtherwise(ReplicationRuleConfig rule)
            throws IOException, BadRequestException, InterruptedException {
        for (JsonNode known : get("/replication/rules", PLAN)) {
            if (known.path("rule").asString("").equals(rule.name())) {
                return known.has("fingerprint")
                        && !known.path("fingerprint").asString("").equals(RuleFingerprint.of(rule));
            }
        }
        return false;
    }

    @Override
    public PlanAnswer plan(String rule, Optional<Verify> verify)
            throws IOException, BadRequestException, InterruptedException {
        String query = verify.map(how -> "?verify=" + named(how)).orElse("");
        JsonNode answer = get("/replication/rules/" + encoded(rule) + "/plan" + query, PLAN);
        return new PlanAnswer(
                answer.path("outcome").asString(""),
                () -> answer.path("text").asString(""),
                () -> answer.path("plan").toString());
    }

    @Override
    public ReplicationReport sync(String rule, Optional<Verify> verify, Consumer<Supplier<String>> progress)
            throws IOException, BadRequestException, RuleBusyException, InterruptedException {
        ObjectNode body = OciJson.mapper().createObjectNode();
        write(verify, body);
        return run("/replication/rules/" + encoded(rule) + "/sync", body.toString(), rule, progress);
    }

    @Override
    public ReplicationReport copy(
            String source, String target, Optional<Verify> verify, Consumer<Supplier<String>> progress)
            throws IOException, BadRequestException, RuleBusyException, InterruptedException {
        ObjectNode body = OciJson.mapper().createObjectNode();
        body.put("source", source);
        body.put("target", target);
        write(verify, body);
        return run("/replication/copy", body.toString(), "copy to " + target, progress);
    }

    private static void write(Optional<Verify> verify, ObjectNode body) {
        verify.ifPresent(how -> body.put("verify", named(how)));
    }

    private static String named(Verify verify) {
        return verify.name().toLowerCase(Locale.ROOT);
    }

    /** Has a reference explained. */
    public JsonNode explain(String reference) throws IOException, BadRequestException, InterruptedException {
        return get("/explain?ref=" + encoded(reference), longestAnswer);
    }

    private ReplicationReport run(String path, String body, String name, Consumer<Supplier<String>> progress)
            throws IOException, BadRequestException, RuleBusyException, InterruptedException {
        HttpResponse<String> response = send(posting(path, body), longestAnswer);
        if (response.statusCode() == 409) {
            throw new RuleBusyException(name);
        }
        long run = read(response).path("run").asLong();
        AtomicReference<String> line = new AtomicReference<>("");
        progress.accept(line::get);
        while (true) {
            JsonNode state = get("/replication/runs/" + run, longestAnswer);
            if (state.has("report")) {
                return ReportReader.read(state.path("report").toString());
            }
            if (!state.path("outcome").asString("").equals("running")) {
                throw new IOException(
                        "run " + run + " ended without a report; the log of the server at " + url + " says why");
            }
            line.set(state.path("progress").asString(""));
            Thread.sleep(BETWEEN_LOOKS);
        }
    }

    private JsonNode get(String path, Duration bound) throws IOException, BadRequestException, InterruptedException {
        return read(send(asking(path).GET().build(), bound));
    }

    // The library's own time-out ends with the head of the answer: a body without an end would keep the command for
    // ever.
    private HttpResponse<String> send(HttpRequest request, Duration bound) throws IOException, InterruptedException {
        CompletableFuture<HttpResponse<String>> answer = http.sendAsync(
                request, HttpResponse.BodyHandlers.limiting(HttpResponse.BodyHandlers.ofString(), MOST_BYTES));
        try {
            return answer.get(bound.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw late(e);
        } catch (ExecutionException e) {
            Throwable cause = Objects.requireNonNullElse(e.getCause(), e);
            throw cause instanceof HttpTimeoutException ? late(e) : gone(cause);
        } finally {
            answer.cancel(true);
        }
    }

    private IOException late(Exception cause) {
        return new IOException("the server at " + url + " has not answered in time; its log may say why", cause);
    }

    // What the client throws often has no message, and never the address.
    private IOException gone(Throwable cause) {
        return new IOException(
                "the server at " + url + " went away before it answered" + reason(cause)
                        + "; look at its log, and whether it runs",
                cause);
    }

    private static String reason(Throwable failure) {
        String message = failure.getMessage();
        return message == null || message.isBlank() ? "" : " (" + message + ")";
    }

    private JsonNode read(HttpResponse<String> response) throws IOException, BadRequestException {
        try {
            JsonNode answer = OciJson.mapper().readTree(response.body());
            if (response.statusCode() / 100 == 2) {
                return answer;
            }
            String error = answer.path("error").asString("the answer was " + response.statusCode());
            if (response.statusCode() / 100 == 4) {
                throw new BadRequestException(error);
            }
            throw new IOException("the server at " + url + " failed: " + error);
        } catch (JacksonException e) {
            throw new IOException("what is at " + url + " does not answer as a server of this program does", e);
        }
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    @Override
    public void close() {
        http.shutdownNow();
        http.close();
    }
}
