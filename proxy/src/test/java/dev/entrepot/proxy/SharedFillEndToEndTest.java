package dev.entrepot.proxy;

import static dev.entrepot.proxy.MirrorFixture.APP;
import static dev.entrepot.proxy.MirrorFixture.code;
import static dev.entrepot.proxy.MirrorFixture.header;
import static dev.entrepot.proxy.MirrorFixture.verdict;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Content;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Gate;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.Request;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One fetch for all who want a blob, seen from the clients and from the upstream of a whole mirror. */
class SharedFillEndToEndTest {
    private static final int SIZE = 1 << 20;
    private static final int CLIENTS = 50;

    @TempDir
    Path folder;

    private final TestRegistry registry = TestRegistry.started();
    private final Images images = new Images(4);
    private final Bundle image = images.image(SIZE);
    private final Digest blob = List.copyOf(image.blobs().keySet()).getLast();
    private final Content content = Objects.requireNonNull(image.blobs().get(blob));
    private final String path = "/v2/" + APP + "/blobs/" + blob;
    private final Predicate<Request> gets = Requests.get().and(Requests.blob(blob));
    private final Gate gate = new Gate();
    private MirrorFixture mirror;

    @BeforeEach
    void start() throws Exception {
        registry.push(APP, image, "1");
        mirror = MirrorFixture.of(folder, registry.uri());
        mirror.get("/v2/" + APP + "/manifests/1");
    }

    @AfterEach
    void stop() {
        gate.open();
        mirror.close();
        registry.close();
    }

    @Test
    void fiftyClientsCostTheUpstreamOneGet() throws Exception {
        registry.faults().once(gets, Fault.stallAfter(SIZE / 2, gate));
        CountDownLatch reading = new CountDownLatch(CLIENTS);
        List<String> verdicts = new ArrayList<>();
        try (ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<String>> pulls = new ArrayList<>();
            for (int i = 0; i < CLIENTS; i++) {
                pulls.add(clients.submit(() -> pull(reading)));
            }
            assertThat(reading.await(20, TimeUnit.SECONDS)).isTrue();
            gate.open();
            for (Future<String> pull : pulls) {
                verdicts.add(pull.get(20, TimeUnit.SECONDS));
            }
        }
        assertThat(verdicts).containsOnly("miss", "joined").containsOnlyOnce("miss");
        assertThat(registry.calls().count(gets)).isEqualTo(1);
        assertThat(mirror.metric("entrepot_fetched_bytes_total")).isEqualTo(SIZE);
        assertThat(mirror.metric("entrepot_joined_total")).isEqualTo(CLIENTS - 1);
    }

    private String pull(CountDownLatch reading) throws Exception {
        HttpResponse<InputStream> answer = mirror.open(path);
        try (InputStream body = answer.body()) {
            byte[] first = body.readNBytes(1000);
            reading.countDown();
            byte[] rest = body.readAllBytes();
            byte[] whole = new byte[first.length + rest.length];
            System.arraycopy(first, 0, whole, 0, first.length);
            System.arraycopy(rest, 0, whole, first.length, rest.length);
            assertThat(Digest.sha256(whole)).isEqualTo(blob);
        }
        return verdict(answer);
    }

    @Test
    void clientHasAllButTheEndWhileTheUpstreamWithholdsTheLastByte() throws Exception {
        registry.faults().once(gets, Fault.stallAfter(SIZE - 1, gate));
        HttpResponse<InputStream> answer = mirror.open(path);
        try (InputStream body = answer.body()) {
            assertThat(header(answer, "Content-Length")).isEqualTo(Integer.toString(SIZE));
            int unverified = 16 * 1024;
            assertThat(body.readNBytes(SIZE - unverified))
                    .isEqualTo(content.slice(0, SIZE - unverified).bytes());
            gate.open();
            assertThat(body.readAllBytes())
                    .isEqualTo(content.slice(SIZE - unverified, unverified).bytes());
        }
    }

    @Test
    void clientThatLeavesInMidBodyLeavesTheFetchToTheOthers() throws Exception {
        registry.faults().once(gets, Fault.stallAfter(SIZE / 2, gate));
        HttpResponse<InputStream> leaving = mirror.open(path);
        try (InputStream body = leaving.body()) {
            assertThat(body.readNBytes(1000)).hasSize(1000);
        }
        gate.open();
        mirror.awaitFills();
        HttpResponse<byte[]> next = mirror.get(path);
        assertThat(Digest.sha256(next.body())).isEqualTo(blob);
        assertThat(verdict(next)).isEqualTo("hit");
        assertThat(registry.calls().count(gets)).isEqualTo(1);
    }

    @Test
    void clientThatComesLateReadsFromTheBeginningAtOnceAndRangesFromWhatIsThere() throws Exception {
        registry.faults().once(gets, Fault.stallAfter(SIZE / 2, gate));
        try (InputStream first = mirror.open(path).body();
                InputStream late = mirror.open(path).body()) {
            assertThat(first.readNBytes(SIZE / 4)).hasSize(SIZE / 4);
            assertThat(late.readNBytes(SIZE / 4))
                    .isEqualTo(content.slice(0, SIZE / 4).bytes());
            HttpResponse<byte[]> range = mirror.get(path, "Range", "bytes=100000-100999");
            assertThat(range.statusCode()).isEqualTo(206);
            assertThat(verdict(range)).isEqualTo("joined");
            assertThat(header(range, "Content-Range")).isEqualTo("bytes 100000-100999/" + SIZE);
            assertThat(range.body()).isEqualTo(content.slice(100_000, 1000).bytes());
        }
        assertThat(registry.calls().count(gets)).isEqualTo(1);
    }

    @Test
    void rangeFarAheadIsFetchedForItsClientWhileTheFillGoesOn() throws Exception {
        Bundle large = registry.push("team/large", images.image(8 << 20), "1");
        Digest layer = List.copyOf(large.blobs().keySet()).getLast();
        Predicate<Request> fill = Requests.get().and(Requests.blob(layer));
        registry.faults().once(fill, Fault.stallAfter(SIZE / 2, gate));
        String largePath = "/v2/team/large/blobs/" + layer;
        try (InputStream first = mirror.open(largePath).body()) {
            assertThat(first.readNBytes(1000)).hasSize(1000);
            HttpResponse<byte[]> end = mirror.get(largePath, "Range", "bytes=-1000");
            assertThat(end.body())
                    .isEqualTo(Objects.requireNonNull(large.blobs().get(layer))
                            .slice((8 << 20) - 1000, 1000)
                            .bytes());
            gate.open();
            assertThat(first.readAllBytes()).hasSize((8 << 20) - 1000);
        }
        assertThat(registry.calls().count(fill)).isEqualTo(2);
    }

    @Test
    void everyWaiterIsToldOfTheSameFailure() throws Exception {
        registry.faults().once(gets, Fault.hold(gate));
        registry.faults().once(gets, Fault.error(404, "BLOB_UNKNOWN"));
        try (ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<HttpResponse<byte[]>> one = clients.submit(() -> mirror.get(path));
            gate.awaitArrivals(1);
            Future<HttpResponse<byte[]>> two = clients.submit(() -> mirror.get(path));
            MirrorFixture.await(() -> mirror.metric("entrepot_joined_total") == 1);
            gate.open();
            assertThat(code(one.get(20, TimeUnit.SECONDS))).isEqualTo("BLOB_UNKNOWN");
            assertThat(code(two.get(20, TimeUnit.SECONDS))).isEqualTo("BLOB_UNKNOWN");
        }
        assertThat(registry.calls().count(gets)).isEqualTo(1);
        mirror.awaitFills();
        assertThat(mirror.get(path).statusCode()).isEqualTo(200);
    }

    @Test
    void blobOfAnotherRepositoryIsServedOnlyOnceTheUpstreamHasItThereToo() throws Exception {
        registry.push("team/other", images.image(10), "1");
        mirror.get(path);
        mirror.awaitFills();
        String elsewhere = "/v2/team/other/blobs/" + blob;
        assertThat(mirror.get(elsewhere).statusCode()).isEqualTo(404);
        assertThat(mirror.head(elsewhere).statusCode()).isEqualTo(404);
        registry.pushBlob("team/other", blob, content);
        HttpResponse<byte[]> proved = mirror.get(elsewhere);
        assertThat(verdict(proved)).isEqualTo("revalidated");
        assertThat(Digest.sha256(proved.body())).isEqualTo(blob);
        assertThat(verdict(mirror.get(elsewhere))).isEqualTo("hit");
        // That there is none is asked for by GET as well.
        assertThat(registry.requests(gets).stream().filter(call -> call.status() == 200))
                .hasSize(1);
    }

    @Test
    void blobThatDoesNotFitOnTheDiskIsPassedThroughAndVerified() throws Exception {
        mirror.close();
        mirror = MirrorFixture.started(folder, """
                cache: {directory: ./small, capacity: 100KiB, min-free: 1MiB}
                default-upstream: registry.test
                upstreams:
                  registry.test: {url: "%s"}
                """.formatted(registry.uri()));
        for (int pull = 1; pull <= 2; pull++) {
            assertThat(Digest.sha256(mirror.get(path).body())).isEqualTo(blob);
            assertThat(mirror.metric("entrepot_fills_degraded_total")).isEqualTo(pull);
        }
        assertThat(mirror.get(path, "Range", "bytes=5-9").body())
                .isEqualTo(content.slice(5, 5).bytes());
        registry.faults().always(gets, Fault.corruptAt(SIZE - 1));
        assertThatThrownBy(() -> mirror.get(path)).isInstanceOf(IOException.class);
    }

    /** Without the disk there is nothing to look at before the first byte goes out; still, trap 1 holds. */
    @Test
    void manifestIsNotServedAsABlobEvenWhereThereIsNoRoomToLookAtIt() throws Exception {
        mirror.close();
        mirror = MirrorFixture.started(folder, """
                cache: {directory: ./tiny, capacity: 100B, min-free: 1MiB}
                default-upstream: registry.test
                upstreams:
                  registry.test: {url: "%s"}
                """.formatted(registry.uri()));
        registry.pushBlob(APP, image.root().array());
        HttpResponse<byte[]> asBlob = mirror.get("/v2/" + APP + "/blobs/" + image.digest());
        assertThat(asBlob.statusCode()).isEqualTo(404);
        assertThat(code(asBlob)).isEqualTo("BLOB_UNKNOWN");
    }
}
