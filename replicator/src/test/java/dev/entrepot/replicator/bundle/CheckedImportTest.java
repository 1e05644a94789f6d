package dev.entrepot.replicator.bundle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.entrepot.oci.BlobSource;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.PushedManifest;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.RepositoryTarget;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.replicator.Completeness;
import dev.entrepot.replicator.HttpRegistries;
import dev.entrepot.replicator.MemoryRegistry;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import dev.entrepot.replicator.MemoryRepository;
import dev.entrepot.replicator.Shapes;
import dev.entrepot.replicator.TargetRegistry;
import dev.entrepot.replicator.layout.LayoutTargets;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An import checks what it sends while it sends it, and all else before a manifest or a tag is written. */
class CheckedImportTest {
    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private final MemoryRegistry target = new MemoryRegistry("target.test", Abilities.ALL);
    private final Shapes app = new Shapes(source.repository("app"));
    private final List<Descriptor> layers = new ArrayList<>();
    private List<Path> volumes = List.of();

    @BeforeEach
    void pack() throws Exception {
        for (int seed = 0; seed < 3; seed++) {
            layers.add(layer(seed));
        }
        app.tag("a", app.image("an image of its own"));
        app.tag("b", image(layers));
        volumes = new Packed.Packing(source)
                .image("app", "a")
                .image("app", "b")
                .pack()
                .tars(folder.resolve("out"));
    }

    private Descriptor layer(long seed) {
        byte[] bytes = new byte[60_000];
        new Random(seed).nextBytes(bytes);
        return app.blob(Shapes.LAYER, DigestAlgorithm.SHA256, bytes);
    }

    private Descriptor image(List<Descriptor> of) {
        return app.manifest(
                DigestAlgorithm.SHA256,
                MediaType.OCI_MANIFEST,
                app.blob(Shapes.CONFIG, "{\"layers\":" + of.size() + "}"),
                of,
                Optional.empty(),
                Optional.empty());
    }

    private void flip(byte[] content) throws Exception {
        byte[] tar = Files.readAllBytes(volumes.getFirst());
        int at = 0;
        while (!Arrays.equals(tar, at, at + 64, content, 0, 64)) {
            at += 512;
        }
        tar[at + content.length - 1] ^= 1;
        Files.write(volumes.getFirst(), tar);
    }

    private byte[] content(Descriptor layer) {
        return Optional.ofNullable(source.repository("app").blobs.get(layer.digest()))
                .orElseThrow();
    }

    /** Flips a bit of a layer, and returns what a check says of that. */
    private String flipped(Descriptor layer) throws Exception {
        flip(content(layer));
        Throwable problem = catchThrowable(() -> Bundle.open(volumes, List.of()).verify(bytes -> {}));
        return String.valueOf(problem.getMessage());
    }

    private Importing.Outcome imported(TargetRegistry to) throws Exception {
        return new Importing(folder.resolve("data")).into(to, Importing.AS_THEY_ARE, volumes);
    }

    @Test
    void aBitThatFlippedInTheLastLayerLeavesNeitherManifestNorTagAtARegistry() throws Exception {
        String says = flipped(layers.getLast());
        assertThat(says)
                .contains("volume 1", "is altered", layers.getLast().digest().encoded(), "--volumes 1");
        try (TestRegistry registry = TestRegistry.started();
                HttpRegistries registries = new HttpRegistries()) {
            assertThatThrownBy(() -> imported(registries.target(registry.uri())))
                    .isInstanceOf(DamagedBundleException.class)
                    .hasMessage(says);

            assertThat(registry.manifests("app")).isEmpty();
            assertThat(registry.tags("app")).isEmpty();
            assertThat(registry.blobs("app")).doesNotContain(layers.getLast().digest());

            flip(content(layers.getLast()));
            assertThat(imported(registries.target(registry.uri())).report().outcome())
                    .as("of the volume as it should be")
                    .isEqualTo("complete");
        }
    }

    @Test
    void aBitThatFlippedLeavesNothingThatALayoutShows() throws Exception {
        String says = flipped(layers.getLast());
        Path layout = folder.resolve("layout");

        assertThatThrownBy(() -> imported(new LayoutTargets().target("layout", layout)))
                .isInstanceOf(DamagedBundleException.class)
                .hasMessage(says);

        assertThat(layout.resolve("index.json")).doesNotExist();
        assertThat(layout.resolve("oci-layout")).doesNotExist();
        assertThat(layout.resolve("blobs/sha256/" + layers.getLast().digest().encoded()))
                .doesNotExist();
    }

    @Test
    void whatTheTargetHasAlreadyIsCheckedAllTheSame() throws Exception {
        imported(target.asTarget());
        target.repository("app").tags.clear();
        String says = flipped(layers.getFirst());

        assertThatThrownBy(() -> imported(target.asTarget())).hasMessage(says);

        assertThat(target.repository("app").tags).isEmpty();
    }

    @Test
    void aTargetThatTakesABlobWithoutReadingItProvesNothing() throws Exception {
        String says = flipped(layers.getFirst());

        assertThatThrownBy(() -> imported(new Credulous(target, source)))
                .isInstanceOf(DamagedBundleException.class)
                .hasMessage(says);

        assertThat(target.repository("app").manifests).isEmpty();
    }

    @Test
    void aManifestThatIsDamagedIsFoundBeforeAnythingIsSent() throws Exception {
        flip(source.repository("app").fetchManifest(new Tag("a")).array());

        assertThatThrownBy(() -> imported(target.asTarget())).hasMessageContaining("is altered");

        assertThat(target.requests("PUT")).isEmpty();
    }

    @Test
    void eachBlobIsSentOnceAndTheReportCountsIt() throws Exception {
        Importing.Outcome outcome = imported(target.asTarget());

        assertThat(outcome.report().outcome()).isEqualTo("complete");
        Completeness.assertComplete(source.repository("app"), "b", target, "app");
        long blobs = target.repository("app").blobs.size();
        assertThat(target.requests("PUT blob app ")).hasSize((int) blobs);
        assertThat(outcome.report().copied().tally().blobsPushed()).isEqualTo(blobs);
        assertThat(outcome.report().copied().tally().blobsPresent()).isZero();
        assertThat(outcome.report().copied().tally().bytes()).isGreaterThan(180_000);
    }

    @Test
    void ofADifferenceNothingIsReadOfWhatTheTargetHas() throws Exception {
        Receipt receipt = imported(target.asTarget()).receipt();
        layers.set(2, layer(9));
        app.tag("b", image(layers));
        volumes = new Packed.Packing(source)
                .image("app", "b")
                .since(receipt)
                .pack()
                .tars(folder.resolve("next"));
        target.forgetRequests();

        assertThat(imported(target.asTarget()).report().outcome()).isEqualTo("complete");

        assertThat(target.requests("GET blob")).isEmpty();
        assertThat(target.requests("PUT blob"))
                .containsExactly("PUT blob app " + layers.getLast().digest());
    }

    @Test
    void ofADifferenceALayoutIsAskedForNamesAndSizesAndItsContentIsNotRead() throws Exception {
        Path layout = folder.resolve("layout");
        Receipt receipt = imported(new LayoutTargets().target("layout", layout)).receipt();
        Path kept = layout.resolve("blobs/sha256/" + layers.getFirst().digest().encoded());
        Files.write(kept, new byte[(int) Files.size(kept)]);
        layers.set(2, layer(9));
        app.tag("b", image(layers));
        volumes = new Packed.Packing(source)
                .image("app", "b")
                .since(receipt)
                .pack()
                .tars(folder.resolve("next"));

        assertThat(imported(new LayoutTargets().target("layout", layout))
                        .report()
                        .outcome())
                .as("who reads it finds out")
                .isEqualTo("complete");
    }

    /** A target that says that it has taken what it has had from elsewhere. */
    private record Credulous(MemoryRegistry to, MemoryRegistry elsewhere) implements TargetRegistry {
        @Override
        public String name() {
            return "credulous.test";
        }

        @Override
        public RepositorySource reader(RepositoryName name) {
            return to.repository(name.value());
        }

        @Override
        public RepositoryTarget target(RepositoryName name) {
            return new Taking(to.repository(name.value()), elsewhere.repository(name.value()));
        }
    }

    private record Taking(MemoryRepository to, MemoryRepository elsewhere) implements RepositoryTarget {
        @Override
        public boolean containsBlob(Digest digest) throws IOException {
            return to.containsBlob(digest);
        }

        @Override
        public void pushBlob(Descriptor blob, BlobSource content) {
            to.blobs.put(
                    blob.digest(),
                    Optional.ofNullable(elsewhere.blobs.get(blob.digest())).orElseThrow());
        }

        @Override
        public boolean mountBlob(Digest digest, RepositoryName from) {
            return false;
        }

        @Override
        public PushedManifest pushManifest(ManifestBytes manifest, ManifestReference reference) throws IOException {
            return to.pushManifest(manifest, reference);
        }

        @Override
        public void settle() {}

        @Override
        public boolean deleteManifest(ManifestReference reference) throws IOException {
            return to.deleteManifest(reference);
        }
    }
}
