package dev.entrepot.oci.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.BlobSource;
import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.UnauthorizedException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Uploads and how they go on. Long, because each place where one can break is one case over the same registry and
 * client.
 */
class BlobUploadsTest {
    private static final byte[] BLOB = bytes(300_000);
    private static final Descriptor DESCRIPTOR = descriptor(BLOB);
    private static final String UPLOADS = "/v2/team/app/blobs/uploads/";
    private static final String SESSION = "/upload/1?_state=a%2Fb";
    private static final String COMMIT =
            SESSION + "&digest=sha256%3A" + DESCRIPTOR.digest().encoded();

    private final TestWorld world = new TestWorld();
    private final List<AutoCloseable> open = new CopyOnWriteArrayList<>();
    private final ByteArrayOutputStream received = new ByteArrayOutputStream();
    private final List<Map<String, String>> heads = new CopyOnWriteArrayList<>();
    private RegistryClient client;

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable one : open) {
            one.close();
        }
        assertThat(world.openBodies).as("bodies of sources that were left open").hasValue(0);
    }

    private static byte[] bytes(int count) {
        byte[] bytes = new byte[count];
        new Random(7).nextBytes(bytes);
        return bytes;
    }

    private static Descriptor descriptor(byte[] blob) {
        return Descriptor.of(MediaType.OCTET_STREAM, Digest.sha256(blob), blob.length);
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
        return repository(TestWorld.endpoint(server.url()));
    }

    private RemoteRepository repository(RegistryEndpoint endpoint) throws IOException {
        client = new RegistryClient(endpoint, world.environment());
        open.add(client);
        return client.repository(TestWorld.NAME);
    }

    /** Gives these bytes for whatever is asked for. */
    private final class Source implements BlobSource {
        private final byte[] bytes;

        Source(byte[] bytes) {
            this.bytes = bytes;
        }

        @Override
        public Optional<OptionalLong> statBlob(Digest digest) {
            return Optional.of(OptionalLong.of(bytes.length));
        }

        @Override
        public BlobBody openBlob(Digest digest, ByteRange range) {
            return world.body(bytes.length, new ByteArrayInputStream(bytes));
        }
    }

    private void take(RawServer.Request request, int count) throws IOException {
        received.writeBytes(request.read(count));
    }

    private void takeAll(RawServer.Request request) throws IOException {
        take(request, request.contentLength());
    }

    /** Notes at its first byte, each time that it is opened, what was begun to be sent by then. */
    private final class Watched implements BlobSource {
        private final List<List<String>> begunBefore = new CopyOnWriteArrayList<>();

        @Override
        public Optional<OptionalLong> statBlob(Digest digest) {
            throw new AssertionError("nobody asks the source");
        }

        @Override
        public BlobBody openBlob(Digest digest, ByteRange range) {
            InputStream bytes = new ByteArrayInputStream(BLOB);
            return world.body(BLOB.length, new FilterInputStream(bytes) {
                private boolean begun;

                @Override
                public int read(byte[] buffer, int offset, int length) throws IOException {
                    if (!begun) {
                        begun = true;
                        begunBefore.add(List.copyOf(world.begun));
                    }
                    return super.read(buffer, offset, length);
                }
            });
        }
    }

    private RawServer taking() throws IOException {
        return server(request -> {
            takeAll(request);
            request.answer(request.is("POST /") ? 202 : 201, "", "Location: " + SESSION);
        });
    }

    @Test
    void requestWithTheBlobIsNotBegunBeforeTheSourceHasItsFirstBytes() throws IOException {
        Watched source = new Watched();

        repository(taking()).pushBlob(DESCRIPTOR, source);

        assertThat(source.begunBefore).containsExactly(List.of("POST"));
        assertThat(world.begun).containsExactly("POST", "PUT");
        assertThat(received.toByteArray()).isEqualTo(BLOB);
    }

    @Test
    void sessionIsNotOpenedBeforeTheSourceHasItsFirstBytesWhereOneWasOpenedBefore() throws IOException {
        Watched source = new Watched();
        RemoteRepository repository = repository(taking());
        repository.pushBlob(DESCRIPTOR, source);
        world.begun.clear();
        received.reset();

        repository.pushBlob(DESCRIPTOR, source);

        assertThat(source.begunBefore).containsExactly(List.of("POST"), List.of());
        assertThat(world.begun).containsExactly("POST", "PUT");
        assertThat(received.toByteArray()).isEqualTo(BLOB);
    }

    @Test
    void registryThatRefusesUploadsCostsTheSourceNothing() throws IOException {
        AtomicInteger posts = new AtomicInteger();
        RawServer server = server(request -> {
            takeAll(request);
            boolean taken = request.is("PUT /") || posts.incrementAndGet() == 2;
            request.answer(!taken ? 403 : request.is("POST /") ? 202 : 201, "", "Location: " + SESSION);
        });
        Watched source = new Watched();
        RemoteRepository repository = repository(server);

        assertThatThrownBy(() -> repository.pushBlob(DESCRIPTOR, source)).isInstanceOf(UnauthorizedException.class);
        assertThat(source.begunBefore).isEmpty();
        repository.pushBlob(DESCRIPTOR, source);
        assertThat(source.begunBefore).hasSize(1);
        // Whoever took the last one is taken to take the next.
        assertThatThrownBy(() -> repository.pushBlob(DESCRIPTOR, source)).isInstanceOf(UnauthorizedException.class);
        assertThat(source.begunBefore).hasSize(2);
        assertThatThrownBy(() -> repository.pushBlob(DESCRIPTOR, source)).isInstanceOf(UnauthorizedException.class);
        assertThat(source.begunBefore).hasSize(2);
    }

    @Test
    void sessionThatCannotBeReachedCostsTheSourceOneRequest() throws IOException {
        RawServer gone = new RawServer(request -> {});
        RawServer server = server(request -> {
            if (request.is("POST /")) {
                request.answer(202, "", "Location: " + gone.url() + SESSION);
            } else {
                request.answer(404, "");
            }
        });
        // Not before: the other could get its port.
        gone.close();
        Watched source = new Watched();

        assertThatThrownBy(() -> repository(server).pushBlob(DESCRIPTOR, source))
                .isInstanceOf(OutageException.class);

        assertThat(world.begun).filteredOn("PUT"::equals).hasSize(4);
        assertThat(source.begunBefore).hasSize(1);
    }

    @Test
    void sourceThatFailsAtItsFirstBytesIsReadAgainBeforeAnythingIsSent() throws IOException {
        Watched watched = new Watched();
        RemoteRepository repository = repository(taking());
        repository.pushBlob(DESCRIPTOR, watched);
        world.begun.clear();
        AtomicInteger opened = new AtomicInteger();
        BlobSource source = new BlobSource() {
            @Override
            public Optional<OptionalLong> statBlob(Digest digest) {
                return Optional.empty();
            }

            @Override
            public BlobBody openBlob(Digest digest, ByteRange range) throws IOException {
                assertThat(world.begun).isEmpty();
                OutageException silent =
                        new OutageException(OutageException.Reason.TIMEOUT, "the source does not answer");
                return switch (opened.incrementAndGet()) {
                    case 1 ->
                        world.body(BLOB.length, new InputStream() {
                            @Override
                            public int read() throws IOException {
                                throw silent;
                            }
                        });
                    case 2 -> throw silent;
                    default -> new Source(BLOB).openBlob(digest, range);
                };
            }
        };

        repository.pushBlob(DESCRIPTOR, source);

        assertThat(world.begun).containsExactly("POST", "PUT");
        assertThat(world.openInPauses).containsExactly(0, 0);
    }

    @Test
    void outageOfTheSourceIsNoneOfTheTarget() throws IOException {
        RemoteRepository repository = repository(
                server(request -> request.answer(request.is("POST /") ? 202 : 404, "", "Location: " + SESSION)));
        OutageException broken = new OutageException(OutageException.Reason.UNREACHABLE, "the source broke off");
        BlobSource source = new BlobSource() {
            @Override
            public Optional<OptionalLong> statBlob(Digest digest) {
                return Optional.empty();
            }

            @Override
            public BlobBody openBlob(Digest digest, ByteRange range) throws IOException {
                throw broken;
            }
        };

        assertThatThrownBy(() -> repository.pushBlob(DESCRIPTOR, source)).isSameAs(broken);

        assertThat(client.state().failure()).isEmpty();
    }

    @Test
    void sourceIsReadBeforeAnotherSessionIsOpenedForOneThatWasLost() throws IOException {
        AtomicInteger puts = new AtomicInteger();
        RawServer server = server(request -> {
            takeAll(request);
            boolean lost = !request.is("POST /") && puts.incrementAndGet() == 2;
            boolean asked = request.is("HEAD /");
            request.answer(lost || asked ? 404 : request.is("POST /") ? 202 : 201, "", "Location: " + SESSION);
        });
        Watched source = new Watched();
        RemoteRepository repository = repository(server);
        repository.pushBlob(DESCRIPTOR, source);
        world.begun.clear();
        source.begunBefore.clear();

        repository.pushBlob(DESCRIPTOR, source);

        assertThat(source.begunBefore).containsExactly(List.of(), List.of("POST", "PUT", "HEAD"));
        assertThat(world.begun).containsExactly("POST", "PUT", "HEAD", "POST", "PUT");
    }

    @Test
    void sourceIsNotHeldOpenWhileTheRegistryLetsWaitForASession() throws IOException {
        AtomicInteger posts = new AtomicInteger();
        RawServer server = server(request -> {
            takeAll(request);
            if (request.is("POST /") && posts.incrementAndGet() == 2) {
                request.answer(503, "", "Retry-After: 60");
            } else {
                request.answer(request.is("POST /") ? 202 : 201, "", "Location: " + SESSION);
            }
        });
        Watched source = new Watched();
        RemoteRepository repository = repository(server);
        repository.pushBlob(DESCRIPTOR, source);
        world.begun.clear();
        source.begunBefore.clear();

        repository.pushBlob(DESCRIPTOR, source);

        assertThat(world.openInPauses).containsExactly(0);
        assertThat(source.begunBefore)
                .as("after the second, as where none was to be had before")
                .containsExactly(List.of(), List.of("POST", "POST"));
        assertThat(world.begun).containsExactly("POST", "POST", "PUT");
    }

    @Test
    void takesTwoRequestsAndKeepsTheQueryOfTheLocation() throws IOException {
        RawServer server = server(request -> {
            takeAll(request);
            if (request.method.equals("POST")) {
                request.answer(202, "", "Location: " + SESSION);
            } else {
                request.answer(201, "", "Docker-Content-Digest: " + DESCRIPTOR.digest());
            }
        });

        repository(server).pushBlob(DESCRIPTOR, new Source(BLOB));

        assertThat(server.requests).containsExactly("POST " + UPLOADS, "PUT " + COMMIT);
        assertThat(received.toByteArray()).isEqualTo(BLOB);
        assertThat(heads.get(0)).containsEntry("Content-Length", "0");
        assertThat(heads.get(1))
                .containsEntry("Content-Length", "300000")
                .containsEntry("Content-Type", "application/octet-stream")
                .doesNotContainKey("Transfer-Encoding");
    }

    @Test
    void uploadsTheEmptyBlob() throws IOException {
        byte[] empty = new byte[0];
        RawServer server =
                server(request -> request.answer(request.method.equals("POST") ? 202 : 201, "", "Location: /upload/1"));

        repository(server).pushBlob(descriptor(empty), new Source(empty));

        assertThat(server.requests)
                .containsExactly(
                        "POST " + UPLOADS,
                        "PUT /upload/1?digest=sha256%3A" + Digest.sha256(empty).encoded());
        assertThat(heads.get(1)).containsEntry("Content-Length", "0");
    }

    @Test
    void givesALocationElsewhereNoCredentials() throws IOException {
        RawServer storage = server(request -> {
            takeAll(request);
            request.answer(201, "");
        });
        RawServer registry = server(request -> {
            if (!request.headers.containsKey("Authorization")) {
                request.answer(401, "", "WWW-Authenticate: Basic realm=\"r\"");
            } else {
                request.answer(202, "", "Location: " + storage.url() + "/upload/1");
            }
        });
        RemoteRepository repository = repository(TestWorld.endpoint(registry.url())
                .withCredentials(CredentialSource.fixed(new Credential.UserPassword("bob", "s3cret"))));

        repository.pushBlob(DESCRIPTOR, new Source(BLOB));

        assertThat(received.toByteArray()).isEqualTo(BLOB);
        assertThat(heads.getLast()).containsKey("Content-Length").doesNotContainKey("Authorization");
    }

    @Test
    void refusesALocationAtAMetadataService() throws IOException {
        RawServer server = server(request -> request.answer(202, "", "Location: http://169.254.169.254/upload"));

        assertThatThrownBy(() -> repository(server).pushBlob(DESCRIPTOR, new Source(BLOB)))
                .isInstanceOf(OutageException.class)
                .hasMessageContaining("metadata");
    }

    @Test
    void goesOnWhereTheRegistrySaysItIs() throws IOException {
        RawServer server = server(request -> {
            if (request.is("POST /")) {
                request.answer(202, "", "Location: " + SESSION);
            } else if (request.is("PUT /") && received.size() == 0) {
                take(request, 100_000);
                request.reset();
            } else if (request.is("GET /")) {
                request.answer(204, "", "Location: /upload/2", "Range: 0-" + (received.size() - 1));
            } else if (request.is("PATCH /")) {
                takeAll(request);
                request.answer(202, "", "Location: /upload/3?x=y");
            } else {
                request.answer(201, "");
            }
        });

        repository(server).pushBlob(DESCRIPTOR, new Source(BLOB));

        assertThat(server.requests)
                .containsExactly(
                        "POST " + UPLOADS,
                        "PUT " + COMMIT,
                        "GET " + SESSION,
                        "PATCH /upload/2",
                        "PUT /upload/3?x=y&digest=sha256%3A"
                                + DESCRIPTOR.digest().encoded());
        assertThat(heads.get(3)).containsEntry("Content-Range", "100000-299999");
        assertThat(received.toByteArray()).isEqualTo(BLOB);
    }

    @Test
    void onlyCommitsWhereTheRegistryHasAllBytes() throws IOException {
        RawServer server = server(request -> {
            if (request.is("POST /")) {
                request.answer(202, "", "Location: " + SESSION);
            } else if (request.is("PUT /") && received.size() == 0) {
                takeAll(request);
                request.reset();
            } else if (request.is("GET /")) {
                request.answer(204, "", "Range: 0-299999");
            } else {
                request.answer(201, "");
            }
        });

        repository(server).pushBlob(DESCRIPTOR, new Source(BLOB));

        assertThat(server.requests)
                .containsExactly("POST " + UPLOADS, "PUT " + COMMIT, "GET " + SESSION, "PUT " + COMMIT);
        assertThat(heads.getLast()).containsEntry("Content-Length", "0");
    }

    @Test
    void startsAnewWhereTheSessionIsLost() throws IOException {
        AtomicInteger puts = new AtomicInteger();
        RawServer server = server(request -> {
            if (request.is("POST /")) {
                request.answer(202, "", "Location: " + SESSION);
            } else if (request.is("PUT /") && puts.incrementAndGet() == 1) {
                request.read(1000);
                request.reset();
            } else if (request.is("PUT /")) {
                takeAll(request);
                request.answer(201, "");
            } else {
                request.answer(404, "");
            }
        });

        repository(server).pushBlob(DESCRIPTOR, new Source(BLOB));

        assertThat(server.requests)
                .containsExactly(
                        "POST " + UPLOADS,
                        "PUT " + COMMIT,
                        "GET " + SESSION,
                        "HEAD /v2/team/app/blobs/" + DESCRIPTOR.digest(),
                        "POST " + UPLOADS,
                        "PUT " + COMMIT);
        assertThat(received.toByteArray()).isEqualTo(BLOB);
    }

    @Test
    void isDoneWhereOnlyTheAnswerWasLost() throws IOException {
        RawServer server = server(request -> {
            if (request.is("POST /")) {
                request.answer(202, "", "Location: " + SESSION);
            } else if (request.is("PUT /")) {
                takeAll(request);
                request.reset();
            } else if (request.is("HEAD /")) {
                request.answer(200, "", "Content-Length: 300000");
            } else {
                request.answer(404, "");
            }
        });

        repository(server).pushBlob(DESCRIPTOR, new Source(BLOB));

        assertThat(server.requests).hasSize(4).last().isEqualTo("HEAD /v2/team/app/blobs/" + DESCRIPTOR.digest());
    }

    @Test
    void asksWhetherTheBlobIsThereWhenTheAnswerIsNotTheExpectedOne() throws IOException {
        RawServer server = server(request -> {
            takeAll(request);
            request.answer(request.is("POST /") ? 202 : request.is("PUT /") ? 204 : 200, "", "Location: " + SESSION);
        });

        repository(server).pushBlob(DESCRIPTOR, new Source(BLOB));

        assertThat(world.pauses).isEmpty();
    }

    @Test
    void givesUpAfterFourFailuresWithoutProgress() throws IOException {
        AtomicInteger puts = new AtomicInteger();
        RawServer server = server(request -> {
            if (request.is("POST /")) {
                request.answer(202, "", "Location: " + SESSION);
            } else if (request.is("PUT /")) {
                puts.incrementAndGet();
                request.reset();
            } else {
                request.answer(404, "");
            }
        });

        assertThatThrownBy(() -> repository(server).pushBlob(DESCRIPTOR, new Source(BLOB)))
                .isInstanceOf(OutageException.class)
                .hasMessageContaining(DESCRIPTOR.digest().toString());

        assertThat(puts).hasValue(4);
        assertThat(world.pauses).hasSize(3);
    }

    @Test
    void doesNotGiveUpWhileThereIsProgress() throws IOException {
        byte[] blob = bytes(1_000_000);
        AtomicInteger parts = new AtomicInteger();
        RawServer server = server(request -> {
            if (request.is("POST /")) {
                request.answer(202, "", "Location: " + SESSION);
            } else if (request.is("GET /")) {
                request.answer(204, "", "Range: 0-" + (received.size() - 1));
            } else if (request.contentLength() > 100_000) {
                parts.incrementAndGet();
                take(request, 100_000);
                request.reset();
            } else {
                takeAll(request);
                request.answer(request.is("PATCH /") ? 202 : 201, "", "Location: " + SESSION);
            }
        });

        repository(server).pushBlob(descriptor(blob), new Source(blob));

        assertThat(parts).hasValue(9);
        assertThat(received.toByteArray()).isEqualTo(blob);
    }

    @Test
    void neverCommitsWhatTheSourceHasWrong() throws IOException {
        byte[] wrong = BLOB.clone();
        wrong[wrong.length - 1] ^= 1;
        assertNeverCommitted(wrong);
    }

    @Test
    void neverCommitsWhatTheSourceHasTooShort() throws IOException {
        assertNeverCommitted(Arrays.copyOf(BLOB, BLOB.length - 1));
    }

    @Test
    void neverCommitsWhatTheSourceHasTooLong() throws IOException {
        assertNeverCommitted(Arrays.copyOf(BLOB, BLOB.length + 1));
    }

    private void assertNeverCommitted(byte[] content) throws IOException {
        RawServer server = server(request -> {
            if (request.is("POST /")) {
                request.answer(202, "", "Location: " + SESSION);
            } else if (request.is("PUT /")) {
                takeAll(request);
                if (received.size() == BLOB.length) {
                    request.answer(201, "");
                }
            } else {
                request.answer(204, "");
            }
        });

        assertThatThrownBy(() -> repository(server).pushBlob(DESCRIPTOR, new Source(content)))
                .isInstanceOf(InvalidContentException.class);

        assertThat(server.requests).containsExactly("POST " + UPLOADS, "PUT " + COMMIT, "DELETE " + SESSION);
    }

    @Test
    void passesOnWhatTheSourceAnswers() throws IOException {
        RawServer server = server(request -> request.answer(202, "", "Location: " + SESSION));
        BlobSource source = new BlobSource() {
            @Override
            public Optional<OptionalLong> statBlob(Digest digest) {
                return Optional.empty();
            }

            @Override
            public BlobBody openBlob(Digest digest, ByteRange range) throws IOException {
                throw new NotFoundException(NotFoundException.Kind.BLOB, "not at the source");
            }
        };

        assertThatThrownBy(() -> repository(server).pushBlob(DESCRIPTOR, source))
                .isInstanceOf(NotFoundException.class)
                .hasMessage("not at the source");
    }

    @Test
    void refusesACommitOfAnotherDigest() throws IOException {
        RawServer server = server(request -> {
            takeAll(request);
            request.answer(
                    request.is("POST /") ? 202 : 201,
                    "",
                    "Location: " + SESSION,
                    "Docker-Content-Digest: " + Digest.sha256(new byte[1]));
        });

        assertThatThrownBy(() -> repository(server).pushBlob(DESCRIPTOR, new Source(BLOB)))
                .isInstanceOf(InvalidContentException.class)
                .hasMessageContaining(DESCRIPTOR.digest().toString());
    }

    @Test
    void passesOnARefusal() throws IOException {
        RawServer server = server(request -> {
            takeAll(request);
            request.answer(
                    request.is("POST /") ? 202 : 413,
                    "{\"errors\":[{\"code\":\"SIZE_INVALID\"}]}",
                    "Location: " + SESSION);
        });

        assertThatThrownBy(() -> repository(server).pushBlob(DESCRIPTOR, new Source(BLOB)))
                .isInstanceOfSatisfying(
                        RefusedException.class, e -> assertThat(e.code()).isEqualTo("SIZE_INVALID"));
    }

    @Test
    void passesOnThatNothingMayBePushed() throws IOException {
        RawServer server = server(request -> request.answer(403, "{\"errors\":[{\"code\":\"DENIED\"}]}"));

        assertThatThrownBy(() -> repository(server).pushBlob(DESCRIPTOR, new Source(BLOB)))
                .isInstanceOf(UnauthorizedException.class)
                .hasMessageContaining("DENIED");
    }

    @Test
    void sendsTheBodyAgainWhenTheTokenEndsMeanwhile() throws IOException {
        AtomicInteger tokens = new AtomicInteger();
        RawServer server = server(request -> {
            byte[] body = request.readAll();
            String token = "Bearer t" + (received.size() == 0 ? 1 : 2);
            if (request.path.startsWith("/token")) {
                request.answer(200, "{\"token\":\"t" + tokens.incrementAndGet() + "\",\"expires_in\":300}");
            } else if (!request.headers.getOrDefault("Authorization", "").equals(token)) {
                request.answer(
                        401,
                        "",
                        "WWW-Authenticate: Bearer realm=\"http://localhost/never\""
                                .replace("http://localhost/never", "http://" + request.headers.get("Host") + "/token"));
            } else if (request.is("POST /")) {
                request.answer(202, "", "Location: " + SESSION);
                received.write('x');
            } else {
                received.reset();
                received.writeBytes(body);
                request.answer(201, "");
            }
        });

        repository(server).pushBlob(DESCRIPTOR, new Source(BLOB));

        assertThat(received.toByteArray()).isEqualTo(BLOB);
        assertThat(tokens).hasValue(2);
        assertThat(server.requests.get(1)).contains("scope=repository%3Ateam%2Fapp%3Apull%2Cpush");
    }

    @Test
    void cutsOffATargetThatTakesNoMoreBytes() throws IOException {
        byte[] blob = bytes(6_000_000);
        RawServer server = server(request -> {
            if (request.is("POST /")) {
                request.answer(202, "", "Location: " + SESSION);
            } else if (!request.is("PUT /")) {
                request.answer(404, "");
            }
        });
        RemoteRepository repository = repository(
                TestWorld.endpoint(server.url()).withTimeouts(Duration.ofSeconds(1), Duration.ofMillis(100)));

        assertThatThrownBy(() -> repository.pushBlob(descriptor(blob), new Source(blob)))
                .isInstanceOfSatisfying(
                        OutageException.class, e -> assertThat(e.reason()).isEqualTo(OutageException.Reason.TIMEOUT))
                .hasMessageContaining("stopped taking bytes");
    }

    @Test
    void mountsABlob() throws IOException {
        RawServer server = server(request -> request.answer(201, ""));

        assertThat(repository(server).mountBlob(DESCRIPTOR.digest(), new RepositoryName("other/app")))
                .isTrue();

        assertThat(server.requests)
                .containsExactly("POST " + UPLOADS + "?mount=sha256%3A"
                        + DESCRIPTOR.digest().encoded() + "&from=other%2Fapp");
    }

    @Test
    void cancelsTheSessionThatIsOpenedInsteadOfAMount() throws IOException {
        RawServer server =
                server(request -> request.answer(request.is("POST /") ? 202 : 500, "", "Location: " + SESSION));

        assertThat(repository(server).mountBlob(DESCRIPTOR.digest(), new RepositoryName("other/app")))
                .isFalse();

        assertThat(server.requests).hasSize(2).last().isEqualTo("DELETE " + SESSION);
    }

    @Test
    void takesARefusedMountForNone() throws IOException {
        for (int status : new int[] {400, 401, 403, 404, 405}) {
            RawServer server = server(request -> request.answer(status, ""));
            assertThat(repository(server).mountBlob(DESCRIPTOR.digest(), new RepositoryName("other")))
                    .isFalse();
        }
        RawServer server = server(request -> request.answer(500, ""));
        assertThatThrownBy(() -> repository(server).mountBlob(DESCRIPTOR.digest(), new RepositoryName("other")))
                .isInstanceOf(OutageException.class);
    }

    @Test
    void asksForBothScopesToMount() throws IOException {
        RawServer server = server(request -> {
            if (request.is("GET /token")) {
                request.answer(200, "{\"token\":\"t\"}");
            } else if (request.headers.containsKey("Authorization")) {
                request.answer(201, "");
            } else {
                request.answer(
                        401, "", "WWW-Authenticate: Bearer realm=\"http://" + request.headers.get("Host") + "/token\"");
            }
        });

        assertThat(repository(server).mountBlob(DESCRIPTOR.digest(), new RepositoryName("other/app")))
                .isTrue();

        assertThat(server.requests.get(1))
                .isEqualTo("GET /token?scope=repository%3Ateam%2Fapp%3Apull%2Cpush"
                        + "&scope=repository%3Aother%2Fapp%3Apull&client_id=entrepot");
    }

    @Test
    void asksWhetherABlobIsThere() throws IOException {
        RawServer server = server(request ->
                request.answer(request.path.contains(DESCRIPTOR.digest().encoded()) ? 200 : 404, ""));
        RemoteRepository repository = repository(server);

        assertThat(repository.containsBlob(DESCRIPTOR.digest())).isTrue();
        assertThat(repository.containsBlob(Digest.sha256(new byte[3]))).isFalse();
    }
}
