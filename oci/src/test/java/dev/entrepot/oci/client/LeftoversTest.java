package dev.entrepot.oci.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.UnauthorizedException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Bytes that nobody has asked for on a connection that is kept: they are the answer to nothing. */
class LeftoversTest {
    private static final String TYPE = "Content-Type: application/vnd.oci.image.index.v1+json";
    private static final Digest DIGEST = Digest.sha256(new byte[0]);
    private static final String ERROR = "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"x\"}]}";

    private final TestWorld world = new TestWorld();
    private final List<AutoCloseable> open = new CopyOnWriteArrayList<>();
    private final AtomicInteger count = new AtomicInteger();

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

    private RemoteRepository repository(RawServer server) throws IOException {
        RegistryClient client = world.client(server.url());
        open.add(client);
        return client.repository(TestWorld.NAME);
    }

    private static String index(String path) {
        return "{\"schemaVersion\":2,\"manifests\":[],\"annotations\":{\"of\":\"" + path + "\"}}";
    }

    private static String answer(String path) {
        return answer(path, index(path).length());
    }

    private static String answer(String path, int statedBytes) {
        return "HTTP/1.1 200 OK\r\n" + TYPE + "\r\nContent-Length: " + statedBytes + "\r\n\r\n" + index(path);
    }

    private static void assertIsOfItsOwnPath(RemoteRepository repository, String tag) throws IOException {
        assertThat(new String(repository.fetchManifest(new Tag(tag)).array(), StandardCharsets.UTF_8))
                .isEqualTo(index("/v2/team/app/manifests/" + tag));
    }

    @Test
    void answerThatIsSentTwiceIsNotTheAnswerToTheNextRequest() throws IOException {
        RawServer server = server(request -> request.answerAsIs(
                count.incrementAndGet() == 1 ? answer(request.path).repeat(2) : answer(request.path)));
        RemoteRepository repository = repository(server);

        for (String tag : List.of("a", "b", "c")) {
            assertIsOfItsOwnPath(repository, tag);
        }

        assertThat(server.requests).hasSize(3);
        assertThat(world.pauses).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(ints = {403, 404})
    void bodyBehindTheAnswerToAHeadIsNotTheAnswerToTheNextRequest(int status) throws IOException {
        RawServer server = server(request -> {
            if (request.method.equals("HEAD")) {
                request.answerAsIs("HTTP/1.1 " + status + " X\r\nContent-Type: application/json\r\nContent-Length: "
                        + ERROR.length() + "\r\n\r\n" + ERROR);
            } else if (request.path.contains("/blobs/")) {
                request.answer(404, ERROR);
            } else {
                request.answerAsIs(answer(request.path));
            }
        });
        RemoteRepository repository = repository(server);

        try {
            assertThat(repository.statBlob(DIGEST)).isEmpty();
        } catch (RefusedException | UnauthorizedException e) {
            assertThat(status).isEqualTo(403);
        }
        assertIsOfItsOwnPath(repository, "a");

        assertThat(world.requests).endsWith("manifest 200").doesNotContain("manifest -");
    }

    @Test
    void bodyLongerThanItsLengthIsNotTheAnswerToTheNextRequest() throws IOException {
        RawServer server = server(request ->
                request.answerAsIs(answer(request.path, index(request.path).length() - 1)));
        RemoteRepository repository = repository(server);

        for (int i = 0; i < 3; i++) {
            assertThat(repository.fetchManifest(new Tag("a")).array())
                    .hasSize(index("/v2/team/app/manifests/a").length() - 1);
        }

        assertThat(server.requests).hasSize(3);
    }

    @Test
    void answerThatCameWhileNobodyAskedIsNotTheAnswerToTheNextRequest() throws IOException {
        List<RawServer.Request> seen = new CopyOnWriteArrayList<>();
        RawServer server = server(request -> {
            seen.add(request);
            request.answerAsIs(answer(request.path));
        });
        RemoteRepository repository = repository(server);
        assertIsOfItsOwnPath(repository, "a");

        seen.getFirst().write("HTTP/1.1 408 Request Time-out\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        assertIsOfItsOwnPath(repository, "b");

        assertThat(world.requests).containsExactly("manifest 200", "manifest 200");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "HTTP/1.1 408 Request Time-out\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
                ERROR,
                ERROR + "\r\n",
                "\r\n\r\n"
            })
    void whatCrossesARequestOnAKeptConnectionHasItSentOverANewOne(String late) throws IOException {
        RawServer server = server(request -> {
            // The rest of an answer that comes after the next request was sent.
            String before = count.incrementAndGet() == 2 ? late : "";
            request.answerAsIs(before + answer(request.path));
        });
        RemoteRepository repository = repository(server);

        for (String tag : List.of("a", "b", "c")) {
            assertIsOfItsOwnPath(repository, tag);
        }

        assertThat(server.requests).hasSize(4);
        assertThat(world.pauses).isEmpty();
    }

    @Test
    void garbageInsteadOfAnAnswerIsAnOutageAtOnceOverANewConnection() throws IOException {
        RawServer server = server(request -> request.write("garbage\r\n"));
        RemoteRepository repository = repository(server);

        assertThatThrownBy(() -> repository.fetchManifest(new Tag("a")))
                .isInstanceOfSatisfying(
                        OutageException.class,
                        e -> assertThat(e.reason()).isEqualTo(OutageException.Reason.SERVER_ERROR))
                .hasMessageContaining("did not answer in HTTP");

        assertThat(server.requests).hasSize(1);
    }

    @Test
    void refusalOfAKeptConnectionThatIsRepeatedIsAnOutage() throws IOException {
        RawServer server = server(request -> {
            if (count.incrementAndGet() == 1) {
                request.answerAsIs(answer(request.path));
            } else {
                request.answer(408, "");
            }
        });
        RemoteRepository repository = repository(server);
        assertIsOfItsOwnPath(repository, "a");

        assertThatThrownBy(() -> repository.fetchManifest(new Tag("b"))).isInstanceOf(OutageException.class);

        assertThat(server.requests).hasSize(3);
    }

    @Test
    void connectionsWithoutLeftoversAreKept() throws IOException {
        AtomicInteger firsts = new AtomicInteger();
        RawServer server = server(request -> {
            firsts.addAndGet(request.isFirst() ? 1 : 0);
            if (request.method.equals("HEAD")) {
                request.answer(200, "", "Content-Length: 7");
            } else if (request.path.contains("/blobs/")) {
                request.answer(200, "");
            } else {
                request.answerAsIs(answer(request.path));
            }
        });
        RemoteRepository repository = repository(server);

        for (int i = 0; i < 10; i++) {
            assertIsOfItsOwnPath(repository, "a");
            assertThat(repository.statBlob(DIGEST)).isPresent();
            try (var body = repository.openBlob(DIGEST, ByteRange.ALL)) {
                assertThat(body.stream().readAllBytes()).isEmpty();
            }
        }

        assertThat(firsts).hasValue(1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "HTTP/1.1 200 OK\r\n",
                "HTTP/1.1 200 OK\r\n" + TYPE + "\r\n",
                "HTTP/1.1 200 OK\r\n" + TYPE + "\r\nContent-Le",
                "HTTP/1.",
                "HTTP/1.1 2"
            })
    void headThatBreaksOffIsAskedForAgain(String part) throws IOException {
        RawServer server = server(request -> {
            if (count.incrementAndGet() == 1) {
                request.write(part);
                request.end();
            } else {
                request.answerAsIs(answer(request.path));
            }
        });

        assertIsOfItsOwnPath(repository(server), "a");

        assertThat(world.requests).containsExactly("manifest -", "manifest 200");
    }

    @Test
    void lengthThatIsStatedTwiceIsTakenIfItIsTheSame() throws IOException {
        String same = answer("/v2/team/app/manifests/a");
        int bytes = index("/v2/team/app/manifests/a").length();
        RawServer server = server(request -> request.answerAsIs(
                switch (count.incrementAndGet()) {
                    case 1 -> same.replace("\r\n\r\n", "\r\ncontent-length: " + bytes + "\r\n\r\n");
                    case 2 -> same.replace("h: " + bytes, "h: " + bytes + ", " + bytes);
                    default -> same.replace("\r\n\r\n", "\r\nContent-Length: 7\r\n\r\n");
                }));
        RemoteRepository repository = repository(server);

        assertIsOfItsOwnPath(repository, "a");
        assertIsOfItsOwnPath(repository, "a");
        assertThatThrownBy(() -> repository.fetchManifest(new Tag("a"))).isInstanceOf(OutageException.class);
    }
}
