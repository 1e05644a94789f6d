package dev.entrepot.config;

import dev.entrepot.config.CredentialsConfig.Azure;
import dev.entrepot.config.CredentialsConfig.BearerToken;
import dev.entrepot.config.CredentialsConfig.BearerTokenFile;
import dev.entrepot.config.CredentialsConfig.DockerConfig;
import dev.entrepot.config.CredentialsConfig.Ecr;
import dev.entrepot.config.CredentialsConfig.Exec;
import dev.entrepot.config.CredentialsConfig.Google;
import dev.entrepot.config.CredentialsConfig.IdentityToken;
import dev.entrepot.config.CredentialsConfig.IdentityTokenFile;
import dev.entrepot.config.CredentialsConfig.UsernamePassword;
import dev.entrepot.config.CredentialsConfig.UsernamePasswordFile;
import dev.entrepot.oci.EcrRegistry;
import dev.entrepot.oci.RegistryHost;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/** The keys of {@code credentials:} and {@code client-certificate:}. */
final class CredentialsKeys {
    private static final String ALLOWED =
            "username with password or password-file, or one of identity-token, bearer-token, each also as a -file, docker-config, exec and provider";

    /** Whose credentials they are. */
    enum Provider {
        ECR,
        GOOGLE,
        AZURE
    }

    private static final Key<CredentialsConfig, Optional<String>> USERNAME = Key.optional(
            "username",
            Types.ACCOUNT,
            CredentialsKeys::username,
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
    private static final Key<CredentialsConfig, Optional<Path>> IDENTITY_TOKEN_FILE = Key.optional(
            "identity-token-file",
            Types.FILE,
            of(IdentityTokenFile.class, c -> Optional.of(c.file())),
            "File with the refresh token, read at each use: it may be changed without a restart.");
    private static final Key<CredentialsConfig, Optional<Secret>> BEARER_TOKEN = Key.optional(
            "bearer-token",
            Types.TOKEN,
            credentials -> credentials instanceof BearerToken c ? Optional.of(c.token()) : Optional.empty(),
            "Access token, sent to the registry as it is.");
    private static final Key<CredentialsConfig, Optional<Path>> BEARER_TOKEN_FILE = Key.optional(
            "bearer-token-file",
            Types.FILE,
            of(BearerTokenFile.class, c -> Optional.of(c.file())),
            "File with the access token, read at each use: it may be changed without a restart.");
    private static final Key<CredentialsConfig, Optional<Path>> DOCKER_CONFIG = Key.optional(
            "docker-config",
            Types.FILE,
            credentials -> credentials instanceof DockerConfig c ? Optional.of(c.file()) : Optional.empty(),
            "A docker config.json, whose entry for this registry is used, credential helpers included.");
    private static final Key<CredentialsConfig, List<String>> EXEC = Key.list(
            "exec",
            ListType.of(Types.TEXT),
            credentials -> credentials instanceof Exec c ? c.command() : List.of(),
            "A program and its arguments, run when credentials are needed. It reads the registry's name and prints"
                    + " JSON with Username, Secret and, where it ends, Expiration.");
    private static final Key<CredentialsConfig, Optional<Provider>> PROVIDER = Key.optional(
            "provider",
            Types.word(Provider.values()),
            CredentialsKeys::provider,
            "A cloud that issues the credentials to this machine: Amazon ECR, Google Artifact Registry, Azure Container Registry.");
    private static final Key<CredentialsConfig, Optional<String>> REGION = Key.optional(
            "region",
            Types.AWS_REGION,
            of(Ecr.class, Ecr::region),
            "With provider ecr: the region, where the registry's name does not say it.");
    private static final Key<CredentialsConfig, Optional<String>> PROFILE = Key.optional(
            "profile",
            Types.TEXT,
            of(Ecr.class, Ecr::profile),
            "With provider ecr: the profile of AWS's shared configuration files to go by, and nothing else.");
    private static final Key<CredentialsConfig, Optional<String>> ROLE = Key.optional(
            "role", Types.TEXT, of(Ecr.class, Ecr::role), "With provider ecr: ARN of a role to take on first.");
    private static final Key<CredentialsConfig, Optional<Path>> KEY_FILE = Key.optional(
            "key-file",
            Types.FILE,
            of(Google.class, Google::keyFile),
            "With provider google: JSON of a service account, a user or a federated workload; else Application Default Credentials.");
    private static final Key<CredentialsConfig, Optional<String>> TENANT = Key.optional(
            "tenant",
            Types.TEXT,
            of(Azure.class, Azure::tenant),
            "With provider azure: the directory; else AZURE_TENANT_ID.");
    private static final Key<CredentialsConfig, Optional<String>> CLIENT_ID = Key.optional(
            "client-id",
            Types.TEXT,
            of(Azure.class, Azure::clientId),
            "With provider azure: the application, or a managed identity; else AZURE_CLIENT_ID.");
    private static final Key<CredentialsConfig, Optional<Secret>> CLIENT_SECRET = Key.optional(
            "client-secret",
            Types.SECRET,
            of(Azure.class, Azure::clientSecret),
            "With provider azure: the application's secret, best as ${env:NAME} or ${file:path}.");
    private static final Key<CredentialsConfig, Optional<Path>> CLIENT_SECRET_FILE = Key.optional(
            "client-secret-file",
            Types.FILE,
            of(Azure.class, Azure::clientSecretFile),
            "With provider azure: file with the application's secret, read whenever a token is asked for.");

    private static final List<Key<CredentialsConfig, ? extends Optional<?>>> OF_ECR = List.of(REGION, PROFILE, ROLE);
    private static final List<Key<CredentialsConfig, ? extends Optional<?>>> OF_GOOGLE = List.of(KEY_FILE);
    private static final List<Key<CredentialsConfig, ? extends Optional<?>>> OF_AZURE =
            List.of(TENANT, CLIENT_ID, CLIENT_SECRET, CLIENT_SECRET_FILE);

    static final Section<CredentialsConfig> SECTION = new Section<>(
            "credentials",
            List.of(
                    USERNAME,
                    PASSWORD,
                    PASSWORD_FILE,
                    IDENTITY_TOKEN,
                    IDENTITY_TOKEN_FILE,
                    BEARER_TOKEN,
                    BEARER_TOKEN_FILE,
                    DOCKER_CONFIG,
                    EXEC,
                    PROVIDER,
                    REGION,
                    PROFILE,
                    ROLE,
                    KEY_FILE,
                    TENANT,
                    CLIENT_ID,
                    CLIENT_SECRET,
                    CLIENT_SECRET_FILE),
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

    private static <C extends CredentialsConfig, T> Function<CredentialsConfig, Optional<T>> of(
            Class<C> kind, Function<C, Optional<T>> get) {
        return credentials -> kind.isInstance(credentials) ? get.apply(kind.cast(credentials)) : Optional.empty();
    }

    private static Optional<Provider> provider(CredentialsConfig credentials) {
        return switch (credentials) {
            case Ecr c -> Optional.of(Provider.ECR);
            case Google c -> Optional.of(Provider.GOOGLE);
            case Azure c -> Optional.of(Provider.AZURE);
            case UsernamePassword c -> Optional.empty();
            case UsernamePasswordFile c -> Optional.empty();
            case IdentityToken c -> Optional.empty();
            case IdentityTokenFile c -> Optional.empty();
            case BearerToken c -> Optional.empty();
            case BearerTokenFile c -> Optional.empty();
            case DockerConfig c -> Optional.empty();
            case Exec c -> Optional.empty();
        };
    }

    private static Optional<String> username(CredentialsConfig credentials) {
        Optional<String> ofPassword = of(UsernamePassword.class, (UsernamePassword c) -> Optional.of(c.username()))
                .apply(credentials);
        return ofPassword.or(() -> of(UsernamePasswordFile.class, (UsernamePasswordFile c) -> Optional.of(c.username()))
                .apply(credentials));
    }

    private static CredentialsConfig credentials(SectionValues values) {
        List<CredentialsConfig> ways = new ArrayList<>();
        Optional<String> user = values.get(USERNAME);
        user.flatMap(name -> values.get(PASSWORD).map(password -> new UsernamePassword(name, password)))
                .ifPresent(ways::add);
        user.flatMap(name -> values.get(PASSWORD_FILE).map(file -> new UsernamePasswordFile(name, file)))
                .ifPresent(ways::add);
        values.get(IDENTITY_TOKEN).map(IdentityToken::new).ifPresent(ways::add);
        values.get(IDENTITY_TOKEN_FILE).map(IdentityTokenFile::new).ifPresent(ways::add);
        values.get(BEARER_TOKEN).map(BearerToken::new).ifPresent(ways::add);
        values.get(BEARER_TOKEN_FILE).map(BearerTokenFile::new).ifPresent(ways::add);
        values.get(DOCKER_CONFIG).map(DockerConfig::new).ifPresent(ways::add);
        if (!values.get(EXEC).isEmpty()) {
            ways.add(new Exec(values.get(EXEC)));
        }
        values.get(PROVIDER).map(provider -> ofProvider(provider, values)).ifPresent(ways::add);
        boolean half = user.isPresent()
                != (values.get(PASSWORD).isPresent()
                        || values.get(PASSWORD_FILE).isPresent());
        if (ways.size() != 1 || half) {
            throw new InvalidValueException("", ALLOWED);
        }
        refuseOthers(values);
        return ways.getFirst();
    }

    private static CredentialsConfig ofProvider(Provider provider, SectionValues values) {
        return switch (provider) {
            case ECR -> new Ecr(values.get(REGION), values.get(PROFILE), values.get(ROLE));
            case GOOGLE -> new Google(values.get(KEY_FILE));
            case AZURE -> azure(values);
        };
    }

    private static CredentialsConfig azure(SectionValues values) {
        boolean inFile = values.get(CLIENT_SECRET_FILE).isPresent();
        boolean secret = values.get(CLIENT_SECRET).isPresent();
        if ((secret || inFile) && values.get(CLIENT_ID).isEmpty()) {
            throw new InvalidValueException(CLIENT_SECRET.name(), "a client-secret goes with a client-id");
        }
        if (secret && inFile) {
            throw new InvalidValueException(CLIENT_SECRET_FILE.name(), "client-secret or client-secret-file");
        }
        return new Azure(
                values.get(TENANT), values.get(CLIENT_ID), values.get(CLIENT_SECRET), values.get(CLIENT_SECRET_FILE));
    }

    /** Refuses what belongs to another provider than the one that is named. */
    private static void refuseOthers(SectionValues values) {
        Optional<Provider> provider = values.get(PROVIDER);
        refuse(values, OF_ECR, provider, Provider.ECR);
        refuse(values, OF_GOOGLE, provider, Provider.GOOGLE);
        refuse(values, OF_AZURE, provider, Provider.AZURE);
    }

    private static void refuse(
            SectionValues values,
            List<Key<CredentialsConfig, ? extends Optional<?>>> keys,
            Optional<Provider> named,
            Provider owner) {
        for (Key<CredentialsConfig, ? extends Optional<?>> key : keys) {
            if (values.get(key).isPresent() && !named.equals(Optional.of(owner))) {
                throw new InvalidValueException(
                        key.name(),
                        key.name() + " goes with provider: "
                                + Types.word(Provider.values()).format().apply(owner));
            }
        }
    }

    /**
     * Refuses ECR for a registry whose region nobody says.
     *
     * @param names the names of the registry, of which one may tell
     */
    static void checkRegion(Optional<CredentialsConfig> credentials, List<RegistryHost> names) {
        boolean unknown = credentials.orElse(null) instanceof Ecr ecr
                && ecr.region().isEmpty()
                && names.stream().noneMatch(name -> EcrRegistry.of(name).isPresent());
        if (unknown) {
            throw new InvalidValueException(
                    "credentials", "a region, since " + names.getFirst() + " is no name that tells ECR's region");
        }
    }
}
