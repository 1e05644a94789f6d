package dev.entrepot.proxy.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class ProviderKeysTest {
    /** Answers each connection with the same text, and leaves it open. */
    private static final class Stalling implements AutoCloseable {
        final ServerSocket server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
        final List<Socket> open = new ArrayList<>();

        Stalling(String answer) throws IOException {
            Thread.ofVirtual().start(() -> {
                try {
                    while (true) {
                        Socket socket = server.accept();
                        open.add(socket);
                        socket.getInputStream().read();
                        socket.getOutputStream().write(answer.getBytes(StandardCharsets.US_ASCII));
                    }
                } catch (IOException e) {
                    // closed
                }
            });
        }

        URI keys() {
            return URI.create("http://127.0.0.1:" + server.getLocalPort() + "/keys");
        }

        @Override
        public void close() throws IOException {
            server.close();
            for (Socket socket : open) {
                socket.close();
            }
        }
    }

    private static void assertCannotBeHad(String answer) throws Exception {
        try (Stalling provider = new Stalling(answer);
                HttpClient http = HttpClient.newHttpClient()) {
            ProviderKeys keys = new ProviderKeys(
                    provider.keys(), Optional.of(provider.keys()), http, System::nanoTime, Duration.ofMillis(300));
            assertThatThrownBy(() -> keys.of(Optional.empty()))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("cannot be had");
            assertThat(provider.open).hasSize(1);
            http.shutdownNow();
        }
    }

    @Test
    @Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD, unit = TimeUnit.SECONDS)
    void anAnswerThatDoesNotComeToItsEndIsGivenUp() throws Exception {
        assertCannotBeHad("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"keys\":[");
    }

    @Test
    @Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD, unit = TimeUnit.SECONDS)
    void anAnswerThatIsTooLongIsNotReadToItsEnd() throws Exception {
        assertCannotBeHad("HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n" + " ".repeat(600 * 1024));
    }

    @Test
    @Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD, unit = TimeUnit.SECONDS)
    void providerThatHasFailedHoldsNobodyUpWhileItsKeysAreUsable() throws Exception {
        String set = new JWKSet(new ECKeyGenerator(Curve.P_256).keyID("one").generate()).toString(true);
        AtomicInteger asked = new AtomicInteger();
        AtomicLong nanos = new AtomicLong();
        CountDownLatch hanging = new CountDownLatch(1);
        CountDownLatch end = new CountDownLatch(1);
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            int time = asked.incrementAndGet();
            if (time == 3) {
                hanging.countDown();
                await(end);
            }
            byte[] body = set.getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(time == 1 ? 200 : 500, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
        try (HttpClient http = HttpClient.newHttpClient()) {
            URI place = URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/");
            ProviderKeys keys = new ProviderKeys(place, Optional.of(place), http, nanos::get, Duration.ofHours(1));
            assertThat(keys.of(Optional.of("one"))).hasSize(1);
            nanos.addAndGet(Duration.ofHours(1).toNanos());
            assertThat(keys.of(Optional.of("one"))).hasSize(1);
            assertThat(asked).hasValue(2);
            assertThatThrownBy(() -> keys.of(Optional.of("new"))).isInstanceOf(IOException.class);
            nanos.addAndGet(Duration.ofMinutes(1).toNanos());
            assertThat(keys.of(Optional.of("one"))).hasSize(1);
            await(hanging);
            assertThat(keys.of(Optional.of("one"))).hasSize(1);
            end.countDown();
            http.shutdownNow();
        } finally {
            end.countDown();
            server.stop(0);
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(10, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
