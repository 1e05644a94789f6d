package dev.entrepot.oci.testing;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Optional;

/** How a {@link TestRegistry} wants its clients to say who they are. */
public sealed interface Access {
    /** Everybody may do everything. */
    Access ANYONE = new Anyone();

    /** Everybody may do everything. */
    record Anyone() implements Access {}

    /**
     * As somebody else decides.
     *
     * @param door who decides
     */
    record By(Door door) implements Access {}

    /** Lets requests in or refuses them. */
    @FunctionalInterface
    interface Door {
        /** The refusal of a request, or empty if it may come in. */
        Optional<Response> refusal(Request request);
    }

    /**
     * One user, by the Basic scheme.
     *
     * @param user the user's name
     * @param password the user's password
     */
    record Basic(String user, String password) implements Access {}

    /**
     * Bearer tokens.
     *
     * @param tokens who issues them; it answers at {@code /token} of the same server, whatever the realm
     * @param realm what challenges name as the realm, or empty for that address
     */
    record Bearer(TokenService tokens, Optional<URI> realm) implements Access {
        /** Tokens from the same server. */
        public Bearer(TokenService tokens) {
            this(tokens, Optional.empty());
        }
    }

    /** The value of an {@code Authorization} header of the Basic scheme. */
    static String basic(String user, String password) {
        return "Basic " + Base64.getEncoder().encodeToString((user + ":" + password).getBytes(StandardCharsets.UTF_8));
    }
}
