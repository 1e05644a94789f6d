package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Meter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Uploads to one place: as many as it takes, of which those that are held back keep no others waiting. */
@Timeout(30)
class AdaptiveLimitTest {
    private final AdaptiveLimit limit = new AdaptiveLimit(64, new VirtualTime().time());
    private final CountDownLatch end = new CountDownLatch(1);
    private final List<Thread> threads = new ArrayList<>();

    /** A bandwidth of somebody's. */
    private static final class Account implements Meter {
        @Override
        public void take(long units) {}

        @Override
        public void count(long units) {}
    }

    /** An upload that takes until the end of the test; whether it was begun at once. */
    private boolean begins(Meter account) {
        CountDownLatch begun = new CountDownLatch(1);
        Thread thread = Thread.ofPlatform().daemon().start(() -> {
            try {
                limit.send(account, () -> {
                    begun.countDown();
                    try {
                        end.await();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                    return account;
                });
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        threads.add(thread);
        while (thread.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
        return begun.getCount() == 0;
    }

    private int allThatBegin(Meter account) {
        int count = 0;
        while (begins(account)) {
            count++;
        }
        return count;
    }

    @AfterEach
    void letThemEnd() throws InterruptedException {
        end.countDown();
        for (Thread thread : threads) {
            thread.join();
        }
    }

    @Test
    void uploadsThatAreHeldBackKeepNoOthersWaiting() {
        Meter slow = new Account();
        assertThat(allThatBegin(slow)).isEqualTo(4);
        assertThat(allThatBegin(Meter.NONE)).as("of rules without a limit").isEqualTo(4);
        assertThat(allThatBegin(new Account())).as("of another rule with one").isEqualTo(1);
        assertThat(allThatBegin(new Account())).isEqualTo(1);
        assertThat(begins(slow)).isFalse();
    }

    @Test
    void fewerUploadsAreFewerOfBothKinds() {
        limit.throttled();
        assertThat(allThatBegin(new Account())).isEqualTo(2);
        assertThat(allThatBegin(Meter.NONE)).isEqualTo(2);
    }

    @Test
    void allWhoWaitAreServedInTheEnd() throws InterruptedException {
        Meter slow = new Account();
        allThatBegin(slow);
        allThatBegin(Meter.NONE);
        begins(slow);
        begins(Meter.NONE);
        letThemEnd();
        assertThat(threads).noneMatch(Thread::isAlive);
    }
}
