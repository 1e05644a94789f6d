package dev.entrepot.replicator.bundle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.MediaType;
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
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Volumes in folders into which somebody or some system put something more. */
class FolderLitterTest {
    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private List<Path> volumes = List.of();
    private Path blobs = Path.of("");

    @BeforeEach
    void pack() throws Exception {
        Shapes app = new Shapes(source.repository("app"));
        Descriptor layer = app.blob(Shapes.LAYER, DigestAlgorithm.SHA256, new byte[30_000]);
        Descriptor other = app.blob(Shapes.LAYER, DigestAlgorithm.SHA256, new byte[31_000]);
        app.tag(
                "v1",
                app.manifest(
                        DigestAlgorithm.SHA256,
                        MediaType.OCI_MANIFEST,
                        app.blob(Shapes.CONFIG, "{}"),
                        List.of(layer, other),
                        Optional.empty(),
                        Optional.empty()));
        volumes = new Packed.Packing(source)
                .image("app", "v1")
                .volumes(40_000)
                .pack()
                .folders(folder.resolve("out"));
        assertThat(volumes).hasSize(3);
        blobs = volumes.get(1).resolve("blobs/sha256");
    }

    private List<VolumeProblem> problems() {
        DamagedBundleException damage = catchThrowableOfType(
                DamagedBundleException.class,
                () -> Bundle.examine(volumes, List.of()).verify(bytes -> {}));
        assertThat(damage).isNotNull();
        assertThat(damage.problems())
                .allSatisfy(problem -> assertThat(problem.volume()).hasValue(2));
        return damage.problems();
    }

    private Path layer() throws IOException {
        try (var files = Files.list(blobs)) {
            for (Path file : files.toList()) {
                if (Files.size(file) > 20_000) {
                    return file;
                }
            }
        }
        throw new AssertionError("no layer in the second volume");
    }

    @Test
    void whatSystemsLeaveBehindIsPassedOverAndSaid() throws Exception {
        Path top = volumes.get(1);
        Files.writeString(top.resolve(".DS_Store"), "icons");
        Files.writeString(blobs.resolve("._" + layer().getFileName()), "resources");
        Files.writeString(top.resolve("entrepot/Thumbs.db"), "pictures");
        Files.createDirectories(top.resolve("System Volume Information"));
        Files.writeString(top.resolve("System Volume Information/IndexerVolumeGuid"), "{}");

        Bundle.Examined examined = Bundle.examine(volumes, List.of());

        assertThat(examined.problems()).isEmpty();
        assertThat(examined.notes()).singleElement().asString().satisfies(note -> {
            assertThat(note).contains(top.toRealPath().toString()).contains(".DS_Store");
            assertThat(note).contains("entrepot/Thumbs.db", "System Volume Information", "blobs/sha256/._");
        });
        assertThatCode(() -> examined.verify(bytes -> {})).doesNotThrowAnyException();
        assertThatCode(() -> Bundle.open(volumes, List.of()).verify(bytes -> {}))
                .doesNotThrowAnyException();
    }

    @Test
    void everythingElseThatDoesNotBelongThereIsNamedAtOnce() throws Exception {
        Files.writeString(blobs.resolve("extra"), "");
        Files.createDirectory(volumes.get(1).resolve("inner"));
        Files.writeString(volumes.get(1).resolve("inner/deep"), "");
        Files.writeString(volumes.get(1).resolve(".DS_Store"), "icons");

        assertThat(problems()).singleElement().satisfies(problem -> {
            assertThat(problem.kind()).isEqualTo(Kind.ALTERED);
            assertThat(problem.remedy()).isEmpty();
            assertThat(problem.what())
                    .contains("a file blobs/sha256/extra", "a folder inner", "which are not of it: remove them")
                    .doesNotContain("deep", ".DS_Store");
        });
    }

    @Test
    void ofMuchThatSystemsLeaveAFewAreNamedAndTheOthersCounted() throws Exception {
        for (int i = 0; i < 23; i++) {
            Files.writeString(blobs.resolve("._" + i), "resources");
        }

        assertThat(Bundle.examine(volumes, List.of()).notes())
                .singleElement()
                .asString()
                .endsWith(", and 13 more");
    }

    @Test
    void noNameOnAMediumReachesTheTerminalWithItsControlCharacters() throws Exception {
        Path odd = volumes.get(1).resolveSibling("red\u001b[31m\nvolume");
        Files.move(volumes.get(1), odd);
        Files.writeString(odd.resolve(".DS_Store"), "icons");
        Files.writeString(odd.resolve("blobs/extra\u001b[2J"), "");
        volumes = List.of(volumes.get(0), odd, volumes.get(2));

        assertThat(Bundle.examine(volumes, List.of()).notes())
                .singleElement()
                .asString()
                .contains("red?[31m?volume")
                .doesNotContain("\u001b", "\n");
        assertThat(problems())
                .singleElement()
                .asString()
                .contains("red?[31m?volume", "a file with an odd name")
                .doesNotContain("\u001b", "\n");
    }

    @Test
    void litterDoesNotHideAFlippedBit() throws Exception {
        Files.writeString(blobs.resolve("extra"), "");
        byte[] bytes = Files.readAllBytes(layer());
        bytes[700] ^= 1;
        Files.write(layer(), bytes);

        assertThat(problems()).hasSize(2);
        assertThat(problems().getFirst().what()).contains("a file blobs/sha256/extra, which is not of it: remove that");
        assertThat(problems().getLast().what()).contains("has the digest");
        assertThat(problems().getLast().remedy()).isPresent();
    }

    @Test
    void litterDoesNotHideAFileThatIsTooShortOrGone() throws Exception {
        Files.writeString(blobs.resolve("extra"), "");
        Path layer = layer();
        Files.write(layer, Arrays.copyOf(Files.readAllBytes(layer), 25_000));
        assertThat(problems()).extracting(VolumeProblem::kind).containsExactly(Kind.ALTERED, Kind.TRUNCATED);
        Files.delete(layer);
        assertThat(problems()).extracting(VolumeProblem::kind).containsExactly(Kind.ALTERED, Kind.TRUNCATED);
        assertThat(problems().getLast().what()).contains("it has no file blobs/sha256/");
    }

    @Test
    void ofManyStrangeFilesAFewAreNamed() throws Exception {
        for (int i = 0; i < 40; i++) {
            Files.writeString(blobs.resolve("extra-" + i), "");
        }

        String what = problems().getFirst().what();

        assertThat(what).contains(" and more, which are not of it").hasSizeLessThan(500);
    }
}
