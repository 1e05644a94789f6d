package dev.entrepot.replicator.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.AbstractCollection;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ConcurrentlyTest {
    private static final int AT_ONCE = 7;

    private final List<Integer> numbers = IntStream.range(0, 500).boxed().toList();
    private final AtomicInteger begun = new AtomicInteger();
    private final AtomicInteger ended = new AtomicInteger();
    private final AtomicInteger taken = new AtomicInteger();
    private final AtomicInteger mostWaiting = new AtomicInteger();

    /** The numbers; notes how many were taken that have not ended. */
    private Collection<Integer> watched() {
        Iterator<Integer> iterator = numbers.iterator();
        return new AbstractCollection<>() {
            @Override
            public Iterator<Integer> iterator() {
                return new Iterator<>() {
                    @Override
                    public boolean hasNext() {
                        return iterator.hasNext();
                    }

                    @Override
                    public Integer next() {
                        mostWaiting.accumulateAndGet(taken.incrementAndGet() - ended.get(), Math::max);
                        return iterator.next();
                    }
                };
            }

            @Override
            public int size() {
                return numbers.size();
            }
        };
    }

    @Test
    void whatWaitsForItsTurnHasNoThreadYet() throws IOException {
        List<Integer> doubled = Concurrently.map(watched(), AT_ONCE, number -> {
            Thread.yield();
            ended.incrementAndGet();
            return 2 * number;
        });

        assertThat(doubled)
                .containsExactlyElementsOf(numbers.stream().map(n -> 2 * n).toList());
        assertThat(mostWaiting).hasValueLessThanOrEqualTo(AT_ONCE + 1);
    }

    @Test
    void asManyRunAtOnceAsMay() throws IOException {
        CountDownLatch all = new CountDownLatch(AT_ONCE);

        Concurrently.map(numbers, AT_ONCE, number -> {
            all.countDown();
            return awaited(all);
        });

        assertThat(all.getCount()).isZero();
    }

    private static boolean awaited(CountDownLatch latch) throws IOException {
        try {
            latch.await();
            return true;
        } catch (InterruptedException e) {
            throw new InterruptedIOException();
        }
    }

    @Test
    void failureKeepsNoOtherFromEnding() {
        assertThatThrownBy(() -> Concurrently.map(numbers, AT_ONCE, number -> {
                    begun.incrementAndGet();
                    if (number % 100 == 3) {
                        throw new IOException("of " + number);
                    }
                    return number;
                }))
                .isInstanceOf(IOException.class)
                .hasMessage("of 3")
                .satisfies(e -> assertThat(e.getSuppressed()).hasSize(4));
        assertThat(begun).hasValue(numbers.size());
    }

    @Test
    void interruptEndsWhatRunsAndBeginsNoMore() {
        CountDownLatch never = new CountDownLatch(1);
        Thread caller = Thread.currentThread();

        assertThatThrownBy(() -> Concurrently.map(numbers, AT_ONCE, number -> {
                    if (begun.incrementAndGet() == AT_ONCE) {
                        caller.interrupt();
                    }
                    return awaited(never);
                }))
                .isInstanceOf(InterruptedIOException.class);

        assertThat(Thread.interrupted()).isTrue();
        assertThat(begun).hasValue(AT_ONCE);
    }
}
