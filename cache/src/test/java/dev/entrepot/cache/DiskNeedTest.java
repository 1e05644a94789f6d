package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DiskNeedTest {
    @Test
    void nothingHasToGoWhereThereIsRoom() {
        assertThat(DiskNeed.of(DiskLimits.of(1000, 100), 1000, 400, 600, 500)).isEmpty();
    }

    @Test
    void whatMustBeLeftFreeAndWhatIsToComeAddUp() {
        assertThat(DiskNeed.of(DiskLimits.of(1000, 100), 1000, 401, 0, 500))
                .contains(new DiskNeed(1, 51, EvictionReason.FREE_SPACE));
    }

    @ParameterizedTest
    @ValueSource(longs = {500, 0, -500})
    void noFileSystemHasRoomForNearlyTheMostThatCanBeLeftFree(long freeBytes) {
        DiskLimits limits = DiskLimits.of(Long.MAX_VALUE, Long.MAX_VALUE - 10);

        Optional<DiskNeed> need = DiskNeed.of(limits, Long.MAX_VALUE, 4096, 600, freeBytes);

        assertThat(need)
                .contains(new DiskNeed(
                        Long.MAX_VALUE - Math.max(freeBytes, 0), Long.MAX_VALUE, EvictionReason.FREE_SPACE));
    }
}
