package dev.entrepot.proxy.admin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.cache.Verdict;
import dev.entrepot.oci.testing.LogLines;
import dev.entrepot.proxy.http.RequestKind;
import dev.entrepot.proxy.http.RequestRecord;
import dev.entrepot.proxy.http.RequestRecord.Ending;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

class MetricsTest {
    private final Metrics metrics = new Metrics();

    @Test
    void countersAreWrittenWithTheirLabels() {
        Metrics.Counter counter = metrics.counter("c_total", "Help.", "a", "b");
        counter.with("1", "quote\" slash\\ line\n").add(3);
        counter.with("2", "").increment();
        metrics.counterFrom("d_total", "Elsewhere.", () -> 7);
        metrics.info("i", "Info.", "version", "1.0");
        assertThat(metrics.render())
                .isEqualTo("# HELP c_total Help.\n# TYPE c_total counter\n"
                        + "c_total{a=\"1\",b=\"quote\\\" slash\\\\ line\\n\"} 3\nc_total{a=\"2\",b=\"\"} 1\n"
                        + "# HELP d_total Elsewhere.\n# TYPE d_total counter\nd_total 7\n"
                        + "# HELP i Info.\n# TYPE i gauge\ni{version=\"1.0\"} 1\n");
    }

    @Test
    void histogramBucketsAreCumulative() {
        DurationHistogram histogram = metrics.durations("h_seconds", "Help.", "kind");
        histogram.with("x").record(500_000);
        histogram.with("x").record(2_000_000);
        histogram.with("x").record(400_000_000_000L);
        assertThat(metrics.render())
                .contains(
                        "# TYPE h_seconds histogram\n",
                        "h_seconds_bucket{kind=\"x\",le=\"0.0005\"} 1\nh_seconds_bucket{kind=\"x\",le=\"0.001\"} 1\n"
                                + "h_seconds_bucket{kind=\"x\",le=\"0.0025\"} 2\n",
                        "h_seconds_bucket{kind=\"x\",le=\"300\"} 2\nh_seconds_bucket{kind=\"x\",le=\"+Inf\"} 3\n",
                        "h_seconds_sum{kind=\"x\"} 400.0025\nh_seconds_count{kind=\"x\"} 3\n");
    }

    @Test
    void gaugesAreReadWhenTheyAreWritten() {
        double[] value = {1};
        metrics.gauge("g", "Help.", () -> value[0]);
        assertThat(metrics.render()).endsWith("g 1\n");
        value[0] = 1.5;
        assertThat(metrics.render()).endsWith("g 1.5\n");
    }

    @Test
    void metricThatFailsCostsNoOther() {
        metrics.gauge("a", "Help.", () -> 1);
        AtomicBoolean fails = new AtomicBoolean(true);
        metrics.gauges("b", "Help.", List.of("x"), () -> {
            if (fails.get()) {
                throw new UncheckedIOException(new IOException("the disk does not say"));
            }
            return List.of();
        });
        metrics.gauge("c", "Help.", () -> 3);
        try (LogLines log = LogLines.of(Metrics.class)) {
            assertThat(metrics.render())
                    .isEqualTo("# HELP a Help.\n# TYPE a gauge\na 1\n# HELP b Help.\n# TYPE b gauge\n"
                            + "# HELP c Help.\n# TYPE c gauge\nc 3\n");
            metrics.render();
            assertThat(log.texts()).containsExactly("the metric b has no value");
            fails.set(false);
            metrics.render();
            assertThat(log.texts()).endsWith("the metric b has a value again");
        }
    }

    @Test
    void noNameIsRegisteredTwice() {
        metrics.gauge("g", "Help.", () -> 1);
        assertThatThrownBy(() -> metrics.counter("g", "Help.")).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void requestsAreCountedByWhatBecameOfThem() {
        RequestMetrics requests = new RequestMetrics(metrics);
        requests.started();
        requests.started();
        requests.finished(new RequestRecord(
                0,
                null,
                "",
                "GET",
                "/",
                "",
                RequestKind.BLOB,
                200,
                100,
                1_000_000,
                Optional.of(Verdict.JOINED),
                null,
                "",
                Ending.GONE));
        requests.unreadable(400);
        assertThat(metrics.render())
                .contains(
                        "entrepot_requests_total{kind=\"blob\",status=\"200\",verdict=\"joined\"} 1\n",
                        "entrepot_response_bytes_total{kind=\"blob\"} 100\n",
                        "entrepot_unfinished_responses_total{ending=\"gone\"} 1\n",
                        "entrepot_requests_active 1\n",
                        "entrepot_request_seconds_count{kind=\"blob\"} 1\n",
                        "entrepot_unreadable_requests_total{status=\"400\"} 1\n");
    }
}
