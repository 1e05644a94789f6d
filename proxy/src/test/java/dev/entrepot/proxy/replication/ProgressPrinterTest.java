package dev.entrepot.proxy.replication;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class ProgressPrinterTest {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    // Prints until three lines were asked for; the first is empty.
    private String printed(boolean terminal) throws InterruptedException {
        CountDownLatch asked = new CountDownLatch(3);
        AtomicInteger number = new AtomicInteger();
        try (PrintStream stream = new PrintStream(out, true, StandardCharsets.UTF_8);
                ProgressPrinter _ = new ProgressPrinter(
                        stream,
                        terminal,
                        () -> {
                            asked.countDown();
                            int line = number.getAndIncrement();
                            return line == 0 ? "" : "line " + line;
                        },
                        Duration.ofMillis(1))) {
            assertThat(asked.await(30, TimeUnit.SECONDS)).isTrue();
        }
        return out.toString(StandardCharsets.UTF_8);
    }

    @Test
    void onATerminalOneLineIsDrawnAgainWithoutWrappingAndGoesAwayAtTheEnd() throws Exception {
        assertThat(printed(true))
                .startsWith(
                        "\r\u001b[?7l\u001b[K\u001b[?7h\r\u001b[?7lline 1\u001b[K\u001b[?7h\r\u001b[?7lline 2\u001b[K")
                .endsWith("\u001b[?7h\r\u001b[K")
                .doesNotContain("\n");
    }

    @Test
    void elsewhereThereAreLinesWithoutControlCharactersAndNoEmptyOnes() throws Exception {
        assertThat(printed(false)).startsWith("line 1\nline 2\n").endsWith("\n").doesNotContain("\r", "\u001b", "\n\n");
    }
}
