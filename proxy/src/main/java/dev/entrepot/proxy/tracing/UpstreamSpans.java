package dev.entrepot.proxy.tracing;

import dev.entrepot.oci.Cause;
import dev.entrepot.oci.Causes;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.client.Operation;
import dev.entrepot.oci.client.RequestObserver;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.LongConsumer;

/**
 * A span for each request to a registry that is sent because of one of a client, or in a run of replication: until the
 * head of its answer is there. What is sent for nobody has none.
 *
 * @param counted hears of everything as well
 * @param told the registries that are told which trace a request belongs to
 */
record UpstreamSpans(RequestObserver counted, Set<RegistryHost> told) implements RequestObserver {
    @Override
    public void completed(RegistryHost registry, Operation operation, OptionalInt status, Duration took) {
        counted.completed(registry, operation, status, took);
    }

    @Override
    public LongConsumer receiving(RegistryHost registry, Operation operation) {
        return counted.receiving(registry, operation);
    }

    @Override
    public Sending sending(RegistryHost registry, Operation operation, String method, URI uri) {
        Optional<Cause> cause = Causes.current();
        return cause.isPresent() && cause.get() instanceof SpanCause parent
                ? new Sent(begin(parent, registry, operation, method, uri), told.contains(registry))
                : Sending.UNFOLLOWED;
    }

    private static Span begin(SpanCause parent, RegistryHost registry, Operation operation, String method, URI uri) {
        return parent.tracer()
                .spanBuilder(method + " " + operation.label())
                .setSpanKind(SpanKind.CLIENT)
                .setParent(parent.context())
                .setAttribute(SpanAttributes.METHOD, method)
                .setAttribute(SpanAttributes.URL, SpanAttributes.url(uri))
                .setAttribute(SpanAttributes.SERVER, String.valueOf(uri.getHost()))
                .setAttribute(SpanAttributes.SERVER_PORT, SpanAttributes.port(uri))
                .setAttribute(SpanAttributes.UPSTREAM, registry.value())
                .setAttribute(SpanAttributes.OPERATION, operation.label())
                .startSpan();
    }

    private record Sent(Span span, boolean told) implements Sending {
        @Override
        public void ended(OptionalInt status) {
            if (status.isPresent()) {
                span.setAttribute(SpanAttributes.STATUS, (long) status.getAsInt());
            }
            if (status.isEmpty() || status.getAsInt() >= 400) {
                span.setAttribute(
                        SpanAttributes.ERROR_TYPE,
                        status.isPresent() ? Integer.toString(status.getAsInt()) : "no_answer");
                span.setStatus(StatusCode.ERROR);
            }
            span.end();
        }

        @Override
        public Optional<String> traceparent() {
            if (!told) {
                return Optional.empty();
            }
            SpanContext context = span.getSpanContext();
            return Optional.of("00-" + context.getTraceId() + "-" + context.getSpanId() + "-"
                    + context.getTraceFlags().asHex());
        }
    }
}
