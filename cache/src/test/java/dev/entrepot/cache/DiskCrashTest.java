package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.Tag;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Eight clients pull five times as much as the disk may hold, while the process is killed again and again. The full
 * size is the group {@code disk} of {@code deploy/interop/run}; here {@code -Dentrepot.disk.kills=50} makes it longer.
 */
class DiskCrashTest {
    private static final int KILLS = Integer.getInteger("entrepot.disk.kills", 4);
    private static final int CLIENTS = 8;
    private static final int IMAGES = 40;
    private static final int LAYER = 120_000;
    // An image has three layers.
    private static final long CAPACITY = IMAGES * 3L * LAYER / 5;
    private static final Tag PINNED = new Tag("i0");

    @TempDir
    Path directory;

    @Test
    void countIsExactAndNoPinIsLostWhenKilledWhileTheDiskIsFull() throws Exception {
        long seed = Long.getLong("entrepot.disk.seed", System.nanoTime());
        Random random = new Random(seed);
        boolean pinned = false;
        long evicted = 0;
        for (int kill = 0; kill < KILLS; kill++) {
            List<String> said = runAndKill(30 + random.nextInt(60), random.nextInt(40));
            assertThat(said).as("seed %s", seed).noneMatch(line -> line.startsWith("wrong"));
            // Before the first kill the count that runs while fills and evictions do is compared, not the one after a
            // comparison.
            assertThat(said).as("seed %s", seed).contains("counted");
            pinned |= said.contains("pinned");
            evicted += said.stream().filter(line -> line.startsWith("evicted")).count();
            examine(pinned);
        }
        assertThat(pinned).isTrue();
        assertThat(evicted).as("evictions seen, seed %s", seed).isPositive();
    }

    private void examine(boolean pinned) throws IOException {
        FakeUpstream upstream = upstream();
        try (ContentStore store = ContentStore.open(directory.resolve("store"), Clock.systemUTC());
                CacheIndex index = CacheIndex.open(store, Clock.systemUTC());
                Evictor evictor =
                        new Evictor(store, index, DiskLimits.of(CAPACITY, 0), DiskShares.EQUAL, Duration.ZERO)) {
            assertThat(index.wasRebuilt()).isFalse();
            Set<Digest> files = new HashSet<>();
            long bytes = 0;
            for (ContentKind kind : ContentKind.values()) {
                for (int shard = 0; shard < StoreLayout.SHARDS; shard++) {
                    for (Digest digest : store.shard(kind, DigestAlgorithm.SHA256, shard)) {
                        assertThat(index.contents().isStored(digest))
                                .as("orphan %s", digest)
                                .isTrue();
                        bytes += store.find(kind, digest).orElseThrow().sizeBytes();
                        files.add(digest);
                    }
                }
            }
            assertThat(index.contents().storedCount()).as("rows without a file").isEqualTo(files.size());
            assertThat(index.contents().storedBytes()).isEqualTo(bytes);
            assertThat(evictor.usedBytes()).isLessThanOrEqualTo(CAPACITY);
            if (pinned) {
                Pin pin = Pin.all(upstream.repository(), PINNED);
                assertThat(evictor.pins().pins()).containsExactly(pin);
                assertThat(evictor.pins().graph(pin).isComplete()).isTrue();
            }
        }
    }

    private static FakeUpstream upstream() throws IOException {
        FakeUpstream upstream = new FakeUpstream("docker.io/library/crash");
        for (int i = 0; i < IMAGES; i++) {
            ManifestBytes image = CacheFixture.image(
                    upstream,
                    CacheFixture.randomBytes(LAYER, 3L * i),
                    CacheFixture.randomBytes(LAYER, 3L * i + 1),
                    CacheFixture.randomBytes(LAYER, 3L * i + 2));
            upstream.tag("i" + i, image);
        }
        return upstream;
    }

    private List<String> runAndKill(int lines, int millis) throws Exception {
        Process child = start();
        try (BufferedReader out =
                new BufferedReader(new InputStreamReader(child.getInputStream(), StandardCharsets.UTF_8))) {
            List<String> said = new ArrayList<>();
            while (said.size() < lines) {
                String line = Objects.requireNonNullElse(out.readLine(), "wrong end");
                said.add(line);
                if (line.startsWith("wrong")) {
                    return said;
                }
            }
            child.waitFor(millis, TimeUnit.MILLISECONDS);
            child.toHandle().destroyForcibly();
            out.lines().forEach(said::add);
            return said;
        } finally {
            child.toHandle().destroyForcibly();
            assertThat(child.waitFor(20, TimeUnit.SECONDS)).isTrue();
        }
    }

    private Process start() throws IOException {
        Path libraries = Files.createDirectories(directory.resolve("native"));
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx128m",
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "--enable-native-access=ALL-UNNAMED",
                        "-Dorg.sqlite.tmpdir=" + libraries,
                        "-cp",
                        System.getProperty("java.class.path"),
                        Puller.class.getName(),
                        directory.resolve("store").toString())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    /** The process that is killed: pins one image, and has clients pull others without end. */
    static final class Puller {
        private Puller() {}

        public static void main(String[] arguments) throws Exception {
            FakeUpstream upstream = upstream();
            try (ContentStore store = ContentStore.open(Path.of(arguments[0]), Clock.systemUTC());
                    CacheIndex index = CacheIndex.open(store, Clock.systemUTC());
                    Evictor evictor =
                            new Evictor(store, index, DiskLimits.of(CAPACITY, 0), DiskShares.EQUAL, Duration.ZERO);
                    var threads = Executors.newVirtualThreadPerTaskExecutor()) {
                PullThroughCache cache = new PullThroughCache(
                        store,
                        index,
                        evictor,
                        Clock.systemUTC(),
                        1 << 20,
                        CacheFixture.FAST,
                        threads,
                        CacheRules.always(CacheFixture.SETTINGS));
                PullThrough repository = cache.repository(upstream);
                evictor.pins().pin(Pin.all(upstream.repository(), PINNED));
                pull(repository, PINNED);
                while (!evictor.pins()
                        .graph(Pin.all(upstream.repository(), PINNED))
                        .isComplete()) {
                    Thread.onSpinWait();
                }
                index.flush();
                System.out.println("pinned");
                threads.invokeAll(IntStream.range(0, CLIENTS)
                        .<Callable<Void>>mapToObj(client -> () -> pullSome(repository, client))
                        .toList());
                System.out.println(isCountExact(store, index, evictor, cache) ? "counted" : "wrong count");
                List<Callable<Void>> clients = IntStream.range(0, CLIENTS)
                        .<Callable<Void>>mapToObj(client -> () -> pullForEver(repository, evictor, client))
                        .toList();
                threads.invokeAll(clients);
            } catch (Exception e) {
                System.out.println("wrong " + e);
            }
        }

        private static Void pullSome(PullThrough repository, int client) {
            Random random = new Random(client + System.nanoTime());
            try {
                for (int i = 0; i < 4; i++) {
                    pull(repository, new Tag("i" + random.nextInt(IMAGES)));
                }
            } catch (IOException | RuntimeException e) {
                System.out.println("wrong " + e);
            }
            return null;
        }

        // Once nothing is fetched and what goes in the background has gone.
        private static boolean isCountExact(
                ContentStore store, CacheIndex index, Evictor evictor, PullThroughCache cache) throws IOException {
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
            boolean exact = false;
            while (!exact && System.nanoTime() < end) {
                long files = 0;
                long bytes = 0;
                for (ContentKind kind : ContentKind.values()) {
                    for (int shard = 0; shard < StoreLayout.SHARDS; shard++) {
                        for (Digest digest : store.shard(kind, DigestAlgorithm.SHA256, shard)) {
                            bytes += store.find(kind, digest)
                                    .map(StoredContent::sizeBytes)
                                    .orElse(0L);
                            files++;
                        }
                    }
                }
                long partials = store.ingests().idle().stream()
                        .mapToLong(StoredContent::sizeBytes)
                        .sum();
                exact = cache.fetchesUnderWay() == 0
                        && index.contents().storedCount() == files
                        && index.contents().storedBytes() == bytes
                        && evictor.usedBytes() == bytes + partials
                        && bytes + partials <= CAPACITY;
            }
            return exact;
        }

        private static Void pullForEver(PullThrough repository, Evictor evictor, int client) {
            Random random = new Random(client + System.nanoTime());
            try {
                while (true) {
                    long before = evictor.evictions();
                    pull(repository, new Tag("i" + random.nextInt(IMAGES)));
                    System.out.println(evictor.evictions() > before ? "evicted" : "pulled");
                }
            } catch (IOException | RuntimeException e) {
                System.out.println("wrong " + e);
                return null;
            }
        }

        private static void pull(PullThrough repository, Tag tag) throws IOException {
            for (Descriptor blob :
                    Manifest.parse(repository.manifest(tag).content()).blobs()) {
                byte[] bytes = CacheFixture.readAll(repository, blob.digest());
                if (!Digest.sha256(bytes).equals(blob.digest())) {
                    throw new IOException("served something else as " + blob.digest());
                }
            }
        }
    }
}
