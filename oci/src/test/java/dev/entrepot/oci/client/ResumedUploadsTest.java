package dev.entrepot.oci.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.BlobSource;
import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.UploadLog;
import dev.entrepot.oci.testing.Abilities;
import dev.entrepot.oci.testing.Content;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Feature;
import dev.entrepot.oci.testing.RecordedCall;
import dev.entrepot.oci.testing.Request;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.Response;
import dev.entrepot.oci.testing.TestRegistry;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Uploads of a blob of two parts and a half, with a log. */
class ResumedUploadsTest {
    private static final long PART = 256 * 1024;
    private static final Content BLOB = Content.generated(5, 2 * PART + PART / 2);
    private static final Digest DIGEST = BLOB.digest(DigestAlgorithm.SHA256);
    private static final Descriptor DESCRIPTOR = Descriptor.of(MediaType.OCTET_STREAM, DIGEST, BLOB.sizeBytes());
    private static final Predicate<Request> PATCH = Requests.method("PATCH");
    private static final Predicate<Request> PUT = Requests.method("PUT");

    private final TestWorld world = new TestWorld();
    private final TestRegistry registry = TestRegistry.started();
    private final Log log = new Log();
    private final AtomicInteger opened = new AtomicInteger();
    /** What was begun to be sent when the source was opened last. */
    private List<String> begunBefore = List.of();

    @AfterEach
    void close() {
        registry.close();
    }

    private static final class Log implements UploadLog {
        private final Map<Digest, Upload> uploads = new ConcurrentHashMap<>();
        private final AtomicInteger notes = new AtomicInteger();

        @Override
        public Optional<Upload> recall(Digest blob) {
            return Optional.ofNullable(uploads.get(blob));
        }

        @Override
        public void note(Digest blob, Upload upload) {
            notes.incrementAndGet();
            uploads.put(blob, upload);
        }

        @Override
        public void forget(Digest blob) {
            uploads.remove(blob);
        }
    }

    private final class Source implements BlobSource {
        private final Content content;

        Source(Content content) {
            this.content = content;
        }

        @Override
        public Optional<OptionalLong> statBlob(Digest digest) {
            throw new AssertionError("nobody asks the source");
        }

        @Override
        public BlobBody openBlob(Digest digest, ByteRange range) {
            opened.incrementAndGet();
            begunBefore = List.copyOf(world.begun);
            InputStream stream = content.open(0);
            return world.body(content.sizeBytes(), stream);
        }
    }

    /** As a process of its own would, which is over when this returns or throws. */
    private void push(Descriptor blob, Content content) throws IOException {
        try (RegistryClient client = world.client(registry.uri().toString())) {
            client.repository(TestWorld.NAME, Priority.BACKGROUND, PART).pushBlob(blob, new Source(content), log);
        }
    }

    private void push() throws IOException {
        push(DESCRIPTOR, BLOB);
    }

    /** A process that ends when the registry has one part and a half, and does not come to tidy up. */
    private void pushUntilTheRegistryIsGone() {
        registry.faults()
                .once(PATCH.and(request -> range(request).startsWith(PART + "-")), Fault.resetUploadAfter(PART / 2));
        registry.faults().always(Requests.any(), new Fault() {
            private boolean gone;

            @Override
            public synchronized Request before(Request request) throws IOException {
                if (gone) {
                    throw new IOException("gone");
                }
                gone = PATCH.test(request) && range(request).startsWith(PART + "-");
                return request;
            }
        });
        assertThatThrownBy(this::push).isInstanceOf(OutageException.class);
        registry.faults().clear();
        registry.calls().clear();
        opened.set(0);
    }

    private static String range(Request request) {
        return request.header("Content-Range").orElse("");
    }

    private List<String> sent() {
        return registry.calls().all().stream()
                .map(RecordedCall::request)
                .map(request -> (request.method() + " " + range(request)).strip())
                .toList();
    }

    private void assertThere() {
        assertThat(registry.blob("team/app", DIGEST).map(content -> content.digest(DigestAlgorithm.SHA256)))
                .contains(DIGEST);
        assertThat(log.uploads).isEmpty();
        assertThat(registry.uploadsOpen()).isZero();
    }

    @Test
    void largeBlobGoesInPartsFromOneReadingOfTheSource() throws IOException {
        push();

        assertThat(sent())
                .containsExactly(
                        "POST",
                        "PATCH 0-" + (PART - 1),
                        "PATCH " + PART + "-" + (2 * PART - 1),
                        "PATCH " + 2 * PART + "-" + (BLOB.sizeBytes() - 1),
                        "PUT");
        assertThat(opened).hasValue(1);
        assertThere();
    }

    @Test
    void blobOfOnePartIsSentInOneRequestAndLeavesTheLogAlone() throws IOException {
        Content small = Content.generated(6, 1000);
        push(Descriptor.of(MediaType.OCTET_STREAM, small.digest(DigestAlgorithm.SHA256), 1000), small);

        assertThat(sent()).containsExactly("POST", "PUT");
        assertThat(log.notes).hasValue(0);
    }

    @Test
    void anotherProcessGoesOnWhereTheRegistryIs() throws IOException {
        pushUntilTheRegistryIsGone();
        assertThat(log.uploads.get(DIGEST)).extracting(UploadLog.Upload::offset).isEqualTo(PART);

        push();

        long reached = PART + PART / 2;
        assertThat(sent()).containsExactly("GET", "PATCH " + reached + "-" + (reached + PART - 1), "PUT");
        assertThat(opened).hasValue(1);
        assertThere();
    }

    @Test
    void sessionOfAnEarlierProcessIsAskedForBeforeTheSourceIsOpenedAndSentToWhenThatIsThere() throws IOException {
        pushUntilTheRegistryIsGone();
        world.begun.clear();

        push();

        assertThat(begunBefore).containsExactly("GET");
        assertThat(world.begun).containsExactly("GET", "PATCH", "PUT");
        assertThat(opened).hasValue(1);
        assertThere();
    }

    @Test
    void sessionThatTheRegistryForgotIsBegunAnew() throws IOException {
        pushUntilTheRegistryIsGone();
        registry.forgetUploads();

        push();

        assertThat(sent()).startsWith("GET", "POST", "PATCH 0-" + (PART - 1)).hasSize(6);
        assertThere();
    }

    @Test
    void registryThatDoesNotTellHowFarItIsGetsANewSession() throws IOException {
        pushUntilTheRegistryIsGone();
        registry.able(Abilities.DEFAULT.without(Feature.RESUMABLE_UPLOADS));

        push();

        assertThat(sent()).startsWith("GET", "POST", "PATCH 0-" + (PART - 1));
        assertThat(registry.blob("team/app", DIGEST)).isPresent();
        assertThat(log.uploads).isEmpty();
    }

    @Test
    void outageWhileAskingForASessionLosesNothing() throws IOException {
        pushUntilTheRegistryIsGone();
        registry.faults().once(Requests.get(), Fault.status(503));

        push();

        assertThat(sent()).startsWith("GET", "GET").doesNotContain("POST");
        assertThere();
    }

    @Test
    void bytesThatAnEarlierProcessGotWrongAreSentAgainInANewSession() throws IOException {
        pushUntilTheRegistryIsGone();
        registry.faults().once(PUT, Fault.error(400, "DIGEST_INVALID"));

        push();

        assertThat(sent()).contains("DELETE", "POST", "PATCH 0-" + (PART - 1));
        assertThere();
    }

    @ParameterizedTest
    @ValueSource(ints = {400, 405, 416, 501})
    void registryThatTakesNoPartsGetsTheBlobInOneRequest(int status) throws IOException {
        registry.faults().always(PATCH, Fault.instead(Response.error(status, "UNSUPPORTED")));

        push();

        assertThat(registry.blob("team/app", DIGEST)).isPresent();
        assertThat(log.uploads).isEmpty();
        assertThat(registry.requests(PUT)).hasSize(1);
    }

    @Test
    void partOfWhichOnlyALittleWasTakenGoesOnFromThere() throws IOException {
        registry.faults().once(PATCH, Fault.header("Range", "0-" + (PART / 4 - 1)));
        registry.faults().once(PATCH.and(request -> range(request).startsWith(PART / 4 + "-")), Fault.status(416));

        push();

        assertThat(sent()).contains("PATCH " + PART / 4 + "-" + (PART / 4 + PART - 1));
        assertThere();
    }

    @ParameterizedTest
    @CsvSource({"1, 1, 1", "4, 1, 1", "6, 1, 1", "7, 0, 2", "60, 0, 2"})
    void sourceIsHeldOpenInTheMiddleOfAnUploadWhileTheRegistryLetsWaitForSecondsAndNoLonger(
            String retryAfter, int openInPause, int openings) throws IOException {
        // It has taken the part all the same, so that a source that is open can go on.
        registry.faults().once(PATCH.and(request -> range(request).startsWith(PART + "-")), new Fault() {
            @Override
            public Response after(Response response) {
                return Response.of(429).header("Retry-After", retryAfter);
            }
        });

        push();

        assertThat(world.pauses)
                .singleElement()
                .satisfies(pause -> assertThat(pause).isGreaterThanOrEqualTo(Duration.parse("PT" + retryAfter + "S")));
        assertThat(world.openInPauses).containsExactly(openInPause);
        assertThat(opened).hasValue(openings);
        assertThat(sent())
                .containsExactly(
                        "POST",
                        "PATCH 0-" + (PART - 1),
                        "PATCH " + PART + "-" + (2 * PART - 1),
                        "GET",
                        "PATCH " + 2 * PART + "-" + (BLOB.sizeBytes() - 1),
                        "PUT");
        assertThere();
    }

    @Test
    void sourceOfWhichMuchHasBeenReadIsNotReadAgainForAPause() throws IOException {
        long part = 34L * 1024 * 1024;
        Content content = Content.generated(6, 2 * part + 1);
        Descriptor blob =
                Descriptor.of(MediaType.OCTET_STREAM, content.digest(DigestAlgorithm.SHA256), content.sizeBytes());
        registry.faults().once(PATCH.and(request -> range(request).startsWith(part + "-")), new Fault() {
            @Override
            public Response after(Response response) {
                return Response.of(429).header("Retry-After", "60");
            }
        });

        try (RegistryClient client = world.client(registry.uri().toString())) {
            client.repository(TestWorld.NAME, Priority.BACKGROUND, part).pushBlob(blob, new Source(content), log);
        }

        assertThat(world.openInPauses).containsExactly(1);
        assertThat(opened).hasValue(1);
        assertThat(registry.blob("team/app", blob.digest())).isPresent();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void sourceStaysOpenInPausesThatNoRegistryAsksFor(int failures) throws IOException {
        AtomicInteger left = new AtomicInteger(failures);
        registry.faults().always(PUT, new Fault() {
            @Override
            public Optional<Response> instead(Request request) {
                return left.getAndDecrement() > 0 ? Optional.of(Response.of(503)) : Optional.empty();
            }
        });

        push();

        assertThat(world.openInPauses).hasSize(failures).containsOnly(1);
        assertThat(opened).hasValue(1);
        assertThere();
    }

    @Test
    void registryThatForgetsEachSessionIsAnOutageAndSaysWhich() {
        registry.faults().always(PATCH, Fault.error(404, "BLOB_UPLOAD_UNKNOWN"));

        assertThatThrownBy(this::push)
                .isInstanceOf(OutageException.class)
                .hasMessageContaining("does not know the session")
                .hasMessageContaining(DIGEST.toString());
        assertThat(registry.requests(PATCH)).hasSize(4);
    }

    @Test
    void registryThatTakesPartsAndGetsNoFurtherIsGivenUp() {
        registry.faults()
                .always(
                        PATCH,
                        Fault.instead(Response.of(202)
                                .header("Location", "/v2/team/app/blobs/uploads/1")
                                .header("Range", "0-99")));

        assertThatThrownBy(this::push)
                .isInstanceOf(OutageException.class)
                .hasMessageContaining("took nothing of a part");
        assertThat(registry.requests(PATCH)).hasSize(4);
    }

    @Test
    void registryThatTakesAByteOfEachPartIsGivenUp() {
        AtomicInteger parts = new AtomicInteger();
        registry.faults().always(PATCH, new Fault() {
            @Override
            public Optional<Response> instead(Request request) {
                int part = parts.incrementAndGet();
                if (part > 50) {
                    return Optional.empty();
                }
                return Optional.of(Response.of(202)
                        .header("Location", "/v2/team/app/blobs/uploads/1")
                        .header("Range", "0-" + part));
            }
        });

        assertThatThrownBy(this::push)
                .isInstanceOf(OutageException.class)
                .hasMessageContaining("took next to nothing of a part");
        assertThat(registry.requests(PATCH)).hasSize(4);
    }

    @Test
    void locationOfTheLogOnPlainHttpIsNotUsedForARegistryOnTls() throws IOException {
        log.note(DIGEST, new UploadLog.Upload(registry.uri().resolve("/elsewhere"), PART));
        RegistryEndpoint secure = RegistryEndpoint.of(TestWorld.REGISTRY, URI.create("https://127.0.0.1:1"));
        try (RegistryClient client = new RegistryClient(secure, world.environment())) {
            assertThatThrownBy(() -> client.repository(TestWorld.NAME).pushBlob(DESCRIPTOR, new Source(BLOB), log))
                    .isInstanceOf(OutageException.class);
        }
        assertThat(registry.calls().all()).isEmpty();
    }
}
