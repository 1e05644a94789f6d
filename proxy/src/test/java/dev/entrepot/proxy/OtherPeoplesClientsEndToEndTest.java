package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.cloud.tools.jib.api.Containerizer;
import com.google.cloud.tools.jib.api.Jib;
import com.google.cloud.tools.jib.api.RegistryImage;
import com.google.cloud.tools.jib.api.TarImage;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.testing.Abilities;
import dev.entrepot.oci.testing.Corpus;
import dev.entrepot.oci.testing.TestRegistry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import land.oras.ContainerRef;
import land.oras.Index;
import land.oras.Layer;
import land.oras.ManifestDescriptor;
import land.oras.Registry;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Registry clients that others wrote pull a real image through a whole mirror, first cold, then with the upstream
 * switched off.
 */
class OtherPeoplesClientsEndToEndTest {
    private static final String NAME = "registry.test/test/net-monitor";

    @TempDir
    Path folder;

    private final Corpus corpus = Corpus.netMonitor();
    private final TestRegistry registry = TestRegistry.started(Abilities.WITHOUT_REFERRERS);
    private MirrorFixture mirror;

    @BeforeEach
    void start() throws Exception {
        corpus.loadInto(registry, "test/net-monitor");
        mirror = MirrorFixture.of(folder, registry.uri());
    }

    @AfterEach
    void stop() {
        mirror.close();
        registry.close();
    }

    private void switchUpstreamOff() throws Exception {
        mirror.awaitFills();
        registry.stop();
        mirror.advance(Duration.ofHours(1));
    }

    private Manifest corpusManifest(String digest) throws InvalidContentException {
        return Manifest.parse(Objects.requireNonNull(corpus.manifests().get(Digest.parse(digest))));
    }

    @Test
    void orasJavaPullsTheWholeGraphColdAndWithTheUpstreamSwitchedOff() throws Exception {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Registry oras =
                    Registry.builder().insecure().withExecutorService(threads).build();
            pullGraph(oras);
            switchUpstreamOff();
            pullGraph(oras);
        }
    }

    private void pullGraph(Registry oras) throws Exception {
        ContainerRef image = ContainerRef.parse(mirror.host() + "/" + NAME + ":v1");
        assertThat(oras.getTags(image).tags()).contains("v1", "v1-amd64", "v1-arm64");
        Index index = oras.getIndex(image);
        assertThat(oras.probeDescriptor(image).getDigest())
                .isEqualTo(corpus.digest("v1").toString());
        assertThat(index.getManifests()).hasSize(2);
        for (ManifestDescriptor platform : index.getManifests()) {
            pullManifest(oras, image.withDigest(platform.getDigest()));
        }
        List<ManifestDescriptor> referrers = oras.getReferrers(
                        image.withDigest(corpus.digest("v1").toString()), null)
                .getManifests();
        assertThat(referrers).hasSize(5);
        for (ManifestDescriptor referrer : referrers) {
            assertThat(referrer.getArtifactType())
                    .isEqualTo(
                            corpusManifest(referrer.getDigest()).artifactType().orElseThrow());
            pullManifest(oras, image.withDigest(referrer.getDigest()));
        }
    }

    private void pullManifest(Registry oras, ContainerRef reference) throws Exception {
        land.oras.Manifest manifest = oras.getManifest(reference);
        Manifest expected = corpusManifest(Objects.requireNonNull(reference.getDigest()));
        assertThat(manifest.getLayers().stream().map(Layer::getDigest))
                .containsExactlyElementsOf(expected.blobs().stream()
                        .map(Descriptor::digest)
                        .map(Digest::toString)
                        .filter(digest -> !digest.equals(manifest.getConfig().getDigest()))
                        .toList());
        for (Descriptor blob : expected.blobs()) {
            // Its getBlob() reads everything as text.
            Path file = folder.resolve(blob.digest().encoded());
            oras.fetchBlob(reference.withDigest(blob.digest().toString()), file);
            assertThat(digest(file)).isEqualTo(blob.digest());
        }
    }

    @Test
    void jibPullsABaseImageColdAndWithTheUpstreamSwitchedOff() throws Exception {
        assertThat(baseLayersOfJib("cold")).containsAll(layersOf("v1-amd64"));
        switchUpstreamOff();
        assertThat(baseLayersOfJib("off")).containsAll(layersOf("v1-amd64"));
    }

    private Set<Digest> layersOf(String tag) throws InvalidContentException {
        return corpusManifest(corpus.digest(tag).toString()).blobs().stream()
                .skip(1)
                .map(Descriptor::digest)
                .collect(Collectors.toSet());
    }

    /**
     * Builds an image on the one of the mirror, with empty caches, and returns the digests of the layers that jib has
     * then.
     */
    private Set<Digest> baseLayersOfJib(String run) throws Exception {
        Path cache = folder.resolve(run);
        Jib.from(RegistryImage.named(mirror.host() + "/" + NAME + ":v1"))
                .containerize(Containerizer.to(
                                TarImage.at(folder.resolve(run + ".tar")).named("pulled"))
                        .setAllowInsecureRegistries(true)
                        .setBaseImageLayersCache(cache)
                        .setApplicationLayersCache(folder.resolve(run + "-application")));
        try (Stream<Path> files = Files.walk(cache)) {
            return files.filter(Files::isRegularFile)
                    .map(OtherPeoplesClientsEndToEndTest::digest)
                    .collect(Collectors.toSet());
        }
    }

    private static Digest digest(Path file) {
        try {
            return Digest.sha256(Files.readAllBytes(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
