package dev.entrepot.replicator.bundle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.ItemReport;
import dev.entrepot.replicator.ReplicationReport;
import dev.entrepot.replicator.ReplicationRunner.Brought;
import dev.entrepot.replicator.ReplicationRunner.Wanted;
import dev.entrepot.replicator.Side;
import dev.entrepot.replicator.Tally;
import dev.entrepot.replicator.bundle.ImportReport.Waiting;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

class ImportReportWriterTest {
    private static final Repository APP = Repository.parse("registry.test/team/app");
    private static final Digest ANY = Digest.sha256(new byte[0]);

    private static ImportReport waiting(int images) {
        ReplicationReport copied = new ReplicationReport(
                1,
                "import",
                "import",
                Instant.EPOCH,
                Instant.EPOCH,
                List.of(),
                List.of(),
                0,
                Optional.empty(),
                List.of());
        List<Waiting> waiting = IntStream.rangeClosed(1, images)
                .mapToObj(number -> new Waiting(
                        new BundledImage(APP, APP.name(), new Tag("v" + number), ANY), new TreeSet<>(List.of(number))))
                .toList();
        return new ImportReport(ANY, copied, waiting, Optional.empty());
    }

    @Test
    void whatIsKeptOfManyImagesThatWaitDoesNotGrowWithThem() {
        JsonNode kept = OciJson.mapper().readTree(ImportReportWriter.toKeptJson(waiting(1000)));

        assertThat(kept.path("outcome").asString()).isEqualTo("partly");
        assertThat(kept.path("waiting")).hasSize(ImportReportWriter.LISTED_KEPT);
        assertThat(kept.path("waitingNotListed").asInt()).isEqualTo(900);
        assertThat(kept.path("needed")).hasSize(1000);
        assertThat(kept.path(ImportReportWriter.TEXT).asString().lines())
                .hasSize(1 + ImportReportWriter.LISTED_KEPT + 2)
                .contains("  waits   900 more, which the journal did not keep")
                .last()
                .asString()
                .startsWith("not complete: give volumes 1,2,3,");
    }

    @Test
    void fewAreKeptAsTheyAreSaid() {
        ImportReport report = waiting(3);
        JsonNode kept = OciJson.mapper().readTree(ImportReportWriter.toKeptJson(report));

        assertThat(kept.path(ImportReportWriter.TEXT).asString()).isEqualTo(ImportReportWriter.toText(report));
        assertThat(kept.has("waitingNotListed")).isFalse();
    }

    @Test
    void whatFailedAheadOfItsImageIsSaidToProgramsAndKeptInPart() {
        String cause = "the disk is full".repeat(1000);
        Map<Wanted, ItemReport.Failure> failures = new HashMap<>();
        for (int blob = 0; blob < 1000; blob++) {
            Digest digest = Digest.sha256(new byte[] {(byte) blob, (byte) (blob >> 8)});
            Wanted wanted = new Wanted(APP.name(), Descriptor.of(MediaType.OCTET_STREAM, digest, 2), false);
            failures.put(wanted, new ItemReport.Failure(Side.TARGET, digest.toString(), cause, ""));
        }
        ImportReport report = new ImportReport(
                ANY,
                waiting(1).copied(),
                waiting(1).waiting(),
                Optional.of(new Brought("eu", Tally.NONE, Set.of(), failures)));

        JsonNode said =
                OciJson.mapper().readTree(ImportReportWriter.toJson(report)).path("early");
        JsonNode kept = OciJson.mapper().readTree(ImportReportWriter.toKeptJson(report));

        assertThat(said.path("failures")).hasSize(1000);
        assertThat(said.path("failures").path(0).path("failure").path("cause").asString())
                .isEqualTo(cause);
        assertThat(kept.path("early").path("failed").asInt()).isEqualTo(1000);
        assertThat(kept.path("early").path("failures")).hasSize(ImportReportWriter.LISTED_KEPT);
        String first = cause.substring(0, 500) + "...";
        assertThat(kept.path("early").path("failures"))
                .allMatch(failure ->
                        failure.path("failure").path("cause").asString().equals(first));
        assertThat(kept.path(ImportReportWriter.TEXT).asString())
                .contains("  FAILED  team/app  " + first + "\n")
                .doesNotContain(cause);
        assertThat(kept.path(ImportReportWriter.TEXT).asString().lines())
                .hasSizeLessThan(ImportReportWriter.LISTED_KEPT + 10)
                .contains("  FAILED  900 more, which the journal did not keep");
    }
}
