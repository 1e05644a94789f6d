package dev.entrepot.replicator.bundle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.OciJson;
import dev.entrepot.replicator.MemoryRegistry;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import dev.entrepot.replicator.Shapes;
import dev.entrepot.replicator.bundle.VolumeProblem.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.Predicate;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Everything that is wrong is named at once, so that the sender is asked once. */
class SeveralDamagesTest {
    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private final MemoryRegistry target = new MemoryRegistry("target.test", Abilities.ALL);
    private final Shapes app = new Shapes(source.repository("app"));
    private List<Path> volumes = List.of();
    private Packed packed = null;

    @BeforeEach
    void pack() throws Exception {
        app.tag("a", image(1, 2_000));
        app.tag("b", image(2, 95_000));
        app.tag("c", image(3, 7_000, 8_000, 9_000, 7_000, 6_000));
        packed = new Packed.Packing(source)
                .image("app", "a")
                .image("app", "b")
                .image("app", "c")
                .volumes(36_000)
                .pack();
        volumes = packed.tars(folder.resolve("out"));
        assertThat(volumes).hasSizeGreaterThan(4);
    }

    private Descriptor image(long seed, int... sizes) {
        Random random = new Random(seed);
        List<Descriptor> layers = Arrays.stream(sizes)
                .mapToObj(size -> {
                    byte[] bytes = new byte[size];
                    random.nextBytes(bytes);
                    return app.blob(Shapes.LAYER, DigestAlgorithm.SHA256, bytes);
                })
                .toList();
        return app.manifest(
                DigestAlgorithm.SHA256,
                MediaType.OCI_MANIFEST,
                app.blob(Shapes.CONFIG, "{\"seed\":\"" + seed + "\"}"),
                layers,
                Optional.empty(),
                Optional.empty());
    }

    /** Flips a bit in the first file of a volume that fits, and tells whether there is one. */
    private boolean flip(int volume, Predicate<VolumeEntry> which) throws IOException {
        long at = 0;
        for (VolumeEntry entry : packed.plan.entries(volume)) {
            if (which.test(entry)) {
                byte[] bytes = Files.readAllBytes(volumes.get(volume - 1));
                bytes[(int) at + entry.header().length + 5] ^= 1;
                Files.write(volumes.get(volume - 1), bytes);
                return true;
            }
            at += entry.tarBytes();
        }
        return false;
    }

    private int flipFrom(int first, Predicate<VolumeEntry> which) throws IOException {
        int volume = first;
        while (!flip(volume, which)) {
            volume++;
        }
        return volume;
    }

    private static boolean isLayer(VolumeEntry entry) {
        return entry.content() instanceof VolumeEntry.Content.Blob && entry.sizeBytes() > 5_000;
    }

    private static boolean isManifest(VolumeEntry entry) {
        return entry.content() instanceof VolumeEntry.Content.Manifest;
    }

    private static boolean isPart(VolumeEntry entry, int number) {
        return entry.content() instanceof VolumeEntry.Content.Part part && part.number() == number;
    }

    private DamagedBundleException damage() {
        DamagedBundleException damage = catchThrowableOfType(
                DamagedBundleException.class,
                () -> Bundle.examine(volumes, List.of()).verify(bytes -> {}));
        assertThat(damage).isNotNull();
        return damage;
    }

    private static List<Integer> numbers(DamagedBundleException damage) {
        return damage.problems().stream()
                .map(problem -> problem.volume().orElse(0))
                .sorted()
                .toList();
    }

    @Test
    void aVolumeThatIsCutDoesNotHideABitThatFlippedInAnother() throws Exception {
        byte[] first = Files.readAllBytes(volumes.getFirst());
        Files.write(volumes.getFirst(), Arrays.copyOf(first, first.length - 600));
        int flipped = flipFrom(2, SeveralDamagesTest::isLayer);

        DamagedBundleException damage = damage();

        assertThat(numbers(damage)).containsExactly(1, flipped);
        assertThat(damage.problems()).extracting(VolumeProblem::kind).containsExactly(Kind.TRUNCATED, Kind.ALTERED);
    }

    @Test
    void whatIsMissingIsNamedOnceBesideWhatIsDamaged() throws Exception {
        int flipped = flipFrom(2, SeveralDamagesTest::isLayer);
        byte[] first = Files.readAllBytes(volumes.getFirst());
        Files.write(volumes.getFirst(), Arrays.copyOf(first, first.length - 600));
        Files.delete(volumes.getLast());
        volumes = volumes.subList(0, volumes.size() - 1);

        assertThat(numbers(damage())).containsExactly(1, flipped, volumes.size() + 1);
    }

    @Test
    void aBadFirstPartDoesNotHideABadThirdOne() throws Exception {
        int first = flipFrom(1, entry -> isPart(entry, 1));
        int third = flipFrom(1, entry -> isPart(entry, 3));
        assertThat(third).isGreaterThan(first);

        assertThat(numbers(damage())).containsExactly(first, third);
    }

    @Test
    void anotherProblemInTheVolumeOfTheFirstPartDoesNotHideABadSecondOne() throws Exception {
        int first = flipFrom(1, SeveralDamagesTest::isManifest);
        assertThat(packed.plan.entries(first)).anyMatch(entry -> isPart(entry, 1));
        int second = flipFrom(1, entry -> isPart(entry, 2));
        assertThat(second).isGreaterThan(first);

        assertThat(numbers(damage())).containsExactly(first, second);
    }

    @Test
    void anImportWithABadManifestNamesTheBadLayersToo() throws Exception {
        int manifest = flipFrom(1, SeveralDamagesTest::isManifest);
        int layer = flipFrom(manifest + 1, SeveralDamagesTest::isLayer);

        DamagedBundleException damage = catchThrowableOfType(
                DamagedBundleException.class,
                () -> new Importing(folder.resolve("data")).into(target.asTarget(), Importing.AS_THEY_ARE, volumes));

        assertThat(numbers(damage)).containsExactly(manifest, layer);
        assertThat(target.requests("PUT")).isEmpty();
    }

    @Test
    void programsGetAListOfWhatIsWrong() throws Exception {
        int flipped = flipFrom(2, SeveralDamagesTest::isLayer);

        JsonNode json =
                OciJson.mapper().readTree(ProblemsWriter.toJson("failed", Optional.empty(), damage().problems()));

        Digest id = InventoryJson.bundleId(packed.plan.document());
        assertThat(json.path("outcome").asString()).isEqualTo("failed");
        assertThat(json.path("bundle").asString()).isEqualTo(id.toString());
        JsonNode problem = json.path("problems").path(0);
        assertThat(problem.path("kind").asString()).isEqualTo("altered");
        assertThat(problem.path("volume").asInt()).isEqualTo(flipped);
        assertThat(problem.path("file").asString()).endsWith(".tar");
        assertThat(problem.path("what").asString()).contains("has the digest");
        assertThat(problem.path("ask").asString()).startsWith("entrepot export --reissue " + id);
        assertThat(json.path("problems").size()).isEqualTo(1);
    }
}
