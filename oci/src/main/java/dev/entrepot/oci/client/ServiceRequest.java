package dev.entrepot.oci.client;

import java.net.URI;
import java.util.Map;
import java.util.TreeMap;

/**
 * One small request to a service that gives credentials.
 *
 * @param what what for, as messages say it: "asking for a token of ECR"
 * @param method HTTP method
 * @param uri where to
 * @param headers header fields, names without regard to case
 * @param body its body, empty for none; its type is a header field
 * @param direct never through an HTTP proxy: what is on this machine's own link
 */
public record ServiceRequest(
        String what, String method, URI uri, Map<String, String> headers, String body, boolean direct) {
    /** Copies the header fields. */
    public ServiceRequest {
        Map<String, String> copy = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        copy.putAll(headers);
        headers = copy;
    }

    /** A request without header fields and body. */
    public static ServiceRequest of(String what, String method, URI uri) {
        return new ServiceRequest(what, method, uri, Map.of(), "", false);
    }

    /** This with a header field. */
    public ServiceRequest with(String name, String value) {
        Map<String, String> more = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        more.putAll(headers);
        more.put(name, value);
        return new ServiceRequest(what, method, uri, more, body, direct);
    }

    /** This with a body. */
    public ServiceRequest withBody(String contentType, String content) {
        ServiceRequest typed = with("Content-Type", contentType);
        return new ServiceRequest(what, method, uri, typed.headers, content, direct);
    }

    /** This, to another address. */
    public ServiceRequest at(URI newUri) {
        return new ServiceRequest(what, method, newUri, headers, body, direct);
    }

    /** This, past all proxies. */
    public ServiceRequest directly() {
        return new ServiceRequest(what, method, uri, headers, body, true);
    }

    // Header fields, query and body may be secrets.
    @Override
    public String toString() {
        return method + " " + what;
    }
}
