package dev.entrepot.oci.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class ProcessThreadsTest {
    /** Waits for ever, on a virtual thread. */
    static final class Stuck {
        private Stuck() {}

        public static void main(String[] arguments) throws InterruptedException {
            Thread.ofVirtual().name("the-stuck-one").start(Stuck::waitInVain).join();
        }

        private static void waitInVain() {
            IO.println("waiting");
            try {
                new CountDownLatch(1).await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Test
    void whatAProcessIsStuckInIsTold() throws Exception {
        try (CrashProcess stuck = CrashProcess.start(Stuck.class)) {
            stuck.awaitLine("waiting"::equals);

            String told = ProcessThreads.told(stuck.pid());

            assertThat(told).contains("the-stuck-one").contains("waitInVain").contains("LockSupport.park");
            assertThat(told.lines()).as("only what runs code of this project").hasSizeLessThan(5);
        }
    }

    @Test
    void aProcessThatIsGoneHasNothingToTell() throws Exception {
        CrashProcess gone = CrashProcess.start(Stuck.class);
        gone.kill();

        assertThat(ProcessThreads.told(gone.pid())).isNotEmpty().doesNotContain("waitInVain");
        assertThat(ProcessThreads.waitForDisk(gone.pid())).isFalse();
    }
}
