package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

final class ProcessEndTest {
    /** A process that ends at once, though a shutdown hook would say something. */
    static final class Ending {
        private Ending() {}

        static void main(String[] arguments) {
            Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("hook")));
            ProcessEnd end = ProcessEnd.prepare();
            System.out.println("done");
            System.out.flush();
            end.now(42);
            System.out.println("as usual");
        }
    }

    @Test
    void endsWithTheCodeAndWithoutShutdownHooks() throws Exception {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Ending.class.getName())
                .redirectErrorStream(true)
                .start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

        assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).isEqualTo(42);
        assertThat(said).isEqualTo("done\n");
    }

    @Test
    void isForCommandsThatAskRegistriesButNotForAServer() {
        assertThat(ProcessEnd.fits(List.of("sync", "rule"), Map.of())).isTrue();
        assertThat(ProcessEnd.fits(List.of("sync", "rule"), Map.of("ENTREPOT_JAVA_OPTS", " ")))
                .isTrue();
        assertThat(ProcessEnd.fits(List.of("serve"), Map.of())).isFalse();
        assertThat(ProcessEnd.fits(List.of("--version"), Map.of())).isFalse();
        assertThat(ProcessEnd.fits(List.of(), Map.of())).isFalse();
    }

    @Test
    void leavesItsEndToAJvmThatHasBeenGivenOptions() {
        for (String name : List.of("ENTREPOT_JAVA_OPTS", "JDK_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS")) {
            assertThat(ProcessEnd.fits(List.of("sync", "rule"), Map.of(name, "-XX:StartFlightRecording")))
                    .as(name)
                    .isFalse();
        }
    }
}
