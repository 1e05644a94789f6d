package dev.entrepot.replicator.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.StreamHandler;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class VirtualThreadPoolTest {
    private final List<String> said = new CopyOnWriteArrayList<>();
    private final Logger log = Logger.getLogger(VirtualThreadPool.class.getName());
    private final Handler handler = new StreamHandler() {
        @Override
        public void publish(LogRecord event) {
            said.add(event.getLevel() + " " + event.getMessage());
        }
    };

    @BeforeEach
    void readAlong() {
        log.addHandler(handler);
    }

    @AfterEach
    void stopReading() {
        log.removeHandler(handler);
    }

    @Test
    void whoHasToWaitSaysSoOnceForEachTimeThatAllAreBusy() throws Exception {
        VirtualThreadPool pool = new VirtualThreadPool(2);
        Semaphore end = new Semaphore(0);
        for (int times = 1; times <= 2; times++) {
            assertThat(pool.blockForAvailableThreads()).isEqualTo(2);
            assertThat(said).hasSize(times - 1);
            for (int again = 0; again < 3; again++) {
                fill(pool, end);
                assertThat(pool.runInThread(end::acquireUninterruptibly)).isFalse();
                Thread waits = Thread.ofVirtual().start(pool::blockForAvailableThreads);
                awaitWaiting(waits);
                end.release();
                waits.join();
            }
            end.release();
            while (pool.blockForAvailableThreads() < 2) {
                Thread.onSpinWait();
            }
        }
        pool.shutdown(true);
        assertThat(said).hasSize(2).allMatch(line -> line.startsWith("WARNING 2 runs are in progress"));
    }

    private static void fill(VirtualThreadPool pool, Semaphore end) {
        while (pool.runInThread(end::acquireUninterruptibly)) {
            Thread.onSpinWait();
        }
    }

    private static void awaitWaiting(Thread thread) {
        while (thread.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
    }
}
