package dev.entrepot.proxy.tracing;

import io.opentelemetry.api.common.AttributeKey;
import java.net.URI;
import java.util.Set;

/**
 * The attributes that spans have here: those of OpenTelemetry's conventions for HTTP, and a few of our own. None holds
 * a query, a header or a user.
 */
final class SpanAttributes {
    static final AttributeKey<String> METHOD = AttributeKey.stringKey("http.request.method");
    static final AttributeKey<Long> STATUS = AttributeKey.longKey("http.response.status_code");
    static final AttributeKey<String> ROUTE = AttributeKey.stringKey("http.route");
    static final AttributeKey<Long> RESPONSE_BYTES = AttributeKey.longKey("http.response.body.size");
    static final AttributeKey<String> SCHEME = AttributeKey.stringKey("url.scheme");
    static final AttributeKey<String> PATH = AttributeKey.stringKey("url.path");
    static final AttributeKey<String> URL = AttributeKey.stringKey("url.full");
    static final AttributeKey<String> SERVER = AttributeKey.stringKey("server.address");
    static final AttributeKey<Long> SERVER_PORT = AttributeKey.longKey("server.port");
    static final AttributeKey<String> CLIENT = AttributeKey.stringKey("client.address");
    static final AttributeKey<String> USER_AGENT = AttributeKey.stringKey("user_agent.original");
    static final AttributeKey<String> PROTOCOL = AttributeKey.stringKey("network.protocol.version");
    static final AttributeKey<String> ERROR_TYPE = AttributeKey.stringKey("error.type");
    static final AttributeKey<String> VERDICT = AttributeKey.stringKey("entrepot.cache");
    static final AttributeKey<String> UPSTREAM = AttributeKey.stringKey("entrepot.upstream");
    static final AttributeKey<String> OPERATION = AttributeKey.stringKey("entrepot.operation");

    // Whatever else a client sends is not let into names.
    private static final Set<String> METHODS =
            Set.of("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE");

    private SpanAttributes() {}

    /** The method as the conventions have it: one of the known ones. */
    static String method(String sent) {
        return METHODS.contains(sent) ? sent : "_OTHER";
    }

    /** Where a request goes, without user and query. */
    static String url(URI uri) {
        return uri.getScheme() + "://" + uri.getHost() + (uri.getPort() < 0 ? "" : ":" + uri.getPort())
                + (uri.getRawPath() == null ? "" : uri.getRawPath());
    }

    /** The port that a request goes to. */
    static long port(URI uri) {
        return uri.getPort() >= 0 ? uri.getPort() : "https".equalsIgnoreCase(uri.getScheme()) ? 443 : 80;
    }
}
