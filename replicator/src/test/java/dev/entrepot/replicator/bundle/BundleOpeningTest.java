package dev.entrepot.replicator.bundle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.MemoryRegistry;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import dev.entrepot.replicator.Shapes;
import dev.entrepot.replicator.bundle.VolumeProblem.Kind;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BundleOpeningTest {
    private static final int VOLUME_BYTES = 30_000;

    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private Path key = Path.of("");
    private Packed packed = null;

    @BeforeEach
    void pack() throws Exception {
        key = Packed.keyPair(folder, "key");
        Packed.keyPair(folder, "other");
        Shapes shapes = new Shapes(source.repository("team/app"));
        Descriptor image = layered(shapes, 1, 9_000, 21_000);
        shapes.tag("v1", shapes.index(List.of(image, shapes.image("arm64"))));
        shapes.referrer(shapes.referrer(image, "x/sbom", "sbom"), "x/signature", "signature");
        Shapes base = new Shapes(source.repository("base"));
        base.tag("v1", layered(base, 2, 20_000, 70_000));
        packed = packing().pack();
        assertThat(packed.plan.volumes()).isGreaterThan(3);
        assertThat(packed.inventory.blobs().values()).anyMatch(blob -> blob.placement() instanceof Placement.InParts);
    }

    private static Descriptor layered(Shapes shapes, long seed, int... sizes) {
        Random random = new Random(seed);
        List<Descriptor> layers = new ArrayList<>();
        for (int size : sizes) {
            byte[] bytes = new byte[size];
            random.nextBytes(bytes);
            layers.add(shapes.blob(Shapes.LAYER, DigestAlgorithm.SHA256, bytes));
        }
        return shapes.manifest(
                DigestAlgorithm.SHA256,
                MediaType.OCI_MANIFEST,
                shapes.blob(Shapes.CONFIG, "{\"seed\":\"" + seed + "\"}"),
                layers,
                Optional.empty(),
                Optional.empty());
    }

    private Packed.Packing packing() throws IOException {
        return new Packed.Packing(source)
                .image("team/app", "v1")
                .image("base", "v1")
                .volumes(VOLUME_BYTES)
                .signedBy(key);
    }

    private Bundle verified(List<Path> volumes) throws IOException {
        Bundle bundle = Bundle.open(volumes, Packed.trust(folder, "key"));
        bundle.verify(bytes -> {});
        return bundle;
    }

    private List<VolumeProblem> problems(List<Path> volumes) {
        DamagedBundleException damage = catchThrowableOfType(DamagedBundleException.class, () -> verified(volumes));
        assertThat(damage).as("something is wrong with the volumes").isNotNull();
        return damage.problems();
    }

    @Test
    void whatWasExportedIsAcceptedInAnyOrderAsTarsFoldersAndInAFolder() throws Exception {
        List<Path> tars = packed.tars(folder.resolve("tars"));
        List<Path> folders = packed.folders(folder.resolve("folders"));

        for (List<Path> arguments : List.of(
                tars, tars.reversed(), folders, List.of(folder.resolve("tars")), List.of(folder.resolve("folders")))) {
            Bundle bundle = verified(arguments);
            assertThat(bundle.missing()).isEmpty();
            assertThat(bundle.id()).isEqualTo(InventoryJson.bundleId(packed.plan.document()));
            assertThat(bundle.trusted()).contains(folder.resolve("key.pub"));
        }
        Bundle some = verified(List.of(tars.get(2), folders.get(0)));
        assertThat(some.volumes()).containsExactly(1, 3);
        assertThat(some.missingVolumes().getFirst().toString())
                .contains("volume 2 is missing", "entrepot export --reissue " + some.id() + " --volumes 2");
    }

    @Test
    void oneFlippedBitAnywhereIsFoundAndTheVolumeNamed() throws Exception {
        List<Path> tars = packed.tars(folder.resolve("tars"));
        SplittableRandom random = new SplittableRandom(11);
        for (int i = 0; i < 150; i++) {
            int volume = random.nextInt(tars.size());
            byte[] bytes = Files.readAllBytes(tars.get(volume));
            int at = i < 40 ? random.nextInt(2560) : random.nextInt(bytes.length);
            byte[] damaged = bytes.clone();
            damaged[at] ^= (byte) (1 << random.nextInt(8));
            Files.write(tars.get(volume), damaged);

            List<VolumeProblem> problems = problems(tars);

            assertThat(problems)
                    .as("bit of byte %d of volume %d", at, volume + 1)
                    .hasSize(1);
            assertThat(problems.getFirst().volume()).as(problems.toString()).hasValue(volume + 1);
            assertThat(problems.getFirst().kind())
                    .as(problems.toString())
                    .isIn(Kind.ALTERED, Kind.TRUNCATED, Kind.REORDERED);
            assertThat(problems.getFirst().remedy())
                    .contains("entrepot export --reissue " + InventoryJson.bundleId(packed.plan.document())
                            + " --volumes " + (volume + 1) + " --output .");
            Files.write(tars.get(volume), bytes);
        }
        assertThatCode(() -> verified(tars)).doesNotThrowAnyException();
    }

    @Test
    void aVolumeThatIsCutAnywhereIsFoundAndNamed() throws Exception {
        List<Path> tars = packed.tars(folder.resolve("tars"));
        SplittableRandom random = new SplittableRandom(12);
        for (int i = 0; i < 60; i++) {
            int volume = random.nextInt(tars.size());
            byte[] bytes = Files.readAllBytes(tars.get(volume));
            int length = i < 20 ? bytes.length - 1 - random.nextInt(3000) : random.nextInt(bytes.length);
            Files.write(tars.get(volume), Arrays.copyOf(bytes, length));

            List<VolumeProblem> problems = problems(tars);

            assertThat(problems).hasSize(1);
            assertThat(problems.getFirst().volume())
                    .as("volume %d cut to %d: %s", volume + 1, length, problems)
                    .hasValue(volume + 1);
            assertThat(problems.getFirst().kind()).as(problems.toString()).isEqualTo(Kind.TRUNCATED);
            Files.write(tars.get(volume), bytes);
        }
    }

    @Test
    void somethingBehindTheEndIsFound() throws Exception {
        List<Path> tars = packed.tars(folder.resolve("tars"));
        Files.write(tars.get(1), new byte[512], StandardOpenOption.APPEND);

        assertThat(problems(tars)).singleElement().satisfies(problem -> {
            assertThat(problem.kind()).isEqualTo(Kind.ALTERED);
            assertThat(problem.what()).contains("512 more than");
        });
    }

    @Test
    void twoEntriesInEachOthersPlaceAreReordered() throws Exception {
        List<Path> tars = packed.tars(folder.resolve("tars"));
        List<VolumeEntry> entries = packed.plan.entries(1);
        int first = 5;
        long start = entries.subList(0, first).stream()
                .mapToLong(VolumeEntry::tarBytes)
                .sum();
        int one = (int) entries.get(first).tarBytes();
        int other = (int) entries.get(first + 1).tarBytes();
        byte[] bytes = Files.readAllBytes(tars.getFirst());
        byte[] swapped = bytes.clone();
        System.arraycopy(bytes, (int) start + one, swapped, (int) start, other);
        System.arraycopy(bytes, (int) start, swapped, (int) start + other, one);
        Files.write(tars.getFirst(), swapped);

        assertThat(problems(tars)).singleElement().satisfies(problem -> {
            assertThat(problem.kind()).isEqualTo(Kind.REORDERED);
            assertThat(problem.what())
                    .contains("expected " + entries.get(first).name())
                    .contains("found " + entries.get(first + 1).name());
        });
    }

    @Test
    void volumesOfTwoBundlesAreTheOnesAndTheOthers() throws Exception {
        List<Path> tars = packed.tars(folder.resolve("tars"));
        Packed another = new Packed.Packing(source)
                .image("base", "v1")
                .volumes(VOLUME_BYTES)
                .signedBy(key)
                .pack();
        Path intruder = another.tars(folder.resolve("another")).get(1);
        Files.copy(intruder, tars.get(1), StandardCopyOption.REPLACE_EXISTING);

        List<VolumeProblem> problems = problems(tars);
        assertThat(problems)
                .extracting(VolumeProblem::kind)
                .as("the volume in whose place it was put is missing")
                .containsExactly(Kind.OTHER_BUNDLE, Kind.MISSING);
        assertThat(problems.getLast().volume()).hasValue(2);
        assertThat(problems.getFirst()).satisfies(problem -> {
            assertThat(problem.kind()).isEqualTo(Kind.OTHER_BUNDLE);
            assertThat(problem.file()).contains(tars.get(1).toRealPath());
            assertThat(problem.what())
                    .contains(InventoryJson.bundleId(another.plan.document()).toString());
        });
    }

    @Test
    void aVolumeGivenTwiceIsNamedUnlessItIsTheSameFile() throws Exception {
        List<Path> tars = new ArrayList<>(packed.tars(folder.resolve("tars")));
        tars.add(tars.getFirst());
        assertThatCode(() -> verified(tars)).doesNotThrowAnyException();

        tars.add(Files.copy(tars.getFirst(), folder.resolve("copy.tar")));
        assertThat(problems(tars)).singleElement().satisfies(problem -> {
            assertThat(problem.kind()).isEqualTo(Kind.TWICE);
            assertThat(problem.volume()).hasValue(1);
        });
    }

    @Test
    void whatIsNoBundleIsForeign() throws Exception {
        List<Path> tars = new ArrayList<>(packed.tars(folder.resolve("tars")));
        tars.add(Files.writeString(folder.resolve("notes.tar"), "x".repeat(2000)));

        assertThat(problems(tars)).singleElement().satisfies(problem -> {
            assertThat(problem.kind()).isEqualTo(Kind.FOREIGN);
            assertThat(problem.file()).contains(folder.resolve("notes.tar").toRealPath());
        });
        assertThat(problems(List.of(folder.resolve("nowhere"))))
                .singleElement()
                .satisfies(problem -> assertThat(problem.what()).contains("nothing at this place"));
        assertThat(problems(List.of(Files.createDirectory(folder.resolve("empty")))))
                .singleElement()
                .satisfies(problem -> assertThat(problem.kind()).isEqualTo(Kind.FOREIGN));
    }

    @Test
    void nothingIsBelievedThatNoTrustedKeySigned() throws Exception {
        List<Path> tars = packed.tars(folder.resolve("tars"));
        assertThatThrownBy(() -> Bundle.open(tars, Packed.trust(folder, "other")))
                .isInstanceOf(DamagedBundleException.class)
                .hasMessageContaining("not signed by a key of " + folder.resolve("other.pub"));

        List<Path> unsigned =
                new Packed.Packing(source).image("base", "v1").pack().tars(folder.resolve("unsigned"));
        assertThatThrownBy(() -> verified(unsigned))
                .isInstanceOf(DamagedBundleException.class)
                .hasMessageContaining("its inventory is not signed")
                .hasMessageContaining("ask the sender for")
                .hasMessageNotContaining("--unsigned");
        assertThatCode(() -> Bundle.open(unsigned, List.of()).verify(bytes -> {}))
                .doesNotThrowAnyException();
        assertThatCode(() -> Bundle.open(tars, List.of()).verify(bytes -> {})).doesNotThrowAnyException();
    }

    @Test
    void anInventoryThatSaysOtherwiseThanItsManifestsIsRefusedAlthoughItIsSigned() throws Exception {
        Digest digest =
                source.repository("base").resolve(new Tag("v1")).orElseThrow().digest();
        Packed.Packing packing = new Packed.Packing(source).image("base", "v1");
        Inventory honest = packing.pack().inventory;
        BundledManifest manifest =
                Optional.ofNullable(honest.manifests().get(digest)).orElseThrow();
        BundledManifest lying = new BundledManifest(
                manifest.descriptor(),
                manifest.repositories(),
                List.of(),
                List.of(),
                manifest.blobs().subList(0, 2),
                Optional.empty(),
                List.of(),
                List.of(),
                manifest.placement());
        Inventory inventory = new Inventory(
                1,
                honest.volumeBytes(),
                List.of(),
                honest.images(),
                List.of(lying),
                honest.blobs().values().stream()
                        .filter(blob -> lying.blobs().contains(blob.digest()))
                        .toList(),
                List.of());

        List<Path> tars = packing.pack(inventory).tars(folder.resolve("lying"));

        assertThatThrownBy(() -> Bundle.open(tars, List.of()).verify(bytes -> {}))
                .isInstanceOf(DamagedBundleException.class)
                .hasMessageContaining("do not agree about its blobs");
    }

    @Test
    void anInventoryThatIsEditedIsAnAlteration() throws Exception {
        List<Path> tars = new Packed.Packing(source).image("base", "v1").pack().tars(folder.resolve("edited"));
        String text = Files.readString(tars.getFirst(), StandardCharsets.ISO_8859_1);
        Files.writeString(
                tars.getFirst(), text.replace("\"tag\":\"v1\"", "\"tag\":\"v2\""), StandardCharsets.ISO_8859_1);

        assertThatThrownBy(() -> Bundle.open(tars, List.of()))
                .isInstanceOf(DamagedBundleException.class)
                .hasMessageContaining("its inventory has the digest");
    }

    @Test
    void aFolderHasExactlyItsFiles() throws Exception {
        List<Path> volumes = packed.folders(folder.resolve("folders"));
        Path blobs = volumes.get(1).resolve("blobs/sha256");
        Path one;
        try (var list = Files.list(blobs)) {
            one = list.sorted().findFirst().orElseThrow();
        }
        byte[] content = Files.readAllBytes(one);

        Path extra = Files.writeString(blobs.resolve("extra"), "");
        assertAltered(volumes, Kind.ALTERED, "which is not of it");
        Files.delete(extra);
        Path inner = Files.createDirectory(blobs.resolve("inner"));
        assertAltered(volumes, Kind.ALTERED, "a folder blobs/sha256/inner");
        Files.delete(inner);
        Files.delete(one);
        assertAltered(volumes, Kind.TRUNCATED, "it has no file blobs/sha256/" + one.getFileName());
        Files.createSymbolicLink(one, Files.write(folder.resolve("elsewhere"), content));
        assertAltered(volumes, Kind.ALTERED, "a link or something else");
        Files.delete(one);
        Files.write(one, Arrays.copyOf(content, content.length - 1));
        assertAltered(volumes, Kind.TRUNCATED, "expected " + content.length);
        content[0] ^= 1;
        Files.write(one, content);
        assertAltered(volumes, Kind.ALTERED, "the digest sha256:");
        content[0] ^= 1;
        Files.write(one, content);
        assertThatCode(() -> verified(volumes)).doesNotThrowAnyException();
    }

    private void assertAltered(List<Path> volumes, Kind kind, String what) {
        assertThat(problems(volumes)).singleElement().satisfies(problem -> {
            assertThat(problem.kind()).isEqualTo(kind);
            assertThat(problem.volume()).hasValue(2);
            assertThat(problem.what()).contains(what);
        });
    }

    @Test
    void hugeStatedSizesTakeNoMemory() throws Exception {
        byte[] tar = packed.tar(1);
        int inventory = 0;
        for (VolumeEntry entry : packed.plan.entries(1).subList(0, 3)) {
            inventory += (int) entry.tarBytes();
        }
        byte[] header = TarHeader.of(VolumePlan.INVENTORY, 8L << 30);
        byte[] huge = TarHeader.of(VolumePlan.INVENTORY, BundleLimits.DOCUMENT_BYTES + 1L);
        System.arraycopy(huge, 0, tar, inventory, 512);
        assertThat(header.length).isGreaterThan(512);
        Path file = Files.write(folder.resolve("huge.tar"), tar);

        assertThat(problems(List.of(file))).singleElement().satisfies(problem -> {
            assertThat(problem.kind()).isEqualTo(Kind.ALTERED);
            assertThat(problem.what()).contains("allowed are " + BundleLimits.DOCUMENT_BYTES);
        });
    }
}
