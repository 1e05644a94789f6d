package dev.entrepot.proxy.http;

import dev.entrepot.cache.Verdict;
import io.helidon.http.DirectHandler;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.http.ServerResponseHeaders;
import io.helidon.http.Status;
import java.util.Optional;

/**
 * Answers what could not be read as a request, in the same form as all other errors. The connection is closed
 * afterwards.
 */
public final class UnreadableRequests implements DirectHandler {
    private final RequestObserver observer;
    private final RefusedConnections connections;

    /** Tells an observer of each, and the connections of the port. */
    public UnreadableRequests(RequestObserver observer, RefusedConnections connections) {
        this.observer = observer;
        this.connections = connections;
    }

    @Override
    public TransportResponse handle(
            TransportRequest request,
            EventType type,
            Status status,
            ServerResponseHeaders headers,
            @org.jspecify.annotations.Nullable String message) {
        observer.unreadable(status.code());
        connections.refuse();
        headers.set(ReplyHeaders.JSON);
        headers.set(ReplyHeaders.NO_STORE);
        headers.set(HeaderValues.X_CONTENT_TYPE_OPTIONS_NOSNIFF);
        headers.set(ReplyHeaders.verdict(Optional.<Verdict>empty()));
        headers.remove(HeaderNames.CONTENT_LENGTH);
        byte[] body = request.method().equals("HEAD")
                ? new byte[0]
                : JsonDocuments.error(status.code() >= 500 ? "UNKNOWN" : "UNSUPPORTED", text(type, status));
        return TransportResponse.builder()
                .status(status)
                .headers(headers)
                .keepAlive(false)
                .entity(body)
                .build();
    }

    private static String text(EventType type, Status status) {
        return switch (type) {
            case HTTP_VERSION_NOT_SUPPORTED ->
                "HTTP/1.0 is not served; a reverse proxy in between must be told to use HTTP/1.1 (nginx: proxy_http_version 1.1)";
            case BAD_REQUEST, PAYLOAD_TOO_LARGE, FORBIDDEN, INTERNAL_ERROR, OTHER ->
                "the request could not be read: " + status.reasonPhrase();
        };
    }
}
