package dev.entrepot.oci.testing;

import java.net.URI;
import java.util.Optional;

/** Lets requests in or challenges them, by the {@link Access} of a registry. */
final class Doorman {
    private Doorman() {}

    /**
     * The refusal of a request, or empty if it may come in.
     *
     * @param needed what the request needs; without actions for {@code /v2/}, where any good token will do
     */
    static Optional<Response> refusal(Access access, URI server, Request request, Scope needed) {
        return switch (access) {
            case Access.Anyone _ -> Optional.empty();
            case Access.By by -> by.door().refusal(request);
            case Access.Basic basic -> {
                String expected = Access.basic(basic.user(), basic.password());
                yield request.header("Authorization").equals(Optional.of(expected))
                        ? Optional.empty()
                        : Optional.of(unauthorized("Basic realm=\"test registry\""));
            }
            case Access.Bearer bearer ->
                bearer.tokens().refusal(request, needed).map(error -> challenge(bearer, server, needed, error));
        };
    }

    private static Response challenge(Access.Bearer bearer, URI server, Scope needed, String error) {
        StringBuilder challenge = new StringBuilder("Bearer realm=\"")
                .append(bearer.realm().orElse(server.resolve(TokenService.PATH)))
                .append("\",service=\"test-registry\"");
        if (!needed.actions().isEmpty()) {
            challenge.append(",scope=\"").append(needed).append('"');
        }
        if (!error.isEmpty()) {
            challenge.append(",error=\"").append(error).append('"');
        }
        return unauthorized(challenge.toString());
    }

    private static Response unauthorized(String challenge) {
        return Response.error(401, "UNAUTHORIZED").header("WWW-Authenticate", challenge);
    }
}
