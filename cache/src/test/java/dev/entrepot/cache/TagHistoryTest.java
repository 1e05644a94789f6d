package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TagHistoryTest {
    private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

    private static TagRecord record(int number) {
        Instant seen = START.plusSeconds(number);
        return new TagRecord(Digest.sha256(Integer.toString(number).getBytes(StandardCharsets.UTF_8)), seen, seen);
    }

    @Test
    void digestThatIsLeftAgainIsThereOnceAndLast() {
        TagHistory history = TagHistory.NONE.with(record(1)).with(record(2)).with(record(1));
        assertThat(history.former())
                .extracting(TagHistory.Former::digest)
                .containsExactly(record(2).digest(), record(1).digest());
        assertThat(history.firstSeen(record(2).digest())).contains(START.plusSeconds(2));
        assertThat(history.firstSeen(record(3).digest())).isEmpty();
    }

    /** An hourly tag, for half a year. */
    @Test
    void ofATagThatMovesOftenThereIsAlwaysOneThatIsNotMuchOlderThanAnyMinimumAge() {
        TagHistory history = TagHistory.NONE;
        for (int hour = 0; hour < 4400; hour++) {
            Instant now = START.plus(Duration.ofHours(hour));
            history = history.with(record(hour * 3600));
            assertThat(history.former()).hasSizeLessThanOrEqualTo(TagHistory.MOST);
            for (int days : new int[] {1, 3, 7, 30}) {
                Instant mature = now.minus(Duration.ofDays(days));
                if (mature.isBefore(START)) {
                    continue;
                }
                Instant best = history.former().stream()
                        .map(TagHistory.Former::firstSeenAt)
                        .filter(seen -> !seen.isAfter(mature))
                        .max(Comparator.naturalOrder())
                        .orElseThrow();
                assertThat(Duration.between(best, mature))
                        .isLessThanOrEqualTo(Duration.ofDays(days).dividedBy(2));
            }
        }
        assertThat(history.former().getFirst()).isEqualTo(former(0));
        assertThat(history.former().getLast()).isEqualTo(former(4399 * 3600));
    }

    private static TagHistory.Former former(int number) {
        return new TagHistory.Former(record(number).digest(), record(number).firstSeenAt());
    }

    @Test
    void ofThoseThatWereSeenAtOnceAnyIsForgottenButTheOldest() {
        TagHistory history = TagHistory.NONE.with(record(1));
        for (int i = 2; i < 200; i++) {
            TagRecord record = record(i);
            history = history.with(new TagRecord(record.digest(), START.plusSeconds(9), START.plusSeconds(9)));
        }
        assertThat(history.former()).hasSize(TagHistory.MOST);
        assertThat(history.firstSeen(record(1).digest())).isPresent();
    }

    @Test
    void whatWasLeftLastIsTheLastAlsoWhereATagThatMovesOftenHadComeBackToIt() {
        TagHistory history = TagHistory.NONE;
        for (int number = 0; number < 2 * TagHistory.MOST; number += 2) {
            history = history.with(record(number));
        }
        for (int number = 1; number < TagHistory.MOST; number += 2) {
            assertThat(history.with(record(number)).last()).contains(former(number));
        }
    }

    @Test
    void historyOutlivesARestart(@TempDir Path directory) throws IOException {
        Repository repository = Repository.parse("registry.test/app");
        TagHistory history = TagHistory.NONE.with(record(1)).with(record(2));
        TestClock clock = new TestClock();
        try (ContentStore store = ContentStore.open(directory, clock)) {
            try (CacheIndex index = CacheIndex.open(store, clock)) {
                index.tags().putHistory(repository, new Tag("1"), history);
            }
            try (CacheIndex index = CacheIndex.open(store, clock)) {
                assertThat(index.tags().history(repository, new Tag("1"))).isEqualTo(history);
                assertThat(index.tags().history(repository, new Tag("2"))).isEqualTo(TagHistory.NONE);
            }
        }
    }
}
