package dev.entrepot.proxy;

import static dev.entrepot.proxy.MirrorFixture.await;
import static dev.entrepot.proxy.MirrorFixture.verdict;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Content;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.TestRegistry;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A whole server on a disk of its own that is really full, on one that is really read-only, and on a store that others
 * have changed, as clients see it. Most of it needs the right to mount disks, and is skipped elsewhere. What is kept
 * there is pinned: what others leave no room for would be evicted.
 */
@Timeout(120)
class DiskTroubleEndToEndTest {
    private static final String KEPT = "team/kept";
    private static final String NEW = "team/new";
    private static final String DEGRADED = "entrepot_fills_degraded_total";

    @TempDir
    private Path folder;

    private final TestRegistry registry = TestRegistry.started();
    private final Images images = new Images(3);
    private final Bundle kept = registry.push(KEPT, images.image(50_000), "1");
    private final Bundle fresh = registry.push(NEW, images.image(300_000), "1");
    private final Deque<String[]> undo = new ArrayDeque<>();
    private final List<String> said = new CopyOnWriteArrayList<>();
    private final Logger log = Logger.getLogger("dev.entrepot");
    private final Handler handler = new Handler() {
        @Override
        public void publish(LogRecord event) {
            said.add(new SimpleFormatter().formatMessage(event));
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    };
    private Path disk;

    @BeforeEach
    void listen() throws IOException {
        disk = Files.createDirectory(folder.resolve("disk"));
        log.addHandler(handler);
    }

    @AfterEach
    void clean() throws Exception {
        log.removeHandler(handler);
        registry.close();
        while (!undo.isEmpty()) {
            assertThat(run(undo.pop())).isTrue();
        }
    }

    private static boolean run(String... command) throws InterruptedException {
        try {
            Process process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            return process.waitFor(20, TimeUnit.SECONDS) && process.exitValue() == 0;
        } catch (IOException e) {
            return false;
        }
    }

    private void mount(String... arguments) throws InterruptedException {
        String[] command = new String[arguments.length + 2];
        command[0] = "mount";
        System.arraycopy(arguments, 0, command, 1, arguments.length);
        command[arguments.length + 1] = disk.toString();
        assumeTrue(run(command), "no right to mount a disk: " + String.join(" ", command));
        undo.push(new String[] {"umount", disk.toString()});
    }

    private MirrorFixture started() throws Exception {
        return started("60MiB", "64KiB");
    }

    private MirrorFixture started(String capacity, String minFree) throws Exception {
        return MirrorFixture.started(folder, """
                cache: {directory: ./disk, capacity: %s, min-free: %s}
                default-upstream: registry.test
                upstreams:
                  registry.test: {url: "%s"}
                """.formatted(capacity, minFree, registry.uri()));
    }

    /** Pulls an image with all its blobs, each of which must be right; returns why the answers are what they are. */
    private static List<String> pull(MirrorFixture mirror, String name, Bundle image) throws Exception {
        List<String> verdicts = new CopyOnWriteArrayList<>();
        HttpResponse<byte[]> manifest = mirror.get("/v2/" + name + "/manifests/1");
        assertThat(manifest.statusCode()).isEqualTo(200);
        assertThat(Digest.sha256(manifest.body())).isEqualTo(image.digest());
        verdicts.add(verdict(manifest));
        for (Digest blob : image.blobs().keySet()) {
            HttpResponse<byte[]> answer = mirror.get("/v2/" + name + "/blobs/" + blob);
            assertThat(answer.statusCode()).isEqualTo(200);
            assertThat(Digest.sha256(answer.body())).isEqualTo(blob);
            verdicts.add(verdict(answer));
        }
        mirror.awaitFills();
        return verdicts;
    }

    private void keep(MirrorFixture mirror) throws Exception {
        assertThat(pull(mirror, KEPT, kept)).containsOnly("miss");
        assertThat(new CommandRunner(folder)
                        .run("cache", "pin", "registry.test/" + KEPT + ":1")
                        .out())
                .contains("complete");
    }

    private Path fillDisk() throws IOException {
        Path filler = disk.resolve("of-others");
        try (OutputStream out = new FileOutputStream(filler.toFile())) {
            byte[] step = new byte[4096];
            while (true) {
                out.write(step);
            }
        } catch (IOException e) {
            assertThat(Files.getFileStore(disk).getUsableSpace()).isZero();
        }
        return filler;
    }

    private void assertSaid(String... parts) {
        assertThat(said).anySatisfy(line -> assertThat(line).contains(parts));
    }

    @Test
    void pullsGoOnWhileOthersHaveFilledTheDiskAndAreKeptAgainWhenThereIsSpace() throws Exception {
        mount("-t", "tmpfs", "-o", "size=8m", "tmpfs");
        try (MirrorFixture mirror = started()) {
            keep(mirror);
            Path filler = fillDisk();

            assertThat(pull(mirror, KEPT, kept)).containsOnly("hit");
            assertThat(pull(mirror, NEW, fresh)).containsOnly("miss");
            long degraded = mirror.metric(DEGRADED);
            assertThat(degraded).isPositive();
            // The manifest is in memory, the blobs nowhere.
            assertThat(pull(mirror, NEW, fresh)).startsWith("hit").contains("miss");
            assertThat(mirror.metric(DEGRADED)).isGreaterThan(degraded);
            assertSaid("is passed through without being kept", "free space");
            assertThat(pull(mirror, KEPT, kept)).containsOnly("hit");

            Files.delete(filler);
            pull(mirror, NEW, fresh);
            registry.stop();
            assertThat(pull(mirror, NEW, fresh)).containsOnly("hit");
            assertThat(pull(mirror, KEPT, kept)).containsOnly("hit");
        }
    }

    @Test
    void readinessSaysThatTheDiskIsFullThoughNothingIsToBeLeftFree() throws Exception {
        mount("-t", "tmpfs", "-o", "size=8m", "tmpfs");
        try (MirrorFixture mirror = started("60MiB", "0")) {
            keep(mirror);
            Path filler = fillDisk();
            assertThat(pull(mirror, NEW, fresh)).containsOnly("miss");
            assertThat(mirror.admin("/readyz").body())
                    .contains("note: a blob could not be stored at ", "free space on the disk");

            Files.delete(filler);
            pull(mirror, NEW, fresh);
            assertThat(mirror.admin("/readyz").body()).doesNotContain("could not be stored");
        }
    }

    @Test
    void readinessSaysThatThereAreNoInodesLeft() throws Exception {
        mount("-t", "tmpfs", "-o", "size=8m,nr_inodes=3000", "tmpfs");
        try (MirrorFixture mirror = started("60MiB", "0")) {
            keep(mirror);
            List<Path> files = takeAllInodes();
            assertThat(pull(mirror, KEPT, kept)).containsOnly("hit");
            assertThat(pull(mirror, NEW, fresh)).containsOnly("miss");
            assertThat(mirror.admin("/readyz").body())
                    .contains("note: a blob could not be stored at ", "No space left");

            for (Path file : files) {
                Files.delete(file);
            }
            pull(mirror, NEW, fresh);
            assertThat(mirror.admin("/readyz").body()).isEqualTo("ready\n");
        }
    }

    private List<Path> takeAllInodes() throws IOException {
        List<Path> files = new ArrayList<>();
        while (true) {
            Path file = disk.resolve("of-others-" + files.size());
            try {
                Files.createFile(file);
            } catch (IOException e) {
                assertThat(files).isNotEmpty();
                return files;
            }
            files.add(file);
        }
    }

    @Test
    void pullsGoOnBesidePinsThatFillTheCacheAndReadinessSaysSo() throws Exception {
        long pinned =
                kept.blobs().values().stream().mapToLong(Content::sizeBytes).sum();
        try (MirrorFixture mirror = started(pinned + pinned / 50 + 2000 + "B", "0")) {
            keep(mirror);
            assertThat(mirror.admin("/readyz").body()).contains("note: ", "are pinned: what finds no room");

            assertThat(pull(mirror, NEW, fresh)).containsOnly("miss");
            assertThat(pull(mirror, KEPT, kept)).containsOnly("hit");
            assertThat(mirror.admin("/readyz").statusCode()).isEqualTo(200);
        }
    }

    @Test
    void startOnAFullDiskIsRefusedWithTheRemedyAndThenHasAllThatWasKept() throws Exception {
        mount("-t", "tmpfs", "-o", "size=8m", "tmpfs");
        try (MirrorFixture mirror = started()) {
            keep(mirror);
            mirror.stop();
            Path filler = fillDisk();
            assertThatThrownBy(mirror::start)
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining(disk.toString())
                    .hasMessageContaining("with space left");
            Files.delete(filler);
            mirror.start();
            registry.stop();
            assertThat(pull(mirror, KEPT, kept)).containsOnly("hit");
        }
    }

    /** A mount over the folder, as when it is mounted anew: what the server has open it can still write. */
    @Test
    void pullsGoOnWhileTheFolderIsReadOnlyAndAreKeptAgainWhenItIsNot() throws Exception {
        mount("-t", "tmpfs", "-o", "size=8m", "tmpfs");
        try (MirrorFixture mirror = started()) {
            keep(mirror);
            assumeTrue(run("mount", "--bind", disk.toString(), disk.toString()), "no right to bind a folder");
            boolean readOnly = run("mount", "-o", "remount,ro,bind", disk.toString());
            try {
                assumeTrue(readOnly, "no right to mount read-only");
                assertThat(pull(mirror, KEPT, kept)).containsOnly("hit");
                assertThat(pull(mirror, NEW, fresh)).containsOnly("miss");
                assertThat(pull(mirror, NEW, fresh)).startsWith("hit").contains("miss");
                assertThat(mirror.metric(DEGRADED)).isPositive();
                assertSaid("is passed through without being kept", "Read-only file system", "can be written");
                assertSaid("manifest " + fresh.digest() + " cannot be kept on disk", "can be written");
                assertThat(mirror.admin("/readyz").body()).contains("the folder of the store cannot be written");
            } finally {
                assertThat(run("umount", disk.toString())).isTrue();
            }
            pull(mirror, NEW, fresh);
            registry.stop();
            assertThat(pull(mirror, NEW, fresh)).containsOnly("hit");
            assertThat(mirror.admin("/readyz").statusCode()).isEqualTo(200);
        }
    }

    /**
     * As the kernel does with a file system that has failed: nothing can be written any more, not by files that are
     * open either.
     */
    @Test
    void pullsGoOnWhenTheFileSystemHasBecomeReadOnlyForGoodAndTheNextStartHasAllThatWasKept() throws Exception {
        Path image = folder.resolve("image");
        try (FileOutputStream out = new FileOutputStream(image.toFile())) {
            out.getChannel().position(32 << 20).write(ByteBuffer.wrap(new byte[1]));
        }
        assumeTrue(run("mkfs.ext4", "-q", image.toString()), "no mkfs.ext4");
        mount("-o", "loop,errors=remount-ro", image.toString());
        Path switchOff = failure();
        assumeTrue(Files.exists(switchOff), "the kernel cannot be asked to fail a file system");
        try (MirrorFixture mirror = started()) {
            keep(mirror);
            // What was not forced to the disk is gone then, as after a power failure.
            assertThat(run("sync", "-f", disk.toString())).isTrue();
            Files.writeString(switchOff, "a test of Entrepot");
            assertThatThrownBy(() -> Files.createFile(disk.resolve("x"))).hasMessageContaining("Read-only");

            assertThat(pull(mirror, KEPT, kept)).containsOnly("hit");
            assertThat(pull(mirror, NEW, fresh)).containsOnly("miss");
            assertThat(pull(mirror, NEW, fresh)).startsWith("hit").contains("miss");
            assertSaid("is passed through without being kept", "Read-only file system", "can be written");
            await(() -> said.stream().anyMatch(line -> line.contains("the index cannot be written")));
            assertSaid("the index cannot be written", "see that it can be written");

            mirror.stop();
            assertThatThrownBy(mirror::start)
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("it must be a folder that this user may write to");
            assertThat(run(undo.pop())).isTrue();
            mount("-o", "loop", image.toString());
            mirror.start();
            registry.stop();
            assertThat(pull(mirror, KEPT, kept)).containsOnly("hit");
        }
    }

    @Test
    void filesThatWereRemovedOrCutShortByHandAreFetchedAnewAndTheLogSaysWhereTheyWent() throws Exception {
        try (MirrorFixture mirror = started()) {
            assertThat(pull(mirror, KEPT, kept)).containsOnly("miss");
            mirror.stop();
            List<Digest> blobs = List.copyOf(kept.blobs().keySet());
            Files.delete(file(kept.digest()));
            Files.delete(file(blobs.getFirst()));
            try (FileOutputStream layer =
                    new FileOutputStream(file(blobs.getLast()).toFile(), true)) {
                layer.getChannel().truncate(17);
            }
            mirror.start();

            // The manifest, and then the blobs in the same order.
            List<String> verdicts = pull(mirror, KEPT, kept);
            assertThat(verdicts.getFirst()).as("the manifest that was removed").isEqualTo("miss");
            assertThat(verdicts.get(1)).as("the blob that was removed").isEqualTo("miss");
            assertThat(blobs).hasSizeGreaterThan(1);
            assertThat(verdicts.getLast()).as("the blob that was cut short").isEqualTo("miss");
            assertThat(pull(mirror, KEPT, kept)).containsOnly("hit");
            assertSaid(blobs.getLast().toString(), "quarantine");
        }
    }

    private Path file(Digest digest) throws IOException {
        try (Stream<Path> files = Files.walk(disk)) {
            return files.filter(file -> String.valueOf(file.getFileName()).equals(digest.encoded()))
                    .findFirst()
                    .orElseThrow();
        }
    }

    @Test
    void storeOfANewerVersionIsRefusedWithTheRemedyAndLeftAlone() throws Exception {
        try (MirrorFixture mirror = started()) {
            assertThat(pull(mirror, KEPT, kept)).containsOnly("miss");
            mirror.stop();
            Path marker = disk.resolve("store.json");
            String known = Files.readString(marker);
            Files.writeString(marker, "{\"version\":99}");
            assertThatThrownBy(mirror::start)
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("format 99")
                    .hasMessageContaining("run the newer program that wrote it, or name another cache directory");
            Files.writeString(marker, known);
            mirror.start();
            registry.stop();
            assertThat(pull(mirror, KEPT, kept)).containsOnly("hit");
        }
    }

    // Where the kernel takes the word for it that the file system of the disk has failed.
    private Path failure() throws Exception {
        Process process = new ProcessBuilder("findmnt", "-no", "SOURCE", disk.toString()).start();
        String device = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        return Path.of("/sys/fs/ext4/" + Path.of(device).getFileName() + "/trigger_fs_error");
    }
}
