package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

@EnabledOnOs(value = OS.LINUX, disabledReason = "SCHED_BATCH is of Linux")
class BatchSchedulingTest {
    // proc(5): field 41, by what sched.h calls SCHED_OTHER and SCHED_BATCH
    private static final int POLICY = 41;
    private static final String OTHER = "0";
    private static final String BATCH = "3";

    @Test
    void threadsThatAreThereAndThoseThatTheyStartWorkOffWhatThereIs() throws Exception {
        AtomicReference<String> before = new AtomicReference<>();
        AtomicReference<String> after = new AtomicReference<>();
        AtomicReference<String> started = new AtomicReference<>();
        Thread.ofPlatform()
                .start(() -> {
                    before.set(policy());
                    BatchScheduling.apply();
                    after.set(policy());
                    join(Thread.ofPlatform().start(() -> started.set(policy())));
                })
                .join();

        assertThat(before.get()).isIn(OTHER, BATCH); // another test of this process may have asked for it
        assertThat(List.of(after.get(), started.get())).containsOnly(BATCH);
        assertThat(policy()).as("of the thread that was there before").isEqualTo(BATCH);
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static String policy() {
        try {
            String stat = Files.readString(Path.of("/proc/thread-self/stat"), StandardCharsets.ISO_8859_1);
            // Two fields stand before and in the brackets, one of which may have spaces.
            return stat.substring(stat.lastIndexOf(')') + 2).split(" ")[POLICY - 3];
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
