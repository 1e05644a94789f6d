package dev.entrepot.oci.client;

/** What a request carries to show who is asking. */
sealed interface Proof {
    /** Nothing. */
    record Nothing() implements Proof {}

    /** A name and a password. */
    record Password(Credential.UserPassword user) implements Proof {}

    /** A token that was fetched. */
    record Fetched(TokenKey key, Token token) implements Proof {}

    /** A token that is configured as such. */
    record Given(Credential.BearerToken token) implements Proof {}

    /** The request with this proof. */
    default ApiRequest on(ApiRequest request) {
        return switch (this) {
            case Nothing nothing -> request;
            case Password(Credential.UserPassword user) ->
                request.withHeader(ApiRequest.AUTHORIZATION, TokenService.basic(user));
            case Fetched(TokenKey key, Token token) ->
                request.withHeader(ApiRequest.AUTHORIZATION, "Bearer " + token.value());
            case Given(Credential.BearerToken token) ->
                request.withHeader(ApiRequest.AUTHORIZATION, "Bearer " + token.token());
        };
    }
}
