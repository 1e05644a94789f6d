package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;

class HangupSignalTest {
    @Test
    @DisabledOnOs(OS.WINDOWS)
    void actionIsRunInPlaceOfTheEndOfTheProcess() throws Exception {
        assumeThat(isIgnored())
                .as("SIGHUP is ignored here, as under nohup, and the JVM leaves it so")
                .isFalse();
        CountDownLatch came = new CountDownLatch(1);
        HangupSignal.handle(came::countDown);
        Process kill = new ProcessBuilder(
                        "kill", "-HUP", Long.toString(ProcessHandle.current().pid()))
                .inheritIO()
                .start();
        assertThat(kill.waitFor()).isZero();
        assertThat(came.await(20, TimeUnit.SECONDS)).isTrue();
    }

    // proc(5): the signals that are ignored, as bits, the first of which is SIGHUP.
    private static boolean isIgnored() throws IOException {
        Path status = Path.of("/proc/self/status");
        return Files.exists(status)
                && Files.readAllLines(status).stream()
                        .filter(line -> line.startsWith("SigIgn:"))
                        .anyMatch(line -> (Long.parseUnsignedLong(
                                                line.substring("SigIgn:".length())
                                                        .strip(),
                                                16)
                                        & 1)
                                == 1);
    }
}
