package dev.entrepot.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

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
     * A file with a refresh token, which is read at each use so that it may be changed without a restart.
     *
     * @param file file whose content, without a line break at its end, is the token
     */
    record IdentityTokenFile(Path file) implements CredentialsConfig {}

    /**
     * A bearer token, sent to the registry as it is.
     *
     * @param token the access token
     */
    record BearerToken(Secret token) implements CredentialsConfig {}

    /**
     * A file with a bearer token, which is read at each use so that it may be changed without a restart.
     *
     * @param file file whose content, without a line break at its end, is the token
     */
    record BearerTokenFile(Path file) implements CredentialsConfig {}

    /**
     * The entry for this registry in a docker {@code config.json}, credential helpers included.
     *
     * @param file the {@code config.json}
     */
    record DockerConfig(Path file) implements CredentialsConfig {}

    /**
     * Tokens of Amazon's ECR, asked for with what AWS's own tools would find on this machine.
     *
     * @param region region of the registry; needed where its name does not say it
     * @param profile the profile of AWS's shared configuration files to go by
     * @param role a role to take on
     */
    record Ecr(Optional<String> region, Optional<String> profile, Optional<String> role) implements CredentialsConfig {}

    /**
     * Access tokens of Google.
     *
     * @param keyFile a file of credentials; without it, Application Default Credentials
     */
    record Google(Optional<Path> keyFile) implements CredentialsConfig {}

    /**
     * Tokens of Microsoft Entra, exchanged for those of an Azure container registry. What is empty comes from the
     * environment.
     *
     * @param tenant the directory
     * @param clientId the application or managed identity
     * @param clientSecret the application's secret
     * @param clientSecretFile a file with the application's secret
     */
    record Azure(
            Optional<String> tenant,
            Optional<String> clientId,
            Optional<Secret> clientSecret,
            Optional<Path> clientSecretFile)
            implements CredentialsConfig {}

    /**
     * A program that is run when credentials are needed.
     *
     * @param command the program and its arguments
     */
    record Exec(List<String> command) implements CredentialsConfig {
        /** Copies the list. */
        public Exec {
            command = List.copyOf(command);
        }
    }
}
