package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Repository;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What goes next while the policy is not filled, as just after a start. */
class VictimsTest {
    private static final int BATCH = 16;

    private final SettableClock clock = new SettableClock(Instant.parse("2026-11-20T12:00:00Z"));
    private long rows;

    @TempDir
    Path directory;

    private ContentStore store;
    private CacheIndex index;
    private PolicyFeed feed;

    @BeforeEach
    void open() throws IOException {
        store = ContentStore.open(directory, clock);
        index = CacheIndex.open(store, clock);
        DiskLimits limits = DiskLimits.of(1L << 40, 0);
        feed = new PolicyFeed(index, new PinnedGraphs(store, index), limits, DiskShares.EQUAL, Duration.ofHours(1));
    }

    @AfterEach
    void close() throws IOException {
        feed.close();
        index.close();
        store.close();
    }

    private Victims victims() {
        return new Victims(
                index,
                n -> {
                    List<Candidate> first = index.contents().leastRecentlyUsed(n);
                    rows += first.size();
                    return first;
                },
                feed,
                BATCH);
    }

    private List<Digest> stored(int count) {
        List<Digest> stored = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Digest digest = Digest.sha256(new byte[] {(byte) i, (byte) (i >> 8)});
            index.contents().stored(digest, ContentKind.BLOB, 100, Optional.empty());
            clock.advance(Duration.ofSeconds(1));
            stored.add(digest);
        }
        return stored;
    }

    private static Optional<Digest> next(Victims victims) throws IOException {
        Optional<Victims.Next> next = victims.peek();
        if (next.isPresent()) {
            victims.take();
        }
        return next.map(found -> found.content().digest());
    }

    @Test
    void manyThatCannotGoAreReadAFewTimesEachAlsoIfOthersHaveTheirTurnInBetween() throws Exception {
        List<Digest> pinned = stored(2000);
        Victims victims = victims();
        List<Digest> looked = new ArrayList<>();
        for (Optional<Digest> next = next(victims); next.isPresent(); next = next(victims)) {
            looked.add(next.get());
            victims.pass(next.get());
            if (looked.size() % BATCH == 0) {
                victims.lookAgain();
            }
        }
        assertThat(looked).isEqualTo(pinned);
        assertThat(rows).isLessThan(4L * pinned.size());
    }

    @Test
    void whatHasGoneOrWasUsedSinceItWasLookedAtIsNotNext() throws Exception {
        List<Digest> stored = stored(6);
        Victims victims = victims();
        assertThat(next(victims)).contains(stored.getFirst());
        index.contents().removed(stored.getFirst());
        index.contents().removed(stored.get(1));
        index.contents().touched(stored.get(2), Repository.parse("docker.io/library/user"));
        victims.lookAgain();
        for (int expected : new int[] {3, 4, 5}) {
            assertThat(next(victims)).contains(stored.get(expected));
            index.contents().removed(stored.get(expected));
        }
        assertThat(next(victims)).contains(stored.get(2));
        index.contents().removed(stored.get(2));
        assertThat(next(victims)).isEmpty();
    }
}
