package dev.entrepot.replicator.bundle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.testing.Abilities;
import dev.entrepot.oci.testing.CrashProcess;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.replicator.KillPoint;
import dev.entrepot.replicator.MemoryRegistry;
import dev.entrepot.replicator.Shapes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Imports of one volume at a time, of a layer that is larger than a volume, each killed ({@code kill -9}) on the way:
 * what is kept of the layer is whole or is not there, and the same commands, given again, bring all of it. Takes a
 * second for each process that it starts.
 */
class OneByOneCrashTest {
    private static final String REPOSITORY = "tool";

    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", MemoryRegistry.Abilities.ALL);
    private Packed packed = null;
    private List<Path> volumes = List.of();
    private Digest layer = Digest.sha256(new byte[0]);

    @BeforeEach
    void pack() throws Exception {
        Shapes tool = new Shapes(source.repository(REPOSITORY));
        byte[] bytes = new byte[900_000];
        new Random(4).nextBytes(bytes);
        Descriptor large = tool.blob(Shapes.LAYER, DigestAlgorithm.SHA256, bytes);
        layer = large.digest();
        tool.tag(
                "v1",
                tool.manifest(
                        DigestAlgorithm.SHA256,
                        MediaType.OCI_MANIFEST,
                        tool.blob(Shapes.CONFIG, "{}"),
                        List.of(large),
                        Optional.empty(),
                        Optional.empty()));
        packed = new Packed.Packing(source)
                .image(REPOSITORY, "v1")
                .volumes(400_000)
                .pack();
        volumes = packed.tars(folder.resolve("out"));
        assertThat(volumes).hasSize(3);
    }

    private CrashProcess started(TestRegistry registry, Path volume) {
        return CrashProcess.start(
                CorpusImportTest.Program.class,
                folder.resolve("data").toString(),
                registry.uri().toString(),
                volume.toString());
    }

    @Test
    void partsThatAreKeptAreWholeAfterAnyKillAndTheSameCommandsEnd() throws Exception {
        SplittableRandom random = new SplittableRandom(17);
        int killed = 0;
        try (TestRegistry registry = TestRegistry.started(Abilities.WITHOUT_REFERRERS)) {
            for (Path volume : volumes.reversed()) {
                boolean last = volume.equals(volumes.getFirst());
                CompletableFuture<CrashProcess> victim = new CompletableFuture<>();
                KillPoint.random(registry, "the target", last ? 8 : 3, random).arm(victim);
                try (CrashProcess process = started(registry, volume)) {
                    victim.complete(process);
                    killed += process.awaitExit() == 0 ? 0 : 1;
                }
                registry.calls().awaitIdle();
                registry.faults().clear();
                assertKeptPartsAreWhole();
                if (!last) {
                    assertThat(registry.resolve(REPOSITORY, "v1")).isEmpty();
                }
                try (CrashProcess process = started(registry, volume)) {
                    assertThat(process.awaitLine(line -> line.equals(last ? "complete" : "partly")))
                            .isNotEmpty();
                }
                assertThat(keptParts()).hasSize(last ? 0 : volumes.size() - volumes.indexOf(volume));
                assertKeptPartsAreWhole();
            }
            assertThat(killed).as("imports that were killed").isPositive();
            assertThat(registry.resolve(REPOSITORY, "v1")).isPresent();
            assertThat(Digest.sha256(
                            registry.blob(REPOSITORY, layer).orElseThrow().bytes()))
                    .isEqualTo(layer);
        }
    }

    private List<Path> keptParts() throws IOException {
        try (Stream<Path> files = Files.walk(folder.resolve("data/imports"))) {
            return files.filter(file -> file.getFileName().toString().startsWith("part-"))
                    .toList();
        }
    }

    private void assertKeptPartsAreWhole() throws IOException {
        BundledBlob blob =
                Optional.ofNullable(packed.inventory.blobs().get(layer)).orElseThrow();
        List<Placement.Part> parts = ((Placement.InParts) blob.placement()).parts();
        for (Path file : keptParts()) {
            String name = file.getFileName().toString();
            Placement.Part part = parts.get(Integer.parseInt(name.substring(name.length() - 4)) - 1);
            assertThat(Digest.sha256(Files.readAllBytes(file))).as(name).isEqualTo(part.digest());
        }
    }
}
