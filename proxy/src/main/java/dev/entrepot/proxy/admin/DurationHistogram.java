package dev.entrepot.proxy.admin;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.LongAdder;

/** How many durations fell below which bound. Safe for all threads; recording takes no lock. */
public final class DurationHistogram {
    private static final double[] BOUNDS_SECONDS = {
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300
    };
    private static final long[] BOUNDS_NANOS = boundsNanos();

    private final String name;
    private final String labelName;
    private final Map<String, Series> series = new ConcurrentSkipListMap<>();

    DurationHistogram(String name, String labelName) {
        this.name = name;
        this.labelName = labelName;
    }

    private static long[] boundsNanos() {
        long[] nanos = new long[BOUNDS_SECONDS.length];
        for (int i = 0; i < nanos.length; i++) {
            nanos[i] = Math.round(BOUNDS_SECONDS[i] * 1e9);
        }
        return nanos;
    }

    /** The durations of one label value. */
    public static final class Series {
        private final LongAdder[] buckets = new LongAdder[BOUNDS_NANOS.length + 1];
        private final LongAdder sumNanos = new LongAdder();

        private Series() {
            for (int i = 0; i < buckets.length; i++) {
                buckets[i] = new LongAdder();
            }
        }

        /** Records one duration. */
        public void record(long nanos) {
            int bucket = 0;
            while (bucket < BOUNDS_NANOS.length && nanos > BOUNDS_NANOS[bucket]) {
                bucket++;
            }
            buckets[bucket].increment();
            sumNanos.add(nanos);
        }
    }

    /** The series with this label value; callers on hot paths keep it. */
    public Series with(String labelValue) {
        return series.computeIfAbsent(labelValue, _ -> new Series());
    }

    void write(StringBuilder out) {
        series.forEach((label, values) -> {
            List<String> names = List.of(labelName);
            List<String> labels = List.of(label);
            long below = 0;
            for (int i = 0; i <= BOUNDS_NANOS.length; i++) {
                below += values.buckets[i].sum();
                StringBuilder bound = new StringBuilder("le=\"");
                if (i == BOUNDS_NANOS.length) {
                    bound.append("+Inf");
                } else {
                    Metrics.writeNumber(bound, BOUNDS_SECONDS[i]);
                }
                out.append(name).append("_bucket");
                Metrics.writeLabels(out, names, labels, bound.append('"').toString());
                out.append(' ').append(below).append('\n');
            }
            out.append(name).append("_sum");
            Metrics.writeLabels(out, names, labels, "");
            out.append(' ').append(values.sumNanos.sum() / 1e9).append('\n');
            out.append(name).append("_count");
            Metrics.writeLabels(out, names, labels, "");
            out.append(' ').append(below).append('\n');
        });
    }
}
