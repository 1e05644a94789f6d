package dev.entrepot.oci.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import org.apache.hc.core5.http.message.BasicClassicHttpResponse;
import org.junit.jupiter.api.Test;

/** How many background requests there may be adapts for bodies and for other requests apart, and not to uploads. */
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
}
