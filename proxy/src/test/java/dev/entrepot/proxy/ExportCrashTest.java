package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.CrashProcess;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Faults;
import dev.entrepot.oci.testing.Gate;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Exports in processes of their own, killed ({@code kill -9}) while a random blob has come to a random place: nothing
 * looks whole before it is, and the command, given again, ends with the bytes that an export has which nobody killed.
 */
class ExportCrashTest {
    private static final int KILLS = Integer.getInteger("entrepot.crash.exports", 3);
    private static final long SEED = Long.getLong("entrepot.crash.seed", System.nanoTime());

    @TempDir
    private Path folder;

    private final TestRegistry source = TestRegistry.started();
    private final Bundle image = new Images(8).image(300_000, 200_000, 900, 400_000);
    private final Random random = new Random(SEED);

    @BeforeEach
    void configure() throws IOException {
        source.push("team/app", image, "v1");
        Files.writeString(folder.resolve("entrepot.yaml"), """
                cache: {directory: "%s", min-free: 1MiB}
                upstreams:
                  registry.test: {url: "%s"}
                """.formatted(folder.resolve("data"), source.uri()));
    }

    @AfterEach
    void close() {
        source.close();
    }

    private CrashProcess export(String output) {
        return CrashProcess.start(
                Main.class,
                "export",
                "registry.test/team/app:v1",
                "--unsigned",
                "--volume-size",
                "350KB",
                "--config",
                folder.resolve("entrepot.yaml").toString(),
                "--output",
                folder.resolve(output).toString());
    }

    private void killOnTheWay(String output) throws Exception {
        List<Digest> blobs = List.copyOf(image.blobs().keySet());
        Digest blob = blobs.get(random.nextInt(blobs.size()));
        long size = source.blob("team/app", blob).orElseThrow().sizeBytes();
        Gate gate = new Gate();
        // It has been sent so much of the blob when the answer stalls; one that needs no more of it comes to its end.
        Faults.Order stall = source.faults().always(Requests.blob(blob), Fault.stallAfter(random.nextLong(size), gate));
        try (CrashProcess process = export(output)) {
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
            while (gate.arrivals() == 0 && process.isAlive() && System.nanoTime() < end) {
                Thread.onSpinWait();
            }
            process.kill();
        } finally {
            stall.cancel();
            gate.open();
        }
    }

    @Test
    void afterAnyKillTheSameCommandEndsWithTheSameBytes() throws Exception {
        try (CrashProcess whole = export("whole.tar")) {
            assertThat(whole.awaitExit()).isZero();
        }
        List<Path> expected = volumes("whole.");
        assertThat(expected).hasSizeGreaterThan(2);
        for (int kill = 0; kill < KILLS; kill++) {
            deleteData();
            killOnTheWay("killed.tar");
            for (Path volume : volumes("killed.")) {
                assertSame(volume, expected);
            }
        }
        try (CrashProcess last = export("killed.tar")) {
            assertThat(last.awaitExit()).as("seed " + SEED).isZero();
        }
        assertThat(volumes("killed.")).hasSameSizeAs(expected);
        for (Path volume : volumes("killed.")) {
            assertSame(volume, expected);
        }
        try (Stream<Path> left = Files.list(folder)) {
            assertThat(left.map(file -> file.getFileName().toString())).noneMatch(name -> name.endsWith(".incoming"));
        }
    }

    // What is written is in the volumes; without the blobs in the cache there is something to stall.
    private void deleteData() throws IOException {
        Path blobs = folder.resolve("data/blobs");
        if (Files.exists(blobs)) {
            try (Stream<Path> walk = Files.walk(blobs)) {
                for (Path file : walk.filter(Files::isRegularFile).toList()) {
                    Files.delete(file);
                }
            }
        }
    }

    private List<Path> volumes(String prefix) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> file.getFileName().toString().startsWith(prefix))
                    .sorted()
                    .toList();
        }
    }

    private static void assertSame(Path volume, List<Path> expected) throws IOException {
        String number = volume.getFileName().toString().replaceFirst("^[a-z]+", "");
        Path whole = expected.stream()
                .filter(path -> path.getFileName().toString().endsWith(number))
                .findFirst()
                .orElseThrow();
        assertThat(Files.mismatch(volume, whole)).as(volume + ", seed " + SEED).isEqualTo(-1);
    }
}
