package dev.entrepot.replicator.bundle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.Platform;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.testing.CrashProcess;
import dev.entrepot.replicator.Completeness;
import dev.entrepot.replicator.MemoryRegistry;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import dev.entrepot.replicator.MemoryRepository;
import dev.entrepot.replicator.ProgressListener;
import dev.entrepot.replicator.ReplicationRunner;
import dev.entrepot.replicator.RetryPolicy;
import dev.entrepot.replicator.Shapes;
import dev.entrepot.replicator.TargetRegistry;
import dev.entrepot.replicator.VirtualTime;
import dev.entrepot.replicator.layout.LayoutTargets;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BundleImportTest {
    private static final RetryPolicy NO_RETRIES = new RetryPolicy(1, Duration.ZERO, Duration.ZERO, 1_000_000);
    private static final int VOLUME_BYTES = 40_000;

    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private final MemoryRegistry target = new MemoryRegistry("target.test", Abilities.ALL);
    private final VirtualTime clock = new VirtualTime();
    private final Shapes app = new Shapes(source.repository("team/app"));
    private final Shapes tool = new Shapes(source.repository("tool"));
    private final Descriptor shared = layer(app, 9, 15_000);

    @BeforeEach
    void fill() {
        Descriptor amd = image(app, 1, List.of(shared, layer(app, 1, 20_000)));
        Descriptor root = app.index(List.of(amd, app.image("arm64")));
        app.tag("v1", root);
        app.referrer(app.referrer(root, "x/sbom", "sbom"), "x/signature", "signature on the sbom");
        app.tag("sha256-" + amd.digest().encoded() + ".sig", app.image("cosign signature"));
        layer(tool, 9, 15_000);
        tool.tag("v1", image(tool, 2, List.of(shared, layer(tool, 2, 22_000))));
    }

    private static Descriptor layer(Shapes shapes, long seed, int size) {
        byte[] bytes = new byte[size];
        new Random(seed).nextBytes(bytes);
        return shapes.blob(Shapes.LAYER, DigestAlgorithm.SHA256, bytes);
    }

    private static Descriptor image(Shapes shapes, long seed, List<Descriptor> layers) {
        return shapes.manifest(
                DigestAlgorithm.SHA256,
                MediaType.OCI_MANIFEST,
                shapes.blob(Shapes.CONFIG, "{\"seed\":\"" + seed + "\"}"),
                layers,
                Optional.empty(),
                Optional.empty());
    }

    private Packed.Packing packing() throws IOException {
        return new Packed.Packing(source).image("team/app", "v1").image("tool", "v1");
    }

    private record Outcome(ImportReport report, Receipt receipt) {}

    private Outcome imported(List<Path> volumes, ImportNames names, TargetRegistry to) throws Exception {
        Bundle bundle = Bundle.open(volumes, List.of());
        try (ImportFolder imports = ImportFolder.open(folder.resolve("data"), clock)) {
            ReplicationRunner runner = ReplicationRunner.comparing(imports.journal(), clock.time(), NO_RETRIES);
            BundleImport work = new BundleImport(bundle, names, new ImportTarget(to, 4), imports, runner);
            ImportReport report = work.run(ProgressListener.NONE);
            return new Outcome(report, work.receipt(report));
        }
    }

    private Outcome imported(List<Path> volumes) throws Exception {
        return imported(volumes, names(List.of(), List.of()), target.asTarget());
    }

    private static ImportNames names(List<String> only, List<String> map) {
        return ImportNames.parse(only, map, Optional.of(new RepositoryName("mirror")));
    }

    private void assertAllComplete(MemoryRegistry registry) {
        Completeness.assertComplete(source.repository("team/app"), "v1", registry, "mirror/team/app");
        Completeness.assertComplete(source.repository("tool"), "v1", registry, "mirror/tool");
    }

    @ParameterizedTest
    @ValueSource(strings = {"ALL", "NO_API", "PRETENDS", "NO_MOUNT", "NO_TAG_LIST"})
    void allOfItArrivesAtTargetsOfAnyAbility(String abilities) throws Exception {
        MemoryRegistry other = new MemoryRegistry("target.test", abilities(abilities));
        List<Path> volumes = packing().volumes(VOLUME_BYTES).pack().tars(folder.resolve("out"));
        assertThat(volumes).hasSizeGreaterThan(2);

        Outcome outcome = imported(volumes, names(List.of(), List.of()), other.asTarget());

        assertThat(outcome.report().outcome()).isEqualTo("complete");
        assertAllComplete(other);
        assertThat(outcome.receipt().images()).hasSize(2);
        assertThat(outcome.receipt().lost()).isEmpty();
        assertThat(outcome.receipt().holds(new RepositoryName("tool"), shared.digest()))
                .isTrue();
        assertThat(folder.resolve("data/imports")).isDirectoryNotContaining("glob:**sha256-*");
    }

    private static Abilities abilities(String name) {
        return switch (name) {
            case "NO_API" -> Abilities.NO_API;
            case "PRETENDS" -> Abilities.PRETENDS;
            case "NO_MOUNT" -> Abilities.NO_MOUNT;
            case "NO_TAG_LIST" -> Abilities.NO_TAG_LIST;
            default -> Abilities.ALL;
        };
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void volumesMayComeOneAtATimeInAnyOrder(boolean reversed) throws Exception {
        Packed packed = packing().volumes(VOLUME_BYTES).pack();
        List<Path> volumes = packed.tars(folder.resolve("out"));
        assertThat(packed.inventory.blobs().values()).noneMatch(blob -> blob.placement() instanceof Placement.InParts);
        List<Path> order = reversed ? volumes.reversed() : volumes;

        for (Path volume : order.subList(0, order.size() - 1)) {
            Outcome outcome = imported(List.of(volume));
            assertThat(outcome.report().outcome()).isEqualTo("partly");
            assertThat(outcome.report().waiting()).isNotEmpty();
            for (ImportReport.Waiting waiting : outcome.report().waiting()) {
                RepositoryName there =
                        new RepositoryName("mirror/" + waiting.image().repository());
                assertThat(target.repository(there.value()).tags).doesNotContainKey(new Tag("v1"));
            }
            assertThat(outcome.receipt().missingVolumes()).isNotEmpty();
        }
        Outcome last = imported(List.of(order.getLast()));

        assertThat(last.report().outcome())
                .as(last.report().waiting().toString())
                .isEqualTo("complete");
        assertAllComplete(target);
        assertThat(last.receipt().missingVolumes()).isEmpty();
        assertThat(folder.resolve("data/imports")).isDirectoryNotContaining("glob:**sha256-*");
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aBlobInPartsArrivesFromVolumesThatComeOneAtATime(boolean reversed) throws Exception {
        Packed packed =
                new Packed.Packing(source).image("tool", "v1").volumes(16_000).pack();
        List<Path> volumes = packed.tars(folder.resolve("out"));
        assertThat(packed.inventory.blobs().values()).anyMatch(blob -> blob.placement() instanceof Placement.InParts);
        List<Path> order = reversed ? volumes.reversed() : volumes;
        for (int i = 0; i < order.size() - 1; i++) {
            Outcome outcome = imported(List.of(order.get(i)));
            assertThat(outcome.report().outcome()).isEqualTo("partly");
            assertThat(outcome.report().waiting().getFirst().volumes())
                    .as("what came is not asked for again")
                    .hasSize(order.size() - 1 - i);
        }

        Outcome last = imported(List.of(order.getLast()));

        assertThat(last.report().outcome()).isEqualTo("complete");
        Completeness.assertComplete(source.repository("tool"), "v1", target, "mirror/tool");
        assertThat(folder.resolve("data/imports")).isDirectoryNotContaining("glob:**sha256-*");
    }

    @Test
    void aPartThatTheDiskHasLostIsAskedForAgain() throws Exception {
        Packed packed =
                new Packed.Packing(source).image("tool", "v1").volumes(16_000).pack();
        List<Path> volumes = packed.tars(folder.resolve("out"));
        for (Path volume : volumes.subList(0, volumes.size() - 1)) {
            imported(List.of(volume));
        }
        Path part;
        try (var files = Files.walk(folder.resolve("data/imports"))) {
            part = files.filter(file -> file.getFileName().toString().startsWith("part-"))
                    .sorted()
                    .findFirst()
                    .orElseThrow();
        }
        byte[] bytes = Files.readAllBytes(part);
        bytes[bytes.length - 1] ^= 1;
        Files.write(part, bytes);

        ImportReport.Waiting waiting =
                imported(List.of(volumes.getLast())).report().waiting().getFirst();

        assertThat(waiting.volumes()).hasSize(1);
        Path again = volumes.get(waiting.volumes().getFirst() - 1);
        assertThat(imported(List.of(again)).report().outcome()).isEqualTo("complete");
        Completeness.assertComplete(source.repository("tool"), "v1", target, "mirror/tool");
    }

    // Of a disk image most parts are nothing but zeros.
    @Test
    void partsWithTheSameBytesAreEachLookedAtAndKept() throws Exception {
        Shapes disk = new Shapes(source.repository("disk"));
        disk.tag(
                "v1",
                disk.manifest(
                        DigestAlgorithm.SHA256,
                        MediaType.OCI_MANIFEST,
                        disk.blob(Shapes.CONFIG, "{}"),
                        List.of(disk.blob(Shapes.LAYER, DigestAlgorithm.SHA256, new byte[60_000])),
                        Optional.empty(),
                        Optional.empty()));
        List<Path> volumes = new Packed.Packing(source)
                .image("disk", "v1")
                .volumes(16_000)
                .pack()
                .tars(folder.resolve("out"));
        assertThat(volumes).hasSizeGreaterThan(4);
        byte[] third = Files.readAllBytes(volumes.get(2));
        byte[] damaged = third.clone();
        damaged[damaged.length - 1024 - 3000] ^= 1;
        Files.write(volumes.get(2), damaged);

        assertThatThrownBy(() -> imported(volumes.subList(1, 3)))
                .isInstanceOf(DamagedBundleException.class)
                .hasMessageContaining("volume 3");
        Files.write(volumes.get(2), third);
        imported(volumes.subList(1, 3));
        List<Path> others = new ArrayList<>(volumes);
        others.removeAll(volumes.subList(1, 3));

        assertThat(imported(others).report().outcome()).isEqualTo("complete");
    }

    @Test
    void aPartThatIsDamagedOnItsVolumeIsNamedAndNotKept() throws Exception {
        Packed packed =
                new Packed.Packing(source).image("tool", "v1").volumes(16_000).pack();
        List<Path> volumes = packed.tars(folder.resolve("out"));
        byte[] bytes = Files.readAllBytes(volumes.getFirst());
        bytes[bytes.length - 1024 - 300] ^= 1;
        Files.write(volumes.getFirst(), bytes);

        assertThatThrownBy(() -> imported(List.of(volumes.getFirst())))
                .isInstanceOf(DamagedBundleException.class)
                .hasMessageContaining("volume 1", "is altered");

        try (var files = Files.walk(folder.resolve("data/imports"))) {
            assertThat(files).noneMatch(file -> file.getFileName().toString().startsWith("part-"));
        }
    }

    @Test
    void whatWasKeptStaysForImagesThatAnImportDidNotSelect() throws Exception {
        List<Path> volumes = packing().volumes(VOLUME_BYTES).pack().tars(folder.resolve("out"));
        ImportNames all = names(List.of(), List.of());
        imported(volumes.subList(0, 1), all, target.asTarget());
        Outcome some = imported(volumes.subList(1, volumes.size() - 1), all, target.asTarget());
        assertThat(some.report().waiting())
                .as("only the second image is not there")
                .extracting(waiting -> waiting.image().repository().value())
                .containsExactly("tool");
        imported(volumes.subList(1, volumes.size() - 1), names(List.of("team/app"), List.of()), target.asTarget());

        assertThat(imported(List.of(volumes.getLast())).report().outcome()).isEqualTo("complete");
        assertAllComplete(target);
    }

    @Test
    void whatWasKeptForOneTargetIsNotDeletedByAnother() throws Exception {
        MemoryRegistry other = new MemoryRegistry("other.test", Abilities.ALL);
        List<Path> volumes = packing().volumes(VOLUME_BYTES).pack().tars(folder.resolve("out"));
        ImportNames all = names(List.of(), List.of());
        for (Path volume : volumes.subList(0, volumes.size() - 1)) {
            imported(List.of(volume));
            imported(List.of(volume), all, other.asTarget());
        }

        imported(List.of(volumes.getLast()), all, other.asTarget());

        assertThat(imported(List.of(volumes.getLast())).report().outcome()).isEqualTo("complete");
        assertAllComplete(target);
        assertAllComplete(other);
        assertThat(folder.resolve("data/imports")).isDirectoryNotContaining("glob:**sha256-*");
    }

    @Test
    void volumesIntoATarLayoutOneAtATimeLoseNothing() throws Exception {
        List<Path> volumes = packing().volumes(VOLUME_BYTES).pack().tars(folder.resolve("out"));
        Path tar = folder.resolve("there/images.tar");
        Files.createDirectories(tar.getParent());
        String outcome = "";
        for (Path volume : volumes) {
            TargetRegistry layout = new LayoutTargets().target("layout", tar);
            outcome = imported(List.of(volume), names(List.of(), List.of()), layout)
                    .report()
                    .outcome();
        }
        assertThat(outcome).isEqualTo("complete");
        assertThat(new LayoutTargets().source("layout", tar).catalog())
                .containsExactly(new RepositoryName("mirror/team/app"), new RepositoryName("mirror/tool"));
        assertThat(tar.resolveSibling(".images.tar.parts")).doesNotExist();
    }

    @Test
    void twoRoundsOfChangesTravelAsTheDifferenceByReceipt() throws Exception {
        Receipt first = imported(packing().pack().tars(folder.resolve("1"))).receipt();
        Descriptor second = image(tool, 3, List.of(shared, layer(tool, 3, 5_000)));
        tool.tag("v2", second);
        Packed delta = packing().image("tool", "v2").since(first).pack();
        assertThat(delta.plan.tarBytes(1)).isLessThan(25_000);

        Receipt receipt = imported(delta.tars(folder.resolve("2"))).receipt();

        Completeness.assertComplete(source.repository("tool"), "v2", target, "mirror/tool");
        assertThat(receipt.images()).hasSize(3);

        Descriptor sbom = tool.referrer(second, "x/sbom", "late sbom");
        Packed last = packing().image("tool", "v2").since(receipt).pack();
        assertThat(last.inventory.manifests().values())
                .filteredOn(manifest -> manifest.placement() instanceof Placement.InVolume)
                .extracting(BundledManifest::digest)
                .containsExactly(sbom.digest());
        Outcome end = imported(last.tars(folder.resolve("3")));
        assertThat(end.report().outcome()).isEqualTo("complete");
        Completeness.assertComplete(source.repository("tool"), "v2", target, "mirror/tool");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void whatTheTargetHasInAnotherRepositoryIsMountedOrReadFromThere(boolean mounts) throws Exception {
        MemoryRegistry there = new MemoryRegistry("target.test", mounts ? Abilities.ALL : Abilities.NO_MOUNT);
        TargetRegistry to = there.asTarget();
        ImportNames names = names(List.of(), List.of());
        Packed first = new Packed.Packing(source).image("team/app", "v1").pack();
        Receipt receipt = imported(first.tars(folder.resolve("1")), names, to).receipt();
        Packed delta =
                new Packed.Packing(source).image("tool", "v1").since(receipt).pack();
        assertThat(Optional.ofNullable(delta.inventory.blobs().get(shared.digest()))
                        .orElseThrow()
                        .placement())
                .isEqualTo(new Placement.Held(new RepositoryName("team/app")));

        Outcome outcome = imported(delta.tars(folder.resolve("2")), names, to);

        assertThat(outcome.report().outcome()).isEqualTo("complete");
        Completeness.assertComplete(source.repository("tool"), "v1", there, "mirror/tool");
        assertThat(outcome.report().copied().tally().blobsMounted()).isEqualTo(mounts ? 1 : 0);
    }

    @Test
    void aTargetThatLostWhatTheReceiptHadFailsThoseImagesAndTheReceiptSaysSo() throws Exception {
        Receipt receipt = imported(packing().pack().tars(folder.resolve("1"))).receipt();
        tool.tag("v2", image(tool, 3, List.of(shared, layer(tool, 3, 5_000))));
        app.tag("v2", app.image("v2"));
        Packed delta = packing()
                .image("tool", "v2")
                .image("team/app", "v2")
                .since(receipt)
                .pack();
        List<Path> volumes = delta.tars(folder.resolve("2"));
        target.repository("mirror/tool").blobs.remove(shared.digest());
        target.repository("mirror/team/app").blobs.remove(shared.digest());

        Outcome outcome = imported(volumes);

        assertThat(outcome.report().outcome()).isEqualTo("partly");
        assertThat(outcome.report().copied().items())
                .filteredOn(item -> item.failure().isPresent())
                .isNotEmpty()
                .allSatisfy(item -> assertThat(item.failure().orElseThrow().cause())
                        .contains(shared.digest().toString(), "the target lost it"));
        assertThat(outcome.receipt().lost().get(new RepositoryName("team/app"))).contains(shared.digest());
        assertThat(outcome.receipt().images())
                .extracting(Receipt.Image::repository, image -> image.tag().value())
                .contains(tuple(new RepositoryName("team/app"), "v2"))
                .doesNotContain(tuple(new RepositoryName("tool"), "v2"));

        Packed again = packing()
                .image("tool", "v2")
                .image("team/app", "v2")
                .since(outcome.receipt())
                .pack();
        assertThat(imported(again.tars(folder.resolve("3"))).report().outcome()).isEqualTo("complete");
        assertAllComplete(target);
    }

    @Test
    void aSubsetIsSelectedAndNamesAreMapped() throws Exception {
        List<Path> volumes = packing().pack().tars(folder.resolve("out"));

        Outcome outcome = imported(
                volumes, names(List.of("t*:v*"), List.of("tool=utilities/tool", "tool:v1=:stable")), target.asTarget());

        assertThat(outcome.report().outcome()).isEqualTo("complete");
        assertThat(target.repository("mirror/utilities/tool").tags).containsOnlyKeys(new Tag("stable"));
        assertThat(target.repository("mirror/team/app").manifests).isEmpty();
        assertThat(outcome.receipt().images())
                .singleElement()
                .isEqualTo(new Receipt.Image(
                        new RepositoryName("tool"),
                        new Tag("v1"),
                        source.repository("tool")
                                .resolve(new Tag("v1"))
                                .orElseThrow()
                                .digest()));
        assertThatThrownBy(() -> imported(volumes, names(List.of("nothing"), List.of()), target.asTarget()))
                .isInstanceOf(BundleException.class)
                .hasMessageContaining("selects none of the 2 images");
        assertThatThrownBy(() -> imported(volumes, names(List.of(), List.of("tool=team/app")), target.asTarget()))
                .isInstanceOf(BundleException.class)
                .hasMessageContaining("would become mirror/team/app:v1");
        assertThatThrownBy(() -> names(List.of(), List.of("tool:v1=other:v1")))
                .hasMessageContaining("--map tool:v1=other:v1 is neither");
    }

    @Test
    void platformsThatWereLeftOutAreNotMissed() throws Exception {
        Descriptor amd = app.image("of amd64");
        Descriptor arm = app.image("of arm64");
        app.tag("multi", app.index(List.of(platform(amd, "linux/amd64"), platform(arm, "linux/arm64"))));
        List<Path> volumes = new Packed.Packing(source)
                .ofPlatforms("linux/amd64")
                .image("team/app", "multi")
                .pack()
                .tars(folder.resolve("out"));

        Outcome outcome = imported(volumes);

        assertThat(outcome.report().outcome()).isEqualTo("complete");
        MemoryRepository there = target.repository("mirror/team/app");
        assertThat(there.manifests).containsKey(amd.digest()).doesNotContainKey(arm.digest());
    }

    private static Descriptor platform(Descriptor descriptor, String platform) {
        return new Descriptor(
                descriptor.mediaType(),
                descriptor.digest(),
                descriptor.sizeBytes(),
                Optional.empty(),
                Optional.of(Platform.parse(platform)),
                Map.of(),
                List.of(),
                Optional.empty());
    }

    @Test
    void twoImportsDoNotRunAtOnce() throws Exception {
        try (ImportFolder open = ImportFolder.open(folder, clock)) {
            assertThat(open.journal().runs().last(1)).isEmpty();
            assertThatThrownBy(() -> ImportFolder.open(folder, clock))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("another import is using");
        }
    }

    /** Has the lock of imports for a moment, as whoever asks whether one goes on, in a process of its own. */
    private static final class Asking {
        static void main(String[] arguments) throws Exception {
            try (FileChannel lock = FileChannel.open(Path.of(arguments[0]), StandardOpenOption.WRITE)) {
                lock.lock();
                System.out.println("locked");
                Thread.sleep(200);
            }
        }
    }

    @Test
    void anImportBeginsThoughAnotherProcessAsksJustThenWhetherOneGoesOn() throws Exception {
        ImportFolder.open(folder, clock).close();
        String lock = ImportFolder.of(folder).resolve("lock").toString();
        try (CrashProcess asking = CrashProcess.start(Asking.class, lock)) {
            asking.awaitLine("locked"::equals);
            ImportFolder.open(folder, clock).close();
        }
    }

    @Test
    void theReceiptOfAnIncompleteImportHasWhatArrived() throws Exception {
        Packed packed = packing().volumes(VOLUME_BYTES).pack();
        List<Path> volumes = packed.tars(folder.resolve("out"));

        Receipt receipt = imported(volumes.subList(0, 1)).receipt();

        assertThat(receipt.missingVolumes()).isNotEmpty().doesNotContain(1);
        TreeSet<Digest> loose = new TreeSet<>();
        receipt.loose().values().forEach(loose::addAll);
        for (BundledBlob blob : packed.inventory.blobs().values()) {
            assertThat(loose.contains(blob.digest())).isEqualTo(blob.placement().equals(new Placement.InVolume(1)));
        }
        assertThat(receipt.held()).as("no tag holds any of it yet").isEmpty();
    }
}
