package dev.entrepot.replicator.bundle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.Completeness;
import dev.entrepot.replicator.MemoryRegistry;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import dev.entrepot.replicator.Shapes;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Names that would meet at the target. */
class TakenNamesTest {
    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private final MemoryRegistry target = new MemoryRegistry("target.test", Abilities.NO_API);
    private final Shapes dev = new Shapes(source.repository("dev/app"));
    private final Shapes prod = new Shapes(source.repository("prod/app"));

    private Importing.Outcome imported(String... map) throws Exception {
        List<Path> volumes = new Packed.Packing(source)
                .image("dev/app", "rc")
                .image("prod/app", "v1")
                .pack()
                .tars(folder.resolve("out"));
        return new Importing(folder.resolve("data")).into(target.asTarget(), Importing.names(map), volumes);
    }

    private static Tag signature(Descriptor root) {
        return new Tag("sha256-" + root.digest().encoded() + ".sig");
    }

    private void refused(String name, String... map) {
        assertThatThrownBy(() -> imported(map))
                .isInstanceOf(BundleException.class)
                .hasMessageContaining("would become " + name);
        assertThat(target.repository("app").tags).isEmpty();
        assertThat(target.repository("prod/app").tags).isEmpty();
    }

    @Test
    void twoSignaturesOfOneDigestDoNotReplaceEachOther() throws Exception {
        Descriptor root = dev.image("the same");
        prod.image("the same");
        dev.tag("rc", root);
        prod.tag("v1", root);
        dev.tag(signature(root).value(), dev.image("signature of dev"));
        prod.tag(signature(root).value(), prod.image("signature of prod"));

        refused("app:" + signature(root), "dev/app=app", "prod/app=app");
        prod.tag(signature(root).value(), prod.image("signature of dev"));
        assertThat(imported("dev/app=app", "prod/app=app").report().outcome()).isEqualTo("complete");
        Completeness.assertComplete(source.repository("prod/app"), "v1", target, "app");
    }

    @Test
    void anImageDoesNotTakeTheNameOfASignature() {
        Descriptor root = prod.image("prod");
        dev.tag("rc", dev.image("dev"));
        prod.tag("v1", root);
        prod.tag(signature(root).value(), prod.image("signature"));

        refused("prod/app:" + signature(root), "prod/app:v1=:" + signature(root));
    }

    @Test
    void anImageDoesNotTakeTheNameOfAListOfReferrers() throws Exception {
        Descriptor root = prod.image("prod");
        dev.tag("rc", dev.image("dev"));
        prod.tag("v1", root);
        prod.referrer(root, "x/sbom", "sbom");
        Tag fallback = root.digest().referrersTag();

        refused("prod/app:" + fallback, "prod/app:v1=:" + fallback);
        refused("app:" + fallback, "dev/app=app", "prod/app=app", "dev/app:rc=:" + fallback);
        Tag another = dev.image("nothing refers to it").digest().referrersTag();
        assertThat(imported("prod/app:v1=:" + another).report().outcome()).isEqualTo("complete");
    }
}
