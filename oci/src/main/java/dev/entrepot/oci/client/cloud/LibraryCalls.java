package dev.entrepot.oci.client.cloud;

import dev.entrepot.oci.client.ServiceClient;
import dev.entrepot.oci.client.ServiceRequest;
import java.io.IOException;
import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * The network of a cloud's library while it gets one token. Each request goes out by {@link ServiceClient}, with its
 * limits, proxies and authorities, and none after one that failed, whatever the library would retry. It keeps why one
 * failed, since libraries wrap that in exceptions of their own, whose messages may quote answers. For one token, and
 * for one thread at a time.
 */
final class LibraryCalls {
    // They write answers into their messages. Held here, because a logger that nobody holds is forgotten with its
    // level.
    private static final List<Logger> SILENCED = List.of(
            Logger.getLogger("com.google.api.client"),
            Logger.getLogger("com.google.auth"),
            Logger.getLogger("com.microsoft.aad.msal4j"));

    static {
        SILENCED.forEach(logger -> logger.setLevel(Level.OFF));
    }

    private final ServiceClient services;
    private final String what;
    private final Rule rule;
    private Optional<ServiceRequest> last = Optional.empty();
    private Optional<IOException> refusal = Optional.empty();
    private @Nullable Stopped stopped;

    /**
     * The network for one token.
     *
     * @param what what it is asked for, as messages say it
     * @param rule where requests may go
     */
    LibraryCalls(ServiceClient services, String what, Rule rule) {
        this.services = services;
        this.what = what;
        this.rule = rule;
    }

    /** Where requests of a library may go, and how. */
    @FunctionalInterface
    interface Rule {
        /**
         * The request that goes out for one that a library wants.
         *
         * @throws IOException if none may; shows nothing of the address
         */
        ServiceRequest allowed(ServiceRequest wanted) throws IOException;
    }

    /**
     * Ends what a library does: it is no kind of exception that libraries handle. Nobody but its thrower is told by it.
     */
    static final class Stopped extends RuntimeException {
        private static final long serialVersionUID = 1;

        private final transient IOException reason;

        private Stopped(IOException reason) {
            super("a request failed", null, false, false);
            this.reason = reason;
        }
    }

    /**
     * Sends a request of the library.
     *
     * @return its answer, which may be a refusal
     * @throws Stopped if there is none, or there was none before
     */
    ServiceClient.Answer send(String method, String url, Map<String, String> headers, String body) {
        if (stopped != null) {
            throw stopped;
        }
        try {
            ServiceRequest request = rule.allowed(wanted(method, url, headers, body));
            last = Optional.of(request);
            ServiceClient.Answer answer = services.send(request);
            refusal = answer.status() == 200 ? Optional.empty() : Optional.of(services.failure(request, answer));
            return answer;
        } catch (IOException e) {
            stopped = new Stopped(e);
            throw stopped;
        }
    }

    /** As {@link #send}, for a library that is not to see refusals. */
    String ok(String method, String url, Map<String, String> headers, String body) {
        ServiceClient.Answer answer = send(method, url, headers, body);
        refusal.ifPresent(reason -> {
            stopped = new Stopped(reason);
            throw stopped;
        });
        return answer.body();
    }

    private ServiceRequest wanted(String method, String url, Map<String, String> headers, String body)
            throws IOException {
        ServiceRequest request;
        try {
            request = new ServiceRequest(what, method, URI.create(url), headers, body, false);
        } catch (IllegalArgumentException e) {
            throw new IOException(what + ": what is to be asked is no URL");
        }
        return request;
    }

    /**
     * Why a library did not get a token.
     *
     * @param unasked the reason if it never asked for one
     */
    IOException failure(Supplier<IOException> unasked) {
        if (stopped != null) {
            return stopped.reason;
        }
        return refusal.orElseGet(
                () -> last.<IOException>map(ServiceClient::unusable).orElseGet(unasked));
    }

    /**
     * The token that a library got.
     *
     * @throws dev.entrepot.oci.OutageException if it could break out of a header field or a form
     */
    String checked(@Nullable String token) throws IOException {
        if (token == null || token.isEmpty() || !token.chars().allMatch(c -> c > ' ' && c < 127)) {
            throw failure(() -> new IOException(what + ": there is no token"));
        }
        return token;
    }
}
