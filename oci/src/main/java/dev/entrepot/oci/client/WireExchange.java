package dev.entrepot.oci.client;

import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.OutageException.Reason;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.LongConsumer;
import org.apache.hc.client5.http.classic.methods.HttpUriRequestBase;
import org.apache.hc.client5.http.config.Configurable;
import org.apache.hc.client5.http.config.RequestConfig;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.protocol.HttpClientContext;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.HttpEntity;
import org.apache.hc.core5.http.HttpHost;
import org.apache.hc.core5.util.Timeout;

/** Puts a request on the wire as it is, and tells the observer. */
final class WireExchange implements Exchange {
    private static final Duration PROBE_TIMEOUT = Duration.ofSeconds(10);
    // Each byte of an answer may come in time, and all together never end.
    private static final Duration LONGEST = Duration.ofMinutes(5);
    // What is streamed out takes as long as it takes, and is watched by itself.
    private static final Duration LONGEST_OUT = Duration.ofDays(7);

    private static final int REQUEST_TIMEOUT = 408;
    private static final int PROXY_WANTS_PASSWORD = 407;

    private final CloseableHttpClient http;
    private final HttpTransport transport;
    private final RegistryEndpoint endpoint;
    private final ClientEnvironment environment;
    private final Duration longest;
    private final OverdueWatch watch;

    WireExchange(HttpTransport transport, RegistryEndpoint endpoint, ClientEnvironment environment) {
        this(transport, endpoint, environment, LONGEST);
    }

    /**
     * As above, with another bound.
     *
     * @param longest how long the head of an answer may take, and how long its body, unless it is a blob's
     */
    WireExchange(HttpTransport transport, RegistryEndpoint endpoint, ClientEnvironment environment, Duration longest) {
        this.longest = longest;
        Duration progress = endpoint.progressTimeout();
        this.watch = new OverdueWatch(progress.compareTo(longest) < 0 ? progress : longest);
        this.http = transport.http();
        this.transport = transport;
        this.endpoint = endpoint;
        this.environment = environment;
    }

    @Override
    public ApiResponse send(ApiRequest request) throws IOException {
        HttpUriRequestBase message = message(request);
        Optional<OutgoingEntity> entity = entity(request.body(), message);
        if (entity.isEmpty()) {
            return request.isReading() ? read(request, message) : send(request, message, entity, context());
        }
        message.setEntity(entity.get());
        try {
            entity.get().open();
            return send(request, message, entity, context());
        } finally {
            entity.get().release();
        }
    }

    // What was on its way when a kept connection was taken is no answer to this request: the rest of an earlier answer,
    // or what a peer says that is about to close a connection which nobody has used for long. A new one has nothing of
    // an earlier answer.
    private ApiResponse read(ApiRequest request, HttpUriRequestBase message) throws IOException {
        HttpClientContext context = context();
        try {
            ApiResponse response = send(request, message, Optional.empty(), context);
            if (response.status() != REQUEST_TIMEOUT || !isKept(context)) {
                return response;
            }
            response.close();
        } catch (OutageException e) {
            if (!(e.getCause() instanceof NoStatusLineException) || !isKept(context)) {
                throw e;
            }
        }
        transport.dropIdle();
        return send(request, message(request), Optional.empty(), context());
    }

    private static HttpClientContext context() {
        return HttpClientContext.create();
    }

    private static boolean isKept(HttpClientContext context) {
        return context.getEndpointDetails() instanceof KeptConnection.Details connection && connection.isKept();
    }

    private HttpUriRequestBase message(ApiRequest request) {
        HttpUriRequestBase message = new HttpUriRequestBase(request.method(), request.uri());
        // What is fetched is verified by its digest, resumed by offset and handed on as it is.
        message.setHeader("Accept-Encoding", "identity");
        request.headers().forEach(message::setHeader);
        if (request.probe() && http instanceof Configurable configured) {
            message.setConfig(RequestConfig.copy(configured.getConfig())
                    .setResponseTimeout(shorter(endpoint.progressTimeout()))
                    .build());
        }
        return message;
    }

    private ApiResponse send(
            ApiRequest request, HttpUriRequestBase message, Optional<OutgoingEntity> entity, HttpClientContext context)
            throws IOException {
        Origin origin = Origin.of(request.uri());
        Optional<String> proxy = transport.proxyFor(origin);
        RequestObserver.Sending sending = environment
                .observer()
                .sending(endpoint.registry(), request.operation(), request.method(), request.uri());
        if (origin.equals(Origin.of(endpoint.baseUrl()))) {
            sending.traceparent().ifPresent(value -> message.setHeader("traceparent", value));
        }
        Instant start = environment.clock().instant();
        OptionalInt status = OptionalInt.empty();
        HeadBound bound = new HeadBound(
                watch, request.body() instanceof RequestBody.Stream ? LONGEST_OUT : longest, message::cancel);
        try {
            ClassicHttpResponse response =
                    http.executeOpen(new HttpHost(origin.scheme(), origin.host(), origin.port()), message, context);
            status = OptionalInt.of(response.getCode());
            count(request, response);
            ApiResponse answer = bounded(new ApiResponse(request, response, message::cancel));
            if (proxy.isPresent() && isOfProxy(origin, answer.status(), context)) {
                answer.isBy(WireFaults.proxy(proxy.get(), request.host()));
                refuse(answer);
            }
            return answer;
        } catch (IOException e) {
            if (bound.hasFired()) {
                throw new OutageException(
                        Reason.TIMEOUT, request.what() + ": " + request.host() + " took too long to answer", e);
            }
            if (entity.filter(OutgoingEntity::hasStalled).isPresent()) {
                throw new OutageException(
                        Reason.TIMEOUT, request.what() + ": " + request.host() + " stopped taking bytes", e);
            }
            if (WireFaults.isAbandoned(e) && !message.isCancelled()) {
                transport.dropIdle();
            }
            throw WireFaults.translate(e, request.what(), request.host(), proxy);
        } catch (IllegalArgumentException e) {
            // Where to may have been said by an answer.
            throw new OutageException(
                    Reason.SERVER_ERROR, request.what() + ": " + request.host() + " cannot be asked", e);
        } catch (Error e) {
            // The library gives no connection back then.
            message.cancel();
            throw e;
        } finally {
            bound.close();
            Duration took = Duration.between(start, environment.clock().instant());
            sending.ended(status);
            environment.observer().completed(endpoint.registry(), request.operation(), status, took);
        }
    }

    // What comes before there is TLS answers the question for a tunnel, and not the request.
    private static boolean isOfProxy(Origin origin, int status, HttpClientContext context) {
        return status == PROXY_WANTS_PASSWORD || origin.isSecure() && context.getSSLSession() == null;
    }

    // Whatever a proxy answers says nothing of what the registry would have said, nor of its quota. What its wish for a
    // password means is said where statuses are.
    private static void refuse(ApiResponse answer) throws OutageException {
        if (answer.status() != PROXY_WANTS_PASSWORD) {
            answer.close();
            throw new OutageException(
                    Reason.SERVER_ERROR, answer.sender() + " answered " + answer.status() + " in place of connecting");
        }
    }

    private void count(ApiRequest request, ClassicHttpResponse response) {
        HttpEntity body = response.getEntity();
        if (body != null) {
            LongConsumer received = environment.observer().receiving(endpoint.registry(), request.operation());
            response.setEntity(new CountedEntity(body, received));
        }
    }

    private ApiResponse bounded(ApiResponse response) {
        long start = environment.nanoTime().getAsLong();
        response.endWhen(() -> environment.nanoTime().getAsLong() - start > longest.toNanos());
        return response;
    }

    private static Timeout shorter(Duration progressTimeout) {
        return Timeout.of(progressTimeout.compareTo(PROBE_TIMEOUT) < 0 ? progressTimeout : PROBE_TIMEOUT);
    }

    private Optional<OutgoingEntity> entity(RequestBody body, HttpUriRequestBase message) {
        return switch (body) {
            case RequestBody.None none -> Optional.empty();
            case RequestBody.Bytes bytes -> Optional.of(entity(OutgoingEntity.stream(bytes), message));
            case RequestBody.Stream stream -> Optional.of(entity(stream, message));
        };
    }

    private OutgoingEntity entity(RequestBody.Stream stream, HttpUriRequestBase message) {
        return new OutgoingEntity(stream, watch, endpoint.progressTimeout(), message::cancel);
    }
}
