package dev.entrepot.proxy.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
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
}
