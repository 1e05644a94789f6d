package dev.entrepot.oci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Media types, platforms, descriptors and ranges. */
class ValuesTest {
    @Test
    void contentTypeLosesParametersAndCase() {
        assertThat(MediaType.parse("Application/Vnd.OCI.image.index.v1+JSON; charset=utf-8"))
                .isEqualTo(MediaType.OCI_INDEX);
        assertThat(MediaType.parse(" text/plain ")).hasToString("text/plain");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a b/c", "a/b,c/d", "a/\"b\"", "a/b\r\nX: y", "t\u00e9xt/plain", "a/\u212a", ";"})
    void malformedMediaTypeIsRefused(String text) {
        assertThatThrownBy(() -> MediaType.parse(text)).isInstanceOf(InvalidNameException.class);
    }

    @Test
    void mediaTypesFallIntoKinds() {
        assertThat(MediaType.DOCKER_MANIFEST_LIST.isIndex()).isTrue();
        assertThat(MediaType.DOCKER_MANIFEST.isImageManifest()).isTrue();
        assertThat(MediaType.OCI_ARTIFACT_MANIFEST.isManifest()).isTrue();
        assertThat(MediaType.OCI_EMPTY.isManifest()).isFalse();
        MediaType schema1 = MediaType.parse("application/vnd.docker.distribution.manifest.v1+prettyjws");
        assertThat(schema1.isSchema1() && schema1.isManifest()).isTrue();
        assertThat(MediaType.parse("application/vnd.oci.image.layer.nondistributable.v1.tar+zstd")
                        .isNonDistributable())
                .isTrue();
        assertThat(MediaType.parse("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip")
                        .isNonDistributable())
                .isTrue();
        assertThat(MediaType.parse("application/vnd.docker.image.rootfs.foreign.diff.tar")
                        .isNonDistributable())
                .isTrue();
        assertThat(MediaType.parse("application/vnd.oci.image.layer.v1.tar").isNonDistributable())
                .isFalse();
    }

    @Test
    void variantThatAllOfAnArchitectureHaveIsTheSameAsNone() {
        Platform arm64 = Platform.parse("linux/arm64");
        Platform armV8 = Platform.parse("linux/arm64/v8");
        assertThat(armV8.matches(arm64)).isTrue();
        assertThat(arm64.matches(armV8)).isTrue();
        assertThat(Platform.parse("linux/amd64/v1").matches(Platform.parse("linux/amd64")))
                .isTrue();
        assertThat(Platform.parse("linux/amd64/v3").matches(Platform.parse("linux/amd64")))
                .isFalse();
        assertThat(Platform.parse("linux/arm/v8").matches(Platform.parse("linux/arm")))
                .isFalse();
        // Who says the least one wants no other.
        assertThat(Platform.parse("linux/amd64/v1").matches(Platform.parse("linux/amd64/v3")))
                .isFalse();
        assertThat(armV8.matches(Platform.parse("linux/arm64/v9"))).isFalse();
        assertThat(arm64.matches(Platform.parse("linux/arm64/v9"))).isTrue();
    }

    @Test
    void platformWishLeavesOpenWhatItDoesNotSay() {
        Platform armV7 = Platform.parse("linux/arm/v7");
        assertThat(armV7).hasToString("linux/arm/v7");
        assertThat(Platform.parse("linux/arm").matches(armV7)).isTrue();
        assertThat(armV7.matches(Platform.parse("linux/arm"))).isFalse();
        assertThat(Platform.parse("linux/amd64").matches(armV7)).isFalse();
        Platform server = new Platform("windows", "amd64", Optional.empty(), Optional.of("10.0.1"), List.of());
        assertThat(Platform.parse("windows/amd64").matches(server)).isTrue();
        assertThat(server.matches(Platform.parse("windows/amd64"))).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "linux", "linux/", "/amd64", "linux/arm/", "a/b/c/d", "linux//v7"})
    void malformedPlatformIsRefused(String text) {
        assertThatThrownBy(() -> Platform.parse(text)).isInstanceOf(InvalidNameException.class);
    }

    @Test
    void descriptorIsIndependentOfWhatItWasMadeFrom() {
        Map<String, String> annotations = new TreeMap<>(Map.of("b", "2", "a", "1"));
        Descriptor descriptor = Descriptor.of(MediaType.OCTET_STREAM, Digest.sha256(new byte[0]), 0)
                .asReferrer(Optional.of("application/x"), annotations);
        annotations.clear();
        assertThat(descriptor.annotations()).containsExactly(Map.entry("a", "1"), Map.entry("b", "2"));
        assertThat(descriptor.isManifest()).isFalse();
        assertThatThrownBy(() -> Descriptor.of(MediaType.OCTET_STREAM, Digest.sha256(new byte[0]), -1))
                .isInstanceOf(InvalidNameException.class);
    }

    @Test
    void rangesPrintAsHeaders() {
        assertThat(ByteRange.ALL.toHeader()).isEqualTo("bytes=0-");
        assertThat(ByteRange.from(7).toHeader()).isEqualTo("bytes=7-");
        assertThat(ByteRange.of(7, 7).toHeader()).isEqualTo("bytes=7-7");
        assertThat(ByteRange.ALL.isAll()).isTrue();
        assertThat(ByteRange.of(0, 9).isAll() || ByteRange.from(1).isAll()).isFalse();
        assertThatThrownBy(() -> ByteRange.of(7, 6)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> ByteRange.from(-1)).isInstanceOf(IllegalArgumentException.class);
    }
}
