package dev.entrepot.proxy.tracing;

import dev.entrepot.oci.Causes;
import dev.entrepot.proxy.http.RequestKind;
import dev.entrepot.proxy.http.RequestRecord;
import dev.entrepot.proxy.http.RequestRecord.Ending;
import dev.entrepot.proxy.http.RequestTracing;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** A span for each request of a client: a child of the client's own, where it names one. Safe for all threads. */
final class ClientSpans implements RequestTracing {
    // That of version 00 has 55; later ones may add something.
    private static final int MOST_TRACEPARENT = 128;
    private static final TextMapGetter<String> ONLY_TRACEPARENT = new TextMapGetter<>() {
        @Override
        public Iterable<String> keys(String carrier) {
            return List.of("traceparent");
        }

        @Override
        public @Nullable String get(@Nullable String carrier, String key) {
            return key.equals("traceparent") ? carrier : null;
        }
    };

    private final Tracer tracer;
    private final String scheme;

    /** Spans of requests that came over {@code scheme}. */
    ClientSpans(Tracer tracer, String scheme) {
        this.tracer = tracer;
        this.scheme = scheme;
    }

    @Override
    public Followed begin(String method, Optional<String> traceparent) {
        Span span = tracer.spanBuilder(SpanAttributes.method(method))
                .setSpanKind(SpanKind.SERVER)
                .setParent(parent(traceparent))
                .startSpan();
        return new Request(new SpanCause(span, tracer), scheme);
    }

    private static Context parent(Optional<String> traceparent) {
        return traceparent.isPresent() && traceparent.get().length() <= MOST_TRACEPARENT
                ? W3CTraceContextPropagator.getInstance().extract(Context.root(), traceparent.get(), ONLY_TRACEPARENT)
                : Context.root();
    }

    private record Request(SpanCause cause, String scheme) implements Followed {
        @Override
        public boolean during(BooleanSupplier work) {
            return Causes.call(cause, work::getAsBoolean);
        }

        @Override
        public void ended(RequestRecord request) {
            Span span = cause.span();
            if (span.isRecording()) {
                describe(span, request);
            }
            span.end();
        }

        private void describe(Span span, RequestRecord request) {
            String method = SpanAttributes.method(request.method());
            span.setAttribute(SpanAttributes.METHOD, method);
            span.setAttribute(SpanAttributes.SCHEME, scheme);
            span.setAttribute(SpanAttributes.PATH, request.path());
            span.setAttribute(SpanAttributes.PROTOCOL, "1.1");
            route(request.kind()).ifPresent(route -> {
                span.setAttribute(SpanAttributes.ROUTE, route);
                span.updateName(method + " " + route);
            });
            if (request.status() > 0) {
                span.setAttribute(SpanAttributes.STATUS, (long) request.status());
            }
            span.setAttribute(SpanAttributes.RESPONSE_BYTES, request.bodyBytes());
            if (request.client() instanceof InetSocketAddress client && client.getAddress() != null) {
                span.setAttribute(SpanAttributes.CLIENT, client.getAddress().getHostAddress());
            }
            if (!request.userAgent().isEmpty()) {
                span.setAttribute(SpanAttributes.USER_AGENT, request.userAgent());
            }
            request.verdict().ifPresent(verdict -> span.setAttribute(SpanAttributes.VERDICT, verdict.headerValue()));
            if (request.upstream() != null) {
                span.setAttribute(SpanAttributes.UPSTREAM, request.upstream().value());
            }
            failure(request).ifPresent(why -> {
                span.setAttribute(SpanAttributes.ERROR_TYPE, why);
                span.setStatus(StatusCode.ERROR);
            });
        }

        private static Optional<String> failure(RequestRecord request) {
            if (request.ending() == Ending.CUT) {
                return Optional.of(request.ending().label());
            }
            return request.status() >= 500 ? Optional.of(Integer.toString(request.status())) : Optional.empty();
        }

        private static Optional<String> route(RequestKind kind) {
            return switch (kind) {
                case PING -> Optional.of("/v2/");
                case CATALOG -> Optional.of("/v2/_catalog");
                case MANIFEST -> Optional.of("/v2/{name}/manifests/{reference}");
                case BLOB -> Optional.of("/v2/{name}/blobs/{digest}");
                case TAGS -> Optional.of("/v2/{name}/tags/list");
                case REFERRERS -> Optional.of("/v2/{name}/referrers/{digest}");
                case TOKEN -> Optional.of("/token");
                case PUSH, OTHER -> Optional.empty();
            };
        }
    }
}
