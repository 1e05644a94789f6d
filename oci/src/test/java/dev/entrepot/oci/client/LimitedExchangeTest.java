package dev.entrepot.oci.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Meter;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.Pace;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import org.apache.hc.core5.http.io.entity.InputStreamEntity;
import org.apache.hc.core5.http.message.BasicClassicHttpResponse;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * How many background requests there may be adapts for bodies and for other requests apart, and not to uploads; bodies
 * that are read at a pace keep no others waiting.
 */
class LimitedExchangeTest {
    private static final URI URL = URI.create("http://registry.test/v2/");

    private final TestWorld world = new TestWorld();
    private final RequestLimiter requests = new RequestLimiter(32, world);
    private final RequestLimiter bodies = new RequestLimiter(32, world);
    private int status = 200;
    private final LimitedExchange exchange = new LimitedExchange(this::answer, requests, bodies, Duration.ofSeconds(5));

    private ApiResponse answer(ApiRequest request) throws IOException {
        return new ApiResponse(request, new BasicClassicHttpResponse(status), () -> {});
    }

    private void send(Operation operation, String method, int answered) throws IOException {
        status = answered;
        world.advance(Duration.ofSeconds(1));
        exchange.send(ApiRequest.of(operation, "asking", method, URL, Priority.BACKGROUND))
                .close();
    }

    @Test
    void refusedBodyHalvesBodiesAlone() throws IOException {
        send(Operation.BLOB, "GET", 429);
        assertThat(bodies.window()).isEqualTo(2);
        assertThat(requests.window()).isEqualTo(4);
    }

    @Test
    void refusedManifestHalvesRequestsAlone() throws IOException {
        send(Operation.MANIFEST, "GET", 429);
        assertThat(bodies.window()).isEqualTo(4);
        assertThat(requests.window()).isEqualTo(2);
    }

    @Test
    void refusedUploadHalvesNeither() throws IOException {
        send(Operation.UPLOAD, "POST", 429);
        send(Operation.MOUNT, "POST", 429);
        assertThat(bodies.window()).isEqualTo(4);
        assertThat(requests.window()).isEqualTo(4);
    }

    /** A limit of somebody's; nothing is read here. */
    private static final class Account implements Meter {
        @Override
        public void take(long units) {}

        @Override
        public void count(long units) {}
    }

    /** As many bodies as may be open at a time, at a pace. */
    private int open(LimitedExchange impatient, Pace pace) throws IOException {
        for (int bodies = 0; ; bodies++) {
            try {
                pace.<ApiResponse, IOException>call(() ->
                        impatient.send(ApiRequest.of(Operation.BLOB, "fetching", "GET", URL, Priority.BACKGROUND)));
            } catch (OutageException e) {
                assertThat(e).hasMessageContaining("all slots for bodies");
                return bodies;
            }
        }
    }

    @Test
    void bodiesOfARuleThatIsHeldBackLeaveTheSlotsOfOthersAlone() throws IOException {
        status = 429;
        world.advance(Duration.ofSeconds(1));
        exchange.send(ApiRequest.of(Operation.BLOB, "fetching", "GET", URL, Priority.BACKGROUND))
                .close();
        status = 302;
        LimitedExchange impatient = new LimitedExchange(this::answer, requests, bodies, Duration.ZERO);
        Pace slow = new Pace(Meter.NONE, new Account());
        Pace other = new Pace(Meter.NONE, new Account());
        bodies.throttled();
        int before = bodies.window();

        assertThat(open(impatient, slow)).isPositive();
        assertThat(open(impatient, slow)).isZero();
        assertThat(open(impatient, other)).as("of another rule with a limit").isPositive();
        assertThat(open(impatient, Pace.FREE)).as("of rules without one").isGreaterThanOrEqualTo(before);
    }

    @Test
    void eachAnswerLetsBothGrowUntilTheyAreRefused() throws IOException {
        send(Operation.RESOLVE, "HEAD", 200);
        assertThat(bodies.window()).isEqualTo(5);
        assertThat(requests.window()).isEqualTo(5);
        send(Operation.BLOB, "GET", 429);
        for (int i = 0; i < 10; i++) {
            send(Operation.RESOLVE, "HEAD", 200);
        }
        assertThat(bodies.window()).as("only bodies count for bodies now").isEqualTo(2);
        assertThat(requests.window()).isEqualTo(15);
        send(Operation.BLOB, "GET", 200);
        send(Operation.BLOB, "GET", 200);
        assertThat(bodies.window()).isEqualTo(3);
    }

    @Test
    void requestThatEndsWithAnErrorOfTheRuntimeGivesItsSlotsBack() throws IOException {
        LimitedExchange failing = new LimitedExchange(
                request -> {
                    throw new LinkageError("no");
                },
                new RequestLimiter(2, world),
                new RequestLimiter(2, world),
                Duration.ZERO);
        for (int i = 0; i < 10; i++) {
            for (Operation operation : List.of(Operation.MANIFEST, Operation.BLOB)) {
                assertThatThrownBy(() ->
                                failing.send(ApiRequest.of(operation, "fetching", "GET", URL, Priority.INTERACTIVE)))
                        .isInstanceOf(LinkageError.class);
            }
        }
    }

    @Test
    void whatShowsWhetherTheRegistryIsBackDoesNotWaitForWhatRunsInTheBackground() throws IOException {
        LimitedExchange impatient = new LimitedExchange(this::answer, requests, bodies, Duration.ZERO);
        assertThat(open(impatient, new Pace(Meter.NONE, new Account()))).isPositive();
        assertThat(open(impatient, Pace.FREE)).isPositive();
        ApiRequest probe = ApiRequest.of(Operation.BLOB, "fetching", "GET", URL, Priority.BACKGROUND)
                .asProbe();
        impatient.send(probe).close();
        Pace slow = new Pace(Meter.NONE, new Account());
        slow.<ApiResponse, IOException>call(() -> impatient.send(probe)).close();
    }

    @Test
    @Timeout(20)
    void whatShowsWhetherTheRegistryIsBackIsNotKeptWaitingByBodiesThatMove() throws Exception {
        RequestLimiter one = new RequestLimiter(1, world);
        LimitedExchange limited = new LimitedExchange(this::moving, requests, one, Duration.ofMillis(20));
        ApiRequest blob = ApiRequest.of(Operation.BLOB, "fetching", "GET", URL, Priority.BACKGROUND);
        try (ApiResponse open = limited.send(blob)) {
            Thread reader = Thread.ofVirtual().start(() -> read(open));
            assertThatThrownBy(() -> limited.send(blob.asProbe()))
                    .isInstanceOf(OutageException.class)
                    .hasMessageContaining("all slots for bodies");
            reader.interrupt();
            reader.join();
        }
    }

    private ApiResponse moving(ApiRequest request) throws IOException {
        BasicClassicHttpResponse response = new BasicClassicHttpResponse(200);
        response.setEntity(new InputStreamEntity(
                new InputStream() {
                    @Override
                    public int read() {
                        return 0;
                    }
                },
                null));
        return new ApiResponse(request, response, () -> {});
    }

    private static void read(ApiResponse open) {
        try {
            while (open.body().read() >= 0) {
                Thread.sleep(1);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
