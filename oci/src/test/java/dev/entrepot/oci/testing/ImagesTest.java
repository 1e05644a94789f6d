package dev.entrepot.oci.testing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.Tag;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ImagesTest {
    private final Images images = new Images(6);

    static Stream<Bundle> bundles() {
        Images images = new Images(7);
        Bundle image = images.image(10, 0, 300_000);
        return Stream.of(
                image,
                images.dockerImage(10),
                images.sha512Image(10, 20),
                images.foreignLayerImage(),
                images.index("linux/amd64", "linux/arm/v7"),
                images.indexOf(MediaType.DOCKER_MANIFEST_LIST, List.of(images.dockerImage(1))),
                images.indexOf(List.of()),
                images.nestedIndex(3),
                images.indexWithAttestation("linux/amd64"),
                images.referrer(image, "application/x-sig"),
                images.cosign("application/vnd.dev.cosign.simplesigning.v1+json"),
                images.fallbackIndex(List.of()),
                images.artifactManifest(image.root().descriptor(), "application/x-art"));
    }

    @ParameterizedTest
    @MethodSource("bundles")
    void everythingIsWhatItIsCalledAndWholeButForForeignLayers(Bundle bundle) throws InvalidContentException {
        bundle.blobs()
                .forEach((digest, content) ->
                        assertThat(content.digest(digest.algorithm())).isEqualTo(digest));
        for (ManifestBytes bytes : bundle.manifests()) {
            Manifest manifest = Manifest.parse(bytes);
            assertThat(manifest.mediaType()).isEqualTo(bytes.mediaType());
            assertThat(manifest.references())
                    .filteredOn(reference -> !reference.mediaType().isNonDistributable())
                    .allSatisfy(reference -> assertThat(has(bundle, reference)).isTrue());
        }
        assertThat(bundle.descriptor().digest()).isEqualTo(bundle.digest());
    }

    private static boolean has(Bundle bundle, Descriptor reference) {
        Content blob = bundle.blobs().get(reference.digest());
        return blob == null
                ? bundle.manifestDigests().contains(reference.digest())
                : blob.sizeBytes() == reference.sizeBytes();
    }

    @Test
    void sameSeedMakesTheSameContent() {
        assertThat(new Images(8).image(5, 6).digest())
                .isEqualTo(new Images(8).image(5, 6).digest());
        assertThat(images.image(5).digest()).isNotEqualTo(images.image(5).digest());
    }

    @Test
    void referrerChainPointsBack() throws InvalidContentException {
        Bundle image = images.image(1);
        List<Bundle> chain = images.referrerChain(image, 3, "application/x-sig");
        assertThat(subject(chain.get(0))).isEqualTo(image.digest());
        assertThat(subject(chain.get(1))).isEqualTo(chain.get(0).digest());
        assertThat(subject(chain.get(2))).isEqualTo(chain.get(1).digest());
    }

    private static Digest subject(Bundle bundle) throws InvalidContentException {
        return Manifest.parse(bundle.root()).subject().orElseThrow().digest();
    }

    @Test
    void referrerShowsItsTypeAndAnnotations() {
        Bundle image = images.image(1);
        Descriptor shown = images.referrer(image.root().descriptor(), "application/x-sig", Map.of("k", "v"))
                .descriptor();
        assertThat(shown.artifactType()).isEqualTo(Optional.of("application/x-sig"));
        assertThat(shown.annotations()).containsExactly(Map.entry("k", "v"));
    }

    @Test
    void cosignTagIsATag() {
        Digest digest = Digest.sha256(new byte[0]);
        assertThat(new Tag(Images.cosignTag(digest, "sig")).value())
                .isEqualTo("sha256-e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855.sig");
    }
}
