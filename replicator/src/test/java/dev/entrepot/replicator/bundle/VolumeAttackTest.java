package dev.entrepot.replicator.bundle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.api.Assertions.tuple;

import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.testing.CrashProcess;
import dev.entrepot.replicator.MemoryRegistry;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import dev.entrepot.replicator.Shapes;
import dev.entrepot.replicator.bundle.VolumeProblem.Kind;
import java.io.ByteArrayOutputStream;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Files that somebody made to do harm, and those that mishap made. */
class VolumeAttackTest {
    private static final int BLOCK = 512;

    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private final Shapes app = new Shapes(source.repository("app"));
    private Packed packed;
    private List<Path> tars;

    @BeforeEach
    void pack() throws Exception {
        byte[] layer = new byte[60_000];
        new Random(1).nextBytes(layer);
        app.tag(
                "v1",
                app.manifest(
                        DigestAlgorithm.SHA256,
                        MediaType.OCI_MANIFEST,
                        app.blob(Shapes.CONFIG, "{}"),
                        List.of(app.blob(Shapes.LAYER, DigestAlgorithm.SHA256, layer)),
                        Optional.empty(),
                        Optional.empty()));
        Path key = Packed.keyPair(folder, "key");
        packed = new Packed.Packing(source)
                .image("app", "v1")
                .volumes(24_000)
                .signedBy(key)
                .pack();
        tars = packed.tars(Files.createDirectory(folder.resolve("tars")));
        assertThat(tars).hasSizeGreaterThan(3);
    }

    private List<VolumeProblem> problems(Path... places) {
        DamagedBundleException damage = catchThrowableOfType(DamagedBundleException.class, () -> {
            Bundle.open(List.of(places), Packed.trust(folder, "key")).verify(bytes -> {});
        });
        assertThat(damage).as("something is wrong with the volumes").isNotNull();
        return damage.problems();
    }

    private Path tarFolder() {
        return folder.resolve("tars");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 300, 511})
    void aVolumeOfWhichNothingIsLeftIsNamedWithItsNumber(int bytes) throws Exception {
        Files.write(tars.get(1), Arrays.copyOf(Files.readAllBytes(tars.get(1)), bytes));

        assertThat(problems(tarFolder())).singleElement().satisfies(problem -> {
            assertThat(problem.kind()).isEqualTo(Kind.TRUNCATED);
            assertThat(problem.volume()).hasValue(2);
            assertThat(problem.remedy().orElseThrow()).contains("--volumes 2 --output .");
        });
    }

    @Test
    void whatIsMissingIsNamedBesideWhatIsWrong() throws Exception {
        Files.delete(tars.get(1));
        Files.writeString(tarFolder().resolve("notes.tar"), "x".repeat(2000));
        assertThat(problems(tarFolder()))
                .extracting(VolumeProblem::kind, VolumeProblem::volume)
                .containsExactly(tuple(Kind.FOREIGN, OptionalInt.empty()), tuple(Kind.MISSING, OptionalInt.of(2)));
        Files.delete(tarFolder().resolve("notes.tar"));
        Files.write(tars.get(0), new byte[0]);
        assertThat(problems(tarFolder()))
                .as("which of the two it was nobody knows")
                .extracting(VolumeProblem::kind, VolumeProblem::volume)
                .containsExactly(
                        tuple(Kind.TRUNCATED, OptionalInt.empty()),
                        tuple(Kind.MISSING, OptionalInt.of(1)),
                        tuple(Kind.MISSING, OptionalInt.of(2)));
        Files.write(tars.get(0), packed.tar(1));
        byte[] flipped = packed.tar(3);
        flipped[flipped.length - 1100] ^= 1;
        Files.write(tars.get(2), flipped);
        assertThat(problems(tarFolder()))
                .extracting(VolumeProblem::kind, VolumeProblem::volume)
                .containsExactly(tuple(Kind.ALTERED, OptionalInt.of(3)), tuple(Kind.MISSING, OptionalInt.of(2)));
    }

    @Test
    void volumesInCapitalLettersAreFoundInAFolder() throws Exception {
        for (Path tar : tars) {
            Files.move(tar, tar.resolveSibling(tar.getFileName().toString().toUpperCase(Locale.ROOT)));
        }
        assertThatCode(() -> Bundle.open(List.of(tarFolder()), Packed.trust(folder, "key"))
                        .verify(bytes -> {}))
                .doesNotThrowAnyException();
    }

    @Test
    void whatOthersLeftInAFolderIsToBeRemovedAndNotToBeAskedFor() throws Exception {
        List<Path> folders = packed.folders(folder.resolve("folders"));
        Files.writeString(folders.get(1).resolve("notes.txt"), "to do");

        assertThat(problems(folder.resolve("folders"))).singleElement().satisfies(problem -> {
            assertThat(problem.kind()).isEqualTo(Kind.ALTERED);
            assertThat(problem.volume()).hasValue(2);
            assertThat(problem.toString())
                    .contains("a file notes.txt, which is not of it: remove that")
                    .doesNotContain("reissue");
        });
    }

    /** Opens the bundle in a folder, with the key beside it, and says how many problems it has. */
    static final class Program {
        private Program() {}

        public static void main(String[] arguments) throws Exception {
            Path folder = Path.of(arguments[0]);
            try {
                Bundle.open(List.of(folder.resolve("tars")), Packed.trust(folder, "key"));
                IO.println("no problems");
            } catch (DamagedBundleException e) {
                IO.println(e.problems().size() + " problems");
            }
        }
    }

    // In 128 MiB there is room for one of them, and not for two.
    @Test
    void manyHugeForgedInventoriesDoNotFillTheMemory() throws Exception {
        for (int i = 0; i < 3; i++) {
            forged(tarFolder().resolve("forged-" + i + ".tar"), i);
        }
        try (CrashProcess process = CrashProcess.start(Program.class, folder.toString())) {
            assertThat(process.awaitLine(line -> line.contains("problems"))).isEqualTo("3 problems");
        }
    }

    // Ends in a hole of the file system, so that it takes no room.
    private void forged(Path file, int number) throws Exception {
        ByteArrayOutputStream head = new ByteArrayOutputStream();
        for (VolumeEntry entry : packed.plan.entries(1).subList(0, 3)) {
            head.writeBytes(entry.header());
            head.writeBytes(((VolumeEntry.Content.Constant) entry.content()).bytes());
            head.writeBytes(new byte[entry.paddingBytes()]);
        }
        head.writeBytes(TarHeader.of(VolumePlan.INVENTORY, BundleLimits.DOCUMENT_BYTES));
        head.write('0' + number);
        try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
            out.write(head.toByteArray());
            out.setLength(head.size() + BundleLimits.DOCUMENT_BYTES + 4L * BLOCK);
        }
    }

    // The header of the first blob of volume 1, at which everything is as it should be.
    private int firstContent() {
        int at = 0;
        for (VolumeEntry entry : packed.plan.entries(1)) {
            if (!(entry.content() instanceof VolumeEntry.Content.Constant)) {
                return at;
            }
            at += (int) entry.tarBytes();
        }
        throw new AssertionError("no content");
    }

    private static void write(byte[] tar, int at, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        System.arraycopy(bytes, 0, tar, at, bytes.length);
    }

    // So that the header is a right one, only another.
    private static void sum(byte[] tar, int at) {
        Arrays.fill(tar, at + 148, at + 156, (byte) ' ');
        int sum = 0;
        for (int i = 0; i < BLOCK; i++) {
            sum += tar[at + i] & 0xff;
        }
        write(tar, at + 148, String.format("%06o\0 ", sum));
    }

    @ParameterizedTest
    @CsvSource({"1,/etc/passwd", "2,/etc/passwd", "2,../../outside", "3,''", "5,''", "6,''"})
    void anEntryThatIsALinkOrSomethingElseIsAnAlteration(String type, String link) throws Exception {
        byte[] tar = packed.tar(1);
        int at = firstContent();
        write(tar, at + 156, type);
        write(tar, at + 157, link);
        sum(tar, at);
        Files.write(tars.getFirst(), tar);

        assertAltered();
    }

    @ParameterizedTest
    @ValueSource(strings = {"../../../../outside", "/tmp/outside", "blobs/sha256/../../../outside", "./oci-layout"})
    void anEntryWhoseNameLeavesTheFolderIsAnAlteration(String name) throws Exception {
        byte[] tar = packed.tar(1);
        int at = firstContent();
        Arrays.fill(tar, at, at + 100, (byte) 0);
        write(tar, at, name);
        sum(tar, at);
        Files.write(tars.getFirst(), tar);

        assertAltered();
    }

    @Test
    void anEntryThatIsThereTwiceIsFound() throws Exception {
        byte[] tar = packed.tar(1);
        int at = firstContent();
        int end = tar.length - VolumePlan.END_BYTES;
        ByteArrayOutputStream twice = new ByteArrayOutputStream();
        twice.write(tar, 0, end);
        twice.write(tar, at, end - at);
        twice.writeBytes(new byte[VolumePlan.END_BYTES]);
        Files.write(tars.getFirst(), twice.toByteArray());

        assertAltered();
    }

    private void assertAltered() {
        assertThat(problems(tarFolder())).singleElement().satisfies(problem -> {
            assertThat(problem.kind()).isEqualTo(Kind.ALTERED);
            assertThat(problem.volume()).hasValue(1);
        });
    }

    @Test
    void specialFilesAndLinksInAFolderAreNeverOpened() throws Exception {
        List<Path> folders = new ArrayList<>(packed.folders(folder.resolve("folders")));
        Path last = folders.getLast();
        Path blobs = last.resolve("blobs/sha256");
        Path one;
        try (var list = Files.list(blobs)) {
            one = list.sorted().findFirst().orElseThrow();
        }
        byte[] content = Files.readAllBytes(one);
        Files.delete(one);
        fifo(one);
        assertFolderAltered("a link or something else that is no file");
        Files.delete(one);
        Files.write(one, content);
        Path inventory = last.resolve(VolumePlan.INVENTORY);
        byte[] document = Files.readAllBytes(inventory);
        Files.delete(inventory);
        fifo(inventory);
        assertFolderAltered("entrepot/inventory.json is a link or something else that is no file");
        Files.delete(inventory);
        Files.write(inventory, document);
        Path moved = Files.move(blobs, folder.resolve("elsewhere"));
        Files.createSymbolicLink(blobs, moved);
        assertFolderAltered("blobs/sha256 is a link or something else that is no folder");
        Files.delete(blobs);
        Files.move(moved, blobs);
        assertThatCode(() -> Bundle.open(List.of(folder.resolve("folders")), Packed.trust(folder, "key"))
                        .verify(bytes -> {}))
                .doesNotThrowAnyException();
    }

    private static void fifo(Path file) throws Exception {
        Process made = new ProcessBuilder("mkfifo", file.toString()).start();
        assertThat(made.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(made.exitValue()).isZero();
    }

    private void assertFolderAltered(String what) {
        assertThat(problems(folder.resolve("folders"))).singleElement().satisfies(problem -> {
            assertThat(problem.kind()).isEqualTo(Kind.ALTERED);
            assertThat(problem.volume()).hasValue(packed.plan.volumes());
            assertThat(problem.what()).contains(what);
        });
    }
}
