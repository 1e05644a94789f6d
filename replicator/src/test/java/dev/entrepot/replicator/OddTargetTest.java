package dev.entrepot.replicator;

import static com.github.tomakehurst.wiremock.client.WireMock.aResponse;
import static com.github.tomakehurst.wiremock.client.WireMock.status;
import static dev.entrepot.replicator.OddRegistry.error;
import static org.assertj.core.api.Assertions.assertThat;

import com.github.tomakehurst.wiremock.client.ResponseDefinitionBuilder;
import dev.entrepot.config.NamePattern;
import dev.entrepot.config.ReplicationRuleConfig.OnSparseRefused;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.Platform;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What whole runs make of a target that refuses manifests, mounts and tags in its own words, or says that it lacks what
 * it was sent.
 */
class OddTargetTest extends BetweenOddRegistries {
    // Sparse indexes

    private Descriptor indexOfTwoPlatforms() {
        Descriptor root = world.shapes.index(List.of(
                on(world.shapes.image("amd64"), "linux/amd64"), on(world.shapes.image("arm64"), "linux/arm64")));
        world.shapes.tag("v1", root);
        world.rules.platforms = List.of(Platform.parse("linux/arm64"));
        return root;
    }

    private static Descriptor on(Descriptor image, String platform) {
        return new Descriptor(
                image.mediaType(),
                image.digest(),
                image.sizeBytes(),
                Optional.empty(),
                Optional.of(Platform.parse(platform)),
                Map.of(),
                List.of(),
                Optional.empty());
    }

    @ParameterizedTest
    @CsvSource({"400, MANIFEST_BLOB_UNKNOWN", "404, MANIFEST_UNKNOWN", "400, MANIFEST_INVALID", "422, UNPROCESSABLE"})
    void sparseIndexThatIsRefusedIsAClearFailureOrTrimmed(int status, String code) throws IOException {
        Descriptor root = indexOfTwoPlatforms();
        target.says("PUT", manifest(root.digest()), error(status, code));

        ItemReport.Failure failure = world.failsToCopy("v1");

        assertThat(failure.side()).isEqualTo(Side.TARGET);
        assertThat(failure.node()).isEqualTo(root.digest().toString());
        assertThat(failure.cause()).contains("without 1 of its platforms").contains("on-sparse-refused");
        world.rules.onSparseRefused = OnSparseRefused.TRIM;
        world.completes();
        assertThat(Manifest.parse(world.mirror.find(new Tag("v1")).orElseThrow())
                        .manifests())
                .hasSize(1);
    }

    // What a target says that it lacks

    @Test
    void manifestOfWhichATargetSaysOnceThatItLacksSomethingIsSentOnceMoreAlone() throws IOException {
        Descriptor image = world.tagged("v1");
        target.saysFirst("PUT", manifest(image.digest()), error(400, "MANIFEST_BLOB_UNKNOWN"));

        ReplicationReport report = world.completes();

        assertThat(target.requests("PUT", manifest(image.digest()))).hasSize(2);
        assertThat(report.tally().repaired()).as("all was there").isZero();
        world.isComplete("v1");
    }

    @Test
    void targetThatSaysSoTwiceIsSentTheBlobsAgainAndThenTheManifest() throws IOException {
        Descriptor image = world.tagged("v1");
        target.saysFirst(
                "PUT",
                manifest(image.digest()),
                error(400, "MANIFEST_BLOB_UNKNOWN"),
                error(404, "MANIFEST_BLOB_UNKNOWN"));

        ReplicationReport report = world.completes();

        assertThat(report.tally().blobsRepaired()).isEqualTo(3);
        assertThat(target.requests("PUT", commitOf(layerOf("v1")))).hasSize(2);
        world.isComplete("v1");
    }

    @Test
    void targetThatAlwaysSaysSoFailsThatTagAndNoOther() throws IOException {
        Descriptor image = world.tagged("v1");
        world.tagged("v2");
        target.says("PUT", manifest(image.digest()), error(400, "MANIFEST_BLOB_UNKNOWN"));

        ItemReport.Failure failure = world.failsToCopy("v1");

        assertThat(failure.fault()).isEqualTo("refused: 400 MANIFEST_BLOB_UNKNOWN");
        assertThat(failure.node()).isEqualTo(image.digest().toString());
        assertThat(target.requests("PUT", manifest(image.digest()))).hasSize(3);
        world.isComplete("v2");
        world.completesOnceNobodyIsOdd("v1");
    }

    @Test
    void blobThatHeadFindsAndThatIsNotThereIsSentWhenTheManifestIsRefused() throws IOException {
        Descriptor image = world.tagged("v1");
        Digest layer = layerOf("v1");
        world.targetHasAnother("other");
        target.says("HEAD", "/v2/mirror/app/blobs/" + layer, blob(world.app.blobs.get(layer)));

        ReplicationReport report = world.completes();

        assertThat(report.tally().blobsRepaired()).isPositive();
        assertThat(target.requests("PUT", manifest(image.digest())).size()).isGreaterThan(1);
        world.isComplete("v1");
    }

    private static ResponseDefinitionBuilder blob(byte[] bytes) {
        return aResponse().withBody(bytes).withHeader("Content-Length", Integer.toString(bytes.length));
    }

    @Test
    void blobThatHeadFindsAndThatIsRefusedWhenItIsSentFailsTheTag() throws IOException {
        world.tagged("v1");
        Digest layer = layerOf("v1");
        world.targetHasAnother("other");
        target.says("HEAD", "/v2/mirror/app/blobs/" + layer, blob(world.app.blobs.get(layer)));
        target.says("PUT", commitOf(layer), error(403, "DENIED"));

        ItemReport.Failure failure = world.failsToCopy("v1");

        assertThat(failure.side()).isEqualTo(Side.TARGET);
        assertThat(failure.node()).isEqualTo(layer.toString());
        assertThat(failure.fault()).isEqualTo("unauthorized: 403");
        world.completesOnceNobodyIsOdd("v1");
    }

    // Mounts

    private ReplicationReport copiesTwoRepositoriesThatShareALayer() throws IOException {
        world.tagged("v1");
        Shapes other = new Shapes(source.content().repository("other"));
        other.tag("v1", other.image("two"));
        world.rules.repositories = List.of(NamePattern.parse("app"), NamePattern.parse("other"));
        ReplicationReport report = world.completes();
        assertThat(target.content().repository("mirror/other").tags).containsKey(new Tag("v1"));
        assertThat(target.requests("POST", ".*mount=.*")).isNotEmpty();
        return report;
    }

    @Test
    void mountThatOpensASessionIsAPushAndLeavesNoSession() throws IOException {
        target.says(
                "POST", ".*mount=.*", status(202).withHeader("Location", "/v2/mirror/other/blobs/uploads/of-a-mount"));

        Tally tally = copiesTwoRepositoriesThatShareALayer().tally();

        assertThat(tally.blobsMounted()).isZero();
        assertThat(target.requests("DELETE", ".*/of-a-mount")).isNotEmpty();
        assertThat(target.uploadsOpen()).isZero();
    }

    @ParameterizedTest
    @CsvSource({
        "400, UNSUPPORTED",
        "401, UNAUTHORIZED",
        "403, DENIED",
        "404, BLOB_UNKNOWN",
        "405, UNSUPPORTED",
        "416, RANGE_INVALID"
    })
    void mountThatIsRefusedIsAPush(int status, String code) throws IOException {
        target.says("POST", ".*mount=.*", error(status, code));

        assertThat(copiesTwoRepositoriesThatShareALayer().tally().blobsMounted())
                .isZero();
    }

    // Tags

    @ParameterizedTest
    @CsvSource({"400, TAG_INVALID", "409, TAG_IMMUTABLE", "403, DENIED", "412, PRECONDITION_FAILED"})
    void tagThatTheTargetDoesNotMoveStaysWhereItWas(int status, String code) throws IOException {
        world.tagged("v1");
        world.completes();
        Digest before = world.mirror.tags.get(new Tag("v1"));
        Descriptor moved = world.shapes.image("moved");
        world.shapes.tag("v1", moved);
        target.says("PUT", manifest("v1"), error(status, code));

        ReplicationReport report = world.run();

        assertThat(report.outcome()).isEqualTo(ReplicationReport.Outcome.FAILED);
        assertThat(report.items()).singleElement().satisfies(item -> {
            assertThat(item.failure().orElseThrow().side()).isEqualTo(Side.TARGET);
            assertThat(item.failure().orElseThrow().node()).isEqualTo("v1");
        });
        assertThat(world.mirror.tags).containsEntry(new Tag("v1"), before);
        assertThat(target.requests("PUT", manifest("v1")))
                .as("asked once more, and once only")
                .hasSize(2);
        world.completesOnceNobodyIsOdd("v1");
    }
}
