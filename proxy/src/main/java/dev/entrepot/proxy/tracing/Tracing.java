package dev.entrepot.proxy.tracing;

import dev.entrepot.config.TracingConfig;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.proxy.admin.Metrics;
import dev.entrepot.proxy.http.RequestTracing;
import dev.entrepot.proxy.replication.RunTracing;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporterBuilder;
import io.opentelemetry.sdk.common.export.RetryPolicy;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.SpanLimits;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import io.opentelemetry.sdk.trace.samplers.Sampler;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;

/** Traces of one server, from spans being made to their delivery. Its own counts are in the metrics. Thread-safe. */
public final class Tracing implements AutoCloseable {
    private static final Duration CONNECT = Duration.ofSeconds(5);
    private static final Duration ANSWER = Duration.ofSeconds(10);
    private static final Duration CLOSE = Duration.ofSeconds(5);
    // A collector may close an idle connection at any time, which shows only when it is used.
    private static final RetryPolicy ONCE_MORE = RetryPolicy.builder()
            .setMaxAttempts(2)
            .setInitialBackoff(Duration.ofMillis(100))
            .setMaxBackoff(Duration.ofSeconds(1))
            .build();
    private static final int MOST_CHARACTERS = 1024;

    // The queue says what cannot be delivered, once. Held here because the level would be forgotten with the logger.
    private final Logger exporterLog = Logger.getLogger("io.opentelemetry.exporter");
    private final SpanQueue queue;
    private final SdkTracerProvider provider;
    private final Tracer tracer;
    private final Set<RegistryHost> told;

    private Tracing(TracingConfig config, SpanExporter exporter, String version, String instance) {
        exporterLog.setLevel(Level.OFF);
        this.queue = new SpanQueue(exporter, config.endpoint().getAuthority());
        this.told = Set.copyOf(config.tell());
        this.provider = SdkTracerProvider.builder()
                .setResource(Resource.getDefault()
                        .merge(Resource.create(Attributes.builder()
                                .put("service.name", "entrepot")
                                .put("service.version", version)
                                .put("service.instance.id", instance)
                                .build())))
                .setSampler(Sampler.parentBased(Sampler.traceIdRatioBased(1.0 / config.oneIn())))
                .setSpanLimits(SpanLimits.builder()
                        .setMaxAttributeValueLength(MOST_CHARACTERS)
                        .build())
                .addSpanProcessor(queue)
                .build();
        this.tracer = provider.tracerBuilder("dev.entrepot")
                .setInstrumentationVersion(version)
                .build();
    }

    /**
     * Begins to trace; connects to nothing before the first spans are delivered.
     *
     * @param version of this program
     * @param instance what tells this server from others
     * @throws IOException if the file with the authorities cannot be read, or holds none; names it
     */
    public static Tracing open(TracingConfig config, String version, String instance) throws IOException {
        OtlpHttpSpanExporterBuilder builder = OtlpHttpSpanExporter.builder()
                .setEndpoint(config.endpoint().toString())
                .setConnectTimeout(CONNECT)
                .setTimeout(ANSWER)
                .setRetryPolicy(ONCE_MORE);
        config.headers().forEach((name, value) -> builder.addHeader(name.text(), value.reveal()));
        if (config.ca().isPresent()) {
            builder.setTrustedCertificates(authorities(config.ca().get()));
        }
        return new Tracing(config, builder.build(), version, instance);
    }

    // The library would call what is no certificate a defect of this program.
    private static byte[] authorities(Path pem) throws IOException {
        byte[] bytes = Files.readAllBytes(pem);
        try {
            if (!CertificateFactory.getInstance("X.509")
                    .generateCertificates(new ByteArrayInputStream(bytes))
                    .isEmpty()) {
                return bytes;
            }
        } catch (CertificateException e) {
            throw new IOException(pem + ", which tracing.ca names, holds something that is no PEM certificate", e);
        }
        throw new IOException(pem + ", which tracing.ca names, holds no PEM certificate");
    }

    /** Registers what is counted here. */
    public void register(Metrics metrics) {
        metrics.counterFrom(
                "entrepot_trace_spans_delivered_total", "Spans that the receiver has taken.", queue::delivered);
        metrics.counters(
                "entrepot_trace_spans_dropped_total",
                "Spans that were dropped, because too many waited or because the receiver did not take them.",
                List.of("reason"),
                () -> List.of(
                        new Metrics.Sample(List.of("full"), queue.overflown()),
                        new Metrics.Sample(List.of("undelivered"), queue.undelivered())));
        metrics.gauge("entrepot_trace_spans_waiting", "Spans that wait to be delivered.", queue::waiting);
    }

    /** Follows requests of clients that come over a scheme. */
    public RequestTracing requests(String scheme) {
        return new ClientSpans(tracer, scheme);
    }

    /** A world in which requests to registries are followed, and in which whoever heard of them before still does. */
    public ClientEnvironment follow(ClientEnvironment world) {
        return world.withObserver(new UpstreamSpans(world.observer(), told));
    }

    /** Follows runs of replication. */
    public RunTracing runs() {
        return name ->
                Optional.of(SpanCause.begin(tracer, "replication", Context.root(), Map.of("entrepot.rule", name)));
    }

    /** Delivers what waits, for some seconds at most. */
    @Override
    public void close() {
        provider.shutdown().join(CLOSE.toSeconds(), TimeUnit.SECONDS);
    }
}
