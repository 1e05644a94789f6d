package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.Repository;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;
import org.sqlite.SQLiteConfig;

/**
 * Prints the figures of docs/decisions/0003-index-database.md: {@code -Dtest=IndexScaleTest
 * -Dentrepot.scale.links=200000 -Dentrepot.scale.content=1000000 -Dentrepot.scale.files=200000}. Asserts nothing about
 * time.
 */
@EnabledIfSystemProperty(named = "entrepot.scale.links", matches = "\\d+")
class IndexScaleTest {
    private static final int LINKS_PER_MANIFEST = 10;
    private static final int LINKS_PER_REPOSITORY = 1000;

    private final SettableClock clock = new SettableClock(Instant.parse("2026-11-20T12:00:00Z"));

    @TempDir
    Path directory;

    private static Digest digest(long seed) {
        byte[] raw = new byte[32];
        new Random(seed).nextBytes(raw);
        return new Digest(DigestAlgorithm.SHA256, HexFormat.of().formatHex(raw));
    }

    private static Repository repository(long link) {
        return Repository.parse("docker.io/team/image-" + link / LINKS_PER_REPOSITORY);
    }

    private static void print(String what, Object value) {
        System.out.println("scale: " + what + ": " + value);
    }

    /** Of this whole process, because the machines that measure are rarely idle. */
    private static double cpuSeconds() {
        return ProcessHandle.current()
                        .info()
                        .totalCpuDuration()
                        .orElse(Duration.ZERO)
                        .toMillis()
                / 1e3;
    }

    private static List<Digest> digests(int count) {
        List<Digest> digests = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            digests.add(digest(i));
        }
        return digests;
    }

    private static double seconds(long since) {
        return (System.nanoTime() - since) / 1e9;
    }

    @Test
    void links() throws IOException {
        int count = Integer.getInteger("entrepot.scale.links", 200_000);
        try (ContentStore store = ContentStore.open(directory, Clock.systemUTC())) {
            try (CacheIndex index = CacheIndex.open(store, clock)) {
                List<Digest> digests = digests(count);
                double cpu = cpuSeconds();
                long start = System.nanoTime();
                for (int first = 0; first < count; first += LINKS_PER_MANIFEST) {
                    List<Link> links = new ArrayList<>();
                    for (int i = first; i < first + LINKS_PER_MANIFEST; i++) {
                        links.add(new Link(digests.get(i), OptionalLong.of(i), false));
                    }
                    index.links().add(repository(first), links);
                }
                index.flush();
                print("links added per second", Math.round(count / seconds(start)));
                print("links added per CPU second", Math.round(count / (cpuSeconds() - cpu)));
            }
            print("bytes per link on disk", Files.size(directory.resolve("index.db")) / count);
            try (CacheIndex index = CacheIndex.open(store, clock)) {
                latency(index, count, "link from the database", false);
                latency(index, count, "link from memory", true);
                latency(index, count, "link from the database, again", false);
            }
        }
    }

    private static void latency(CacheIndex index, int count, String what, boolean same) {
        Random random = new Random(7);
        long[] nanos = new long[20_000];
        for (int i = 0; i < nanos.length; i++) {
            int link = same ? 17 : random.nextInt(count);
            Repository repository = repository(link);
            Digest digest = digest(link);
            long start = System.nanoTime();
            Optional<Link> found = index.links().get(repository, digest);
            nanos[i] = System.nanoTime() - start;
            assertThat(found.isPresent()).isTrue();
        }
        Arrays.sort(nanos);
        print(
                what + ", microseconds p50/p99/max",
                nanos[nanos.length / 2] / 1000.0 + " / " + nanos[nanos.length / 100 * 99] / 1000.0 + " / "
                        + nanos[nanos.length - 1] / 1000.0);
    }

    @Test
    void content() throws IOException {
        int count = Integer.getInteger("entrepot.scale.content", 1_000_000);
        try (ContentStore store = ContentStore.open(directory, Clock.systemUTC())) {
            try (CacheIndex index = CacheIndex.open(store, clock)) {
                double cpu = cpuSeconds();
                long start = System.nanoTime();
                for (int i = 0; i < count; i++) {
                    index.contents().stored(digest(i), ContentKind.BLOB, i, Optional.empty());
                    clock.advance(Duration.ofMillis(1));
                    if (i % 5000 == 0) {
                        index.flush();
                    }
                }
                index.flush();
                print("content registered per second", Math.round(count / seconds(start)));
                print("content registered per CPU second", Math.round(count / (cpuSeconds() - cpu)));
            }
            print("bytes per content on disk", Files.size(directory.resolve("index.db")) / count);
            for (int i = 0; i < 3; i++) {
                List<Digest> used = digests(10_000);
                double cpu = cpuSeconds();
                long start = System.nanoTime();
                try (CacheIndex index = CacheIndex.open(store, clock)) {
                    print("CPU seconds of the start that follows", cpuSeconds() - cpu);
                    print("start with " + count + " rows, seconds", seconds(start));
                    assertThat(index.contents().storedCount()).isEqualTo(count);
                    long asked = System.nanoTime();
                    assertThat(index.contents().leastRecentlyUsed(64)).hasSize(64);
                    print("64 least recently used, milliseconds", seconds(asked) * 1000);
                    long touched = System.nanoTime();
                    used.forEach(digest -> index.contents().touched(digest, repository(0)));
                    print("touched, microseconds each", seconds(touched) * 100);
                    long flushed = System.nanoTime();
                    index.flush();
                    print("10000 uses written, seconds", seconds(flushed));
                    clock.advance(Duration.ofMinutes(1));
                }
            }
        }
    }

    @Test
    void reconciliation() throws IOException {
        int count = Integer.getInteger("entrepot.scale.files", 50_000);
        try (ContentStore store = ContentStore.open(directory, Clock.systemUTC())) {
            for (int i = 0; i < count; i++) {
                Path file = store.layout().content(ContentKind.BLOB, digest(i));
                Files.createDirectories(Durability.parent(file));
                Files.write(file, new byte[] {1});
            }
            long start = System.nanoTime();
            CacheIndex first = CacheIndex.open(store, clock);
            print("first start with " + count + " unknown files, seconds", seconds(start));
            assertThat(first.contents().storedCount()).isEqualTo(count);
            first.close();
            for (int i = 0; i < 3; i++) {
                markUnclean();
                double cpu = cpuSeconds();
                start = System.nanoTime();
                CacheIndex.openAtOnce(store, clock).close();
                print("start of a server after a crash with " + count + " known files, seconds", seconds(start));
                start = System.nanoTime();
                try (CacheIndex again = CacheIndex.open(store, clock)) {
                    print("CPU seconds of the start that follows", cpuSeconds() - cpu);
                    print("start after a crash with " + count + " known files, seconds", seconds(start));
                    assertThat(again.contents().storedCount()).isEqualTo(count);
                }
            }
        }
    }

    private void markUnclean() throws IOException {
        try (var connection = new SQLiteConfig().createConnection("jdbc:sqlite:" + directory.resolve("index.db"));
                var statement = connection.createStatement()) {
            statement.execute("UPDATE meta SET value = 0");
        } catch (SQLException e) {
            throw new IOException(e);
        }
    }
}
