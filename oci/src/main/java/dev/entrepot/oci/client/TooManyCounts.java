package dev.entrepot.oci.client;

import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** Counts answers of 429, and requests that were not sent for want of quota. Safe for all threads. */
final class TooManyCounts {
    private final Map<TooManyKind, LongAdder> answers = new EnumMap<>(TooManyKind.class);
    private final Map<Priority, LongAdder> stops = new EnumMap<>(Priority.class);

    TooManyCounts() {
        for (TooManyKind kind : TooManyKind.values()) {
            answers.put(kind, new LongAdder());
        }
        for (Priority priority : Priority.values()) {
            stops.put(priority, new LongAdder());
        }
    }

    void answered(TooManyKind kind) {
        add(answers.get(kind));
    }

    void stopped(Priority priority) {
        add(stops.get(priority));
    }

    private static void add(@Nullable LongAdder adder) {
        if (adder != null) {
            adder.increment();
        }
    }

    Map<TooManyKind, Long> answers() {
        Map<TooManyKind, Long> sums = new EnumMap<>(TooManyKind.class);
        answers.forEach((kind, adder) -> sums.put(kind, adder.sum()));
        return sums;
    }

    Map<Priority, Long> stops() {
        Map<Priority, Long> sums = new EnumMap<>(Priority.class);
        stops.forEach((priority, adder) -> sums.put(priority, adder.sum()));
        return sums;
    }
}
