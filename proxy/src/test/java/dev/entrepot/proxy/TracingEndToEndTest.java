package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.CrashProcess;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Gate;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.Request;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.Response;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.proxy.OtlpReceiver.Span;
import java.io.File;
import java.io.InputStream;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Traces, from a client's request to the upstream's, as a receiver on a socket gets them. */
class TracingEndToEndTest {
    private static final String APP = MirrorFixture.APP;
    private static final String MANIFEST = "/v2/" + APP + "/manifests/v1";
    private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
    private static final String PARENT = "b7ad6b7169203331";
    private static final String KEPT = "00-" + TRACE + "-" + PARENT + "-01";
    private static final String GET_MANIFEST = "GET /v2/{name}/manifests/{reference}";
    private static final String GET_BLOB = "GET /v2/{name}/blobs/{digest}";
    private static final int SIZE = 300_000;

    @TempDir
    private Path folder;

    private final TestRegistry upstream = TestRegistry.started();
    private final Bundle image = new Images(6).image(SIZE);
    private final Digest layer = List.copyOf(image.blobs().keySet()).getLast();
    private final String blob = "/v2/" + APP + "/blobs/" + layer;
    private final Predicate<Request> blobGets = Requests.get().and(Requests.blob(layer));
    private OtlpReceiver receiver;

    @BeforeEach
    void start() throws Exception {
        receiver = OtlpReceiver.started();
        upstream.push(APP, image, "v1");
    }

    @AfterEach
    void stop() {
        receiver.close();
        upstream.close();
    }

    private String configuration(String tracing, String rest) {
        return """
                default-upstream: registry.test
                upstreams:
                  registry.test: {url: "%s"}
                %s
                %s
                """.formatted(upstream.uri(), tracing, rest);
    }

    private MirrorFixture mirror(String more) throws Exception {
        String tracing = "tracing: {endpoint: \"" + receiver.endpoint() + "\"" + more + "}";
        return MirrorFixture.started(folder, configuration(tracing, ""));
    }

    @Test
    void aPullIsOneTraceFromTheClientsRequestToTheUpstreams() throws Exception {
        try (MirrorFixture mirror = mirror(", headers: {Authorization: Bearer sesame}")) {
            mirror.get(MANIFEST, "traceparent", KEPT, "User-Agent", "puller/1");
            mirror.get(blob, "traceparent", KEPT);
            mirror.awaitFills();
            mirror.stop();
        }
        Span manifest = receiver.span(GET_MANIFEST);
        assertThat(manifest.parentId()).isEqualTo(PARENT);
        assertThat(manifest.kind()).isEqualTo(2);
        assertThat(manifest.attributes())
                .containsEntry("http.request.method", "GET")
                .containsEntry("http.response.status_code", "200")
                .containsEntry("http.route", "/v2/{name}/manifests/{reference}")
                .containsEntry("url.path", MANIFEST)
                .containsEntry("url.scheme", "http")
                .containsEntry("client.address", "127.0.0.1")
                .containsEntry("user_agent.original", "puller/1")
                .containsEntry("network.protocol.version", "1.1")
                .containsEntry("entrepot.cache", "miss")
                .containsEntry("entrepot.upstream", "registry.test");
        Span asked = receiver.spans().stream()
                .filter(span -> span.kind() == 3 && span.parentId().equals(manifest.spanId()))
                .findFirst()
                .orElseThrow();
        assertThat(asked.attributes())
                .containsEntry("http.response.status_code", "200")
                .containsEntry("server.address", "127.0.0.1")
                .containsEntry("server.port", Integer.toString(upstream.uri().getPort()));
        Span served = receiver.span(GET_BLOB);
        Span fill = receiver.span("fill");
        Span fetched = receiver.span("GET blob");
        assertThat(served.parentId()).isEqualTo(PARENT);
        assertThat(fill.parentId()).isEqualTo(served.spanId());
        assertThat(fill.attributes())
                .containsEntry("entrepot.repository", "registry.test/" + APP)
                .containsEntry("entrepot.digest", layer.toString());
        assertThat(fetched.parentId()).isEqualTo(fill.spanId());
        assertThat(fetched.attribute("url.full")).isEqualTo(upstream.uri() + blob);
        assertThat(receiver.spans()).allMatch(span -> span.traceId().equals(TRACE) && span.ended() && !span.failed());
        assertThat(receiver.resources().getFirst()).containsEntry("service.name", "entrepot");
        assertThat(receiver.authorizations()).containsOnly("Bearer sesame");
        assertThat(upstream.requests(Requests.withHeader("traceparent"))).isEmpty();
    }

    @Test
    void aHitHasASpanAndNothingUnderIt() throws Exception {
        try (MirrorFixture mirror = mirror("")) {
            mirror.get(MANIFEST);
            mirror.get(MANIFEST, "traceparent", KEPT);
            mirror.stop();
        }
        List<Span> hit = receiver.spans().stream()
                .filter(span -> span.traceId().equals(TRACE))
                .toList();
        assertThat(hit)
                .singleElement()
                .satisfies(span -> assertThat(span.attribute("entrepot.cache")).isEqualTo("hit"));
    }

    @Test
    void whoJoinsAFillLinksToIt() throws Exception {
        Gate gate = new Gate();
        upstream.faults().once(blobGets, Fault.stallAfter(SIZE / 2, gate));
        try (MirrorFixture mirror = mirror("")) {
            mirror.get(MANIFEST);
            HttpResponse<InputStream> first = mirror.open(blob, "traceparent", KEPT);
            HttpResponse<InputStream> second = mirror.open(blob);
            gate.open();
            first.body().readAllBytes();
            second.body().readAllBytes();
            mirror.awaitFills();
            mirror.stop();
        }
        Span fill = receiver.span("fill");
        List<Span> served = receiver.spans().stream()
                .filter(span -> span.name().equals(GET_BLOB))
                .toList();
        assertThat(served).hasSize(2);
        Span starter = served.stream()
                .filter(span -> span.traceId().equals(TRACE))
                .findFirst()
                .orElseThrow();
        Span joiner = served.stream()
                .filter(span -> !span.traceId().equals(TRACE))
                .findFirst()
                .orElseThrow();
        assertThat(fill.parentId()).isEqualTo(starter.spanId());
        assertThat(starter.links()).isEmpty();
        assertThat(joiner.links()).containsExactly(fill.spanId());
        assertThat(joiner.attribute("entrepot.cache")).isEqualTo("joined");
    }

    @Test
    void onlyUpstreamsThatAreToBeToldAreToldAndNotThoseThatTheyRedirectTo() throws Exception {
        try (TestRegistry elsewhere = TestRegistry.started();
                MirrorFixture mirror = mirror(", tell-upstreams: [registry.test]")) {
            elsewhere.push(APP, image, "v1");
            upstream.faults().always(blobGets, Fault.redirectTo(elsewhere.uri()));
            mirror.get(blob, "traceparent", KEPT);
            mirror.awaitFills();
            mirror.stop();

            assertThat(elsewhere.requests(blobGets)).hasSize(1);
            assertThat(elsewhere.requests(Requests.withHeader("traceparent"))).isEmpty();
            List<Span> fetched = receiver.spans().stream()
                    .filter(span -> span.name().equals("GET blob"))
                    .toList();
            assertThat(fetched).hasSize(2);
            String told = upstream.requests(blobGets)
                    .getFirst()
                    .request()
                    .header("traceparent")
                    .orElseThrow();
            assertThat(fetched.stream().map(span -> "00-" + TRACE + "-" + span.spanId() + "-01"))
                    .contains(told);
        }
    }

    @Test
    void whatIsNoTraceparentIsIgnored() throws Exception {
        List<String> bad = List.of(
                "sesame",
                "00-" + TRACE + "-" + PARENT,
                "00-" + TRACE + "-" + PARENT + "-01-more",
                "00-" + "0".repeat(32) + "-" + PARENT + "-01",
                "00-" + TRACE + "-" + "0".repeat(16) + "-01",
                "ff-" + TRACE + "-" + PARENT + "-01",
                "00-" + TRACE.toUpperCase(Locale.ROOT) + "-" + PARENT + "-01",
                "01-" + TRACE + "-" + PARENT + "-01-" + "x".repeat(20_000));
        try (MirrorFixture mirror = mirror("")) {
            for (String value : bad) {
                assertThat(mirror.get(MANIFEST, "traceparent", value).statusCode())
                        .as(value)
                        .isEqualTo(200);
            }
            assertThat(mirror.get(MANIFEST, "traceparent", KEPT, "traceparent", KEPT)
                            .statusCode())
                    .isEqualTo(200);
            mirror.stop();
        }
        List<Span> served =
                receiver.spans().stream().filter(span -> span.kind() == 2).toList();
        assertThat(served)
                .hasSize(bad.size() + 1)
                .allMatch(span -> span.parentId().isEmpty());
        assertThat(receiver.bodies()).doesNotContain("sesame");
    }

    @Test
    void aTraceThatTheClientDoesNotKeepIsNotKeptHereAndOneThatItKeepsIs() throws Exception {
        try (MirrorFixture mirror = mirror(", one-in: 1000000")) {
            mirror.get(blob, "traceparent", "00-" + TRACE + "-" + PARENT + "-00");
            mirror.get(MANIFEST, "traceparent", KEPT);
            mirror.awaitFills();
            mirror.stop();
        }
        assertThat(receiver.spans())
                .extracting(Span::name)
                .contains(GET_MANIFEST)
                .doesNotContain(GET_BLOB, "fill");
    }

    @Test
    void noSecretIsInATrace() throws Exception {
        upstream.beside("/signed", (request, body) -> Response.of(200));
        upstream.faults().always(blobGets, Fault.redirect(_ -> upstream.uri() + "/signed?signature=sesame"));
        try (MirrorFixture mirror = mirror("")) {
            mirror.get(blob + "?token=sesame", "Authorization", "Bearer sesame", "Cookie", "sesame=sesame");
            mirror.get(
                    "/v2/sesame-is-no-secret/manifests/v1?ns=nobody.test&key=sesame0",
                    "Authorization",
                    "Basic sesame=");
            mirror.awaitFills();
            mirror.stop();
        }
        assertThat(receiver.spans().stream().map(span -> span.attribute("url.full")))
                .contains(upstream.uri() + "/signed");
        assertThat(receiver.bodies().replace("sesame-is-no-secret", ""))
                .contains("signed")
                .doesNotContain("sesame");
    }

    @Test
    void failuresAreMarked() throws Exception {
        upstream.faults().always(Requests.manifests(), Fault.status(404));
        try (MirrorFixture mirror = mirror("")) {
            assertThat(mirror.get(MANIFEST).statusCode()).isEqualTo(404);
            upstream.stop();
            assertThat(mirror.get("/v2/team/other/manifests/v1").statusCode()).isGreaterThanOrEqualTo(500);
            mirror.stop();
        }
        List<Span> served =
                receiver.spans().stream().filter(span -> span.kind() == 2).toList();
        assertThat(served).extracting(Span::failed).containsExactlyInAnyOrder(false, true);
        assertThat(receiver.spans().stream()
                        .filter(span -> span.kind() == 3)
                        .map(span -> span.attribute("error.type"))
                        .distinct())
                .contains("404", "no_answer");
    }

    @Test
    void aReceiverThatIsOutCostsNothingButTheCount() throws Exception {
        int nobody;
        try (ServerSocket socket = new ServerSocket(0)) {
            nobody = socket.getLocalPort();
        }
        String tracing = "tracing: {endpoint: \"http://127.0.0.1:" + nobody + "/v1/traces\"}";
        try (MirrorFixture mirror = MirrorFixture.started(folder, configuration(tracing, ""))) {
            assertThat(mirror.get(MANIFEST).statusCode()).isEqualTo(200);
            assertThat(mirror.get(blob).statusCode()).isEqualTo(200);
            MirrorFixture.await(() -> mirror.metric("entrepot_trace_spans_dropped_total{reason=\"undelivered\"}") >= 2);
            assertThat(mirror.metric("entrepot_trace_spans_delivered_total")).isZero();
            assertThat(mirror.admin("/readyz").statusCode()).isEqualTo(200);
        }
    }

    @Test
    void aRunOfReplicationIsATraceOfItsOwn() throws Exception {
        try (TestRegistry target = TestRegistry.started()) {
            String rest = """
                    replication:
                      rules: [{name: to-eu, source: registry.test, repositories: ["team/*"], targets: [{url: "%s"}], schedule: every 1h}]
                    tracing: {endpoint: "%s"}
                    """.formatted(target.uri(), receiver.endpoint());
            try (MirrorFixture mirror = MirrorFixture.started(folder, configuration("", rest))) {
                MirrorFixture.await(() -> target.resolve(APP, "v1").isPresent()
                        && mirror.metrics()
                                .contains("entrepot_replication_runs_total{rule=\"to-eu\",outcome=\"complete\"} 1"));
                mirror.stop();
            }
            Span run = receiver.span("replication");
            assertThat(run.parentId()).isEmpty();
            assertThat(run.attribute("entrepot.rule")).isEqualTo("to-eu");
            assertThat(run.failed()).isFalse();
            assertThat(receiver.spans()).allMatch(span -> span.traceId().equals(run.traceId()));
            assertThat(receiver.spans().stream().map(span -> span.attribute("entrepot.operation")))
                    .contains("manifest", "blob", "push-manifest", "upload");
            assertThat(receiver.spans().stream()
                            .filter(span -> span.name().equals("PUT push-manifest"))
                            .map(span -> span.attribute("url.full")))
                    .isNotEmpty()
                    .allMatch(url -> url.startsWith(target.uri().toString()));
            assertThat(target.requests(Requests.withHeader("traceparent"))).isEmpty();
        }
    }

    @Test
    void nothingOfTheLibraryIsNeededWhereNothingIsTraced() throws Exception {
        Path file = folder.resolve("entrepot.yaml");
        Files.writeString(file, MirrorFixture.configuration(configuration("", "")));
        String classPath = Arrays.stream(CrashProcess.ownClassPath().split(File.pathSeparator))
                .filter(entry -> !entry.contains("opentelemetry"))
                .collect(Collectors.joining(File.pathSeparator));
        try (CrashProcess server = CrashProcess.start(
                        classPath,
                        Main.class.getName(),
                        "serve",
                        "--config",
                        file.toString(),
                        "--data",
                        folder.resolve("child").toString());
                HttpClient client = HttpClient.newHttpClient()) {
            Matcher address = Pattern.compile("on (http://127[.0-9]+:[0-9]+),")
                    .matcher(server.awaitLine(
                            line -> line.contains("serves registry.test") || line.contains("registry.test on ")));
            assertThat(address.find()).isTrue();
            for (String path : List.of(MANIFEST, MANIFEST, blob, blob)) {
                HttpRequest request = HttpRequest.newBuilder(URI.create(address.group(1) + path))
                        .header("traceparent", KEPT)
                        .build();
                assertThat(client.send(request, HttpResponse.BodyHandlers.ofByteArray())
                                .statusCode())
                        .isEqualTo(200);
            }
            assertThat(server.output()).noneMatch(line -> line.contains("ERROR") || line.contains("NoClassDef"));
        }
    }
}
