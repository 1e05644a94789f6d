package dev.entrepot.config;

import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How clients of the registry API say who they are, besides by a certificate of theirs.
 *
 * @param htpasswd file with users and bcrypt hashes of their passwords
 * @param groups the members of groups, by the name of the group
 * @param token what tokens this process gives out; without it, it gives none
 * @param identityProviders whose tokens are accepted
 */
public record AuthenticationConfig(
        Optional<Path> htpasswd,
        Map<String, List<String>> groups,
        Optional<TokenConfig> token,
        List<IdentityProviderConfig> identityProviders) {
    /** Copies what it is given, and validates that there is somebody to give tokens to. */
    public AuthenticationConfig {
        groups = Collections.unmodifiableMap(new LinkedHashMap<>(groups));
        identityProviders = List.copyOf(identityProviders);
        if (token.isPresent() && htpasswd.isEmpty() && identityProviders.isEmpty()) {
            throw new InvalidValueException(
                    "token", "htpasswd or identity-providers beside it: tokens are for their users");
        }
    }

    /** Whether anybody can say who he is by a password or a token. */
    public boolean isConfigured() {
        return htpasswd.isPresent() || !identityProviders.isEmpty();
    }
}
