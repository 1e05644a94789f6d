package dev.entrepot.oci.testing;

import static dev.entrepot.oci.testing.TestClient.header;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.Tag;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class TestRegistryPushTest {
    private static final byte[] NOTHING = {};

    private final Images images = new Images(2);
    private final TestRegistry registry = TestRegistry.started();
    private final TestClient client = new TestClient(registry.uri());

    @AfterEach
    void stop() {
        client.close();
        registry.close();
    }

    private String begin(String repository) throws Exception {
        HttpResponse<byte[]> response = client.send("POST", "/v2/" + repository + "/blobs/uploads/", NOTHING);
        assertThat(response.statusCode()).isEqualTo(202);
        return header(response, "Location").orElseThrow();
    }

    @Test
    void blobInOnePut() throws Exception {
        byte[] blob = images.randomBytes(3_000_000);
        Digest digest = Digest.of(DigestAlgorithm.SHA512, blob);
        HttpResponse<byte[]> put = client.send("PUT", begin("a/b") + "&digest=" + digest, blob);
        assertThat(put.statusCode()).isEqualTo(201);
        assertThat(header(put, "Location")).hasValue("/v2/a/b/blobs/" + digest);
        assertThat(registry.blob("a/b", digest).orElseThrow().bytes()).isEqualTo(blob);
        assertThat(client.get("/v2/a/b/blobs/" + digest, "Range", "bytes=2999990-")
                        .body())
                .isEqualTo(Arrays.copyOfRange(blob, 2_999_990, 3_000_000));
        assertThat(registry.uploadsOpen()).isZero();
    }

    @Test
    void blobInChunksThatMustBeInOrder() throws Exception {
        byte[] blob = images.randomBytes(100);
        String location = begin("a");
        HttpResponse<byte[]> first = client.send("PATCH", location, Arrays.copyOf(blob, 60), "Content-Range", "0-59");
        assertThat(first.statusCode()).isEqualTo(202);
        assertThat(header(first, "Range")).hasValue("0-59");
        String next = header(first, "Location").orElseThrow();
        assertThat(next).as("the state changes").isNotEqualTo(location);

        HttpResponse<byte[]> wrong =
                client.send("PATCH", next, Arrays.copyOfRange(blob, 70, 100), "Content-Range", "70-99");
        assertThat(wrong.statusCode()).isEqualTo(416);
        HttpResponse<byte[]> status = client.get(next);
        assertThat(status.statusCode()).isEqualTo(204);
        assertThat(header(status, "Range")).hasValue("0-59");

        HttpResponse<byte[]> last = client.send(
                "PUT",
                next + "&digest=" + Digest.sha256(blob),
                Arrays.copyOfRange(blob, 60, 100),
                "Content-Range",
                "60-99");
        assertThat(last.statusCode()).isEqualTo(201);
        assertThat(registry.blob("a", Digest.sha256(blob)).orElseThrow().bytes())
                .isEqualTo(blob);
    }

    @Test
    void blobInChunkedEncoding() throws Exception {
        byte[] blob = images.randomBytes(200_000);
        HttpResponse<byte[]> put = client.send(
                "PUT",
                begin("a") + "&digest=" + Digest.sha256(blob),
                BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(blob)));
        assertThat(put.statusCode()).isEqualTo(201);
        assertThat(registry.blobs("a")).containsExactly(Digest.sha256(blob));
    }

    @Test
    void blobThatTheServerAskedFor() throws Exception {
        byte[] blob = images.randomBytes(1000);
        var request =
                client.request("PUT", begin("a") + "&digest=" + Digest.sha256(blob), BodyPublishers.ofByteArray(blob));
        HttpResponse<Void> response = client.client()
                .send(
                        HttpRequest.newBuilder(request, (_, _) -> true)
                                .expectContinue(true)
                                .build(),
                        HttpResponse.BodyHandlers.discarding());
        assertThat(response.statusCode()).isEqualTo(201);
    }

    @Test
    void staleUploadLocationIsRefused() throws Exception {
        String location = begin("a");
        client.send("PATCH", location, new byte[10]);
        assertThat(client.send("PATCH", location, new byte[10]).statusCode()).isEqualTo(400);
    }

    @Test
    void wrongDigestIsRefused() throws Exception {
        Digest other = Digest.sha256(new byte[] {1});
        assertThat(client.send("PUT", begin("a") + "&digest=" + other, new byte[10])
                        .statusCode())
                .isEqualTo(400);
        assertThat(registry.blobs("a")).isEmpty();
    }

    @Test
    void brokenUploadIsKeptByRegistriesThatCan() throws Exception {
        byte[] blob = images.randomBytes(500_000);
        String location = begin("a");
        registry.faults().once(Requests.method("PATCH"), Fault.resetUploadAfter(100_000));
        assertThatThrownBy(() -> client.send("PATCH", location, blob)).isInstanceOf(IOException.class);
        registry.calls().awaitIdle();
        assertThat(header(client.get(location), "Range")).hasValue("0-99999");

        String second = begin("a");
        registry.able(Abilities.DEFAULT.without(Feature.RESUMABLE_UPLOADS));
        registry.faults().once(Requests.method("PATCH"), Fault.resetUploadAfter(100_000));
        assertThatThrownBy(() -> client.send("PATCH", second, blob)).isInstanceOf(IOException.class);
        registry.calls().awaitIdle();
        registry.able(Abilities.DEFAULT);
        assertThat(client.get(second).statusCode()).isEqualTo(404);
    }

    @Test
    void uploadIsCancelled() throws Exception {
        String location = begin("a");
        assertThat(client.send("DELETE", location, NOTHING).statusCode()).isEqualTo(204);
        assertThat(client.get(location).statusCode()).isEqualTo(404);
    }

    @Test
    void mountLinksOrOpensASession() throws Exception {
        Digest digest = registry.pushBlob("source", images.randomBytes(10));
        String query = "/blobs/uploads/?mount=" + digest + "&from=source";
        assertThat(client.send("POST", "/v2/one" + query, NOTHING).statusCode()).isEqualTo(201);
        assertThat(registry.blob("one", digest)).isPresent();
        registry.able(Abilities.DEFAULT.without(Feature.MOUNT));
        assertThat(client.send("POST", "/v2/two" + query, NOTHING).statusCode()).isEqualTo(202);
        assertThat(registry.blob("two", digest)).isEmpty();
    }

    @Test
    void manifestWithMissingPartsIsRefused() throws Exception {
        Bundle index = images.index("linux/amd64", "linux/arm64");
        assertThat(put(index.manifests().getFirst(), "v1").statusCode()).isEqualTo(400);
        index.blobs().forEach((digest, content) -> registry.pushBlob("a", digest, content));
        assertThat(put(index.root(), "v1").statusCode()).isEqualTo(400);
        for (ManifestBytes manifest : index.manifests()) {
            assertThat(put(manifest, manifest.digest().toString()).statusCode()).isEqualTo(201);
        }
        assertThat(registry.tags("a")).isEmpty();
        assertThat(put(index.root(), "v1").statusCode()).isEqualTo(201);
        assertThat(registry.resolve("a", "v1")).hasValue(index.digest());
        assertThat(registry.manifest("a", index.digest()))
                .hasValueSatisfying(
                        bytes -> assertThat(bytes).isEqualTo(index.root().array()));
    }

    @Test
    void sparseIndexIsAcceptedByRegistriesThatAllowIt() throws Exception {
        registry.able(Abilities.DEFAULT.with(Feature.SPARSE_INDEXES));
        assertThat(put(images.index("linux/amd64").root(), "v1").statusCode()).isEqualTo(201);
    }

    @Test
    void foreignLayerMayBeMissing() throws Exception {
        Bundle image = images.foreignLayerImage();
        image.blobs().forEach((digest, content) -> registry.pushBlob("a", digest, content));
        assertThat(put(image.root(), "v1").statusCode()).isEqualTo(201);
    }

    @Test
    void subjectIsAcknowledgedAndMayBeMissing() throws Exception {
        Bundle image = images.image(10);
        Bundle signature = images.referrer(image, "application/x-sig");
        signature.blobs().forEach((digest, content) -> registry.pushBlob("a", digest, content));
        HttpResponse<byte[]> response = put(signature.root(), "sig");
        assertThat(response.statusCode()).isEqualTo(201);
        assertThat(header(response, "OCI-Subject")).hasValue(image.digest().toString());
        registry.able(Abilities.WITHOUT_REFERRERS);
        assertThat(header(put(signature.root(), "sig"), "OCI-Subject")).isEmpty();
    }

    @Test
    void manifestThatIsWrongIsRefused() throws Exception {
        byte[] confused =
                "{\"mediaType\":\"%s\"}".formatted(MediaType.OCI_INDEX).getBytes();
        assertThat(client.send("PUT", "/v2/a/manifests/v", confused, "Content-Type", MediaType.OCI_MANIFEST.value())
                        .statusCode())
                .isEqualTo(400);
        assertThat(client.send("PUT", "/v2/a/manifests/v", new byte[5 << 20]).statusCode())
                .isEqualTo(413);
        String wrong = "/v2/a/manifests/" + Digest.sha256(NOTHING);
        assertThat(client.send("PUT", wrong, "{}".getBytes()).statusCode()).isEqualTo(400);
    }

    @Test
    void ifMatchGuardsATagAgainstLostUpdates() throws Exception {
        registry.able(Abilities.DEFAULT.with(Feature.IF_MATCH));
        Bundle image = registry.push("a", images.image(10), "v1");
        Bundle other = registry.push("a", images.image(10));
        String type = MediaType.OCI_MANIFEST.value();
        byte[] bytes = other.root().array();
        HttpResponse<byte[]> lost = client.send(
                "PUT", "/v2/a/manifests/v1", bytes, "Content-Type", type, "If-Match", "\"" + other.digest() + "\"");
        assertThat(lost.statusCode()).isEqualTo(412);
        HttpResponse<byte[]> won = client.send(
                "PUT", "/v2/a/manifests/v1", bytes, "Content-Type", type, "If-Match", "\"" + image.digest() + "\"");
        assertThat(won.statusCode()).isEqualTo(201);
    }

    @Test
    void deletingByTagAndByDigest() throws Exception {
        Bundle image = registry.push("a", images.image(10), "v1");
        registry.tag("a", "v2", image.digest());
        assertThat(client.send("DELETE", "/v2/a/manifests/v1", NOTHING).statusCode())
                .isEqualTo(202);
        assertThat(registry.tags("a")).containsExactly(new Tag("v2"));
        String byDigest = "/v2/a/manifests/" + image.digest();
        assertThat(client.send("DELETE", byDigest, NOTHING).statusCode()).isEqualTo(202);
        assertThat(registry.tags("a")).isEmpty();
        assertThat(client.send("DELETE", byDigest, NOTHING).statusCode()).isEqualTo(404);
        registry.able(Abilities.DEFAULT.without(Feature.DELETE));
        assertThat(client.send("DELETE", byDigest, NOTHING).statusCode()).isEqualTo(405);
    }

    private HttpResponse<byte[]> put(ManifestBytes manifest, String reference) throws Exception {
        return client.send(
                "PUT",
                "/v2/a/manifests/" + reference,
                manifest.array(),
                "Content-Type",
                manifest.mediaType().value());
    }
}
