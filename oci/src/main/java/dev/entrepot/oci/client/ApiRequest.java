package dev.entrepot.oci.client;

import dev.entrepot.oci.Repository;
import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * One request to a registry, before credentials, redirects and repetitions.
 *
 * @param operation what for, as metrics count it
 * @param what what for, as messages say it: "fetching manifest docker.io/library/alpine:3"
 * @param method HTTP method
 * @param uri where to
 * @param headers header fields, names without regard to case
 * @param body the body
 * @param repository the repository that it concerns, for credentials
 * @param scopes what a token for it must allow; empty if the registry's challenge alone decides
 * @param redirects how redirects are dealt with
 * @param repeatable whether it may be sent again after a failure
 * @param priority how urgent it is
 * @param probe whether it shows that a registry is back after an outage, and waits for the head of its answer for a
 *     short time only
 */
record ApiRequest(
        Operation operation,
        String what,
        String method,
        URI uri,
        Map<String, String> headers,
        RequestBody body,
        Optional<Repository> repository,
        List<Scope> scopes,
        Redirects redirects,
        boolean repeatable,
        Priority priority,
        boolean probe) {

    static final String AUTHORIZATION = "Authorization";
    private static final String OURS = "X-Entrepot-";

    /** How redirects are dealt with. */
    enum Redirects {
        /** Followed wherever the address policy allows. */
        FOLLOW,
        /** Followed within the origin; the answer that leads elsewhere is handed to the caller. */
        SAME_ORIGIN,
        /**
         * Followed within the origin, and elsewhere to where the same thing is asked: a path with the same end. Any
         * other answer that leads elsewhere, as to a page to log in, is handed to the caller.
         */
        SAME_QUESTION
    }

    /** Copies the collections. */
    ApiRequest {
        TreeMap<String, String> copy = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        copy.putAll(headers);
        headers = copy;
        scopes = List.copyOf(scopes);
    }

    /** A request without headers and body that follows redirects and may be repeated. */
    static ApiRequest of(Operation operation, String what, String method, URI uri, Priority priority) {
        return new ApiRequest(
                operation,
                what,
                method,
                uri,
                Map.of(),
                RequestBody.NONE,
                Optional.empty(),
                List.of(),
                Redirects.FOLLOW,
                true,
                priority,
                false);
    }

    ApiRequest withHeader(String name, String value) {
        Map<String, String> more = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        more.putAll(headers);
        more.put(name, value);
        return new ApiRequest(
                operation, what, method, uri, more, body, repository, scopes, redirects, repeatable, priority, probe);
    }

    ApiRequest withoutHeader(String name) {
        Map<String, String> fewer = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        fewer.putAll(headers);
        fewer.remove(name);
        return new ApiRequest(
                operation, what, method, uri, fewer, body, repository, scopes, redirects, repeatable, priority, probe);
    }

    /** Without what is shown to the origin alone: a credential, and headers that a server of this program takes. */
    ApiRequest withoutSecrets() {
        ApiRequest fewer = withoutHeader(AUTHORIZATION);
        for (String name : headers.keySet()) {
            if (name.regionMatches(true, 0, OURS, 0, OURS.length())) {
                fewer = fewer.withoutHeader(name);
            }
        }
        return fewer;
    }

    ApiRequest withUri(URI newUri) {
        return new ApiRequest(
                operation,
                what,
                method,
                newUri,
                headers,
                body,
                repository,
                scopes,
                redirects,
                repeatable,
                priority,
                probe);
    }

    /** The same question by another method. */
    ApiRequest as(Operation otherOperation, String otherMethod) {
        return new ApiRequest(
                otherOperation,
                what,
                otherMethod,
                uri,
                headers,
                body,
                repository,
                scopes,
                redirects,
                repeatable,
                priority,
                probe);
    }

    ApiRequest withBody(RequestBody newBody) {
        return new ApiRequest(
                operation,
                what,
                method,
                uri,
                headers,
                newBody,
                repository,
                scopes,
                redirects,
                repeatable,
                priority,
                probe);
    }

    ApiRequest withAccess(Repository toRepository, Scope... newScopes) {
        return new ApiRequest(
                operation,
                what,
                method,
                uri,
                headers,
                body,
                Optional.of(toRepository),
                List.of(newScopes),
                redirects,
                repeatable,
                priority,
                probe);
    }

    ApiRequest withScopes(List<Scope> newScopes) {
        return new ApiRequest(
                operation,
                what,
                method,
                uri,
                headers,
                body,
                repository,
                newScopes,
                redirects,
                repeatable,
                priority,
                probe);
    }

    ApiRequest withRedirects(Redirects rule) {
        return new ApiRequest(
                operation, what, method, uri, headers, body, repository, scopes, rule, repeatable, priority, probe);
    }

    ApiRequest once() {
        return new ApiRequest(
                operation, what, method, uri, headers, body, repository, scopes, redirects, false, priority, probe);
    }

    ApiRequest asProbe() {
        return new ApiRequest(
                operation, what, method, uri, headers, body, repository, scopes, redirects, repeatable, priority, true);
    }

    boolean isReading() {
        return method.equals("GET") || method.equals("HEAD");
    }

    /** Where it goes, for messages. */
    String host() {
        return uri.getAuthority();
    }

    // Neither headers nor the query: they may hold secrets.
    @Override
    public String toString() {
        return method + " " + what;
    }
}
