package dev.entrepot.proxy.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.LimitsConfig;
import dev.entrepot.config.NamePattern;
import dev.entrepot.config.PruneConfig;
import dev.entrepot.config.ReferrersConfig;
import dev.entrepot.config.ReplicationRuleConfig.OnConflict;
import dev.entrepot.config.ReplicationRuleConfig.OnSparseRefused;
import dev.entrepot.config.ReplicationRuleConfig.Verify;
import dev.entrepot.config.TagSelectionConfig;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.RegistryClient;
import dev.entrepot.oci.client.RegistryEndpoint;
import dev.entrepot.proxy.admin.Metrics;
import dev.entrepot.replicator.ItemReport;
import dev.entrepot.replicator.ReplicationReport;
import dev.entrepot.replicator.ReplicationReport.TargetSummary;
import dev.entrepot.replicator.ReplicationRule;
import dev.entrepot.replicator.ReportWriter;
import dev.entrepot.replicator.Side;
import dev.entrepot.replicator.Tally;
import dev.entrepot.replicator.journal.CopyJournal;
import dev.entrepot.replicator.journal.RunRecord;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReplicationMetricsTest {
    private static final Instant TIME = Instant.parse("2026-11-21T12:00:00Z");
    private static final String LABELS = "{rule=\"to-regions\",target=\"eu.test\"} ";

    private RegistryClient client;
    private Metrics metrics;
    private ReplicationMetrics replication;

    @BeforeEach
    void open() throws Exception {
        client = new RegistryClient(
                RegistryEndpoint.of(new RegistryHost("eu.test"), URI.create("https://eu.test")),
                ClientEnvironment.system("test"));
        metrics = new Metrics();
        replication = new ReplicationMetrics(metrics, List.of(rule()), InstantSource.fixed(TIME.plusSeconds(60)));
    }

    @AfterEach
    void close() {
        client.close();
    }

    private ReplicationRule rule() {
        return new ReplicationRule(
                "to-regions",
                new RegistrySource(client, Optional.empty()),
                List.of(NamePattern.parse("*")),
                TagSelectionConfig.ALL,
                Stream.of("eu.test", "us.test")
                        .map(target ->
                                new ReplicationRule.Placement(new RegistryTarget(target, client), name -> name, 1))
                        .toList(),
                List.of(),
                OnSparseRefused.FAIL,
                ReferrersConfig.ALL,
                OnConflict.OVERWRITE,
                List.of(),
                PruneConfig.OFF,
                LimitsConfig.NONE,
                Verify.HEAD);
    }

    private static ReplicationReport report(List<TargetSummary> targets, Optional<ItemReport.Failure> failure) {
        return new ReplicationReport(1, "to-regions", "test", TIME, TIME, List.of(), targets, 0, failure, List.of());
    }

    private static TargetSummary tags(int copied, int upToDate, int failed) {
        return new TargetSummary("eu.test", Tally.NONE, copied, upToDate, 0, 3, failed, 0);
    }

    private static TargetSummary at(String target, int upToDate, int failed) {
        return new TargetSummary(target, Tally.NONE, 0, upToDate, 0, 0, failed, 0);
    }

    /** A round of run 1 that began at a second of the test's minute and ended at another. */
    private static ReplicationReport round(
            long number, long began, long ended, Optional<ItemReport.Failure> failure, TargetSummary... targets) {
        List<String> served = Stream.of(targets).map(TargetSummary::target).toList();
        return new ReplicationReport(
                number,
                "to-regions",
                "test",
                TIME.plusSeconds(began),
                TIME.plusSeconds(ended),
                List.of(),
                List.of(targets),
                0,
                failure,
                List.of(),
                Stream.of("eu.test", "us.test")
                        .filter(target -> !served.contains(target) && (number > 1))
                        .toList(),
                number == 1 ? OptionalLong.empty() : OptionalLong.of(1));
    }

    private static ReplicationReport failed() {
        return report(
                List.of(), Optional.of(new ItemReport.Failure(Side.SOURCE, "source.test", "the catalog: no answer")));
    }

    private void shows(String lagDigests, String ratio) {
        assertThat(metrics.render())
                .contains("entrepot_replication_lag_digests" + LABELS + lagDigests + "\n")
                .contains("entrepot_replication_complete_ratio" + LABELS + ratio + "\n");
    }

    @Test
    void runThatBringsNothingAsAWholeLagsByAllItsTags() {
        replication.ended(report(List.of(tags(1, 7, 2)), Optional.empty()));
        shows("2", "0.8");

        replication.ended(failed());
        shows("10", "0");

        replication.ended(report(List.of(tags(0, 10, 0)), Optional.empty()));
        shows("0", "1");
    }

    @Test
    void firstRunThatFailsAsAWholeShowsThatSomethingIsMissing() {
        replication.ended(failed());

        shows("1", "0");
        assertThat(metrics.render()).doesNotContain("entrepot_replication_lag_seconds{");
    }

    @Test
    void whatTheJournalRemembersGivesTheSameShares() {
        ReplicationReport before = report(List.of(tags(1, 7, 2)), Optional.empty());
        replication.recall(List.of(new RunRecord(
                1,
                "to-regions",
                "test",
                TIME,
                Optional.of(TIME),
                before.outcome().toString(),
                Optional.of(ReportWriter.toJson(before)),
                OptionalLong.empty())));

        shows("2", "0.8");
    }

    /** What a server that starts reads of a journal with these runs, each of a rule of that name. */
    private void recalledAfter(Path folder, List<ReplicationReport> reports) throws IOException {
        try (CopyJournal journal = CopyJournal.open(folder, InstantSource.fixed(TIME))) {
            for (ReplicationReport report : reports) {
                long run = journal.runs().start(report.rule(), report.trigger());
                assertThat(run).isEqualTo(report.run());
                journal.runs().finish(run, report.outcome().toString(), ReportWriter.toJson(report));
            }
            replication.recall(journal.runs().telling("to-regions", 10));
        }
    }

    @Test
    void targetThatNoneOfTheLastRunsServedStandsAsItDid(@TempDir Path folder) throws Exception {
        List<ReplicationReport> reports = new ArrayList<>();
        reports.add(round(1, 0, 1, Optional.empty(), at("eu.test", 10, 0), at("us.test", 10, 0)));
        reports.add(round(2, 5, 6, Optional.empty(), at("eu.test", 6, 4)));
        for (long run = 3; run < 60; run++) {
            reports.add(round(run, 10, 11, Optional.empty(), at("us.test", 10, 0)));
        }
        recalledAfter(folder, reports);

        shows("4", "0.6");
        assertThat(metrics.render())
                .contains("entrepot_replication_lag_seconds" + LABELS + "60\n")
                .contains("entrepot_replication_last_success_timestamp_seconds" + LABELS + (TIME.getEpochSecond() + 1));
    }

    @Test
    void targetThatWasTakenOutOfTheRuleIsNotShown(@TempDir Path folder) throws Exception {
        recalledAfter(folder, List.of(round(1, 0, 1, Optional.empty(), at("eu.test", 10, 0), at("gone.test", 10, 0))));

        shows("0", "1");
        assertThat(metrics.render()).doesNotContain("gone.test");
    }

    @Test
    void runWhoseSummaryCannotBeReadIsLeftOut(@TempDir Path folder) throws Exception {
        try (CopyJournal journal = CopyJournal.open(folder, InstantSource.fixed(TIME))) {
            journal.runs().finish(journal.runs().start("to-regions", "test"), "failed", "{\"started\": \"x\"}");
            journal.runs().finish(journal.runs().start("to-regions", "test"), "failed", "no report");
            replication.recall(journal.runs().telling("to-regions", 10));
        }
        replication.ended(round(3, 0, 1, Optional.empty(), at("eu.test", 10, 0)));

        shows("0", "1");
    }

    @Test
    void reportOfASlowRunTakesNothingBackOfWhatLaterRoundsDidAtOtherTargets() {
        replication.ended(round(2, 20, 21, Optional.empty(), at("eu.test", 10, 0)));
        replication.ended(round(3, 40, 41, Optional.empty(), at("eu.test", 12, 0)));
        replication.ended(round(1, 0, 50, Optional.empty(), at("eu.test", 4, 4), at("us.test", 6, 2)));

        shows("0", "1");
        assertThat(metrics.render())
                .as("it is the last that served the other")
                .contains("entrepot_replication_complete_ratio{rule=\"to-regions\",target=\"us.test\"} 0.75\n");
        replication.ended(round(1, 0, 55, Optional.empty(), at("eu.test", 8, 0)));
        assertThat(metrics.render())
                .contains("entrepot_replication_lag_seconds" + LABELS + "20\n")
                .contains(
                        "entrepot_replication_last_success_timestamp_seconds" + LABELS + (TIME.getEpochSecond() + 41));
    }

    @Test
    void successOfASlowRunCountsWhereLaterRoundsHadNone() {
        replication.ended(round(2, 20, 21, Optional.empty(), at("eu.test", 7, 3)));
        replication.ended(round(1, 0, 50, Optional.empty(), at("eu.test", 10, 0)));

        shows("3", "0.7");
        assertThat(metrics.render()).contains("entrepot_replication_lag_seconds" + LABELS + "60\n");
    }

    @Test
    void roundThatBringsNothingAsAWholeSaysNothingOfTheTargetsThatItLeftOut() {
        Optional<ItemReport.Failure> failure = failed().failure();
        replication.ended(round(2, 20, 21, Optional.empty(), at("eu.test", 10, 0), at("us.test", 10, 0)));
        ReplicationReport atOne = round(3, 40, 41, failure, at("us.test", 0, 0));
        assertThat(atOne.leftOut()).containsExactly("eu.test");
        replication.ended(atOne);

        shows("0", "1");
        assertThat(metrics.render())
                .contains("entrepot_replication_complete_ratio{rule=\"to-regions\",target=\"us.test\"} 0\n")
                .contains("entrepot_replication_failing{rule=\"to-regions\"} 1\n");
        replication.ended(round(1, 0, 50, failure));
        shows("0", "1");
    }

    @Test
    void ruleIsFailingIfTheLastRoundThatBeganIs() {
        replication.ended(round(3, 40, 41, failed().failure(), at("us.test", 0, 0)));
        replication.ended(round(1, 0, 50, Optional.empty(), at("eu.test", 10, 0), at("us.test", 10, 0)));

        assertThat(metrics.render()).contains("entrepot_replication_failing{rule=\"to-regions\"} 1\n");
        replication.ended(round(4, 50, 51, Optional.empty(), at("us.test", 10, 0)));
        assertThat(metrics.render()).contains("entrepot_replication_failing{rule=\"to-regions\"} 0\n");
    }
}
