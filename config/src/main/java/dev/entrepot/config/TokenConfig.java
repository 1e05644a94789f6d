package dev.entrepot.config;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * The tokens that this process gives out at {@code /token} (distribution's token authentication).
 *
 * @param service what the service is called in challenges and tokens
 * @param realm where clients reach the token endpoint; without it, under the name that they used for this server
 * @param expires how long a token is good; at least 60 s, which clients take for granted
 * @param key PEM file with the private key that signs them; without it a new one is made at each start
 */
public record TokenConfig(String service, Optional<URI> realm, Duration expires, Optional<Path> key) {
    private static final Duration LEAST = Duration.ofSeconds(60);
    private static final Duration MOST = Duration.ofHours(24);

    /** Validates the time, and that the service can stand in a header. */
    public TokenConfig {
        if (expires.compareTo(LEAST) < 0 || expires.compareTo(MOST) > 0) {
            throw new InvalidValueException("expires", "a time from 1m to 24h");
        }
        if (!service.chars().allMatch(c -> c > ' ' && c < 127 && c != '"' && c != '\\')) {
            throw new InvalidValueException("service", "printable ASCII without spaces and quotes");
        }
    }
}
