package dev.entrepot.proxy;

import dev.entrepot.config.ConfigLoader;
import dev.entrepot.config.EntrepotConfig;
import dev.entrepot.config.Origin;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.Sleeper;
import dev.entrepot.proxy.admin.Metrics;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import tools.jackson.databind.JsonNode;

/**
 * A whole mirror on ports of its own, by a clock that stands still, and before it a plain client that follows and
 * repeats nothing. The pauses between attempts at an upstream take no time.
 */
final class MirrorFixture implements AutoCloseable {
    /** The repository that most tests pull from, at the upstream. */
    static final String APP = "team/app";

    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final Path folder;
    private final EntrepotConfig config;
    private final FixtureClock clock;
    private final Map<String, String> variables;
    private final Sleeper sleeper;
    private final ByteArrayOutputStream accessLog = new ByteArrayOutputStream();
    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private Mirror mirror;

    private MirrorFixture(
            Path folder, EntrepotConfig config, FixtureClock clock, Map<String, String> variables, Sleeper sleeper)
            throws Exception {
        this.folder = folder;
        this.config = config;
        this.clock = clock;
        this.variables = variables;
        this.sleeper = sleeper;
        this.mirror = open();
    }

    /**
     * Starts a mirror.
     *
     * @param folder where its configuration and its data are kept
     * @param rest the configuration, but for the addresses and the disk space to leave free
     */
    static MirrorFixture started(Path folder, String rest) throws Exception {
        return started(folder, rest, new FixtureClock(), Map.of());
    }

    /** As above, by a clock that others go by too, and with environment variables. */
    static MirrorFixture started(Path folder, String rest, FixtureClock clock, Map<String, String> variables)
            throws Exception {
        return started(folder, rest, clock, variables, pause -> {});
    }

    /** As above, with other pauses between attempts at an upstream. */
    static MirrorFixture started(Path folder, String rest, Sleeper sleeper) throws Exception {
        return started(folder, rest, new FixtureClock(), Map.of(), sleeper);
    }

    private static MirrorFixture started(
            Path folder, String rest, FixtureClock clock, Map<String, String> variables, Sleeper sleeper)
            throws Exception {
        Path file = folder.resolve("entrepot.yaml");
        Files.writeString(file, configuration(rest));
        EntrepotConfig config =
                ConfigLoader.load(Optional.of(file), folder, Map.of()).config();
        return new MirrorFixture(folder, config, clock, variables, sleeper);
    }

    /**
     * A whole configuration, from what is special about it. A line that begins with {@code cache:} must be its first.
     */
    static String configuration(String rest) {
        String cache = rest.startsWith("cache: {") ? "" : "cache: {directory: ./data, min-free: 1MiB}\n";
        // Tests have all the time that they need: the deadline for checks is for those that are about it.
        String rules = rest.contains("\nrules:") || rest.startsWith("rules:") ? "" : "rules: [{check-deadline: 0s}]\n";
        String server = rest.contains("\nserver:")
                ? ""
                : "server: {listen: \"127.0.0.1:0\", admin: \"127.0.0.1:0\", drain: 1s}\n";
        return rules + server + cache + rest;
    }

    /** A mirror of one upstream, {@code registry.test}, which is also the default. */
    static MirrorFixture of(Path folder, URI upstream) throws Exception {
        return started(folder, """
                default-upstream: registry.test
                upstreams:
                  registry.test: {url: "%s"}
                """.formatted(upstream));
    }

    private Mirror open() throws Exception {
        ClientEnvironment environment = ClientEnvironment.system("test")
                .withVariables(variables)
                .withSleeper(sleeper)
                .withClock(clock)
                .withNanoTime(clock::nanoTime);
        ConfigFile file = new ConfigFile(Optional.of(folder.resolve("entrepot.yaml")), folder, Map.of());
        return Mirror.start(
                config,
                Optional.of(ParsedFile.of(file, file.load())),
                path -> new Origin.Default(),
                environment,
                accessLog);
    }

    /** Stops the mirror, as SIGTERM does. */
    void stop() {
        mirror.close();
    }

    /** The lines of its access log; all of them once it is stopped. */
    List<String> accessLog() {
        return accessLog.toString(StandardCharsets.UTF_8).lines().toList();
    }

    /** Starts it again, on the same folder and other ports. */
    void start() throws Exception {
        mirror = open();
    }

    /** Writes another configuration, and has its rules read as SIGHUP does. Says whether they are in effect. */
    boolean reconfigure(String rest) throws Exception {
        Files.writeString(folder.resolve("entrepot.yaml"), configuration(rest));
        return mirror.reload("a test");
    }

    /** What the admin API answers. */
    HttpResponse<String> admin(String path) throws Exception {
        return askAdmin("GET", path);
    }

    /** What the admin API answers to a request without a body. */
    HttpResponse<String> askAdmin(String method, String path, String... headers) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(
                        URI.create("http://127.0.0.1:" + mirror.adminPort() + path))
                .method(method, HttpRequest.BodyPublishers.noBody())
                .timeout(PATIENCE);
        if (headers.length > 0) {
            request.headers(headers);
        }
        return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    /** Posts a form. */
    HttpResponse<byte[]> post(String path, String form) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://" + host() + path))
                .timeout(PATIENCE)
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(HttpRequest.BodyPublishers.ofString(form))
                .build();
        return client.send(request, HttpResponse.BodyHandlers.ofByteArray());
    }

    /** Lets time pass for the mirror. */
    void advance(Duration duration) {
        clock.advance(duration);
    }

    /** The time by the clock of the machine. */
    Instant now() {
        return clock.instant();
    }

    /** Sets the clock of the machine, without that time passes. */
    void setClock(Duration ahead) {
        clock.set(ahead);
    }

    int port() {
        return mirror.port();
    }

    int adminPort() {
        return mirror.adminPort();
    }

    /** Its address as image references have it. */
    String host() {
        return "127.0.0.1:" + port();
    }

    HttpResponse<byte[]> get(String path, String... headers) throws Exception {
        return client.send(request("GET", path, headers), HttpResponse.BodyHandlers.ofByteArray());
    }

    HttpResponse<byte[]> head(String path, String... headers) throws Exception {
        return client.send(request("HEAD", path, headers), HttpResponse.BodyHandlers.ofByteArray());
    }

    /** Returns when the head of the answer is there; the caller closes the body. */
    HttpResponse<InputStream> open(String path, String... headers) throws Exception {
        return client.send(request("GET", path, headers), HttpResponse.BodyHandlers.ofInputStream());
    }

    private HttpRequest request(String method, String path, String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://" + host() + path))
                .timeout(PATIENCE)
                .method(method, HttpRequest.BodyPublishers.noBody());
        if (headers.length > 0) {
            request.headers(headers);
        }
        return request.build();
    }

    /** All metrics, as Prometheus reads them. */
    String metrics() throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + mirror.adminPort() + "/metrics"))
                .build();
        return client.send(request, HttpResponse.BodyHandlers.ofString()).body();
    }

    /** What each metric is. */
    List<Metrics.Description> describedMetrics() {
        return mirror.metrics();
    }

    /** The value of a metric, which is without labels. */
    long metric(String name) throws Exception {
        String metrics = metrics();
        return metrics.lines()
                .filter(line -> line.startsWith(name + " "))
                .mapToLong(line -> Math.round(Double.parseDouble(line.substring(name.length() + 1))))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no metric " + name));
    }

    /**
     * Waits until no blob is being fetched. Clients have their last byte as soon as the digest is known to be right,
     * which is before the blob is in its place.
     */
    void awaitFills() throws Exception {
        await(() -> metric("entrepot_fills_active") == 0);
    }

    /** Asks again and again until something is so, for at most 20 s. */
    static void await(Callable<Boolean> condition) throws Exception {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.call()) {
            if (System.nanoTime() > end) {
                throw new AssertionError("it did not happen within " + PATIENCE);
            }
        }
    }

    static String header(HttpResponse<?> response, String name) {
        return response.headers().firstValue(name).orElse("");
    }

    /** Why the mirror answered as it did. */
    static String verdict(HttpResponse<?> response) {
        return header(response, "X-Entrepot-Cache");
    }

    /** The error code in an answer. */
    static String code(HttpResponse<byte[]> response) {
        return json(response).path("errors").path(0).path("code").stringValue("");
    }

    static JsonNode json(HttpResponse<byte[]> response) {
        return OciJson.mapper().readTree(response.body());
    }

    static String text(HttpResponse<byte[]> response) {
        return new String(response.body(), StandardCharsets.UTF_8);
    }

    @Override
    public void close() {
        mirror.close();
        client.shutdownNow();
    }
}
