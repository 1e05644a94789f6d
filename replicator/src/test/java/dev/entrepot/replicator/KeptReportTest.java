package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.entrepot.oci.RepositoryName;
import dev.entrepot.replicator.ItemReport.State;
import dev.entrepot.replicator.ReplicationReport.TargetSummary;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class KeptReportTest {
    private static final Instant TIME = Instant.parse("2026-11-21T12:00:00Z");

    private static List<ItemReport> items(String target, int count, State state, IntFunction<String> cause) {
        return IntStream.range(0, count)
                .mapToObj(number -> new ItemReport(
                        target,
                        new RepositoryName("app"),
                        new RepositoryName("app"),
                        "v" + number,
                        Optional.empty(),
                        state,
                        "",
                        state == State.FAILED
                                ? Optional.of(new ItemReport.Failure(Side.TARGET, "v" + number, cause.apply(number)))
                                : Optional.empty(),
                        Tally.NONE))
                .toList();
    }

    private static ReplicationReport report(List<List<ItemReport>> items) {
        List<ItemReport> all = items.stream().flatMap(List::stream).toList();
        return new ReplicationReport(
                1,
                "rule",
                "test",
                TIME,
                TIME,
                all,
                List.of(TargetSummary.of("eu.test", all, 0)),
                0,
                Optional.empty(),
                IntStream.range(0, all.size()).mapToObj(Integer::toString).toList());
    }

    @Test
    void firstFailuresOfEachCauseAreListedAndTheOthersCounted() {
        ReplicationReport kept = KeptReport.of(report(List.of(
                items("eu.test", 1000, State.FAILED, number -> "no signature"),
                items("us.test", 1000, State.FAILED, number -> "no signature"),
                items("us.test", 3, State.FAILED, number -> "refused"))));

        assertThat(kept.items()).hasSize(2 * KeptReport.OF_CAUSE + 3);
        assertThat(kept.unlisted())
                .extracting(ReplicationReport.Unlisted::target, ReplicationReport.Unlisted::count)
                .containsExactly(
                        tuple("eu.test", 1000L - KeptReport.OF_CAUSE), tuple("us.test", 1000L - KeptReport.OF_CAUSE));
        assertThat(FailureGroup.of(kept).getFirst().place())
                .isEqualTo("eu.test: 1000 tags (app:v0, app:v1, app:v2, ...)");
        assertThat(ReportWriter.toText(kept))
                .contains(
                        "  FAILED  us.test: 1000 tags (app:v0, app:v1, app:v2, ...)  at the target, v0: no signature\n");
    }

    @Test
    void sizeDoesNotGrowWithTheTagsWhateverBecameOfThem() {
        String cause = "x".repeat(10_000);
        ReplicationReport few =
                KeptReport.of(report(List.of(items("eu.test", 1000, State.FAILED, number -> number + cause))));
        ReplicationReport many = KeptReport.of(report(List.of(
                items("eu.test", 5000, State.FAILED, number -> number + cause),
                items("eu.test", 5000, State.COPIED, number -> ""),
                items("eu.test", 5000, State.UP_TO_DATE, number -> ""))));

        assertThat(few.items()).hasSize(KeptReport.CAUSES);
        assertThat(many.items()).hasSize(KeptReport.CAUSES + KeptReport.OF_STATE);
        assertThat(ReportWriter.toJson(many)).hasSizeLessThan(64 << 10);
        assertThat(many.warnings())
                .hasSize(KeptReport.WARNINGS + 1)
                .last()
                .isEqualTo((15_000 - KeptReport.WARNINGS) + " more warnings, which the journal did not keep");
        assertThat(many.targets().getFirst().failed()).isEqualTo(5000);
        assertThat(ReportWriter.toText(many))
                .contains(
                        "  failed  eu.test: " + (5000 - KeptReport.CAUSES) + " more, which the journal did not keep\n")
                .contains("  copied  eu.test: " + (5000 - KeptReport.OF_STATE)
                        + " more, which the journal did not keep\n")
                .contains("5000 copied, 5000 up to date");
    }

    @Test
    void shortReportIsKeptAsItIs() {
        ReplicationReport report = report(List.of(
                items("eu.test", KeptReport.OF_CAUSE, State.FAILED, number -> "no signature"),
                items("eu.test", KeptReport.OF_STATE - KeptReport.OF_CAUSE, State.COPIED, number -> "")));

        assertThat(ReportWriter.toJson(KeptReport.of(report))).isEqualTo(ReportWriter.toJson(report));
    }
}
