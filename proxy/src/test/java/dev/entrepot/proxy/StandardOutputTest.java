package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

class StandardOutputTest {
    private static OutputStream refusing(String why) {
        return new OutputStream() {
            @Override
            public void write(int b) throws IOException {
                throw new IOException(why);
            }
        };
    }

    @Test
    void whatCouldNotBeWrittenIsRemembered() {
        StandardOutput output = new StandardOutput(refusing("No space left on device"));
        new PrintStream(output, true, StandardCharsets.UTF_8).println("an answer");
        assertThat(output.lost()).contains("No space left on device");
        assertThatThrownBy(() -> output.write('a')).isInstanceOf(IOException.class);
    }

    @Test
    void whoHasReadEnoughHasLostNothing() {
        StandardOutput output = new StandardOutput(refusing("Broken pipe"));
        new PrintStream(output, true, StandardCharsets.UTF_8).println("an answer");
        assertThat(output.lost()).isEmpty();
        StandardOutput fine = new StandardOutput(new ByteArrayOutputStream());
        new PrintStream(fine, true, StandardCharsets.UTF_8).println("an answer");
        assertThat(fine.lost()).isEmpty();
    }

    /** In whichever language: what is asked of a pipe is what standard output fails with. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void whoHasReadEnoughIsKnownByWhatTheSystemSays() throws Exception {
        Process reader = new ProcessBuilder("sh", "-c", "exec <&-; echo gone; exec sleep 60").start();
        StandardOutput output = new StandardOutput(reader.getOutputStream());
        try {
            assertThat(reader.getInputStream().read()).isEqualTo('g');
            assertThatThrownBy(() -> output.write(new byte[100_000])).hasMessage(StandardOutput.ofBrokenPipe());
        } finally {
            reader.destroyForcibly();
        }
        assertThat(output.lost()).isEmpty();
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void commandWhoseAnswerFindsNoRoomFails() throws Exception {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Main.class.getName(),
                        "--version")
                .redirectOutput(new File("/dev/full"))
                .start();
        String said = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(said).isEqualTo("entrepot: standard output could not be written: No space left on device\n");
        assertThat(process.exitValue()).isEqualTo(ExitCodes.FAILURE);
    }
}
