package dev.entrepot.oci.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Meter;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.OutageException.Reason;
import dev.entrepot.oci.Pace;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.Response;
import dev.entrepot.oci.testing.TestRegistry;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.URI;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class PacedExchangeTest {
    private static final URI URL = URI.create("http://registry.test/v2/");

    private final TestWorld world = new TestWorld();
    private final StatusErrors errors = new StatusErrors(world);
    private final TestRegistry registry = TestRegistry.started();
    private final Recorded requests = new Recorded();
    private final Recorded bytes = new Recorded();
    private final Pace pace = new Pace(requests, bytes);

    /** Writes down what is taken and what is only counted. */
    private static final class Recorded implements Meter {
        private final List<Long> taken = new CopyOnWriteArrayList<>();
        private final List<Long> counted = new CopyOnWriteArrayList<>();
        private final AtomicInteger settled = new AtomicInteger();

        @Override
        public void take(long units) {
            taken.add(units);
        }

        @Override
        public void count(long units) {
            counted.add(units);
        }

        @Override
        public void settle() {
            settled.incrementAndGet();
        }

        long all() {
            return taken.stream().mapToLong(units -> units).sum();
        }
    }

    @BeforeEach
    void fill() {
        registry.push("team/app", new Images(1).image(100), "1");
    }

    @AfterEach
    void close() {
        registry.close();
    }

    private int onTheWire() {
        return registry.requests(request -> true).size();
    }

    @Test
    void eachRequestOnTheWireTakesOneAndBlobsTakeTheirBytes() throws IOException {
        Digest blob = registry.pushBlob("team/app", new Images(2).randomBytes(100_000));
        registry.faults().once(Requests.method("HEAD"), Fault.error(503, "UNAVAILABLE"));
        try (RegistryClient client = world.client(registry.uri().toString())) {
            RemoteRepository repository = client.repository(TestWorld.NAME, Priority.BACKGROUND);
            pace.<Integer, IOException>call(() -> {
                assertThat(repository.resolve(new Tag("1"))).isPresent();
                try (BlobBody body = repository.openBlob(blob, ByteRange.ALL)) {
                    return body.stream().readAllBytes().length;
                }
            });
        }
        assertThat(onTheWire()).as("one is repeated").isEqualTo(3);
        assertThat(requests.taken).hasSize(3);
        assertThat(bytes.all()).isEqualTo(100_000);
    }

    @Test
    void documentsAreCountedAndWhatIsOwedIsWaitedForBeforeTheNextIsSent() throws IOException {
        try (RegistryClient client = world.client(registry.uri().toString())) {
            RemoteRepository repository = client.repository(TestWorld.NAME, Priority.BACKGROUND);
            int size = pace.<Integer, IOException>call(
                    () -> repository.fetchManifest(new Tag("1")).sizeBytes());
            assertThat(bytes.counted.stream().mapToLong(units -> units).sum()).isEqualTo(size);
            assertThat(bytes.taken).isEmpty();
            assertThat(bytes.settled).hasValue(1);
        }
    }

    @Test
    void nothingIsSentThatHasABodyWhileBytesAreOwed() {
        Meter owing = new Meter() {
            @Override
            public void take(long units) {
                throw new AssertionError("only what comes is taken");
            }

            @Override
            public void count(long units) {}

            @Override
            public void settle() throws InterruptedIOException {
                throw new InterruptedIOException("bytes are owed");
            }
        };
        PacedExchange exchange = PacedExchange.waiting(PacedExchangeTest::sent, errors);
        for (Operation operation : List.of(Operation.MANIFEST, Operation.TAGS, Operation.REFERRERS, Operation.BLOB)) {
            ApiRequest get = ApiRequest.of(operation, "asking", "GET", URL, Priority.BACKGROUND);
            assertThatThrownBy(() -> new Pace(requests, owing).<ApiResponse, IOException>call(() -> exchange.send(get)))
                    .hasMessageContaining("interrupted while waiting for its turn to be sent")
                    .hasRootCauseMessage("bytes are owed");
        }
        assertThat(requests.taken).as("nor does it take a request's turn").isEmpty();
        for (ApiRequest free : List.of(
                ApiRequest.of(Operation.RESOLVE, "asking", "HEAD", URL, Priority.BACKGROUND),
                ApiRequest.of(Operation.UPLOAD, "asking", "POST", URL, Priority.BACKGROUND),
                ApiRequest.of(Operation.MANIFEST, "asking", "GET", URL, Priority.INTERACTIVE),
                ApiRequest.of(Operation.MANIFEST, "asking", "GET", URL, Priority.BACKGROUND)
                        .asProbe())) {
            assertThatThrownBy(
                            () -> new Pace(requests, owing).<ApiResponse, IOException>call(() -> exchange.send(free)))
                    .hasMessage("sent");
        }
    }

    @Test
    void whatSomebodyWaitsForTakesNothing() throws IOException {
        try (RegistryClient client = world.client(registry.uri().toString())) {
            RemoteRepository repository = client.repository(TestWorld.NAME, Priority.INTERACTIVE);
            pace.<Integer, IOException>call(
                    () -> repository.fetchManifest(new Tag("1")).sizeBytes());
        }
        assertThat(onTheWire()).isEqualTo(1);
        assertThat(requests.taken).isEmpty();
        assertThat(bytes.counted).isEmpty();
    }

    private void send(PacedExchange exchange, ApiRequest request) {
        assertThatThrownBy(() -> pace.<ApiResponse, IOException>call(() -> exchange.send(request)))
                .hasMessage("sent");
    }

    private static ApiResponse sent(ApiRequest request) throws IOException {
        throw new OutageException(Reason.UNREACHABLE, "sent");
    }

    @Test
    void requestsThatOthersWaitForAreCountedAndNotHeldBack() {
        ApiRequest token = ApiRequest.of(Operation.TOKEN, "asking", "GET", URL, Priority.INTERACTIVE);
        send(PacedExchange.counting(PacedExchangeTest::sent, errors), token);
        ApiRequest probe = ApiRequest.of(Operation.PING, "asking", "GET", URL, Priority.BACKGROUND)
                .asProbe();
        send(PacedExchange.waiting(PacedExchangeTest::sent, errors), probe);
        assertThat(requests.counted).hasSize(2);
        assertThat(requests.taken).isEmpty();
    }

    @Test
    void interruptWhileHeldBackIsAnOutageOfNobody() {
        Meter closed = new Meter() {
            @Override
            public void take(long units) throws InterruptedIOException {
                throw new InterruptedIOException("held back");
            }

            @Override
            public void count(long units) {}
        };
        ApiRequest ping = ApiRequest.of(Operation.PING, "asking", "GET", URL, Priority.BACKGROUND);
        assertThatThrownBy(() -> new Pace(closed, bytes)
                        .<ApiResponse, IOException>call(() -> PacedExchange.waiting(PacedExchangeTest::sent, errors)
                                .send(ping)))
                .isInstanceOfSatisfying(
                        OutageException.class, e -> assertThat(e.reason()).isEqualTo(Reason.NOT_ASKED));
    }

    @Test
    void interruptWhileABodyIsHeldBackIsNoFaultOfTheWire() throws IOException {
        Digest blob = registry.pushBlob("team/app", new Images(2).randomBytes(1000));
        Meter closed = new Meter() {
            @Override
            public void take(long units) throws InterruptedIOException {
                if (units > 0) {
                    throw new InterruptedIOException("held back");
                }
            }

            @Override
            public void count(long units) {}
        };
        try (RegistryClient client = world.client(registry.uri().toString())) {
            RemoteRepository repository = client.repository(TestWorld.NAME, Priority.BACKGROUND);
            assertThatThrownBy(() -> new Pace(requests, closed).<Integer, IOException>call(() -> {
                        try (BlobBody body = repository.openBlob(blob, ByteRange.ALL)) {
                            return body.stream().read();
                        }
                    }))
                    .isInstanceOf(InterruptedIOException.class)
                    .hasMessage("held back");
        }
    }

    @Test
    void refusalsAreToldBeforeTheRequestIsRepeated() throws IOException {
        List<String> told = new CopyOnWriteArrayList<>();
        Pace heard = pace.heardBy((status, retryAfter) -> told.add(status + " " + retryAfter + " " + onTheWire()));
        try (RegistryClient client = world.client(registry.uri().toString())) {
            RemoteRepository repository = client.repository(TestWorld.NAME, Priority.BACKGROUND);
            for (Fault fault : List.of(
                    Fault.instead(Response.of(429).header("Retry-After", "30")), Fault.error(503, "UNAVAILABLE"))) {
                registry.faults().once(Requests.method("HEAD"), fault);
                assertThat(heard.<Optional<Descriptor>, IOException>call(() -> repository.resolve(new Tag("1"))))
                        .isPresent();
            }
        }
        assertThat(told).containsExactly("429 Optional[PT30S] 1", "503 Optional.empty 3");
    }
}
