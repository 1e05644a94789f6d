package dev.entrepot.oci.testing;

import static dev.entrepot.oci.testing.TestClient.header;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Digest;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.SocketException;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class FaultTest {
    private static final int SIZE = 100_000;

    private final byte[] blob = new Images(4).randomBytes(SIZE);
    private final TestRegistry registry = TestRegistry.started();
    private final TestClient client = new TestClient(registry.uri());
    private final Digest digest = registry.pushBlob("a", blob);
    private final String path = "/v2/a/blobs/" + digest;

    @AfterEach
    void stop() {
        client.close();
        registry.close();
    }

    private void next(Fault fault) {
        registry.faults().once(Requests.blob(digest), fault);
    }

    private void theNextRequestIsFine() throws Exception {
        assertThat(client.get(path).body()).isEqualTo(blob);
    }

    /**
     * All body bytes that come before the connection ends: over a plain socket, because clients drop what they hold
     * when it breaks.
     */
    private byte[] bodyUntilTheEnd() throws IOException {
        ByteArrayOutputStream received = new ByteArrayOutputStream();
        try (Socket socket = new Socket("127.0.0.1", registry.server().port())) {
            socket.setSoTimeout(20_000);
            String request = "GET " + path + " HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            socket.getInputStream().transferTo(received);
        } catch (SocketException reset) {
            // What came before it counts.
        }
        String text = received.toString(StandardCharsets.ISO_8859_1);
        int head = text.indexOf("\r\n\r\n"); // Not there if a reset overtook it.
        return head < 0 ? new byte[0] : text.substring(head + 4).getBytes(StandardCharsets.ISO_8859_1);
    }

    private InputStream open() throws Exception {
        return client.client()
                .send(client.request("GET", path, BodyPublishers.noBody()), HttpResponse.BodyHandlers.ofInputStream())
                .body();
    }

    @Test
    void truncatedBodyDeliversWhatCameBefore() throws Exception {
        next(Fault.truncateAfter(12_345));
        assertThat(bodyUntilTheEnd()).isEqualTo(Arrays.copyOf(blob, 12_345));
        registry.calls().awaitIdle();
        RecordedCall call = registry.calls().all().getFirst();
        assertThat(call.bytesSent()).isEqualTo(12_345);
        assertThat(call.complete()).isFalse();
        theNextRequestIsFine();
    }

    @Test
    void resetBodyFails() throws Exception {
        next(Fault.resetAfter(12_345));
        assertThat(bodyUntilTheEnd()).hasSizeLessThanOrEqualTo(12_345);
        next(Fault.resetAfter(12_345));
        assertThatThrownBy(() -> client.get(path)).isInstanceOf(IOException.class);
        theNextRequestIsFine();
    }

    @Test
    void resetAtTheVeryStartStillSendsTheHead() throws Exception {
        next(Fault.truncateAfter(0));
        assertThat(bodyUntilTheEnd()).isEmpty();
        assertThat(registry.calls().all().getFirst().status()).isEqualTo(200);
    }

    @Test
    void stalledBodyGoesOnWhenReleased() throws Exception {
        Gate gate = new Gate();
        next(Fault.stallAfter(50_000, gate));
        try (InputStream body = open()) {
            assertThat(body.readNBytes(50_000)).isEqualTo(Arrays.copyOf(blob, 50_000));
            gate.awaitArrivals(1);
            assertThat(body.available()).isZero();
            gate.open();
            assertThat(body.readAllBytes()).isEqualTo(Arrays.copyOfRange(blob, 50_000, SIZE));
        }
    }

    @Test
    void dribbledBodyComesStepByStep() throws Exception {
        Gate gate = new Gate();
        next(Fault.dribble(100, gate));
        try (InputStream body = open()) {
            for (int step = 0; step < 3; step++) {
                gate.release(1);
                assertThat(body.readNBytes(100)).isEqualTo(Arrays.copyOfRange(blob, step * 100, step * 100 + 100));
                gate.awaitArrivals(step + 2);
                assertThat(registry.calls().bytesOut()).isEqualTo(step * 100 + 100);
            }
            gate.open();
            assertThat(body.readAllBytes()).hasSize(SIZE - 300);
        }
    }

    @Test
    void pausedBodyArrivesWhole() throws Exception {
        next(Fault.dribble(SIZE / 4, Duration.ofMillis(1)));
        theNextRequestIsFine();
    }

    @Test
    void slowLineArrivesWhole() throws Exception {
        registry.server().bandwidth(2_000_000);
        registry.server().latency(Duration.ofMillis(1));
        theNextRequestIsFine();
    }

    @Test
    void corruptedBodyDiffersInOneByte() throws Exception {
        next(Fault.corruptAt(70_000));
        byte[] received = client.get(path).body();
        assertThat(Arrays.mismatch(received, blob)).isEqualTo(70_000);
        received[70_000] = blob[70_000];
        assertThat(received).isEqualTo(blob);
    }

    @Test
    void otherBodyIsServedWithItsLength() throws Exception {
        next(Fault.body(new byte[] {1, 2}));
        assertThat(client.get(path).body()).containsExactly(1, 2);
    }

    @Test
    void extraBytesMakeTheBodyLonger() throws Exception {
        next(Fault.extraBytes(new byte[10]));
        HttpResponse<byte[]> response = client.get(path);
        assertThat(response.body()).hasSize(SIZE + 10);
        assertThat(header(response, "Content-Length")).hasValue(Integer.toString(SIZE + 10));
    }

    @Test
    void statedLengthMayBeTooLongOrTooShort() throws Exception {
        next(Fault.statedLength(SIZE + 5));
        assertThat(bodyUntilTheEnd()).isEqualTo(blob);
        next(Fault.statedLength(SIZE + 5));
        assertThatThrownBy(() -> client.get(path)).isInstanceOf(IOException.class);
        next(Fault.statedLength(7));
        assertThat(client.get(path).body()).hasSize(7);
        try (TestClient other =
                new TestClient(registry.uri())) { // The first one's connection still holds what it did not read.
            assertThat(other.get(path).body()).isEqualTo(blob);
        }
    }

    @Test
    void chunkedBodyHasNoLengthAndCanBeCut() throws Exception {
        next(Fault.chunked());
        HttpResponse<byte[]> response = client.get(path);
        assertThat(header(response, "Content-Length")).isEmpty();
        assertThat(response.body()).isEqualTo(blob);
        registry.faults().once(Requests.any(), Fault.chunked());
        registry.faults().once(Requests.any(), Fault.truncateAfter(SIZE));
        assertThatThrownBy(() -> client.get(path)).isInstanceOf(IOException.class);
        registry.calls().awaitIdle();
        assertThat(registry.calls().all().getLast().bytesSent())
                .as("all of it, but not the last chunk")
                .isEqualTo(SIZE);
    }

    @Test
    void statusComesWithHeaders() throws Exception {
        next(Fault.instead(Response.error(503, "UNAVAILABLE").header("Retry-After", "7")));
        HttpResponse<byte[]> response = client.get(path);
        assertThat(response.statusCode()).isEqualTo(503);
        assertThat(header(response, "Retry-After")).hasValue("7");
        assertThat(new String(response.body(), StandardCharsets.UTF_8)).contains("UNAVAILABLE");
        next(Fault.status(500));
        assertThat(client.get(path).statusCode()).isEqualTo(500);
        next(Fault.error(403, "DENIED"));
        assertThat(client.get(path).statusCode()).isEqualTo(403);
        theNextRequestIsFine();
    }

    @Test
    void headersAreReplacedAndRemoved() throws Exception {
        registry.faults().once(Requests.any(), Fault.header("Content-Type", "text/plain; charset=utf-8"));
        registry.faults().once(Requests.any(), Fault.withoutHeader("docker-content-digest"));
        HttpResponse<byte[]> response = client.get(path);
        assertThat(response.headers().allValues("Content-Type")).containsExactly("text/plain; charset=utf-8");
        assertThat(header(response, "Docker-Content-Digest")).isEmpty();
    }

    @Test
    void gzippedBodySaysSo() throws Exception {
        next(Fault.gzip());
        HttpResponse<byte[]> response = client.get(path);
        assertThat(header(response, "Content-Encoding")).hasValue("gzip");
        assertThat(new GZIPInputStream(new ByteArrayInputStream(response.body())).readAllBytes())
                .isEqualTo(blob);
    }

    @Test
    void redirectIsRelativeOrToAnotherServer() throws Exception {
        next(Fault.redirect(_ -> "/cdn/" + digest));
        HttpResponse<byte[]> relative = client.get(path);
        assertThat(relative.statusCode()).isEqualTo(307);
        assertThat(client.get(header(relative, "Location").orElseThrow()).body())
                .isEqualTo(blob);
        try (TestRegistry other = TestRegistry.started()) {
            next(Fault.redirectTo(other.uri()));
            assertThat(header(client.get(path + "?ns=x"), "Location")).hasValue(other.uri() + path + "?ns=x");
        }
    }

    @Test
    void rangeIsIgnored() throws Exception {
        next(Fault.ignoreRange());
        HttpResponse<byte[]> response = client.get(path, "Range", "bytes=10-19");
        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(response.body()).isEqualTo(blob);
        assertThat(registry.calls().count(Requests.withHeader("range")))
                .as("it was recorded as it came")
                .isEqualTo(1);
    }

    @Test
    void heldRequestIsNotAnsweredUntilReleased() throws Exception {
        Gate gate = new Gate();
        next(Fault.hold(gate));
        CompletableFuture<HttpResponse<byte[]>> held = client.client()
                .sendAsync(
                        client.request("GET", path, BodyPublishers.noBody()), HttpResponse.BodyHandlers.ofByteArray());
        registry.calls().await(1, Requests.blob(digest));
        gate.awaitArrivals(1);
        assertThat(registry.requests(Requests.any()).getFirst().status()).isZero();
        theNextRequestIsFine();
        assertThat(registry.calls().peakConcurrency()).isEqualTo(2);
        gate.open();
        assertThat(held.get(10, TimeUnit.SECONDS).body()).isEqualTo(blob);
    }

    @Test
    void stoppingEndsHeldRequests() throws Exception {
        next(Fault.hold(new Gate()));
        CompletableFuture<HttpResponse<byte[]>> held = client.client()
                .sendAsync(
                        client.request("GET", path, BodyPublishers.noBody()), HttpResponse.BodyHandlers.ofByteArray());
        registry.calls().await(1, Requests.any());
        registry.stop();
        assertThat(registry.server().connectionsOpen()).isZero();
        assertThatThrownBy(() -> held.get(10, TimeUnit.SECONDS)).hasCauseInstanceOf(IOException.class);
    }

    @Test
    void connectionEndsWithoutAnAnswer() throws Exception {
        for (Fault fault : List.of(Fault.hangUp(), Fault.reset())) {
            Faults.Order order = registry.faults().always(Requests.any(), fault); // The JDK's client asks twice.
            assertThatThrownBy(() -> client.get(path)).isInstanceOf(IOException.class);
            order.cancel();
        }
        theNextRequestIsFine();
    }

    @Test
    void anotherClientComesFirst() throws Exception {
        registry.faults()
                .once(Requests.manifests(), Fault.first(() -> registry.push("a", new Images(5).image(1), "v")));
        assertThat(client.get("/v2/a/manifests/v").statusCode()).isEqualTo(200);
    }

    @Test
    void registryCanBeStoppedByARequest() throws Exception {
        next(Fault.first(registry::stop));
        assertThatThrownBy(() -> client.get(path)).isInstanceOf(IOException.class);
        registry.start();
        theNextRequestIsFine();
    }

    @Test
    void stalledUploadIsReadOnWhenReleased() throws Exception {
        String location = header(client.send("POST", "/v2/a/blobs/uploads/", new byte[0]), "Location")
                .orElseThrow();
        Gate gate = new Gate();
        registry.faults().once(Requests.method("PATCH"), Fault.stallUploadAfter(1000, gate));
        CompletableFuture<HttpResponse<Void>> upload = client.client()
                .sendAsync(
                        client.request("PATCH", location, BodyPublishers.ofByteArray(blob)),
                        HttpResponse.BodyHandlers.discarding());
        gate.awaitArrivals(1);
        assertThat(header(client.get(location), "Range")).hasValue("0-999");
        gate.open();
        assertThat(upload.get(10, TimeUnit.SECONDS).statusCode()).isEqualTo(202);
    }

    @Test
    void ordersAreCountedAndTakenBack() throws Exception {
        Faults.Order order = registry.faults().times(2, Requests.get(), Fault.status(500));
        assertThat(client.get(path).statusCode()).isEqualTo(500);
        assertThat(client.head(path).statusCode()).isEqualTo(200);
        order.cancel();
        theNextRequestIsFine();
        assertThat(order.hits()).isEqualTo(1);
        registry.faults().always(Requests.repository("a"), Fault.status(500));
        assertThat(client.get(path).statusCode()).isEqualTo(500);
        assertThat(client.get("/v2/").statusCode()).isEqualTo(200);
        registry.faults().clear();
        theNextRequestIsFine();
    }

    @Test
    void droppedConnectionsAreOpenedAnew() throws Exception {
        theNextRequestIsFine();
        registry.server().dropConnections();
        theNextRequestIsFine();
        assertThat(registry.server().connectionsAccepted()).isEqualTo(2);
    }

    @Test
    void requestThatIsNotHttpIsHungUpOn() throws Exception {
        try (Socket socket = new Socket("127.0.0.1", registry.server().port())) {
            socket.setSoTimeout(10_000);
            socket.getOutputStream().write("nonsense\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            assertThat(endOf(socket)).isTrue();
        }
    }

    private static boolean endOf(Socket socket) {
        try {
            return socket.getInputStream().read() < 0;
        } catch (IOException reset) {
            return true;
        }
    }
}
