package dev.entrepot.config;

import java.nio.file.Path;

/** How this process proves to a registry who it is. Without it, it is anonymous. */
public sealed interface CredentialsConfig {
    /**
     * A name and a password.
     *
     * @param username name of the account
     * @param password its password
     */
    record UsernamePassword(String username, Secret password) implements CredentialsConfig {}

    /**
     * A name, and a file with the password, which is read at each use so that it may be changed without a restart.
     *
     * @param username name of the account
     * @param passwordFile file whose content, without a line break at its end, is the password
     */
    record UsernamePasswordFile(String username, Path passwordFile) implements CredentialsConfig {}

    /**
     * A refresh token, exchanged at the token service for access tokens.
     *
     * @param token the refresh token
     */
    record IdentityToken(Secret token) implements CredentialsConfig {}

    /**
     * A bearer token, sent to the registry as it is.
     *
     * @param token the access token
     */
    record BearerToken(Secret token) implements CredentialsConfig {}

    /**
     * The entry for this registry in a docker {@code config.json}, credential helpers included.
     *
     * @param file the {@code config.json}
     */
    record DockerConfig(Path file) implements CredentialsConfig {}
}
