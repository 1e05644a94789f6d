package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Gate;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On a terminal, exports and imports draw a bar while bytes are on their way, as a replication does. */
class BundleTerminalTest {
    @TempDir
    private Path folder;

    private final TestRegistry source = TestRegistry.started();
    private final TestRegistry target = TestRegistry.started();
    private final Bundle image = new Images(23).image(400_000);
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final ByteArrayOutputStream drawn = new ByteArrayOutputStream();

    @BeforeEach
    void configure() throws IOException {
        source.push("team/app", image, "v1");
        Files.writeString(folder.resolve("entrepot.yaml"), """
                cache: {directory: ./data, min-free: 1MiB}
                upstreams:
                  registry.test: {url: "%s"}
                """.formatted(source.uri()));
    }

    @AfterEach
    void close() {
        threads.shutdownNow();
        source.close();
        target.close();
    }

    private Future<Integer> onATerminal(String... arguments) {
        return threads.submit(() -> new CommandLineInterface(
                        new ByteArrayInputStream(new byte[0]),
                        new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8),
                        new PrintStream(drawn, true, StandardCharsets.UTF_8),
                        folder,
                        Map.of("HOME", folder.toString()),
                        mirror -> {
                            throw new AssertionError("nothing is to be served");
                        },
                        true)
                .run(arguments));
    }

    private void awaitDrawn(String pattern) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (!drawn.toString(StandardCharsets.UTF_8).matches("(?s).*" + pattern + ".*")) {
            assertThat(System.nanoTime())
                    .as(drawn.toString(StandardCharsets.UTF_8))
                    .isLessThan(end);
            Thread.onSpinWait();
        }
    }

    @Test
    void aBarIsDrawnOfAnExportAndOfAnImport() throws Exception {
        Digest layer = List.copyOf(image.blobs().keySet()).stream()
                .filter(blob -> source.blob("team/app", blob).orElseThrow().sizeBytes() == 400_000)
                .findFirst()
                .orElseThrow();
        Gate reading = new Gate();
        source.faults().always(Requests.blob(layer), Fault.stallAfter(300_000, reading));

        Future<Integer> export =
                onATerminal("export", "registry.test/team/app:v1", "--output", "out.tar", "--unsigned");
        awaitDrawn("\\[#+-+\\] volume 1/1, [0-9.]+ KiB/[0-9.]+ KiB");
        reading.open();
        assertThat(export.get(20, TimeUnit.SECONDS)).isZero();
        drawn.reset();

        Gate writing = new Gate();
        target.faults().always(Requests.uploads(), Fault.stallUploadAfter(200_000, writing));
        Future<Integer> imported = onATerminal("import", "out.tar", "--unsigned", "--to", target.uri() + "/inside");
        awaitDrawn("\\[[#-]+\\] ");
        writing.open();
        assertThat(imported.get(20, TimeUnit.SECONDS)).isZero();
    }
}
