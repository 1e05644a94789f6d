package dev.entrepot.replicator.journal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.testing.CrashProcess;
import dev.entrepot.replicator.VirtualTime;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunsToReadTest {
    @TempDir
    private Path folder;

    private final VirtualTime clock = new VirtualTime();
    private CopyJournal writer;

    @BeforeEach
    void beginARun() throws IOException {
        writer = CopyJournal.open(folder, clock);
        writer.runs().finish(writer.runs().start("rule", "schedule"), "complete", "{}");
        writer.runs().start("rule", "sync");
    }

    @AfterEach
    void close() throws IOException {
        writer.close();
    }

    private void assertOutcome(String last) throws IOException {
        try (RunsToRead runs = RunsToRead.open(folder, clock)) {
            assertThat(runs.runs(9)).extracting(RunRecord::outcome).containsExactly(last, "complete");
            assertThat(runs.run(2).orElseThrow().outcome()).isEqualTo(last);
            assertThat(runs.run(1).orElseThrow().outcome()).isEqualTo("complete");
            assertThat(runs.run(3)).isEmpty();
        }
    }

    @Test
    void runOfAProcessThatWasKilledIsShownAsInterrupted() throws IOException {
        assertOutcome("interrupted");
        assertThat(writer.runs().find(2).orElseThrow().outcome())
                .as("who only reads notes nothing")
                .isEqualTo("running");
    }

    @Test
    void runIsInProgressWhileSomebodyHasTheLock() throws IOException {
        Path file = folder.resolve("lock");
        try (FileChannel channel = FileChannel.open(
                        file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
                FileLock shared = channel.lock(0, Long.MAX_VALUE, true)) {
            assertThat(shared.isValid()).isTrue();
            assertOutcome("running");
        }
        assertOutcome("interrupted");
    }

    @Test
    void runStaysInProgressWhereItCannotBeToldWhetherSomebodyHasTheLock() throws IOException {
        // Cannot be opened, and so not be locked.
        Files.createDirectory(folder.resolve("lock"));

        assertOutcome("running");
    }

    /** Reads the runs of journals that are just being made, in a process of its own, and says what became of it. */
    private static final class Reading {
        static void main(String[] arguments) throws Exception {
            System.out.println("reading");
            for (int i = 0; i < JOURNALS; i++) {
                Path made = Path.of(arguments[0]).resolve(Integer.toString(i));
                while (!Files.exists(made.resolve(CopyJournal.FILE))) {
                    Thread.onSpinWait();
                }
                try (RunsToRead runs = RunsToRead.open(made, Clock.systemUTC())) {
                    runs.runs(9);
                }
            }
            System.out.println("read");
        }
    }

    private static final int JOURNALS = 30;

    @Test
    void whoReadsAJournalThatAnotherProcessIsJustMakingIsInNobodysWay() throws Exception {
        try (CrashProcess reading = CrashProcess.start(Reading.class, folder.toString())) {
            reading.awaitLine("reading"::equals);
            for (int i = 0; i < JOURNALS; i++) {
                CopyJournal.open(folder.resolve(Integer.toString(i)), clock).close();
                Thread.sleep(10);
            }
            assertThat(reading.awaitExit())
                    .as(() -> reading.output().toString())
                    .isZero();
        }
    }

    @Test
    void fileWithoutTablesStaysAsItIs() throws IOException {
        Path empty = Files.createDirectory(folder.resolve("empty"));
        Files.createFile(empty.resolve(CopyJournal.FILE));
        try (RunsToRead runs = RunsToRead.open(empty, clock)) {
            assertThat(runs.runs(9)).isEmpty();
            assertThat(runs.run(1)).isEmpty();
            assertThat(runs.report(1)).isEmpty();
        }
        assertThat(empty.resolve(CopyJournal.FILE)).isEmptyFile();
        assertThat(empty).isDirectoryNotContaining("glob:**-wal");
    }
}
