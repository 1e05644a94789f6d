package dev.entrepot.proxy.http;

import java.time.Duration;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;

/** Counts answers, so that whoever stops the server knows when the last of them has been reported. */
final class AnswersUnderWay {
    private static final Duration BETWEEN_LOOKS = Duration.ofMillis(5);

    // Two of them, because no thread is to wait for another one here.
    private final LongAdder begun = new LongAdder();
    private final LongAdder reported = new LongAdder();
    private final LongAdder unfinished = new LongAdder();

    void begin() {
        begun.increment();
    }

    /** One has been reported to its observer. */
    void reported() {
        reported.increment();
    }

    /** One that was to be the last of its connection did not come to its end. */
    void unfinished() {
        unfinished.increment();
    }

    /** How many of those that were to be the last of their connections did not come to their end. */
    long cut() {
        return unfinished.sum();
    }

    /**
     * Waits until all have been reported, where none begins any more.
     *
     * @param longest how long it waits for at most
     * @return whether all have been
     */
    boolean awaitReports(Duration longest) {
        for (long looks = longest.dividedBy(BETWEEN_LOOKS); looks > 0; looks--) {
            // What is reported has begun before.
            long ended = reported.sum();
            if (begun.sum() == ended) {
                return true;
            }
            LockSupport.parkNanos(BETWEEN_LOOKS.toNanos());
        }
        return begun.sum() == reported.sum();
    }
}
