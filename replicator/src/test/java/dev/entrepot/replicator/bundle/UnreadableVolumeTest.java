package dev.entrepot.replicator.bundle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.MediaType;
import dev.entrepot.replicator.MemoryRegistry;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import dev.entrepot.replicator.ProgressListener;
import dev.entrepot.replicator.ReplicationRunner;
import dev.entrepot.replicator.RetryPolicy;
import dev.entrepot.replicator.Shapes;
import dev.entrepot.replicator.VirtualTime;
import dev.entrepot.replicator.bundle.VolumeProblem.Kind;
import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A medium that does not give what is on it: a scratched disc, a dying stick. What it is to the system is a read that
 * fails with EIO.
 */
class UnreadableVolumeTest {
    // A file of Linux of which the beginning is never there: reading it is EIO, as of a bad sector.
    private static final Path BAD = Path.of("/proc/self/mem");

    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private final MemoryRegistry target = new MemoryRegistry("target.test", Abilities.ALL);
    private final Shapes app = new Shapes(source.repository("app"));
    private Packed packed = null;
    private List<Path> volumes = List.of();

    @BeforeEach
    void pack() throws Exception {
        app.tag("a", image(1, 2_000, 3_000));
        app.tag("b", image(2, 95_000));
        app.tag("c", image(3, 17_000, 18_000, 19_000));
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

    private Digest id() {
        return InventoryJson.bundleId(packed.plan.document());
    }

    /** The bundle, of which some files of a volume are in bad places of it. */
    private Bundle with(int volume, Predicate<VolumeEntry> bad) throws IOException {
        Bundle bundle = Bundle.open(volumes, List.of());
        SortedMap<Integer, Bundle.Given> given = new TreeMap<>(bundle.given());
        List<Bundle.Piece> pieces = new ArrayList<>();
        for (Bundle.Piece piece : bundle.given().get(volume).pieces()) {
            Slice slice =
                    bad.test(piece.entry()) ? new Slice(BAD, 0, piece.slice().bytes()) : piece.slice();
            pieces.add(new Bundle.Piece(piece.entry(), slice));
        }
        assertThat(pieces).isNotEqualTo(bundle.given().get(volume).pieces());
        given.put(volume, new Bundle.Given(bundle.given().get(volume).path(), pieces));
        return new Bundle(bundle.inventory(), bundle.id(), bundle.trusted(), given);
    }

    private int first(Predicate<VolumeEntry> which) {
        int volume = 1;
        while (packed.plan.entries(volume).stream().noneMatch(which)) {
            volume++;
        }
        return volume;
    }

    private static boolean isManifest(VolumeEntry entry) {
        return entry.content() instanceof VolumeEntry.Content.Manifest;
    }

    private static boolean isLayer(VolumeEntry entry) {
        return entry.content() instanceof VolumeEntry.Content.Blob && entry.sizeBytes() > 10_000;
    }

    private static boolean isPart(VolumeEntry entry) {
        return entry.content() instanceof VolumeEntry.Content.Part;
    }

    /** What an import of the bundle says; nothing of it may be at the target that anybody sees. */
    private DamagedBundleException refused(Bundle bundle) throws Exception {
        VirtualTime clock = new VirtualTime();
        DamagedBundleException damage;
        try (ImportFolder imports = ImportFolder.open(folder.resolve("data"), clock)) {
            ReplicationRunner runner =
                    ReplicationRunner.comparing(imports.journal(), clock.time(), RetryPolicy.DEFAULT);
            BundleImport work = new BundleImport(
                    bundle, Importing.AS_THEY_ARE, new ImportTarget(target.asTarget(), 4), imports, runner);
            damage = catchThrowableOfType(DamagedBundleException.class, () -> work.run(ProgressListener.NONE));
        }
        assertThat(damage).isNotNull();
        assertThat(target.repository("app").manifests).isEmpty();
        assertThat(target.repository("app").tags).isEmpty();
        return damage;
    }

    private void assertUnreadable(VolumeProblem problem, int volume) {
        assertThat(problem.kind()).isEqualTo(Kind.UNREADABLE);
        assertThat(problem.volume()).hasValue(volume);
        assertThat(problem.toString())
                .contains("volume " + volume + " (")
                .contains("cannot be read: ")
                .contains("Input/output error")
                .contains("; ask the sender for: entrepot export --reissue " + id() + " --volumes " + volume);
    }

    @Test
    void aFileThatCannotBeReadIsNamedAndWhatIsWrongWithOthersToo() throws Exception {
        int bad = first(UnreadableVolumeTest::isLayer);
        byte[] last = Files.readAllBytes(volumes.getLast());
        last[last.length - 1024 - 700] ^= 1;
        Files.write(volumes.getLast(), last);
        Bundle bundle = with(bad, UnreadableVolumeTest::isLayer);

        DamagedBundleException damage =
                catchThrowableOfType(DamagedBundleException.class, () -> bundle.verify(bytes -> {}));

        assertThat(damage.problems()).hasSize(2);
        assertUnreadable(damage.problems().getFirst(), bad);
        assertThat(damage.problems().getFirst().file())
                .contains(volumes.get(bad - 1).toRealPath());
        assertThat(damage.problems().getFirst().what()).contains("at blobs/sha256/");
        assertThat(damage.problems().getLast())
                .returns(Kind.ALTERED, VolumeProblem::kind)
                .satisfies(problem -> assertThat(problem.volume()).hasValue(volumes.size()));
    }

    @Test
    void aPartThatCannotBeReadDoesNotHideABadOneInAnotherVolume() throws Exception {
        int first = first(UnreadableVolumeTest::isPart);
        Bundle bundle = with(first, UnreadableVolumeTest::isPart);
        byte[] next = Files.readAllBytes(volumes.get(first));
        next[next.length - 1024 - 900] ^= 1;
        Files.write(volumes.get(first), next);

        DamagedBundleException damage =
                catchThrowableOfType(DamagedBundleException.class, () -> bundle.verify(bytes -> {}));

        assertUnreadable(damage.problems().getFirst(), first);
        assertThat(damage.problems())
                .extracting(problem -> problem.volume().orElse(0))
                .containsExactly(first, first + 1);
    }

    @Test
    void anImportThatCannotReadALayerSaysWhatToAskFor() throws Exception {
        int bad = first(UnreadableVolumeTest::isLayer);

        assertUnreadable(
                refused(with(bad, UnreadableVolumeTest::isLayer)).problems().getFirst(), bad);
    }

    @Test
    void anImportThatCannotReadAManifestSaysWhatToAskFor() throws Exception {
        int bad = first(UnreadableVolumeTest::isManifest);

        DamagedBundleException damage = refused(with(bad, UnreadableVolumeTest::isManifest));

        assertUnreadable(damage.problems().getFirst(), bad);
        assertThat(target.requests("PUT")).isEmpty();
    }

    @Test
    void aPartThatIsToBeKeptAndCannotBeReadIsNoLackOfRoom() throws Exception {
        int bad = first(UnreadableVolumeTest::isPart);
        Bundle whole = with(bad, UnreadableVolumeTest::isPart);
        SortedMap<Integer, Bundle.Given> alone = new TreeMap<>();
        alone.put(bad, whole.given().get(bad));
        Bundle bundle = new Bundle(whole.inventory(), whole.id(), whole.trusted(), alone);

        DamagedBundleException damage = refused(bundle);

        assertUnreadable(damage.problems().getFirst(), bad);
        assertThat(damage.getMessage()).doesNotContain("make room");
    }

    @Test
    void aVolumeOfWhichTheBeginningCannotBeReadIsNamedByItsNumber() throws Exception {
        Files.delete(volumes.get(1));
        Files.createSymbolicLink(volumes.get(1), BAD);

        DamagedBundleException damage = catchThrowableOfType(
                DamagedBundleException.class, () -> Bundle.open(List.of(folder.resolve("out")), List.of()));

        assertThat(damage.problems()).hasSize(1);
        assertUnreadable(damage.problems().getFirst(), 2);
    }

    @Test
    void aVolumeAloneOfWhichTheBeginningCannotBeReadIsToBeAskedForByItsFile() throws Exception {
        Path alone = Files.createSymbolicLink(folder.resolve("alone.tar"), BAD);

        DamagedBundleException damage =
                catchThrowableOfType(DamagedBundleException.class, () -> Bundle.open(List.of(alone), List.of()));

        assertThat(damage.problems()).singleElement().satisfies(problem -> {
            assertThat(problem.kind()).isEqualTo(Kind.UNREADABLE);
            assertThat(problem.toString()).contains("Input/output error", "ask the sender for this file again");
        });
    }

    @Test
    void whatThisUserMayNotReadIsNotToBeAskedFor() {
        UnreadableException denied = new UnreadableException(Path.of("b.tar"), new AccessDeniedException("b.tar"));
        VolumeProblem problem = VolumeProblem.unreadable(Path.of("b.tar"), "at its beginning", denied)
                .in(1, id());

        assertThat(problem.remedy()).isEmpty();
        assertThat(problem.alone()).isEqualTo(problem);
        assertThat(problem.toString()).contains("cannot be read", "access is denied");
    }

    @Test
    void anInterruptIsNoFaultOfTheMedium() {
        Thread.currentThread().interrupt();
        try {
            assertThatThrownBy(() -> new Slice(volumes.getFirst(), 0, 10).read())
                    .isInstanceOf(ClosedByInterruptException.class);
        } finally {
            assertThat(Thread.interrupted()).isTrue();
        }
    }
}
