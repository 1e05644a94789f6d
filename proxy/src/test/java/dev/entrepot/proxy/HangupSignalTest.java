package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.EnabledOnOs;
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

    @Test
    @EnabledOnOs(OS.LINUX)
    void serverThatStartsOutlivesIt() throws Exception {
        assumeThat(isIgnored())
                .as("SIGHUP is ignored here, as under nohup, and the JVM leaves it so")
                .isFalse();
        Process server = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Starting.class.getName())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        try (InputStream said = server.getInputStream();
                OutputStream goOn = server.getOutputStream()) {
            assertThat(said.read()).isEqualTo('s');
            new ProcessBuilder("kill", "-HUP", Long.toString(server.pid()))
                    .start()
                    .waitFor();
            assertThat(server.waitFor(1, TimeUnit.SECONDS)).isFalse();
            goOn.write('\n');
            goOn.flush();
            assertThat(server.waitFor(30, TimeUnit.SECONDS)).isTrue();
            assertThat(server.exitValue()).isZero();
        } finally {
            server.destroyForcibly();
        }
    }

    /** A server that takes long to start. */
    static final class Starting {
        private Starting() {}

        static void main(String[] arguments) throws IOException {
            ServeCommand.outliveHangup();
            System.out.println("starting");
            System.exit(System.in.read() == '\n' ? 0 : 1);
        }
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
