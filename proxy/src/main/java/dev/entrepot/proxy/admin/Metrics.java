package dev.entrepot.proxy.admin;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.DoubleSupplier;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.function.ToLongFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Counters, gauges and histograms, written in Prometheus' text format 0.0.4. Counting takes no lock; families are
 * registered once, by the wiring. Safe for all threads.
 */
public final class Metrics {
    private static final Logger LOG = LoggerFactory.getLogger(Metrics.class);

    private final Map<String, Described> families = new ConcurrentSkipListMap<>();
    private final Set<String> failing = ConcurrentHashMap.newKeySet();

    /** One metric with all its label values. */
    private interface Family {
        void write(StringBuilder out);
    }

    private record Described(Description description, Family family) {}

    /**
     * What a metric is.
     *
     * @param name its name, without what a histogram adds to it
     * @param type {@code counter}, {@code gauge} or {@code histogram}
     * @param help what it says, for people
     * @param labelNames its labels, without {@code le} of a histogram
     */
    public record Description(String name, String type, String help, List<String> labelNames) {
        /** Copies the list. */
        public Description {
            labelNames = List.copyOf(labelNames);
        }
    }

    /** A counter that is counted here. */
    public final class Counter {
        private final String name;
        private final List<String> labelNames;
        private final Map<List<String>, LongAdder> series = new ConcurrentHashMap<>();

        private Counter(String name, List<String> labelNames) {
            this.name = name;
            this.labelNames = labelNames;
        }

        /** The series with these label values, in the order of the names; callers on hot paths keep it. */
        public LongAdder with(String... labelValues) {
            if (labelValues.length != labelNames.size()) {
                throw new IllegalArgumentException(name + " has the labels " + labelNames);
            }
            return series.computeIfAbsent(List.of(labelValues), _ -> new LongAdder());
        }

        private void write(StringBuilder out) {
            List<Map.Entry<List<String>, LongAdder>> entries = new ArrayList<>(series.entrySet());
            entries.sort((a, b) -> a.getKey().toString().compareTo(b.getKey().toString()));
            for (Map.Entry<List<String>, LongAdder> entry : entries) {
                out.append(name);
                writeLabels(out, labelNames, entry.getKey(), "");
                out.append(' ').append(entry.getValue().sum()).append('\n');
            }
        }
    }

    /** Registers a counter. */
    public Counter counter(String name, String help, String... labelNames) {
        Counter counter = new Counter(name, List.of(labelNames));
        register(new Description(name, "counter", help, counter.labelNames), counter::write);
        return counter;
    }

    /** Registers a counter that is counted elsewhere. */
    public void counterFrom(String name, String help, LongSupplier value) {
        register(
                new Description(name, "counter", help, List.of()),
                out -> out.append(name).append(' ').append(value.getAsLong()).append('\n'));
    }

    /**
     * Registers a counter with one label that is counted elsewhere.
     *
     * @param keys one for each value of the label
     * @param label the value of the label
     * @param value the count
     */
    public <K> void countersFrom(
            String name,
            String help,
            String labelName,
            List<K> keys,
            Function<K, String> label,
            ToLongFunction<K> value) {
        register(new Description(name, "counter", help, List.of(labelName)), out -> {
            for (K key : keys) {
                out.append(name);
                writeLabels(out, List.of(labelName), List.of(label.apply(key)), "");
                out.append(' ').append(value.applyAsLong(key)).append('\n');
            }
        });
    }

    /** Registers a value that goes up and down. */
    public void gauge(String name, String help, DoubleSupplier value) {
        register(new Description(name, "gauge", help, List.of()), out -> {
            out.append(name).append(' ');
            writeNumber(out, value.getAsDouble());
            out.append('\n');
        });
    }

    /**
     * A value with labels.
     *
     * @param labelValues in the order of the names
     * @param value the value now
     */
    public record Sample(List<String> labelValues, double value) {
        /** Copies the list. */
        public Sample {
            labelValues = List.copyOf(labelValues);
        }
    }

    /** Registers values that go up and down, one for each combination of labels that {@code samples} gives. */
    public void gauges(String name, String help, List<String> labelNames, Supplier<List<Sample>> samples) {
        sampled(name, "gauge", help, labelNames, samples);
    }

    /** Registers counters that are counted elsewhere, one for each combination of labels that {@code samples} gives. */
    public void counters(String name, String help, List<String> labelNames, Supplier<List<Sample>> samples) {
        sampled(name, "counter", help, labelNames, samples);
    }

    private void sampled(
            String name, String type, String help, List<String> labelNames, Supplier<List<Sample>> samples) {
        register(new Description(name, type, help, labelNames), out -> {
            for (Sample sample : samples.get()) {
                out.append(name);
                writeLabels(out, labelNames, sample.labelValues(), "");
                out.append(' ');
                writeNumber(out, sample.value());
                out.append('\n');
            }
        });
    }

    /** Registers a constant 1 whose labels say something. */
    public void info(String name, String help, String labelName, String labelValue) {
        register(new Description(name, "gauge", help, List.of(labelName)), out -> {
            out.append(name);
            writeLabels(out, List.of(labelName), List.of(labelValue), "");
            out.append(" 1\n");
        });
    }

    /** Registers a histogram of durations with one label. */
    public DurationHistogram durations(String name, String help, String labelName) {
        DurationHistogram histogram = new DurationHistogram(name, labelName);
        register(new Description(name, "histogram", help, List.of(labelName)), histogram::write);
        return histogram;
    }

    private void register(Description description, Family family) {
        if (families.putIfAbsent(description.name(), new Described(description, family)) != null) {
            throw new IllegalStateException("metric " + description.name() + " is registered twice");
        }
    }

    /** What each metric is, in the order of their names. */
    public List<Description> descriptions() {
        return families.values().stream().map(Described::description).toList();
    }

    /** All metrics, as Prometheus reads them. */
    public String render() {
        StringBuilder out = new StringBuilder(8192);
        for (Described metric : families.values()) {
            Description is = metric.description();
            out.append("# HELP ")
                    .append(is.name())
                    .append(' ')
                    .append(is.help())
                    .append('\n');
            out.append("# TYPE ")
                    .append(is.name())
                    .append(' ')
                    .append(is.type())
                    .append('\n');
            write(metric, out);
        }
        return out.toString();
    }

    // What one metric fails with, as for a disk that does not say how full it is, costs that metric and not all. Said
    // once until it has a value again, since scrapes come every few seconds.
    private void write(Described metric, StringBuilder out) {
        String name = metric.description().name();
        int before = out.length();
        try {
            metric.family().write(out);
            if (failing.remove(name)) {
                LOG.info("the metric {} has a value again", name);
            }
        } catch (RuntimeException e) {
            out.setLength(before);
            if (failing.add(name)) {
                LOG.error("the metric {} has no value", name, e);
            }
        }
    }

    /** Writes {@code {a="b",c="d"}}; {@code extra} is a label that is written already, or empty. */
    static void writeLabels(StringBuilder out, List<String> names, List<String> values, String extra) {
        if (names.isEmpty() && extra.isEmpty()) {
            return;
        }
        out.append('{');
        for (int i = 0; i < names.size(); i++) {
            out.append(i == 0 ? "" : ",").append(names.get(i)).append("=\"");
            writeEscaped(out, values.get(i));
            out.append('"');
        }
        out.append(names.isEmpty() || extra.isEmpty() ? "" : ",").append(extra).append('}');
    }

    private static void writeEscaped(StringBuilder out, String value) {
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            switch (c) {
                case '\\' -> out.append("\\\\");
                case '"' -> out.append("\\\"");
                case '\n' -> out.append("\\n");
                default -> out.append(c);
            }
        }
    }

    /** Writes a number, without a fraction where it has none. */
    static void writeNumber(StringBuilder out, double value) {
        if (value == Math.rint(value) && Math.abs(value) < 1e15) {
            out.append((long) value);
        } else if (Double.isFinite(value)) {
            out.append(BigDecimal.valueOf(value).stripTrailingZeros().toPlainString());
        } else {
            out.append("NaN");
        }
    }
}
