package dev.entrepot.oci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ManifestTest {
    private static final String HEX = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    private static final String BLOB = "{\"mediaType\":\"a/b\",\"digest\":\"sha256:" + HEX + "\",\"size\":3}";

    private static Manifest parse(MediaType type, String json) throws InvalidContentException {
        return Manifest.parse(ManifestBytes.of(type, json.getBytes(StandardCharsets.UTF_8)));
    }

    private static void refuses(MediaType type, String json) {
        assertThatThrownBy(() -> parse(type, json)).isInstanceOf(InvalidContentException.class);
    }

    @Test
    void imageManifestIsRead() throws InvalidContentException {
        Manifest manifest = parse(MediaType.OCI_MANIFEST, """
                {"schemaVersion":2,"config":%s,"layers":[%s,%s],"subject":%s,"annotations":{"k":"v","n":1},"x":{}}
                """.formatted(BLOB, BLOB, BLOB, BLOB));
        assertThat(manifest).isInstanceOf(Manifest.ImageManifest.class);
        assertThat(manifest.blobs()).hasSize(3);
        assertThat(manifest.manifests()).isEmpty();
        assertThat(manifest.subject().orElseThrow().sizeBytes()).isEqualTo(3);
        assertThat(manifest.annotations()).containsExactly(Map.entry("k", "v"));
        assertThat(manifest.artifactType()).as("that of the configuration").isEqualTo(Optional.of("a/b"));
    }

    @Test
    void emptyArtifactTypeIsNone() throws InvalidContentException {
        String manifest = "{\"artifactType\":\"\",\"config\":%s,\"layers\":[]}".formatted(BLOB);
        assertThat(parse(MediaType.OCI_MANIFEST, manifest).artifactType()).isEqualTo(Optional.of("a/b"));
        assertThat(parse(MediaType.OCI_INDEX, "{\"artifactType\":\"\",\"manifests\":[]}")
                        .artifactType())
                .isEmpty();
    }

    @Test
    void indexIsReadWithPlatformsAndWithoutEntries() throws InvalidContentException {
        String entry = BLOB.replace(
                "}",
                ",\"platform\":{\"os\":\"linux\",\"architecture\":\"arm\",\"variant\":\"v7\",\"os.features\":[\"f\"]},"
                        + "\"urls\":[\"u\"],\"data\":\"AA==\",\"artifactType\":\"t\",\"annotations\":{\"k\":\"v\"}}");
        Manifest index = parse(MediaType.DOCKER_MANIFEST_LIST, "{\"manifests\":[" + entry + "]}");
        Descriptor child = index.manifests().getFirst();
        assertThat(child.platform().orElseThrow()).hasToString("linux/arm/v7");
        assertThat(child.platform().orElseThrow().osFeatures()).containsExactly("f");
        assertThat(child.urls()).containsExactly("u");
        assertThat(child.data()).isEqualTo(Optional.of("AA=="));
        assertThat(child.artifactType()).isEqualTo(Optional.of("t"));
        for (String none : List.of("{\"manifests\":[]}", "{\"manifests\":null}")) {
            assertThat(parse(MediaType.OCI_INDEX, none).references()).isEmpty();
        }
    }

    @Test
    void artifactManifestIsRead() throws InvalidContentException {
        Manifest manifest = parse(
                MediaType.OCI_ARTIFACT_MANIFEST,
                "{\"artifactType\":\"t\",\"blobs\":[%s],\"subject\":%s}".formatted(BLOB, BLOB));
        assertThat(manifest.blobs()).hasSize(1);
        assertThat(manifest.subject()).isPresent();
    }

    @Test
    void schema1IsOpaqueAndNotEvenRead() throws InvalidContentException {
        MediaType schema1 = MediaType.parse("application/vnd.docker.distribution.manifest.v1+prettyjws");
        assertThat(parse(schema1, "not json")).isEqualTo(new Manifest.OpaqueManifest(schema1));
    }

    @Test
    void unknownTypeIsOpaqueButMustBeJson() throws InvalidContentException {
        MediaType unknown = MediaType.parse("application/vnd.example+json");
        assertThat(parse(unknown, "{\"anything\":[1]}").references()).isEmpty();
        refuses(unknown, "not json");
    }

    @Test
    void unknownTypeNamesWhatItsShapeSays() throws InvalidContentException {
        MediaType unknown = MediaType.parse("application/vnd.example.manifest+json");
        Manifest image = parse(unknown, """
                {"mediaType":"application/vnd.example.manifest+json","config":%s,"layers":[%s,%s],"subject":%s,"artifactType":"t",
                "annotations":{"k":"v"}}""".formatted(BLOB, BLOB, BLOB, BLOB));
        assertThat(image.mediaType()).isEqualTo(unknown);
        assertThat(image.blobs()).hasSize(3);
        assertThat(image.subject()).isPresent();
        assertThat(image.artifactType()).isEqualTo(Optional.of("t"));
        assertThat(image.annotations()).containsEntry("k", "v");
        String index = "{\"mediaType\":\"application/vnd.example.manifest+json\",\"manifests\":[%s],\"blobs\":[%s]}";
        assertThat(parse(unknown, index.formatted(BLOB, BLOB)).references()).hasSize(2);
    }

    @Test
    void unknownTypeMayUseTheNamesOfKnownOnesForSomethingElse() throws InvalidContentException {
        MediaType unknown = MediaType.parse("application/vnd.example.manifest+json");
        Manifest odd = parse(unknown, """
                {"mediaType":"application/vnd.example.manifest+json","config":{"depth":3},"layers":["top",%s],"blobs":7,"subject":null}""".formatted(BLOB));
        assertThat(odd.references()).hasSize(1);
        assertThat(odd.subject()).isEmpty();
    }

    @Test
    void shapeDecidesWhereNothingIsStated() throws InvalidContentException {
        MediaType plain = MediaType.parse("application/json");
        assertThat(parse(plain, "{\"manifests\":[]}").mediaType()).isEqualTo(MediaType.OCI_INDEX);
        assertThat(parse(plain, "{\"config\":%s,\"layers\":[]}".formatted(BLOB)).mediaType())
                .isEqualTo(MediaType.OCI_MANIFEST);
        assertThat(parse(plain, "{\"mediaType\":\"%s\",\"manifests\":[]}".formatted(MediaType.DOCKER_MANIFEST_LIST))
                        .mediaType())
                .isEqualTo(MediaType.DOCKER_MANIFEST_LIST);
        assertThat(parse(MediaType.OCI_INDEX, "{\"mediaType\":\"\",\"manifests\":[]}")
                        .mediaType())
                .as("an empty media type is none")
                .isEqualTo(MediaType.OCI_INDEX);
    }

    /** CVE-2021-41190: what one client takes for an image and another for an index. */
    @Test
    void confusedManifestsAreRefused() {
        String layers = "\"config\":%s,\"layers\":[%s]".formatted(BLOB, BLOB);
        String manifests = "\"manifests\":[%s]".formatted(BLOB);
        for (MediaType type : List.of(
                MediaType.OCI_MANIFEST,
                MediaType.OCI_INDEX,
                MediaType.DOCKER_MANIFEST,
                MediaType.DOCKER_MANIFEST_LIST,
                MediaType.parse("application/json"))) {
            refuses(type, "{" + layers + "," + manifests + "}");
        }
        refuses(MediaType.OCI_MANIFEST, "{\"mediaType\":\"%s\",%s}".formatted(MediaType.OCI_INDEX, layers));
        refuses(MediaType.OCI_INDEX, "{\"mediaType\":\"%s\",%s}".formatted(MediaType.OCI_MANIFEST, manifests));
        refuses(MediaType.OCI_MANIFEST, "{" + manifests + "}");
        refuses(MediaType.OCI_INDEX, "{" + layers + "}");
        refuses(MediaType.OCI_INDEX, "{\"layers\":[]}");
        refuses(MediaType.parse("a/b"), "{\"mediaType\":\"%s\",%s}".formatted(MediaType.OCI_INDEX, layers));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"3\"",
                "3.0",
                "3e2",
                "-1",
                "9223372036854775808",
                "99999999999999999999999999",
                "null",
                "true",
                "[]",
                "{}"
            })
    void sizeThatIsNoSizeIsRefused(String size) {
        refuses(MediaType.OCI_INDEX, "{\"manifests\":[" + BLOB.replace("3}", size + "}") + "]}");
    }

    @Test
    void largestSizeIsASize() throws InvalidContentException {
        Manifest index =
                parse(MediaType.OCI_INDEX, "{\"manifests\":[" + BLOB.replace("3}", Long.MAX_VALUE + "}") + "]}");
        assertThat(index.manifests().getFirst().sizeBytes()).isEqualTo(Long.MAX_VALUE);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "null",
                "[]",
                "\"text\"",
                "{",
                "{}x",
                "{\"manifests\":{}}",
                "{\"manifests\":[1]}",
                "{\"manifests\":[null]}",
                "{\"manifests\":[{}]}",
                "{\"manifests\":[{\"size\":1}]}",
                "{\"manifests\":[{\"size\":1,\"digest\":5}]}",
                "{\"manifests\":[{\"size\":1,\"digest\":\"sha256:../x\"}]}",
                "{\"manifests\":[],\"manifests\":[]}",
                "{\"manifests\":[],\"annotations\":{\"a\":\"1\",\"a\":\"2\"}}",
                "{\"manifests\":[],\"subject\":[]}",
                "{'manifests':[]}",
                "{\"manifests\":[],}",
                "{\"manifests\":[NaN]}"
            })
    void malformedIndexIsRefused(String json) {
        refuses(MediaType.OCI_INDEX, json);
    }

    @Test
    void malformedImageManifestIsRefused() {
        refuses(MediaType.OCI_MANIFEST, "{\"layers\":[]}");
        refuses(MediaType.OCI_MANIFEST, "{\"config\":null,\"layers\":[]}");
        refuses(MediaType.OCI_MANIFEST, "{\"config\":%s,\"layers\":\"none\"}".formatted(BLOB));
    }

    @Test
    void deepNestingIsRefused() {
        refuses(MediaType.OCI_INDEX, "{\"manifests\":[],\"x\":" + "[".repeat(100_000) + "]".repeat(100_000) + "}");
        refuses(MediaType.OCI_INDEX, "{\"x\":".repeat(100_000) + "1" + "}".repeat(100_000));
    }

    @Test
    void hugeNumbersAreRefusedWithoutWork() {
        refuses(MediaType.OCI_INDEX, "{\"manifests\":[],\"x\":" + "9".repeat(1_000_000) + "}");
    }

    @Test
    void manyAnnotationsAreRead() throws InvalidContentException {
        StringBuilder json = new StringBuilder("{\"manifests\":[],\"annotations\":{\"a\":\"\"");
        for (int i = 0; i < 390; i++) {
            json.append(",\"k")
                    .append(i)
                    .append("\":\"")
                    .append("v".repeat(10_000))
                    .append('"');
        }
        assertThat(parse(MediaType.OCI_INDEX, json.append("}}").toString()).annotations())
                .hasSize(391);
    }

    @Test
    void manifestOverTheLimitIsRefused() throws InvalidContentException {
        byte[] largest = new byte[OciLimits.MAX_MANIFEST_BYTES];
        assertThat(ManifestBytes.of(MediaType.OCI_INDEX, largest).sizeBytes()).isEqualTo(largest.length);
        assertThatThrownBy(() -> ManifestBytes.of(MediaType.OCI_INDEX, new byte[largest.length + 1]))
                .isInstanceOf(InvalidContentException.class);
    }

    @Test
    void bytesMustHaveTheirDigest() throws InvalidContentException {
        byte[] bytes = "{}".getBytes(StandardCharsets.UTF_8);
        Digest sha512 = Digest.of(DigestAlgorithm.SHA512, bytes);
        assertThat(ManifestBytes.verified(MediaType.OCI_INDEX, sha512, bytes).digest())
                .isEqualTo(sha512);
        assertThatThrownBy(() -> ManifestBytes.verified(MediaType.OCI_INDEX, Digest.sha256(new byte[0]), bytes))
                .isInstanceOf(InvalidContentException.class);
        assertThatThrownBy(() -> ManifestBytes.verified(MediaType.OCI_INDEX, Digest.parse("md5:00"), bytes))
                .isInstanceOf(InvalidContentException.class);
    }

    @Property(tries = 200)
    void anyBytesAreReadOrRefused(@ForAll byte[] bytes) throws InvalidContentException {
        try {
            Manifest.parse(ManifestBytes.of(MediaType.OCI_INDEX, bytes));
        } catch (InvalidContentException e) {
            assertThat(e.getMessage()).startsWith("manifest sha256:");
        }
    }
}
