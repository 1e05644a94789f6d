package dev.entrepot.proxy;

import dev.entrepot.cache.CachePolicy;
import dev.entrepot.config.CacheConfig;
import dev.entrepot.config.CredentialsConfig;
import dev.entrepot.config.UpstreamConfig;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.Credential;
import dev.entrepot.oci.client.CredentialSource;
import dev.entrepot.oci.client.DockerConfigCredentials;
import dev.entrepot.oci.client.FileCredentials;
import dev.entrepot.oci.client.RegistryClient;
import dev.entrepot.oci.client.RegistryEndpoint;
import dev.entrepot.oci.client.TlsSettings;
import java.io.IOException;
import java.util.Set;

/**
 * A configured upstream, ready to be asked.
 *
 * @param client its client
 * @param policy how long what came from it may be served
 */
record Upstream(RegistryClient client, CachePolicy policy) implements AutoCloseable {
    /**
     * Sets up the client of an upstream; connects to nothing yet.
     *
     * @throws IOException if its TLS files cannot be read
     */
    static Upstream open(UpstreamConfig config, CacheConfig defaults, ClientEnvironment environment)
            throws IOException {
        CachePolicy policy = new CachePolicy(
                config.freshFor().orElse(defaults.freshFor()),
                config.staleFor().orElse(defaults.staleFor()),
                defaults.referrersFreshFor());
        return new Upstream(new RegistryClient(endpoint(config, environment), environment), policy);
    }

    private static RegistryEndpoint endpoint(UpstreamConfig config, ClientEnvironment environment) {
        TlsSettings tls = TlsSettings.DEFAULT;
        if (config.ca().isPresent()) {
            tls = tls.withAuthorities(config.ca().get());
        }
        if (config.clientCertificate().isPresent()) {
            tls = tls.withClientCertificate(
                    config.clientCertificate().get().certificate(),
                    config.clientCertificate().get().key());
        }
        RegistryEndpoint endpoint = RegistryEndpoint.of(config.name(), config.url())
                .withTls(tls)
                .withTrustedRealmHosts(Set.copyOf(config.tokenRealms()))
                .withMaxConcurrentRequests(config.maxConcurrentRequests());
        if (config.proxy().isPresent()) {
            endpoint = endpoint.withHttpProxy(config.proxy().get());
        }
        return config.credentials().isPresent()
                ? endpoint.withCredentials(credentials(config.credentials().get(), environment))
                : endpoint;
    }

    private static CredentialSource credentials(CredentialsConfig config, ClientEnvironment environment) {
        return switch (config) {
            case CredentialsConfig.UsernamePassword c ->
                CredentialSource.fixed(
                        new Credential.UserPassword(c.username(), c.password().reveal()));
            case CredentialsConfig.UsernamePasswordFile c -> FileCredentials.ofPassword(c.username(), c.passwordFile());
            case CredentialsConfig.IdentityToken c ->
                CredentialSource.fixed(new Credential.IdentityToken(c.token().reveal()));
            case CredentialsConfig.BearerToken c ->
                CredentialSource.fixed(new Credential.BearerToken(c.token().reveal()));
            case CredentialsConfig.DockerConfig c ->
                new DockerConfigCredentials(c.file(), environment.clock(), environment.variables());
        };
    }

    @Override
    public void close() {
        client.close();
    }
}
