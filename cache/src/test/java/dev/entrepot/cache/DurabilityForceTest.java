package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class DurabilityForceTest {
    @Test
    void aVirtualThreadLeavesTheWaitingToAnother() throws Exception {
        AtomicReference<Thread> waiting = new AtomicReference<>();

        Thread.ofVirtual()
                .start(task(() -> Durability.force(() -> waiting.set(Thread.currentThread()))))
                .join();

        assertThat(waiting.get().isVirtual()).isFalse();
    }

    @Test
    void threadsThatHaveWaitedWaitAgain() throws Exception {
        Set<Thread> waiting = ConcurrentHashMap.newKeySet();
        for (int i = 0; i < 50; i++) {
            Thread.ofVirtual()
                    .start(task(() -> Durability.force(() -> waiting.add(Thread.currentThread()))))
                    .join();
        }

        assertThat(waiting).hasSizeLessThan(50);
    }

    @Test
    void aPlatformThreadWaitsItself() throws Exception {
        AtomicReference<Thread> waiting = new AtomicReference<>();

        Durability.force(() -> waiting.set(Thread.currentThread()));

        assertThat(waiting).hasValue(Thread.currentThread());
    }

    @Test
    void anInterruptNeitherEndsTheWaitNorIsLost() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch disk = new CountDownLatch(1);
        FutureTask<Boolean> forcing = new FutureTask<>(() -> {
            Durability.force(() -> {
                begun.countDown();
                await(disk);
            });
            return Thread.currentThread().isInterrupted();
        });
        Thread thread = Thread.ofVirtual().start(forcing);
        await(begun);

        thread.interrupt();
        assertThat(forcing.isDone()).isFalse();
        disk.countDown();

        assertThat(forcing.get(10, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void whatTheDiskRefusesIsThrownAsItIs() {
        IOException full = new IOException("no space left");
        FutureTask<Void> forcing = task(() -> Durability.force(() -> {
            throw full;
        }));
        Thread.ofVirtual().start(forcing);

        assertThatThrownBy(() -> forcing.get(10, TimeUnit.SECONDS)).hasCause(full);
    }

    private static FutureTask<Void> task(Durability.Forcing forcing) {
        return new FutureTask<>(() -> {
            forcing.run();
            return null;
        });
    }

    private static void await(CountDownLatch latch) throws IOException {
        try {
            assertThat(latch.await(10, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new IOException("interrupted", e);
        }
    }
}
