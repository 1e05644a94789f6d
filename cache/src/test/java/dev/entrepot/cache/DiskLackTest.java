package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Why a blob is not kept is told with figures, and with what helps against that. */
class DiskLackTest {
    private static final DiskLimits LIMITS = DiskLimits.of(1000, 100);

    private static DiskLack lack(DiskUsage usage, long inUse, long pinned, long promised, long free) {
        return new DiskLack(LIMITS, usage, 0, inUse, pinned, promised, free);
    }

    @Test
    void blobLargerThanTheWholeCapacityNeedsMoreCapacity() {
        assertThat(lack(new DiskUsage(0, 0, 0, 0), 0, 0, 0, 9000).of(1001))
                .isEqualTo("that is more than the whole capacity of 1000 bytes; raise capacity");
        assertThat(lack(new DiskUsage(0, 0, 0, 50), 0, 0, 0, 9000).of(960))
                .isEqualTo(
                        "that is more than the whole capacity of 1000 bytes, 50 of them for the ballast; raise capacity");
    }

    @Test
    void whatIsBeingPulledGoesAwayByItself() {
        assertThat(lack(new DiskUsage(300, 500, 0, 0), 200, 100, 0, 9000).of(400))
                .isEqualTo(
                        "of the capacity of 1000 bytes, 700 are held by what is being pulled and 100 by what is pinned;"
                                + " raise capacity, or have less pulled at one time");
    }

    @Test
    void whatIsPinnedMayBeUnpinned() {
        assertThat(lack(new DiskUsage(800, 50, 0, 0), 0, 700, 0, 9000).of(400))
                .isEqualTo(
                        "of the capacity of 1000 bytes, 50 are held by what is being pulled and 700 by what is pinned;"
                                + " unpin what need not stay, or raise capacity");
    }

    @Test
    void spaceThatOthersTakeOnTheDiskIsFreedThere() {
        assertThat(lack(new DiskUsage(0, 0, 0, 0), 0, 0, 30, 450).of(400))
                .isEqualTo(
                        "the disk has 450 bytes free, of which 30 are promised to what is coming, and min-free keeps 100;"
                                + " free space on the disk, or lower min-free");
    }

    @Test
    void evictorCountsWhatOtherBlobsHaveReserved(@TempDir Path directory) throws IOException {
        try (CacheFixture fixture = new CacheFixture(directory, CacheFixture.FAST, 1000);
                Ingest first = fixture.store.ingest(Digest.sha256(new byte[] {1}));
                Ingest second = fixture.store.ingest(Digest.sha256(new byte[] {2}))) {
            assertThat(fixture.evictor.reserve(first, 800)).isTrue();
            assertThat(fixture.evictor.reserve(second, 300)).isFalse();
            assertThat(fixture.evictor.lack(second, 300)).contains("800 are held by what is being pulled");
        }
    }
}
