package dev.entrepot.replicator.bundle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.MediaType;
import dev.entrepot.replicator.MemoryRegistry;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import dev.entrepot.replicator.Shapes;
import dev.entrepot.replicator.bundle.VolumeProblem.Kind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Many volumes whose inventories are damaged, each in another way: they are no bundles of their own. */
class ManyAlteredInventoriesTest {
    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private final Shapes app = new Shapes(source.repository("app"));

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void eachIsAskedForWhereOneVolumeIsGood(boolean signed) throws Exception {
        Path key = Packed.keyPair(folder, "key");
        byte[] layer = new byte[300_000];
        new Random(3).nextBytes(layer);
        app.tag(
                "v1",
                app.manifest(
                        DigestAlgorithm.SHA256,
                        MediaType.OCI_MANIFEST,
                        app.blob(Shapes.CONFIG, "{}"),
                        List.of(app.blob(Shapes.LAYER, DigestAlgorithm.SHA256, layer)),
                        Optional.empty(),
                        Optional.empty()));
        Packed.Packing packing = new Packed.Packing(source).image("app", "v1").volumes(30_000);
        Packed packed = signed ? packing.signedBy(key).pack() : packing.pack();
        List<Path> tars = packed.tars(folder.resolve("tars"));
        assertThat(tars).hasSizeGreaterThan(10);
        for (int volume = 2; volume <= tars.size(); volume++) {
            byte[] bytes = packed.tar(volume);
            bytes[inventoryAt(packed, volume) + 10 + volume] ^= 1;
            Files.write(tars.get(volume - 1), bytes);
        }

        Bundle.Examined examined = Bundle.examine(tars, signed ? Packed.trust(folder, "key") : List.of());

        Digest id = InventoryJson.bundleId(packed.plan.document());
        assertThat(examined.bundle().volumes()).containsExactly(1);
        assertThat(examined.problems()).hasSize(tars.size() - 1);
        for (int volume = 2; volume <= tars.size(); volume++) {
            VolumeProblem problem = examined.problems().get(volume - 2);
            assertThat(problem.kind()).as(problem.toString()).isEqualTo(Kind.ALTERED);
            assertThat(problem.volume()).as(problem.toString()).hasValue(volume);
            assertThat(problem.remedy())
                    .contains("entrepot export --reissue " + id + " --volumes " + volume + " --output .");
        }
    }

    private static int inventoryAt(Packed packed, int volume) {
        List<VolumeEntry> entries = packed.plan.entries(volume);
        assertThat(entries.get(3).name()).isEqualTo(VolumePlan.INVENTORY);
        return entries.subList(0, 3).stream()
                        .mapToInt(entry -> (int) entry.tarBytes())
                        .sum()
                + entries.get(3).header().length;
    }

    @Test
    void volumesOfMoreThanEightBundlesAreRefusedAltogether() throws Exception {
        List<Path> tars = new ArrayList<>();
        for (int i = 0; i < 9; i++) {
            app.tag("v" + i, app.image("seed " + i));
            tars.addAll(new Packed.Packing(source).image("app", "v" + i).pack().tars(folder.resolve("bundle-" + i)));
        }

        assertThatThrownBy(() -> Bundle.examine(tars, List.of()))
                .isInstanceOf(BundleException.class)
                .hasMessageContaining("more than 8 bundles");
        assertThat(Bundle.examine(tars.subList(0, 8), List.of()).problems())
                .extracting(VolumeProblem::kind)
                .containsOnly(Kind.OTHER_BUNDLE);
    }
}
