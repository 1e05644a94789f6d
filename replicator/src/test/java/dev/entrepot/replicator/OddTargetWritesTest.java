package dev.entrepot.replicator;

import static com.github.tomakehurst.wiremock.client.WireMock.aResponse;
import static com.github.tomakehurst.wiremock.client.WireMock.ok;
import static com.github.tomakehurst.wiremock.client.WireMock.status;
import static dev.entrepot.replicator.MemoryAnswers.SAYS_200;
import static dev.entrepot.replicator.OddRegistry.error;
import static org.assertj.core.api.Assertions.assertThat;

import com.github.tomakehurst.wiremock.client.ResponseDefinitionBuilder;
import com.github.tomakehurst.wiremock.http.Fault;
import dev.entrepot.config.NamePattern;
import dev.entrepot.config.ReplicationRuleConfig.OnConflict;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What whole runs make of a target that loses uploads, is out for a while, lets nobody write, or answers what is not
 * so.
 */
class OddTargetWritesTest extends BetweenOddRegistries {
    private static final String ANY_UPLOAD = "/v2/mirror/app/blobs/uploads/.*";
    private static final int PART_BYTES = 16 << 20;

    @Test
    void uploadOfWhichTheSessionIsLostBeginsAnew() throws IOException {
        world.tagged("v1");
        Digest layer = layerOf("v1");
        target.saysFirst("PUT", commitOf(layer), error(404, "BLOB_UPLOAD_UNKNOWN"));

        world.completes();

        assertThat(target.requests("PUT", commitOf(layer)))
                .hasSize(2)
                .satisfies(puts -> assertThat(puts.get(0).getUrl())
                        .isNotEqualTo(puts.get(1).getUrl()));
        world.isComplete("v1");
    }

    @Test
    void uploadInPartsOfWhichTheSessionIsLostInTheMiddleBeginsAnew() throws IOException {
        byte[] large = new byte[PART_BYTES + 1000];
        Descriptor layer = world.shapes.blob(Shapes.LAYER, DigestAlgorithm.SHA256, large);
        world.shapes.tag(
                "v1",
                world.shapes.manifest(
                        DigestAlgorithm.SHA256,
                        MediaType.OCI_MANIFEST,
                        world.shapes.blob(Shapes.CONFIG, "{}"),
                        List.of(layer),
                        Optional.empty(),
                        Optional.empty()));
        target.saysFirst("PATCH", ANY_UPLOAD, passed(), error(404, "BLOB_UPLOAD_UNKNOWN"));

        world.completes();

        assertThat(target.requests("PATCH", ANY_UPLOAD))
                .extracting(request -> request.getHeader("Content-Range"))
                .containsExactly(
                        "0-" + (PART_BYTES - 1),
                        PART_BYTES + "-" + (large.length - 1),
                        "0-" + (PART_BYTES - 1),
                        PART_BYTES + "-" + (large.length - 1));
        world.isComplete("v1");
    }

    private static ResponseDefinitionBuilder passed() {
        return aResponse().withTransformers(MemoryAnswers.NAME);
    }

    @ParameterizedTest
    @EnumSource(Fault.class)
    void connectionThatBreaksInThePutOfABlobOrOfAManifestIsSurvived(Fault fault) throws IOException {
        Descriptor image = world.tagged("v1");
        target.saysFirst("PUT", commitOf(layerOf("v1")), aResponse().withFault(fault));
        target.saysFirst("PUT", manifest(image.digest()), aResponse().withFault(fault));
        target.saysFirst("PUT", manifest("v1"), aResponse().withFault(fault));

        world.completes();

        assertThat(target.requests("PUT", manifest(image.digest()))).hasSize(2);
        assertThat(target.requests("PUT", manifest("v1"))).hasSize(2);
        world.isComplete("v1");
    }

    @Test
    void blobThatIsTooLargeForTheTargetFailsItsTagAloneAndIsNotSentAgain() throws IOException {
        world.tagged("v1");
        world.tagged("v2");
        Digest layer = layerOf("v1");
        target.says("PUT", commitOf(layer), status(413).withBody("<html>413 Request Entity Too Large</html>"));

        ItemReport.Failure failure = world.failsToCopy("v1");

        assertThat(failure.fault()).isEqualTo("refused: 413");
        assertThat(failure.node()).isEqualTo(layer.toString());
        assertThat(target.requests("PUT", commitOf(layer))).hasSize(1);
        assertThat(target.uploadsOpen()).as("sessions left behind").isZero();
        world.isComplete("v2");
        world.completesOnceNobodyIsOdd("v1");
    }

    @Test
    void manifestThatIsTooLargeForTheTargetFailsItsTag() throws IOException {
        Descriptor image = world.tagged("v1");
        target.says("PUT", manifest(image.digest()), error(413, "SIZE_INVALID"));

        assertThat(world.failsToCopy("v1").fault()).isEqualTo("refused: 413 SIZE_INVALID");

        assertThat(target.requests("PUT", manifest(image.digest()))).hasSize(1);
        world.completesOnceNobodyIsOdd("v1");
    }

    // Outages

    @ParameterizedTest
    @CsvSource({
        "GET, /v2/mirror/app/tags/list.*",
        "POST, /v2/mirror/app/blobs/uploads/",
        "PUT, /v2/mirror/app/blobs/uploads/.*",
        "PUT, /v2/mirror/app/manifests/sha256:.*",
        "PUT, /v2/mirror/app/manifests/v1",
        "HEAD, /v2/mirror/app/blobs/.*",
        "HEAD, /v2/mirror/app/manifests/sha256:.*",
        "GET, /v2/mirror/app/referrers/.*"
    })
    void targetThatSaysWhenToComeAgainIsNotAskedBefore(String method, String path) throws IOException {
        world.tagged("v1");
        target.saysFirst(
                method,
                path,
                error(429, "TOOMANYREQUESTS").withHeader("Retry-After", "37"),
                error(503, "UNAVAILABLE").withHeader("Retry-After", "31"));

        world.completes();

        assertThat(world.waits().getFirst()).isBetween(Duration.ofSeconds(37), Duration.ofSeconds(47));
        assertThat(target.requests(method, path).size()).isGreaterThan(2);
        world.isComplete("v1");
    }

    @ParameterizedTest
    @ValueSource(ints = {500, 502, 503, 504, 408})
    void outageThatPassesIsNoFailure(int status) throws IOException {
        Descriptor image = world.tagged("v1");
        target.saysFirst("PUT", commitOf(layerOf("v1")), status(status));
        target.saysFirst("PUT", manifest(image.digest()), status(status), status(status));
        target.saysFirst("HEAD", manifest(image.digest()), status(status));
        target.saysFirst("PUT", manifest("v1"), status(status));

        world.completes();

        world.isComplete("v1");
    }

    @Test
    void outageThatDoesNotPassFailsTheTagWithItsCauseAndNothingIsHalfThere() throws IOException {
        Descriptor image = world.tagged("v1");
        target.says("PUT", manifest(image.digest()), status(500));

        ItemReport.Failure failure = world.failsToCopy("v1");

        assertThat(failure.fault()).isEqualTo("outage: server-error");
        assertThat(failure.node()).isEqualTo(image.digest().toString());
        world.completesOnceNobodyIsOdd("v1");
    }

    // Rights

    @ParameterizedTest
    @ValueSource(ints = {401, 403})
    void repositoryThatMayNotBeWrittenFailsAndTheOthersArrive(int status) throws IOException {
        world.tagged("v1");
        Shapes other = new Shapes(source.content().repository("other"));
        other.tag("v2", other.image("two"));
        world.rules.repositories = List.of(NamePattern.parse("app"), NamePattern.parse("other"));
        target.says(
                "POST", "/v2/mirror/other/blobs/uploads/.*", error(status, status == 401 ? "UNAUTHORIZED" : "DENIED"));

        ItemReport.Failure failure = world.failsToCopy("v2");

        assertThat(failure.side()).isEqualTo(Side.TARGET);
        assertThat(failure.fault()).isEqualTo("unauthorized: " + status);
        assertThat(failure.cause()).contains("mirror/other");
        assertThat(target.content().repository("mirror/other").tags).isEmpty();
        world.isComplete("v1");
        world.completesOnceNobodyIsOdd("v1");
        assertThat(target.content().repository("mirror/other").tags).containsKey(new Tag("v2"));
    }

    // What is not so

    @Test
    void manifestThatIsCommittedUnderAnotherDigestFailsTheTag() throws IOException {
        Descriptor image = world.tagged("v1");
        Digest other = Digest.sha256(new byte[1]);
        target.says("PUT", manifest(image.digest()), status(201).withHeader("Docker-Content-Digest", other.toString()));

        ItemReport.Failure failure = world.failsToCopy("v1");

        assertThat(failure.side()).isEqualTo(Side.TARGET);
        assertThat(failure.cause())
                .contains(other.toString())
                .contains(image.digest().toString());
        world.completesOnceNobodyIsOdd("v1");
    }

    @Test
    void blobThatIsCommittedUnderAnotherDigestFailsTheTag() throws IOException {
        world.tagged("v1");
        Digest other = Digest.sha256(new byte[1]);
        target.says("PUT", commitOf(layerOf("v1")), status(201).withHeader("Docker-Content-Digest", other.toString()));

        ItemReport.Failure failure = world.failsToCopy("v1");

        assertThat(failure.node()).isEqualTo(layerOf("v1").toString());
        assertThat(failure.cause()).contains(other.toString());
        world.completesOnceNobodyIsOdd("v1");
    }

    @Test
    void manifestThatIsTakenAndNotThereIsSentOnceMore() throws IOException {
        Descriptor image = world.tagged("v1");
        target.saysFirst("PUT", manifest(image.digest()), status(201));

        ReplicationReport report = world.completes();

        assertThat(report.tally().manifestsRepaired()).isEqualTo(1);
        world.isComplete("v1");
    }

    @Test
    void pageForPeopleInPlaceOfAnAnswerIsNotBelieved() throws IOException {
        world.tagged("v1");
        target.says(
                "PUT",
                manifest("v1"),
                status(200).withHeader("Content-Type", "text/html").withBody("<html>Please log in"));

        ItemReport.Failure failure = world.failsToCopy("v1");

        assertThat(failure.fault()).isEqualTo("outage: server-error");
        world.completesOnceNobodyIsOdd("v1");
    }

    @Test
    void targetThatTakesManifestsWithAnEmptyAnswerOfTypeHtmlAndTheRightDigestIsBelieved() throws IOException {
        Descriptor image = world.tagged("v1");
        target.says("PUT", "/v2/mirror/app/manifests/.*", passed().withTransformerParameter(SAYS_200, "text/html"));

        world.completes();

        assertThat(target.requests("PUT", manifest(image.digest()))).hasSize(1);
        assertThat(target.requests("PUT", manifest("v1"))).hasSize(1);
        world.isComplete("v1");
    }

    @Test
    void emptyAnswerOfTypeHtmlWithoutADigestIsNotBelieved() throws IOException {
        world.tagged("v1");
        target.says("PUT", manifest("v1"), status(200).withHeader("Content-Type", "text/html"));

        ItemReport.Failure failure = world.failsToCopy("v1");

        assertThat(failure.fault()).isEqualTo("outage: server-error");
        assertThat(failure.cause()).contains("writing the tag v1, which may be written all the same, at ");
        world.completesOnceNobodyIsOdd("v1");
    }

    /** What may be said of a tag that was not written, though nothing is wrong with the answer. */
    enum Unconfirmed {
        EMPTY(status(200)),
        JSON(ok("{}").withHeader("Content-Type", "application/json")),
        CREATED_WITHOUT_A_DIGEST(status(201)),
        CREATED_WITH_A_DIGEST_OF_NOBODY(status(201).withHeader("Docker-Content-Digest", "none"));

        private final ResponseDefinitionBuilder answer;

        Unconfirmed(ResponseDefinitionBuilder answer) {
            this.answer = answer;
        }
    }

    @ParameterizedTest
    @EnumSource(Unconfirmed.class)
    void tagThatIsTakenWithoutSayingWhatForIsAskedForAndFailsWhereItIsNot(Unconfirmed unconfirmed) throws IOException {
        world.tagged("v1");
        target.says("PUT", manifest("v1"), unconfirmed.answer);

        ItemReport.Failure failure = world.failsToCopy("v1");

        assertThat(failure.side()).isEqualTo(Side.TARGET);
        assertThat(failure.cause()).contains("for the tag v1, which names nothing there");
        world.completesOnceNobodyIsOdd("v1");
    }

    @Test
    void tagThatIsTakenAs201WithItsDigestCostsNoRequestMore() throws IOException {
        world.tagged("v1");

        world.completes();

        assertThat(target.requests("HEAD", manifest("v1")))
                .as("before it was written")
                .hasSizeLessThan(2);
        world.isComplete("v1");
    }

    @Test
    void immutableTagIsAskedForWhateverWasAnsweredBecauseNoLaterRunAsks() throws IOException {
        Descriptor image = world.tagged("v1");
        world.rules.immutable = List.of(NamePattern.parse("v*"));
        target.says("PUT", manifest("v1"), created(image.digest()));

        assertThat(world.failsToCopy("v1").cause()).contains("for the tag v1, which names nothing there");

        world.completesOnceNobodyIsOdd("v1");
    }

    private static ResponseDefinitionBuilder created(Digest digest) {
        return status(201).withHeader("Docker-Content-Digest", digest.toString());
    }

    @Test
    void tagIsNotMovedAsLongAsItsBackupIsNotThere() throws IOException {
        Shapes there = new Shapes(world.mirror);
        there.tag("v1", there.image("old"));
        Digest old = world.mirror.tags.get(new Tag("v1"));
        world.tagged("v1");
        world.rules.onConflict = OnConflict.BACKUP;
        Tag backup = ImagePlan.Backup.name(new Tag("v1"), old);
        target.says("PUT", manifest(backup), created(old));

        ReplicationReport report = world.run();

        assertThat(report.outcome()).isEqualTo(ReplicationReport.Outcome.FAILED);
        assertThat(ReportWriter.toText(report)).contains("for the tag " + backup + ", which names nothing there");
        assertThat(world.mirror.tags).containsEntry(new Tag("v1"), old).doesNotContainKey(backup);
        world.completesOnceNobodyIsOdd("v1");
        assertThat(world.mirror.tags).containsEntry(backup, old);
    }

    @Test
    void manifestThatIsTakenAndNeverFoundFailsTheTag() throws IOException {
        Descriptor image = world.tagged("v1");
        target.says("PUT", manifest(image.digest()), status(201));

        assertThat(world.failsToCopy("v1").cause())
                .contains("accepted the manifest")
                .contains("does not have it");

        world.completesOnceNobodyIsOdd("v1");
    }

    @Test
    void blobThatIsTakenAndNotThereIsSentOnceMore() throws IOException {
        world.tagged("v1");
        Digest layer = layerOf("v1");
        target.saysFirst("PUT", commitOf(layer), status(201));

        ReplicationReport report = world.completes();

        assertThat(report.tally().blobsRepaired()).isEqualTo(1);
        world.isComplete("v1");
    }

    @Test
    void blobThatIsAlwaysTakenAndNeverThereFailsTheTag() throws IOException {
        world.tagged("v1");
        target.says("PUT", commitOf(layerOf("v1")), status(201));

        assertThat(world.failsToCopy("v1").cause())
                .contains("accepted the blob")
                .contains("twice");

        world.completesOnceNobodyIsOdd("v1");
    }
}
