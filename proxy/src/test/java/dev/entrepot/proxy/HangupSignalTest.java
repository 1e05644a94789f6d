package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;

class HangupSignalTest {
    @Test
    @DisabledOnOs(OS.WINDOWS)
    void actionIsRunInPlaceOfTheEndOfTheProcess() throws Exception {
        CountDownLatch came = new CountDownLatch(1);
        HangupSignal.handle(came::countDown);
        Process kill = new ProcessBuilder(
                        "kill", "-HUP", Long.toString(ProcessHandle.current().pid()))
                .inheritIO()
                .start();
        assertThat(kill.waitFor()).isZero();
        assertThat(came.await(20, TimeUnit.SECONDS)).isTrue();
    }
}
