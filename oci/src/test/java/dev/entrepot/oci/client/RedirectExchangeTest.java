package dev.entrepot.oci.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.OutageException.Reason;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.UnauthorizedException;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.hc.core5.http.message.BasicClassicHttpResponse;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RedirectExchangeTest {
    private static final Digest DIGEST = Digest.sha256(new byte[0]);
    private static final String BLOB = "/v2/team/app/blobs/" + DIGEST;

    private final TestWorld world = new TestWorld();
    private final List<AutoCloseable> open = new CopyOnWriteArrayList<>();
    private final List<Map<String, String>> heads = new CopyOnWriteArrayList<>();

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable one : open) {
            one.close();
        }
    }

    private RawServer server(RawServer.Handler handler) throws IOException {
        RawServer server = new RawServer(request -> {
            heads.add(request.headers);
            handler.handle(request);
        });
        open.add(server);
        return server;
    }

    private RemoteRepository repository(RawServer server) throws IOException {
        RegistryClient client = new RegistryClient(
                TestWorld.endpoint(server.url())
                        .withCredentials(CredentialSource.fixed(new Credential.UserPassword("bob", "s3cret"))),
                world.environment());
        open.add(client);
        return client.repository(TestWorld.NAME);
    }

    private static String read(RemoteRepository repository, ByteRange range) throws IOException {
        try (BlobBody body = repository.openBlob(DIGEST, range)) {
            return new String(body.stream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /** A registry that wants a password and then leads on. */
    private RawServer registry(String location, int status) throws IOException {
        return server(request -> {
            if (request.headers.containsKey("Authorization")) {
                request.answer(status, "moved", "Location: " + location);
            } else {
                request.answer(401, "", "WWW-Authenticate: Basic realm=\"r\"");
            }
        });
    }

    @ParameterizedTest
    @ValueSource(ints = {301, 302, 303, 307, 308})
    void dropsCredentialsAndKeepsTheRangeAcrossHosts(int status) throws IOException {
        RawServer storage = server(request -> request.answer(206, "cd", "Content-Range: bytes 2-3/4"));
        RawServer registry = registry(storage.url() + "/x?sig=a%2Fb", status);

        assertThat(read(repository(registry), ByteRange.of(2, 3))).isEqualTo("cd");

        assertThat(storage.requests).containsExactly("GET /x?sig=a%2Fb");
        assertThat(heads.getLast())
                .containsEntry("Range", "bytes=2-3")
                .containsEntry("Accept-Encoding", "identity")
                .doesNotContainKey("Authorization");
    }

    @Test
    void whatAServerOfThisProgramIsToldGoesToNobodyElse() throws IOException {
        RawServer storage = server(request -> request.answer(200, "abcd"));
        RawServer registry = registry(storage.url() + "/x", 307);
        RemoteRepository repository = repository(registry).ofServer(Map.of("X-Entrepot-Pass", "t0ken"));

        assertThat(read(repository, ByteRange.ALL)).isEqualTo("abcd");

        assertThat(heads.getFirst()).containsEntry("X-Entrepot-Pass", "t0ken");
        assertThat(heads.getLast()).doesNotContainKeys("X-Entrepot-Pass", "x-entrepot-pass", "X-entrepot-pass");
        assertThat(storage.requests).hasSize(1);
    }

    @Test
    void keepsCredentialsWithinTheOrigin() throws IOException {
        RawServer registry = server(request -> {
            if (!request.headers.containsKey("Authorization")) {
                request.answer(401, "", "WWW-Authenticate: Basic realm=\"r\"");
            } else if (request.path.equals(BLOB)) {
                request.answer(301, "", "Location: ../../library/app/blobs/x");
            } else {
                request.answer(200, "ok");
            }
        });

        assertThat(read(repository(registry), ByteRange.ALL)).isEqualTo("ok");

        assertThat(registry.requests).last().isEqualTo("GET /v2/team/library/app/blobs/x");
        assertThat(heads.getLast()).containsKey("Authorization");
    }

    @Test
    void doesNotGiveCredentialsBackOnTheWayHome() throws IOException {
        RawServer[] registry = new RawServer[1];
        RawServer storage = server(request -> request.answer(307, "", "Location: " + registry[0].url() + "/home"));
        registry[0] = server(request -> {
            if (request.path.equals("/home")) {
                request.answer(200, "ok");
            } else if (request.headers.containsKey("Authorization")) {
                request.answer(307, "", "Location: " + storage.url() + "/away");
            } else {
                request.answer(401, "", "WWW-Authenticate: Basic realm=\"r\"");
            }
        });

        assertThat(read(repository(registry[0]), ByteRange.ALL)).isEqualTo("ok");

        assertThat(heads.getLast()).doesNotContainKey("Authorization");
    }

    @Test
    void anotherPortIsAnotherOrigin() {
        assertThat(Origin.of(URI.create("https://R.test/a"))).isEqualTo(Origin.of(URI.create("https://r.test:443/b")));
        assertThat(Origin.of(URI.create("https://r.test"))).isNotEqualTo(Origin.of(URI.create("https://r.test:444")));
        assertThat(Origin.of(URI.create("https://r.test"))).isNotEqualTo(Origin.of(URI.create("http://r.test:443")));
    }

    @Test
    void followsFiveRedirectsAndNotSix() throws IOException {
        RawServer registry = server(request -> {
            int hop = request.path.startsWith("/hop/") ? Integer.parseInt(request.path.substring(5)) : 0;
            if (hop == 5) {
                request.answer(200, "ok");
            } else {
                request.answer(307, "", "Location: /hop/" + (hop + 1));
            }
        });
        assertThat(read(repository(registry), ByteRange.ALL)).isEqualTo("ok");

        RawServer endless = server(request -> request.answer(307, "", "Location: /again"));
        assertOutage(endless, "more than 5 times");
        assertThat(endless.requests).hasSize(6);
    }

    private void assertOutage(RawServer registry, String message) throws IOException {
        RemoteRepository repository = repository(registry);
        assertThatThrownBy(() -> read(repository, ByteRange.ALL))
                .isInstanceOfSatisfying(
                        OutageException.class, e -> assertThat(e.reason()).isEqualTo(Reason.SERVER_ERROR))
                .hasMessageContaining(message)
                .hasMessageNotContaining("s3cret");
    }

    @ParameterizedTest
    @CsvSource({
        "http://169.254.169.254/latest/meta-data/,metadata",
        "http://[fe80::1]/x,link-local",
        "http://2852039166/x,metadata",
        "ftp://localhost/x,no http(s) URL",
        "http://user:s3cret@localhost/x,user information",
        "http:///x,no http(s) URL",
        "http://localhost:65536/x,no http(s) URL",
        "//localhost:99999/x,no http(s) URL",
        "'',without a Location"
    })
    void refusesToBeLedAstray(String location, String message) throws IOException {
        assertOutage(registry(location, 307), message);
    }

    @Test
    void neverGoesFromHttpsToHttp() throws IOException {
        ApiRequest request = ApiRequest.of(
                Operation.BLOB, "fetching", "GET", URI.create("https://r.test/v2/"), Priority.INTERACTIVE);
        BasicClassicHttpResponse head = new BasicClassicHttpResponse(307);
        head.setHeader("Location", "http://r.test/v2/");

        try (ApiResponse response = new ApiResponse(request, head, () -> {})) {
            assertThatThrownBy(() -> Locations.target(response))
                    .isInstanceOf(OutageException.class)
                    .hasMessageContaining("plain HTTP");
        }
    }

    @Test
    void toleratesCharactersThatShouldHaveBeenEscaped() throws IOException {
        RawServer registry = server(request -> {
            if (request.path.equals(BLOB)) {
                request.answer(307, "", "Location: /a b|c?d={e}#fragment");
            } else {
                request.answer(200, "ok");
            }
        });

        assertThat(read(repository(registry), ByteRange.ALL)).isEqualTo("ok");
        assertThat(registry.requests).last().isEqualTo("GET /a%20b%7Cc?d=%7Be%7D");
    }

    @ParameterizedTest
    @CsvSource({
        "?sig=1,?sig=1",
        "?sig=1#part,?sig=1",
        "#part,''",
        "?,?",
    })
    void referenceWithoutAPathKeepsThatOfTheRequest(String location, String query) throws IOException {
        RawServer registry = server(request -> {
            if (request.path.equals(BLOB) && heads.size() == 1) {
                request.answer(307, "", "Location: " + location);
            } else {
                request.answer(200, "ok");
            }
        });

        assertThat(read(repository(registry), ByteRange.ALL)).isEqualTo("ok");
        assertThat(registry.requests).last().isEqualTo("GET " + BLOB + query);
    }

    @Test
    void followsRedirectsOfManifests() throws IOException {
        String index = "{\"manifests\":[]}";
        RawServer backend =
                server(request -> request.answer(200, index, "Content-Type: application/vnd.oci.image.index.v1+json"));
        RawServer registry = server(request -> request.answer(307, "", "Location: " + backend.url() + request.path));

        assertThat(repository(registry).fetchManifest(new Tag("v1")).sizeBytes())
                .isEqualTo(index.length());
    }

    @Test
    void asksByRangeWhereTheStorageTakesNoHead() throws IOException {
        RawServer storage = server(request -> {
            if (request.method.equals("HEAD")) {
                request.answer(403, "");
            } else {
                request.answer(206, "x", "Content-Range: bytes 0-0/77");
            }
        });
        RawServer registry = server(request -> request.answer(307, "", "Location: " + storage.url() + "/signed"));

        assertThat(repository(registry).statBlob(DIGEST).orElseThrow()).hasValue(77);
    }

    @Test
    void doesNotAnswerAChallengeOfAnotherHost() throws IOException {
        RawServer storage = server(request -> request.answer(401, "", "WWW-Authenticate: Basic realm=\"mine\""));
        RawServer registry = server(request -> request.answer(307, "", "Location: " + storage.url() + "/x"));
        RemoteRepository repository = repository(registry);

        assertThatThrownBy(() -> read(repository, ByteRange.ALL)).isInstanceOf(UnauthorizedException.class);
        assertThat(heads).allSatisfy(head -> assertThat(head).doesNotContainKey("Authorization"));
    }
}
