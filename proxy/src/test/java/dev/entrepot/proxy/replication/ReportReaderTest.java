package dev.entrepot.proxy.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.RepositoryName;
import dev.entrepot.replicator.ItemReport;
import dev.entrepot.replicator.ItemReport.State;
import dev.entrepot.replicator.ReplicationReport;
import dev.entrepot.replicator.ReplicationReport.Outcome;
import dev.entrepot.replicator.ReplicationReport.TargetSummary;
import dev.entrepot.replicator.ReportWriter;
import dev.entrepot.replicator.Side;
import dev.entrepot.replicator.Tally;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class ReportReaderTest {
    private static final Instant TIME = Instant.parse("2026-11-21T12:00:00Z");

    private static ItemReport item(String tag, State state) {
        Optional<ItemReport.Failure> failure = state == State.FAILED
                ? Optional.of(new ItemReport.Failure(Side.TARGET, tag, "refused"))
                : Optional.empty();
        return new ItemReport(
                "eu.test",
                new RepositoryName("app"),
                new RepositoryName("app"),
                tag,
                Optional.empty(),
                state,
                "",
                failure,
                Tally.NONE);
    }

    private static ReplicationReport report(List<ItemReport> items, TargetSummary target) {
        return new ReplicationReport(
                1, "rule", "test", TIME, TIME, items, List.of(target), 0, Optional.empty(), List.of());
    }

    private static TargetSummary sums(long upToDate, long pruned, long failed) {
        return new TargetSummary("eu.test", Tally.NONE, 0, upToDate, 0, pruned, failed, 0);
    }

    @Test
    void reportThatIsReadBackEndedAsTheRunDid() throws Exception {
        ReplicationReport partly =
                report(List.of(item("v1", State.UP_TO_DATE), item("v2", State.FAILED)), sums(1, 0, 1));
        ReplicationReport failed = report(List.of(item("v2", State.FAILED)), sums(0, 0, 1));

        assertThat(partly.outcome()).isEqualTo(Outcome.PARTLY);
        assertThat(ReportReader.read(ReportWriter.toJson(partly)).outcome()).isEqualTo(Outcome.PARTLY);
        assertThat(failed.outcome()).isEqualTo(Outcome.FAILED);
        assertThat(ReportReader.read(ReportWriter.toJson(failed)).outcome()).isEqualTo(Outcome.FAILED);
    }

    @Test
    void whatWasDeletedMakesNoRunBetterOfWhichEveryTagFailed() {
        ReplicationReport report = report(List.of(item("v1", State.PRUNED), item("v2", State.FAILED)), sums(0, 1, 1));

        assertThat(report.outcome()).isEqualTo(Outcome.FAILED);
    }

    @Test
    void whatWasNotListedIsReadBack() throws Exception {
        ReplicationReport.Unlisted more = new ReplicationReport.Unlisted(
                "eu.test", State.FAILED, item("v2", State.FAILED).failure(), 97);
        ReplicationReport report = new ReplicationReport(
                1,
                "rule",
                "test",
                TIME,
                TIME,
                List.of(item("v2", State.FAILED)),
                List.of(sums(1, 0, 98)),
                0,
                Optional.empty(),
                List.of(),
                List.of(),
                OptionalLong.empty(),
                List.of(more));

        ReplicationReport read = ReportReader.read(ReportWriter.toJson(report));

        assertThat(read.unlisted()).containsExactly(more);
        assertThat(ReportWriter.toText(read))
                .contains("FAILED  eu.test: 98 tags (app:v2, ...)  at the target, v2: refused");
    }
}
