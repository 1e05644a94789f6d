package dev.entrepot.proxy.admin;

import dev.entrepot.proxy.http.ClientAddress;
import dev.entrepot.proxy.http.QueryParameters;
import java.util.Optional;
import java.util.function.Function;

/**
 * A request to the admin API.
 *
 * @param method {@code GET}, {@code POST} or {@code OPTIONS}; HEAD comes as GET
 * @param path the raw path
 * @param query the raw query, empty if there is none
 * @param client where it comes from
 * @param header the first value of a header, by its name in any case
 * @param body the body, whole, at most {@link AdminServer#MAX_BODY_BYTES}; empty if there is none
 */
public record AdminRequest(
        String method,
        String path,
        String query,
        ClientAddress client,
        Function<String, Optional<String>> header,
        byte[] body) {
    /**
     * The value of a parameter of a raw query, which may be the empty text; empty if there is none.
     *
     * @throws IllegalArgumentException if the query cannot be decoded, or has the parameter more than once; the message
     *     names the parameter
     */
    public static Optional<String> parameter(String query, String name) {
        QueryParameters parameters = QueryParameters.parse(query);
        if (parameters.count(name) > 1) {
            throw new IllegalArgumentException("the parameter " + name + " is there more than once");
        }
        return parameters.find(name);
    }
}
