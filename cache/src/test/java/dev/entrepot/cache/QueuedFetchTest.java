package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.cache.FetchProgress.Patience;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OutageException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * More fetches than an upstream has slots: who follows them in the background takes no wait for a turn for an outage.
 */
@Timeout(30)
class QueuedFetchTest {
    private static final Duration SHORT = Duration.ofMillis(1);
    private static final Patience BACKGROUND = new Patience(SHORT, true);

    @TempDir
    Path directory;

    private final FakeUpstream upstream = new FakeUpstream("registry.test/team/app");
    private final Semaphore slots = new Semaphore(0);
    private final List<FetchProgress> fetches = new ArrayList<>();
    private CacheFixture cache;

    @BeforeEach
    void open() throws IOException {
        cache = new CacheFixture(directory);
        upstream.slots = slots;
        for (int seed = 0; seed < 3; seed++) {
            fetches.add(begin(upstream.addBlob(CacheFixture.randomBytes(100_000, seed))));
        }
        while (upstream.count("GET blob") < fetches.size()) {
            Thread.onSpinWait();
        }
    }

    @AfterEach
    void close() throws IOException {
        slots.release(fetches.size());
        cache.close();
    }

    private FetchProgress begin(Digest digest) {
        return begin(cache, digest);
    }

    private FetchProgress begin(CacheFixture in, Digest digest) {
        return in.cache
                .fetches()
                .join(
                        digest,
                        upstream.repository(),
                        Optional.empty(),
                        upstream,
                        false,
                        OptionalLong.empty(),
                        true,
                        Optional.empty())
                .fetch()
                .progress();
    }

    private interface Wait<T> {
        T end() throws IOException;
    }

    /** What it has waited for, on a thread that has been at it for many times its patience. */
    private static <T> CompletableFuture<T> waiting(Wait<T> wait) throws InterruptedException {
        CompletableFuture<T> result = new CompletableFuture<>();
        Thread thread = Thread.ofPlatform().daemon().start(() -> {
            try {
                result.complete(wait.end());
            } catch (IOException e) {
                result.completeExceptionally(e);
            }
        });
        thread.join(SHORT.multipliedBy(50));
        return result;
    }

    @Test
    void whoFollowsInTheBackgroundWaitsAsLongAsTheFetchWaitsForItsTurn() throws Exception {
        List<CompletableFuture<FetchProgress.View>> waits = new ArrayList<>();
        for (FetchProgress fetch : fetches) {
            waits.add(waiting(() -> fetch.awaitStart(BACKGROUND)));
        }
        assertThat(waits).noneMatch(CompletableFuture::isDone);
        slots.release(fetches.size());
        for (FetchProgress fetch : fetches) {
            assertThat(fetch.awaitEnd(new Patience(Duration.ofSeconds(20), true))
                            .complete())
                    .isTrue();
        }
    }

    @Test
    void whoFollowsUntilTheEndOrForAByteWaitsTheSameWay() throws Exception {
        CompletableFuture<FetchProgress.View> whole =
                waiting(() -> fetches.getFirst().awaitEnd(BACKGROUND));
        CompletableFuture<FetchProgress.View> last =
                waiting(() -> fetches.getLast().awaitByte(99_999, BACKGROUND));
        assertThat(whole).isNotDone();
        assertThat(last).isNotDone();
    }

    @Test
    void whatIsPassedBehindClientsFollowsAFetchAsLongAsThatWaitsForItsTurn(@TempDir Path other) throws Exception {
        FetchSettings impatient = new FetchSettings(16 * 1024, 256 * 1024, 128 * 1024, 5, SHORT, SHORT);
        CacheFixture own = new CacheFixture(other, impatient, 1L << 40);
        Digest blob = upstream.addBlob(CacheFixture.randomBytes(100_000, 7));
        FetchProgress fetch = begin(own, blob);
        int asked = fetches.size() + 1;
        while (upstream.count("GET blob") < asked) {
            Thread.onSpinWait();
        }
        CompletableFuture<Answer<BlobContent>> passed =
                waiting(() -> own.cache.behindClients(upstream).passBlob(blob, 0));
        assertThat(passed).isNotDone();
        assertThat(upstream.count("GET blob")).as("by nobody else").isEqualTo(asked);
        slots.release(asked);
        passed.get(20, TimeUnit.SECONDS).content().close();
        fetch.awaitEnd(new Patience(Duration.ofSeconds(20), true));
        own.close();
    }

    @Test
    void clientWaitsNoLongerThanItsPatience() {
        assertThatThrownBy(() -> fetches.getFirst().awaitStart(new Patience(SHORT, false)))
                .isInstanceOf(OutageException.class);
    }

    @Test
    void patienceCountsAgainOnceTheBlobIsOpen() {
        upstream.permits = new Semaphore(1000);
        slots.release(fetches.size());
        assertThatThrownBy(() -> fetches.getFirst().awaitEnd(BACKGROUND))
                .isInstanceOf(OutageException.class)
                .hasMessageContaining("has come for");
        upstream.permits.release(1_000_000);
    }
}
