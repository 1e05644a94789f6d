package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
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

    @Test
    void thoseThatWereLeftLongestAgoAreForgottenFirst() {
        TagHistory history = TagHistory.NONE;
        for (int i = 0; i < TagHistory.MOST + 5; i++) {
            history = history.with(record(i));
        }
        assertThat(history.former()).hasSize(TagHistory.MOST);
        assertThat(history.firstSeen(record(4).digest())).isEmpty();
        assertThat(history.firstSeen(record(5).digest())).isPresent();
    }

    @Test
    void historyOutlivesARestart(@TempDir Path directory) throws IOException {
        Repository repository = Repository.parse("registry.test/app");
        TagHistory history = TagHistory.NONE.with(record(1)).with(record(2));
        TestClock clock = new TestClock();
        try (ContentStore store = ContentStore.open(directory, clock)) {
            try (CacheIndex index = CacheIndex.open(store, clock)) {
                index.putTagHistory(repository, new Tag("1"), history);
            }
            try (CacheIndex index = CacheIndex.open(store, clock)) {
                assertThat(index.tagHistory(repository, new Tag("1"))).isEqualTo(history);
                assertThat(index.tagHistory(repository, new Tag("2"))).isEqualTo(TagHistory.NONE);
            }
        }
    }
}
