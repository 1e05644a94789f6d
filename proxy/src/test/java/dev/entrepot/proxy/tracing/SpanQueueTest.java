package dev.entrepot.proxy.tracing;

import static org.assertj.core.api.Assertions.assertThat;

import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Spans on their way, and what becomes of too many. */
class SpanQueueTest {
    /** Takes batches from when it is opened. */
    private static final class SlowExporter implements SpanExporter {
        private final CountDownLatch asked = new CountDownLatch(1);
        private final CountDownLatch open = new CountDownLatch(1);
        private final List<Integer> batches = new CopyOnWriteArrayList<>();
        private volatile boolean refusing;
        private volatile boolean incomplete;

        @Override
        public CompletableResultCode export(Collection<SpanData> spans) {
            try {
                asked.countDown();
                open.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            batches.add(spans.size());
            if (incomplete) {
                throw new NoClassDefFoundError("io/example/Sender");
            }
            if (refusing) {
                throw new IllegalStateException("a defect of the exporter");
            }
            return CompletableResultCode.ofSuccess();
        }

        @Override
        public CompletableResultCode flush() {
            return CompletableResultCode.ofSuccess();
        }

        @Override
        public CompletableResultCode shutdown() {
            return CompletableResultCode.ofSuccess();
        }
    }

    private final SlowExporter exporter = new SlowExporter();
    private final SpanQueue queue = new SpanQueue(exporter, "collector.test");
    private final SdkTracerProvider provider =
            SdkTracerProvider.builder().addSpanProcessor(queue).build();
    private final Tracer tracer = provider.get("test");

    private void end(int count) {
        for (int i = 0; i < count; i++) {
            tracer.spanBuilder("span").setParent(Context.root()).startSpan().end();
        }
    }

    private void shutdown() {
        provider.shutdown().join(20, TimeUnit.SECONDS);
    }

    @Test
    void whatIsTooMuchIsDroppedAndCountedAndNobodyWaits() throws Exception {
        end(512);
        assertThat(exporter.asked.await(20, TimeUnit.SECONDS)).isTrue();
        end(SpanQueue.CAPACITY + 100);

        assertThat(queue.waiting()).isEqualTo(SpanQueue.CAPACITY);
        assertThat(queue.overflown()).isEqualTo(100);
        exporter.open.countDown();
        shutdown();
        assertThat(queue.delivered()).isEqualTo(512 + SpanQueue.CAPACITY);
        assertThat(exporter.batches).allMatch(size -> size <= 512);
    }

    @Test
    void whatWaitsIsDeliveredAtTheEndAndWhatComesLaterIsDropped() {
        exporter.open.countDown();
        end(3);
        shutdown();
        assertThat(queue.delivered()).isEqualTo(3);
        assertThat(exporter.batches).containsExactly(3);
    }

    @Test
    void aReceiverThatFailsLosesItsBatchAndTheNextIsTried() throws Exception {
        exporter.open.countDown();
        exporter.refusing = true;
        end(512);
        while (queue.undelivered() < 512) {
            Thread.onSpinWait();
        }
        exporter.refusing = false;
        end(5);
        shutdown();
        assertThat(queue.delivered()).isEqualTo(5);
        assertThat(queue.overflown()).isZero();
    }

    @Test
    void aPartThatIsMissingFromTheRuntimeEndsNoDelivery() {
        exporter.open.countDown();
        exporter.incomplete = true;
        end(512);
        while (queue.undelivered() < 512) {
            Thread.onSpinWait();
        }
        exporter.incomplete = false;
        end(5);
        shutdown();
        assertThat(queue.delivered()).isEqualTo(5);
    }
}
