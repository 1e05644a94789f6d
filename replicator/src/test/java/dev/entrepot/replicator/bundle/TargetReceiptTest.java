package dev.entrepot.replicator.bundle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.config.NamePattern;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.MemoryRegistry;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import dev.entrepot.replicator.MemoryRepository;
import dev.entrepot.replicator.ReplicationRunner;
import dev.entrepot.replicator.RetryPolicy;
import dev.entrepot.replicator.Shapes;
import dev.entrepot.replicator.VirtualTime;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Receipts that are made of a target alone, where what imports remember of it is lost. */
class TargetReceiptTest {
    private static final RepositoryName APP = new RepositoryName("team/app");
    private static final ImportNames INSIDE =
            ImportNames.parse(List.of(), List.of("team=squad"), Optional.of(new RepositoryName("mirror")));

    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private final Shapes app = new Shapes(source.repository("team/app"));
    private final Descriptor amd = app.image("amd64");
    private final Descriptor root = app.index(List.of(amd, app.image("arm64")));

    @BeforeEach
    void fill() {
        app.tag("v1", root);
        app.referrer(app.referrer(root, "x/sbom", "sbom"), "x/signature", "signature on the sbom");
        app.tag("sha256-" + amd.digest().encoded() + ".sig", app.image("cosign signature"));
        Shapes tool = new Shapes(source.repository("tool"));
        tool.tag("v1", tool.image("tool"));
    }

    private Receipt imported(MemoryRegistry target) throws Exception {
        List<Path> volumes = new Packed.Packing(source)
                .image("team/app", "v1")
                .image("tool", "v1")
                .pack()
                .tars(folder.resolve("out"));
        return new Importing(folder.resolve("data"))
                .into(target.asTarget(), INSIDE, volumes)
                .receipt();
    }

    private TargetReceipt.Made made(MemoryRegistry target, String data, String... repositories) throws Exception {
        VirtualTime clock = new VirtualTime();
        try (ImportFolder imports = ImportFolder.open(folder.resolve(data), clock)) {
            return new TargetReceipt(
                            INSIDE,
                            new ImportTarget(target.asTarget(), 4),
                            target.asSource(),
                            target.asSource()::repository,
                            imports,
                            ReplicationRunner.comparing(imports.journal(), clock.time(), RetryPolicy.DEFAULT))
                    .make(Arrays.stream(repositories).map(NamePattern::parse).toList());
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aSideThatLostItsDataFolderHasTheSameReceiptAgain(boolean api) throws Exception {
        MemoryRegistry target = new MemoryRegistry("target.test", api ? Abilities.ALL : Abilities.NO_API);
        Receipt before = imported(target);

        TargetReceipt.Made made = made(target, "another");

        assertThat(made.unread()).isEmpty();
        assertThat(made.receipt().bundle()).isEmpty();
        assertThat(made.receipt().images()).isEqualTo(before.images()).hasSize(2);
        assertThat(made.receipt().held()).isEqualTo(before.held());
        assertThat(made.receipt().lost()).isEmpty();
    }

    @Test
    void theNextImportGoesOnFromThere() throws Exception {
        MemoryRegistry target = new MemoryRegistry("target.test", Abilities.ALL);
        imported(target);
        Receipt receipt = made(target, "another").receipt();
        app.tag("v2", app.image("the next"));
        Packed packed = new Packed.Packing(source)
                .image("team/app", "v1")
                .image("team/app", "v2")
                .since(receipt)
                .pack();
        assertThat(packed.inventory.manifests().values())
                .filteredOn(manifest -> manifest.placement() instanceof Placement.InVolume)
                .hasSize(1);

        Receipt next = new Importing(folder.resolve("another"))
                .into(target.asTarget(), INSIDE, packed.tars(folder.resolve("next")))
                .receipt();

        assertThat(next.images())
                .extracting(image -> image.repository() + ":" + image.tag())
                .containsExactly("team/app:v1", "team/app:v2", "tool:v1");
    }

    @Test
    void whatIsGoneIsLostWhereItIsRememberedAndElsewhereOnlyNotThere() throws Exception {
        MemoryRegistry target = new MemoryRegistry("target.test", Abilities.ALL);
        imported(target);
        MemoryRepository there = target.repository("mirror/squad/app");
        Digest gone = there.blobs.keySet().iterator().next();
        there.blobs.remove(gone);

        Receipt elsewhere = made(target, "another").receipt();
        Receipt here = made(target, "data").receipt();

        assertThat(elsewhere.lost()).isEmpty();
        assertThat(here.lost()).containsOnlyKeys(APP);
        assertThat(here.lost().getOrDefault(APP, new TreeSet<>())).containsExactly(gone);
        for (Receipt receipt : List.of(elsewhere, here)) {
            assertThat(receipt.holds(APP, gone)).isFalse();
            assertThat(receipt.images()).extracting(Receipt.Image::repository).doesNotContain(APP);
        }
    }

    @Test
    void anImageWithoutSomeOfItsChildrenIsNotSaidToBeWhole() throws Exception {
        MemoryRegistry target = new MemoryRegistry("target.test", Abilities.ALL);
        imported(target);
        target.repository("mirror/squad/app").manifests.remove(amd.digest());

        TargetReceipt.Made made = made(target, "another");

        assertThat(made.unread()).isEmpty();
        assertThat(made.receipt().images())
                .extracting(Receipt.Image::repository)
                .doesNotContain(APP);
        SortedSet<Digest> held = made.receipt().held().getOrDefault(APP, new TreeSet<>());
        assertThat(held).contains(root.digest()).doesNotContain(amd.digest());
    }

    @Test
    void whatIsBelowAManifestThatIsAlsoALayerIsLookedAtToo() throws Exception {
        MemoryRegistry target = new MemoryRegistry("target.test", Abilities.ALL);
        MemoryRepository here = target.repository("mirror/squad/app");
        Shapes shapes = new Shapes(here);
        Descriptor layer = shapes.blob(Shapes.LAYER, "of the inner image");
        Descriptor inner = shapes.manifest(
                DigestAlgorithm.SHA256,
                MediaType.OCI_MANIFEST,
                shapes.blob(Shapes.CONFIG, "{}"),
                List.of(layer),
                Optional.empty(),
                Optional.empty());
        Descriptor outer = shapes.manifest(
                DigestAlgorithm.SHA256,
                MediaType.OCI_MANIFEST,
                shapes.blob(Shapes.CONFIG, "{}"),
                List.of(shapes.blob(
                        Shapes.LAYER,
                        DigestAlgorithm.SHA256,
                        here.fetchManifest(inner.digest()).array())),
                Optional.empty(),
                Optional.empty());
        shapes.tag("both", shapes.index(List.of(outer, inner)));
        assertThat(made(target, "whole").receipt().images()).hasSize(1);
        here.blobs.remove(layer.digest());

        assertThat(made(target, "another").receipt().images()).isEmpty();
    }

    @Test
    void onlyWhatIsNamedIsLookedAt() throws Exception {
        MemoryRegistry target = new MemoryRegistry("target.test", Abilities.ALL);
        imported(target);
        new Shapes(target.repository("foreign")).tag("v1", new Shapes(target.repository("foreign")).image("foreign"));

        assertThat(made(target, "a", "team/*").receipt().held()).containsOnlyKeys(APP);
        assertThat(made(target, "b").receipt().held()).containsOnlyKeys(APP, new RepositoryName("tool"));
        target.gate((index, request) -> {
            if (request.equals("GET catalog")) {
                throw new OutageException(OutageException.Reason.SERVER_ERROR, "no catalog here");
            }
        });
        assertThat(made(target, "c", "tool").receipt().held()).containsOnlyKeys(new RepositoryName("tool"));
        assertThat(made(target, "d", "nothing").unread()).containsExactly("target.test has no image in mirror/nothing");
        assertThatThrownBy(() -> made(target, "e"))
                .isInstanceOf(BundleException.class)
                .hasMessageContaining("name the repositories, as the source calls them");
    }

    @Test
    void aTagThatCannotBeReadIsNamedAndATargetThatDoesNotAnswerEndsIt() throws Exception {
        MemoryRegistry target = new MemoryRegistry("target.test", Abilities.NO_API);
        imported(target);
        MemoryRepository there = target.repository("mirror/squad/app");
        ManifestBytes broken = ManifestBytes.of(root.mediaType(), "{\"manifests\":7}".getBytes(StandardCharsets.UTF_8));
        there.manifests.put(broken.digest(), broken);
        there.tags.put(new Tag("broken"), broken.digest());

        TargetReceipt.Made made = made(target, "another");

        assertThat(made.unread()).singleElement().asString().startsWith("mirror/squad/app:broken: ");
        assertThat(made.receipt().images()).hasSize(2);
        target.gate((index, request) -> {
            if (request.startsWith("GET referrers")) {
                throw new OutageException(OutageException.Reason.SERVER_ERROR, "out");
            }
        });
        assertThatThrownBy(() -> made(target, "more")).isInstanceOf(OutageException.class);
    }
}
