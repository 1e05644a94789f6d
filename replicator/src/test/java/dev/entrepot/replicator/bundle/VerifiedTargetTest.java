package dev.entrepot.replicator.bundle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.config.ReplicationRuleConfig.OnSparseRefused;
import dev.entrepot.config.ReplicationRuleConfig.Verify;
import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.BlobSource;
import dev.entrepot.oci.ByteRange;
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
import dev.entrepot.oci.ResumableTarget;
import dev.entrepot.oci.UploadLog;
import dev.entrepot.replicator.MemoryRegistry;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import dev.entrepot.replicator.MemoryRepository;
import dev.entrepot.replicator.Shapes;
import dev.entrepot.replicator.TargetRegistry;
import dev.entrepot.replicator.layout.LayoutTargets;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a target has is not what it should be because it has the right name and size. */
class VerifiedTargetTest {
    private static final RepositoryName APP = new RepositoryName("app");

    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private final MemoryRegistry target = new MemoryRegistry("target.test", Abilities.ALL);
    private final Shapes app = new Shapes(source.repository("app"));
    private final byte[] bytes = new byte[60_000];
    private Descriptor layer = Descriptor.of(Shapes.LAYER, Digest.sha256(bytes), bytes.length);
    private List<Path> volumes = List.of();

    @BeforeEach
    void pack() throws Exception {
        new Random(3).nextBytes(bytes);
        layer = app.blob(Shapes.LAYER, DigestAlgorithm.SHA256, bytes);
        app.tag(
                "v1",
                app.manifest(
                        DigestAlgorithm.SHA256,
                        MediaType.OCI_MANIFEST,
                        app.blob(Shapes.CONFIG, "{}"),
                        List.of(layer),
                        Optional.empty(),
                        Optional.empty()));
        volumes = new Packed.Packing(source).image("app", "v1").pack().tars(folder.resolve("out"));
    }

    private Importing.Outcome imported(TargetRegistry to, Verify verify) throws Exception {
        return new Importing(folder.resolve("data"))
                .into(new ImportTarget(to, 4, OnSparseRefused.FAIL, verify), Importing.AS_THEY_ARE, volumes, () -> {});
    }

    @ParameterizedTest
    @ValueSource(strings = {"layout", "layout.tar"})
    void aTornLayerOfALayoutIsReplacedByTheOneInHand(String name) throws Exception {
        Path layout = folder.resolve(name);
        imported(new LayoutTargets().target("layout", layout), Verify.HEAD);
        if (name.endsWith(".tar")) {
            byte[] tar = Files.readAllBytes(layout);
            int at = 0;
            while (!Arrays.equals(tar, at, at + 64, bytes, 0, 64)) {
                at += 512;
            }
            Arrays.fill(tar, at + 30_000, at + bytes.length, (byte) 0);
            Files.write(layout, tar);
        } else {
            Path file = layout.resolve("blobs/sha256/" + layer.digest().encoded());
            Files.write(file, Arrays.copyOf(Arrays.copyOf(bytes, 30_000), bytes.length));
        }
        LayoutTargets layouts = new LayoutTargets();

        Importing.Outcome outcome = imported(layouts.target("layout", layout), Verify.HEAD);

        assertThat(outcome.report().outcome()).isEqualTo("complete");
        try (BlobBody body =
                new LayoutTargets().source("layout", layout).repository(APP).openBlob(layer.digest(), ByteRange.ALL)) {
            assertThat(body.stream().readAllBytes()).isEqualTo(bytes);
        }
        assertThat(outcome.receipt().holds(APP, layer.digest())).isTrue();
    }

    private void tear(MemoryRegistry registry) {
        registry.repository("app").blobs.put(layer.digest(), new byte[bytes.length]);
    }

    @Test
    void aReceiptThatIsVerifiedDeepDoesNotHaveWhatIsTorn() throws Exception {
        ImportTarget deep = new ImportTarget(target.asTarget(), 4, OnSparseRefused.FAIL, Verify.DEEP);
        Importing importing = new Importing(folder.resolve("data"));

        Receipt receipt = importing
                .into(deep, Importing.AS_THEY_ARE, volumes, () -> tear(target))
                .receipt();

        assertThat(receipt.images()).isEmpty();
        assertThat(receipt.holds(APP, layer.digest())).isFalse();
        assertThat(receipt.held().get(APP)).as("the rest is there").hasSize(2);
    }

    @Test
    void anImportThatIsVerifiedDeepSendsAgainWhatIsTorn() throws Exception {
        imported(target.asTarget(), Verify.HEAD);
        tear(target);
        assertThat(imported(target.asTarget(), Verify.HEAD).report().outcome())
                .as("a registry is believed otherwise")
                .isEqualTo("complete");

        assertThat(imported(target.asTarget(), Verify.DEEP).report().outcome()).isEqualTo("complete");

        assertThat(target.repository("app").blobs.get(layer.digest())).isEqualTo(bytes);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void whatAnEarlierProcessSentIsReadBackWhenTheRestIsSent(boolean replaces) throws Exception {
        Careless registry = new Careless(target, new ConcurrentHashMap<>(), replaces);
        byte[] good = Files.readAllBytes(volumes.getFirst());
        byte[] bad = good.clone();
        int at = 0;
        while (!Arrays.equals(bad, at, at + 64, bytes, 0, 64)) {
            at += 512;
        }
        bad[at + 100] ^= 1;
        Files.write(volumes.getFirst(), bad);
        assertThatThrownBy(() -> imported(registry, Verify.HEAD)).isInstanceOf(Killed.class);
        Files.write(volumes.getFirst(), good);

        if (replaces) {
            assertThat(imported(registry, Verify.HEAD).report().outcome()).isEqualTo("complete");
            assertThat(target.repository("app").blobs.get(layer.digest())).isEqualTo(bytes);
        } else {
            assertThatThrownBy(() -> imported(registry, Verify.HEAD))
                    .hasMessageContaining("careless.test has something else than the blob " + layer.digest());
            assertThat(target.repository("app").tags).isEmpty();
        }
    }

    private static final class Killed extends Error {
        private static final long serialVersionUID = 1;
    }

    /**
     * A registry that goes on with uploads and looks at no digest; at the first upload of something large the process
     * that sends is killed.
     */
    private record Careless(MemoryRegistry to, Map<Digest, byte[]> begun, boolean replaces) implements TargetRegistry {
        @Override
        public String name() {
            return "careless.test";
        }

        @Override
        public RepositorySource reader(RepositoryName name) {
            return to.repository(name.value());
        }

        @Override
        public RepositoryTarget target(RepositoryName name) {
            return new Taking(to.repository(name.value()), begun, replaces);
        }
    }

    private record Taking(MemoryRepository to, Map<Digest, byte[]> begun, boolean replaces) implements ResumableTarget {
        @Override
        public void pushBlob(Descriptor blob, BlobSource content, UploadLog log) throws IOException {
            boolean known = log.recall(blob.digest()).isPresent();
            byte[] start = known ? begun.getOrDefault(blob.digest(), new byte[0]) : new byte[0];
            try (BlobBody body = content.openBlob(blob.digest(), ByteRange.ALL)) {
                byte[] all = body.stream().readAllBytes();
                if (all.length > 1_000 && !begun.containsKey(blob.digest())) {
                    begun.put(blob.digest(), Arrays.copyOf(all, all.length / 2));
                    log.note(
                            blob.digest(),
                            new UploadLog.Upload(URI.create("https://careless.test/upload"), all.length / 2));
                    throw new Killed();
                }
                System.arraycopy(start, 0, all, 0, start.length);
                if (replaces || !to.blobs.containsKey(blob.digest())) {
                    to.blobs.put(blob.digest(), all);
                }
                log.forget(blob.digest());
            }
        }

        @Override
        public void pushBlob(Descriptor blob, BlobSource content) throws IOException {
            to.pushBlob(blob, content);
        }

        @Override
        public boolean containsBlob(Digest digest) throws IOException {
            return to.containsBlob(digest);
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
