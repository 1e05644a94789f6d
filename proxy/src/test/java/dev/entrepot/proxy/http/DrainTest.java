package dev.entrepot.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Digest;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class DrainTest {
    @Test
    void runningDownloadsEndAndNothingNewIsAccepted() throws Exception {
        ServerFixture fixture = new ServerFixture();
        int port = fixture.server.port();
        byte[] bytes = new byte[200_000];
        Digest blob = fixture.repositories.blob("docker.io/library/a", bytes);
        CountDownLatch held = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        fixture.repositories.trouble = Optional.of(position -> {
            if (position == 65536 * 2) {
                held.countDown();
                await(go);
            }
        });
        try (RawConnection client = fixture.connect();
                RawConnection idle = fixture.connect()) {
            idle.get("/v2/");
            client.send("GET /v2/a/blobs/" + blob + " HTTP/1.1\r\nHost: m\r\n\r\n");
            await(held);
            Thread stopping = Thread.ofVirtual().start(fixture::close);
            // The idle connection ends first, which shows that the server has begun to stop.
            assertThat(idle.rest()).isEmpty();
            // A connection may still be made while the listening thread wakes up, but it is not served.
            assertThatThrownBy(() -> pingAnew(port)).isInstanceOf(IOException.class);
            go.countDown();
            assertThat(client.read(false).body()).isEqualTo(bytes);
            assertThat(client.rest()).isEmpty();
            assertThat(stopping.join(Duration.ofSeconds(8))).isTrue();
        }
    }

    private static void pingAnew(int port) throws IOException {
        try (RawConnection late = new RawConnection(port)) {
            late.get("/v2/");
        }
    }

    private static void await(CountDownLatch latch) throws IOException {
        try {
            if (!latch.await(10, TimeUnit.SECONDS)) {
                throw new IOException("waited in vain");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        }
    }

    @Test
    void downloadsThatTakeLongerThanTheDrainAreCut() throws Exception {
        ServerFixture fixture = new ServerFixture(s -> new ServerSettings(
                s.host(),
                s.port(),
                s.tls(),
                s.maxConnections(),
                0,
                s.rate(),
                Duration.ofMillis(50),
                s.clientStall(),
                s.headerTime(),
                s.idle()));
        Digest blob = fixture.repositories.largeBlob("docker.io/library/a");
        try (RawConnection client = fixture.connect()) {
            client.send("GET /v2/a/blobs/" + blob + " HTTP/1.1\r\nHost: m\r\n\r\n");
            client.line();
            fixture.close();
            assertThatThrownBy(() -> {
                        client.rest();
                        client.read(false);
                    })
                    .isInstanceOf(IOException.class);
        }
    }
}
