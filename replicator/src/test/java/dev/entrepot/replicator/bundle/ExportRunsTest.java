package dev.entrepot.replicator.bundle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.testing.CrashProcess;
import dev.entrepot.replicator.journal.CopyJournal;
import dev.entrepot.replicator.journal.RunRecord;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The reports of exports that run at one time, in processes of their own. */
class ExportRunsTest {
    private static final int FOLDERS = 12;

    @TempDir
    private Path folder;

    /** Notes an export in one fresh folder after the other, each at the same moment as another process. */
    static final class Exporting {
        private Exporting() {}

        /** Of the folder, with its own name and that of the other. */
        public static void main(String[] arguments) throws IOException {
            int failed = 0;
            for (int i = 0; i < FOLDERS; i++) {
                Path data = Path.of(arguments[0], "data-" + i);
                meet(Path.of(arguments[0]), i, arguments[1], arguments[2]);
                try (ExportRuns runs = ExportRuns.open(data, InstantSource.system())) {
                    runs.end(runs.begin("the export of " + arguments[1]), "complete", "{}");
                } catch (IOException e) {
                    failed++;
                    System.out.println(data + ": " + e);
                }
            }
            System.exit(failed);
        }

        private static void meet(Path folder, int round, String own, String other) throws IOException {
            Files.createFile(folder.resolve(own + "-" + round));
            Path awaited = folder.resolve(other + "-" + round);
            while (!Files.exists(awaited)) {
                Thread.onSpinWait();
            }
        }
    }

    @Test
    void theFirstTwoExportsOfAFreshFolderAreBothNotedHoweverCloseTheyBegin() throws Exception {
        try (CrashProcess one = CrashProcess.start(Exporting.class, folder.toString(), "one", "two");
                CrashProcess two = CrashProcess.start(Exporting.class, folder.toString(), "two", "one")) {
            assertThat(one.awaitExit()).as(one.output().toString()).isZero();
            assertThat(two.awaitExit()).as(two.output().toString()).isZero();
        }
        for (int i = 0; i < FOLDERS; i++) {
            Path runs = ExportRuns.of(folder.resolve("data-" + i));
            try (CopyJournal journal = CopyJournal.openForReading(runs, InstantSource.system())) {
                assertThat(journal.runs().last(5))
                        .extracting(RunRecord::outcome)
                        .containsExactly("complete", "complete");
            }
        }
    }
}
