package dev.entrepot.replicator.bundle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.MemoryRegistry;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import dev.entrepot.replicator.ProgressListener;
import dev.entrepot.replicator.ReplicationRunner;
import dev.entrepot.replicator.RetryPolicy;
import dev.entrepot.replicator.Shapes;
import dev.entrepot.replicator.VirtualTime;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An old bundle is signed as well as a new one: it takes no tag back unless that is meant. */
class RollbackTest {
    private static final Tag V1 = new Tag("v1");

    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private final MemoryRegistry target = new MemoryRegistry("target.test", Abilities.ALL);
    private final Shapes app = new Shapes(source.repository("app"));
    private List<Path> old = List.of();
    private List<Path> young = List.of();
    private Digest first = Digest.sha256(new byte[0]);
    private Digest second = first;

    @BeforeEach
    void pack() throws Exception {
        first = tagged("the vulnerable one");
        old = packed("old");
        second = tagged("the mended one");
        young = packed("young");
    }

    private Digest tagged(String content) {
        Descriptor image = app.image(content);
        app.tag("v1", image);
        return image.digest();
    }

    private List<Path> packed(String name) throws Exception {
        return new Packed.Packing(source).image("app", "v1").pack().tars(folder.resolve(name));
    }

    private ImportReport imported(List<Path> volumes, boolean again) throws Exception {
        Bundle bundle = Bundle.open(volumes, List.of());
        VirtualTime clock = new VirtualTime();
        try (ImportFolder imports = ImportFolder.open(folder.resolve("data"), clock)) {
            ReplicationRunner runner = ReplicationRunner.comparing(
                    imports.journal(), clock.time(), new RetryPolicy(1, Duration.ZERO, Duration.ZERO, 1_000_000));
            ImportTarget to = new ImportTarget(target.asTarget(), 4);
            return new BundleImport(bundle, Importing.AS_THEY_ARE, to, imports, runner, again)
                    .run(ProgressListener.NONE);
        }
    }

    private Optional<Digest> there(Tag tag) {
        return Optional.ofNullable(target.repository("app").tags.get(tag));
    }

    @Test
    void anOldBundleTakesNoTagBack() throws Exception {
        imported(old, false);
        imported(young, false);
        target.forgetRequests();

        assertThatThrownBy(() -> imported(old, false))
                .isInstanceOf(BundleException.class)
                .hasMessageContainingAll(
                        "move 1 tag of target.test back",
                        "app:v1 from " + second.shortForm() + " to " + first.shortForm(),
                        "--again");

        assertThat(there(V1)).contains(second);
        assertThat(target.requests("PUT")).isEmpty();
    }

    @Test
    void whereItIsMeantTheTagGoesBack() throws Exception {
        imported(old, false);
        imported(young, false);

        assertThat(imported(old, true).outcome()).isEqualTo("complete");

        assertThat(there(V1)).contains(first);
        assertThatThrownBy(() -> imported(young, false))
                .as("the other way round")
                .hasMessageContaining("--again");
    }

    @Test
    void theSameBundleTwiceIsNoWayBack() throws Exception {
        imported(old, false);
        assertThat(imported(old, false).outcome()).isEqualTo("complete");
        imported(young, false);
        assertThat(imported(young, false).outcome()).isEqualTo("complete");
    }

    @Test
    void aTagThatSomebodyMovedBackByHandIsNotMovedByTheImport() throws Exception {
        imported(old, false);
        imported(young, false);
        target.repository("app").tags.put(V1, first);

        assertThat(imported(old, false).outcome()).isEqualTo("complete");
    }

    @Test
    void aCosignTagDoesNotGoBackEither() throws Exception {
        Tag signature = new Tag("sha256-" + second.encoded() + ".sig");
        List<Path> signed = new ArrayList<>();
        app.tag(signature.value(), app.image("one signature"));
        signed.addAll(packed("signed"));
        app.tag(signature.value(), app.image("two signatures"));
        imported(signed, false);
        imported(packed("twice"), false);
        Digest both = there(signature).orElseThrow();

        assertThatThrownBy(() -> imported(signed, false))
                .isInstanceOf(BundleException.class)
                .hasMessageContaining("app:" + signature);

        assertThat(there(signature)).contains(both);
    }

    @Test
    void whatAnEarlierVersionRememberedCountsAsWhereTheTagsAre() throws Exception {
        imported(old, false);
        ArrivedFile file = ArrivedFile.of(folder.resolve("data/imports"), "target.test");
        String before = Files.readString(file.file());
        assertThat(before).contains("\ntag app v1 ");
        Files.writeString(file.file(), before.replaceAll("(?m)^tag .*\n", ""));
        imported(young, false);

        assertThatThrownBy(() -> imported(old, false)).hasMessageContaining("--again");
    }
}
