package dev.entrepot.proxy.replication;

import dev.entrepot.config.ClientCertificate;
import dev.entrepot.config.CredentialsConfig;
import dev.entrepot.config.MirrorConfig;
import dev.entrepot.config.Secret;
import dev.entrepot.config.TargetConfig;
import dev.entrepot.config.UpstreamConfig;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.Credential;
import dev.entrepot.oci.client.CredentialSource;
import dev.entrepot.oci.client.DockerConfigCredentials;
import dev.entrepot.oci.client.ExecCredentials;
import dev.entrepot.oci.client.FileCredentials;
import dev.entrepot.oci.client.Program;
import dev.entrepot.oci.client.QuotaReserve;
import dev.entrepot.oci.client.RegistryEndpoint;
import dev.entrepot.oci.client.TlsSettings;
import dev.entrepot.oci.client.cloud.CloudCredentials;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;

/** From the configuration of a registry to what its client needs. Nothing is read or connected to yet. */
public final class Endpoints {
    private static final Duration LONGEST_PROGRAM_RUN = Duration.ofSeconds(10);

    private Endpoints() {}

    /** How an upstream is reached. */
    public static RegistryEndpoint of(UpstreamConfig config, ClientEnvironment environment) {
        RegistryEndpoint endpoint = RegistryEndpoint.of(config.name(), config.url())
                .withTls(tls(config.ca(), config.clientCertificate()))
                .withTrustedRealmHosts(Set.copyOf(config.tokenRealms()))
                .withMaxConcurrentRequests(config.maxConcurrentRequests());
        return config.passThrough().isPresent()
                ? with(endpoint, config.proxy(), Optional.empty(), environment)
                        .withCredentials(CredentialSource.OF_CLIENTS)
                : with(endpoint, config.proxy(), config.credentials(), environment);
    }

    /**
     * How a mirror of an upstream is reached; its name is the host of its URL, so that no credential of the upstream is
     * for it.
     */
    static RegistryEndpoint of(MirrorConfig config, int maxConcurrentRequests, ClientEnvironment environment) {
        Duration timeout = config.timeout();
        RegistryEndpoint endpoint = RegistryEndpoint.of(host(config.url()), config.url())
                .withTls(tls(config.ca(), config.clientCertificate()))
                .withTrustedRealmHosts(Set.copyOf(config.tokenRealms()))
                .withMaxConcurrentRequests(maxConcurrentRequests);
        Duration connect = endpoint.connectTimeout().compareTo(timeout) < 0 ? endpoint.connectTimeout() : timeout;
        return with(endpoint.withTimeouts(connect, timeout), config.proxy(), config.credentials(), environment);
    }

    /** What of an upstream's pull quota is left to clients. */
    public static QuotaReserve reserve(UpstreamConfig config) {
        int value = config.quotaReserve().value();
        return config.quotaReserve().percent() ? new QuotaReserve(0, value) : new QuotaReserve(value, 0);
    }

    /** How a target is reached; its name in references is the host of its URL. */
    static RegistryEndpoint of(
            TargetConfig.RegistryDestination config, int maxConcurrentRequests, ClientEnvironment environment) {
        RegistryEndpoint endpoint = RegistryEndpoint.of(host(config.url()), config.url())
                .withTls(tls(config.ca(), config.clientCertificate()))
                .withMaxConcurrentRequests(maxConcurrentRequests)
                .withoutClients();
        return with(endpoint, config.proxy(), config.credentials(), environment);
    }

    /**
     * How a registry is reached that is not configured: with what the user's docker {@code config.json} has for its
     * host at each use.
     */
    static RegistryEndpoint of(URI url, ClientEnvironment environment) {
        return RegistryEndpoint.of(host(url), url).withCredentials(DockerConfigCredentials.ofUser(environment));
    }

    /** The host of a registry's URL, with the port where one is written. */
    static RegistryHost host(URI url) {
        return RegistryHost.parse(String.valueOf(url.getRawAuthority()));
    }

    /** Whether both URLs lead to the same place: scheme, host and port. */
    static boolean same(URI one, URI other) {
        return String.valueOf(one.getScheme()).equalsIgnoreCase(other.getScheme())
                && String.valueOf(one.getHost()).equalsIgnoreCase(other.getHost())
                && port(one) == port(other);
    }

    private static int port(URI url) {
        int standard = "https".equalsIgnoreCase(url.getScheme()) ? 443 : 80;
        return url.getPort() < 0 ? standard : url.getPort();
    }

    private static TlsSettings tls(Optional<Path> ca, Optional<ClientCertificate> certificate) {
        TlsSettings tls = TlsSettings.DEFAULT;
        if (ca.isPresent()) {
            tls = tls.withAuthorities(ca.get());
        }
        if (certificate.isPresent()) {
            tls = tls.withClientCertificate(
                    certificate.get().certificate(), certificate.get().key());
        }
        return tls;
    }

    private static RegistryEndpoint with(
            RegistryEndpoint endpoint,
            Optional<URI> proxy,
            Optional<CredentialsConfig> credentials,
            ClientEnvironment environment) {
        RegistryEndpoint proxied = proxy.map(endpoint::withHttpProxy).orElse(endpoint);
        return credentials
                .map(config -> proxied.withCredentials(credentials(config, proxied, environment)))
                .orElse(proxied);
    }

    private static CredentialSource credentials(
            CredentialsConfig config, RegistryEndpoint endpoint, ClientEnvironment environment) {
        return switch (config) {
            case CredentialsConfig.UsernamePassword c ->
                CredentialSource.fixed(
                        new Credential.UserPassword(c.username(), c.password().reveal()));
            case CredentialsConfig.UsernamePasswordFile c -> FileCredentials.ofPassword(c.username(), c.passwordFile());
            case CredentialsConfig.IdentityToken c ->
                CredentialSource.fixed(new Credential.IdentityToken(c.token().reveal()));
            case CredentialsConfig.IdentityTokenFile c -> FileCredentials.ofIdentityToken(c.file());
            case CredentialsConfig.BearerTokenFile c -> FileCredentials.ofBearerToken(c.file());
            case CredentialsConfig.BearerToken c ->
                CredentialSource.fixed(new Credential.BearerToken(c.token().reveal()));
            case CredentialsConfig.DockerConfig c -> new DockerConfigCredentials(c.file(), environment);
            case CredentialsConfig.Ecr c ->
                CloudCredentials.ecr(
                        endpoint, new CloudCredentials.EcrSettings(c.region(), c.profile(), c.role()), environment);
            case CredentialsConfig.Google c -> CloudCredentials.google(endpoint, c.keyFile(), environment);
            case CredentialsConfig.Azure c ->
                CloudCredentials.azure(
                        endpoint,
                        new CloudCredentials.AzureSettings(
                                c.tenant(), c.clientId(), c.clientSecret().map(Secret::reveal), c.clientSecretFile()),
                        environment);
            case CredentialsConfig.Exec c ->
                ExecCredentials.of(
                        new Program(c.command(), environment.variables(), LONGEST_PROGRAM_RUN),
                        endpoint.registry(),
                        environment);
        };
    }
}
