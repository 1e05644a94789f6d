package dev.entrepot.replicator.bundle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.replicator.MemoryRegistry;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import dev.entrepot.replicator.ProgressLine;
import dev.entrepot.replicator.ReplicationRunner;
import dev.entrepot.replicator.RetryPolicy;
import dev.entrepot.replicator.Shapes;
import dev.entrepot.replicator.VirtualTime;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is shown of how far an export, a check and an import have come. */
class BundleProgressTest {
    @TempDir
    private Path folder;

    private final VirtualTime clock = new VirtualTime();

    @Test
    void anExportShowsVolumeBytesRateAndWhatIsLeft() {
        ExportProgress progress = new ExportProgress(clock);
        progress.phase("placing 3 images");
        assertThat(progress.plain()).isEqualTo("placing 3 images");
        progress.begin(3, 4 << 20);
        progress.volume(2);
        progress.moved(1 << 20);
        clock.pass(Duration.ofSeconds(10));

        assertThat(progress.plain()).isEqualTo("volume 2/3, 1.0 MiB/4.0 MiB, 102.4 KiB/s, 30.0s left");
        assertThat(progress.draw()).matches("\\[#+-+] volume 2/3, .*");
        progress.moved(3 << 20);
        assertThat(progress.plain()).startsWith("volume 2/3, 4.0 MiB/4.0 MiB").doesNotContain("left");
        assertThat(progress.draw()).matches("\\[#+] .*");
    }

    @Test
    void aCheckAndAnImportComeToTheirEndInWhatIsShown() throws Exception {
        MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
        Shapes app = new Shapes(source.repository("app"));
        app.tag("v1", app.image("one"));
        List<Path> volumes =
                new Packed.Packing(source).image("app", "v1").pack().tars(folder.resolve("out"));
        Bundle bundle = Bundle.open(volumes, List.of());
        AtomicLong looked = new AtomicLong();
        bundle.verify(looked::addAndGet);
        assertThat(looked).hasValue(bundle.contentBytes());
        ProgressLine checking = new ProgressLine(clock);
        checking.planned("verify", 0, bundle.contentBytes());
        assertThat(checking.plain()).startsWith("0 B/").doesNotContain("images");
        bundle.verify(bytes -> checking.moved("verify", bytes));
        assertThat(checking.draw()).matches("\\[#+] [^0].*").doesNotContain("images", "left");

        ProgressLine line = new ProgressLine(clock);
        try (ImportFolder imports = ImportFolder.open(folder.resolve("data"), clock)) {
            ReplicationRunner runner =
                    ReplicationRunner.comparing(imports.journal(), clock.time(), RetryPolicy.DEFAULT);
            MemoryRegistry target = new MemoryRegistry("target.test", Abilities.ALL);
            new BundleImport(bundle, Importing.AS_THEY_ARE, new ImportTarget(target.asTarget(), 4), imports, runner)
                    .run(line);
        }
        assertThat(line.plain()).contains("1/1");
        assertThat(line.draw()).contains("1/1", "#").doesNotContain("-]");
    }
}
