package dev.entrepot.oci.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.OutageException.Reason;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.hc.client5.http.SystemDefaultDnsResolver;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What happens when connections break, stall or are closed, and what is tried again. */
class WireTest {
    private static final Digest DIGEST = Digest.sha256(new byte[0]);
    private static final Tag TAG = new Tag("v1");
    private static final String INDEX = "{\"schemaVersion\":2,\"manifests\":[]}";
    private static final String TYPE = "Content-Type: application/vnd.oci.image.index.v1+json";

    private final TestWorld world = new TestWorld();
    private final List<AutoCloseable> open = new CopyOnWriteArrayList<>();

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable one : open) {
            one.close();
        }
    }

    private RawServer server(RawServer.Handler handler) throws IOException {
        RawServer server = new RawServer(handler);
        open.add(server);
        return server;
    }

    private RemoteRepository repository(RawServer server, Priority priority) throws IOException {
        return repository(TestWorld.endpoint(server.url()), priority);
    }

    private RemoteRepository repository(RegistryEndpoint endpoint, Priority priority) throws IOException {
        RegistryClient client = new RegistryClient(endpoint, world.environment());
        open.add(client);
        return client.repository(TestWorld.NAME, priority);
    }

    private static void assertOutage(Reason reason, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        OutageException.class, e -> assertThat(e.reason()).isEqualTo(reason));
    }

    @Test
    void saysThatTheConnectionIsRefusedWithoutTryingAgain() throws IOException {
        int port;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = socket.getLocalPort();
        }
        RemoteRepository repository = repository(TestWorld.endpoint("http://localhost:" + port), Priority.INTERACTIVE);

        assertOutage(Reason.UNREACHABLE, () -> repository.fetchManifest(TAG));

        assertThat(world.pauses).isEmpty();
    }

    @Test
    void saysThatANameDoesNotResolve() throws IOException {
        RemoteRepository repository = repository(TestWorld.endpoint("http://registry.invalid"), Priority.INTERACTIVE);

        assertOutage(Reason.DNS, () -> repository.fetchManifest(TAG));
    }

    @Test
    void saysThatTheOtherSideDoesNotSpeakTls() throws IOException {
        ServerSocket plain = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        open.add(plain);
        Thread.ofVirtual().start(() -> {
            try (Socket socket = plain.accept()) {
                socket.getOutputStream().write("HTTP/1.1 400 Bad Request\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
                socket.getInputStream().readAllBytes();
            } catch (IOException e) {
                return;
            }
        });
        RemoteRepository repository =
                repository(TestWorld.endpoint("https://localhost:" + plain.getLocalPort()), Priority.INTERACTIVE);

        assertOutage(Reason.TLS, () -> repository.fetchManifest(TAG));
    }

    @Test
    void saysThatNothingComesInTime() throws IOException {
        RawServer server = server(request -> {});
        RemoteRepository repository = repository(
                TestWorld.endpoint(server.url()).withTimeouts(Duration.ofSeconds(1), Duration.ofMillis(200)),
                Priority.INTERACTIVE);

        assertOutage(Reason.TIMEOUT, () -> repository.fetchManifest(TAG));

        assertThat(server.requests).hasSize(1);
    }

    /** Each byte comes in time, and all of them never end. */
    @Test
    void bodyThatDripsIsCutUnlessItIsABlobs() throws IOException {
        RawServer server = server(request -> {
            request.write("HTTP/1.1 200 OK\r\n" + TYPE + "\r\nTransfer-Encoding: chunked\r\n\r\n");
            int chunks = request.path.contains("/blobs/") ? 100 : Integer.MAX_VALUE;
            for (int i = 0; i < chunks; i++) {
                request.write("1\r\nx\r\n");
                world.advance(Duration.ofSeconds(30));
            }
            request.write("0\r\n\r\n");
        });
        RemoteRepository repository = repository(server, Priority.INTERACTIVE);

        assertThatThrownBy(() -> repository.fetchManifest(TAG))
                .isInstanceOfSatisfying(
                        OutageException.class, e -> assertThat(e.reason()).isEqualTo(Reason.TIMEOUT))
                .hasMessageContaining("took too long over the body");
        assertThat(server.requests).as("it is not asked again").hasSize(1);
        try (BlobBody body = repository.openBlob(DIGEST, ByteRange.ALL)) {
            assertThat(body.stream().readAllBytes()).hasSize(100);
        }
    }

    @Test
    void readingThatIsInterruptedSaysNothingOfTheRegistry() throws Exception {
        RawServer server = server(request -> request.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123"));
        CompletableFuture<Void> begun = new CompletableFuture<>();
        CompletableFuture<Throwable> failure = new CompletableFuture<>();
        RemoteRepository repository = repository(server, Priority.INTERACTIVE);
        Thread reader = Thread.ofVirtual().start(() -> {
            try (BlobBody body = repository.openBlob(DIGEST, ByteRange.ALL)) {
                body.stream().readNBytes(3);
                begun.complete(null);
                body.stream().read();
            } catch (IOException e) {
                failure.complete(e);
            }
        });
        begun.get(20, TimeUnit.SECONDS);
        reader.interrupt();
        assertThat(failure.get(20, TimeUnit.SECONDS))
                .isInstanceOfSatisfying(
                        OutageException.class, e -> assertThat(e.reason()).isEqualTo(Reason.NOT_ASKED))
                .hasMessageContaining("interrupted");
    }

    @Test
    void headThatNeverEndsIsCut() throws IOException {
        RawServer server = server(request -> request.write("HTTP/1.1 200 OK\r\nX-Drip: "));
        RegistryEndpoint endpoint = TestWorld.endpoint(server.url());
        ProxyRules direct = ProxyRules.direct();
        try (HttpTransport transport =
                HttpTransport.open(endpoint, direct, SystemDefaultDnsResolver.INSTANCE, world.environment())) {
            WireExchange wire = new WireExchange(transport, endpoint, world.environment(), Duration.ofMillis(100));
            ApiRequest request = ApiRequest.of(
                    Operation.MANIFEST, "fetching", "GET", URI.create(server.url() + "/v2/x"), Priority.INTERACTIVE);

            assertThatThrownBy(() -> wire.send(request))
                    .isInstanceOfSatisfying(
                            OutageException.class, e -> assertThat(e.reason()).isEqualTo(Reason.TIMEOUT))
                    .hasMessageContaining("took too long to answer");
        }
    }

    @Test
    void saysThatABodyStopsComing() throws IOException {
        RawServer server = server(request -> request.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123"));
        RemoteRepository repository = repository(
                TestWorld.endpoint(server.url()).withTimeouts(Duration.ofSeconds(1), Duration.ofMillis(200)),
                Priority.INTERACTIVE);

        try (BlobBody body = repository.openBlob(DIGEST, ByteRange.ALL)) {
            assertThat(body.stream().readNBytes(3)).hasSize(3);
            assertOutage(Reason.TIMEOUT, () -> body.stream().read());
        }
    }

    @Test
    void handsOnTheBytesBeforeAReset() throws IOException {
        CompletableFuture<Void> seen = new CompletableFuture<>();
        RawServer server = server(request -> {
            request.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123");
            seen.join();
            request.reset();
        });

        try (BlobBody body = repository(server, Priority.INTERACTIVE).openBlob(DIGEST, ByteRange.ALL)) {
            assertThat(body.stream().readNBytes(3)).hasSize(3);
            seen.complete(null);
            assertOutage(Reason.UNREACHABLE, () -> body.stream().read());
        }
        assertThat(server.requests).hasSize(1);
    }

    @Test
    void triesAgainWhenTheConnectionBreaksBeforeTheAnswer() throws IOException {
        AtomicInteger count = new AtomicInteger();
        RawServer server = server(request -> {
            if (count.incrementAndGet() < 3) {
                request.reset();
            } else {
                request.answer(200, INDEX, TYPE);
            }
        });

        assertThat(repository(server, Priority.INTERACTIVE).fetchManifest(TAG).sizeBytes())
                .isEqualTo(INDEX.length());

        assertThat(world.requests).containsExactly("manifest -", "manifest -", "manifest 200");
        assertThat(world.pauses)
                .hasSize(2)
                .allSatisfy(pause -> assertThat(pause).isBetween(Duration.ofMillis(50), Duration.ofMillis(300)));
    }

    @Test
    void triesAgainWhenTheConnectionBreaksWithinAManifest() throws IOException {
        AtomicInteger count = new AtomicInteger();
        RawServer server = server(request -> {
            if (count.incrementAndGet() == 1) {
                request.write("HTTP/1.1 200 OK\r\n" + TYPE + "\r\nContent-Length: " + INDEX.length() + "\r\n\r\n{");
                request.reset();
            } else {
                request.answer(200, INDEX, TYPE);
            }
        });

        assertThat(repository(server, Priority.INTERACTIVE).fetchManifest(TAG).sizeBytes())
                .isEqualTo(INDEX.length());
    }

    @Test
    void givesUpAfterThreeAttempts() throws IOException {
        RawServer server = server(RawServer.Request::reset);

        assertOutage(
                Reason.UNREACHABLE,
                () -> repository(server, Priority.INTERACTIVE).fetchManifest(TAG));

        assertThat(server.requests).hasSize(3);
    }

    @ParameterizedTest
    @CsvSource({"500,1", "501,1", "502,3", "503,3", "504,3", "408,1", "404,1"})
    void triesAgainOnlyWhatMayPass(int status, int attempts) throws IOException {
        RawServer server = server(request -> request.answer(status, ""));

        assertThatThrownBy(() -> repository(server, Priority.INTERACTIVE).fetchManifest(TAG))
                .isInstanceOf(IOException.class);

        assertThat(server.requests).hasSize(attempts);
    }

    @Test
    void waitsAsLongAsAskedForInTheBackground() throws IOException {
        AtomicInteger count = new AtomicInteger();
        RawServer server = server(request -> {
            if (count.incrementAndGet() == 1) {
                request.answer(429, "", "Retry-After: 60");
            } else {
                request.answer(200, INDEX, TYPE);
            }
        });

        repository(server, Priority.BACKGROUND).fetchManifest(TAG);

        assertThat(world.pauses)
                .singleElement()
                .satisfies(pause -> assertThat(pause).isBetween(Duration.ofSeconds(60), Duration.ofSeconds(75)));
    }

    @Test
    void waitsNotLongerThanAMinuteInTheBackground() throws IOException {
        RawServer server = server(request -> request.answer(429, "", "Retry-After: 3600"));

        assertOutage(
                Reason.RATE_LIMITED,
                () -> repository(server, Priority.BACKGROUND).fetchManifest(TAG));

        assertThat(world.pauses).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"429,1", "503,60"})
    void doesNotMakeSomebodyWait(int status, int retryAfter) throws IOException {
        RawServer server = server(request -> request.answer(status, "", "Retry-After: " + retryAfter));

        assertThatThrownBy(() -> repository(server, Priority.INTERACTIVE).fetchManifest(TAG))
                .isInstanceOfSatisfying(
                        OutageException.class,
                        e -> assertThat(e.retryAfter()).contains(Duration.ofSeconds(retryAfter)));

        assertThat(server.requests).hasSize(1);
        assertThat(world.pauses).isEmpty();
    }

    @Test
    void anyThreadMayCloseABodyThatBlocks() throws Exception {
        CompletableFuture<Void> started = new CompletableFuture<>();
        RawServer server = server(request -> request.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123"));
        RemoteRepository repository = repository(server, Priority.INTERACTIVE);
        BlobBody body = repository.openBlob(DIGEST, ByteRange.ALL);
        CompletableFuture<Object> outcome = new CompletableFuture<>();
        Thread reader = Thread.ofPlatform().daemon().start(() -> {
            try {
                InputStream stream = body.stream();
                started.complete(null);
                outcome.complete(stream.readAllBytes());
            } catch (IOException e) {
                outcome.completeExceptionally(e);
            }
        });
        started.get(10, TimeUnit.SECONDS);
        while (reader.getState() != Thread.State.RUNNABLE) {
            Thread.onSpinWait();
        }

        body.close();
        body.close();

        assertThatThrownBy(() -> outcome.get(3, TimeUnit.SECONDS))
                .isInstanceOf(ExecutionException.class)
                .hasCauseInstanceOf(OutageException.class);
    }

    @Test
    void closingDoesNotReadWhatRemains() throws Exception {
        CompletableFuture<Integer> written = new CompletableFuture<>();
        RawServer server = server(request -> {
            int count = 0;
            try {
                request.write("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
                String megabyte = "x".repeat(1 << 20);
                for (; count < 900; count++) {
                    request.write(megabyte);
                }
            } finally {
                written.complete(count);
            }
        });
        try (BlobBody body = repository(server, Priority.INTERACTIVE).openBlob(DIGEST, ByteRange.ALL)) {
            assertThat(body.stream().read()).isEqualTo('x');
        }

        assertThat(written.get(10, TimeUnit.SECONDS)).isLessThan(100);
    }

    @Test
    void failedRequestsGiveTheirSlotBack() throws IOException {
        RawServer server = server(RawServer.Request::reset);
        RemoteRepository repository =
                repository(TestWorld.endpoint(server.url()).withMaxConcurrentRequests(1), Priority.INTERACTIVE);
        for (int i = 0; i < 3; i++) {
            assertOutage(Reason.UNREACHABLE, () -> repository.fetchManifest(TAG));
        }
    }

    @Test
    void headersOfEndlessLengthAreRefused() throws IOException {
        RawServer server = server(request -> {
            request.write("HTTP/1.1 200 OK\r\nX-Long: " + "x".repeat(200_000) + "\r\n\r\n");
        });

        assertOutage(
                Reason.SERVER_ERROR,
                () -> repository(server, Priority.INTERACTIVE).fetchManifest(TAG));
    }

    @Test
    void messagesShowNoQueryAndNoHeader() throws IOException {
        RawServer target = server(request -> request.answer(403, ""));
        RawServer server = server(
                request -> request.answer(307, "", "Location: " + target.url() + "/blob?X-Amz-Signature=s3cret"));

        assertThatThrownBy(() -> repository(server, Priority.INTERACTIVE).openBlob(DIGEST, ByteRange.ALL))
                .hasMessageContaining("localhost")
                .hasMessageContaining("403")
                .hasMessageNotContaining("s3cret");
    }
}
