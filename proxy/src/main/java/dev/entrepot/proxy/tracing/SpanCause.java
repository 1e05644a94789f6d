package dev.entrepot.proxy.tracing;

import dev.entrepot.oci.Cause;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import java.util.Map;
import java.util.Optional;

/**
 * A span that work is done for.
 *
 * @param span the span
 * @param tracer begins its children
 */
record SpanCause(Span span, Tracer tracer) implements Cause {
    /** Where its children belong. */
    Context context() {
        return Context.root().with(span);
    }

    @Override
    public String traceId() {
        return span.getSpanContext().getTraceId();
    }

    @Override
    public Work begin(String name, Map<String, String> facts) {
        return begin(tracer, name, context(), facts);
    }

    /** Begins a span, under a parent or, with the root context, under none. */
    static Work begin(Tracer tracer, String name, Context parent, Map<String, String> facts) {
        Span child = tracer.spanBuilder(name).setParent(parent).startSpan();
        facts.forEach(child::setAttribute);
        return new SpanWork(new SpanCause(child, tracer));
    }

    @Override
    public void joins(Cause other) {
        if (other instanceof SpanCause(Span theirs, Tracer _)) {
            span.addLink(theirs.getSpanContext());
        }
    }

    private record SpanWork(SpanCause cause) implements Work {
        @Override
        public void ended(Optional<String> failure) {
            Span span = cause.span();
            failure.ifPresent(why -> {
                span.setAttribute(SpanAttributes.ERROR_TYPE, why);
                span.setStatus(StatusCode.ERROR);
            });
            span.end();
        }
    }
}
