package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A fetch that the end of the process breaks off. */
@Timeout(30)
class InterruptedFillTest {
    private static final int LEFT = 300_000;

    private final TestClock clock = new TestClock();
    private final FakeUpstream upstream = new FakeUpstream("registry.test/team/app");

    @TempDir
    Path directory;

    @Test
    void whatHasComeIsKeptOfABlobThatIsBrokenOffWhileRoomIsMade() throws Exception {
        byte[] bytes = CacheFixture.randomBytes(500_000, 1);
        ManifestBytes image = CacheFixture.image(upstream, bytes);
        Digest digest = Digest.sha256(bytes);
        AtomicBoolean ends = new AtomicBoolean();
        try (ContentStore store = ContentStore.open(directory, clock);
                CacheIndex index = CacheIndex.open(store, clock);
                Evictor evictor = new Evictor(
                        store,
                        index,
                        DiskLimits.of(1_200_000, 0),
                        DiskShares.EQUAL,
                        Duration.ZERO,
                        () -> interrupting(ends))) {
            fill(store, index);
            Path partial = store.layout().partial(digest);
            Files.write(partial, Arrays.copyOf(bytes, LEFT));
            PullThroughCache cache = new PullThroughCache(
                    store,
                    index,
                    evictor,
                    clock,
                    1 << 20,
                    CacheFixture.FAST,
                    task -> Thread.ofVirtual().start(task),
                    CacheRules.always(CacheFixture.SETTINGS));
            PullThrough repository = cache.repository(upstream);
            repository.manifest(image.digest());
            ends.set(true);
            assertThatThrownBy(() -> repository.keepBlob(digest)).isInstanceOf(IOException.class);
            while (cache.fetchesUnderWay() > 0) {
                Thread.onSpinWait();
            }
            assertThat(partial).hasSize(LEFT);
            ends.set(false);
            assertThat(repository.keepBlob(digest)).isTrue();
            assertThat(upstream.blobRanges)
                    .allSatisfy(range -> assertThat(range.first()).isEqualTo(LEFT));
        }
    }

    // As the end of the process does to a fetch, which runs on a virtual thread; whoever waits for it looks for room,
    // too.
    private static long interrupting(AtomicBoolean ends) {
        if (ends.get() && Thread.currentThread().isVirtual()) {
            Thread.currentThread().interrupt();
        }
        return 1L << 40;
    }

    private static void fill(ContentStore store, CacheIndex index) throws IOException {
        for (int i = 0; i < 8; i++) {
            Digest other = Samples.store(store, CacheFixture.randomBytes(100_000, 100 + i));
            index.contents().stored(other, ContentKind.BLOB, 100_000, Optional.empty());
        }
    }
}
