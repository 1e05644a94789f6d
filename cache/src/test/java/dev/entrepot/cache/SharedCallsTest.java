package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class SharedCallsTest {
    private static final Duration BOUND = Duration.ofMinutes(10);

    private final AtomicLong nanos = new AtomicLong(-5);
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final SharedCalls<String, String> calls = new SharedCalls<>(threads, Duration.ofSeconds(20), nanos::get);
    private final CountDownLatch answered = new CountDownLatch(1);

    @AfterEach
    void stop() {
        answered.countDown();
        threads.close();
    }

    private Duration left(SharedCalls.UnderWay call) {
        return BOUND.minusNanos(nanos.get() - call.startNanos());
    }

    private String waitForAnswer() {
        try {
            return answered.await(20, TimeUnit.SECONDS) ? "answer" : "none";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "interrupted";
        }
    }

    @Test
    @Timeout(30)
    void whoJoinsACallThatHasBeenRunningForLongerThanTheBoundDoesNotWait() throws Exception {
        calls.begin("tag", this::waitForAnswer);
        nanos.addAndGet(BOUND.toNanos());
        assertThat(calls.call("tag", () -> "another", this::left)).isEmpty();
        answered.countDown();
        assertThat(calls.call("tag", this::waitForAnswer))
                .extracting(SharedCalls.Outcome::value)
                .isEqualTo("answer");
    }

    @Test
    @Timeout(30)
    void whoJoinsInTimeHasTheSameAnswer() throws Exception {
        calls.begin("tag", this::waitForAnswer);
        nanos.addAndGet(BOUND.toNanos() - 1_000_000_000);
        answered.countDown();
        Optional<SharedCalls.Outcome<String>> outcome = calls.call("tag", () -> "answer", this::left);
        assertThat(outcome).map(SharedCalls.Outcome::value).contains("answer");
    }

    @Test
    @Timeout(30)
    void callForWhichThereIsNoThreadFailsAndTheNextIsMade() throws Exception {
        AtomicBoolean broken = new AtomicBoolean(true);
        SharedCalls<String, String> refused = new SharedCalls<>(
                task -> {
                    if (broken.getAndSet(false)) {
                        throw new LinkageError("no");
                    }
                    task.run();
                },
                Duration.ofSeconds(20),
                nanos::get);
        assertThatThrownBy(() -> refused.call("tag", () -> "none")).isInstanceOf(LinkageError.class);
        assertThat(refused.call("tag", () -> "answer").value()).isEqualTo("answer");
    }
}
