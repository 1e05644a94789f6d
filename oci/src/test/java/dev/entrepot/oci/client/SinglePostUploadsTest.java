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
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.UnauthorizedException;
import dev.entrepot.oci.testing.Abilities;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Feature;
import dev.entrepot.oci.testing.RecordedCall;
import dev.entrepot.oci.testing.Request;
import dev.entrepot.oci.testing.Response;
import dev.entrepot.oci.testing.TestRegistry;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Small blobs in the request that would open a session (distribution-spec end-4b), where a registry takes them so. */
class SinglePostUploadsTest {
    private static final Predicate<Request> SINGLE = request ->
            request.method().equals("POST") && request.query("digest").isPresent();

    private final TestWorld world = new TestWorld();
    private final TestRegistry registry = TestRegistry.started(Abilities.DEFAULT.with(Feature.SINGLE_POST));
    private RegistryClient client;
    private RemoteRepository repository;
    private int sourcesOpened;

    @BeforeEach
    void open() throws IOException {
        client = world.client(registry.uri().toString());
        repository = client.target(TestWorld.NAME);
    }

    @AfterEach
    void close() {
        client.close();
        registry.close();
        assertThat(world.openBodies).as("bodies of sources that were left open").hasValue(0);
    }

    /** Pushes a new blob of this size, and tells what was asked meanwhile. */
    private List<String> push(int size) throws IOException {
        return push(repository, size);
    }

    private List<String> push(RemoteRepository to, int size) throws IOException {
        byte[] bytes = new byte[size];
        new Random().nextBytes(bytes);
        Descriptor blob = Descriptor.of(MediaType.OCTET_STREAM, Digest.sha256(bytes), size);
        registry.calls().clear();
        Source source = new Source(bytes);
        sourcesOpened = 0;
        try {
            to.pushBlob(blob, source);
        } finally {
            sourcesOpened = source.opened.get();
            assertThat(registry.uploadsOpen()).as("sessions left behind").isZero();
        }
        assertThat(registry.blobs(TestWorld.NAME.value())).contains(blob.digest());
        return asked();
    }

    private List<String> asked() {
        return registry.calls().all().stream().map(SinglePostUploadsTest::shown).toList();
    }

    private static String shown(RecordedCall call) {
        Request request = call.request();
        return request.method() + (SINGLE.test(request) ? " blob " : " ") + call.status();
    }

    private final class Source implements BlobSource {
        private final AtomicInteger opened = new AtomicInteger();
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
            opened.incrementAndGet();
            return world.body(bytes.length, new ByteArrayInputStream(bytes));
        }
    }

    @Test
    void firstSmallBlobShowsThatOneRequestIsEnough() throws IOException {
        assertThat(push(100)).as("looked for, this once").containsExactly("POST blob 201", "HEAD 200");
        assertThat(push(100)).containsExactly("POST blob 201");
        assertThat(push((int) SinglePosts.MOST_BYTES)).containsExactly("POST blob 201");
        assertThat(push((int) SinglePosts.MOST_BYTES + 1)).containsExactly("POST 202", "PUT 201");
        assertThat(push(0)).containsExactly("POST 202", "PUT 201");
    }

    @Test
    void whatARegistryShowedHoldsForItsOtherRepositories() throws IOException {
        push(100);
        RemoteRepository other = client.target(new RepositoryName("team/other"));
        byte[] bytes = {1, 2, 3};
        registry.calls().clear();
        other.pushBlob(Descriptor.of(MediaType.OCTET_STREAM, Digest.sha256(bytes), 3), new Source(bytes));
        assertThat(asked()).containsExactly("POST blob 201");
    }

    @Test
    void largeBlobIsNotSentToSeeWhetherThatWorks() throws IOException {
        assertThat(push((int) SinglePosts.MOST_BYTES_TO_ASK + 1)).containsExactly("POST 202", "PUT 201");
        assertThat(push((int) SinglePosts.MOST_BYTES_TO_ASK)).containsExactly("POST blob 201", "HEAD 200");
    }

    @Test
    void sessionThatIsOpenedInsteadIsUsedAndTheRegistryIsAskedAgainAfterTenMinutes() throws IOException {
        registry.able(Abilities.DEFAULT);
        assertThat(push(100)).containsExactly("POST blob 202", "PUT 201");
        assertThat(sourcesOpened).as("times that the source was read").isEqualTo(1);
        assertThat(push(100)).containsExactly("POST 202", "PUT 201");

        registry.able(Abilities.DEFAULT.with(Feature.SINGLE_POST));
        world.advance(Duration.ofMinutes(9));
        assertThat(push(100)).containsExactly("POST 202", "PUT 201");
        world.advance(Duration.ofMinutes(2));
        assertThat(push(100)).containsExactly("POST blob 201", "HEAD 200");
    }

    @Test
    void registryThatNoLongerTakesThemIsBelieved() throws IOException {
        push(100);
        registry.able(Abilities.DEFAULT);
        assertThat(push(100)).containsExactly("POST blob 202", "PUT 201");
        assertThat(push(100)).containsExactly("POST 202", "PUT 201");
    }

    @Test
    void registryThatSaysCreatedAndHasCreatedNothingIsNotBelieved() throws IOException {
        registry.faults().always(SINGLE, Fault.status(201));
        assertThat(push(100)).containsExactly("POST blob 201", "HEAD 404", "POST 202", "PUT 201");
        assertThat(push(100)).containsExactly("POST 202", "PUT 201");
    }

    @Test
    void successThatDoesNotSayWhatWasDoneIsLookedAfter() throws IOException {
        push(100);
        registry.faults().once(SINGLE, Fault.status(200));
        assertThat(push(100)).containsExactly("POST blob 200", "HEAD 404", "POST 202", "PUT 201");
    }

    @ParameterizedTest
    @CsvSource({
        "400, DIGEST_INVALID",
        "401, UNAUTHORIZED",
        "403, DENIED",
        "404, NAME_UNKNOWN",
        "405, UNSUPPORTED",
        "413, SIZE_INVALID"
    })
    void registryThatRefusesThemIsSentASession(int status, String code) throws IOException {
        registry.faults().always(SINGLE, Fault.error(status, code));
        List<String> asked = push(100);
        assertThat(asked).endsWith("POST blob " + status, "POST 202", "PUT 201");
        assertThat(sourcesOpened).as("times that the source was read").isEqualTo(1);
        assertThat(push(100)).containsExactly("POST 202", "PUT 201");
        assertThat(world.pauses).isEmpty();
    }

    @Test
    void registryThatBeginsToRefuseThemIsSentASession() throws IOException {
        push(100);
        registry.faults().always(SINGLE, Fault.error(403, "DENIED"));
        assertThat(push(100)).endsWith("POST 202", "PUT 201");
        assertThat(push(100)).containsExactly("POST 202", "PUT 201");
    }

    @Test
    void serverErrorCostsOnePauseAndNoBlobAfterItTriesThatWay() throws IOException {
        registry.faults().always(SINGLE, Fault.error(500, "UNKNOWN"));
        assertThat(push(100)).containsExactly("POST blob 500", "POST 202", "PUT 201");
        assertThat(world.pauses).hasSize(1);
        assertThat(push(100)).containsExactly("POST 202", "PUT 201");
        assertThat(world.pauses).hasSize(1);
    }

    @Test
    void wishToBeLeftAloneSaysNothingOfTheWay() throws IOException {
        registry.faults().once(SINGLE, Fault.error(429, "TOOMANYREQUESTS"));
        assertThat(push(100)).containsExactly("POST blob 429", "POST 202", "PUT 201");
        assertThat(push(100)).containsExactly("POST blob 201", "HEAD 200");
        registry.faults().once(SINGLE, Fault.error(429, "TOOMANYREQUESTS"));
        assertThat(push(100)).containsExactly("POST blob 429", "POST 202", "PUT 201");
        assertThat(push(100)).containsExactly("POST blob 201");
    }

    @Test
    void refusalThatIsAboutTheBlobComesFromTheOtherWayToo() {
        registry.faults().always(request -> request.method().equals("POST"), Fault.error(403, "DENIED"));
        assertThatThrownBy(() -> push(100)).isInstanceOf(UnauthorizedException.class);
        assertThat(asked()).endsWith("POST blob 403", "POST 403");
        assertThatThrownBy(() -> push(100)).isInstanceOf(UnauthorizedException.class);
        assertThat(asked()).containsExactly("POST 403");
        assertThat(sourcesOpened).as("times that the source was read").isZero();
    }

    @Test
    void blobThatWasTakenAndIsSentAgainGoesByASession() throws IOException {
        push(100);
        byte[] bytes = {1, 2, 3};
        Descriptor blob = Descriptor.of(MediaType.OCTET_STREAM, Digest.sha256(bytes), 3);
        registry.faults().once(SINGLE, Fault.instead(Response.of(201).header("Location", "/nowhere")));
        registry.calls().clear();
        repository.pushBlob(blob, new Source(bytes));
        assertThat(asked()).containsExactly("POST blob 201");

        registry.calls().clear();
        repository.pushBlob(blob, new Source(bytes));
        assertThat(asked()).containsExactly("POST 202", "PUT 201");
        assertThat(push(100)).containsExactly("POST 202", "PUT 201");
    }

    @Test
    void successWithAnotherDigestIsNone() throws IOException {
        push(100);
        registry.faults()
                .once(
                        SINGLE,
                        Fault.instead(Response.of(201)
                                .header(
                                        "Docker-Content-Digest",
                                        Digest.sha256(new byte[0]).toString())));
        assertThat(push(100)).containsExactly("POST blob 201", "POST 202", "PUT 201");
    }

    @Test
    void successWithoutAWordIsLookedAfterAlsoWhereTheyAreTaken() throws IOException {
        push(100);
        registry.faults().once(SINGLE, Fault.instead(Response.of(201)));
        assertThat(push(100)).containsExactly("POST blob 201", "HEAD 404", "POST 202", "PUT 201");
    }

    @Test
    void sessionThatKeptTheBytesIsCancelled() throws IOException {
        push(100);
        registry.able(Abilities.DEFAULT);
        registry.faults().once(SINGLE, Fault.header("Range", "0-99"));
        assertThat(push(100)).containsExactly("POST blob 202", "DELETE 204", "POST 202", "PUT 201");
    }

    @Test
    void redirectedOnesAreTakenAndNotTriedAgain() throws IOException {
        registry.faults()
                .always(
                        request ->
                                SINGLE.test(request) && request.query("moved").isEmpty(),
                        Fault.redirect(request -> request.target() + "&moved=1"));
        assertThat(push(100)).containsExactly("POST blob 307", "POST blob 201", "HEAD 200");
        assertThat(push(100)).containsExactly("POST 202", "PUT 201");
    }

    @Test
    void whatTheRegistryWantsToBeLeftAloneForHoldsNoSourceOpen() throws IOException {
        push(100);
        registry.faults().once(SINGLE, Fault.instead(Response.of(429).header("Retry-After", "40")));
        assertThat(push(1000)).containsExactly("POST blob 429", "POST 202", "PUT 201");
        assertThat(world.openInPauses).containsExactly(0);
        assertThat(sourcesOpened).as("times that the source was read").isEqualTo(1);
    }

    @Test
    void sourceThatFailsLeavesTheQuestionToTheNextBlob() throws IOException {
        Descriptor blob = Descriptor.of(MediaType.OCTET_STREAM, Digest.sha256(new byte[] {1}), 1);
        BlobSource broken = new BlobSource() {
            @Override
            public Optional<OptionalLong> statBlob(Digest digest) {
                return Optional.empty();
            }

            @Override
            public BlobBody openBlob(Digest digest, ByteRange range) throws IOException {
                throw new OutageException(OutageException.Reason.UNREACHABLE, "the source is away");
            }
        };
        assertThatThrownBy(() -> repository.pushBlob(blob, broken)).hasMessageContaining("the source is away");
        assertThat(asked()).isEmpty();
        assertThat(push(100)).containsExactly("POST blob 201", "HEAD 200");
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 4})
    void whatTheSourceHasWrongIsNotSentAtAll(int length) {
        Descriptor blob = Descriptor.of(MediaType.OCTET_STREAM, Digest.sha256(new byte[] {1, 2, 3}), 3);
        assertThatThrownBy(() -> repository.pushBlob(blob, new Source(new byte[length])))
                .isInstanceOf(InvalidContentException.class);
        assertThat(asked()).isEmpty();
    }

    @Test
    void othersDoNotWaitForTheAnswer() {
        SinglePosts posts = new SinglePosts(world.environment().nanoTime());
        Repository team = registry.repository("team/app");
        Digest one = Digest.sha256(new byte[] {1});
        Digest two = Digest.sha256(new byte[] {2});
        assertThat(posts.way(team, one, 100)).isEqualTo(SinglePosts.Way.ASKING);
        assertThat(posts.way(team, two, 100)).isEqualTo(SinglePosts.Way.SESSION);
        posts.ended(team, one, SinglePosts.Way.ASKING, SinglePosts.Shown.NOTHING);
        assertThat(posts.way(team, two, 100)).isEqualTo(SinglePosts.Way.ASKING);
        posts.ended(team, two, SinglePosts.Way.ASKING, SinglePosts.Shown.TAKEN);
        assertThat(posts.way(team, one, 100)).isEqualTo(SinglePosts.Way.SINGLE);
        posts.ended(team, one, SinglePosts.Way.SINGLE, SinglePosts.Shown.NOTHING);
        assertThat(posts.way(team, one, 100)).isEqualTo(SinglePosts.Way.SINGLE);
    }
}
