package dev.entrepot.oci.client;

import dev.entrepot.oci.RegistryHost;
import java.net.URI;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * A registry and how to reach it.
 *
 * @param registry its name in references
 * @param baseUrl where its API is: scheme, host, port and, where it has one, a path before {@code /v2/}; plain HTTP if,
 *     and only if, the scheme is {@code http}
 * @param credentials where its credentials come from
 * @param tls whom to trust and what to show
 * @param httpProxy HTTP proxy to go through; where empty, {@code https_proxy}, {@code http_proxy} and {@code no_proxy}
 *     decide
 * @param trustedRealmHosts hosts, besides its own, whose token services may be sent the credentials
 * @param maxConcurrentRequests requests at one time, at least 1; that for a blob counts until the head of its answer is
 *     there, and then as a body, of which there may be four times as many
 * @param servesClients whether somebody may wait for what it is asked: a quarter of the requests, and of the bodies, is
 *     then kept for those who do
 * @param connectTimeout bound of the time to connect
 * @param progressTimeout bound of the time without a byte
 */
public record RegistryEndpoint(
        RegistryHost registry,
        URI baseUrl,
        CredentialSource credentials,
        TlsSettings tls,
        Optional<URI> httpProxy,
        Set<RegistryHost> trustedRealmHosts,
        int maxConcurrentRequests,
        boolean servesClients,
        Duration connectTimeout,
        Duration progressTimeout) {

    private static final int BODIES_PER_REQUEST = 4;
    private static final Set<String> HUB_HOSTS = Set.of("registry-1.docker.io", "index.docker.io", "docker.io");

    /** Validates the URLs and limits. */
    public RegistryEndpoint {
        checkUrl("base URL", baseUrl);
        httpProxy.ifPresent(proxy -> {
            if (!"http".equalsIgnoreCase(proxy.getScheme()) || proxy.getHost() == null) {
                throw new IllegalArgumentException("HTTP proxy of " + registry + " is not http://host:port");
            }
        });
        trustedRealmHosts = Set.copyOf(trustedRealmHosts);
        if (maxConcurrentRequests < 1) {
            throw new IllegalArgumentException("at least 1 concurrent request, not " + maxConcurrentRequests);
        }
        if (!connectTimeout.isPositive() || !progressTimeout.isPositive()) {
            throw new IllegalArgumentException("timeouts are positive");
        }
    }

    private static void checkUrl(String what, URI url) {
        boolean http = "http".equalsIgnoreCase(url.getScheme()) || "https".equalsIgnoreCase(url.getScheme());
        if (!http
                || url.getHost() == null
                || url.getRawUserInfo() != null
                || url.getRawQuery() != null
                || url.getRawFragment() != null) {
            throw new IllegalArgumentException(
                    what + " is not http(s)://host:port without user information, query and fragment");
        }
    }

    /** Anonymous, with the defaults: 32 requests at one time, 5 s to connect, 60 s without progress. */
    public static RegistryEndpoint of(RegistryHost registry, URI baseUrl) {
        return new RegistryEndpoint(
                registry,
                baseUrl,
                CredentialSource.NONE,
                TlsSettings.DEFAULT,
                Optional.empty(),
                Set.of(),
                32,
                true,
                Duration.ofSeconds(5),
                Duration.ofSeconds(60));
    }

    /** This, with credentials. */
    public RegistryEndpoint withCredentials(CredentialSource source) {
        return new RegistryEndpoint(
                registry,
                baseUrl,
                source,
                tls,
                httpProxy,
                trustedRealmHosts,
                maxConcurrentRequests,
                servesClients,
                connectTimeout,
                progressTimeout);
    }

    /** This, with other TLS settings. */
    public RegistryEndpoint withTls(TlsSettings settings) {
        return new RegistryEndpoint(
                registry,
                baseUrl,
                credentials,
                settings,
                httpProxy,
                trustedRealmHosts,
                maxConcurrentRequests,
                servesClients,
                connectTimeout,
                progressTimeout);
    }

    /** This, through an HTTP proxy. */
    public RegistryEndpoint withHttpProxy(URI proxy) {
        return new RegistryEndpoint(
                registry,
                baseUrl,
                credentials,
                tls,
                Optional.of(proxy),
                trustedRealmHosts,
                maxConcurrentRequests,
                servesClients,
                connectTimeout,
                progressTimeout);
    }

    /** This, with other hosts whose token services may be sent the credentials. */
    public RegistryEndpoint withTrustedRealmHosts(Set<RegistryHost> hosts) {
        return new RegistryEndpoint(
                registry,
                baseUrl,
                credentials,
                tls,
                httpProxy,
                hosts,
                maxConcurrentRequests,
                servesClients,
                connectTimeout,
                progressTimeout);
    }

    /** This, asked in the background alone, which may then have all requests. */
    public RegistryEndpoint withoutClients() {
        return new RegistryEndpoint(
                registry,
                baseUrl,
                credentials,
                tls,
                httpProxy,
                trustedRealmHosts,
                maxConcurrentRequests,
                false,
                connectTimeout,
                progressTimeout);
    }

    /** This, with another number of requests at one time. */
    public RegistryEndpoint withMaxConcurrentRequests(int count) {
        return new RegistryEndpoint(
                registry,
                baseUrl,
                credentials,
                tls,
                httpProxy,
                trustedRealmHosts,
                count,
                servesClients,
                connectTimeout,
                progressTimeout);
    }

    /** This, with other timeouts. */
    public RegistryEndpoint withTimeouts(Duration connect, Duration progress) {
        return new RegistryEndpoint(
                registry,
                baseUrl,
                credentials,
                tls,
                httpProxy,
                trustedRealmHosts,
                maxConcurrentRequests,
                servesClients,
                connect,
                progress);
    }

    /** Whether this is Docker Hub, by its name in references or by where it is. */
    boolean isDockerHub() {
        return registry.isDockerHub() || HUB_HOSTS.contains(baseUrl.getHost().toLowerCase(Locale.ROOT));
    }

    /** Bodies of blobs at one time: they may be slow for long, and must not keep short requests from being made. */
    public int maxConcurrentBodies() {
        return BODIES_PER_REQUEST * maxConcurrentRequests;
    }
}
