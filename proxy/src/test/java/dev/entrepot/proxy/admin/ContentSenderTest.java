package dev.entrepot.proxy.admin;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.proxy.http.StallWatchdog;
import io.helidon.webserver.WebServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ContentSenderTest {
    private final ContentSender sender =
            new ContentSender(List.of(), new StallWatchdog(Duration.ofMillis(50), System::nanoTime));
    private final CompletableFuture<String> ended = new CompletableFuture<>();
    private final AdminContent endless =
            new AdminContent.Stream(Map.of("Content-Type", "text/event-stream"), this::writeTo);
    private final WebServer server = WebServer.builder()
            .host("127.0.0.1")
            .port(0)
            .useNio(false)
            .shutdownHook(false)
            .routing(routing -> routing.addFilter((chain, request, response) -> sender.send(endless, response, false)))
            .build()
            .start();

    // Until the client is gone.
    private void writeTo(AdminContent.Sink sink) {
        byte[] much = new byte[64 * 1024];
        try {
            while (true) {
                sink.send(much);
            }
        } catch (IOException e) {
            ended.complete(String.valueOf(e.getMessage()));
        }
    }

    @AfterEach
    void stop() {
        server.stop();
    }

    private Socket asking() throws IOException {
        Socket client = new Socket(InetAddress.getLoopbackAddress(), server.port());
        client.getOutputStream().write("GET / HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        return client;
    }

    @Test
    void watcherThatTakesNothingIsCut() throws Exception {
        try (Socket client = asking()) {
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
            while (!ended.isDone() && System.nanoTime() < end) {
                sender.check();
                Thread.onSpinWait();
            }
            assertThat(ended.get(1, TimeUnit.SECONDS)).isEqualTo("the client has gone, or takes nothing");
            assertThat(client.isClosed()).isFalse();
        }
    }

    @Test
    void watcherThatReadsIsSentThingsAtOnceAndItsLeavingIsNoticed() throws Exception {
        try (Socket client = asking()) {
            byte[] head = client.getInputStream().readNBytes(100_000);
            assertThat(new String(head, StandardCharsets.ISO_8859_1))
                    .startsWith("HTTP/1.1 200")
                    .containsIgnoringCase("Content-Type: text/event-stream")
                    .containsIgnoringCase("Transfer-Encoding: chunked");
        }
        assertThat(ended.get(20, TimeUnit.SECONDS)).isEqualTo("the client has gone, or takes nothing");
    }
}
