package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.ConfigLoader;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.MiniHttpServer;
import dev.entrepot.oci.testing.Request;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.Response;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.replicator.events.EventFormats;
import java.io.OutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** What a server tells others of its runs: two receivers of different formats, over real sockets. */
class ReplicationEventsTest {
    private static final String SECRET = "the key of this test";

    @TempDir
    private Path folder;

    private final TestRegistry source = TestRegistry.started();
    private final TestRegistry target = TestRegistry.started();
    private final BlockingQueue<Message> cloudEvents = new LinkedBlockingQueue<>();
    private final BlockingQueue<Message> notifications = new LinkedBlockingQueue<>();
    private final MiniHttpServer signed = MiniHttpServer.started((request, body) -> {
        cloudEvents.add(new Message(request, body.readAllBytes()));
        return Response.of(204);
    });
    private final MiniHttpServer plain = MiniHttpServer.started((request, body) -> {
        notifications.add(new Message(request, body.readAllBytes()));
        return Response.of(200);
    });
    private final HttpClient client = HttpClient.newHttpClient();
    private final Images images = new Images(17);
    private final Bundle image = images.image(2000);
    private Mirror mirror;

    private record Message(Request request, byte[] body) {
        JsonNode json() {
            return OciJson.mapper().readTree(body);
        }

        String type() {
            return json().path("type").asString("");
        }
    }

    @BeforeEach
    void start() throws Exception {
        source.push("team/app", image, "v1");
        Files.writeString(folder.resolve("entrepot.yaml"), """
                server: {listen: 127.0.0.1:0, admin: 127.0.0.1:0, access-log: "off"}
                cache: {directory: ./data}
                upstreams:
                  registry.test: {url: "%s"}
                replication:
                  notifications:
                    deliver:
                      - {url: "%s/hook?team=x", secret: "%s"}
                      - {url: "%s/distribution", format: distribution}
                  rules:
                    - {name: to-eu, source: registry.test, repositories: [team/app], targets: [{url: "%s"}]}
                """.formatted(
                        source.uri(), signed.uri(), SECRET, plain.uri(), target.uri()));
        // The pauses between attempts take no time.
        ClientEnvironment environment = ClientEnvironment.system("test").withSleeper(pause -> {});
        mirror = Mirror.start(
                ConfigLoader.load(Optional.empty(), folder, Map.of()).config(),
                environment,
                OutputStream.nullOutputStream());
    }

    @AfterEach
    void stop() {
        mirror.close();
        client.close();
        signed.close();
        plain.close();
        source.close();
        target.close();
    }

    private void run() throws Exception {
        HttpRequest request = HttpRequest.newBuilder(
                        URI.create("http://127.0.0.1:" + mirror.adminPort() + "/replication/rules/to-eu/sync"))
                .POST(HttpRequest.BodyPublishers.noBody())
                .build();
        assertThat(client.send(request, HttpResponse.BodyHandlers.ofString()).statusCode())
                .isEqualTo(202);
    }

    private static List<Message> take(BlockingQueue<Message> queue, int count) throws InterruptedException {
        List<Message> messages = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Message message = queue.poll(30, TimeUnit.SECONDS);
            assertThat(message).as("message " + i + " of " + count).isNotNull();
            messages.add(message);
        }
        return messages;
    }

    @Test
    void arrivedArtifactsAndFinishedRunsAreToldAsSignedCloudEvents() throws Exception {
        run();
        List<Message> messages = take(cloudEvents, 2);

        assertThat(messages)
                .extracting(Message::type)
                .containsExactly("dev.entrepot.artifact.arrived", "dev.entrepot.run.finished");
        assertThat(messages).allSatisfy(message -> {
            assertThat(message.request().target()).isEqualTo("/hook?team=x");
            assertThat(message.request().header("Content-Type")).contains("application/cloudevents+json");
            assertThat(message.request().header("User-Agent").orElse("")).startsWith("entrepot");
            assertThat(message.request().header(EventFormats.SIGNATURE_HEADER))
                    .contains(EventFormats.signature(message.body(), SECRET));
            assertThat(message.json().path("specversion").asString()).isEqualTo("1.0");
            assertThat(message.json().path("data").path("rule").asString()).isEqualTo("to-eu");
        });
        JsonNode arrived = messages.getFirst().json().path("data");
        assertThat(arrived.path("target").asString()).isEqualTo(target.host().value());
        assertThat(arrived.path("repository").asString()).isEqualTo("team/app");
        assertThat(arrived.path("tag").asString()).isEqualTo("v1");
        assertThat(arrived.path("digest").asString()).isEqualTo(image.digest().toString());
        JsonNode finished = messages.getLast().json().path("data");
        assertThat(finished.path("outcome").asString()).isEqualTo("complete");
        assertThat(finished.path("bytes").asLong()).isPositive();
    }

    @Test
    void refusedTagIsToldWithItsCause() throws Exception {
        target.faults().always(Requests.method("PUT").and(Requests.manifests()), Fault.error(403, "DENIED"));
        run();
        List<Message> messages = take(cloudEvents, 2);

        assertThat(messages)
                .extracting(Message::type)
                .containsExactly("dev.entrepot.tag.refused", "dev.entrepot.run.finished");
        JsonNode refused = messages.getFirst().json().path("data");
        assertThat(refused.path("tag").asString()).isEqualTo("v1");
        assertThat(refused.path("side").asString()).isEqualTo("target");
        assertThat(refused.path("cause").asString()).contains("403");
        assertThat(messages.getLast().json().path("data").path("outcome").asString())
                .isEqualTo("failed");
    }

    @Test
    void distributionsEnvelopeTellsPushesOnly() throws Exception {
        run();
        Message message = take(notifications, 1).getFirst();

        assertThat(message.request().header("Content-Type")).contains(EventFormats.DISTRIBUTION_TYPE);
        assertThat(message.request().header(EventFormats.SIGNATURE_HEADER)).isEmpty();
        JsonNode event = message.json().path("events").path(0);
        assertThat(event.path("action").asString()).isEqualTo("push");
        assertThat(event.path("target").path("repository").asString()).isEqualTo("team/app");
        assertThat(event.path("target").path("tag").asString()).isEqualTo("v1");
        assertThat(event.path("target").path("digest").asString())
                .isEqualTo(image.digest().toString());
        assertThat(event.path("target").path("mediaType").asString())
                .isEqualTo(image.descriptor().mediaType().value());
        assertThat(event.path("target").path("size").asLong())
                .isEqualTo(image.descriptor().sizeBytes());
        assertThat(event.path("target").path("url").asString())
                .isEqualTo(target.uri() + "/v2/team/app/manifests/" + image.digest());
        take(cloudEvents, 2);
        assertThat(notifications).isEmpty();
    }

    @Test
    void receiverThatFailsIsToldAgainWithTheSameIdAndSignatureAndTheOtherIsNotDelayed() throws Exception {
        signed.faults().times(2, Requests.any(), Fault.status(503));
        run();

        take(notifications, 1);
        List<Message> messages = take(cloudEvents, 2);
        assertThat(messages)
                .extracting(Message::type)
                .containsExactly("dev.entrepot.artifact.arrived", "dev.entrepot.run.finished");
        assertThat(signed.calls().await(4, Requests.any()).stream()
                        .map(call -> call.request().header(EventFormats.SIGNATURE_HEADER))
                        .limit(3)
                        .distinct())
                .hasSize(1);
    }

    @Test
    void commandWithoutAServerTellsTheReceiversBeforeItEnds() throws Exception {
        mirror.close();

        assertThat(new CommandRunner(folder).run("sync", "to-eu").code()).isZero();

        assertThat(cloudEvents)
                .extracting(Message::type)
                .containsExactly("dev.entrepot.artifact.arrived", "dev.entrepot.run.finished");
        assertThat(notifications).hasSize(1);
    }
}
