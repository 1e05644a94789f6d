package dev.entrepot.proxy.replication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.replicator.journal.RunRecord;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class RunTextsTest {
    private static RunRecord run(String outcome, Optional<String> summary) {
        return new RunRecord(
                1, "rule", "test", Instant.EPOCH, Optional.empty(), outcome, summary, OptionalLong.empty());
    }

    @Test
    void runThatEndsWhileItIsReadHasNoReportYet() {
        assertThat(RunTexts.toJson(run("running", Optional.empty()), Optional.of("{}"))
                        .has("report"))
                .isFalse();
        assertThat(RunTexts.toJson(run("complete", Optional.empty()), Optional.of("{}"))
                        .has("report"))
                .isTrue();
    }

    @Test
    void whatCannotBeReadOfARunIsLeftOut() {
        RunRecord damaged = run("failed", Optional.of("no summary"));

        assertThat(RunTexts.toText(List.of(damaged))).contains("failed").endsWith("rule  (test)\n");
        assertThat(RunTexts.toJson(damaged, Optional.of("[1]")).has("report")).isFalse();
        assertThatThrownBy(() -> RunTexts.report("no report")).isInstanceOf(InvalidContentException.class);
    }

    @Test
    void exportOfWhichOnlyTheSumsAreKeptHasNoText() throws Exception {
        assertThat(RunTexts.report("{\"carried\": {\"bytes\": 5}}")).isEmpty();
        assertThat(RunTexts.report("{\"text\": \"written\"}")).contains("written");
    }
}
