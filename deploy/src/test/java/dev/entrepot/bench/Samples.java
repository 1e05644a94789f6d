package dev.entrepot.bench;

import java.util.List;
import java.util.Locale;
import java.util.function.DoubleBinaryOperator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Measurements of one thing, in the order in which they were taken.
 *
 * @param values at least one
 */
record Samples(List<Double> values) {
    /** Copies the list. */
    Samples {
        values = List.copyOf(values);
        if (values.isEmpty()) {
            throw new IllegalArgumentException("no samples");
        }
    }

    /** The middle value; the mean of the two in the middle for an even count. */
    double median() {
        List<Double> sorted = values.stream().sorted().toList();
        int middle = sorted.size() / 2;
        return sorted.size() % 2 == 1 ? sorted.get(middle) : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
    }

    /** The smallest value. */
    double min() {
        return values.stream().mapToDouble(Double::doubleValue).min().orElseThrow();
    }

    /** The largest value. */
    double max() {
        return values.stream().mapToDouble(Double::doubleValue).max().orElseThrow();
    }

    /** Combines the measurements pair by pair with those of the same rounds of another. */
    Samples with(Samples other, DoubleBinaryOperator operator) {
        return new Samples(IntStream.range(0, Math.min(values.size(), other.values.size()))
                .mapToObj(i -> operator.applyAsDouble(values.get(i), other.values.get(i)))
                .toList());
    }

    /** Median with the spread, for example {@code 3.2 (2.9 to 3.4)}; the median alone where there is one value. */
    @Override
    public String toString() {
        return values.size() == 1
                ? format(median())
                : "%s (%s to %s)".formatted(format(median()), format(min()), format(max()));
    }

    /** All of them, in the order in which they were taken. */
    String each() {
        return values.stream().map(Samples::format).collect(Collectors.joining(" "));
    }

    /** Three significant digits, thousands in full. */
    static String format(double value) {
        double size = Math.abs(value);
        int decimals = size >= 100 || size == 0 ? 0 : size >= 10 ? 1 : size >= 0.1 ? 2 : 3;
        return String.format(Locale.ROOT, "%,." + decimals + "f", value);
    }
}
