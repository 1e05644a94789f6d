package dev.entrepot.oci.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import org.junit.jupiter.api.Test;

class CrashProcessTest {
    /** Says something, and then waits to be killed, or ends if it is told to. */
    static final class Program {
        private Program() {}

        public static void main(String[] arguments) throws IOException {
            Runtime.getRuntime().addShutdownHook(new Thread(() -> IO.println("an orderly end")));
            IO.println("ready " + arguments[0]);
            if (arguments[0].equals("wait")) {
                System.in.read();
            }
            System.exit(3);
        }
    }

    @Test
    void killedProgramHasNoOrderlyEnd() throws InterruptedException {
        try (CrashProcess process = CrashProcess.start(Program.class, "wait")) {
            assertThat(process.awaitLine(line -> line.startsWith("ready"))).isEqualTo("ready wait");
            process.kill();
            assertThat(process.isAlive()).isFalse();
            assertThat(process.awaitExit()).isEqualTo(137);
            assertThat(process.output()).doesNotContain("an orderly end");
        }
    }

    @Test
    void programMayEndByItself() throws InterruptedException {
        try (CrashProcess process = CrashProcess.start(Program.class, "end")) {
            assertThat(process.awaitExit()).isEqualTo(3);
            process.awaitLine("an orderly end"::equals);
            assertThatThrownBy(() -> process.awaitLine("something else"::equals))
                    .isInstanceOf(AssertionError.class)
                    .hasMessageContaining("ready end");
        }
    }
}
