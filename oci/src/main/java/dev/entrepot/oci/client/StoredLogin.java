package dev.entrepot.oci.client;

import java.time.Instant;
import java.util.Optional;

/**
 * A login that a person's tool has left in a file.
 *
 * @param accessToken what it opens doors with
 * @param expiresAt when that is good for nothing
 * @param clientId the tool that logged in, as it is registered
 * @param clientSecret its secret
 * @param registrationExpiresAt when that registration ends, where it says so
 * @param refreshToken what another access token is given for
 */
public record StoredLogin(
        String accessToken,
        Instant expiresAt,
        Optional<String> clientId,
        Optional<String> clientSecret,
        Optional<Instant> registrationExpiresAt,
        Optional<String> refreshToken) {
    /** Whether there is all that a renewal needs. */
    public boolean isRenewableAt(Instant now) {
        return clientId.isPresent()
                && clientSecret.isPresent()
                && refreshToken.isPresent()
                && registrationExpiresAt.filter(end -> !now.isBefore(end)).isEmpty();
    }

    /** This after a renewal; the refresh token stays where no other was given. */
    public StoredLogin with(String newToken, Instant newEnd, Optional<String> newRefreshToken) {
        return new StoredLogin(
                newToken,
                newEnd,
                clientId,
                clientSecret,
                registrationExpiresAt,
                newRefreshToken.or(() -> refreshToken));
    }

    @Override
    public String toString() {
        return "StoredLogin[until " + expiresAt + "]";
    }
}
