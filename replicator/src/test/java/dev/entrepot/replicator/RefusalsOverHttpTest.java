package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.NamePattern;
import dev.entrepot.config.Percent;
import dev.entrepot.config.PruneConfig;
import dev.entrepot.config.ReplicationRuleConfig.OnSparseRefused;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.Platform;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.testing.Abilities;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Faults;
import dev.entrepot.oci.testing.Feature;
import dev.entrepot.oci.testing.Request;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.Response;
import dev.entrepot.oci.testing.TestRegistry;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Refusals as registries put them into HTTP, through the registry's client: status, error code and what is not said.
 */
class RefusalsOverHttpTest {
    private static final String MIRROR = "mirror/app";

    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", MemoryRegistry.Abilities.ALL);
    private final MemoryRepository app = source.repository("app");
    private final Shapes shapes = new Shapes(app);
    private final TestRegistry target = TestRegistry.started();
    private final HttpRegistries http = new HttpRegistries();
    private final Rules rules = new Rules(source);
    private Engine engine;

    @BeforeEach
    void open() throws IOException {
        engine = new Engine(folder);
        rules.to(http.target(target.uri()));
    }

    @AfterEach
    void close() throws IOException {
        engine.close();
        http.close();
        target.close();
    }

    private ReplicationReport run() throws IOException {
        return engine.run(rules);
    }

    private static Predicate<Request> put(String reference) {
        return Requests.method("PUT").and(request -> request.path().endsWith("/manifests/" + reference));
    }

    private static Predicate<Request> deleteOfATag() {
        return Requests.method("DELETE").and(Requests.path("/manifests/sha256:").negate());
    }

    // Mounts

    private ReplicationReport copyTwoRepositoriesWithASharedLayer() throws IOException {
        shapes.tag("v1", shapes.image("one"));
        Shapes other = new Shapes(source.repository("other"));
        other.tag("v1", other.image("two"));
        rules.repositories = List.of(NamePattern.parse("*"));
        ReplicationReport report = run();
        assertThat(report.outcome()).as(ReportWriter.toText(report)).isEqualTo(ReplicationReport.Outcome.COMPLETE);
        assertThat(target.tags("mirror/other")).containsExactly(new Tag("v1"));
        return report;
    }

    @Test
    void mountIsLinked() throws IOException {
        assertThat(copyTwoRepositoriesWithASharedLayer().tally().blobsMounted()).isEqualTo(1);
    }

    @Test
    void mountThatOpensASessionInsteadIsAPush() throws IOException {
        target.able(Abilities.DEFAULT.without(Feature.MOUNT));

        Tally tally = copyTwoRepositoriesWithASharedLayer().tally();

        assertThat(tally.blobsMounted()).isZero();
        assertThat(tally.blobsPushed()).isEqualTo(6);
        assertThat(target.uploadsOpen()).as("sessions left behind").isZero();
    }

    @ParameterizedTest
    @CsvSource({"400, UNSUPPORTED", "403, DENIED", "404, BLOB_UNKNOWN", "405, UNSUPPORTED"})
    void mountThatIsRefusedIsAPush(int status, String code) throws IOException {
        target.faults()
                .always(
                        Requests.method("POST").and(request -> request.target().contains("mount=")),
                        Fault.error(status, code));

        Tally tally = copyTwoRepositoriesWithASharedLayer().tally();

        assertThat(tally.blobsMounted()).isZero();
        assertThat(tally.blobsPushed()).isEqualTo(6);
    }

    private static byte[] largeLayer() {
        byte[] bytes = new byte[1 << 20];
        new Random(3).nextBytes(bytes);
        return bytes;
    }

    private static Descriptor largeImage(Shapes shapes, String seed) {
        return shapes.manifest(
                DigestAlgorithm.SHA256,
                MediaType.OCI_MANIFEST,
                shapes.blob(Shapes.CONFIG, "{\"seed\":\"" + seed + "\"}"),
                List.of(shapes.blob(Shapes.LAYER, DigestAlgorithm.SHA256, largeLayer())),
                Optional.empty(),
                Optional.empty());
    }

    private Tally copyTwoRepositoriesWithALargeSharedLayer() throws IOException {
        target.able(Abilities.DEFAULT.without(Feature.MOUNT));
        shapes.tag("v1", largeImage(shapes, "one"));
        Shapes other = new Shapes(source.repository("other"));
        other.tag("v1", largeImage(other, "two"));
        rules.repositories = List.of(NamePattern.parse("*"));
        ReplicationReport report = run();
        assertThat(report.outcome()).as(ReportWriter.toText(report)).isEqualTo(ReplicationReport.Outcome.COMPLETE);
        return report.tally();
    }

    @Test
    void largeBlobThatIsNotMountedIsNotSentWhereTheTargetShowsItInAllRepositories() throws IOException {
        Digest layer = Digest.sha256(largeLayer());
        target.faults().always(Requests.head().and(Requests.blob(layer)), Fault.first(() -> {
            List<String> both = List.of(MIRROR, "mirror/other");
            if (both.stream().anyMatch(name -> target.blobs(name).contains(layer))) {
                both.forEach(name -> target.pushBlob(name, largeLayer()));
            }
        }));

        Tally tally = copyTwoRepositoriesWithALargeSharedLayer();

        assertThat(tally.blobsMounted()).isEqualTo(1);
        assertThat(tally.blobsPushed()).isEqualTo(3);
    }

    @Test
    void largeBlobThatIsNotMountedAndNotThereIsSent() throws IOException {
        Tally tally = copyTwoRepositoriesWithALargeSharedLayer();

        assertThat(tally.blobsMounted()).isZero();
        assertThat(tally.blobsPushed()).isEqualTo(4);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void bytesAreThoseOfThePlanWhetherSmallBlobsGoInOneRequestOrNot(boolean single) throws IOException {
        target.able(single ? Abilities.DEFAULT.with(Feature.SINGLE_POST) : Abilities.DEFAULT);
        shapes.tag("v1", largeImage(shapes, "one"));
        ReplicationPlan plan = engine.runner.plan(rules.rule());

        ReplicationReport report = run();

        assertThat(report.outcome()).as(ReportWriter.toText(report)).isEqualTo(ReplicationReport.Outcome.COMPLETE);
        assertThat(report.tally().bytes()).isEqualTo(plan.targets().getFirst().bytes());
        assertThat(target.requests(request -> request.method().equals("POST")
                        && request.query("digest").isPresent()))
                .hasSize(1);
    }

    // Sparse indexes

    private Descriptor indexOfTwoPlatforms() {
        Descriptor root = shapes.index(
                List.of(on(shapes.image("amd64"), "linux/amd64"), on(shapes.image("arm64"), "linux/arm64")));
        shapes.tag("v1", root);
        rules.platforms = List.of(Platform.parse("linux/arm64"));
        return root;
    }

    private static Descriptor on(Descriptor descriptor, String platform) {
        return new Descriptor(
                descriptor.mediaType(),
                descriptor.digest(),
                descriptor.sizeBytes(),
                Optional.empty(),
                Optional.of(Platform.parse(platform)),
                Map.of(),
                List.of(),
                Optional.empty());
    }

    @Test
    void sparseIndexThatIsRefusedIsAClearFailureOfTheTarget() throws IOException {
        indexOfTwoPlatforms();

        assertThat(run().items()).singleElement().satisfies(item -> {
            assertThat(item.failure().orElseThrow().side()).isEqualTo(Side.TARGET);
            assertThat(item.failure().orElseThrow().cause())
                    .contains("without 1 of its platforms")
                    .contains("on-sparse-refused");
        });
        assertThat(target.tags(MIRROR)).isEmpty();
    }

    @Test
    void sparseIndexThatIsRefusedIsTrimmedWhereTheRuleSaysSo() throws IOException {
        Descriptor root = indexOfTwoPlatforms();
        rules.onSparseRefused = OnSparseRefused.TRIM;

        assertThat(run().outcome()).isEqualTo(ReplicationReport.Outcome.COMPLETE);

        byte[] there = target.manifest(MIRROR, new Tag("v1")).orElseThrow();
        assertThat(Manifest.parse(ManifestBytes.of(MediaType.OCI_INDEX, there)).manifests())
                .hasSize(1);
        assertThat(target.resolve(MIRROR, "v1").orElseThrow()).isNotEqualTo(root.digest());
    }

    @Test
    void sparseIndexThatIsTakenKeepsItsDigest() throws IOException {
        target.able(Abilities.DEFAULT.with(Feature.SPARSE_INDEXES));
        Descriptor root = indexOfTwoPlatforms();

        assertThat(run().outcome()).isEqualTo(ReplicationReport.Outcome.COMPLETE);

        assertThat(target.resolve(MIRROR, "v1")).contains(root.digest());
    }

    // What a target says that it lacks

    @ParameterizedTest
    @CsvSource({"400, MANIFEST_BLOB_UNKNOWN", "404, MANIFEST_BLOB_UNKNOWN", "404, BLOB_UNKNOWN", "400, MANIFEST_UNKNOWN"
    })
    void whatATargetSaysThatItLacksIsSentAgainOnce(int status, String code) throws IOException {
        Descriptor image = shapes.image("amd64");
        shapes.tag("v1", image);
        Faults.Order twice = target.faults().times(2, put(image.digest().toString()), Fault.error(status, code));

        ReplicationReport report = run();

        assertThat(report.outcome()).as(ReportWriter.toText(report)).isEqualTo(ReplicationReport.Outcome.COMPLETE);
        assertThat(twice.hits()).isEqualTo(2);
        assertThat(report.tally().blobsRepaired()).isEqualTo(3);
        assertThat(target.resolve(MIRROR, "v1")).contains(image.digest());
    }

    @Test
    void targetThatGoesOnSayingSoFailsTheTagWithTheNode() throws IOException {
        Descriptor image = shapes.image("amd64");
        shapes.tag("v1", image);
        target.faults().always(put(image.digest().toString()), Fault.error(400, "MANIFEST_BLOB_UNKNOWN"));

        assertThat(run().items()).singleElement().satisfies(item -> {
            ItemReport.Failure failure = item.failure().orElseThrow();
            assertThat(failure.node()).isEqualTo(image.digest().toString());
            assertThat(failure.fault()).isEqualTo("refused: 400 MANIFEST_BLOB_UNKNOWN");
        });
        assertThat(target.tags(MIRROR)).isEmpty();
    }

    @Test
    void manifestThatIsRefusedForAnotherReasonIsNotSentAgain() throws IOException {
        Descriptor image = shapes.image("amd64");
        shapes.tag("v1", image);
        target.faults().always(put(image.digest().toString()), Fault.error(400, "MANIFEST_INVALID"));

        ReplicationReport report = run();

        assertThat(report.items().getFirst().failure().orElseThrow().fault())
                .isEqualTo("refused: 400 MANIFEST_INVALID");
        assertThat(report.tally().blobsRepaired()).isZero();
        assertThat(target.requests(put(image.digest().toString()))).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {400, 403, 409, 412})
    void tagThatTheTargetDoesNotMoveFails(int status) throws IOException {
        Descriptor image = shapes.image("amd64");
        shapes.tag("v1", image);
        target.faults().always(put("v1"), Fault.error(status, "DENIED"));

        ReplicationReport report = run();

        assertThat(report.outcome()).isEqualTo(ReplicationReport.Outcome.FAILED);
        assertThat(report.items().getFirst().failure().orElseThrow().side()).isEqualTo(Side.TARGET);
        assertThat(target.manifests(MIRROR)).as("all but the tag").contains(image.digest());
    }

    // Deletes

    private Descriptor pruneTheFirstOfTwo() throws IOException {
        Descriptor gone = shapes.image("gone");
        shapes.referrer(gone, "x/sig", "signature");
        shapes.tag(Shapes.stem(gone) + ".sig", shapes.image("cosign"));
        shapes.tag("v1", gone);
        shapes.tag("v2", shapes.image("stays"));
        rules.prune = new PruneConfig(true, Duration.ZERO, new Percent(100));
        assertThat(run().outcome()).isEqualTo(ReplicationReport.Outcome.COMPLETE);
        app.tags.remove(new Tag("v1"));
        return gone;
    }

    @Test
    void tagThatIsGoneAtTheSourceIsDeletedWithAllThatIsUnderIt() throws IOException {
        pruneTheFirstOfTwo();

        assertThat(run().targets().getFirst().pruned()).isEqualTo(1);

        assertThat(target.tags(MIRROR)).containsExactly(new Tag("v2"));
        assertThat(target.manifests(MIRROR)).hasSize(1);
    }

    // 400 is docker-registry's answer; 404 that of one that takes the tag for a digest which it does not have.
    @ParameterizedTest
    @CsvSource({"400, DIGEST_INVALID", "405, UNSUPPORTED", "404, MANIFEST_UNKNOWN"})
    void whereTagsAreNotDeletedTheirManifestsAreAndNothingStays(int status, String code) throws IOException {
        target.able(Abilities.WITHOUT_REFERRERS);
        pruneTheFirstOfTwo();
        target.faults().always(deleteOfATag(), Fault.error(status, code));

        ReplicationReport report = run();

        assertThat(report.outcome()).as(ReportWriter.toText(report)).isEqualTo(ReplicationReport.Outcome.COMPLETE);
        assertThat(report.targets().getFirst().pruned()).isEqualTo(1);
        assertThat(target.tags(MIRROR)).containsExactly(new Tag("v2"));
        assertThat(target.manifests(MIRROR)).hasSize(1);
    }

    @Test
    void whereNothingIsDeletedTheRunFailsWithARemedy() throws IOException {
        pruneTheFirstOfTwo();
        target.able(Abilities.DEFAULT.without(Feature.DELETE));

        ReplicationReport report = run();

        assertThat(report.outcome()).isEqualTo(ReplicationReport.Outcome.PARTLY);
        assertThat(ReportWriter.toText(report)).contains("REGISTRY_STORAGE_DELETE_ENABLED");
        assertThat(target.tags(MIRROR)).contains(new Tag("v1"), new Tag("v2"));
    }

    @Test
    void rightToDeleteThatIsMissingIsAFailure() throws IOException {
        pruneTheFirstOfTwo();
        target.faults().always(Requests.method("DELETE"), Fault.instead(Response.error(403, "DENIED")));

        ReplicationReport report = run();

        assertThat(report.outcome()).isEqualTo(ReplicationReport.Outcome.PARTLY);
        assertThat(target.tags(MIRROR)).contains(new Tag("v1"));
    }
}
