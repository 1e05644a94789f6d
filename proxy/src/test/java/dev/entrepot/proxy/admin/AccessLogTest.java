package dev.entrepot.proxy.admin;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.cache.Verdict;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.proxy.http.RequestKind;
import dev.entrepot.proxy.http.RequestRecord;
import dev.entrepot.proxy.http.RequestRecord.Ending;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

class AccessLogTest {
    private static RequestRecord request(String path, String agent) {
        return new RequestRecord(
                1_795_219_200_007L,
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 4711),
                "",
                "GET",
                path,
                "docker.io",
                RequestKind.MANIFEST,
                200,
                1234,
                1_002_345,
                Optional.of(Verdict.HIT),
                RegistryHost.DOCKER_HUB,
                agent,
                Ending.COMPLETE);
    }

    private static String logged(boolean json, RequestRecord... requests) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (AccessLog log = json ? AccessLog.json(out) : AccessLog.text(out)) {
            for (RequestRecord request : requests) {
                log.finished(request);
            }
        }
        return out.toString(StandardCharsets.US_ASCII);
    }

    @Test
    void textIsOneLineOfPairs() {
        assertThat(logged(false, request("/v2/a/manifests/x", "docker/29.0 (linux)")))
                .isEqualTo(
                        "time=2026-11-21T00:00:00.007Z client=127.0.0.1 method=GET path=/v2/a/manifests/x ns=docker.io"
                                + " kind=manifest status=200 bytes=1234 ms=1.002 cache=hit upstream=docker.io end=complete"
                                + " agent=\"docker/29.0 (linux)\"\n");
    }

    @Test
    void jsonIsOneObjectALine() {
        String line = logged(true, request("/v2/a/manifests/x", "docker/29.0"));
        assertThat(line).endsWith("}\n").hasLineCount(1);
        JsonNode node = OciJson.mapper().readTree(line);
        assertThat(node.path("time").stringValue()).isEqualTo("2026-11-21T00:00:00.007Z");
        assertThat(node.path("status").intValue()).isEqualTo(200);
        assertThat(node.path("ms").doubleValue()).isEqualTo(1.002);
        assertThat(node.path("cache").stringValue()).isEqualTo("hit");
        assertThat(node.path("agent").stringValue()).isEqualTo("docker/29.0");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void noClientCanForgeALineOrAField(boolean json) {
        String evil = "x\" status=500\n{\"time\":1}\r\u001b[31m\\\" \u00e9\u2028";
        String line = logged(json, request("/v2/ status=999\n" + evil, evil));
        assertThat(line).hasLineCount(1).matches("[ -~]*\n");
        if (json) {
            assertThat(OciJson.mapper().readTree(line).path("agent").stringValue())
                    .isEqualTo(evil);
        } else {
            assertThat(line).contains(" path=\"/v2/ status=999\\u000ax\\\" status=500\\u000a");
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void whatIsWrittenOnceMoreIsWrittenTheSame(boolean json) {
        RequestRecord[] requests = new RequestRecord[3000];
        for (int i = 0; i < requests.length; i++) {
            // More than are kept, some in quotes, each several times, and some at once again.
            String path = "/v2/library/a" + i / 2 % 700 + (i % 5 == 0 ? " b" : "/manifests/x");
            requests[i] = request(path, i % 3 == 0 ? "containerd/v2.1.0 \\" : "containerd/v2.1.0");
        }
        StringBuilder alone = new StringBuilder();
        for (RequestRecord request : requests) {
            LineBuffer line = new LineBuffer();
            (json ? new JsonLines() : new TextLines()).append(request, line);
            ByteArrayOutputStream written = new ByteArrayOutputStream();
            try {
                line.writeTo(written);
            } catch (IOException e) {
                throw new AssertionError(e);
            }
            alone.append(written.toString(StandardCharsets.US_ASCII));
        }

        assertThat(logged(json, requests)).isEqualTo(alone.toString());
    }

    @Test
    void unknownPartsAreDashes() {
        RequestRecord bare = new RequestRecord(
                -1, null, "", "GET", "", "", RequestKind.OTHER, 404, 0, 0, Optional.empty(), null, "", Ending.GONE);
        assertThat(logged(false, bare))
                .isEqualTo(
                        "time=1969-12-31T23:59:59.999Z client=- method=GET path=\"\" kind=other status=404 bytes=0 ms=0.000"
                                + " cache=none upstream=- end=gone agent=\"\"\n");
    }

    @Test
    void linesKeepTheirOrder() {
        RequestRecord[] requests = new RequestRecord[1000];
        for (int i = 0; i < requests.length; i++) {
            requests[i] = request("/" + i, "");
        }
        assertThat(logged(false, requests).lines().map(line -> line.replaceAll(".* path=/(\\d+) .*", "$1")))
                .hasSize(1000)
                .startsWith("0", "1", "2")
                .endsWith("998", "999");
    }

    /** A stream that takes nothing until it is let go. */
    private static final class StuckOutput extends OutputStream {
        private final CountDownLatch go = new CountDownLatch(1);

        @Override
        public void write(int value) throws IOException {
            try {
                go.await();
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
        }
    }

    @Test
    void fullQueueDropsAndCountsInsteadOfWaiting() {
        StuckOutput stuck = new StuckOutput();
        try (AccessLog log = AccessLog.text(stuck)) {
            RequestRecord request = request("/", "");
            for (int i = 0; i < 70_000; i++) {
                log.finished(request);
            }
            assertThat(log.dropped()).isGreaterThan(30_000);
            stuck.go.countDown();
        }
    }

    @Test
    void requestThatCannotBeWrittenEndsNothing() throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (AccessLog log = AccessLog.text(out)) {
            log.finished(request(null, "nobody expects that"));
            log.finished(request("/v2/a/manifests/x", "docker/29.0"));
            log.close();
            assertThat(log.dropped()).isEqualTo(1);
        }
        assertThat(out.toString(StandardCharsets.US_ASCII))
                .startsWith("time=")
                .hasLineCount(1)
                .contains("docker/29.0");
    }
}
