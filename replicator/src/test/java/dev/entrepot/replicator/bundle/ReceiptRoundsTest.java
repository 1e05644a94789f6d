package dev.entrepot.replicator.bundle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.Completeness;
import dev.entrepot.replicator.MemoryRegistry;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import dev.entrepot.replicator.Shapes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a receipt says after several imports: each is about all that is at the target. */
class ReceiptRoundsTest {
    private static final int BASE_BYTES = 90_000;

    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private final MemoryRegistry target = new MemoryRegistry("target.test", Abilities.ALL);
    private final Shapes app = new Shapes(source.repository("app"));
    private final List<Descriptor> base = List.of(layer(1, BASE_BYTES));
    private int round;

    @BeforeEach
    void fill() {
        app.tag("v1.2.0", image(20, base));
        app.tag("v1.3.0", image(30, List.of(layer(3, 5_000))));
        app.tag("v1.2.1", image(21, List.of(base.getFirst(), layer(2, 1_000))));
    }

    private Descriptor layer(long seed, int size) {
        byte[] bytes = new byte[size];
        new Random(seed).nextBytes(bytes);
        return app.blob(Shapes.LAYER, DigestAlgorithm.SHA256, bytes);
    }

    private Descriptor image(long seed, List<Descriptor> layers) {
        return app.manifest(
                DigestAlgorithm.SHA256,
                MediaType.OCI_MANIFEST,
                app.blob(Shapes.CONFIG, "{\"seed\":\"" + seed + "\"}"),
                layers,
                Optional.empty(),
                Optional.empty());
    }

    private Packed packed(String tag, Optional<Receipt> since) throws IOException {
        Packed.Packing packing = new Packed.Packing(source).image("app", tag);
        since.ifPresent(packing::since);
        return packing.pack();
    }

    private Receipt imported(Packed packed) throws Exception {
        return imported(packed, Importing.AS_THEY_ARE, () -> {});
    }

    private Receipt imported(Packed packed, ImportNames names, Importing.Meanwhile meanwhile) throws Exception {
        List<Path> volumes = packed.tars(folder.resolve("round-" + ++round));
        Importing.Outcome outcome = new Importing(folder.resolve("data"))
                .into(new ImportTarget(target.asTarget(), 4), names, volumes, meanwhile);
        assertThat(outcome.report().outcome()).isEqualTo("complete");
        return outcome.receipt();
    }

    private static List<String> images(Receipt receipt) {
        return receipt.images().stream().map(image -> image.tag().value()).toList();
    }

    @Test
    void theThirdBundleStillLeavesOutWhatTheFirstBrought() throws Exception {
        Receipt first = imported(packed("v1.2.0", Optional.empty()));
        Receipt second = imported(packed("v1.3.0", Optional.of(first)));
        assertThat(images(second)).containsExactly("v1.2.0", "v1.3.0");
        Packed third = packed("v1.2.1", Optional.of(second));

        assertThat(third.plan.tarBytes(1)).isLessThan(BASE_BYTES / 2);
        Receipt last = imported(third);

        assertThat(images(last)).containsExactly("v1.2.0", "v1.2.1", "v1.3.0");
        assertThat(last.lost()).isEmpty();
        Completeness.assertComplete(source.repository("app"), "v1.2.1", target, "app");
    }

    @Test
    void anImportWithoutAReceiptIsInTheNextOne() throws Exception {
        List<Path> volumes = packed("v1.2.0", Optional.empty()).tars(folder.resolve("quiet"));
        new Importing(folder.resolve("data"))
                .into(new ImportTarget(target.asTarget(), 4), Importing.AS_THEY_ARE, volumes, () -> {});

        Receipt receipt = imported(packed("v1.3.0", Optional.empty()));

        assertThat(images(receipt)).containsExactly("v1.2.0", "v1.3.0");
        assertThat(receipt.holds(new RepositoryName("app"), base.getFirst().digest()))
                .isTrue();
    }

    @Test
    void whatATagStillNamesIsInTheReceiptWhereWhatItWasToNameFailed() throws Exception {
        app.tag("latest", image(20, base));
        Receipt before = imported(packed("latest", Optional.empty()));
        Descriptor nowhere = layer(5, 2_000);
        app.tag("latest", image(40, List.of(base.getFirst(), nowhere)));
        SortedMap<RepositoryName, SortedSet<Digest>> wrong = new TreeMap<>();
        wrong.put(new RepositoryName("app"), new TreeSet<>(List.of(nowhere.digest())));
        Receipt ofAnother = new Receipt(Optional.empty(), "another.test", List.of(), wrong, new TreeMap<>(), List.of());
        List<Path> volumes = packed("latest", Optional.of(ofAnother)).tars(folder.resolve("fails"));

        Importing.Outcome failed =
                new Importing(folder.resolve("data")).into(target.asTarget(), Importing.AS_THEY_ARE, volumes);

        assertThat(failed.report().outcome()).isEqualTo("failed");
        assertThat(failed.receipt().images()).isEqualTo(before.images());
        assertThat(failed.receipt().held()).isEqualTo(before.held());
        assertThat(failed.receipt().loose().values())
                .noneMatch(digests -> digests.contains(base.getFirst().digest()));
        Receipt after = imported(packed("latest", Optional.of(failed.receipt())));
        assertThat(after.images()).singleElement().isNotEqualTo(before.images().getFirst());
        assertThat(after.held().values()).allMatch(digests -> digests.contains(nowhere.digest()));
    }

    @Test
    void whatWasThereAndIsGoneIsSaidToBeLostOnce() throws Exception {
        imported(packed("v1.2.0", Optional.empty()));
        target.repository("app").blobs.remove(base.getFirst().digest());

        Receipt receipt = imported(packed("v1.3.0", Optional.empty()));

        assertThat(receipt.lost().get(new RepositoryName("app")))
                .containsExactly(base.getFirst().digest());
        assertThat(images(receipt)).containsExactly("v1.3.0");
        Packed again = packed("v1.2.0", Optional.of(receipt));
        assertThat(again.plan.tarBytes(1)).isGreaterThan(BASE_BYTES);
        Receipt healed = imported(again);
        assertThat(healed.lost()).isEmpty();
        assertThat(images(healed)).containsExactly("v1.2.0", "v1.3.0");
    }

    @Test
    void anImageWhoseTagWasMovedOrRemovedSinceIsNotInTheReceipt() throws Exception {
        imported(packed("v1.2.0", Optional.empty()));
        target.repository("app").tags.remove(new Tag("v1.2.0"));

        Receipt receipt = imported(packed("v1.3.0", Optional.empty()));

        assertThat(images(receipt)).containsExactly("v1.3.0");
        assertThat(receipt.lost()).isEmpty();
        assertThat(receipt.holds(new RepositoryName("app"), base.getFirst().digest()))
                .as("the next garbage collection takes it")
                .isFalse();
        assertThat(receipt.loose().get(new RepositoryName("app")))
                .contains(base.getFirst().digest());
    }

    @Test
    void whatWentElsewhereUnderAnotherNameIsNotSaidToBeHere() throws Exception {
        imported(packed("v1.2.0", Optional.empty()), Importing.names("app=old/app"), () -> {});

        Receipt receipt = imported(packed("v1.3.0", Optional.empty()));

        assertThat(images(receipt)).containsExactly("v1.3.0");
        assertThat(receipt.lost()).isEmpty();
        assertThat(receipt.holds(new RepositoryName("app"), base.getFirst().digest()))
                .isFalse();
        Receipt back = imported(packed("v1.3.0", Optional.empty()), Importing.names("app=old/app"), () -> {});
        assertThat(images(back)).containsExactly("v1.2.0", "v1.3.0");
    }

    @Test
    void aReceiptIsOnlyForImagesWhoseCosignTagsAreRight() throws Exception {
        Descriptor root = image(40, List.of(layer(4, 2_000)));
        Tag signature = new Tag("sha256-" + root.digest().encoded() + ".sig");
        app.tag("v2", root);
        app.tag(signature.value(), app.image("cosign signature"));

        Receipt right = imported(packed("v2", Optional.empty()));
        Receipt wrong = imported(
                packed("v2", Optional.empty()),
                Importing.AS_THEY_ARE,
                () -> target.repository("app").tags.put(signature, root.digest()));

        assertThat(images(right)).containsExactly("v2");
        assertThat(images(wrong)).isEmpty();
        imported(packed("v2", Optional.of(wrong)));
        Completeness.assertComplete(source.repository("app"), "v2", target, "app");
    }

    @Test
    void aReceiptIsOnlyForImagesWhoseReferrersAreListed() throws Exception {
        MemoryRegistry registry = new MemoryRegistry("old.test", Abilities.NO_API);
        Descriptor root = image(40, List.of(layer(4, 2_000)));
        app.tag("v2", root);
        app.referrer(root, "x/sbom", "sbom");
        Importing importing = new Importing(folder.resolve("data"));
        List<Path> first = packed("v2", Optional.empty()).tars(folder.resolve("first"));
        List<Path> second = packed("v1.3.0", Optional.empty()).tars(folder.resolve("second"));
        assertThat(images(importing
                        .into(registry.asTarget(), Importing.AS_THEY_ARE, first)
                        .receipt()))
                .containsExactly("v2");
        registry.repository("app").tags.remove(root.digest().referrersTag());

        Receipt receipt = importing
                .into(registry.asTarget(), Importing.AS_THEY_ARE, second)
                .receipt();

        assertThat(images(receipt)).as("nobody finds the bill of v2 there").containsExactly("v1.3.0");
        assertThat(receipt.holds(new RepositoryName("app"), root.digest()))
                .as("its content is there all the same")
                .isTrue();
    }

    @Test
    void aDifferenceWithoutContentRepairsAFallbackTagAndACosignTagThatAreLost() throws Exception {
        MemoryRegistry old = new MemoryRegistry("old.test", Abilities.NO_API);
        Descriptor root = image(40, List.of(layer(4, 2_000)));
        Tag signature = new Tag("sha256-" + root.digest().encoded() + ".sig");
        app.tag("v2", root);
        app.tag(signature.value(), app.image("cosign signature"));
        app.referrer(root, "x/sbom", "sbom");
        Importing importing = new Importing(folder.resolve("data"));
        List<Path> whole = packed("v2", Optional.empty()).tars(folder.resolve("whole"));
        Receipt receipt =
                importing.into(old.asTarget(), Importing.AS_THEY_ARE, whole).receipt();
        Packed nothing = packed("v2", Optional.of(receipt));
        assertThat(nothing.inventory.manifests().values())
                .allMatch(manifest -> manifest.placement() instanceof Placement.Held);
        Tag fallback = root.digest().referrersTag();
        assertThat(old.repository("app").tags).containsKeys(fallback, signature);
        old.repository("app").tags.keySet().removeAll(List.of(fallback, signature));

        Importing.Outcome outcome =
                importing.into(old.asTarget(), Importing.AS_THEY_ARE, nothing.tars(folder.resolve("nothing")));

        assertThat(outcome.report().outcome()).isEqualTo("complete");
        Completeness.assertComplete(source.repository("app"), "v2", old, "app");
    }

    @Test
    void aFileOfWhatArrivedThatIsDamagedSaysWhatToDo() throws Exception {
        imported(packed("v1.2.0", Optional.empty()));
        List<Path> files = new ArrayList<>();
        try (var list = Files.list(folder.resolve("data/imports"))) {
            list.filter(file -> String.valueOf(file.getFileName()).startsWith("arrived-"))
                    .forEach(files::add);
        }
        assertThat(files).hasSize(1);
        Files.writeString(files.getFirst(), Files.readString(files.getFirst()) + "image a\n");

        assertThatThrownBy(() -> imported(packed("v1.3.0", Optional.empty())))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(files.getFirst() + " is damaged")
                .hasMessageContaining("remove it");
    }
}
