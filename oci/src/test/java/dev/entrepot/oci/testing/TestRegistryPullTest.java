package dev.entrepot.oci.testing;

import static dev.entrepot.oci.testing.TestClient.header;
import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.OciJson;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

class TestRegistryPullTest {
    private final Images images = new Images(1);
    private final TestRegistry registry = TestRegistry.started();
    private final TestClient client = new TestClient(registry.uri());

    @AfterEach
    void stop() {
        client.close();
        registry.close();
    }

    @Test
    void headOfBlobHasTheLengthAndNoBody() throws Exception {
        Digest digest = registry.pushBlob("a/b", images.randomBytes(5000));
        HttpResponse<byte[]> head = client.head("/v2/a/b/blobs/" + digest);
        assertThat(head.statusCode()).isEqualTo(200);
        assertThat(header(head, "Content-Length")).hasValue("5000");
        assertThat(header(head, "Docker-Content-Digest")).hasValue(digest.toString());
        assertThat(client.get("/v2/a/b/blobs/" + digest).body()).hasSize(5000);
        assertThat(registry.calls().gets(digest)).isEqualTo(1);
        assertThat(registry.calls().bytesOut()).isEqualTo(5000);
        assertThat(registry.server().connectionsAccepted()).isEqualTo(1);
    }

    @ParameterizedTest
    @CsvSource({
        "bytes=500-1499, 206, 500, 1000, bytes 500-1499/2048",
        "bytes=500-, 206, 500, 1548, bytes 500-2047/2048",
        "bytes=-500, 206, 1548, 500, bytes 1548-2047/2048",
        "bytes=2000-5000, 206, 2000, 48, bytes 2000-2047/2048",
        "bytes=0-0, 206, 0, 1, bytes 0-0/2048"
    })
    void rangeIsAnsweredExactly(String range, int status, int offset, int length, String contentRange)
            throws Exception {
        byte[] blob = images.randomBytes(2048);
        Digest digest = registry.pushBlob("a", blob);
        HttpResponse<byte[]> response = client.get("/v2/a/blobs/" + digest, "Range", range);
        assertThat(response.statusCode()).isEqualTo(status);
        assertThat(header(response, "Content-Range")).hasValue(contentRange);
        assertThat(response.body()).isEqualTo(Arrays.copyOfRange(blob, offset, offset + length));
    }

    @ParameterizedTest
    @CsvSource({"bytes=5000-10000", "bytes=500-0", "bytes=2048-"})
    void rangeOutsideIsRefused(String range) throws Exception {
        Digest digest = registry.pushBlob("a", images.randomBytes(2048));
        assertThat(client.get("/v2/a/blobs/" + digest, "Range", range).statusCode())
                .isEqualTo(416);
    }

    @Test
    void registryWithoutRangesSendsEverything() throws Exception {
        registry.able(Abilities.DEFAULT.without(Feature.RANGES));
        Digest digest = registry.pushBlob("a", images.randomBytes(2048));
        HttpResponse<byte[]> response = client.get("/v2/a/blobs/" + digest, "Range", "bytes=100-");
        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(response.body()).hasSize(2048);
    }

    @Test
    void manifestComesWithItsExactBytesAndType() throws Exception {
        byte[] odd = "{ \"schemaVersion\" : 2,\n \"x\": 1.50 }".getBytes(StandardCharsets.UTF_8);
        Digest digest = registry.pushManifest("a", "application/x.odd+json; charset=utf-8", odd, "v1");
        for (String reference : List.of("v1", digest.toString())) {
            HttpResponse<byte[]> response = client.get("/v2/a/manifests/" + reference);
            assertThat(response.body()).isEqualTo(odd);
            assertThat(header(response, "Content-Type")).hasValue("application/x.odd+json; charset=utf-8");
            assertThat(header(response, "Docker-Content-Digest")).hasValue(digest.toString());
        }
        HttpResponse<byte[]> same = client.get("/v2/a/manifests/v1", "If-None-Match", "\"" + digest + "\"");
        assertThat(same.statusCode()).isEqualTo(304);
    }

    @Test
    void contentOfOneRepositoryIsNotInAnother() throws Exception {
        Bundle image = registry.push("a", images.image(10), "v1");
        registry.push("b", images.image(10), "v1");
        assertThat(client.get("/v2/b/manifests/" + image.digest()).statusCode()).isEqualTo(404);
        for (Digest blob : image.blobs().keySet()) {
            assertThat(client.get("/v2/b/blobs/" + blob).statusCode()).isEqualTo(404);
        }
        assertThat(client.get("/v2/a/blobs/" + image.digest()).statusCode())
                .as("a manifest is no blob")
                .isEqualTo(404);
    }

    @Test
    void headCanBeUnsupported() throws Exception {
        Bundle image = registry.push("a", images.image(10), "v1");
        registry.able(Abilities.DEFAULT.without(Feature.HEAD_MANIFESTS, Feature.HEAD_BLOBS, Feature.DIGEST_HEADER));
        assertThat(client.head("/v2/a/manifests/v1").statusCode()).isEqualTo(405);
        assertThat(client.head("/v2/a/blobs/"
                                + image.blobs().keySet().iterator().next())
                        .statusCode())
                .isEqualTo(405);
        assertThat(header(client.get("/v2/a/manifests/v1"), "Docker-Content-Digest"))
                .isEmpty();
    }

    @Test
    void tagListIsSortedAndPaged() throws Exception {
        Bundle image = registry.push("a", images.image(10));
        List.of("b", "a", "C", "1").forEach(tag -> registry.tag("a", tag, image.digest()));
        HttpResponse<byte[]> all = client.get("/v2/a/tags/list");
        assertThat(TestClient.texts(all.body(), "tags")).containsExactly("1", "C", "a", "b");
        assertThat(header(all, "Link")).isEmpty();
        assertThat(TestClient.texts(client.get("/v2/a/tags/list?last=C").body(), "tags"))
                .containsExactly("a", "b");
        HttpResponse<byte[]> none = client.get("/v2/a/tags/list?n=0");
        assertThat(TestClient.texts(none.body(), "tags")).isEmpty();
        assertThat(header(none, "Link")).isEmpty();

        List<String> walked = walk("/v2/a/tags/list?n=3", "tags");
        assertThat(walked).containsExactly("1", "C", "a", "b");
    }

    @Test
    void catalogListsRepositories() throws Exception {
        List.of("z", "a/b", "a").forEach(name -> registry.push(name, images.image(1)));
        assertThat(walk("/v2/_catalog?n=1", "repositories")).containsExactly("a", "a/b", "z");
        registry.able(Abilities.DEFAULT.without(Feature.CATALOG));
        assertThat(client.get("/v2/_catalog").statusCode()).isEqualTo(404);
    }

    private List<String> walk(String first, String property) throws Exception {
        List<String> all = new ArrayList<>();
        Optional<String> next = Optional.of(first);
        while (next.isPresent()) {
            HttpResponse<byte[]> page = client.get(next.get());
            all.addAll(TestClient.texts(page.body(), property));
            next = header(page, "Link").map(link -> link.substring(1, link.indexOf('>')));
        }
        return all;
    }

    @Test
    void referrersAreListedWithTypeAndAnnotations() throws Exception {
        Bundle image = registry.push("a", images.image(10), "v1");
        Bundle signature =
                registry.push("a", images.referrer(image.root().descriptor(), "application/x-sig", Map.of("k", "v")));
        Bundle sbom = registry.push("a", images.referrer(image, "application/x-sbom"));
        String path = "/v2/a/referrers/" + image.digest();

        JsonNode index = OciJson.mapper().readTree(client.get(path).body());
        assertThat(index.path("mediaType").stringValue()).isEqualTo(MediaType.OCI_INDEX.value());
        assertThat(index.path("manifests").size()).isEqualTo(2);

        HttpResponse<byte[]> filtered = client.get(path + "?artifactType=application/x-sig");
        assertThat(header(filtered, "OCI-Filters-Applied")).hasValue("artifactType");
        JsonNode only = OciJson.mapper().readTree(filtered.body()).path("manifests");
        assertThat(only.size()).isEqualTo(1);
        assertThat(only.path(0).path("digest").stringValue())
                .isEqualTo(signature.digest().toString());
        assertThat(only.path(0).path("annotations").path("k").stringValue()).isEqualTo("v");

        registry.able(Abilities.DEFAULT.withReferrersPage(1));
        HttpResponse<byte[]> page = client.get(path);
        String link = header(page, "Link").orElseThrow();
        String second =
                new String(client.get(link.substring(1, link.indexOf('>'))).body(), StandardCharsets.UTF_8);
        assertThat(new String(page.body(), StandardCharsets.UTF_8) + second)
                .contains(signature.digest().toString(), sbom.digest().toString());
    }

    @Test
    void referrerThatIsGoneIsNotListedUntilItIsBack() throws Exception {
        Bundle image = registry.push("a", images.image(10), "v1");
        Bundle sbom = registry.push("a", images.referrer(image, "application/x-sbom"));
        String path = "/v2/a/referrers/" + image.digest();

        registry.removeManifest("a", sbom.digest());
        JsonNode none = OciJson.mapper().readTree(client.get(path).body());
        registry.push("a", sbom);
        JsonNode again = OciJson.mapper().readTree(client.get(path).body());

        assertThat(none.path("manifests").size()).isZero();
        assertThat(again.path("manifests").size()).isEqualTo(1);
    }

    @Test
    void referrersOfTheUnknownAreEmptyAndWithoutTheApiNotFound() throws Exception {
        registry.push("a", images.image(10), "v1");
        String path = "/v2/a/referrers/" + Digest.sha256(new byte[] {1});
        assertThat(client.get(path).statusCode()).isEqualTo(200);
        registry.able(Abilities.WITHOUT_REFERRERS);
        assertThat(client.get(path).statusCode()).isEqualTo(404);
    }

    @Test
    void pretenderListsNoReferrers() throws Exception {
        registry.able(Abilities.PRETENDS_REFERRERS);
        Bundle image = registry.push("a", images.image(10), "v1");
        registry.push("a", images.referrer(image, "application/x-sig"));
        HttpResponse<byte[]> response = client.get("/v2/a/referrers/" + image.digest());
        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(OciJson.mapper().readTree(response.body()).path("manifests").size())
                .isZero();
    }

    @Test
    void cdnServesAnyBlobWithoutRights() throws Exception {
        Digest digest = registry.pushBlob("private", images.randomBytes(10));
        registry.open(new Access.Basic("u", "p"));
        assertThat(client.get("/v2/private/blobs/" + digest).statusCode()).isEqualTo(401);
        assertThat(client.get("/cdn/" + digest).body()).hasSize(10);
    }

    @Test
    void malformedNamesAndDigestsAreRefused() throws Exception {
        assertThat(client.get("/v2/a/manifests/sha256:baddigeststring").statusCode())
                .isEqualTo(400);
        assertThat(client.get("/v2/UPPER/manifests/v1").statusCode()).isEqualTo(400);
        assertThat(client.get("/v2/a").statusCode()).isEqualTo(404);
    }

    @Test
    void generatedContentIsTheSameFromAnyOffset() throws Exception {
        Content content = Content.generated(7, 100_003);
        byte[] all = content.bytes();
        assertThat(all).hasSize(100_003);
        for (int offset : new int[] {0, 1, 7, 8, 9, 65_537, 100_002, 100_003}) {
            assertThat(content.open(offset).readAllBytes()).isEqualTo(Arrays.copyOfRange(all, offset, all.length));
        }
        int single = content.open(12_345).read();
        assertThat((byte) single).isEqualTo(all[12_345]);
        assertThat(content.digest(DigestAlgorithm.SHA256)).isEqualTo(Digest.sha256(all));
    }
}
