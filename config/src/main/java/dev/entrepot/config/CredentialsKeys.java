package dev.entrepot.config;

import dev.entrepot.config.CredentialsConfig.BearerToken;
import dev.entrepot.config.CredentialsConfig.DockerConfig;
import dev.entrepot.config.CredentialsConfig.IdentityToken;
import dev.entrepot.config.CredentialsConfig.UsernamePassword;
import dev.entrepot.config.CredentialsConfig.UsernamePasswordFile;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** The keys of {@code credentials:} and {@code client-certificate:}. */
final class CredentialsKeys {
    private static final String ALLOWED =
            "username with password or password-file, or one of identity-token, bearer-token and docker-config";

    private static final Key<CredentialsConfig, Optional<String>> USERNAME = Key.optional(
            "username",
            Types.TEXT,
            credentials -> switch (credentials) {
                case UsernamePassword c -> Optional.of(c.username());
                case UsernamePasswordFile c -> Optional.of(c.username());
                case IdentityToken c -> Optional.empty();
                case BearerToken c -> Optional.empty();
                case DockerConfig c -> Optional.empty();
            },
            "Name of the account; goes with password or password-file.");
    private static final Key<CredentialsConfig, Optional<Secret>> PASSWORD = Key.optional(
            "password",
            Types.SECRET,
            credentials -> credentials instanceof UsernamePassword c ? Optional.of(c.password()) : Optional.empty(),
            "Password of the account, best as ${env:NAME} or ${file:path}.");
    private static final Key<CredentialsConfig, Optional<Path>> PASSWORD_FILE = Key.optional(
            "password-file",
            Types.FILE,
            credentials ->
                    credentials instanceof UsernamePasswordFile c ? Optional.of(c.passwordFile()) : Optional.empty(),
            "File with the password, read at each use: it may be changed without a restart.");
    private static final Key<CredentialsConfig, Optional<Secret>> IDENTITY_TOKEN = Key.optional(
            "identity-token",
            Types.SECRET,
            credentials -> credentials instanceof IdentityToken c ? Optional.of(c.token()) : Optional.empty(),
            "Refresh token, exchanged at the token service for access tokens.");
    private static final Key<CredentialsConfig, Optional<Secret>> BEARER_TOKEN = Key.optional(
            "bearer-token",
            Types.SECRET,
            credentials -> credentials instanceof BearerToken c ? Optional.of(c.token()) : Optional.empty(),
            "Access token, sent to the registry as it is.");
    private static final Key<CredentialsConfig, Optional<Path>> DOCKER_CONFIG = Key.optional(
            "docker-config",
            Types.FILE,
            credentials -> credentials instanceof DockerConfig c ? Optional.of(c.file()) : Optional.empty(),
            "A docker config.json, whose entry for this registry is used, credential helpers included.");

    static final Section<CredentialsConfig> SECTION = new Section<>(
            "credentials",
            List.of(USERNAME, PASSWORD, PASSWORD_FILE, IDENTITY_TOKEN, BEARER_TOKEN, DOCKER_CONFIG),
            CredentialsKeys::credentials);

    private static final Key<ClientCertificate, Path> CERTIFICATE = Key.required(
            "certificate", Types.FILE, ClientCertificate::certificate, "PEM file with the certificate and its chain.");
    private static final Key<ClientCertificate, Path> KEY =
            Key.required("key", Types.FILE, ClientCertificate::key, "PEM file with the private key.");

    static final Section<ClientCertificate> CLIENT_CERTIFICATE = new Section<>(
            "client certificate",
            List.of(CERTIFICATE, KEY),
            values -> new ClientCertificate(values.get(CERTIFICATE), values.get(KEY)));

    private CredentialsKeys() {}

    private static CredentialsConfig credentials(SectionValues values) {
        List<CredentialsConfig> ways = Stream.of(
                        values.get(USERNAME)
                                .flatMap(user -> values.get(PASSWORD)
                                        .map(password -> (CredentialsConfig) new UsernamePassword(user, password))),
                        values.get(USERNAME)
                                .flatMap(user -> values.get(PASSWORD_FILE)
                                        .map(file -> (CredentialsConfig) new UsernamePasswordFile(user, file))),
                        values.get(IDENTITY_TOKEN).map(token -> (CredentialsConfig) new IdentityToken(token)),
                        values.get(BEARER_TOKEN).map(token -> (CredentialsConfig) new BearerToken(token)),
                        values.get(DOCKER_CONFIG).map(file -> (CredentialsConfig) new DockerConfig(file)))
                .flatMap(Optional::stream)
                .toList();
        long written = Stream.of(USERNAME, PASSWORD, PASSWORD_FILE, IDENTITY_TOKEN, BEARER_TOKEN, DOCKER_CONFIG)
                .filter(key -> values.get(key).isPresent())
                .count();
        if (ways.size() != 1) {
            throw new InvalidValueException("", ALLOWED);
        }
        CredentialsConfig only = ways.getFirst();
        boolean named = only instanceof UsernamePassword || only instanceof UsernamePasswordFile;
        if (written != (named ? 2 : 1)) {
            throw new InvalidValueException("", ALLOWED);
        }
        return only;
    }
}
