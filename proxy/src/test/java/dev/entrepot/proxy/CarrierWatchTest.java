package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.testing.LogLines;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import jdk.management.VirtualThreadSchedulerMXBean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * What stands for a disk that does not answer is a named pipe into which nobody writes: who opens it to read holds its
 * carrier.
 */
@DisabledOnOs(OS.WINDOWS)
class CarrierWatchTest {
    private static final CarrierWatch.Times QUICK = new CarrierWatch.Times(
            Duration.ofMillis(5),
            Duration.ofMillis(5),
            Duration.ofSeconds(60),
            Duration.ofMillis(20),
            Duration.ofSeconds(5));
    private static final CarrierWatch.Times SOON_STARVED = new CarrierWatch.Times(
            Duration.ofMillis(5),
            Duration.ofMillis(5),
            Duration.ofMillis(40),
            Duration.ofMillis(20),
            Duration.ofSeconds(5));

    private final VirtualThreadSchedulerMXBean scheduler =
            ManagementFactory.getPlatformMXBean(VirtualThreadSchedulerMXBean.class);

    @TempDir
    private Path folder;

    @Test
    void lookThatFailsIsNotTheLast() throws Exception {
        AtomicInteger looks = new AtomicInteger();
        VirtualThreadSchedulerMXBean failing = (VirtualThreadSchedulerMXBean) Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {VirtualThreadSchedulerMXBean.class},
                (_, method, _) -> switch (method.getName()) {
                    case "getParallelism" -> {
                        looks.incrementAndGet();
                        throw new OutOfMemoryError("unable to create native thread");
                    }
                    default -> null;
                });
        CarrierWatch.Times always = new CarrierWatch.Times(
                Duration.ofMillis(1),
                Duration.ofSeconds(5),
                Duration.ofSeconds(60),
                Duration.ZERO,
                Duration.ofSeconds(60));
        try (LogLines log = LogLines.of(CarrierWatch.class);
                CarrierWatch _ = new CarrierWatch(failing, always, 2, 4).started()) {
            until(() -> looks.get() >= 3);
            assertThat(log.texts()).containsExactly("it could not be seen whether things go on");
        }
    }

    @Test
    void threadsGoOnWhileOthersWaitForTheDiskAndFewerCarryThemAfterwards() throws Exception {
        int usual = scheduler.getParallelism();
        int least = Math.max(2, usual);
        List<Path> pipes = new ArrayList<>();
        for (int i = 0; i < least; i++) {
            pipes.add(pipe("pipe" + i));
        }
        CountDownLatch opened = new CountDownLatch(least);
        scheduler.setParallelism(least);
        try {
            for (Path pipe : pipes) {
                Thread.ofVirtual().start(() -> read(pipe, opened));
            }
            until(() -> scheduler.getMountedVirtualThreadCount() >= least);
            CountDownLatch begun = new CountDownLatch(1);
            Thread.ofVirtual().start(begun::countDown);
            assertThat(begun.await(100, TimeUnit.MILLISECONDS)).isFalse();
            try (CarrierWatch _ = new CarrierWatch(scheduler, QUICK, least, 3 * least).started()) {
                assertThat(begun.await(20, TimeUnit.SECONDS)).isTrue();
                assertThat(scheduler.getParallelism()).isEqualTo(3 * least);
                assertThat(opened.getCount()).isEqualTo(least);
                for (Path pipe : pipes) {
                    new FileOutputStream(pipe.toFile()).close();
                }
                assertThat(opened.await(20, TimeUnit.SECONDS)).isTrue();
                until(() -> scheduler.getParallelism() == least);
            }
        } finally {
            scheduler.setParallelism(usual);
        }
    }

    @Test
    void moreThanAsManyAgainMayWait() throws Exception {
        int usual = scheduler.getParallelism();
        int least = Math.max(2, usual);
        List<Path> pipes = new ArrayList<>();
        for (int i = 0; i < 4 * least; i++) {
            pipes.add(pipe("pipe" + i));
        }
        CountDownLatch opened = new CountDownLatch(pipes.size());
        try (CarrierWatch _ = new CarrierWatch(scheduler, QUICK, least, pipes.size() + 1).started()) {
            for (Path pipe : pipes) {
                Thread.ofVirtual().start(() -> read(pipe, opened));
            }
            until(() -> scheduler.getMountedVirtualThreadCount() >= pipes.size());
            CountDownLatch begun = new CountDownLatch(1);
            Thread.ofVirtual().start(begun::countDown);
            assertThat(begun.await(20, TimeUnit.SECONDS)).isTrue();
            for (Path pipe : pipes) {
                new FileOutputStream(pipe.toFile()).close();
            }
            assertThat(opened.await(20, TimeUnit.SECONDS)).isTrue();
        } finally {
            scheduler.setParallelism(usual);
        }
    }

    @Test
    void threadsGoOnWhileOthersComputeAndFewerCarryThemAfterwards() throws Exception {
        int usual = scheduler.getParallelism();
        int least = Math.max(2, usual);
        AtomicBoolean done = new AtomicBoolean();
        CountDownLatch ended = new CountDownLatch(least + 2);
        scheduler.setParallelism(least);
        try {
            for (int i = 0; i < least + 2; i++) {
                Thread.ofVirtual().start(() -> {
                    while (!done.get()) {
                        Thread.onSpinWait();
                    }
                    ended.countDown();
                });
            }
            until(() -> scheduler.getMountedVirtualThreadCount() >= least);
            CountDownLatch begun = new CountDownLatch(1);
            Thread.ofVirtual().start(begun::countDown);
            assertThat(begun.await(100, TimeUnit.MILLISECONDS)).isFalse();
            try (CarrierWatch _ = new CarrierWatch(scheduler, SOON_STARVED, least, 3 * least).started()) {
                assertThat(begun.await(20, TimeUnit.SECONDS)).isTrue();
                done.set(true);
                assertThat(ended.await(20, TimeUnit.SECONDS)).isTrue();
                until(() -> scheduler.getParallelism() == least);
            }
        } finally {
            done.set(true);
            scheduler.setParallelism(usual);
        }
    }

    private static void until(BooleanSupplier condition) throws InterruptedException {
        long begin = System.nanoTime();
        while (!condition.getAsBoolean()) {
            assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(20));
            Thread.sleep(2);
        }
    }

    private Path pipe(String name) throws Exception {
        Path pipe = folder.resolve(name);
        Process made = new ProcessBuilder("mkfifo", pipe.toString()).inheritIO().start();
        assertThat(made.waitFor()).isZero();
        return pipe;
    }

    private static void read(Path pipe, CountDownLatch opened) {
        try (FileInputStream _ = new FileInputStream(pipe.toFile())) {
            opened.countDown();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
