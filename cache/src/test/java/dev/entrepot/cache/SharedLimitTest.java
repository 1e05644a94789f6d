package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.BlockedException;
import dev.entrepot.oci.Digest;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A blob without a stated size, which one repository may not have whole and another may. */
@Timeout(30)
class SharedLimitTest {
    private static final int MOST = 100_000;

    @TempDir
    Path directory;

    private final FakeUpstream limited = new FakeUpstream("registry.test/team/limited");
    private final FakeUpstream free = new FakeUpstream("registry.test/team/free");
    private final byte[] bytes = CacheFixture.randomBytes(400_000, 1);
    private final Digest digest = Digest.sha256(bytes);
    private CacheFixture cache;

    @BeforeEach
    void open() throws IOException {
        cache = new CacheFixture(directory);
        for (FakeUpstream upstream : new FakeUpstream[] {limited, free}) {
            upstream.addBlob(bytes);
            upstream.statesSize = false;
        }
        limited.permits = new Semaphore(50_000);
    }

    @AfterEach
    void close() throws IOException {
        cache.close();
    }

    private static CacheSettings limit() {
        CacheSettings all = CacheFixture.SETTINGS;
        return new CacheSettings(
                Optional.empty(),
                all.freshFor(),
                Duration.ZERO,
                all.listsFreshFor(),
                all.referrersFreshFor(),
                Duration.ZERO,
                all.stale(),
                all.negative(),
                false,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                OptionalLong.of(MOST),
                0,
                Optional.empty(),
                Map.of());
    }

    @Test
    void clientWithoutALimitReadsOnWhereTheFetchReachesThatOfAnother() throws IOException {
        cache.rule = limit();
        try (BlobContent mine = cache.repository(limited).openBlob(digest).content()) {
            cache.rule = CacheFixture.SETTINGS;
            try (BlobContent others = cache.repository(free).openBlob(digest).content()) {
                byte[] first = new byte[10_000];
                assertThat(others.read(0, first, 0, first.length)).isPositive();
                limited.permits.release(1_000_000);
                assertThat(CacheFixture.readFrom(others, 0)).isEqualTo(bytes);
            }
            assertThatThrownBy(() -> CacheFixture.readFrom(mine, 0)).isInstanceOf(BlockedException.class);
            byte[] allowed = new byte[MOST / 2];
            int count = mine.read(0, allowed, 0, allowed.length);
            assertThat(Arrays.copyOf(allowed, count)).isEqualTo(Arrays.copyOf(bytes, count));
        }
        cache.awaitIdle();
        assertThat(cache.store.blobSize(digest)).isEmpty();
        assertThat(CacheFixture.readAll(cache.repository(free), digest)).isEqualTo(bytes);
    }

    @Test
    void readerOfAFetchThatHasEndedDoesNotReadTheFileOfTheNext() throws IOException {
        FakeUpstream spoiled = new FakeUpstream("registry.test/team/spoiled");
        byte[] wrong = CacheFixture.randomBytes(bytes.length, 2);
        spoiled.blobs.put(digest, wrong);
        spoiled.statesSize = false;
        spoiled.permits = new Semaphore(60_000);
        cache.rule = limit();
        try (BlobContent mine = cache.repository(limited).openBlob(digest).content()) {
            cache.rule = CacheFixture.SETTINGS;
            try (BlobContent others = cache.repository(free).openBlob(digest).content()) {
                limited.permits.release(1_000_000);
                cache.awaitIdle();
                try (BlobContent next =
                        cache.repository(spoiled).openBlob(digest).content()) {
                    byte[] first = new byte[10_000];
                    assertThat(next.read(30_000, first, 0, first.length)).isPositive();
                    assertThat(CacheFixture.readFrom(others, 0)).isEqualTo(bytes);
                }
            }
            assertThatThrownBy(() -> CacheFixture.readFrom(mine, 0)).isInstanceOf(BlockedException.class);
        }
        spoiled.permits.release(1_000_000);
    }

    @Test
    void clientWithALimitIsRefusedByItAlsoWhereTheBlobComesForAnother() throws IOException {
        free.statesSize = true;
        free.permits = new Semaphore(50_000);
        try (BlobContent others = cache.repository(free).openBlob(digest).content()) {
            cache.rule = limit();
            assertThatThrownBy(() -> cache.repository(limited).openBlob(digest))
                    .isInstanceOf(BlockedException.class)
                    .hasMessageContaining("400000 bytes");
            assertThat(cache.cache.ruleCounters().of(RuleEvent.TOO_LARGE)).isEqualTo(1);
            free.permits.release(1_000_000);
            assertThat(CacheFixture.readFrom(others, 0)).isEqualTo(bytes);
        }
    }

    @Test
    void blobThatIsJustAsLargeAsItMayBeIsServedAndKept() throws IOException {
        byte[] most = CacheFixture.randomBytes(MOST, 3);
        Digest allowed = limited.addBlob(most);
        limited.permits.release(MOST);
        cache.rule = limit();
        assertThat(CacheFixture.readAll(cache.repository(limited), allowed)).isEqualTo(most);
        cache.awaitIdle();
        assertThat(cache.store.blobSize(allowed)).hasValue(MOST);
        assertThat(cache.cache.statistics().degraded()).isZero();
    }

    @Test
    void fetchThatNobodyElseFollowsEndsAtItsLimit() throws IOException {
        cache.rule = limit();
        try (BlobContent mine = cache.repository(limited).openBlob(digest).content()) {
            limited.permits.release(1_000_000);
            assertThatThrownBy(() -> CacheFixture.readFrom(mine, 0)).isInstanceOf(BlockedException.class);
        }
        assertThat(limited.bytesSent.get()).isLessThan(bytes.length);
    }
}
