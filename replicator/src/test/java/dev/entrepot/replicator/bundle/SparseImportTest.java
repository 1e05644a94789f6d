package dev.entrepot.replicator.bundle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Platform;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.replicator.HttpRegistries;
import dev.entrepot.replicator.MemoryRegistry;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import dev.entrepot.replicator.Shapes;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Bundles of some platforms into a registry that takes no index without the others. */
class SparseImportTest {
    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private final Shapes app = new Shapes(source.repository("app"));
    private final Descriptor amd = app.image("of amd64");
    private final Descriptor arm = app.image("of arm64");
    private final Descriptor root = app.index(List.of(of(amd, "linux/amd64"), of(arm, "linux/arm64")));

    private static Descriptor of(Descriptor descriptor, String platform) {
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

    private List<Path> volumes(Packed.Packing packing, String name) throws Exception {
        app.tag("v1", root);
        return packing.ofPlatforms("linux/amd64").image("app", "v1").pack().tars(folder.resolve(name));
    }

    @Test
    void aTargetThatRefusesItSaysWhatCanBeDone() throws Exception {
        try (TestRegistry registry = TestRegistry.started();
                HttpRegistries registries = new HttpRegistries()) {
            Importing.Outcome outcome = new Importing(folder.resolve("data"))
                    .into(
                            registries.target(registry.uri()),
                            Importing.AS_THEY_ARE,
                            volumes(new Packed.Packing(source), "out"));

            assertThat(outcome.report().outcome()).isEqualTo("failed");
            assertThat(ImportReportWriter.toText(outcome.report()))
                    .contains("export all platforms", "--on-sparse-refused trim for an import");
            assertThat(registry.resolve("app", "v1")).isEmpty();
        }
    }

    @Test
    void onRequestTheIndexIsTrimmedAlsoInTheNextRound() throws Exception {
        try (TestRegistry registry = TestRegistry.started();
                HttpRegistries registries = new HttpRegistries()) {
            ImportTarget target = Importing.trimming(registries.target(registry.uri()));
            Importing importing = new Importing(folder.resolve("data"));
            Importing.Outcome first =
                    importing.into(target, Importing.AS_THEY_ARE, volumes(new Packed.Packing(source), "out"), () -> {});

            assertThat(first.report().outcome()).isEqualTo("complete");
            Digest trimmed = registry.resolve("app", "v1").orElseThrow();
            assertThat(trimmed).isNotEqualTo(root.digest());
            assertThat(new String(registry.manifest("app", new Tag("v1")).orElseThrow(), StandardCharsets.UTF_8))
                    .contains(amd.digest().toString())
                    .doesNotContain(arm.digest().toString());
            assertThat(first.receipt().images()).as("as what it is there").containsExactly(image(trimmed));
            assertThat(first.receipt().holds(new RepositoryName("app"), root.digest()))
                    .isFalse();
            assertThat(first.receipt().holds(new RepositoryName("app"), amd.digest()))
                    .isTrue();
            assertThat(first.receipt().lost()).isEmpty();
            Packed.Packing difference = new Packed.Packing(source).since(first.receipt());
            Importing.Outcome second =
                    importing.into(target, Importing.AS_THEY_ARE, volumes(difference, "next"), () -> {});
            assertThat(second.report().outcome()).isEqualTo("complete");
            assertThat(registry.resolve("app", "v1")).contains(trimmed);
            assertThat(second.receipt().images()).containsExactly(image(trimmed));
            assertThat(second.receipt().lost()).isEmpty();

            app.tag("v2", app.image("another"));
            List<Path> other =
                    new Packed.Packing(source).image("app", "v2").pack().tars(folder.resolve("other"));
            Receipt later = importing
                    .into(target, Importing.AS_THEY_ARE, other, () -> {})
                    .receipt();
            assertThat(later.images())
                    .as("also of later imports")
                    .contains(image(trimmed))
                    .hasSize(2);
            target.registry().target(new RepositoryName("app")).deleteManifest(trimmed);
            Receipt gone = importing
                    .into(target, Importing.AS_THEY_ARE, other, () -> {})
                    .receipt();
            assertThat(gone.images()).doesNotContain(image(trimmed)).hasSize(1);
        }
    }

    private static Receipt.Image image(Digest digest) {
        return new Receipt.Image(new RepositoryName("app"), new Tag("v1"), digest);
    }
}
