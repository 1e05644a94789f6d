package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.Repository;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/**
 * Prints what many pieces of content cost, for docs/benchmarks.md: {@code -Dtest=DiskScaleTest
 * -Dentrepot.scale.content=100000,1000000}, one number after the other, so that what does not grow with them can be
 * read. Asserts nothing about time.
 */
@EnabledIfSystemProperty(named = "entrepot.scale.content", matches = "[\\d,]+")
class DiskScaleTest {
    private static final String COUNTS = System.getProperty("entrepot.scale.content", "1000000");
    private static final int STARTS = Integer.getInteger("entrepot.scale.starts", 5);

    private final SettableClock clock = new SettableClock(Instant.parse("2026-11-21T12:00:00Z"));

    private int count;

    @TempDir
    Path folder;

    private static Digest digest(long seed) {
        byte[] raw = new byte[32];
        new Random(seed).nextBytes(raw);
        return new Digest(DigestAlgorithm.SHA256, HexFormat.of().formatHex(raw));
    }

    // A third is small.
    private static long bytes(long number) {
        return number % 3 == 0 ? 2000 : 1_000_000 + number;
    }

    private void print(String what, double value, String unit) {
        System.out.printf(Locale.ROOT, "scale: of %,d pieces: %s: %.3f %s%n", count, what, value, unit);
    }

    private static double millis(long since) {
        return (System.nanoTime() - since) / 1e6;
    }

    private static long heap() {
        long least = Long.MAX_VALUE;
        for (int i = 0; i < 4; i++) {
            System.gc();
            least = Math.min(
                    least,
                    Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory());
        }
        return least;
    }

    @Test
    void manyPiecesOfContent() throws IOException, InterruptedException {
        for (String number : COUNTS.split(",")) {
            count = Integer.parseInt(number);
            measure(folder.resolve(number));
        }
    }

    private void measure(Path directory) throws IOException, InterruptedException {
        try (ContentStore store = ContentStore.open(directory, Clock.systemUTC())) {
            fill(store);
            for (int start = 0; start < STARTS; start++) {
                long before = heap();
                long opened = System.nanoTime();
                try (CacheIndex index = CacheIndex.open(store, clock)) {
                    long stored = index.contents().storedBytes();
                    try (Evictor evictor = new Evictor(
                            store,
                            index,
                            DiskLimits.of(stored + stored / 50, 0),
                            DiskShares.EQUAL,
                            Duration.ZERO,
                            () -> Long.MAX_VALUE / 2)) {
                        print("open, with the exact count", millis(opened), "ms");
                        while (!evictor.policyReady()) {
                            Thread.onSpinWait();
                        }
                        print("policy ready in the background after", millis(opened), "ms");
                        print(
                                "heap per piece",
                                (heap() - before) / (double) index.contents().storedCount(),
                                "bytes");
                        decide(evictor);
                        evict(evictor, index);
                    }
                }
                clock.advance(Duration.ofMinutes(1));
            }
        }
    }

    private void fill(ContentStore store) throws IOException {
        try (CacheIndex index = CacheIndex.open(store, clock)) {
            Repository owner = Repository.parse("docker.io/library/scale");
            for (int i = 0; i < count; i++) {
                index.contents().stored(digest(i), ContentKind.BLOB, bytes(i), Optional.empty(), Optional.of(owner));
                clock.advance(Duration.ofMillis(1));
                if (i % 20_000 == 0) {
                    index.flush();
                }
            }
            index.flush();
        }
    }

    private void decide(Evictor evictor) {
        CountingSet looked = new CountingSet();
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        double[] micros = new double[2000];
        long allocated = threads.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < micros.length; i++) {
            long start = System.nanoTime();
            assertThat(evictor.policy().victims(16, looked)).isNotEmpty();
            micros[i] = (System.nanoTime() - start) / 1e3;
        }
        allocated = threads.getCurrentThreadAllocatedBytes() - allocated;
        print("pieces looked at to name 16 victims", looked.asked() / (double) micros.length, "");
        print("memory allocated to name 16 victims", allocated / (double) micros.length, "bytes");
        Arrays.sort(micros);
        print("16 victims named, p50", micros[micros.length / 2], "us");
        print("16 victims named, p99", micros[micros.length / 100 * 99], "us");
    }

    private void evict(Evictor evictor, CacheIndex index) throws IOException {
        long before = evictor.evictions();
        long start = System.nanoTime();
        evictor.trimNow();
        double took = millis(start);
        print("pieces evicted", evictor.evictions() - before, "");
        print("one evicted, row and all (no file was there)", took * 1000 / (evictor.evictions() - before), "us");
        index.flush();
    }
}
