package dev.entrepot.replicator.bundle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
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
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** One volume alone, in one drive: whatever of it is damaged, whoever has it knows what to ask the sender for. */
class VolumeAloneTest {
    private static final int SECTOR = 2048;

    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private Path key = Path.of("");

    @BeforeEach
    void fill() throws Exception {
        key = Packed.keyPair(folder, "key");
        Shapes app = new Shapes(source.repository("team/app"));
        Random random = new Random(7);
        List<Descriptor> layers = Arrays.stream(new int[] {9_000, 21_000, 45_000})
                .mapToObj(size -> {
                    byte[] bytes = new byte[size];
                    random.nextBytes(bytes);
                    return app.blob(Shapes.LAYER, DigestAlgorithm.SHA256, bytes);
                })
                .toList();
        Descriptor image = app.manifest(
                DigestAlgorithm.SHA256,
                MediaType.OCI_MANIFEST,
                app.blob(Shapes.CONFIG, "{}"),
                layers,
                Optional.empty(),
                Optional.empty());
        app.tag("v1", app.index(List.of(image, app.image("arm64"))));
    }

    private Packed packed(boolean several) throws Exception {
        Packed.Packing packing =
                new Packed.Packing(source).image("team/app", "v1").signedBy(key);
        Packed packed = several ? packing.volumes(26_000).pack() : packing.pack();
        assertThat(packed.plan.volumes()).isBetween(several ? 4 : 1, several ? 9 : 1);
        return packed;
    }

    private VolumeProblem problem(Path volume, List<BundleTrust> trust) {
        DamagedBundleException damage = catchThrowableOfType(
                DamagedBundleException.class,
                () -> Bundle.examine(List.of(volume), trust).verify(bytes -> {}));
        assertThat(damage).as("something is wrong with the volume").isNotNull();
        List<VolumeProblem> own = damage.problems().stream()
                .filter(problem -> problem.kind() != Kind.MISSING)
                .toList();
        assertThat(own).as(damage.getMessage()).hasSize(1);
        return own.getFirst();
    }

    private static void assertAsksFor(VolumeProblem problem, Packed packed, int volume) {
        Digest id = InventoryJson.bundleId(packed.plan.document());
        assertThat(problem.volume()).as(problem.toString()).hasValue(volume);
        assertThat(problem.bundle()).as(problem.toString()).contains(id);
        assertThat(problem.remedy())
                .as(problem.toString())
                .contains("entrepot export --reissue " + id + " --volumes " + volume + " --output .");
        assertThat(problem.toString()).contains("ask the sender for: entrepot export");
    }

    private static int headBytes(Packed packed, int volume) {
        return packed.plan.entries(volume).subList(0, 5).stream()
                .mapToInt(entry -> (int) entry.tarBytes())
                .sum();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void ofAFlippedBitAnywhereTheNumberAndTheBundleAreKnown(boolean several) throws Exception {
        Packed packed = packed(several);
        List<BundleTrust> trust = Packed.trust(folder, "key");
        List<Path> tars = packed.tars(folder.resolve("tars"));
        SplittableRandom random = new SplittableRandom(21);
        for (int i = 0; i < 250; i++) {
            int volume = 1 + random.nextInt(tars.size());
            byte[] bytes = packed.tar(volume);
            int at = random.nextInt(i < 200 ? headBytes(packed, volume) : bytes.length);
            bytes[at] ^= (byte) (1 << random.nextInt(8));

            VolumeProblem problem = problem(Files.write(tars.get(volume - 1), bytes), trust);

            assertThat(problem.kind())
                    .as("bit of byte %d of volume %d: %s", at, volume, problem)
                    .isIn(Kind.ALTERED, Kind.TRUNCATED, Kind.REORDERED, Kind.UNTRUSTED);
            assertAsksFor(problem, packed, volume);
            Files.write(tars.get(volume - 1), packed.tar(volume));
            assertThatCode(() -> Bundle.open(List.of(tars.get(volume - 1)), trust))
                    .doesNotThrowAnyException();
        }
    }

    @Test
    void eachByteOfWhatAVolumeSaysOfItselfMayBeWrong() throws Exception {
        Packed packed = packed(true);
        Path tar = packed.tars(folder.resolve("tars")).get(1);
        List<VolumeEntry> entries = packed.plan.entries(2);
        long before = entries.get(0).tarBytes() + entries.get(1).tarBytes();
        for (long at = before; at < before + entries.get(2).tarBytes(); at += 7) {
            byte[] bytes = packed.tar(2);
            bytes[(int) at] ^= 1;

            assertAsksFor(problem(Files.write(tar, bytes), Packed.trust(folder, "key")), packed, 2);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aVolumeThatIsCutAnywhereIsAskedForByNumberOrElseByItsFile(boolean several) throws Exception {
        Packed packed = packed(several);
        List<BundleTrust> trust = Packed.trust(folder, "key");
        List<Path> tars = packed.tars(folder.resolve("tars"));
        SplittableRandom random = new SplittableRandom(22);
        int nameless = 0;
        for (int i = 0; i < 120; i++) {
            int volume = 1 + random.nextInt(tars.size());
            List<VolumeEntry> entries = packed.plan.entries(volume);
            long said = entries.subList(0, 3).stream()
                            .mapToLong(VolumeEntry::tarBytes)
                            .sum()
                    - entries.get(2).paddingBytes();
            byte[] bytes = packed.tar(volume);
            int length = i == 0 ? 0 : random.nextInt(i < 80 ? headBytes(packed, volume) : bytes.length);

            VolumeProblem problem = problem(Files.write(tars.get(volume - 1), Arrays.copyOf(bytes, length)), trust);

            assertThat(problem.kind())
                    .as("volume %d cut to %d: %s", volume, length, problem)
                    .isEqualTo(Kind.TRUNCATED);
            if (length >= said) {
                assertAsksFor(problem, packed, volume);
            } else {
                nameless++;
                assertThat(problem.file()).contains(tars.get(volume - 1).toRealPath());
                assertThat(problem.toString()).contains("ask the sender for this file again");
            }
        }
        assertThat(nameless).isBetween(3, 100);
    }

    @Test
    void anAlteredSignatureIsNotTrustedAndAskedForIfTheKeyIsTheRightOne() throws Exception {
        Packed packed = packed(false);
        Path tar = packed.tars(folder.resolve("tars")).getFirst();
        VolumeEntry signature = packed.plan.entries(1).get(4);
        assertThat(signature.name()).isEqualTo(VolumePlan.SIGNATURE);
        byte[] bytes = packed.tar(1);
        bytes[headBytes(packed, 1) - (int) signature.tarBytes() + 512 + 9] ^= 1;

        VolumeProblem problem = problem(Files.write(tar, bytes), Packed.trust(folder, "key"));

        assertThat(problem.kind()).isEqualTo(Kind.UNTRUSTED);
        assertThat(problem.toString())
                .contains(
                        "or the signature is altered; if the key is the right one, ask the sender for: entrepot export");
    }

    @Test
    void aVolumeWhoseSignatureIsLostOrRemovedIsAskedForAgain() throws Exception {
        Packed packed = packed(true);
        List<BundleTrust> trust = Packed.trust(folder, "key");
        Path second = packed.folders(folder.resolve("folders")).get(1);
        Files.delete(second.resolve(VolumePlan.SIGNATURE));
        byte[] bytes = packed.tar(2);
        int end = headBytes(packed, 2);
        int start = end - (int) packed.plan.entries(2).get(4).tarBytes();
        byte[] without = Arrays.copyOf(bytes, bytes.length - (end - start));
        System.arraycopy(bytes, end, without, start, bytes.length - end);
        Path tar = Files.write(folder.resolve("without.tar"), without);

        for (Path volume : List.of(second, tar)) {
            VolumeProblem problem = problem(volume, trust);

            assertThat(problem.kind()).isEqualTo(Kind.UNTRUSTED);
            assertAsksFor(problem, packed, 2);
            assertThat(problem.toString())
                    .contains("its inventory is not signed: the signature is lost, or somebody removed it")
                    .doesNotContain("--unsigned");
        }
    }

    private VolumeProblem problemOfBadSector(Path tar, long at, List<BundleTrust> trust) {
        VolumeReader reader = new TarVolume(
                tar, () -> new BadSectors(FileChannel.open(tar, StandardOpenOption.READ), at, at + SECTOR - 1));
        DamagedBundleException damage = catchThrowableOfType(
                DamagedBundleException.class,
                () -> BundleOpening.examineVolumes(List.of(reader), trust).verify(bytes -> {}));
        assertThat(damage).as("the sector at " + at).isNotNull();
        List<VolumeProblem> own = damage.problems().stream()
                .filter(problem -> problem.kind() != Kind.MISSING)
                .toList();
        assertThat(own).as(damage.getMessage()).hasSize(1);
        return own.getFirst();
    }

    private static boolean overlaps(Packed packed, int volume, String name, long sector) {
        long start = 0;
        for (VolumeEntry entry : packed.plan.entries(volume)) {
            if (entry.name().equals(name)) {
                return sector < start + entry.tarBytes() - entry.paddingBytes() && sector + SECTOR > start;
            }
            start += entry.tarBytes();
        }
        return false;
    }

    @ParameterizedTest
    @CsvSource({"true, true", "true, false", "false, true", "false, false"})
    void ofABadSectorInTheHeadTheNumberAndTheBundleAreKnown(boolean several, boolean signed) throws Exception {
        Packed packed = signed ? packed(several) : unsigned(several);
        List<BundleTrust> trust = signed ? Packed.trust(folder, "key") : List.of();
        int volume = several ? 2 : 1;
        Path tar = packed.tars(folder.resolve("tars")).get(volume - 1);
        int head = packed.plan.entries(volume).subList(0, signed ? 5 : 4).stream()
                .mapToInt(entry -> (int) entry.tarBytes())
                .sum();
        int known = 0;
        for (long at = 0; at < head; at += SECTOR) {
            VolumeProblem problem = problemOfBadSector(tar, at, trust);

            assertThat(problem.kind()).as(problem.toString()).isIn(Kind.UNREADABLE, Kind.ALTERED);
            if (overlaps(packed, volume, VolumePlan.VOLUME, at) && overlaps(packed, volume, VolumePlan.INVENTORY, at)) {
                // Both of what would say it.
                assertThat(problem.toString()).contains("ask the sender for this file again", "Input/output error");
            } else {
                assertAsksFor(problem, packed, volume);
                known++;
            }
        }
        assertThat(known).isPositive();
    }

    @Test
    void aMediumThatGivesNothingIsNotReadToItsEndInVain() throws Exception {
        Packed packed = packed(false);
        Path tar = packed.tars(folder.resolve("tars")).getFirst();
        // Of a length at which trying each sector would tell.
        Files.write(tar, new byte[1 << 20], StandardOpenOption.APPEND);
        AtomicInteger tried = new AtomicInteger();
        VolumeReader reader = givingNothing(tar, tried);

        DamagedBundleException damage = catchThrowableOfType(
                DamagedBundleException.class,
                () -> BundleOpening.examineVolumes(List.of(reader), Packed.trust(folder, "key")));

        assertThat(damage.problems())
                .singleElement()
                .satisfies(problem -> assertThat(problem.toString())
                        .contains("Input/output error", "ask the sender for this file again"));
        assertThat(tried).hasValueBetween(BadReads.MOST, 3 * BadReads.MOST);
    }

    private static VolumeReader givingNothing(Path tar, AtomicInteger tried) {
        return new TarVolume(
                tar,
                () -> new BadSectors(
                        FileChannel.open(tar, StandardOpenOption.READ), 0, Long.MAX_VALUE - 1, tried::incrementAndGet));
    }

    @Test
    void ofAMediumThatGivesNothingNotAllPlacesOfAllFilesOfAllVolumesAreTried() throws Exception {
        Shapes app = new Shapes(source.repository("team/app"));
        List<Descriptor> layers = IntStream.range(0, 150)
                .mapToObj(i -> app.blob(Shapes.LAYER, "layer " + i))
                .toList();
        app.tag(
                "many",
                app.manifest(
                        DigestAlgorithm.SHA256,
                        MediaType.OCI_MANIFEST,
                        app.blob(Shapes.CONFIG, "{}"),
                        layers,
                        Optional.empty(),
                        Optional.empty()));
        Packed packed = new Packed.Packing(source)
                .image("team/app", "many")
                .volumes(110_000)
                .pack();
        assertThat(packed.plan.volumes()).isGreaterThan(1);
        Path tar = packed.tars(folder.resolve("many")).getFirst();
        AtomicInteger tried = new AtomicInteger();

        assertThat(BundleOpening.byItsFiles(givingNothing(tar, tried), packed.plan))
                .isZero();

        assertThat(tried).hasValue(BadReads.MOST);
    }

    private Packed unsigned(boolean several) throws Exception {
        Packed.Packing packing = new Packed.Packing(source).image("team/app", "v1");
        return several ? packing.volumes(26_000).pack() : packing.pack();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void ofAnUnsignedVolumeThatNamesAnotherBundleThanItHasBothAreNamed(boolean several) throws Exception {
        Packed packed = unsigned(several);
        Digest id = InventoryJson.bundleId(packed.plan.document());
        int volume = several ? 2 : 1;
        Path tar = packed.tars(folder.resolve("tars")).get(volume - 1);
        String head = new String(packed.tar(volume), StandardCharsets.ISO_8859_1);
        int stated = head.indexOf(id.toString());
        byte[] bytes = packed.tar(volume);
        // A digit for another one.
        bytes[stated + 20] = (byte) (bytes[stated + 20] == '0' ? '1' : '0');
        String wrong = new String(bytes, stated, id.toString().length(), StandardCharsets.ISO_8859_1);
        assertThat(Digest.parse(wrong)).isNotEqualTo(id);

        VolumeProblem problem = problem(Files.write(tar, bytes), List.of());

        assertThat(problem.volume()).hasValue(volume);
        assertThat(problem.bundle()).isEmpty();
        assertThat(problem.remedy()).isEmpty();
        assertThat(problem.toString())
                .contains("one of the two is damaged", "ask the sender for")
                .contains("entrepot export --reissue " + id + " --volumes " + volume)
                .contains("entrepot export --reissue " + wrong + " --volumes " + volume);
        JsonNode json = OciJson.mapper().readTree(ProblemsWriter.toJson("failed", Optional.empty(), List.of(problem)));
        assertThat(json.path("problems").path(0).path("ask").asString())
                .isEqualTo("entrepot export --reissue " + id + " --volumes " + volume + " --output . or entrepot export"
                        + " --reissue " + wrong + " --volumes " + volume + " --output .");
    }

    @Test
    void anUnsignedVolumeThatLostWhatItSaysOfItselfIsKnownByItsInventoryAndItsFiles() throws Exception {
        Packed packed = unsigned(true);
        Path second = packed.folders(folder.resolve("folders")).get(1);
        Files.delete(second.resolve(VolumePlan.VOLUME));

        assertAsksFor(problem(second, List.of()), packed, 2);
    }

    @Test
    void whatNobodySignedIsAskedForToo() throws Exception {
        Packed packed = new Packed.Packing(source).image("team/app", "v1").pack();
        Path tar = packed.tars(folder.resolve("tars")).getFirst();
        SplittableRandom random = new SplittableRandom(23);
        int head = packed.plan.entries(1).subList(0, 4).stream()
                .mapToInt(entry -> (int) entry.tarBytes())
                .sum();
        for (int i = 0; i < 80; i++) {
            byte[] bytes = packed.tar(1);
            bytes[random.nextInt(head)] ^= (byte) (1 << random.nextInt(8));

            VolumeProblem problem = problem(Files.write(tar, bytes), List.of());

            assertThat(problem.toString()).contains("ask the sender for");
        }
    }

    @Test
    void aFolderAloneThatLostWhatItSaysOfItselfIsKnownByItsFiles() throws Exception {
        Packed packed = packed(true);
        List<BundleTrust> trust = Packed.trust(folder, "key");
        Path second = packed.folders(folder.resolve("folders")).get(1);
        byte[] document = Files.readAllBytes(second.resolve(VolumePlan.INVENTORY));
        byte[] stated = Files.readAllBytes(second.resolve(VolumePlan.VOLUME));

        Files.delete(second.resolve(VolumePlan.VOLUME));
        assertAsksFor(problem(second, trust), packed, 2);
        Files.write(
                second.resolve(VolumePlan.VOLUME),
                new String(stated, StandardCharsets.UTF_8)
                        .replace("\"volume\":2", "\"volume\":3")
                        .getBytes(StandardCharsets.UTF_8));
        assertAsksFor(problem(second, trust), packed, 2);
        Files.write(second.resolve(VolumePlan.VOLUME), stated);
        Files.delete(second.resolve(VolumePlan.INVENTORY));
        assertAsksFor(problem(second, trust), packed, 2);
        Files.write(second.resolve(VolumePlan.INVENTORY), Arrays.copyOf(document, document.length - 1));
        assertAsksFor(problem(second, trust), packed, 2);
    }
}
