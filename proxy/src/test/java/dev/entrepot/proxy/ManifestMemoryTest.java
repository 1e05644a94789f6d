package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.ByteSize;
import dev.entrepot.config.Origin;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ManifestMemoryTest {
    private static final Origin LINE = new Origin.FileLine(Path.of("entrepot.yaml"), 7);
    private static final long HEAP = ByteSize.parse("512MiB").bytes();

    @TempDir
    Path folder;

    @Test
    void isWhatIsConfiguredUpToHalfOfTheHeap() {
        for (String size : List.of("0", "64MiB", "256MiB")) {
            ManifestMemory memory = new ManifestMemory(ByteSize.parse(size), HEAP);
            assertThat(memory.bytes()).isEqualTo(ByteSize.parse(size).bytes());
            assertThat(memory.warning(LINE)).isEmpty();
        }
    }

    @Test
    void isHalfOfTheHeapWhereMoreIsConfiguredAndSaysWhatToDo() {
        ManifestMemory memory = new ManifestMemory(ByteSize.parse("1GiB"), HEAP);

        assertThat(memory.bytes()).isEqualTo(HEAP / 2);
        assertThat(memory.warning(LINE))
                .contains(
                        "cache.memory (entrepot.yaml:7) is 1GiB, and the heap of this process 512 MiB, of which"
                                + " manifests may take half: 256 MiB are used; write no more than that, or give the JVM a larger heap"
                                + " by -Xmx2560m (in ENTREPOT_JAVA_OPTS for the launchers, in JDK_JAVA_OPTIONS in a container)");
    }

    @Test
    void serverWithMoreMemoryThanHeapSaysSoAtTheStart() throws Exception {
        List<String> said = new CopyOnWriteArrayList<>();
        Logger log = Logger.getLogger(Mirror.class.getName());
        Handler handler = new Handler() {
            @Override
            public void publish(LogRecord event) {
                said.add(event.getLevel() + " " + new SimpleFormatter().formatMessage(event));
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        log.addHandler(handler);
        try (MirrorFixture _ =
                MirrorFixture.started(folder, "cache: {directory: ./data, min-free: 1MiB, memory: 1TiB}\n")) {
            assertThat(said).anyMatch(line -> line.startsWith("WARNING cache.memory (default) is 1TiB, and the heap"));
        } finally {
            log.removeHandler(handler);
        }
    }
}
