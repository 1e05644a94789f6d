package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.testing.CrashProcess;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Kills a process that writes to the store, at random moments, and looks at what it left. */
class StoreCrashTest {
    private static final int KILLS = Integer.getInteger("entrepot.crash.kills", 6);
    private static final Repository REPOSITORY = Repository.parse("docker.io/library/crash");
    private static final long CAPACITY = 3_000_000;

    @TempDir
    Path directory;

    @Test
    void storeIsWholeAfterKillAtAnyMoment() throws Exception {
        long seed = Long.getLong("entrepot.crash.seed", System.nanoTime());
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        long resumed = 0;
        long next = 0;
        for (int kill = 0; kill < KILLS; kill++) {
            List<String> said = runAndKill(random.nextInt(12), random.nextInt(30), next);
            assertThat(said).as("seed %s", seed).noneMatch(line -> line.startsWith("wrong"));
            long promised = said.stream()
                    .filter(line -> line.startsWith("flushed "))
                    .mapToLong(line -> Long.parseLong(line.substring(8)))
                    .max()
                    .orElse(next - 1);
            resumed += said.stream().filter(line -> line.startsWith("resumed ")).count();
            next = examine(promised);
        }
        System.out.println("blobs " + next + ", taken up " + resumed);
        assertThat(next).isPositive();
    }

    /** Checks all that is visible; returns the number of the first blob that the index has not heard of. */
    private long examine(long promised) throws IOException {
        try (ContentStore store = ContentStore.open(directory.resolve("store"), Clock.systemUTC());
                CacheIndex index = CacheIndex.open(store, Clock.systemUTC())) {
            assertThat(index.wasRebuilt()).isFalse();
            List<Digest> blobs = Samples.blobs(store);
            long bytes = 0;
            for (Digest blob : blobs) {
                assertThat(Digest.sha256(Samples.read(store, blob))).isEqualTo(blob);
                assertThat(index.contents().isStored(blob)).isTrue();
                bytes += store.blobSize(blob).orElseThrow();
            }
            long manifests = 0;
            for (Candidate content : index.contents().leastRecentlyUsed(100_000)) {
                if (content.kind() == ContentKind.MANIFEST) {
                    assertThat(store.manifest(content.digest())).isPresent();
                    bytes += content.bytes();
                    manifests++;
                }
            }
            assertThat(index.contents().storedBytes()).isEqualTo(bytes);
            assertThat(index.contents().storedCount()).isEqualTo(blobs.size() + manifests);
            assertThat(bytes).isLessThanOrEqualTo(CAPACITY);
            // Changes are committed in the order in which they were made: tag n is there only with all before it.
            List<Tag> tags = index.tags().knownIn(REPOSITORY);
            assertThat(tags.size()).isGreaterThan(Math.toIntExact(promised));
            for (int i = 0; i < tags.size(); i++) {
                TagRecord found = index.tags().get(REPOSITORY, tag(i)).orElseThrow();
                assertThat(index.links().get(REPOSITORY, found.digest())).isPresent();
            }
            return tags.size();
        }
    }

    @Test
    void storeInUseByAnotherProcessIsRefused() throws Exception {
        Process child = start(0);
        try (BufferedReader out = output(child)) {
            assertThat(out.readLine()).isEqualTo("ready");
            assertThatThrownBy(() -> ContentStore.open(directory.resolve("store"), Clock.systemUTC()))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("in use by another process")
                    .hasMessageContaining(directory.resolve("store").toString());
        } finally {
            kill(child);
        }
        ContentStore.open(directory.resolve("store"), Clock.systemUTC()).close();
    }

    /** Asks without end whether a store is in use, in a process of its own. */
    private static final class Asking {
        static void main(String[] arguments) throws Exception {
            Path store = Path.of(arguments[0]);
            boolean used = ContentStore.isInUse(store);
            System.out.println("asking");
            while (!used) {
                used = ContentStore.isInUse(store);
            }
            System.out.println("used");
        }
    }

    @Test
    void whoAsksWhetherAStoreIsInUseIsNotTakenForAUserByAnotherWhoAsks() throws Exception {
        Path store = directory.resolve("store");
        ContentStore.open(store, Clock.systemUTC()).close();
        try (CrashProcess other = CrashProcess.start(Asking.class, store.toString())) {
            other.awaitLine("asking"::equals);
            for (int i = 0; i < 5_000; i++) {
                assertThat(ContentStore.isInUse(store)).isFalse();
            }
            assertThat(other.output()).containsExactly("asking");
            // It is not in the way of who opens it either, whom it sees then.
            try (ContentStore opened = ContentStore.open(store, Clock.systemUTC())) {
                assertThat(opened.layout().lock()).exists();
                other.awaitLine("used"::equals);
            }
        }
    }

    @Test
    void storeThatIsGivenFreeWithinAMomentIsOpened() throws Exception {
        Process child = start(0);
        try (BufferedReader out = output(child)) {
            assertThat(out.readLine()).isEqualTo("ready");
            Thread.ofVirtual().start(() -> {
                try {
                    child.waitFor(200, TimeUnit.MILLISECONDS);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
                child.toHandle().destroyForcibly();
            });
            ContentStore.open(directory.resolve("store"), Clock.systemUTC()).close();
        } finally {
            kill(child);
        }
    }

    /**
     * Kills the process some milliseconds after it has stored some blobs: by progress, so that slow machines get
     * anywhere.
     */
    private List<String> runAndKill(int blobs, int millis, long first) throws Exception {
        Process child = start(first);
        List<String> said = new ArrayList<>();
        try (BufferedReader out = output(child)) {
            assertThat(out.readLine()).isEqualTo("ready");
            for (int stored = 0; stored < blobs; ) {
                String line = Objects.requireNonNullElse(out.readLine(), "wrong end");
                said.add(line);
                stored += line.startsWith("stored ") ? 1 : line.startsWith("wrong ") ? blobs : 0;
            }
            child.waitFor(millis, TimeUnit.MILLISECONDS);
            kill(child);
            out.lines().forEach(said::add);
        } finally {
            kill(child);
        }
        return said;
    }

    private static void kill(Process child) throws InterruptedException {
        // By the handle: the other way closes the stream with what the process said last.
        child.toHandle().destroyForcibly();
        assertThat(child.waitFor(20, TimeUnit.SECONDS)).isTrue();
    }

    private static BufferedReader output(Process child) {
        return new BufferedReader(new InputStreamReader(child.getInputStream(), StandardCharsets.UTF_8));
    }

    private Process start(long first) throws IOException {
        Path libraries = Files.createDirectories(directory.resolve("native"));
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx64m",
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "--enable-native-access=ALL-UNNAMED",
                        // The native library is unpacked there; a killed process leaves it behind.
                        "-Dorg.sqlite.tmpdir=" + libraries,
                        "-cp",
                        System.getProperty("java.class.path"),
                        Writer.class.getName(),
                        directory.resolve("store").toString(),
                        Long.toString(first))
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    private static byte[] blob(long number) {
        return Samples.bytes(number, 1 + new Random(number).nextInt(400_000));
    }

    private static Tag tag(long number) {
        return new Tag("t" + number);
    }

    /** The process that is killed: stores blob after blob, with a link and a tag for each, and evicts. */
    static final class Writer {
        private Writer() {}

        public static void main(String[] arguments) throws IOException {
            try (ContentStore store = ContentStore.open(Path.of(arguments[0]), Clock.systemUTC());
                    CacheIndex index = CacheIndex.open(store, Clock.systemUTC());
                    Evictor evictor =
                            new Evictor(store, index, DiskLimits.of(CAPACITY, 0), DiskShares.EQUAL, Duration.ZERO)) {
                System.out.println("ready");
                for (long number = Long.parseLong(arguments[1]); ; number++) {
                    store(store, index, evictor, number);
                    System.out.println("stored " + number);
                    if (number % 5 == 4) {
                        index.flush();
                        System.out.println("flushed " + number);
                    }
                }
            } catch (IOException | RuntimeException e) {
                System.out.println("wrong " + e);
            }
        }

        private static void store(ContentStore store, CacheIndex index, Evictor evictor, long number)
                throws IOException {
            byte[] bytes = blob(number);
            Digest digest = Digest.sha256(bytes);
            try (Ingest ingest = store.ingest(digest)) {
                if (!evictor.reserve(ingest, bytes.length)) {
                    throw new IOException("no room");
                }
                int at = Math.toIntExact(ingest.takeUp(written -> {}));
                if (at > 0) {
                    System.out.println("resumed " + at);
                }
                while (at < bytes.length) {
                    int count = Math.min(10_000, bytes.length - at);
                    ingest.write(bytes, at, count);
                    at += count;
                }
                ingest.commit(OptionalLong.of(bytes.length));
                index.contents().stored(digest, ContentKind.BLOB, bytes.length, Optional.empty());
            }
            byte[] manifest = ("{\"n\":" + number + "}").getBytes(StandardCharsets.UTF_8);
            store.putManifest(Digest.sha256(manifest), manifest);
            index.contents().stored(Digest.sha256(manifest), ContentKind.MANIFEST, manifest.length, Optional.empty());
            index.links().add(REPOSITORY, List.of(new Link(digest, OptionalLong.of(bytes.length), false)));
            index.tags().put(REPOSITORY, tag(number), new TagRecord(digest, Instant.now(), Instant.now()));
        }
    }
}
