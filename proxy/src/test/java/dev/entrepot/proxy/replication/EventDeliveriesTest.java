package dev.entrepot.proxy.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.WebhookConfig;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.testing.LogLines;
import dev.entrepot.oci.testing.MiniHttpServer;
import dev.entrepot.oci.testing.Response;
import dev.entrepot.proxy.admin.Metrics;
import dev.entrepot.replicator.ReplicationReport;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EventDeliveriesTest {
    private static ReplicationReport report() {
        Instant time = Instant.parse("2026-11-21T12:00:00Z");
        return new ReplicationReport(
                1, "rule", "test", time, time, List.of(), List.of(), 0, Optional.empty(), List.of());
    }

    @Test
    void aReceiverWhoseAnswerDoesNotComeToItsEndIsToldAgain() throws Exception {
        List<Socket> open = new ArrayList<>();
        try (ServerSocket server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
            Thread.ofVirtual().start(() -> {
                try {
                    while (true) {
                        Socket socket = server.accept();
                        open.add(socket);
                        socket.getInputStream().read();
                        String length = open.size() == 1 ? "10" : "0\r\nConnection: close";
                        socket.getOutputStream()
                                .write(("HTTP/1.1 200 OK\r\nContent-Length: " + length + "\r\n\r\n")
                                        .getBytes(StandardCharsets.US_ASCII));
                    }
                } catch (IOException e) {
                    // closed
                }
            });
            Metrics metrics = new Metrics();
            URI url = URI.create("http://127.0.0.1:" + server.getLocalPort() + "/");
            try (EventDeliveries deliveries = new EventDeliveries(
                    List.of(new WebhookConfig(url, Optional.empty(), WebhookConfig.Format.CLOUDEVENTS)),
                    metrics,
                    ClientEnvironment.system("test").withSleeper(pause -> {}),
                    Duration.ofMillis(300))) {
                deliveries.ended(report());
                deliveries.finish(Duration.ofSeconds(10));
                assertThat(metrics.render()).contains("entrepot_events_delivered_total 1");
                assertThat(open).hasSize(2);
            }
        } finally {
            for (Socket socket : open) {
                socket.close();
            }
        }
    }

    @Test
    void receiverThatTakesOneAfterTheOtherIsToldAllHoweverLongThatTakes() throws Exception {
        assertThat(afterReports(25, deliveries -> deliveries.finish(Duration.ofSeconds(1))))
                .contains("entrepot_events_delivered_total 25\n")
                .contains("entrepot_events_dropped_total 0\n");
    }

    @Test
    void serverThatStopsDoesNotWaitForAllThatAReceiverStillTakes() throws Exception {
        assertThat(afterReports(100, deliveries -> deliveries.finishWithin(Duration.ofMillis(300))))
                .doesNotContain("entrepot_events_delivered_total 100\n");
    }

    @ParameterizedTest
    @CsvSource({
        "http://nowhere.invalid/, nowhere.invalid takes no event (does not resolve)",
        "http://127.0.0.1:1/, 127.0.0.1 takes no event (refused the connection)",
        "http://255.255.255.255/, 255.255.255.255 takes no event (cannot be reached (Network is unreachable))"
    })
    void receiverThatCannotBeConnectedToIsSaidInTheWordsOfUpstreams(URI url, String words) {
        try (LogLines log = LogLines.of(EventDeliveries.class);
                EventDeliveries deliveries = new EventDeliveries(
                        List.of(new WebhookConfig(url, Optional.empty(), WebhookConfig.Format.CLOUDEVENTS)),
                        new Metrics(),
                        ClientEnvironment.system("test").withSleeper(pause -> {}))) {
            deliveries.ended(report());
            deliveries.finish(Duration.ofSeconds(10));
            assertThat(log.texts()).first().asString().startsWith(words + ": ");
        }
    }

    @Test
    void metricsSayHowManyEventsWait() throws Exception {
        CountDownLatch answers = new CountDownLatch(1);
        Metrics metrics = new Metrics();
        try (MiniHttpServer slow = MiniHttpServer.started((request, body) -> {
                    body.readAllBytes();
                    assertThat(awaited(answers, 30_000)).isTrue();
                    return Response.of(204);
                });
                EventDeliveries deliveries = new EventDeliveries(
                        List.of(new WebhookConfig(slow.uri(), Optional.empty(), WebhookConfig.Format.CLOUDEVENTS)),
                        metrics,
                        ClientEnvironment.system("test"))) {
            assertThat(metrics.render()).contains("entrepot_events_waiting 0\n");
            for (int i = 0; i < 3; i++) {
                deliveries.ended(report());
            }
            assertThat(metrics.render()).contains("entrepot_events_waiting 3\n");
            answers.countDown();
            deliveries.finish(Duration.ofSeconds(30));
            assertThat(metrics.render()).contains("entrepot_events_waiting 0\n");
        }
    }

    // What the metrics say when the end has been waited for, of a receiver that takes 50 ms for each.
    private static String afterReports(int reports, Consumer<EventDeliveries> end) throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        Metrics metrics = new Metrics();
        try (MiniHttpServer slow = MiniHttpServer.started((request, body) -> {
                    body.readAllBytes();
                    assertThat(awaited(never, 50)).isFalse();
                    return Response.of(204);
                });
                EventDeliveries deliveries = new EventDeliveries(
                        List.of(new WebhookConfig(slow.uri(), Optional.empty(), WebhookConfig.Format.CLOUDEVENTS)),
                        metrics,
                        ClientEnvironment.system("test"))) {
            for (int i = 0; i < reports; i++) {
                deliveries.ended(report());
            }
            end.accept(deliveries);
            return metrics.render();
        }
    }

    private static boolean awaited(CountDownLatch latch, long millis) throws IOException {
        try {
            return latch.await(millis, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }
}
