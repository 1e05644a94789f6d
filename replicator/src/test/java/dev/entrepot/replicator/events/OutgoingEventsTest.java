package dev.entrepot.replicator.events;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.OutageException;
import dev.entrepot.replicator.Engine;
import dev.entrepot.replicator.MemoryRegistry;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import dev.entrepot.replicator.ReplicationReport;
import dev.entrepot.replicator.RetryPolicy;
import dev.entrepot.replicator.Rules;
import dev.entrepot.replicator.Shapes;
import dev.entrepot.replicator.VirtualTime;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

class OutgoingEventsTest {
    private static final RetryPolicy MANY = new RetryPolicy(12, Duration.ofSeconds(1), Duration.ofMinutes(1), 1);

    @TempDir
    private Path folder;

    private final VirtualTime clock = new VirtualTime();
    private final RetryPolicy retries = new RetryPolicy(3, Duration.ofSeconds(1), Duration.ofSeconds(9), 9);

    private ReplicationReport report() throws IOException {
        MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
        MemoryRegistry target = new MemoryRegistry("target.test", Abilities.ALL);
        Shapes shapes = new Shapes(source.repository("app"));
        var bad = shapes.image("bad");
        shapes.tag("good", shapes.image("good"));
        shapes.tag("bad", bad);
        source.gate((index, request) -> {
            if (request.equals("GET referrers app " + bad.digest())) {
                throw new OutageException(OutageException.Reason.TIMEOUT, "no answer");
            }
        });
        try (Engine engine = new Engine(folder)) {
            return engine.run(new Rules(source).to(target));
        }
    }

    @Test
    void runTellsWhatArrivedWhatWasRefusedAndHowItEnded() throws IOException {
        List<ReplicationEvent> events = ReplicationEvent.of(report());

        assertThat(events)
                .extracting(event -> event.getClass().getSimpleName())
                .containsExactlyInAnyOrder("ArtifactArrived", "TagRefused", "RunFinished");
        assertThat(events.getLast()).isInstanceOf(ReplicationEvent.RunFinished.class);
        for (ReplicationEvent event : events) {
            JsonNode json = OciJson.mapper().readTree(EventFormats.cloudEvent(event, "id-1", "/entrepot"));
            assertThat(json.path("specversion").asString()).isEqualTo("1.0");
            assertThat(json.path("type").asString()).startsWith("dev.entrepot.");
            assertThat(json.at("/data/rule").asString()).isEqualTo("rule");
        }
    }

    @Test
    void arrivalInDistributionsEnvelopeIsReadByOurOwnReceiver() throws IOException {
        ReplicationEvent arrived = ReplicationEvent.of(report()).stream()
                .filter(ReplicationEvent.ArtifactArrived.class::isInstance)
                .findFirst()
                .orElseThrow();

        assertThat(PushNotifications.read(
                        EventFormats.distribution(arrived, "1").orElseThrow()))
                .singleElement()
                .satisfies(pushed -> assertThat(pushed.repository().value()).isEqualTo("mirror/app"));
    }

    @Test
    void signatureIsTheHmacOfTheBody() {
        // RFC 4231, test case 2
        assertThat(EventFormats.signature("what do ya want for nothing?".getBytes(StandardCharsets.UTF_8), "Jefe"))
                .isEqualTo("sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    @Test
    void messageIsRepeatedUntilItIsTakenAndSigned() throws InterruptedException {
        List<Map<String, String>> posts = new ArrayList<>();
        EventSink sink = (headers, body) -> {
            posts.add(headers);
            if (posts.size() == 1) {
                throw new IOException("connection refused");
            }
            return posts.size() == 2 ? 500 : 204;
        };
        try (EventQueue queue = new EventQueue(sink, 10, Optional.of("key"), retries, clock.time())) {
            queue.add("application/json", new byte[] {1});
            assertThat(queue.awaitEmpty(Duration.ofSeconds(30))).isTrue();

            assertThat(queue.delivered()).isEqualTo(1);
            assertThat(posts).hasSize(3);
            assertThat(posts.getFirst())
                    .containsEntry(EventFormats.SIGNATURE_HEADER, EventFormats.signature(new byte[] {1}, "key"));
            assertThat(clock.slept()).containsExactly(Duration.ofSeconds(1), Duration.ofSeconds(2));
        }
    }

    @Test
    void errorAtOneMessageEndsNotTheDelivery() throws InterruptedException {
        EventSink sink = (headers, body) -> {
            if (body[0] == 1) {
                throw new NoClassDefFoundError("broken");
            }
            return 200;
        };
        try (EventQueue queue = new EventQueue(sink, 10, Optional.empty(), retries, clock.time())) {
            queue.add("application/json", new byte[] {1});
            queue.add("application/json", new byte[] {2});
            assertThat(queue.awaitEmpty(Duration.ofSeconds(30))).isTrue();
            assertThat(queue.dropped()).isEqualTo(1);
            assertThat(queue.delivered()).isEqualTo(1);
        }
    }

    @Test
    void messageThatIsNeverTakenIsDroppedAndTheNextIsDelivered() throws InterruptedException {
        EventSink sink = (headers, body) -> body[0] == 1 ? 503 : 200;
        try (EventQueue queue = new EventQueue(sink, 10, Optional.empty(), retries, clock.time())) {
            queue.add("application/json", new byte[] {1});
            queue.add("application/json", new byte[] {2});
            assertThat(queue.awaitEmpty(Duration.ofSeconds(30))).isTrue();
            assertThat(queue.dropped()).isEqualTo(1);
            assertThat(queue.delivered()).isEqualTo(1);
        }
    }

    @Test
    void receiverThatTakesNothingIsToldOfOnceEachTimeThatItBegins() throws InterruptedException {
        List<String> heard = new CopyOnWriteArrayList<>();
        EventSink sink = (headers, body) -> {
            if (body[0] == 5) {
                throw new IOException("it hung up");
            }
            return body[0] <= 2 ? 404 : 200;
        };
        try (EventQueue queue = new EventQueue(sink, 10, Optional.empty(), retries, clock.time(), new Noting(heard))) {
            for (byte i = 1; i <= 5; i++) {
                queue.add("application/json", new byte[] {i});
            }
            assertThat(queue.awaitEmpty(Duration.ofSeconds(30))).isTrue();
            assertThat(heard).containsExactly("it answered 404", "again", "it hung up");
        }
    }

    @Test
    void receiverThatIsDownIsTriedForLongAndOneThatRefusesIsBelieved() throws InterruptedException {
        List<Byte> posts = new ArrayList<>();
        EventSink sink = (headers, body) -> {
            posts.add(body[0]);
            return switch (body[0]) {
                case 1 -> posts.size() == 12 ? 200 : 503;
                case 2 -> 400;
                case 3 -> posts.size() <= 21 ? 429 : 200;
                default -> throw new IOException("it hung up");
            };
        };
        try (EventQueue queue = new EventQueue(sink, 10, Optional.empty(), MANY, clock.time())) {
            for (byte i = 1; i <= 4; i++) {
                queue.add("application/json", new byte[] {i});
            }
            assertThat(queue.awaitEmpty(Duration.ofSeconds(30))).isTrue();
            assertThat(posts)
                    .extracting(Byte::intValue)
                    .startsWith(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 4)
                    .hasSize(12 + 4 + 6 + 12);
            assertThat(queue.delivered()).isEqualTo(2);
            assertThat(queue.dropped()).isEqualTo(2);
        }
    }

    @Test
    void fullQueueDropsTheOldest() throws InterruptedException {
        CountDownLatch taken = new CountDownLatch(1);
        CountDownLatch proceed = new CountDownLatch(1);
        List<Byte> got = new ArrayList<>();
        EventSink sink = (headers, body) -> {
            taken.countDown();
            await(proceed);
            got.add(body[0]);
            return 200;
        };
        try (EventQueue queue = new EventQueue(sink, 2, Optional.empty(), retries, clock.time())) {
            queue.add("application/json", new byte[] {1});
            taken.await();
            for (byte i = 2; i <= 5; i++) {
                queue.add("application/json", new byte[] {i});
            }
            proceed.countDown();
            assertThat(queue.awaitEmpty(Duration.ofSeconds(30))).isTrue();
            assertThat(got).containsExactly((byte) 1, (byte) 4, (byte) 5);
            assertThat(queue.dropped()).isEqualTo(2);
        }
    }

    private static byte[][] bodies(int... numbers) {
        byte[][] bodies = new byte[numbers.length][];
        for (int i = 0; i < numbers.length; i++) {
            bodies[i] = new byte[] {(byte) numbers[i]};
        }
        return bodies;
    }

    private static void await(CountDownLatch latch) throws IOException {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }

    private List<Integer> posted(EventSink sink, byte[]... bodies) throws InterruptedException {
        return delivered(sink, bodies).posts();
    }

    /** What was posted, what of it was taken, and how many were given up. */
    private record Delivered(List<Integer> posts, List<Integer> taken, long dropped) {}

    // All wait before the first is posted.
    private Delivered delivered(EventSink sink, byte[]... bodies) throws InterruptedException {
        CountDownLatch added = new CountDownLatch(1);
        List<Integer> posts = new ArrayList<>();
        List<Integer> taken = new ArrayList<>();
        EventSink counted = (headers, body) -> {
            await(added);
            posts.add((int) body[0]);
            int status = sink.post(headers, body);
            if (status == 200) {
                taken.add((int) body[0]);
            }
            return status;
        };
        try (EventQueue queue = new EventQueue(counted, 2000, Optional.empty(), MANY, clock.time())) {
            for (byte[] body : bodies) {
                queue.add("application/json", body);
            }
            added.countDown();
            assertThat(queue.awaitEmpty(Duration.ofSeconds(30))).isTrue();
            assertThat(queue.delivered()).isEqualTo(taken.size());
            return new Delivered(posts, taken, queue.dropped());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {301, 308, 404, 501, 505})
    void answerThatIsTheSameHoweverOftenOneAsksIsBelievedAsARefusal(int status) throws InterruptedException {
        assertThat(posted((headers, body) -> status, bodies(1, 2))).containsExactly(1, 1, 1, 1, 2, 2, 2, 2);
    }

    @Test
    void receiverThatFailsAtOneMessageAloneIsNotKeptFromThoseBehindItForLong() throws InterruptedException {
        assertThat(posted((headers, body) -> body[0] == 2 ? 500 : 200, bodies(1, 2, 3)))
                .as("with a last attempt when the one behind it was taken")
                .containsExactly(1, 2, 2, 2, 2, 3, 2);
        assertThat(clock.slept()).extracting(Duration::toSeconds).containsExactly(1L, 2L, 4L);
    }

    @Test
    void messagesInARowThatAReceiverFailsAtCostOneWaitTogether() throws InterruptedException {
        Delivered delivered =
                delivered((headers, body) -> body[0] == 1 || body[0] == 6 ? 200 : 500, bodies(1, 2, 3, 4, 5, 6));

        assertThat(delivered.posts()).containsExactly(1, 2, 2, 2, 2, 3, 4, 5, 6, 2, 3, 4, 5);
        assertThat(delivered.taken()).containsExactly(1, 6);
        assertThat(delivered.dropped()).isEqualTo(4);
        assertThat(clock.slept()).extracting(Duration::toSeconds).containsExactly(1L, 2L, 4L);
    }

    @ParameterizedTest
    @CsvSource({"0, 30, 5", "3, 30, 20", "10, 30, 40", "29, 30, 90", "2, 100, 30", "0, 1000, 60", "2, 1000, 300"})
    void messagesInARowThatAReceiverFailsAtAreGotOverInTimeHoweverSlowlyItFails(int seconds, int many, int minutes)
            throws InterruptedException {
        byte[][] bodies = new byte[many + 2][];
        Arrays.fill(bodies, new byte[] {5});
        bodies[0] = new byte[] {1};
        bodies[many + 1] = new byte[] {6};
        Instant began = clock.instant();
        Delivered delivered = delivered(
                (headers, body) -> {
                    if (body[0] != 5) {
                        return 200;
                    }
                    clock.pass(Duration.ofSeconds(seconds));
                    return 500;
                },
                bodies);

        assertThat(delivered.taken()).containsExactly(1, 6);
        assertThat(delivered.dropped()).isEqualTo(many);
        Duration took = Duration.between(began, clock.instant());
        assertThat(took).isLessThan(Duration.ofMinutes(minutes));
        assertThat(delivered.posts().size() - 2 * many)
                .as("about one a second, but for each that is given up")
                .isLessThan((int) took.toSeconds());
    }

    @Test
    void receiverThatFailsAtAllForMinutesIsToldAllInOrder() throws InterruptedException {
        Instant back = clock.instant().plus(Duration.ofMinutes(5));
        Delivered delivered = delivered(
                (headers, body) -> body[0] == 1 || !clock.instant().isBefore(back) ? 200 : 500, bodies(1, 2, 3, 4, 5));

        assertThat(delivered.taken()).containsExactly(1, 2, 3, 4, 5);
        assertThat(delivered.dropped()).isZero();
    }

    @ParameterizedTest
    @ValueSource(ints = {500, 503})
    void receiverThatIsOutForAnHourLosesOneMessageForEachSixMinutes(int status) throws InterruptedException {
        byte[][] bodies = new byte[100][];
        Arrays.fill(bodies, new byte[] {2});
        Instant back = clock.instant().plus(Duration.ofHours(1));
        Delivered delivered = delivered((headers, body) -> clock.instant().isBefore(back) ? status : 200, bodies);

        assertThat(delivered.dropped()).isBetween(1L, 10L);
        assertThat(delivered.posts().size() - delivered.taken().size()).isLessThan(3600);
    }

    @Test
    void receiverThatComesBackWhileThoseBehindAreTriedLosesNothing() throws InterruptedException {
        List<Integer> posts = new ArrayList<>();
        Delivered delivered = delivered(
                (headers, body) -> {
                    posts.add((int) body[0]);
                    return posts.size() < 7 ? 500 : 200;
                },
                bodies(1, 2, 3, 4, 5));

        assertThat(delivered.posts()).containsExactly(1, 1, 1, 1, 2, 3, 4, 1, 2, 3, 5);
        assertThat(delivered.dropped()).isZero();
    }

    @Test
    void receiverThatGoesAwayWhileThoseBehindAreTriedLosesNothing() throws InterruptedException {
        List<Integer> posts = new ArrayList<>();
        Delivered delivered = delivered(
                (headers, body) -> {
                    posts.add((int) body[0]);
                    return switch (posts.size()) {
                        case 1, 2, 3, 4, 5, 7 -> 500;
                        case 6 -> 503;
                        case 9 -> throw new IOException("it hung up");
                        default -> 200;
                    };
                },
                bodies(1, 2, 3));

        assertThat(delivered.posts())
                .as("2 fails and 3 meets nobody; then 2 is taken and 1 meets nobody")
                .containsExactly(1, 1, 1, 1, 2, 3, 1, 2, 1, 1, 3);
        assertThat(delivered.dropped()).isZero();
    }

    @Test
    void receiverThatFailsAtMostPostsWhateverTheyAreLosesSome() throws InterruptedException {
        List<Integer> posts = new ArrayList<>();
        Delivered delivered = delivered(
                (headers, body) -> {
                    posts.add((int) body[0]);
                    return posts.size() % 5 == 0 ? 200 : 500;
                },
                bodies(1, 2, 3, 4, 5, 6));

        assertThat(delivered.posts())
                .as("each fifth is taken: 2, 3, 5 and 6")
                .containsExactly(1, 1, 1, 1, 2, 1, 3, 3, 3, 3, 4, 4, 4, 4, 5, 4, 6, 6, 6, 6);
        assertThat(delivered.taken()).containsExactly(2, 3, 5, 6);
        assertThat(delivered.dropped()).isEqualTo(2);
    }

    @Test
    void messageThatMadeRoomWhileThoseBehindAreTriedIsNotPostedAnyMore() throws InterruptedException {
        CountDownLatch added = new CountDownLatch(1);
        List<Integer> posts = new ArrayList<>();
        List<EventQueue> own = new ArrayList<>();
        EventSink sink = (headers, body) -> {
            await(added);
            posts.add((int) body[0]);
            if (body[0] == 3 && posts.size() == 6) {
                own.getFirst().add("application/json", new byte[] {5});
            }
            return body[0] <= 3 ? 500 : 200;
        };
        try (EventQueue queue = new EventQueue(sink, 4, Optional.empty(), MANY, clock.time())) {
            own.add(queue);
            queue.add("application/json", new byte[] {1});
            while (queue.behind() > 0) {
                Thread.onSpinWait();
            }
            for (byte i = 2; i <= 4; i++) {
                queue.add("application/json", new byte[] {i});
            }
            queue.add("application/json", new byte[] {4});
            added.countDown();
            assertThat(queue.awaitEmpty(Duration.ofSeconds(30))).isTrue();

            assertThat(posts).as("2 has gone for 5").containsExactly(1, 1, 1, 1, 2, 3, 4, 1, 3, 4, 5);
            assertThat(queue.dropped()).isEqualTo(3);
            assertThat(queue.delivered()).isEqualTo(3);
        }
    }

    @Test
    void queueThatHoldsTooManyBytesDropsTheOldest() throws InterruptedException {
        CountDownLatch taken = new CountDownLatch(1);
        CountDownLatch proceed = new CountDownLatch(1);
        byte[] mebibyte = new byte[1024 * 1024];
        EventSink sink = (headers, body) -> {
            taken.countDown();
            await(proceed);
            return 200;
        };
        try (EventQueue queue = new EventQueue(sink, 10_000, Optional.empty(), retries, clock.time())) {
            queue.add("application/json", new byte[] {1});
            taken.await();
            for (int i = 0; i < 66; i++) {
                queue.add("application/json", mebibyte);
            }
            assertThat(queue.dropped()).isEqualTo(2);
            proceed.countDown();
            assertThat(queue.awaitEmpty(Duration.ofSeconds(30))).isTrue();
            assertThat(queue.delivered()).isEqualTo(1 + 64);
            for (int i = 0; i < 64; i++) {
                queue.add("application/json", mebibyte);
            }
            assertThat(queue.awaitEmpty(Duration.ofSeconds(30))).isTrue();
            assertThat(queue.dropped()).as("what has gone makes room").isEqualTo(2);
        }
    }

    @Test
    void messageThatIsBrokenOffByTheEndIsNoFailureOfTheReceiver() throws InterruptedException {
        List<String> heard = new CopyOnWriteArrayList<>();
        CountDownLatch lastAttempt = new CountDownLatch(3);
        EventSink sink = (headers, body) -> {
            lastAttempt.countDown();
            if (lastAttempt.getCount() > 0) {
                return 503;
            }
            try {
                new CountDownLatch(1).await();
                return 200;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new InterruptedIOException("interrupted while an event was posted");
            }
        };
        EventQueue queue = new EventQueue(sink, 10, Optional.empty(), retries, clock.time(), new Noting(heard));
        queue.add("application/json", new byte[] {1});
        lastAttempt.await();
        queue.close();
        assertThat(queue.awaitEmpty(Duration.ofSeconds(30))).isTrue();
        assertThat(heard).isEmpty();
        assertThat(queue.dropped()).isEqualTo(1);
    }

    /** Notes what a log would say of a receiver. */
    private record Noting(List<String> heard) implements EventQueue.Listener {
        @Override
        public void fails(String why) {
            heard.add(why);
        }

        @Override
        public void takesAgain() {
            heard.add("again");
        }
    }
}
