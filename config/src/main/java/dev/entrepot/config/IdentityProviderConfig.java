package dev.entrepot.config;

import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * An identity provider whose JSON Web Tokens are accepted (OpenID Connect, or anything else that signs such tokens).
 *
 * @param issuer the claim {@code iss}, to the letter
 * @param audiences of which the claim {@code aud} must have one
 * @param keys where its public keys are; without it, where the provider's discovery document says
 * @param ca PEM file with the authority of the provider's certificate; without it, the public ones
 * @param userClaim the claim that is the user's name
 * @param groupsClaim the claim with the user's groups
 * @param prefix what is put before names of users and groups, so that they are no others'
 */
public record IdentityProviderConfig(
        URI issuer,
        List<String> audiences,
        Optional<URI> keys,
        Optional<Path> ca,
        String userClaim,
        String groupsClaim,
        String prefix) {
    /** Copies the list, and validates that the provider is reached by https, or on this machine. */
    public IdentityProviderConfig {
        audiences = List.copyOf(audiences);
        Checks.notEmpty("audiences", audiences);
        keys.ifPresent(url -> requireSafe("keys", url));
        if (keys.isEmpty()) {
            requireSafe("issuer", issuer);
        }
    }

    private static void requireSafe(String key, URI url) {
        boolean https = "https".equalsIgnoreCase(url.getScheme());
        if (!https && !ListenAddress.isLoopback(String.valueOf(url.getHost()))) {
            throw new InvalidValueException(key, "https; http only on this machine");
        }
    }
}
