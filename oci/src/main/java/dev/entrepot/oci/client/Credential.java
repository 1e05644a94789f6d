package dev.entrepot.oci.client;

import dev.entrepot.oci.Digest;
import java.nio.charset.StandardCharsets;

/** How to prove to a registry who is asking. No implementation shows its secret in {@code toString}. */
public sealed interface Credential {
    /** Tells credentials apart without giving them away: a hash over kind, name and secret. */
    String fingerprint();

    /**
     * A name and a password, or a personal access token in the place of the password.
     *
     * @param username name of the account
     * @param password its password
     */
    record UserPassword(String username, String password) implements Credential {
        @Override
        public String fingerprint() {
            return hash("user\0" + username + "\0" + password);
        }

        @Override
        public String toString() {
            return "UserPassword[" + username + "]";
        }
    }

    /**
     * A refresh token, exchanged at the token service for access tokens (OAuth2, {@code grant_type=refresh_token}).
     *
     * @param token the refresh token
     */
    record IdentityToken(String token) implements Credential {
        @Override
        public String fingerprint() {
            return hash("identity\0" + token);
        }

        @Override
        public String toString() {
            return "IdentityToken[]";
        }
    }

    /**
     * An access token, sent to the registry as it is and never to a token service.
     *
     * @param token the access token
     */
    record BearerToken(String token) implements Credential {
        @Override
        public String fingerprint() {
            return hash("bearer\0" + token);
        }

        @Override
        public String toString() {
            return "BearerToken[]";
        }
    }

    private static String hash(String text) {
        return Digest.sha256(text.getBytes(StandardCharsets.UTF_8)).encoded();
    }
}
